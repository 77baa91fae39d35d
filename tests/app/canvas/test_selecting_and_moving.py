"""Selecting, moving, editing in place, the camera: by mouse and keys."""

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

CONTROL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier,
)  # fmt: skip
FREE = QPointF(150, 420)


def position(view, name):
    return view.canvas.graph.nodes[name].position


def test_a_click_selects_ctrl_toggles_and_a_click_on_nothing_clears(view, hand):
    hand.click(hand.node("dense_1"))
    assert view.editor.selection == {"dense_1"}
    hand.click(hand.node("dense_2"), modifiers=CONTROL)
    assert view.editor.selection == {"dense_1", "dense_2"}
    hand.click(hand.node("dense_1"), modifiers=CONTROL)
    assert view.editor.selection == {"dense_2"}
    hand.click(FREE)
    assert view.editor.selection == set() and view.editor.stack.count() == 0


def test_the_rubber_band_selects_what_it_touches_and_shift_adds(view, hand):
    hand.drag(QPointF(-40, -60), QPointF(300, 40))
    assert view.editor.selection == {"input_1", "dense_1"}
    hand.drag(QPointF(560, 460), QPointF(620, 300), modifiers=SHIFT)
    assert view.editor.selection == {"input_1", "dense_1", "target_1"}


def test_esc_brings_back_the_selection_before_the_band(view, hand):
    view.editor.select(["target_1"])
    hand.press(QPointF(-40, -60))
    hand.move(QPointF(300, 40))
    hand.key(Qt.Key.Key_Escape)
    assert view.editor.selection == {"target_1"}


def test_a_drag_moves_the_selection_in_one_step(view, hand):
    view.editor.select(["dense_1", "dense_2"])
    hand.drag(hand.node("dense_1"), hand.node("dense_1") + QPointF(37, 211))
    dx, dy = position(view, "dense_1")[0] - 280, position(view, "dense_1")[1]
    assert abs(dx - 37) <= 6 and abs(dy - 211) <= 6  # guides may pull it a few pixels
    assert position(view, "dense_2") == (580 + dx, dy)
    assert view.editor.stack.count() == 1 and view.editor.stack.undoText() == "Move 2 nodes"
    view.editor.stack.undo()
    assert view.canvas.nodes["dense_1"].pos() == QPointF(280, 0)


def test_shift_locks_the_axis(view, hand):
    hand.press(hand.node("target_1"))
    end = hand.node("target_1") + QPointF(90, 30)
    hand.move(end, modifiers=SHIFT)
    hand.release(end, modifiers=SHIFT)
    assert position(view, "target_1") == (670, 260)


def test_esc_during_a_drag_puts_everything_back(view, hand):
    hand.press(hand.node("dense_1"))
    hand.move(hand.node("dense_1") + QPointF(100, 100))
    assert view.canvas.nodes["dense_1"].pos() != QPointF(280, 0)
    hand.key(Qt.Key.Key_Escape)
    assert view.canvas.nodes["dense_1"].pos() == QPointF(280, 0) and view.editor.stack.count() == 0


def test_alt_and_arrows_nudge(view, hand):
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_Right, ALT)
    assert position(view, "dense_1") == (284, 0)


def test_the_players_keys_are_left_to_the_player(view, hand, qtbot):
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Space, Qt.Key.Key_R):
        event = QKeyEvent(QKeyEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier)
        view.keyPressEvent(event)
        assert not event.isAccepted()
    assert view.editor.stack.count() == 0


def test_delete_and_ctrl_delete(view, hand):
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_Delete, CONTROL)
    assert [(w.source, w.target) for w in view.canvas.graph.wires] == [("input_1.value", "dense_2.x")]
    view.editor.select(["dense_2"])
    hand.key(Qt.Key.Key_Delete)
    assert "dense_2" not in view.canvas.nodes and view.canvas.wires == {}


def test_copy_and_paste_land_under_the_cursor(view, hand):
    view.editor.select(["dense_1", "dense_2"])
    hand.key(Qt.Key.Key_C, CONTROL)
    assert "chainrule_clipboard" in QGuiApplication.clipboard().text()
    hand.move(FREE)
    hand.key(Qt.Key.Key_V, CONTROL)
    assert view.editor.selection == {"dense_3", "dense_4"}
    assert abs(position(view, "dense_3")[0] - FREE.x()) <= 1
    assert ("dense_3.h", "dense_4.x") in {(w.source, w.target) for w in view.canvas.graph.wires}


def test_shift_d_duplicates_and_selects_the_copy(view, hand):
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_D, SHIFT)
    assert view.editor.selection == {"dense_3"} and position(view, "dense_3") == (304, 24)


