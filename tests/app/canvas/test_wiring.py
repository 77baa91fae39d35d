"""Wires drawn, moved, refused and cut with the mouse."""

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest

RIGHT = Qt.MouseButton.RightButton
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


def wires(view):
    return {(wire.source, wire.target) for wire in view.canvas.graph.wires}


def test_a_wire_is_pulled_from_an_output_to_an_input(view, hand):
    hand.drag(hand.port("input_1.value"), hand.port("dense_2.x"))
    assert wires(view) == {("input_1.value", "dense_1.x"), ("input_1.value", "dense_2.x")}
    assert view.editor.stack.count() == 1 and "input_1.value>dense_2.x" in view.canvas.wires
    view.editor.stack.undo()
    assert ("dense_1.h", "dense_2.x") in wires(view)


def test_a_wire_is_pulled_backwards_from_a_free_input(view, hand):
    view.editor.disconnect_ports("dense_1.h", "dense_2.x")
    hand.drag(hand.port("dense_2.x"), hand.port("dense_1.h"))
    assert ("dense_1.h", "dense_2.x") in wires(view)


def test_two_clicks_wire_as_well_as_a_drag(view, hand):
    hand.click(hand.port("input_1.value"))
    assert view.mode is not None
    hand.move(hand.port("dense_2.x"))
    hand.click(hand.port("dense_2.x"))
    assert ("input_1.value", "dense_2.x") in wires(view) and view.mode is None


def test_a_wire_that_would_close_a_cycle_is_refused_with_its_reason_at_the_cursor(view, hand):
    before = wires(view)
    hand.press(hand.port("dense_2.h"))
    hand.move(hand.port("dense_2.h") + QPointF(20, 40))
    hand.move(hand.port("dense_1.x"))
    assert "cycle" in view.hint()
    hand.release(hand.port("dense_1.x"))
    assert wires(view) == before and view.editor.stack.count() == 0


def test_a_wire_of_the_wrong_size_is_refused_with_both_sizes(view, hand):
    view.editor.set_property("dense_2", "features", 64)
    view.editor.disconnect_ports("dense_1.h", "dense_2.x")
    count = view.editor.stack.count()
    hand.press(hand.port("dense_1.h"))
    hand.move(hand.port("dense_2.x"))
    assert "3 features meet a layer for 64" in view.hint()
    hand.release(hand.port("dense_2.x"))
    assert ("dense_1.h", "dense_2.x") not in wires(view) and view.editor.stack.count() == count


def test_the_end_of_a_wire_dropped_in_space_disconnects_it(view, hand):
    hand.drag(hand.port("dense_2.x"), hand.port("dense_2.x") + QPointF(-60, 260))
    assert wires(view) == {("input_1.value", "dense_1.x")}
    assert view.editor.stack.count() == 1 and view.search is None


def test_the_end_of_a_wire_can_be_moved_to_another_input_in_one_step(view, hand):
    name = view.editor.add_node("scale", (580, 420))
    hand.drag(hand.port("dense_2.x"), hand.port(f"{name}.x"))
    assert wires(view) == {("input_1.value", "dense_1.x"), ("dense_1.h", f"{name}.x")}
    assert view.editor.stack.count() == 2 and view.editor.stack.undoText().startswith("Rewire")


def test_esc_drops_a_wire_without_trace(view, hand):
    before = wires(view)
    hand.press(hand.port("dense_2.x"))
    hand.move(hand.port("dense_2.x") + QPointF(0, 200))
    hand.key(Qt.Key.Key_Escape)
    hand.release(hand.port("dense_2.x") + QPointF(0, 200))
    assert wires(view) == before and view.editor.stack.count() == 0 and view.mode is None


def test_dropping_a_wire_in_space_asks_and_enter_places_and_wires(view, hand, qtbot):
    hand.drag(hand.port("dense_2.h"), QPointF(820, 200))
    assert view.search is not None
    assert "input" not in view.search.names and "dense" in view.search.names  # only what has a fitting input
    qtbot.waitUntil(lambda: view.search.line.hasFocus())
    hand.type("dense")
    assert ("dense_2.h", "dense_3.x") in wires(view)
    assert view.editor.stack.count() == 1 and view.editor.selection == {"dense_3"}
    assert view.search is None


def test_esc_in_the_search_box_drops_the_wire_without_trace(view, hand):
    before = wires(view)
    hand.drag(hand.port("dense_2.h"), QPointF(820, 200))
    QTest.keyClick(view.search.line, Qt.Key.Key_Escape)
    assert view.search is None and wires(view) == before and view.editor.stack.count() == 0


def test_alt_click_on_a_port_breaks_all_its_wires(view, hand):
    hand.click(hand.port("dense_1.h"), modifiers=ALT)
    assert wires(view) == {("input_1.value", "dense_1.x")} and view.editor.stack.count() == 1


