"""Composites by hand: into one with a double click, out with a key, made and taken apart, the path above the canvas."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.composites import composite_of
from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.conftest import Hand, make_view
from tests.app.hand import ALT, CONTROL, SHIFT


def block_document():
    graph = Graph()
    x, block = (
        graph.add("input", title="data", shape=[5, 8], position=(0, 0)),
        graph.add("encoder_block", position=(280, 0)),
    )
    layer = graph.add("dense", title="answer", units=1, position=(580, 0))
    graph.connect(x, block)
    graph.connect(block, layer["x"])
    return Document(graph, title="Blocks")


@pytest.fixture
def blocks(qtbot):
    """A canvas at full size: data -> encoder block -> answer."""
    return make_view(qtbot, block_document())


@pytest.fixture
def over_blocks(blocks):
    return Hand(blocks)


def body(view, name):
    """A point of a node below its header."""
    area = view.canvas.area_of(name)
    return area.topLeft() + QPointF(area.width() / 2, area.height() - 6)


def words(view):
    return [button.text() for button in view.breadcrumbs.buttons]


def test_a_double_click_goes_in_and_keys_lead_out(blocks, over_blocks):
    before, zoom = blocks.mapToScene(QPoint(0, 0)), blocks.zoom
    over_blocks.double_click(body(blocks, "encoder_block_1"))
    assert blocks.editor.path == ("encoder_block_1",)
    assert set(blocks.canvas.nodes) == set(blocks.editor.document.composites["encoder_block"].graph.nodes)
    assert blocks.breadcrumbs.isVisible() and words(blocks) == ["Blocks", "Transformer encoder block"]
    over_blocks.double_click(body(blocks, "head_1"))
    assert words(blocks) == ["Blocks", "Transformer encoder block", "head 1"]
    over_blocks.key(Qt.Key.Key_U)
    assert blocks.editor.path == ("encoder_block_1",) and blocks.editor.selection == {"head_1"}
    over_blocks.key(Qt.Key.Key_Escape)
    assert blocks.editor.path == () and not blocks.breadcrumbs.isVisible()
    assert (blocks.mapToScene(QPoint(0, 0)) - before).manhattanLength() <= 2 and blocks.zoom == zoom
    assert blocks.editor.stack.count() == 0  # looking is no step


def test_enter_goes_into_the_selected_composite(blocks, over_blocks):
    over_blocks.click(over_blocks.node("encoder_block_1"))
    over_blocks.key(Qt.Key.Key_Return)
    assert blocks.editor.path == ("encoder_block_1",)


@pytest.mark.parametrize("size", [(640, 380), (760, 480), (1100, 700)])
def test_what_is_inside_opens_below_the_path(blocks, over_blocks, size):
    """The topmost node stood under it, and could be neither read nor taken."""
    blocks.resize(*size)
    over_blocks.click(over_blocks.node("encoder_block_1"))
    over_blocks.key(Qt.Key.Key_Return)
    places = [blocks.rectangle_on_screen(blocks.canvas.area_of(name)) for name in blocks.canvas.nodes]
    assert not [place for place in places if place.intersects(blocks.breadcrumbs.place)]
    assert any(blocks.viewport().rect().contains(place) for place in places)


def test_the_path_leads_back_to_each_of_its_steps(blocks, over_blocks):
    blocks.editor.enter("encoder_block_1")
    blocks.editor.enter("head_2")
    QTest.mouseClick(blocks.breadcrumbs.buttons[0], Qt.MouseButton.LeftButton)
    assert blocks.editor.path == ()
    assert QApplication.focusWidget() is blocks


def test_escape_first_drops_the_wire_in_hand(blocks, over_blocks):
    blocks.editor.enter("encoder_block_1")
    start = over_blocks.port("bent.h") if "bent" in blocks.canvas.nodes else over_blocks.port("outer.h")
    over_blocks.drag(start, start + QPointF(60, 60), drop=False)
    over_blocks.key(Qt.Key.Key_Escape)
    assert blocks.editor.path == ("encoder_block_1",) and blocks.mode is None


def test_the_selection_becomes_a_composite_and_is_unpacked_again(view, hand):
    hand.click(hand.node("dense_1"))
    hand.click(hand.node("dense_2"), modifiers=SHIFT)
    before = view.editor.document.to_json()
    hand.key(Qt.Key.Key_G, CONTROL)
    assert set(view.canvas.nodes) == {"input_1", "target_1", "block_1"} and view.editor.selection == {"block_1"}
    assert "input_1.value>block_1.x" in view.canvas.wires
    assert [port.name for port in view.canvas.nodes["block_1"].ports] == ["x", "h"]
    assert view.editor.stack.undoText() == "Group 2 nodes"
    hand.key(Qt.Key.Key_U, CONTROL | SHIFT)
    assert set(view.canvas.nodes) == {"input_1", "target_1", "dense_1", "dense_2"}
    assert view.editor.stack.undoText() == "Unpack block_1" and view.editor.stack.count() == 2
    stack: QUndoStack = view.editor.stack
    stack.undo()
    stack.undo()
    assert view.editor.document.to_json() == before and set(view.canvas.nodes) == set(view.editor.document.graph.nodes)


def test_what_cannot_be_grouped_or_unpacked_says_why(view, hand):
    hand.key(Qt.Key.Key_G, CONTROL)
    assert "nothing is selected" in view.hint()
    hand.click(hand.node("dense_1"))
    hand.key(Qt.Key.Key_G, CONTROL | ALT)
    assert "is no composite" in view.hint()
    assert view.editor.stack.count() == 0


def test_inside_wires_are_pulled_and_cut_and_every_gesture_is_one_step(blocks, over_blocks):
    blocks.editor.enter("encoder_block_1")
    over_blocks.click(over_blocks.node("sum"))
    over_blocks.key(Qt.Key.Key_Delete)
    assert "sum" not in blocks.canvas.nodes and blocks.editor.stack.undoText() == "Delete with the shortcut"
    over_blocks.drag(over_blocks.port("mix.h"), over_blocks.port("normal.x"))
    assert "mix.h>normal.x" in blocks.canvas.wires
    assert blocks.editor.stack.count() == 2
    composite = composite_of(blocks.editor.document.graph.nodes["encoder_block_1"])
    assert any(wire.source == "mix.h" and wire.target == "normal.x" for wire in composite.graph.wires)
    over_blocks.key(Qt.Key.Key_U)
    blocks.editor.stack.undo()
    assert blocks.editor.path == ("encoder_block_1",) and "mix.h>normal.x" not in blocks.canvas.wires


def test_another_document_takes_the_path_away(blocks):
    blocks.editor.enter("encoder_block_1")
    blocks.editor.open(block_document())
    assert not blocks.breadcrumbs.isVisible() and set(blocks.canvas.nodes) == {"input_1", "encoder_block_1", "dense_1"}


def test_a_mistake_inside_marks_the_use_outside_and_the_node_inside(blocks, qtbot):
    editor = blocks.editor
    editor.enter("encoder_block_1")
    editor.set_property("outer", "units", 3)
    editor.check_now()
    assert blocks.canvas.nodes["sum_again"].live.state.reason
    editor.leave()
    assert blocks.canvas.nodes["encoder_block_1"].live.state.reason


def test_inside_the_path_has_room_for_every_name_and_ports_show_what_they_hand_on(blocks, snapshot_of):
    blocks.editor.enter("encoder_block_1")
    one = blocks.breadcrumbs.width()
    blocks.editor.enter("head_1")
    assert blocks.breadcrumbs.width() > one and all(button.isVisible() for button in blocks.breadcrumbs.buttons)
    assert blocks.canvas.nodes["y"].value_key == "y.value"
    blocks.show_snapshot(snapshot_of({"y.value": [[0.5, 0.25]]}, step=("mixed", "forward")))
    blocks.catch_up()
    assert blocks.canvas.nodes["y"].live.state.value.text != "–"
