"""Pictures: a subject as PNG, JPEG or SVG, encoded in memory and put into the file at once."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from app.capture.limits import PICTURES, check_folder, check_name, check_size
from app.capture.subjects import Subject
from app.theme import current_theme
from app.theme.target import painting_into
from engine.problems import Problem, ProblemError
from engine.schema_files import write_file

JPEG_QUALITY = 94
# For readers without our fonts. Qt's own would take a list of names for one name, and passes over this rule.
FALLBACKS = """<style>@supports (display: block) {
[font-family="Inter"] { font-family: Inter, Helvetica, Arial, sans-serif }
[font-family="JetBrains Mono"] { font-family: "JetBrains Mono", Menlo, Consolas, monospace }
}</style>
"""


def save_picture(subject: Subject, path: Path, scale: float = 1.0, title: str = "") -> None:
    """Write a picture in the format that the name says. Raises `ProblemError` with the reason why not.

    scale  pixels for each one of the subject's size; an SVG has no pixels, only its size grows
    """
    check_name(path, PICTURES)
    check_size(subject.size.width(), subject.size.height(), scale)
    check_folder(path)
    is_vector = path.suffix.lower() == ".svg"
    write_file(path, svg_of(subject, scale, title) if is_vector else _encoded(image_of(subject, scale), path))


def image_of(subject: Subject, scale: float = 1.0) -> QImage:
    """The subject in pixels. Raises `ProblemError` where there is not enough memory for them."""
    image = QImage(subject.size * scale, QImage.Format.Format_RGB32)
    if image.isNull():
        fact = f"there is no memory for {round(subject.size.width() * scale)} × {round(subject.size.height() * scale)}"
        raise ProblemError(Problem(f"{fact} pixels", "Choose a smaller size or scale.", kind="limit"))
    image.setDevicePixelRatio(scale)
    image.fill(current_theme().colour("canvas"))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    with painting_into("pixels"):
        subject.paint(painter)
    painter.end()
    return image


def _encoded(image: QImage, path: Path) -> bytes:
    image.setDevicePixelRatio(1.0)  # else it would be written down, and programs would show the picture smaller
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, b"png" if path.suffix.lower() == ".png" else b"jpeg")
    if writer.format() == b"jpeg":
        writer.setQuality(JPEG_QUALITY)
    if not writer.write(image):
        mend = "Try a smaller picture, or another format."
        raise ProblemError(Problem("the picture cannot be encoded", mend, path=str(path), kind="file"))
    return bytes(buffer.data().data())


def svg_of(subject: Subject, scale: float = 1.0, title: str = "") -> bytes:
    """The subject in vectors: text is text, wires are paths, formulas are outlines."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setTitle(title)
    generator.setDescription("Drawn by Chainrule")
    generator.setSize(subject.drawing.toSize())
    generator.setViewBox(QRectF(0, 0, subject.drawing.width(), subject.drawing.height()))
    painter = QPainter(generator)
    with painting_into("vectors"):
        subject.paint(painter)
    painter.end()
    return tidied(content.data().decode(), subject.size * scale).encode()


# A pen whose brush is empty, as Qt's renderer of formulas and icons sets it, is written out as a black one.
_BLACK = f"#{0:06x}"
_EMPTY_PEN = (
    f'stroke="{_BLACK}" stroke-opacity="1" stroke-width="1" stroke-linecap="butt" stroke-linejoin="miter" '
    'stroke-miterlimit="4"'
)
_EMPTY_GROUP = re.compile(r"<g\b[^<>]*>\s*</g>\s*")


def tidied(svg: str, size: QSize) -> str:
    """What Qt writes, with what it gets wrong put right.

    Lines grow with the picture, empty pens are none, fonts have others to fall back on, sizes are in pixels.
    """
    svg = svg.replace(_EMPTY_PEN, 'stroke="none"')
    svg = svg.replace(' vector-effect="non-scaling-stroke"', "").replace(' vector-effect="none"', "")
    svg = svg.replace("<defs>", f"{FALLBACKS}<defs>", 1)
    svg = re.sub(
        r'<svg width="[^"]*" height="[^"]*"', f'<svg width="{size.width()}" height="{size.height()}"', svg, count=1
    )
    count = 1
    while count:  # a group that held only empty groups is empty itself
        svg, count = _EMPTY_GROUP.subn("", svg)
    return svg
