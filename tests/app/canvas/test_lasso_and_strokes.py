"""A loop drawn by hand selects, and a stroke with Y held cuts."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from tests.app.canvas.conftest import LEFT, NONE

LOOP_KEYS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def draw_loop(hand, points, modifiers=LOOP_KEYS, drop=True):
    hand.press(points[0], LEFT, modifiers)
    for point in points[1:]:
        hand.move(point, LEFT, modifiers)
    if drop:
        hand.release(points[-1], LEFT, modifiers)


def around(area, margin=12):
    area = area.adjusted(-margin, -margin, margin, margin)
    return [area.topLeft(), area.topRight(), area.bottomRight(), area.bottomLeft()]


def test_a_loop_selects_what_it_touches(view, hand):
    draw_loop(hand, around(view.canvas.area_of("dense_1")))
    assert view.editor.selection == {"dense_1"}
    assert view.mode is None and not view.editor.stack.canUndo()


def test_a_loop_may_begin_on_a_node_and_moves_nothing(view, hand):
    begin = hand.node("dense_1")
    corners = around(view.canvas.area_of("dense_2"))
    draw_loop(hand, [begin, *corners])
    assert view.editor.selection == {"dense_1", "dense_2"}
    assert view.canvas.nodes["dense_1"].pos() == QPointF(280, 0)


def test_a_bent_loop_leaves_out_what_it_goes_around(view, hand):
    data, output = view.canvas.area_of("input_1"), view.canvas.area_of("dense_2")
    above = data.top() - 40
    loop = [
        QPointF(data.left() + 10, above), QPointF(output.right(), above), QPointF(output.right(), output.top() + 30),
        QPointF(output.center().x(), output.top() + 30), QPointF(output.center().x(), above + 12),
        QPointF(data.center().x(), above + 12), QPointF(data.center().x(), data.top() + 40),
        QPointF(data.left() + 10, data.top() + 40),
    ]  # fmt: skip
    draw_loop(hand, loop)
    assert view.editor.selection == {"input_1", "dense_2"}


def test_with_shift_a_loop_adds(view, hand):
    view.editor.select(["target_1"])
    draw_loop(hand, around(view.canvas.area_of("dense_1")), LOOP_KEYS | SHIFT)
    assert view.editor.selection == {"dense_1", "target_1"}


def test_esc_forgets_the_loop(view, hand):
    view.editor.select(["target_1"])
    draw_loop(hand, around(view.canvas.area_of("dense_1")), drop=False)
    assert view.editor.selection == {"dense_1"}
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.editor.selection == {"target_1"} and view.mode is None


def test_a_stroke_with_y_held_cuts_the_wires_it_crosses_in_one_step(view, hand):
    middle = view.canvas.wires["dense_1.h>dense_2.x"].path.pointAtPercent(0.5)
    QTest.keyPress(view, Qt.Key.Key_Y)
    hand.drag(middle - QPointF(0, 60), middle + QPointF(0, 60), LEFT, NONE)
    QTest.keyRelease(view, Qt.Key.Key_Y)
    assert list(view.canvas.wires) == ["input_1.value>dense_1.x"] and view.editor.stack.count() == 1
    hand.drag(middle - QPointF(0, 60), middle + QPointF(0, 60), LEFT, NONE)
    assert view.editor.stack.count() == 1, "without the key it is a rubber band again"


def test_y_held_elsewhere_is_not_held_for_ever(view, hand):
    QTest.keyPress(view, Qt.Key.Key_Y)
    view.clearFocus()
    assert not view.cut_held