def test_keys_set_the_flags_of_the_selection(view, hand):
    view.editor.select(["dense_1"])
    for key, modifiers, flag in (
        (Qt.Key.Key_K, Qt.KeyboardModifier.NoModifier, "frozen"), (Qt.Key.Key_M, SHIFT, "muted"),
        (Qt.Key.Key_H, Qt.KeyboardModifier.NoModifier, "collapsed"), (Qt.Key.Key_H, CONTROL, "trimmed"),
        (Qt.Key.Key_M, Qt.KeyboardModifier.NoModifier, "bypassed"),
    ):  # fmt: skip
        hand.key(key, modifiers)
        assert flag in view.canvas.graph.nodes["dense_1"].flags
    assert "muted" not in view.canvas.graph.nodes["dense_1"].flags


def test_control_h_hides_the_ports_without_wires_and_their_fields(view, hand):
    free = view.editor.add_node("clip", (0, 400), wire_from="dense_2.h")
    view.editor.select(["dense_1", free])

    def shown(name):
        return {port.name for port in view.canvas.nodes[name].ports if port.shown}

    before, fields = (shown("dense_1"), shown(free)), view.canvas.nodes[free].geometry.fields
    assert before == ({"x", "weight", "bias", "h"}, {"x", "low", "high", "y"})
    hand.key(Qt.Key.Key_H, CONTROL)
    assert shown("dense_1") == {"x", "h"} and shown(free) == {"x"}
    assert len(fields) == 2 and view.canvas.nodes[free].geometry.fields == ()
    hand.key(Qt.Key.Key_H, CONTROL)
    assert (shown("dense_1"), shown(free)) == before and view.canvas.nodes[free].geometry.fields == fields
    view.editor.stack.undo()
    assert shown("dense_1") == {"x", "h"} and view.editor.stack.undoText() == "Hide free ports of 2 nodes"


def test_a_click_on_the_chevron_folds_the_node(view, hand):
    area = view.canvas.area_of("dense_1")
    hand.click(area.topRight() + QPointF(-14, 14))
    assert view.canvas.nodes["dense_1"].geometry.size[1] == 28


def test_f2_renames_in_place(view, hand):
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_F2)
    hand.type("first layer")
    assert view.canvas.graph.nodes["dense_1"].title == "first layer"
    assert view.editor.stack.undoText() == "Rename hidden"


def test_letters_typed_into_a_name_do_not_reach_the_canvas(view, hand):
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_F2)
    hand.type("kmhl", enter=False)
    assert view.canvas.graph.nodes["dense_1"].flags == frozenset()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert view.canvas.graph.nodes["dense_1"].title == "hidden"


def test_a_field_is_dragged_in_one_step_and_typed_after_a_click(view, hand):
    name = view.editor.add_node("scale", (0, 320))
    row = next(row for row in view.canvas.nodes[name].geometry.fields if row.name == "factor")
    place = view.canvas.nodes[name].pos() + row.box.center()
    count = view.editor.stack.count()
    hand.drag(place, place - QPointF(0, 50))
    assert view.canvas.graph.nodes[name].properties["factor"] == 1.5
    assert view.editor.stack.count() == count + 1
    hand.click(place)
    hand.type("2,25")
    assert view.canvas.graph.nodes[name].properties["factor"] == 2.25


def test_a_word_typed_for_a_number_is_refused_in_words(view, hand):
    name = view.editor.add_node("scale", (0, 320))
    view.edit_field(name, "factor")
    hand.type("many")
    assert "no number" in view.hint() and view.canvas.graph.nodes[name].properties.get("factor", 1.0) == 1.0


def test_c_frames_the_selection_and_dragging_its_title_carries_the_nodes(view, hand):
    view.editor.select(["dense_1", "dense_2"])
    hand.key(Qt.Key.Key_C)
    hand.type("network")
    frame = view.canvas.graph.frames["frame_1"]
    assert (frame.title, frame.nodes) == ("network", ("dense_1", "dense_2"))
    grip = view.canvas.frames["frame_1"].title_area.topLeft() + QPointF(12, 12)
    hand.drag(grip, grip + QPointF(0, 333))
    assert position(view, "dense_1")[1] == position(view, "dense_2")[1] and abs(position(view, "dense_1")[1] - 333) <= 6


def test_n_sticks_a_note_under_the_cursor_and_it_is_written_in_place(view, hand):
    hand.move(FREE)
    hand.key(Qt.Key.Key_N)
    hand.type("small: $1 - h^2$", enter=False)
    view.setFocus()
    note = view.canvas.graph.notes["note_1"]
    assert note.text == "small: $1 - h^2$" and note.position == (FREE.x(), FREE.y())


def test_l_lays_out_and_undo_brings_every_place_back(view, hand):
    before = {name: node.position for name, node in view.canvas.graph.nodes.items()}
    view.editor.move(["dense_2"], -500, 30)
    hand.key(Qt.Key.Key_L)
    assert position(view, "dense_2")[0] > position(view, "dense_1")[0] > position(view, "input_1")[0]
    view.editor.stack.undo()
    view.editor.stack.undo()
    assert {name: node.position for name, node in view.canvas.graph.nodes.items()} == before


