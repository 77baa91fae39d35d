"""Keys that play, wherever the keyboard is, and those that write."""

import pytest
from PySide6.QtCore import QPoint, Qt

from tests.app.shown import iteration, last_step


def focus_places(window):
    player = window.workspace.player
    return {
        "canvas": window.workspace.canvas,
        "play button": player.play_button,
        "speed": player.speed,
        "search button": window.top_bar.search,
        "palette list": window.workspace.palette_panel.tree,
    }


@pytest.mark.parametrize("place", ["canvas", "play button", "speed", "search button", "palette list"])
def test_arrows_and_space_play_wherever_the_keyboard_is(qtbot, opened, place):
    widget = focus_places(opened)[place]
    widget.setFocus()
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: last_step(opened) == 0)
    qtbot.keyClick(widget, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: last_step(opened) == 1)
    qtbot.keyClick(widget, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: last_step(opened) == 0)
    qtbot.keyClick(widget, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: opened.runner.playing)
    qtbot.keyClick(widget, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not opened.runner.playing)


def test_shift_right_is_an_iteration_and_r_returns_to_the_start(qtbot, opened):
    canvas = opened.workspace.canvas
    qtbot.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: iteration(opened) == 1)
    both = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(canvas, Qt.Key.Key_Right, both)
    qtbot.waitUntil(lambda: iteration(opened) == 2)
    qtbot.keyClick(canvas, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: iteration(opened) == 0)


def test_f10_plays_a_phase_and_takes_it_back(qtbot, opened):
    canvas = opened.workspace.canvas
    qtbot.keyClick(canvas, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: last_step(opened) is not None and opened.workspace.player.lane._last.part == "forward")
    qtbot.keyClick(canvas, Qt.Key.Key_F10)
    qtbot.waitUntil(lambda: opened.workspace.player.lane._last.part == "backward")
    qtbot.keyClick(canvas, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: opened.workspace.player.lane._last.part == "forward")


def test_in_a_text_field_the_keys_write(qtbot, opened):
    field = opened.workspace.palette_panel.search
    field.setFocus()
    qtbot.keyClicks(field, "r r")
    qtbot.keyClick(field, Qt.Key.Key_Right)
    assert field.text() == "r r"
    assert not opened.runner.playing
    assert last_step(opened) is None


def test_space_held_while_the_mouse_drags_pans_and_does_not_play(qtbot, opened):
    canvas = opened.workspace.canvas
    heard = []
    opened.runner.playing_changed.connect(heard.append)
    before = canvas.visible_area().center()
    port = canvas.viewport()
    qtbot.keyPress(canvas, Qt.Key.Key_Space)
    qtbot.mousePress(port, Qt.MouseButton.LeftButton, pos=QPoint(40, 60))
    qtbot.mouseMove(port, QPoint(90, 90))
    qtbot.mouseRelease(port, Qt.MouseButton.LeftButton, pos=QPoint(120, 110))
    qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.visible_area().center() != before
    opened.runner.step("node")
    qtbot.waitUntil(lambda: last_step(opened) == 0)
    assert heard == []


def test_no_key_is_bound_twice(opened):
    actions = [*opened.actions(), *opened.workspace.canvas.actions()]
    keys = [sequence.toString() for action in actions for sequence in action.shortcuts()]
    assert sorted(keys) == sorted(set(keys))
