"""Dots that wires are led over: made, moved, shared, pinned, taken away, and kept with the document."""

import json

import pytest
from PySide6.QtCore import QPointF, Qt

from app.editor.commands.clipboard import FORMAT
from engine.document import Document
from tests.app.robustness.agreement import check_scene

RIGHT = Qt.MouseButton.RightButton
CONTROL, ALT, SHIFT = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Control", "Alt", "Shift"))
FIRST, SECOND = "input_1.value>dense_1.x", "dense_1.h>dense_2.x"


def middle(view, wire):
    return view.canvas.wires[wire].path.pointAtPercent(0.5)


def via(view, wire):
    return view.canvas.wires[wire].wire.via


@pytest.fixture
def dotted(view, hand):
    """The first wire led over a dot."""
    hand.click(middle(view, FIRST), modifiers=ALT)
    return view


def test_a_double_click_leads_a_wire_over_a_dot_in_one_named_step(view, hand):
    place = middle(view, FIRST)
    hand.double_click(place)
    assert via(view, FIRST) == ("dot_1",) and view.editor.selection == {"dot_1"}
    assert (QPointF(*view.canvas.graph.dots["dot_1"].position) - place).manhattanLength() < 2
    assert view.editor.stack.count() == 1 and view.editor.stack.undoText() == "Lead a wire over a dot"
    view.editor.stack.undo()
    assert via(view, FIRST) == () and not view.canvas.graph.dots and not view.canvas.dots
    view.editor.stack.redo()
    check_scene(view.editor, view.canvas)


def test_alt_and_a_click_make_a_dot_which_nothing_that_computes_hears_of(view, hand):
    told = []
    view.editor.changed.connect(told.append)
    hand.click(middle(view, FIRST), modifiers=ALT)
    assert via(view, FIRST) == ("dot_1",)
    assert not told[0].replans and told[0].kinds == {"dot", "routed"}


def test_a_dragged_dot_takes_its_wire_along_in_one_step_and_esc_puts_it_back(dotted, hand):
    view, away = dotted, QPointF(0, 150)
    place = view.canvas.dots["dot_1"].place
    hand.drag(place, place + away, drop=False)
    assert (view.canvas.dots["dot_1"].place - place - away).manhattanLength() < 12
    hand.key(Qt.Key.Key_Escape)
    assert view.canvas.dots["dot_1"].place == place and view.editor.stack.count() == 1
    hand.release(place)
    hand.drag(place, place + away)
    assert view.editor.stack.undoText() == "Move dot" and view.editor.stack.count() == 2
    at = view.canvas.dots["dot_1"].place
    assert FIRST in view.canvas.runs.within([view.canvas.area_of("dot_1")])
    assert view.canvas.wires[FIRST].path.intersects(view.canvas.area_of("dot_1")) and at.y() > place.y() + 100
    check_scene(view.editor, view.canvas)


def test_wires_crossed_at_once_share_one_dot_and_each_keeps_its_other_dots(dotted, hand):
    view = dotted
    hand.drag(hand.port("input_1.value"), hand.port("dense_2.x"))
    wires = {"input_1.value>dense_1.x", "input_1.value>dense_2.x"}
    left = view.canvas.area_of("input_1").right() + 14
    hand.drag(QPointF(left, -60), QPointF(left, 260), RIGHT, SHIFT, steps=12)
    assert {via(view, wire) for wire in wires} == {("dot_2", "dot_1"), ("dot_2",)}
    assert view.editor.stack.undoText() == "Lead 2 wires over a dot"
    check_scene(view.editor, view.canvas)


def test_a_deleted_dot_reconnects_and_a_deleted_wire_takes_its_dot_along(dotted, hand):
    view = dotted
    hand.click(view.canvas.dots["dot_1"].place)
    hand.key(Qt.Key.Key_Delete)
    assert via(view, FIRST) == () and not view.canvas.dots and view.editor.stack.undoText() == "Delete dot"
    view.editor.stack.undo()
    view.editor.cut([FIRST])
    assert not view.canvas.graph.dots
    view.editor.stack.undo()
    assert via(view, FIRST) == ("dot_1",)
    check_scene(view.editor, view.canvas)


def test_alt_and_a_click_on_a_dot_pin_it_so_that_layout_leaves_it(dotted, hand):
    view = dotted
    hand.click(view.canvas.dots["dot_1"].place, modifiers=ALT)
    assert view.canvas.graph.dots["dot_1"].pinned and view.editor.stack.undoText() == "Pin dot"
    before = view.canvas.graph.dots["dot_1"].position
    view.editor.layout()
    assert view.canvas.graph.dots["dot_1"].position == before
    hand.click(view.canvas.dots["dot_1"].place, modifiers=ALT)
    assert not view.canvas.graph.dots["dot_1"].pinned


