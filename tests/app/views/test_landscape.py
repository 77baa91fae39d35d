"""The landscape of the loss in the window: planes of the analysis around where training stands."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.views import landscape as module
from app.views.landscape import LandscapeView
from engine.analysis.landscape import Landscape
from engine.session import Session
from tests.app.views.following import answered, editor_with

editor, view = editor_with(LandscapeView), answered(LandscapeView, (640, 360))


def step(qtbot, view, runner, iteration):
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == iteration):
        runner.step("iteration")
    qtbot.waitUntil(lambda: view.answer.found is not None and view.answer.found.iteration == iteration)


def choose_the_way(view):
    view.box.setFocus()
    QTest.keyClick(view.box, Qt.Key.Key_Down)
    assert view.box.currentText() == "the way's"


def test_it_shows_the_plane_of_two_random_directions(view, document):
    landscape = Landscape(Session(document), most_rows=module.MOST_ROWS)
    surface, middle = view.plot.surface, len(view.plot.surface.xs) // 2
    assert surface.losses[middle, middle] == pytest.approx(landscape.loss(landscape.centre), rel=1e-6)
    corner = landscape.centre - landscape.random(0).vector - landscape.random(1).vector
    assert surface.losses[0, 0] == pytest.approx(landscape.loss(corner), rel=1e-5)
    assert view.plot.names == ("random 0", "random 1")
    assert view.plot.point.gap == pytest.approx(0, abs=1e-6)
    assert view.reason == ""
    assert not view.plot.grab().isNull()


def test_it_follows_training_and_leaves_it_as_it_was(qtbot, view, runner):
    step(qtbot, view, runner, 1)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 2) as caught:
        runner.step("iteration")
    other = Session(view.editor.document)
    other.run(2)
    for name, array in other.parameters.items():
        assert caught.args[0].parameters[name].array.tobytes() == array.tobytes()


def test_the_directions_of_the_way_show_it_and_the_document_remembers_them(qtbot, view, runner, editor):
    choose_the_way(view)
    qtbot.waitUntil(lambda: "no two directions yet" in view.reason)
    assert editor.document.views == [{"type": "landscape", "over": "principal"}]
    for iteration in (1, 2, 3):
        asked = view._asked
        with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda now, at=iteration: now.iteration == at):
            runner.step("iteration")
        qtbot.waitUntil(lambda before=asked: view._asked > before and not view.is_waiting)
    seen = view.answer.found
    assert view.plot.names[0].startswith("principal 1 (")
    assert len(seen.path) >= 3
    np.testing.assert_allclose(seen.path[-1], 0, atol=1e-6)  # the way ends where the network stands
    assert np.abs(seen.path).max() < seen.plane.xs[-1]


def test_a_way_that_is_too_large_to_remember_is_said(qtbot, view, monkeypatch):
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    choose_the_way(view)
    qtbot.waitUntil(lambda: "17 parameters is too much to remember" in view.reason)


def test_going_back_begins_the_way_anew(qtbot, view, runner):
    step(qtbot, view, runner, 1)
    before = view._way
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 0):
        runner.reset()
    assert view._way is not before


def test_its_point_cannot_be_dragged(view):
    at = view.plot._spot(view.plot.axes()).toPoint()
    QTest.mousePress(view.plot, Qt.MouseButton.LeftButton, pos=QPoint(at))
    assert not view.plot.is_held


def test_without_a_loss_it_says_so(view, editor):
    editor.remove(["loss"])
    view.show_snapshot(view.snapshot)
    assert "no loss" in view.reason
