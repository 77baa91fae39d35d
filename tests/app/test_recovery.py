"""What a crash leaves behind is offered and brought back with its history."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.recovery import Keeper
from engine.document import Document


@pytest.fixture
def crashed(opened, tmp_path):
    """The folder of journals as a killed process leaves it: a copy made in the middle of the work."""
    opened.editor.set_title("hidden", "first layer")
    opened.editor.move(["hidden"], 40, 0)
    journal = opened.keeper.journal.path
    folder = tmp_path / "left"
    folder.mkdir()
    (folder / journal.name).write_bytes(journal.read_bytes())
    return folder


def start_again(window, folder):
    """The same window as after a new start: another folder of journals."""
    window.files.ask_unsaved = lambda: "discard"
    window.keeper._folder = folder
    window.show_gallery()


def button(window, text):
    found = window.gallery.recovery.findChildren(QPushButton)
    return next(each for each in found if each.text() == text and each.isVisible())


def test_work_is_offered_and_comes_back_with_its_history(qtbot, opened, crashed):
    start_again(opened, crashed)
    assert opened.gallery.recovery.isVisible()
    qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    graph = opened.editor.document.graph
    assert (graph.nodes["hidden"].title, graph.nodes["hidden"].position[0]) == ("first layer", 280)
    assert opened.files.is_modified
    opened.editor.stack.undo()
    assert opened.editor.document.graph.nodes["hidden"].position[0] == 240
    opened.editor.stack.undo()
    assert opened.editor.document.graph.nodes["hidden"].title == "hidden"


def test_work_that_came_back_is_kept_on(qtbot, opened, crashed):
    start_again(opened, crashed)
    qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    opened.editor.set_title("output", "last layer")
    (journal,) = crashed.iterdir()
    assert "last layer" in journal.read_text()


def test_work_that_is_not_wanted_goes(qtbot, opened, crashed):
    start_again(opened, crashed)
    qtbot.mouseClick(button(opened, "Discard"), Qt.MouseButton.LeftButton)
    assert not opened.gallery.recovery.isVisible()
    assert list(crashed.iterdir()) == []


def test_nothing_is_offered_after_a_proper_end(qtbot, opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    opened.files.ask_unsaved = lambda: "discard"
    opened.close()
    assert Keeper(tmp_path / "journals").lost() == []


def test_the_document_in_hand_is_not_offered_to_a_second_window(opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    assert Keeper(tmp_path / "journals").lost() == []


def test_saving_starts_the_journal_anew(opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    opened.files.save_to(tmp_path / "mine.json")
    lines = opened.keeper.journal.path.read_text().splitlines()
    assert len(lines) == 1
    opened.editor.stack.undo()
    assert len(opened.keeper.journal.path.read_text().splitlines()) == 2


def test_a_keeper_for_pictures_writes_nothing(tmp_path):
    keeper = Keeper(tmp_path / "none", keeps=False)
    assert keeper.begin(Document(), None) is None
    assert keeper.lost() == []
    assert not (tmp_path / "none").exists()


def test_a_journal_that_cannot_be_read_is_told(qtbot, opened, crashed):
    start_again(opened, crashed)
    (journal,) = crashed.iterdir()
    journal.write_text("nonsense\n")
    qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    assert opened.notice.isVisible()
    assert opened.editor.document.id == "xor"
