"""Documents from and to files through the window: saving, dropping, what is damaged, the question before changes go."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog

from app.cli import open_named
from engine.document import Document


def edit(window):
    window.editor.set_title("hidden", "first layer")


def test_a_name_from_the_command_line_that_is_nothing_is_told_in_its_place(qtbot, window):
    """Before, the sentence did not say which file, and lay over the menus of a window that was not shown yet."""
    window.hide()
    assert not open_named(window, "xro")
    window.resize(1300, 760)
    window.show()
    assert "“xro”" in window.notice.text and "Did you mean “xor”?" in window.notice.text
    qtbot.waitUntil(lambda: abs(window.notice.geometry().center().x() - window.rooms.whole().center().x()) < 3)
    assert window.rooms.whole().contains(window.notice.geometry())
    assert not window.files.open_path(Path("nowhere/gone.json"))
    assert "there is no file “gone.json”" in window.notice.text


def test_saving_asks_for_a_name_once(qtbot, opened, tmp_path):
    path = tmp_path / "mine.json"
    asked = []
    opened.files.ask_save = lambda suggestion: asked.append(suggestion) or path
    edit(opened)
    assert opened.top_bar.crumbs.title.endswith("•")
    save = (Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(opened.workspace.canvas, *save)
    assert Document.load(path).graph.nodes["hidden"].title == "first layer"
    assert not opened.top_bar.crumbs.title.endswith("•")
    opened.editor.set_title("hidden", "again")
    qtbot.keyClick(opened.workspace.canvas, *save)
    assert len(asked) == 1
    assert Document.load(path).graph.nodes["hidden"].title == "again"
    assert opened.settings.recent == [path.resolve()]


def test_a_name_without_an_ending_gets_one(opened, tmp_path):
    opened.files.ask_save = lambda suggestion: tmp_path / "mine"
    assert opened.files.save_as()
    assert (tmp_path / "mine.json").is_file()


def test_the_dialog_adds_the_ending_itself_so_that_it_asks_before_writing_over_a_file(opened):
    endings = []

    def answer():
        dialog = next(each for each in QApplication.topLevelWidgets() if isinstance(each, QFileDialog))
        endings.append(dialog.defaultSuffix())
        dialog.reject()

    QTimer.singleShot(0, answer)
    assert not opened.files.save_as()
    assert endings == ["json"]


def test_a_folder_that_cannot_be_written_to_is_told(qtbot, opened, tmp_path):
    (tmp_path / "file").write_text("")
    opened.files.ask_save = lambda suggestion: tmp_path / "file" / "mine.json"
    assert not opened.files.save()
    assert opened.notice.isVisible()
    assert opened.has_document


def test_unsaved_changes_are_asked_for_before_something_else_opens(opened):
    asked = []
    opened.files.ask_unsaved = lambda: asked.append(1) or "cancel"
    edit(opened)
    assert not opened.files.open_preset("moons")
    assert opened.editor.document.id == "xor"
    opened.files.ask_unsaved = lambda: "discard"
    assert opened.files.open_preset("moons")
    assert opened.editor.document.id == "moons"
    assert asked == [1]


def test_saving_from_the_question_saves(opened, tmp_path):
    opened.files.ask_unsaved = lambda: "save"
    opened.files.ask_save = lambda suggestion: tmp_path / "kept.json"
    edit(opened)
    assert opened.files.open_preset("moons")
    assert Document.load(tmp_path / "kept.json").graph.nodes["hidden"].title == "first layer"


def test_closing_can_be_taken_back(opened):
    edit(opened)
    opened.files.ask_unsaved = lambda: "cancel"
    opened.close()
    assert opened.isVisible()
    assert opened.runner.is_alive


def test_a_document_that_is_dropped_opens(qtbot, window, shelf):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(shelf / "basics" / "moons.json"))])
    arguments = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(400, 300), *arguments)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    window.dropEvent(QDropEvent(QPointF(400, 300), *arguments))
    qtbot.waitUntil(lambda: window.editor.document.id == "moons")
    assert window.files.path == shelf / "basics" / "moons.json"


def test_a_picture_that_is_dropped_is_not_taken_for_a_document(window):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/nowhere/cat.png")])
    enter = QDragEnterEvent(
        QPoint(400, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    enter.ignore()
    window.dragEnterEvent(enter)
    assert not enter.isAccepted()


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", '{"chainrule": 1, "graph": {"nodes": [{"id": "n", "type": "dens"}]}}']
)
def test_a_damaged_file_opens_as_far_as_it_is_sound(qtbot, window, tmp_path, content):
    path = tmp_path / "damaged.json"
    path.write_text(content)
    window.files.open_path(path)
    assert window.has_document
    qtbot.waitUntil(lambda: window.top_bar.problems.text().strip() != "No problems")


def test_a_file_that_is_not_there_is_told(window, tmp_path):
    assert not window.files.open_path(tmp_path / "nowhere.json")
    assert window.notice.isVisible()


def test_a_view_that_is_put_away_is_away_after_saving_and_opening(opened, tmp_path):
    for name in ("loss", "boundary"):
        opened.commands.run(f"views.{name}")
    assert not opened.workspace.is_shown("views")
    opened.files.save_to(tmp_path / "bare.json")
    opened.files.open_preset("moons")
    assert opened.workspace.is_shown("views")
    opened.files.open_path(tmp_path / "bare.json")
    assert not opened.workspace.is_shown("views")