def test_layout_places_a_dot_between_what_its_wire_joins(dotted, hand):
    view = dotted
    view.editor.move(["dot_1"], 0, 600)
    view.editor.layout()
    x, y = view.canvas.graph.dots["dot_1"].position
    assert view.canvas.area_of("input_1").right() < x < view.canvas.area_of("dense_1").left() and y < 300


def test_shift_and_a_drag_from_a_wire_or_a_dot_begin_a_second_wire_from_the_same_source(dotted, hand):
    view = dotted
    hand.drag(view.canvas.dots["dot_1"].place, hand.port("dense_2.x"), modifiers=SHIFT)
    assert via(view, "input_1.value>dense_2.x") == ("dot_1",)
    view.editor.stack.undo()
    begin = view.canvas.wires[FIRST].path.pointAtPercent(0.2)
    hand.drag(begin, hand.port("dense_2.x"), modifiers=SHIFT)
    assert via(view, "input_1.value>dense_2.x") == ()
    view.editor.stack.undo()
    hand.click(view.canvas.wires[FIRST].path.pointAtPercent(0.8), modifiers=SHIFT)
    assert FIRST in view.editor.selection and view.mode is None


def test_copies_have_dots_of_their_own(dotted):
    view = dotted
    created = view.editor.duplicate(["input_1", "dense_1"])
    wire = next(wire for wire in view.canvas.graph.wires if wire.target_node in created)
    assert wire.via == ("dot_2",) and via(view, FIRST) == ("dot_1",)
    (old, new) = (view.canvas.graph.dots[name].position for name in ("dot_1", "dot_2"))
    assert (new[0] - old[0], new[1] - old[1]) == (24.0, 24.0)
    assert "dots" in json.loads(view.editor.copy_text(["input_1", "dense_1"]))
    assert "dots" not in json.loads(view.editor.copy_text(["dense_2"])) and FORMAT in view.editor.copy_text(["dense_2"])


def test_dots_are_saved_with_the_document_and_a_wire_goes_without_one_that_is_not_there(dotted, tmp_path):
    view = dotted
    view.editor.toggle_flag(["dot_1"], "pinned")
    path = tmp_path / "dotted.json"
    view.editor.document.save(path)
    graph = Document.load(path).graph
    assert graph.dots == view.canvas.graph.dots and graph.wires == view.canvas.graph.wires
    content = json.loads(path.read_text(encoding="utf-8"))
    content["graph"]["dots"] = []
    path.write_text(json.dumps(content), encoding="utf-8")
    broken = Document.load(path)
    assert broken.graph.wires[0].via == () and "no dot “dot_1”" in broken.problems[0].fact


def test_a_composite_takes_the_dots_within_it_along_and_gives_them_back(dotted):
    view = dotted
    place = view.canvas.graph.dots["dot_1"].position
    use = view.editor.group(["input_1", "dense_1"])
    assert not view.canvas.graph.dots
    view.editor.enter(use)
    assert via(view, FIRST) == ("dot_1",)
    check_scene(view.editor, view.canvas)
    view.editor.leave()
    view.editor.expand(use)
    assert via(view, FIRST) == ("dot_1",) and view.canvas.graph.dots["dot_1"].position == place


def test_dots_go_with_the_nodes_on_both_sides(dotted, hand):
    view = dotted
    before = view.canvas.dots["dot_1"].place
    view.editor.select(["input_1", "dense_1"])
    hand.drag(hand.node("input_1"), hand.node("input_1") + QPointF(0, 203))
    moved = view.canvas.dots["dot_1"].place - before
    assert moved.x() == 0 and abs(moved.y() - 203) < 6
    view.editor.move(["input_1"], 10, 0)
    assert view.canvas.dots["dot_1"].place == before + moved


def test_a_node_dropped_on_a_wire_parts_its_dots(dotted, hand):
    view = dotted
    node = view.editor.add_node("tanh", (0.0, 400.0))
    end = view.canvas.wires[FIRST].path.pointAtPercent(0.8)
    start = hand.node(node)
    hand.drag(start, start + end - view.canvas.area_of(node).center())
    assert via(view, f"{FIRST.partition('>')[0]}>{node}.x") == ("dot_1",)
