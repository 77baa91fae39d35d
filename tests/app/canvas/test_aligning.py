"""Nodes set in line by key, menu and command: one step each."""

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas.aligning import WAYS, aligned

AREAS = {"a": QRectF(0, 0, 100, 50), "b": QRectF(150, 40, 200, 90), "c": QRectF(600, 300, 100, 60)}


def areas_of(view, names):
    return [view.canvas.area_of(name) for name in names]


def tap(qtbot, view):
    """A, let go at once: the popup opens."""
    QTest.keyClick(view, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
    assert QApplication.activePopupWidget() is view.menu


@pytest.fixture
def chosen(view):
    view.editor.move(["dense_1"], 7, 31)
    view.editor.move(["dense_2"], 5, -22)
    view.editor.select(["input_1", "dense_1", "dense_2"])
    return ["input_1", "dense_1", "dense_2"]


@pytest.mark.parametrize("way", WAYS)
def test_whatever_is_lined_up_stays_within_the_bounds_it_had(way):
    around = AREAS["a"].united(AREAS["b"]).united(AREAS["c"])
    places = aligned(AREAS, way)
    for name, (x, y) in places.items():
        assert around.adjusted(-0.01, -0.01, 0.01, 0.01).contains(
            QRectF(x, y, AREAS[name].width(), AREAS[name].height())
        )


def test_equal_gaps_leave_the_first_and_the_last_where_they_are():
    places = aligned(AREAS, "across")
    assert places == {"a": (0, 0), "b": (250, 40), "c": (600, 300)}


def test_the_popup_aligns_at_a_letter_in_one_step(qtbot, view, chosen):
    steps = view.editor.stack.count()
    tap(qtbot, view)
    QTest.keyClick(view.menu, Qt.Key.Key_T)
    assert len({area.top() for area in areas_of(view, chosen)}) == 1
    assert view.editor.stack.count() == steps + 1
    assert view.editor.stack.undoText() == "Align top edges"
    view.editor.stack.undo()
    assert len({area.top() for area in areas_of(view, chosen)}) == 3


@pytest.mark.parametrize(
    ("way", "across", "down"), [("left", -60, 9), ("right", 60, -9), ("top", 9, -60), ("bottom", -9, 60)]
)
def test_a_stroke_with_a_held_aligns_at_the_edge_it_leads_to(qtbot, view, hand, chosen, way, across, down):
    steps, begin = view.editor.stack.count(), view.canvas.area_of("dense_1").bottomLeft() + QPointF(0, 90)
    for _ in range(3):  # a display that tells of each repetition that the key was let go
        QTest.keyPress(view, Qt.Key.Key_A)
        QTest.keyRelease(view, Qt.Key.Key_A)
    hand.drag(begin, begin + QPointF(across, down), drop=False)
    assert view.hint() == f"Align {way} edges"
    QTest.keyPress(view, Qt.Key.Key_A)
    hand.release(begin + QPointF(across, down))
    QTest.keyRelease(view, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: not view.align_key.is_held)
    assert QApplication.activePopupWidget() is None and view.hint() == ""
    assert len({getattr(area, way)() for area in areas_of(view, chosen)}) == 1
    assert view.editor.stack.count() == steps + 1
    assert view.editor.stack.undoText() == f"Align {way} edges"
    assert view.editor.selection == set(chosen)


def test_a_stroke_is_given_up_by_escape_and_with_a_let_go_a_drag_selects(qtbot, view, hand, chosen):
    steps, begin = view.editor.stack.count(), view.canvas.area_of("dense_1").bottomLeft() + QPointF(0, 90)
    QTest.keyPress(view, Qt.Key.Key_A)
    hand.drag(begin, begin + QPointF(60, 0), drop=False)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.keyRelease(view, Qt.Key.Key_A)
    hand.release(begin)
    qtbot.waitUntil(lambda: not view.align_key.is_held)
    assert view.editor.stack.count() == steps and view.editor.selection == set(chosen)
    hand.drag(begin, begin + QPointF(60, 5))
    assert view.editor.stack.count() == steps and view.editor.selection == set()


def test_esc_leaves_everything_where_it_was(qtbot, view, chosen):
    steps = view.editor.stack.count()
    tap(qtbot, view)
    QTest.keyClick(view.menu, Qt.Key.Key_Escape)
    assert view.editor.stack.count() == steps


def test_pinned_nodes_stay(view, chosen):
    view.editor.set_flag(["dense_1"], "pinned", True)
    before = view.canvas.area_of("dense_1")
    view.commands["align_bottom"].trigger()
    assert view.canvas.area_of("dense_1") == before
    assert view.canvas.area_of("input_1").bottom() == pytest.approx(view.canvas.area_of("dense_2").bottom())


def test_one_node_cannot_be_aligned_and_two_cannot_be_spread(view):
    view.editor.select(["dense_1"])
    view.commands["align_left"].trigger()
    assert "2 nodes" in view.hint()
    view.editor.select(["dense_1", "dense_2"])
    view.commands["align_across"].trigger()
    assert "3 nodes" in view.hint() and not view.editor.stack.canUndo()


def test_q_straightens_the_wires_among_the_selected_nodes(view, chosen):
    QTest.keyClick(view, Qt.Key.Key_Q)
    for wire in view.canvas.wires.values():
        assert wire.runs[0].begin_y == pytest.approx(wire.runs[0].end_y)
    assert view.editor.stack.undoText() == "Straighten wires"


def test_q_says_so_where_no_wire_joins_what_is_selected(view):
    view.editor.select(["input_1", "target_1"])
    QTest.keyClick(view, Qt.Key.Key_Q)
    assert "no wire" in view.hint()