def test_tab_and_double_click_and_shift_a_open_the_search_box(view, hand):
    hand.double_click(FREE)
    assert view.search is not None and "input" in view.search.names
    view.search.close_box()
    hand.key(Qt.Key.Key_Tab)
    assert view.search is not None
    view.search.close_box()
    hand.key(Qt.Key.Key_A, SHIFT)
    hand.type("scale")
    assert "scale_1" in view.canvas.nodes


def test_the_node_used_last_stands_on_top_of_the_search_box(view, hand):
    hand.double_click(FREE)
    hand.type("scale")
    hand.double_click(FREE + QPointF(300, 100))
    assert view.search.names[0] == "scale"
    view.search.close_box()


def test_ctrl_arrows_walk_along_wires_and_tab_walks_ports(view, hand):
    view.editor.select(["input_1"])
    hand.key(Qt.Key.Key_Right, CONTROL)
    assert view.editor.selection == {"dense_1"}
    hand.key(Qt.Key.Key_Tab)
    hand.key(Qt.Key.Key_Tab)
    assert view.hand.current_port().address == "dense_1.weight"
    hand.key(Qt.Key.Key_Left, CONTROL)
    assert view.editor.selection == {"input_1"}


def test_the_wheel_zooms_at_the_cursor(view, hand):
    place = QPoint(300, 200)
    before = view.mapToScene(place)
    event = QWheelEvent(
        QPointF(place), QPointF(place), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), event)
    assert view.zoom > 1.1 and (view.mapToScene(place) - before).manhattanLength() < 3
    assert "115" in view.zoom_control.text.text()


def test_middle_drag_space_drag_and_right_drag_pan(view, hand):
    for button, space in (
        (Qt.MouseButton.MiddleButton, False),
        (Qt.MouseButton.RightButton, False),
        (Qt.MouseButton.LeftButton, True),
    ):
        before = view.mapToScene(QPoint(0, 0))
        begin = view.mapToScene(QPoint(120, 600))
        if space:
            QTest.keyPress(view, Qt.Key.Key_Space)
        hand.press(begin, button)
        hand.move(view.mapToScene(QPoint(160, 600)), button)
        hand.release(view.mapToScene(QPoint(160, 600)), button)
        assert abs(view.mapToScene(QPoint(0, 0)).x() - before.x() + 40) < 3
    assert view.editor.stack.count() == 0 and view.editor.selection == set()


def test_home_fits_all_f_fits_the_selection_and_shift_f_goes_back(view, hand):
    view.zoom_by(3.0)
    view.centre_at(QPointF(5000, 5000))
    hand.key(Qt.Key.Key_Home)
    assert view.visible_area().contains(view.canvas.content_area())
    view.editor.select(["target_1"])
    hand.key(Qt.Key.Key_F)
    assert (view.visible_area().center() - view.canvas.area_of("target_1").center()).manhattanLength() < 4
    hand.key(Qt.Key.Key_F, SHIFT)
    assert view.visible_area().contains(view.canvas.content_area())


def test_a_plain_right_click_opens_a_menu_that_names_the_keys(view, hand):
    hand.click(hand.node("dense_1"), Qt.MouseButton.RightButton)
    texts = {action.text(): action.shortcut().toString() for action in view.menu.actions()}
    assert texts["Delete"] == "Del" and texts["Bypass"] == "M" and "Add node…" in texts
    assert view.editor.selection == {"dense_1"}
    view.menu.close()


def test_far_away_one_item_draws_the_graph(view):
    view.zoom_by(0.2)
    assert view.canvas.overview.isVisible() and not any(item.isVisible() for item in view.canvas.nodes.values())
    view.zoom_by(5)
    assert not view.canvas.overview.isVisible() and all(item.isVisible() for item in view.canvas.nodes.values())


def test_fitting_everything_leaves_no_node_under_map_or_zoom_control(view, hand):
    view.editor.move(["target_1"], 900, 500)
    hand.key(Qt.Key.Key_Home)
    for corner in (view.minimap.geometry(), view.zoom_control.geometry()):
        for name in view.canvas.nodes:
            assert not view.rectangle_on_screen(view.canvas.area_of(name)).intersects(corner)


def test_a_rest_of_rounding_is_no_step(view, hand):
    place = hand.node("dense_1")
    hand.press(place)
    hand.move(place + QPointF(40, 0))
    view.mode._offset = QPointF(1e-14, 0)
    hand.release(place)
    assert view.editor.stack.count() == 0
    assert view.canvas.nodes["dense_1"].pos().toTuple() == tuple(view.canvas.graph.nodes["dense_1"].position)