def test_a_stroke_with_ctrl_and_the_right_button_cuts_what_it_crosses(view, hand):
    x = (hand.port("dense_1.h") + hand.port("dense_2.x")).x() / 2
    y = hand.port("dense_1.h").y()
    hand.press(QPointF(x, y - 60), RIGHT, CONTROL)
    hand.move(QPointF(x, y + 60), RIGHT, CONTROL)
    assert view.canvas.wires["dense_1.h>dense_2.x"].doomed  # red before the release
    hand.release(QPointF(x, y + 60), RIGHT, CONTROL)
    assert wires(view) == {("input_1.value", "dense_1.x")} and view.editor.stack.undoText() == "Cut a wire"


def test_ports_that_would_take_the_wire_light_up(view, hand, qtbot):
    hand.press(hand.port("dense_2.h"))
    hand.move(hand.port("dense_2.h") + QPointF(30, 80))
    lit = view.canvas.nodes["dense_1"].live.state.lit
    assert lit is not None and "dense_1.x" not in lit  # it would close a cycle
    hand.key(Qt.Key.Key_Escape)
    assert view.canvas.nodes["dense_1"].live.state.lit is None


def test_a_node_dropped_on_a_wire_is_inserted_and_alt_forbids_it(view, hand):
    name = view.editor.add_node("scale", (300, 300))
    middle = view.canvas.wires["dense_1.h>dense_2.x"].path.pointAtPercent(0.5)
    grip = hand.node(name)
    offset = middle - view.canvas.area_of(name).center()
    hand.press(grip)
    hand.move(grip + offset / 2)
    hand.move(grip + offset, modifiers=ALT)
    hand.release(grip + offset, modifiers=ALT)
    assert ("dense_1.h", "dense_2.x") in wires(view) and view.editor.stack.undoText().startswith("Move")
    view.editor.stack.undo()
    hand.drag(grip, grip + offset)
    assert {("dense_1.h", f"{name}.x"), (f"{name}.y", "dense_2.x")} <= wires(view)
    assert view.editor.stack.undoText().startswith("Insert")


def test_j_connects_the_selected_nodes(view, hand):
    view.editor.disconnect_ports("dense_1.h", "dense_2.x")
    view.editor.select(["dense_1", "dense_2"])
    hand.key(Qt.Key.Key_J)
    assert ("dense_1.h", "dense_2.x") in wires(view)


def test_enter_on_a_port_begins_a_wire_and_enter_on_another_ends_it(view, hand):
    view.editor.select(["input_1"])
    hand.key(Qt.Key.Key_Tab)
    assert view.hand.current_port().address == "input_1.value"
    hand.key(Qt.Key.Key_Return)
    view.editor.select(["dense_2"])
    hand.key(Qt.Key.Key_Tab)
    hand.key(Qt.Key.Key_Return)
    assert ("input_1.value", "dense_2.x") in wires(view)


def test_a_wire_is_let_go_when_undo_takes_its_node_away(view, hand):
    name = view.editor.add_node("scale", (580, 420))
    start = hand.port(f"{name}.y")
    hand.press(start)
    hand.move(start + QPointF(60, 40))
    view.editor.stack.undo()
    assert view.mode is None
    hand.move(start + QPointF(80, 60))
    hand.release(start + QPointF(80, 60))
    assert name not in view.canvas.nodes and view.search is None


def test_a_wire_into_a_delay_runs_back_below_the_nodes(view):
    delay = view.editor.add_node("delay", (-200.0, 40.0))
    view.editor.connect_ports("dense_2.h", f"{delay}.x")
    wire = view.canvas.wires[f"dense_2.h>{delay}.x"]
    bottom = max(view.canvas.area_of(name).bottom() for name in ("dense_2", delay))
    lowest = max(wire.path.pointAtPercent(share / 50).y() for share in range(51))
    assert bottom < lowest <= wire.boundingRect().bottom()
    middle = wire.path.pointAtPercent(0.5)
    assert wire.wire_id in view.canvas.runs.within([QRectF(middle.x() - 1, middle.y() - 1, 2, 2)])
    assert view.canvas.wires["input_1.value>dense_1.x"].runs[0].sag == 0


def test_a_node_that_comes_from_a_wire_dropped_at_the_edge_is_brought_into_sight(view, hand):
    """Before, half of it lay below the edge, or under the map."""
    edge = view.mapToScene(view.viewport().rect().bottomRight() - QPoint(120, 40))
    hand.drag(hand.port("dense_2.h"), edge)
    hand.type("tanh")
    (name,) = view.editor.selection
    place = view.rectangle_on_screen(view.canvas.area_of(name))
    assert view.viewport().rect().contains(place)
    assert not any(corner.intersects(QRectF(place)) for corner in view.corners())
