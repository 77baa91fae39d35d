"""The gradient flow in the window: asked for while training runs, read, switched, clicked."""

import math
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.views.flow import FlowView
from app.views.flow_plot import FlowPlot, Row
from engine.analysis.layers import flow
from engine.session import Session
from tests.app.views.following import answered, editor_with

editor, view = editor_with(FlowView), answered(FlowView, (560, 300))


def rows(view):
    return {row.title: row for row in view.plot.rows}


def measured_at(view):
    return view.answer.found.iteration if view.answer is not None and view.answer.found is not None else None


def test_every_parameter_has_a_row_with_the_numbers_of_the_analysis(view, document):
    expected = flow(Session(document))
    assert list(rows(view)) == ["hidden · weight", "hidden · bias", "output · weight", "output · bias"]
    for row, entry in zip(view.plot.rows, expected.parameters, strict=True):
        assert row.gradient == pytest.approx(entry.gradient / math.sqrt(entry.entries))
        assert row.update == pytest.approx(entry.update / math.sqrt(entry.entries))
        assert row.ratio == pytest.approx(entry.update_ratio)
    assert view.reason == ""


def test_it_follows_training_and_leaves_it_as_it_was(qtbot, view, runner):
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 1):
        runner.step("iteration")
    qtbot.waitUntil(lambda: measured_at(view) == 1 and not view.is_waiting)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 2) as caught:
        runner.step("iteration")
    other = Session(view.editor.document)
    other.run(2)
    for name, array in other.parameters.items():
        assert caught.args[0].parameters[name].array.tobytes() == array.tobytes()


def test_outputs_are_a_press_away_and_the_document_remembers_it(qtbot, view, editor):
    QTest.mouseClick(view.modes.button(1), Qt.MouseButton.LeftButton)
    assert list(rows(view)) == ["hidden", "output", "loss"]
    assert view.plot.rows[0].update is None
    assert editor.document.views == [{"type": "flow", "of": "signals"}]
    editor.stack.undo()
    assert next(iter(rows(view))) == "hidden · weight"
    assert view.modes.button(0).isChecked()


def test_a_click_on_a_row_selects_its_node(view):
    area = view.plot.area
    place = QPoint(int(area.center().x()), int(area.top() + 2.5 * view.plot.row_height))
    QTest.mouseClick(view.plot, Qt.MouseButton.LeftButton, pos=place)
    assert view.editor.selection == {"output"}
    assert view.plot.text_at(place.y()).startswith("output · weight\nweights ")
    assert "mean squares" in view.plot.text_at(0)


def test_an_edit_is_measured_anew(qtbot, view, editor):
    editor.set_property("hidden", "activation", "relu")
    editor.remove(["output"])
    editor.stack.undo()
    before = view.answer
    qtbot.waitUntil(lambda: view.answer is not before and not view.is_waiting)
    assert len(view.plot.rows) == 4


def test_without_a_loss_it_says_so(view, editor):
    editor.remove(["loss"])
    view.show_snapshot(view.snapshot)
    assert "no loss" in view.reason


# the plot ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plot(qtbot):
    made = FlowPlot()
    qtbot.addWidget(made)
    made.resize(500, 200)
    made.show()
    return made


def test_sizes_stand_on_a_scale_of_powers_of_ten(plot):
    plot.show_rows(
        [Row("a.weight", "a", 1.0, 0.01, 0.001, 0.001), Row("b.weight", "b", 10.0, 0.1, 0.0, 0.0)], "parameters"
    )
    assert plot.decades == (-3, 1)
    xs = [plot.place_of(10.0**power) for power in range(-3, 2)]
    assert xs[0] == pytest.approx(plot.area.left())
    assert xs[-1] == pytest.approx(plot.area.right())
    gaps = [after - before for before, after in pairwise(xs)]
    assert gaps == pytest.approx([gaps[0]] * 4)
    assert plot.place_of(0.0) == plot.area.left()
    assert plot.place_of(math.inf) == plot.area.right()
    assert plot.place_of(math.nan) == plot.area.left()


def test_rows_that_do_not_fit_come_by_wheel_and_keys(plot):
    plot.show_rows([Row(f"n{place}.h", f"n{place}", 1.0, 0.1) for place in range(20)], "signals")
    assert 8 <= plot.fitting < 20
    assert plot.row_at(plot.area.top() + 1).title == "n0"
    at = QPointF(200, 100)
    down = QWheelEvent(
        at, plot.mapToGlobal(at), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(plot, down)
    assert plot.row_at(plot.area.top() + 1).title == "n1"
    QTest.keyClick(plot, Qt.Key.Key_PageDown)
    assert plot.row_at(plot.area.top() + 1).title == f"n{min(1 + plot.fitting, 20 - plot.fitting)}"
    QTest.keyClick(plot, Qt.Key.Key_PageDown)
    QTest.keyClick(plot, Qt.Key.Key_PageDown)
    assert plot.row_at(plot.area.bottom() - 1).title == "n19"
    plot.resize(500, 800)
    assert plot.first == 0


def test_a_scale_of_nothing_but_zeros_is_painted_too(plot):
    plot.show_rows([Row("a.weight", "a", 0.0, 0.0, 0.0, 0.0)], "parameters")
    assert plot.decades == (-1, 1)
    assert not plot.grab().isNull()
