"""Pictures: the files are read back and looked at."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.capture.film import pixels_of
from app.capture.pictures import image_of, save_picture, svg_of
from app.capture.studio import Studio
from app.capture.subjects import CanvasSubject, WidgetSubject
from app.headless import Moment, play, wait_until
from app.theme import current_theme
from engine.document import Document
from engine.problems import ProblemError


@pytest.fixture
def canvas(document):
    made = CanvasSubject(document.copy())
    yield made
    made.close()


def drawn(svg: bytes) -> QImage:
    """An SVG in pixels, as a program that shows it draws it."""
    renderer = QSvgRenderer(svg)
    assert renderer.isValid()
    image = QImage(renderer.defaultSize(), QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    return image


def channels(image: QImage) -> np.ndarray:
    packed = pixels_of(image)
    return np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=-1).astype(int)


def problem_of(act) -> str:
    with pytest.raises(ProblemError) as caught:
        act()
    return str(caught.value.problems[0])


def test_a_picture_of_the_canvas_has_the_size_of_its_graph_and_its_colours(tmp_path, canvas):
    save_picture(canvas, tmp_path / "graph.png")
    picture = QImage(str(tmp_path / "graph.png"))
    assert picture.size() == canvas.size
    assert picture.pixelColor(1, 1) == current_theme().colour("canvas")
    assert len(np.unique(pixels_of(picture))) > 100


def test_a_scale_makes_more_pixels_of_the_same_picture(tmp_path, canvas):
    save_picture(canvas, tmp_path / "graph.png", 2.0)
    picture = QImage(str(tmp_path / "graph.png"))
    assert picture.size() == canvas.size * 2
    assert picture.devicePixelRatio() == 1.0


def test_any_size_shows_the_whole_graph_in_its_middle(document):
    for size in ((200, 160), (1600, 400), (2400, 2400)):
        subject = CanvasSubject(document.copy(), size)
        picture = pixels_of(image_of(subject))
        is_drawn = picture != pixels_of(image_of(subject))[0, 0]
        rows, columns = np.nonzero(is_drawn.any(axis=1))[0], np.nonzero(is_drawn.any(axis=0))[0]
        assert picture.shape == size[::-1]
        assert rows[0] > 0 and rows[-1] < size[1] - 1 and columns[0] > 0 and columns[-1] < size[0] - 1
        assert abs((columns[0] + columns[-1]) / 2 - size[0] / 2) < 0.06 * size[0]
        subject.close()


def test_a_jpeg_is_a_jpeg(tmp_path, canvas):
    save_picture(canvas, tmp_path / "graph.jpg")
    assert (tmp_path / "graph.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    assert QImage(str(tmp_path / "graph.jpg")).size() == canvas.size


def test_an_svg_shows_what_the_png_shows(canvas):
    png, svg = channels(image_of(canvas)), channels(drawn(svg_of(canvas)))
    difference = np.abs(png - svg).max(axis=-1)
    assert difference.mean() < 0.6
    assert (difference > 60).mean() < 0.004  # text is laid out to fractions of a pixel there


def test_in_an_svg_text_is_text_in_named_fonts_and_wires_and_formulas_are_paths(canvas):
    svg = svg_of(canvas, title="XOR").decode()
    assert "<title>XOR</title>" in svg
    assert ">hidden</text>" in svg and ">prediction</text>" in svg
    assert 'font-family="Inter"' in svg and 'font-family="JetBrains Mono"' in svg
    assert "Helvetica" in svg  # for readers without these
    assert svg.count("<path") > 40 and "<image" not in svg  # icons too
    assert "non-scaling-stroke" not in svg  # lines grow with the picture
    assert 'stroke="#000000" stroke-opacity="1" stroke-width="1" stroke-linecap="butt"' not in svg


def test_an_svg_of_another_size_holds_the_same_drawing(document):
    large, small = (CanvasSubject(document.copy(), size, vector=True) for size in (None, (300, 200)))
    svg = svg_of(small).decode()
    assert 'width="300" height="200"' in svg
    assert svg.count("<text") == svg_of(large).decode().count("<text")
    for subject in (large, small):
        subject.close()


def test_a_picture_of_the_canvas_shows_the_numbers_of_its_moment(document):
    with Studio(document) as studio:
        before = pixels_of(image_of(studio.subject))
        studio.subject.show_snapshot(play(studio.runner, Moment(iterations=5, steps=3)))
        assert ">value</text>" in svg_of(studio.subject).decode()
        assert (before != pixels_of(image_of(studio.subject))).any()


def test_a_view_is_drawn_once_its_answer_has_come(document, tmp_path):
    with Studio(document, "boundary", (480, 360)) as studio:
        studio.subject.show_snapshot(play(studio.runner, Moment(epochs=30)))
        assert studio.subject.is_waiting
        wait_until(lambda: not studio.subject.is_waiting)
        save_picture(studio.subject, tmp_path / "boundary.png")
    picture = QImage(str(tmp_path / "boundary.png"))
    assert (picture.width(), picture.height()) == (480, 360)
    colours = channels(picture)[60:300, 60:260].reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 60  # a field, no sentence


def test_in_the_svg_of_a_view_axes_and_legend_are_text(document):
    with Studio(document, "boundary", (480, 360)) as studio:
        studio.subject.show_snapshot(play(studio.runner, Moment(iterations=9)))
        wait_until(lambda: not studio.subject.is_waiting)
        svg = svg_of(studio.subject).decode()
    assert ">target 1</text>" in svg and ">iteration 9</text>" in svg and ">0.5</text>" in svg


def test_the_window_is_drawn_and_its_canvas_keeps_its_caches(opened, tmp_path):
    items = opened.workspace.canvas.canvas.items()
    modes = [item.cacheMode() for item in items]
    subject = WidgetSubject(opened)
    save_picture(subject, tmp_path / "window.svg")
    save_picture(subject, tmp_path / "window.png")
    assert [item.cacheMode() for item in items] == modes
    assert QImage(str(tmp_path / "window.png")).size() == opened.size()
    assert ">hidden</text>" in (tmp_path / "window.svg").read_text()


# what cannot be done -------------------------------------------------------------------------------------------------


def test_an_unknown_ending_is_told_with_those_that_are_known(tmp_path, canvas):
    told = problem_of(lambda: save_picture(canvas, tmp_path / "graph.docx"))
    assert "“.docx”" in told and ".png, .svg" in told
    assert "“graph”" in problem_of(lambda: save_picture(canvas, tmp_path / "graph"))


@pytest.mark.parametrize(
    ("size", "scale", "words"),
    [
        ((1_000_000, 10), 1.0, "1000000 × 10 pixels is no size"),
        ((12_000, 12_000), 1.0, "too many for a picture"),
        ((4, 4), 1.0, "from 16 to 16384"),
        ((400, 400), 0.0, "a scale of 0 cannot be drawn"),
        ((400, 400), float("nan"), "a scale of nan cannot be drawn"),
    ],
)
def test_sizes_that_no_picture_has_are_told_before_anything_is_drawn(document, tmp_path, size, scale, words):
    subject = CanvasSubject(document.copy(), size)
    assert words in problem_of(lambda: save_picture(subject, tmp_path / "graph.png", scale))
    assert list(tmp_path.iterdir()) == []
    subject.close()


def test_an_empty_canvas_cannot_be_drawn(qapp):
    assert "the canvas is empty" in problem_of(lambda: CanvasSubject(Document()))


def test_a_view_that_is_not_there_is_told_with_the_nearest(document):
    assert "Did you mean “boundary”?" in problem_of(lambda: Studio(document, "boundry"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path, canvas):
    (tmp_path / "file").write_text("")
    assert "“x.png” cannot be written" in problem_of(lambda: save_picture(canvas, tmp_path / "file" / "x.png"))
    (tmp_path / "taken.png").mkdir()
    assert "a folder has that name" in problem_of(lambda: save_picture(canvas, tmp_path / "taken.png"))


def test_a_full_disk_is_told_and_leaves_the_old_picture(tmp_path, canvas, monkeypatch):
    path = tmp_path / "graph.png"
    path.write_bytes(b"the old one")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    told = problem_of(lambda: save_picture(canvas, path))
    assert "no space left" in told and "free some space" in told.lower()
    assert path.read_bytes() == b"the old one"
    assert [each.name for each in Path(tmp_path).iterdir()] == ["graph.png"]
