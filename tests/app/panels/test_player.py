"""The bar at the bottom: buttons, segments, speed, counters, marks."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from app.panels.phase_lane import MARK, RING
from app.panels.player import FULL_SPEED, nodes_per_second, rows_text, speed_text
from engine.snapshot import Snapshot
from engine.tape import Step


@pytest.fixture
def player(opened):
    return opened.workspace.player


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_step_plays_one_node_and_the_lane_rings_it(qtbot, player):
    press(qtbot, player.step_button)
    qtbot.waitUntil(lambda: player.lane._last is not None)
    assert player.lane._last.index == 0
    press(qtbot, player.step_button)
    qtbot.waitUntil(lambda: player.lane._last.index == 1)
    press(qtbot, player.back_button)
    qtbot.waitUntil(lambda: player.lane._last.index == 0)


def test_with_iteration_chosen_a_step_is_an_iteration(qtbot, player):
    press(qtbot, player.findChild(QToolButton, "kind_iteration"))
    press(qtbot, player.step_button)
    qtbot.waitUntil(lambda: player.counters["iteration"].text == "1")
    press(qtbot, player.back_button)
    qtbot.waitUntil(lambda: player.counters["iteration"].text == "0")


def test_play_becomes_pause_and_back(qtbot, player, opened):
    press(qtbot, player.play_button)
    qtbot.waitUntil(lambda: player.play_button.accessibleName() == "Pause")
    assert player.play_button.toolTip() == "Pause  (Space)"
    qtbot.waitUntil(lambda: int(player.counters["iteration"].text.replace("\u202f", "")) > 3)
    press(qtbot, player.play_button)
    qtbot.waitUntil(lambda: player.play_button.accessibleName() == "Play")


def test_the_first_button_returns_to_the_start(qtbot, player):
    player._runner.step("iteration")
    qtbot.waitUntil(lambda: player.counters["iteration"].text == "1")
    press(qtbot, player.start_button)
    qtbot.waitUntil(lambda: player.counters["iteration"].text == "0")


def test_what_is_not_computed_is_a_dash(player):
    assert player.counters["loss"].text == "–"


def test_counters_show_what_the_snapshot_says(qtbot, player):
    player._runner.step("iteration")
    qtbot.waitUntil(lambda: player.counters["iteration"].text == "1")
    assert player.counters["epoch"].text == "1"
    assert player.counters["row"].text == "1–4"
    assert float(player.counters["loss"].text) > 0
    assert player.counters["precision"].text == "float32"


def test_the_batch_is_changed_in_place_and_can_be_undone(qtbot, player, opened):
    player.batch.setFocus()
    player.batch.selectAll()
    qtbot.keyClicks(player.batch, "2")
    qtbot.keyClick(player.batch, Qt.Key.Key_Return)
    assert opened.editor.document.training.batch_size == 2
    opened.editor.stack.undo()
    assert opened.editor.document.training.batch_size == 4
    assert player.batch.text() == "4"


def test_the_learning_rate_reaches_the_running_session(qtbot, player, opened):
    seen = []
    opened.runner.snapshot_ready.connect(lambda snapshot: seen.append(snapshot.settings))
    player.rate.setFocus()
    player.rate.selectAll()
    qtbot.keyClicks(player.rate, "0,3")
    qtbot.keyClick(player.rate, Qt.Key.Key_Return)
    assert opened.editor.document.training.phases[0].optimizer.setting("learning_rate") == 0.3
    qtbot.waitUntil(lambda: bool(seen) and any(abs(number - 0.3) < 1e-6 for number in seen[-1].values()))


@pytest.mark.parametrize("typed", ["minus two", "-2", "1.5", "99999999999", ""])
def test_a_batch_that_makes_no_sense_is_refused_where_it_was_typed(qtbot, player, opened, typed):
    player.batch.setFocus()
    player.batch.selectAll()
    qtbot.keyClick(player.batch, Qt.Key.Key_Delete)
    qtbot.keyClicks(player.batch, typed)
    qtbot.keyClick(player.batch, Qt.Key.Key_Return)
    assert player.batch.property("wrong") == "true"
    assert opened.editor.document.training.batch_size == 4
    qtbot.keyClick(player.batch, Qt.Key.Key_Escape)
    assert player.batch.text() == "4"


def test_all_rows_at_once_is_called_all(qtbot, player, opened):
    player.batch.setFocus()
    player.batch.selectAll()
    qtbot.keyClicks(player.batch, "all")
    qtbot.keyClick(player.batch, Qt.Key.Key_Return)
    assert opened.editor.document.training.batch_size == 0
    assert player.batch.text() == "all"


def test_arrows_in_a_field_change_the_number_and_not_the_step(qtbot, player, opened):
    player.seed.setFocus()
    qtbot.keyClick(player.seed, Qt.Key.Key_Up)
    assert opened.editor.document.training.seed == 1
    qtbot.keyClick(player.seed, Qt.Key.Key_Right)
    assert player.lane._last is None


def test_the_speed_is_logarithmic_from_one_node_a_second_to_full():
    assert nodes_per_second(0) == 1
    assert nodes_per_second(40) == pytest.approx(100)
    assert nodes_per_second(FULL_SPEED) is None
    assert [speed_text(nodes_per_second(at)) for at in (0, 6, 80, 100)] == [
        "1 node/s",
        "2 nodes/s",
        "10 k nodes/s",
        "full speed",
    ]


def test_rows_are_counted_from_one():
    assert rows_text(None) == "–"
    assert rows_text(np.array([2])) == "3"
    assert rows_text(np.array([3, 0, 1, 2])) == "1–4"
    assert rows_text(np.array([0, 5])) == "2 rows"


def test_in_a_narrow_window_the_least_important_counters_give_way(qtbot, opened, player):
    opened.resize(1920, 800)
    qtbot.waitUntil(lambda: player.width() == 1920)
    assert all(counter.isVisible() for counter in player.counters.values())
    opened.resize(1024, 700)
    qtbot.waitUntil(lambda: player.width() == 1024)
    assert not player.counters["precision"].isVisible()
    assert player.counters["loss"].isVisible()
    for counter in player.counters.values():
        if counter.isVisible():
            assert counter.geometry().right() <= player.width()


def test_a_long_iteration_is_shown_as_bars_that_fill(qtbot, player):
    lane = player.lane
    lane.resize(150, 40)
    player._runner.step("phase")
    qtbot.waitUntil(lambda: lane._last is not None and lane._last.part == "forward")
    assert sum(area.width() for area in lane._areas()) <= lane.width()
    lane.grab()


def test_every_button_says_its_key(player):
    tips = [
        button.toolTip() for button in (player.start_button, player.back_button, player.play_button, player.step_button)
    ]
    assert tips == ["Return to the start  (R)", "Step back  (←)", "Play  (Space)", "Step  (→)"]


@pytest.mark.parametrize("width", [176, 200, 240, 300])
def test_the_last_mark_of_a_narrow_lane_is_whole_with_its_ring(qtbot, player, width):
    lane = player.lane
    player.step()
    qtbot.waitUntil(lambda: lane._last is not None)
    lane.resize(width, 40)
    areas = lane._areas()
    first = lane._place(areas[0], lane._groups[0], 0).x()
    last = lane._place(areas[-1], lane._groups[-1], len(lane._groups[-1]) - 1).x()
    assert first >= MARK + RING
    assert last + MARK + RING <= width


def test_a_rate_that_there_is_not_is_a_dash_and_no_empty_field(player):
    player.rate.show_number(None)
    assert player.rate.text() == "–" and not player.rate.isEnabled()
    player.rate.show_number(0.5)
    assert player.rate.text() == "0.5" and player.rate.isEnabled()


@pytest.mark.parametrize("name", ["batch", "rate", "seed"])
def test_a_field_has_an_edge_on_the_left_as_on_the_right(player, name):
    """It began outside its counter: the edge was cut off, and the corners with it."""
    picture = getattr(player, name).grab().toImage()
    left, right = (picture.pixelColor(x, picture.height() // 2) for x in (0, picture.width() - 1))
    assert left == right != picture.pixelColor(picture.width() - 3, picture.height() // 2)


def test_a_small_rate_stands_there_with_all_its_digits(player):
    field = player.rate
    for rate in (0.1, 0.00031, 1.25e-7):
        field.show_number(rate)
        assert field.text() == f"{rate:.6g}"
        assert field.fontMetrics().horizontalAdvance(field.text()) + 6 <= field.width()
        assert field.cursorPosition() == 0


def test_many_phases_share_a_lane_too_narrow_for_a_word_for_each(player):
    parts = ["forward", *["backward"] * 4, *["update"] * 4]
    steps = tuple(Step(index, part, "w", max(0, index - 1) % 4) for index, part in enumerate(parts))
    lane = player.lane
    lane.show_snapshot(Snapshot(steps=steps, last_step=steps[0]))
    for width, words in ((200, 3), (900, 9)):
        lane.resize(width, 40)
        areas = lane._areas()
        assert len(areas) == words
        assert areas[-1].right() <= width


def test_the_lane_says_where_in_time_a_recurrent_network_is(player):
    steps = tuple(Step(index, "forward", "state", 0, time) for index, time in enumerate((-1, 0, 1, 2)))
    player.lane.show_snapshot(Snapshot(steps=steps, last_step=steps[2]))
    assert player.lane.moment == " · time 2 of 3"
    player.lane.show_snapshot(Snapshot(steps=steps, last_step=steps[0]))
    assert player.lane.moment == ""
