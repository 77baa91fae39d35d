"""What opens over the window: properties at the node, help on it with F1, and the history as a list."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.app.hand import Hand


def test_a_double_click_shows_the_properties_at_the_node_where_they_can_be_changed(qtbot, opened):
    canvas, overlay = opened.workspace.canvas, opened.node_settings
    opened.editor.add_node("scale", (260.0, 300.0))
    canvas.fit()
    Hand(canvas).double_click(canvas.canvas.area_of("scale_1").center())
    qtbot.waitUntil(overlay.isVisible)
    assert opened.rect().contains(overlay.geometry()) and overlay.isAncestorOf(QApplication.focusWidget())
    beside = opened.workspace.locate("scale_1")
    assert not overlay.geometry().intersects(beside.translated(opened.workspace.mapTo(opened, beside.topLeft() * 0)))
    field = QApplication.focusWidget()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not overlay.isVisible() and canvas.hasFocus()


def test_f1_tells_what_the_selected_node_does_with_its_numbers_and_without_one_begins_the_tour(qtbot, opened):
    canvas, overlay = opened.workspace.canvas, opened.node_help
    opened.editor.select(["hidden"])
    QTest.keyClick(canvas, Qt.Key.Key_F1)
    assert overlay.isVisible() and opened.rect().contains(overlay.geometry())
    qtbot.waitUntil(lambda: "tanh" in " ".join(part.text for part in overlay.formulas.sections.values()))
    assert overlay.curve.isVisibleTo(overlay)
    QTest.keyClick(overlay, Qt.Key.Key_Escape)
    opened.editor.select([])
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_F1)
    qtbot.waitUntil(opened.tour.isVisible)


def test_the_history_lists_every_step_and_leads_behind_any_of_them(opened):
    opened.editor.set_property("hidden", "units", 5)
    opened.editor.set_title("hidden", "first")
    QTest.keyClick(
        opened.workspace.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    )
    steps = opened.history_list.list
    assert [steps.item(row).text() for row in range(steps.count())] == [
        "As it was opened", "Set units of hidden", "Rename hidden",
    ]  # fmt: skip
    assert steps.currentRow() == 2 and steps.hasFocus()
    QTest.keyClick(steps, Qt.Key.Key_Home)
    QTest.keyClick(steps, Qt.Key.Key_Return)
    nodes = opened.editor.document.graph.nodes
    assert nodes["hidden"].properties["units"] == 4 and nodes["hidden"].title == "hidden"
    QTest.keyClick(steps, Qt.Key.Key_Down)
    QTest.keyClick(steps, Qt.Key.Key_Return)
    assert opened.editor.document.graph.nodes["hidden"].properties["units"] == 5
    QTest.keyClick(steps, Qt.Key.Key_Escape)
    assert not opened.history_list.isVisible()
