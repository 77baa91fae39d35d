"""The Hessian in the window: measured while training runs, of all parameters or of one layer, read entry by entry."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.views import hessian as module
from app.views.hessian import HessianView
from app.views.hessian_plot import HessianPlot
from engine.analysis.curvature import Curvature, full_spectrum
from engine.session import Session
from tests.app.views.following import answered, editor_with

editor, view = editor_with(HessianView), answered(HessianView, (640, 360))


def choose(view, name):
    view.of.setFocus()
    while view.of.currentData() != name:
        QTest.keyClick(view.of, Qt.Key.Key_Down)


def test_it_shows_the_hessian_of_the_analysis(view, document):
    expected = Curvature(Session(document)).hessian()
    np.testing.assert_allclose(view.plot.matrix, expected)
    assert len(view.plot.names) == 17
    assert view.plot.names[0].startswith("hidden ")
    assert "negative" in view.plot.words
    assert view.reason == ""


def test_it_follows_training_and_leaves_it_as_it_was(qtbot, view, runner):
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 1):
        runner.step("iteration")
    qtbot.waitUntil(lambda: view.answer.found.iteration == 1 and not view.is_waiting)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 2) as caught:
        runner.step("iteration")
    other = Session(view.editor.document)
    other.run(2)
    for name, array in other.parameters.items():
        assert caught.args[0].parameters[name].array.tobytes() == array.tobytes()


def test_one_layer_can_be_chosen_and_the_document_remembers_it(qtbot, view, editor):
    choose(view, "output")
    qtbot.waitUntil(lambda: len(view.plot.names) == 5)
    assert editor.document.views == [{"type": "hessian", "of": "output"}]
    editor.stack.undo()  # on the way to it the keys came past the layer before
    editor.stack.undo()
    assert view.of.currentData() == ""
    qtbot.waitUntil(lambda: len(view.plot.names) == 17)


def test_too_many_parameters_are_said_and_one_layer_still_shows(qtbot, view, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10)
    view.ask_again()
    qtbot.waitUntil(lambda: "17 parameters is too large" in view.reason)
    choose(view, "output")
    qtbot.waitUntil(lambda: view.reason == "")
    assert len(view.plot.matrix) == 5


def test_without_a_loss_it_says_so(view, editor):
    editor.remove(["loss"])
    view.show_snapshot(view.snapshot)
    assert "no loss" in view.reason


# the plot ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plot(qtbot):
    made = HessianPlot()
    qtbot.addWidget(made)
    made.resize(500, 260)
    made.show()
    return made


def test_bars_go_up_where_the_loss_bends_up_and_down_where_it_bends_down(plot):
    matrix = np.diag([4.0, 0.04, -0.4])
    plot.show_curvature(matrix, full_spectrum(matrix), ["a", "b", "c"])
    up, small, down = (plot.bar(place) for place in range(3))
    assert up.bottom() == pytest.approx(plot.zero)
    assert down.top() == pytest.approx(plot.zero)
    assert up.height() > down.height() > small.height() > 0  # four tenths of a decade each
    assert plot.words == "λ from −0.400 to 4 · 1 negative · condition 100"
    assert not plot.grab().isNull()


def test_eigenvalues_that_are_0_but_for_rounding_are_0(plot):
    matrix = np.ones((3, 3))
    plot.show_curvature(matrix, full_spectrum(matrix), ["a", "b", "c"])
    assert plot.words.startswith("λ from 0 to 3")
    assert plot.words.endswith("none negative · condition ∞")
    assert plot.zero == plot.bars_area.bottom()
    zeros = np.zeros((2, 2))
    plot.show_curvature(zeros, full_spectrum(zeros), ["a", "b"])
    assert not plot.grab().isNull()


def test_a_pointer_is_told_what_lies_under_it(plot):
    matrix = np.array([[2.0, -1], [-1, 2]])
    plot.show_curvature(matrix, full_spectrum(matrix), ["v", "w"])
    area = plot.map_area
    assert plot.text_at(area.topRight() + QPointF(-5, 5)) == "∂²L by v and w: −1"
    assert plot.text_at(QPointF(plot.bar(0).center())) == "eigenvalue 1 of 2: +3"
    assert plot.text_at(QPointF(1, 1)) == ""
