"""Saving pictures and films from the window, by the buttons of the dialogs."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from shiboken6 import isValid

from app.capture.dialogs import FilmDialog, PictureDialog, open_film_dialog, open_picture_dialog
from app.views import View
from tests.app.shown import iteration


@pytest.fixture
def picture(opened):
    made = open_picture_dialog(opened)
    yield made
    if isValid(made):
        made.close()


@pytest.fixture
def film(qtbot, opened):
    made = open_film_dialog(opened)
    qtbot.waitUntil(lambda: made.plan.seed is not None)
    made.frame_size.setCurrentIndex(0)
    yield made
    if isValid(made):
        made.close()


def choose(box, words):
    box.setCurrentIndex(next(index for index in range(box.count()) if words in box.itemText(index)))


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_both_stand_in_the_file_menu(opened):
    texts = [command.title for command in opened.commands if command.menu == "File"]
    assert {"Save picture…", "Save film…"} <= set(texts)
    opened.commands.run("file.picture")
    opened.commands.run("file.film")
    assert opened.findChild(PictureDialog).isVisible() and opened.findChild(FilmDialog).isVisible()


@pytest.mark.parametrize(("words", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("SVG", ".svg")])
def test_the_graph_is_saved_in_the_format_chosen(qtbot, picture, tmp_path, words, suffix):
    choose(picture.format, words)
    choose(picture.scale, "1 ×")
    picture.ask_path = lambda suggestion, filter: tmp_path / "graph"
    assert "pixels" in picture.words.text()
    size = picture.words.text().split(" pixels")[0]
    press(qtbot, picture.save)
    saved = QImage(str(tmp_path / f"graph{suffix}"))
    assert f"{saved.width()} × {saved.height()}" == size


def test_the_picture_shows_the_numbers_of_now(qtbot, opened, tmp_path):
    contents = []
    for name in ("before.svg", "after.svg"):
        dialog = open_picture_dialog(opened)
        choose(dialog.format, "SVG")
        dialog.ask_path = lambda suggestion, filter, name=name: tmp_path / name
        press(qtbot, dialog.save)
        contents.append((tmp_path / name).read_text())
        opened.runner.step("iteration")
        # Not just any snapshot: one of before may still be on its way.
        qtbot.waitUntil(lambda: iteration(opened) == len(contents))
        opened.workspace.canvas.catch_up()
    assert contents[0] != contents[1]


@pytest.mark.parametrize("scale", [1, 2])
def test_a_view_and_the_window_are_saved_as_large_as_they_are(qtbot, picture, opened, tmp_path, scale):
    view = next(view for view in opened.findChildren(View) if view.isVisible())
    for words, size in ((view.title, view.size()), ("Whole window", opened.size())):
        dialog = open_picture_dialog(opened)
        choose(dialog.what, words)
        choose(dialog.scale, f"{scale} ×")
        dialog.ask_path = lambda suggestion, filter: tmp_path / "part.png"
        press(qtbot, dialog.save)
        saved = QImage(str(tmp_path / "part.png"))
        assert saved.width() == size.width() * scale
        assert saved.height() >= size.height() * scale


def test_nothing_is_saved_where_nobody_says_where(qtbot, picture, tmp_path):
    picture.ask_path = lambda suggestion, filter: None
    press(qtbot, picture.save)
    assert picture.isVisible()


def test_a_picture_that_cannot_be_written_is_told_in_the_dialog(qtbot, picture, tmp_path):
    (tmp_path / "file").write_text("")
    picture.ask_path = lambda suggestion, filter: tmp_path / "file" / "graph.png"
    press(qtbot, picture.save)
    assert picture.isVisible()
    assert "cannot be written" in picture.words.text()


def test_a_film_is_recorded_while_the_document_stays_as_it_is(qtbot, film, opened, tmp_path):
    film.span.setValue(6)
    choose(film.unit, "steps")
    film.ask_path = lambda suggestion, filter: tmp_path / "film"
    document, iterations = opened.editor.document, []
    opened.runner.snapshot_ready.connect(lambda snapshot: iterations.append(snapshot.iteration))
    assert film.words.text().startswith("7 frames, 0.6 s")
    press(qtbot, film.save)
    assert film.cancel.text() == "Cancel" and not film.save.isEnabled()
    qtbot.waitUntil(lambda: film.save.isEnabled())
    assert str(tmp_path / "film.gif") in film.words.text()
    with Image.open(tmp_path / "film.gif") as saved:
        assert (saved.size, getattr(saved, "n_frames", 1)) == ((640, 400), 7)
    assert opened.editor.document is document and opened.editor.stack.isClean()
    assert set(iterations) <= {0}


def test_the_window_can_be_used_while_a_film_is_recorded(qtbot, film, opened, tmp_path):
    film.span.setValue(400)
    film.ask_path = lambda suggestion, filter: tmp_path / "film.gif"
    press(qtbot, film.save)
    with qtbot.waitSignal(opened.runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 1):
        opened.runner.step("iteration")
    opened.editor.move(["hidden"], 24, 0)
    assert film.recorder is not None
    qtbot.waitUntil(lambda: film.save.isEnabled())
    assert (tmp_path / "film.gif").exists()


def test_a_film_starts_from_the_random_numbers_of_the_window(qtbot, film, opened, tmp_path):
    opened.runner.reset(11)
    qtbot.waitUntil(lambda: film.plan.seed == 11)


def begun(qtbot, film, folder):
    """The runner of a long film that is being written."""
    film.span.setValue(5000)
    film.frames.setValue(400)
    film.ask_path = lambda suggestion, filter: folder / "film.gif"
    press(qtbot, film.save)
    return film._studio.runner


def test_cancel_leaves_no_file_and_no_thread(qtbot, film, opened, tmp_path):
    runner = begun(qtbot, film, tmp_path)
    recorder = film.recorder
    qtbot.waitUntil(lambda: film.bar.value() > 2)
    press(qtbot, film.cancel)
    assert not runner.is_alive
    assert recorder is not None and list(tmp_path.glob("*.gif*")) == list(tmp_path.glob(".*.tmp")) == []


def test_escape_gives_the_film_up_as_cancel_does(qtbot, film, opened, tmp_path):
    """Before, it went on behind a dialog that was gone: a file that nobody wanted, and a crash report."""
    runner = begun(qtbot, film, tmp_path)
    qtbot.waitUntil(lambda: film.bar.value() > 2)
    qtbot.keyClick(film, Qt.Key.Key_Escape)
    assert not runner.is_alive
    assert not list(tmp_path.glob("*.gif"))


def test_closing_the_window_ends_the_film(qtbot, film, opened, tmp_path):
    runner = begun(qtbot, film, tmp_path)
    opened.files.ask_unsaved = lambda: "discard"
    opened.close()
    assert not runner.is_alive
    assert not list(tmp_path.glob("*.gif"))


def test_what_no_film_can_be_is_told_and_nothing_runs(qtbot, film, tmp_path):
    film.frames.setValue(2000)
    film.span.setValue(100_000)
    choose(film.frame_size, "1920")
    film.ask_path = lambda suggestion, filter: tmp_path / "film.gif"
    press(qtbot, film.save)
    assert "too much memory" in film.words.text()
    assert film.save.isEnabled() and film.recorder is None


def test_two_films_of_one_dialog_differ_by_their_view(qtbot, film, tmp_path):
    last = []
    for words in ("Loss", "Decision boundary"):
        choose(film.what, words)
        film.span.setValue(20)
        film.frames.setValue(3)
        film.ask_path = lambda suggestion, filter: tmp_path / "film.gif"
        press(qtbot, film.save)
        qtbot.waitUntil(lambda: film.save.isEnabled())
        with Image.open(tmp_path / "film.gif") as saved:
            saved.seek(2)
            last.append(np.asarray(saved.convert("RGB")))
    assert (last[0] != last[1]).mean() > 0.05
