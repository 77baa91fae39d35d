"""The data panel: every set can be chosen, seen and prepared; nothing happens to the rows without a sentence."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from app.editor import Editor
from app.panels.data import DataPanel
from app.panels.data_preview import DataPreview, column_text
from app.panels.fields.properties import MOST_LINES
from app.theme import current_theme
from engine.datasets import describe, load, names

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def editor(document):
    return Editor(document)


@pytest.fixture
def panel(qtbot, editor):
    made = DataPanel(editor)
    made.resize(384, 1000)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def choose(row, value):
    row.editor.setCurrentIndex(row.editor.findData(value))
    row.editor.activated.emit(row.editor.currentIndex())


def said(panel):
    QApplication.processEvents()  # what was added to a layout is shown by the event loop
    return " ".join(label.text() for label in panel.findChildren(QLabel) if label.isVisible())


@pytest.mark.parametrize("name", [name for name in names() if not describe(name).reads_files])
def test_every_set_can_be_chosen_and_is_painted(panel, editor, name):
    choose(panel.choice, name)
    assert editor.document.data["train"]["name"] == name
    assert editor.document.load_data()[0] is not None
    assert set(panel.rows) == set(describe(name).options) - {"notes"}
    image = panel.preview.grab().toImage()
    colours = {image.pixel(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}
    assert len(colours) > 8


def test_a_choice_of_data_is_one_undo_step(panel, editor):
    choose(panel.choice, "moons")
    assert editor.stack.count() == 1
    editor.stack.undo()
    assert panel.choice.editor.currentData() == "xor"


def test_a_split_is_stated_and_its_rows_are_hollow(panel, editor):
    choose(panel.choice, "moons")
    row = panel.rows["test_fraction"]
    slider = row.editor.slider
    QTest.mousePress(slider, LEFT, pos=QPoint(6, 12))
    QTest.mouseMove(slider, QPoint(slider.width() // 4, 12))
    assert editor.stack.count() == 1
    QTest.mouseRelease(slider, LEFT, pos=QPoint(slider.width() // 4, 12))
    assert editor.stack.count() == 2
    assert editor.document.data["train"]["test_fraction"] > 0.1
    assert "training rows and" in said(panel)
    assert "(hollow)" in panel.preview._caption(load(editor.document.data["train"]))


def test_standardising_is_stated_and_so_is_doing_nothing(panel):
    assert "the inputs are not standardised" in said(panel)
    QTest.mouseClick(panel.rows["standardise"].editor, LEFT, pos=QPoint(8, 10))
    assert "Standardised: each feature less its mean" in said(panel)
    assert "the inputs are not standardised" not in said(panel)


def test_typed_values_begin_with_the_rows_of_before(panel, editor):
    choose(panel.choice, "values")
    assert editor.document.data["train"]["inputs"] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    box = panel.rows["inputs"].editor
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "0 0.5")
    QTest.keyClick(box, Qt.Key.Key_Return)
    QTest.keyClicks(box, "1 2")
    box.clearFocus()
    assert editor.document.data["train"]["inputs"] == [[0, 0.5], [1, 2]]
    assert "2 rows of inputs meet 4 rows of targets" in said(panel)


@pytest.mark.parametrize("count", [1, 4, 30])
@pytest.mark.parametrize("entries", [2, 40])
def test_typed_rows_are_never_cut_through(panel, editor, count, entries):
    """The last one in sight was: its digits lost their feet."""
    choose(panel.choice, "values")
    box = panel.rows["inputs"].editor
    box.setText("\n".join(" ".join("1" for _ in range(entries)) for _ in range(count)))
    QApplication.processEvents()
    cursor = box.textCursor()
    places = []
    for at in range(count):
        cursor.setPosition(box.document().findBlockByNumber(at).position())
        places.append(box.cursorRect(cursor))
    inside = [place for place in places if place.top() < box.viewport().height()]
    assert len(inside) == min(count, MOST_LINES)
    assert inside[-1].bottom() <= box.viewport().height()


def test_names_that_are_too_long_for_their_field_are_read_from_their_beginning(panel, editor):
    """“th (cm), petal width (cm)” stood there."""
    editor.set_data({"train": {"name": "iris", "features": ["petal length (cm)", "petal width (cm)"]}})
    entry = panel.rows["features"].editor
    assert entry.text() == "petal length (cm), petal width (cm)" and entry.cursorPosition() == 0


def test_rows_to_test_on_are_typed_by_their_numbers(panel, editor):
    choose(panel.choice, "values")
    row = panel.rows["test_rows"]
    row.editor.setFocus()
    QTest.keyClicks(row.editor, "3, 1")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert editor.document.data["train"]["test_rows"] == [1, 3]
    assert editor.document.load_data()[0].test_rows.tolist() == [1, 3]
    assert not row.problem.isVisible()
    editor.stack.undo()
    assert "test_rows" not in editor.document.data["train"]


def test_points_of_two_classes_have_two_colours(qtbot):
    preview = DataPreview()
    qtbot.addWidget(preview)
    preview.resize(320, 216)
    preview.show_data(load({"name": "xor"}))
    image = preview.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert {current_theme().colour(token).name() for token in ("pos", "neg")} <= colours


def test_a_column_of_numbers_has_as_many_places_as_it_needs():
    import numpy as np

    assert column_text(np.array([5.1, 3.0, -0.25])) == ["5.10", "3.00", "−0.25"]
    assert column_text(np.array([0.0, 2.0])) == ["0", "2"]


def test_where_imported_rows_come_from_is_said_instead_of_typed_by_hand(panel, editor):
    editor.set_data({"train": {"inputs": [[1], [2]], "targets": [0, 1], "notes": ["Read from points.csv."]}})
    assert panel.source.text() == "Read from points.csv." and "Typed by hand" not in said(panel)


def test_thousands_of_rows_are_shown_and_stand_in_no_field(panel, editor):
    editor.set_data({"train": {"inputs": [[1]] * 2000, "targets": [0, 1] * 1000}})
    assert panel.rows["inputs"].isHidden() and "2000 rows" in panel.preview.accessibleName()
