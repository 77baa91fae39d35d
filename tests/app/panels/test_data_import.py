"""The dialog of a CSV file: what is understood is seen, doubts are answered by hand, the rows come in as one step."""

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from app.editor import Editor
from app.panels.data_fit import fits_of
from app.panels.data_import import DataImport
from engine.datasets.csv_table import CsvFile

TABLE = "a;b;kind\n1,5;2;red\n2,5;x;green\n3,5;4;blue\n4,5;5;red\n5,5;6;red;7\n" + "2,5;7;green\n" * 20
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def editor(document):
    return Editor(document)


@pytest.fixture
def opened_dialog(qtbot, editor, tmp_path):
    """A function that opens the dialog on a text and waits until it is understood; every thread has ended afterwards."""
    made = []

    def open_dialog(content, name="points.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        dialog = DataImport(editor, path)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(dialog)
        made.append(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.progress.isHidden())
        return dialog

    yield open_dialog
    for dialog in made:
        dialog.close()
        assert not dialog.reader.is_alive


def choose(qtbot, dialog, box, key):
    box.setCurrentIndex(box.findData(key))
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: dialog.progress.isHidden())


def test_the_first_rows_are_shown_as_they_will_be_understood(opened_dialog):
    dialog = opened_dialog(TABLE)
    table = dialog.table
    assert [table.horizontalHeaderItem(place).text() for place in range(3)] == ["a", "b", "kind"]
    assert [table.item(2, place).text() for place in range(3)] == ["1.5", "2", "red"]
    assert table.verticalHeaderItem(2).text() == "2" and table.verticalHeaderItem(3).text() == "4"
    assert [box.currentData() for box in table.roles] == ["input", "input", "target"]


def test_bad_lines_are_listed_with_their_numbers(opened_dialog):
    dialog = opened_dialog(TABLE)
    assert dialog.bad_title.text() == "2 lines are left out"
    assert dialog.bad.toPlainText().splitlines() == [
        "Line 3: “x” under “b” is no number", "Line 6: it has 4 cells, and there are 3 columns",
    ]  # fmt: skip


def test_every_doubt_has_a_sign_and_a_choice_that_is_heard(qtbot, opened_dialog):
    dialog = opened_dialog(TABLE)
    row = dialog.rows["kind:1"]
    assert row.question.is_open and next(iter(dialog.rows)) in ("kind:1", "target")
    choose(qtbot, dialog, row.choice, "words")
    assert dialog.answers["kind:1"] == "words" and dialog.found.input_names[1:] != ["b"]
    choose(qtbot, dialog, dialog.rows["target"].choice, "0")
    assert dialog.table.roles[0].currentData() == "target" and not dialog.rows["target"].question.is_open
    choose(qtbot, dialog, dialog.table.roles[2], "out")
    assert dialog.table.roles[2].currentData() == "out"


def test_rows_and_sizes_of_the_graph_come_in_as_one_step(qtbot, opened_dialog, editor):
    dialog = opened_dialog(TABLE)
    assert dialog.answers["one_hot"] == "columns"  # the loss of this graph takes no class numbers
    assert "“output” gets 3 units" in dialog.fit.text()
    qtbot.mouseClick(dialog.use, LEFT)
    nodes = editor.document.graph.nodes
    assert editor.stack.count() == 1 and editor.stack.undoText() == "Import points.csv"
    assert nodes["output"].properties["units"] == 3 and tuple(nodes["target_1"].properties["shape"]) == (3,)
    data = editor.document.load_data()[0]
    assert data.inputs.shape == (23, 2) and data.targets.shape == (23, 3)
    assert "Read from points.csv." in data.preparation and "2 lines were left out." in data.preparation
    editor.stack.undo()
    assert editor.document.data == {"train": {"name": "xor"}}
    assert editor.document.graph.nodes["output"].properties["units"] == 1


def test_the_graph_can_be_left_as_it_is(qtbot, opened_dialog, editor):
    dialog = opened_dialog(TABLE)
    dialog.fit.setChecked(False)
    dialog.take()
    assert editor.document.graph.nodes["output"].properties["units"] == 1
    assert editor.document.data["train"]["name"] == "values"


