"""What a hand can do with wires beyond drawing one: mute, carry, swap, light, style, hide, and convert what does not fit."""

import pytest
from PySide6.QtCore import QPointF, Qt

from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.conftest import Hand, make_view
from tests.app.robustness.agreement import check_scene

RIGHT = Qt.MouseButton.RightButton
CONTROL, ALT, SHIFT = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Control", "Alt", "Shift"))
FIRST, SECOND = "input_1.value>dense_1.x", "dense_1.h>dense_2.x"


def wires(view):
    return {(wire.source, wire.target) for wire in view.canvas.graph.wires}


def test_a_stroke_with_ctrl_alt_and_the_right_button_mutes_wires_and_a_second_one_lets_them_work(view, hand):
    middle = view.canvas.wires[FIRST].path.pointAtPercent(0.5)
    stroke = middle - QPointF(0, 60), middle + QPointF(0, 60)
    for muted in (True, False):
        hand.drag(*stroke, RIGHT, CONTROL | ALT)
        assert view.canvas.wires[FIRST].wire.muted is muted and not view.canvas.wires[SECOND].wire.muted
    assert view.editor.stack.count() == 2 and view.editor.stack.undoText() == "Unmute wires"


def test_ctrl_and_a_drag_from_an_output_move_all_its_wires_in_one_step(view, hand):
    other = view.editor.add_node("tanh", (300.0, 400.0), "input_1.value")
    hand.drag(hand.port("dense_1.h"), hand.port(f"{other}.h"), modifiers=CONTROL)
    assert (f"{other}.h", "dense_2.x") in wires(view) and ("dense_1.h", "dense_2.x") not in wires(view)
    assert view.editor.stack.undoText().startswith("Move a wire")
    view.editor.stack.undo()
    hand.drag(hand.port("dense_1.h"), QPointF(900, 600), modifiers=CONTROL)
    hand.drag(hand.port("dense_1.h"), hand.port(f"{other}.h"), modifiers=CONTROL, drop=False)
    hand.key(Qt.Key.Key_Escape)
    assert ("dense_1.h", "dense_2.x") in wires(view)
    check_scene(view.editor, view.canvas)


@pytest.fixture
def pair(qtbot):
    """Two values that one node takes apart from each other."""
    graph = Graph()
    graph.add("input", "a", shape=[2], position=(0, 0))
    graph.add("input", "b", shape=[2], position=(0, 260))
    graph.add("subtract", "minus", position=(360, 80))
    graph.connect("a.value", "minus.a")
    graph.connect("b.value", "minus.b")
    return make_view(qtbot, Document(graph, data="xor"))


def test_with_alt_a_wire_dropped_on_a_taken_input_swaps_with_the_one_there(pair):
    hand = Hand(pair)
    first, second = (port for port in ("minus.a", "minus.b"))
    hand.press(hand.port(first))
    hand.move(QPointF(200, 150))
    hand.move(hand.port(second), modifiers=ALT)
    hand.release(hand.port(second), modifiers=ALT)
    assert wires(pair) == {("a.value", second), ("b.value", first)} and pair.editor.stack.count() == 1
    pair.editor.stack.undo()
    hand.drag(hand.port(first), hand.port(second))
    assert wires(pair) == {("a.value", second)}, "without Alt the old wire goes"


def test_pointing_at_a_wire_or_a_port_lights_all_that_carries_the_same_value(view, hand):
    view.editor.connect_ports("input_1.value", "dense_2.x")
    both = [view.canvas.wires[name] for name in (FIRST, "input_1.value>dense_2.x")]
    view._hover(view.hit(both[0].path.pointAtPercent(0.9)))
    assert all(wire.hovered for wire in both)
    view._hover(view.hit(QPointF(0, 900)))
    assert not any(wire.hovered for wire in both)
    view._hover(view.hit(hand.port("dense_1.x")))
    assert all(wire.hovered for wire in both)
    view._hover(view.hit(QPointF(0, 900)))
    assert not any(wire.hovered for wire in both)


