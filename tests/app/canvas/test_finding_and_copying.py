"""Finding by words, copying by a drag, taking out by a shake, selecting along wires, and flags of whole frames."""

import pytest
from PySide6.QtCore import QPointF, Qt

from tests.app.robustness.agreement import check_scene

CONTROL, ALT, SHIFT = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Control", "Alt", "Shift"))
ENTER = Qt.Key.Key_Return


@pytest.mark.parametrize(("key", "keys"), [(Qt.Key.Key_F, CONTROL), (Qt.Key.Key_Slash, Qt.KeyboardModifier.NoModifier)])
def test_find_lists_hits_with_their_number_and_enter_walks_them(view, hand, key, keys):
    view.editor.add_note((900.0, 900.0), "a dense forest")
    hand.key(key, keys)
    box = view.finding
    hand.type("dense", enter=False)
    assert box.list.count() == 3 and box.count.text() == "1 of 3"
    walked = []
    for _ in range(4):
        hand.key(ENTER, widget=box.line)
        walked.append(next(iter(view.editor.selection)))
        assert (view.visible_area().center() - view.canvas.area_of(walked[-1]).center()).manhattanLength() < 3
    assert walked == ["dense_1", "dense_2", "note_1", "dense_1"]
    hand.key(ENTER, SHIFT, widget=box.line)
    assert view.editor.selection == {"note_1"} and box.count.text() == "3 of 3"
    hand.key(Qt.Key.Key_Escape, widget=box.line)
    assert view.hasFocus() and view.editor.stack.count() == 1


def test_what_nothing_is_called_is_said(view, hand, qtbot):
    hand.key(Qt.Key.Key_F, CONTROL)
    hand.type("zebra", enter=False)
    assert view.finding.count.text() == "none" and not view.finding.list.isVisible()
    view.setFocus()
    qtbot.waitUntil(lambda: view.finding is None)


@pytest.mark.parametrize("keys", [ALT, CONTROL])
def test_a_drag_with_alt_or_ctrl_copies_in_one_step_and_leaves_the_original(view, hand, keys):
    before = view.canvas.graph.nodes["dense_1"].position
    hand.drag(hand.node("dense_1"), hand.node("dense_1") + QPointF(40, 300), modifiers=keys)
    (copy,) = view.editor.selection
    assert view.canvas.graph.nodes["dense_1"].position == before
    assert view.canvas.graph.nodes[copy].position == (before[0] + 40, before[1] + 300)
    assert view.editor.stack.count() == 1 and view.editor.stack.undoText().startswith("Duplicate")
    check_scene(view.editor, view.canvas)


def test_a_copy_is_given_up_by_escape_and_a_click_with_ctrl_only_selects(view, hand):
    hand.drag(hand.node("dense_1"), hand.node("dense_1") + QPointF(40, 300), modifiers=CONTROL, drop=False)
    hand.key(Qt.Key.Key_Escape)
    hand.release(hand.node("dense_1"))
    assert not view.editor.stack.count() and not view.editor.selection
    hand.click(hand.node("dense_1"), modifiers=CONTROL)
    hand.click(hand.node("dense_2"), modifiers=CONTROL)
    assert view.editor.selection == {"dense_1", "dense_2"} and not view.editor.stack.count()


def test_a_shaken_node_leaves_its_wires_which_are_joined_in_one_step(view, hand):
    start = hand.node("dense_1")
    hand.press(start)
    for across in (60, -60, 60, -60, 60):
        hand.move(start + QPointF(across, 0))
    hand.move(start + QPointF(0, 300))
    hand.release(start + QPointF(0, 300))
    assert [(wire.source, wire.target) for wire in view.canvas.graph.wires] == [("input_1.value", "dense_2.x")]
    assert view.editor.stack.count() == 1 and view.editor.stack.undoText() == "Take out hidden"
    check_scene(view.editor, view.canvas)
    view.editor.stack.undo()
    hand.drag(start, start + QPointF(0, 300))
    assert len(view.canvas.graph.wires) == 2, "a plain drag takes nothing out"


def test_keys_select_all_that_leads_to_a_node_and_all_that_follows(view, hand):
    hand.click(hand.node("dense_1"))
    hand.key(Qt.Key.Key_Left, CONTROL | ALT)
    assert view.editor.selection == {"input_1", "dense_1"}
    hand.click(hand.node("dense_1"))
    hand.key(Qt.Key.Key_Right, CONTROL | ALT)
    assert view.editor.selection == {"dense_1", "dense_2"} and not view.editor.stack.count()


@pytest.mark.parametrize(("key", "keys", "flag"), [(Qt.Key.Key_M, SHIFT, "muted"), (Qt.Key.Key_K, None, "frozen")])
def test_what_is_done_to_a_frame_is_done_to_all_that_lies_in_it(view, hand, key, keys, flag):
    frame = view.editor.add_frame(["dense_1", "dense_2"], "both")
    view.editor.select([frame])
    hand.key(key, keys or Qt.KeyboardModifier.NoModifier)
    assert {name for name, node in view.canvas.graph.nodes.items() if flag in node.flags} == {"dense_1", "dense_2"}


def test_backspace_leads_out_of_a_composite_where_nothing_is_selected(view, hand):
    use = view.editor.group(["dense_1", "dense_2"])
    view.editor.enter(use)
    hand.key(Qt.Key.Key_Backspace)
    assert view.editor.path == () and view.editor.selection == {use}


def test_one_key_hides_the_wires_and_shows_them(view, hand):
    hand.key(Qt.Key.Key_W)
    assert view.canvas.hides_wires
    hand.key(Qt.Key.Key_W)
    assert not view.canvas.hides_wires