def test_nothing_happens_to_the_document_on_cancel(qtbot, opened_dialog, editor):
    dialog = opened_dialog(TABLE)
    qtbot.mouseClick(dialog.cancel, LEFT)
    assert editor.stack.count() == 0 and not dialog.reader.is_alive


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n" + bytes(90), "is a picture"),
        (bytes(range(256)) * 9, "bytes that are no text"),
    ],
)
def test_what_is_no_table_is_answered_in_the_dialog(opened_dialog, content, words):
    dialog = opened_dialog(content)
    assert words in dialog.problem.text() and not dialog.use.isEnabled()


def test_a_file_of_100_mb_is_refused_without_being_read(opened_dialog, tmp_path, qtbot, editor):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    dialog = DataImport(editor, path)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: not dialog.problem.isHidden())
    assert dialog.problem.text() == "“huge.csv” has 100 MB; a table takes up to 64 MB. Keep fewer lines or columns."
    dialog.close()
    assert not dialog.reader.is_alive


def test_a_table_without_a_target_says_so_until_one_is_chosen(qtbot, opened_dialog):
    dialog = opened_dialog(TABLE)
    choose(qtbot, dialog, dialog.table.roles[2], "input")
    assert dialog.problem.text().startswith("No column is the target") and not dialog.use.isEnabled()
    choose(qtbot, dialog, dialog.table.roles[0], "target")
    assert dialog.problem.isHidden() and dialog.use.isEnabled()


def test_a_large_table_is_kept_beside_the_document(qtbot, opened_dialog, editor, tmp_path):
    rows = np.random.default_rng(0).normal(size=(26_000, 4))
    text = "a,b,c,y\n" + "\n".join(",".join(map(str, row)) for row in rows.tolist())
    dialog = opened_dialog(text, "large.csv")
    assert "save the document first" in dialog.problem.text().lower()
    editor.document.folder = tmp_path
    dialog.show_found(dialog.found)
    with qtbot.waitSignal(dialog.imported):
        qtbot.mouseClick(dialog.use, LEFT)
    assert editor.document.data["train"]["path"] == "large rows.csv"
    data = editor.document.load_data()[0]
    assert np.array_equal(np.c_[data.inputs, data.targets], rows)


def test_reading_ends_when_the_dialog_is_closed_in_the_middle(qtbot, editor, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("a,b,y\n" + "1,2,3\n" * 400_000)
    dialog = DataImport(editor, path)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    QApplication.processEvents()
    dialog.reject()
    assert not dialog.reader.is_alive


def test_a_graph_that_fits_is_left_alone(document):
    found = CsvFile(b"a,b,target\n1,2,0\n3,4,1\n", "x.csv").understand()
    assert fits_of(document, found) == []
    wide = CsvFile(b"a,b,c,target\n1,2,3,0\n3,4,5,1\n", "x.csv").understand()
    assert [(fit.node, fit.name, fit.value) for fit in fits_of(document, wide)] == [("input_1", "shape", (3,))]


def drop(window, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    at = QPointF(window.rect().center())
    for kind in (QDragEnterEvent, QDropEvent):
        place = at.toPoint() if kind is QDragEnterEvent else at
        event = kind(place, Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(window, event)
        assert event.isAccepted()


def test_a_table_dropped_on_the_window_opens_the_dialog(qtbot, opened, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("a,b,target\n0,1,0\n1,0,1\n2,0,1\n")
    drop(opened, path)
    qtbot.waitUntil(lambda: opened.findChild(DataImport) is not None)
    dialog = opened.findChild(DataImport)
    qtbot.waitUntil(dialog.use.isEnabled)
    qtbot.mouseClick(dialog.use, LEFT)
    assert opened.editor.document.load_data()[0].inputs.tolist() == [[0, 1], [1, 0], [2, 0]]
    assert opened.editor.stack.undoText() == "Import points.csv"


def test_a_table_dropped_on_the_gallery_says_what_to_do(qtbot, window, tmp_path):
    (tmp_path / "points.csv").write_text("1,2\n")
    drop(window, tmp_path / "points.csv")
    qtbot.waitUntil(window.notice.isVisible)
    assert "Open a document first" in window.notice.text
