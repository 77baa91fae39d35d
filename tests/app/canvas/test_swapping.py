"""Another type in a node's place, and two nodes wired without aiming at ports: by key and by mouse."""

import numpy as np
from PySide6.QtCore import QPointF, Qt

from app.editor import Editor
from engine.document import Document
from tests.app.canvas.conftest import drawn_document
from tests.app.hand import ALT, CONTROL, RIGHT, SHIFT, Hand


def wires(view):
    return {(wire.source, wire.target) for wire in view.canvas.graph.wires}


def test_a_node_takes_another_type_and_keeps_its_wires_its_name_and_its_place(view, hand):
    before = view.editor.document.to_json()
    hand.click(hand.node("dense_1"))
    hand.key(Qt.Key.Key_S, SHIFT)
    assert view.search is not None
    hand.type("softplus")
    node = view.canvas.graph.nodes["dense_1"]
    assert (node.type, node.title, node.position) == ("softplus", "hidden", (280, 0))
    assert {(source, target.partition(".")[0]) for source, target in wires(view)} == {
        ("input_1.value", "dense_1"), ("dense_1.h", "dense_2"),
    }  # fmt: skip
    assert view.editor.stack.count() == 1 and view.editor.stack.undoText() == "Swap hidden for softplus"
    view.editor.stack.undo()
    assert view.editor.document.to_json() == before and view.canvas.nodes["dense_1"].node.type == "dense"


def test_several_nodes_are_swapped_at_once_and_properties_of_one_name_stay(view, hand):
    hand.click(hand.node("dense_1"))
    hand.click(hand.node("dense_2"), modifiers=CONTROL)
    hand.key(Qt.Key.Key_S, SHIFT)
    hand.type("radial basis")
    nodes = view.canvas.graph.nodes
    assert [nodes[name].type for name in ("dense_1", "dense_2")] == ["gaussian_units", "gaussian_units"]
    assert [nodes[name].properties["units"] for name in ("dense_1", "dense_2")] == [3, 1]
    assert view.editor.stack.undoText() == "Swap 2 nodes for radial basis" and len(wires(view)) == 2


def test_escape_swaps_nothing_and_without_a_selection_that_is_said(view, hand):
    hand.key(Qt.Key.Key_S, SHIFT)
    assert "nothing is selected" in view.hint()
    hand.click(hand.node("dense_1"))
    hand.key(Qt.Key.Key_S, SHIFT)
    hand.key(Qt.Key.Key_Escape, widget=view.search.line)
    assert view.search is None and view.editor.stack.count() == 0


def test_undone_a_swap_brings_the_numbers_back_also_from_the_journal(qtbot):
    document = drawn_document()
    editor, told, journal = Editor(document), [], []
    weight = np.arange(6.0).reshape(2, 3)
    editor.values_of = lambda ids: {"dense_1.weight": weight} if "dense_1" in ids else {}
    editor.values_set.connect(told.append)
    editor.journal = journal
    start = Document.from_json(document.to_json())
    editor.swap_type(["dense_1"], "tanh")
    assert not told, "the new type has no such numbers"
    editor.stack.undo()
    np.testing.assert_array_equal(told[0]["dense_1.weight"], weight)
    again = Editor(start)
    assert again.replay(journal) == []
    assert again.document.to_json() == editor.document.to_json()


def test_alt_and_the_right_button_wire_two_nodes_wherever_they_are_touched(view, hand):
    hand.drag(hand.node("target_1"), hand.node("dense_2"), button=RIGHT, modifiers=ALT)
    assert "fits a free input" in view.hint() and view.editor.stack.count() == 0, "its input is taken"
    view.editor.disconnect_ports("dense_1.h", "dense_2.x")
    hand.drag(hand.node("dense_1"), hand.node("dense_2"), button=RIGHT, modifiers=ALT, drop=False)
    assert view.editor.selection == {"dense_1", "dense_2"}
    hand.release(hand.node("dense_2"), RIGHT, ALT)
    assert ("dense_1.h", "dense_2.x") in wires(view)
    assert view.editor.stack.undoText() == "Connect hidden to output" and view.mode is None
    view.editor.stack.undo()
    assert ("dense_1.h", "dense_2.x") not in wires(view)


def test_wiring_two_nodes_ends_without_trace_on_escape_and_on_empty_canvas(view, hand):
    count = len(view.canvas.items())
    hand.drag(hand.node("dense_1"), hand.node("dense_2"), button=RIGHT, modifiers=ALT, drop=False)
    hand.key(Qt.Key.Key_Escape)
    hand.drag(hand.node("dense_1"), QPointF(120, 420), button=RIGHT, modifiers=ALT)
    assert view.editor.stack.count() == 0 and view.mode is None and len(view.canvas.items()) == count
    assert not hasattr(view, "menu") or view.menu is None or not view.menu.isVisible()


def test_inside_a_composite_nodes_are_swapped_in_the_definition(view, hand):
    view.editor.group(["dense_1", "dense_2"])
    view.editor.enter("block_1")
    over = Hand(view)
    over.click(over.node("dense_1"))
    over.key(Qt.Key.Key_S, SHIFT)
    hand.type("softplus")
    inside = view.editor.document.composites["block"].graph
    assert inside.nodes["dense_1"].type == "softplus" and len(inside.wires) == 3
