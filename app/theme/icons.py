"""Icons: Lucide's drawings in a colour of the theme, sharp at every scale."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

STROKE = "1.5"
UNKNOWN = "puzzle"  # stands for a name that a document brought along
RATIOS = (1.0, 2.0)  # an icon carries both; Qt scales the larger one for ratios between and beyond


@cache
def _folder() -> Traversable:
    return files("resources").joinpath("icons")


@cache
def icon_names() -> tuple[str, ...]:
    """Every icon that `icon_svg` knows."""
    names = [entry.name for entry in _folder().iterdir()]
    return tuple(sorted(name.removesuffix(".svg") for name in names if name.endswith(".svg")))


@cache
def icon_source(name: str) -> str:
    """The drawing as it lies in the package. Raises KeyError for a name that is not bundled."""
    entry = _folder().joinpath(f"{name}.svg")
    if not entry.is_file():
        raise KeyError(f"no icon is called {name!r}")
    return entry.read_text(encoding="utf-8")


def icon_svg(name: str, colour: str) -> str:
    """The drawing with the theme's stroke, in `colour` (`#RRGGBB`); a composite's own icon may be one that is not bundled."""
    known = name if name in icon_names() else UNKNOWN
    return (
        icon_source(known).replace("currentColor", colour).replace('stroke-width="2"\n', f'stroke-width="{STROKE}"\n')
    )


@cache
def icon_pixmap(name: str, colour: str, size: float, ratio: float) -> QPixmap:
    """The icon as a picture of `size` device-independent pixels for a screen with `ratio` pixels per one of them."""
    pixels = max(1, round(size * ratio))
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(icon_svg(name, colour).encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def paint_icon(painter: QPainter, area: QRectF, name: str, colour: str) -> None:
    """The icon in vectors, for a painter that does not paint pixels."""
    QSvgRenderer(QByteArray(icon_svg(name, colour).encode())).render(painter, area)


@cache
def make_icon(name: str, colour: str, disabled: str, size: float) -> QIcon:
    """An icon for buttons and menus, in `colour`, and in `disabled` where it cannot be used."""
    icon = QIcon()
    for ratio in RATIOS:
        icon.addPixmap(icon_pixmap(name, colour, size, ratio), QIcon.Mode.Normal)
        icon.addPixmap(icon_pixmap(name, disabled, size, ratio), QIcon.Mode.Disabled)
    return icon