@pytest.mark.parametrize("style", ["straight", "angled", "curved"])
def test_wires_run_in_every_style_from_port_to_port_and_are_hit_where_they_run(view, hand, style):
    view.canvas.wire_style = style
    wire = view.canvas.wires[SECOND]
    begin, end = hand.port("dense_1.h"), hand.port("dense_2.x")
    assert wire.path.pointAtPercent(0) == begin and (wire.path.pointAtPercent(1) - end).manhattanLength() < 1e-6
    hand.click(wire.path.pointAtPercent(0.4))
    assert view.editor.selection == {SECOND}
    hand.drag(hand.node("dense_2"), hand.node("dense_2") + QPointF(-700, 330))
    check_scene(view.editor, view.canvas)
    if style == "angled":
        assert all(run.begin_x == run.end_x or run.begin_y == run.end_y for run in view.canvas.wires[SECOND].runs)


def test_hidden_wires_are_neither_seen_nor_touched_until_their_port_is_pointed_at(view, hand):
    middle = view.canvas.wires[SECOND].path.pointAtPercent(0.5)
    seen = view.grab().toImage()
    view.canvas.hides_wires = True
    view.canvas.forget_pictures()
    assert view.grab().toImage() != seen and view.hit(middle).kind == "empty"
    view._hover(view.hit(hand.port("dense_1.h")))
    assert view.canvas.wires[SECOND].stands_out


@pytest.fixture
def digits(qtbot):
    """Rows of pixels and class numbers, and nodes that want pictures and columns."""
    graph = Graph()
    graph.add("input", "pixels", shape=[64], position=(0, 0))
    graph.add("conv2d", "maps", filters=2, position=(460, 0))
    graph.add("dense", "scores", units=10, position=(200, 260))
    graph.add("target", "classes", position=(200, 460))
    graph.add("mean_squared_error", "loss", position=(620, 300))
    graph.connect("pixels", "scores")
    graph.connect("scores", "loss.prediction")
    return make_view(qtbot, Document(graph, data="digits"))


@pytest.mark.parametrize(
    ("source", "target", "name", "told"),
    [
        ("pixels.value", "maps.x", "reshape", {"shape": (1, 8, 8)}),
        ("classes.value", "loss.target", "one_hot", {"classes": 10}),
    ],
)
def test_where_only_the_shape_is_in_the_way_a_node_that_converts_is_offered(digits, source, target, name, told):
    hand, before = Hand(digits), wires(digits)
    hand.drag(hand.port(source), hand.port(target))
    assert digits.search is not None and digits.search.names[0] == name
    hand.key(Qt.Key.Key_Return, widget=digits.search.line)
    (node,) = digits.editor.selection
    kind = digits.canvas.graph.nodes[node].kind
    assert wires(digits) - before == {(source, f"{node}.{kind.inputs[0].name}"), (f"{node}.y", target)}
    found = digits.canvas.graph.nodes[node].properties
    assert {key: tuple(found[key]) if key == "shape" else found[key] for key in told} == told
    assert digits.editor.stack.count() == 1
    digits.editor.stack.undo()
    assert wires(digits) == before and node not in digits.canvas.nodes


def test_a_conversion_is_given_up_without_trace(digits):
    hand = Hand(digits)
    hand.drag(hand.port("pixels.value"), hand.port("maps.x"))
    hand.key(Qt.Key.Key_Escape, widget=digits.search.line)
    assert digits.editor.stack.count() == 0 and digits.mode is None


def test_from_afar_a_wire_dropped_on_a_node_asks_for_the_port(pair):
    hand = Hand(pair)
    for name in ("minus.a", "minus.b"):
        pair.editor.break_port(name)
    pair.zoom_by(0.3 / pair.zoom)
    pair.centre_at(pair.canvas.content_area().center())
    hand.drag(hand.port("a.value"), pair.canvas.area_of("minus").center())
    actions = pair.menu.actions()
    assert [action.text().partition(" ")[0] for action in actions] == ["a", "b"] and not wires(pair)
    actions[1].trigger()
    pair.menu.hide()
    assert wires(pair) == {("a.value", "minus.b")}
    pair.zoom_by(1 / pair.zoom)
    hand.drag(hand.port("b.value"), pair.canvas.area_of("minus").center())
    assert wires(pair) == {("a.value", "minus.b"), ("b.value", "minus.a")}, "from near the best free one is taken"
