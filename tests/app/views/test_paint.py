"""Points painted on the decision boundary and beside the curve become data, gesture by gesture."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.views import DecisionBoundary
from app.views.field import Field, asked_for
from app.views.paint import ERASER
from engine.datasets import load
from engine.document import Document
from engine.snapshot import Snapshot

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


def painted(qtbot, document, data):
    document.data = {"train": data}
    view = DecisionBoundary(Editor(document))
    qtbot.addWidget(view)
    view.resize(560, 360)
    view.show()
    view.show_snapshot(Snapshot())
    ask = asked_for(load(data))
    values = 0 * ask.inputs()[:, 0] + 0.5
    view.show_field(Field(ask, values.reshape((ask.resolution,) * len(ask.bounds) + (1,)), 0))
    view.paint_button.click()
    assert view.paint.is_on
    return view


def at(view, x, y):
    return view.plot.axes().point(x, y).toPoint()


def rows(view):
    return view.editor.document.load_data()[0]


def test_a_click_adds_a_point_of_the_class_in_hand_as_one_step(qtbot, document):
    view = painted(qtbot, document, {"name": "xor"})
    qtbot.mouseClick(view.plot, LEFT, pos=at(view, 0.5, 0.25))
    data = rows(view)
    assert len(data.inputs) == 5 and data.targets[-1] == 1
    assert data.inputs[-1] == pytest.approx([0.5, 0.25], abs=0.01)
    assert data.inputs[:4].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    qtbot.keyClick(view.plot, Qt.Key.Key_1)
    qtbot.mouseClick(view.plot, LEFT, pos=at(view, 0.2, 0.6))
    assert rows(view).targets.ravel().tolist() == [0, 1, 1, 0, 1, 0]
    assert view.editor.stack.count() == 2 and view.editor.stack.undoText() == "Paint points"
    view.editor.stack.undo()
    view.editor.stack.undo()
    assert view.editor.document.data == {"train": {"name": "xor"}}


def test_a_drag_sprays_and_is_one_step(qtbot, document):
    view = painted(qtbot, document, {"name": "xor"})
    bounds = view._ask.bounds
    QTest.mousePress(view.plot, LEFT, pos=at(view, 0.1, 0.5))
    for x in np.linspace(0.1, 0.9, 20):
        QTest.mouseMove(view.plot, at(view, x, 0.5))
    QTest.mouseRelease(view.plot, LEFT, pos=at(view, 0.9, 0.5))
    assert len(rows(view).inputs) > 12 and view.editor.stack.count() == 1
    assert len(view.plot.scene.points) == len(rows(view).inputs)  # seen at once, on a plane that stands still
    assert view._ask.bounds == bounds
    view.editor.stack.undo()
    assert len(rows(view).inputs) == 4


@pytest.mark.parametrize("way", ["brush", "right button"])
def test_the_eraser_takes_points_away_and_leaves_the_last_one(qtbot, document, way):
    view = painted(qtbot, document, {"name": "xor"})
    if way == "brush":
        qtbot.mouseClick(view.paint.brushes[ERASER], LEFT)
    button = LEFT if way == "brush" else RIGHT
    qtbot.mouseClick(view.plot, button, pos=at(view, 1, 1))
    assert rows(view).inputs.tolist() == [[0, 0], [0, 1], [1, 0]]
    qtbot.mouseClick(view.plot, button, pos=at(view, 0.5, 0.5))
    assert view.editor.stack.count() == 1
    for x, y in ((0, 0), (0, 1), (1, 0)):
        qtbot.mouseClick(view.plot, button, pos=at(view, x, y))
    assert len(rows(view).inputs) == 1


def test_beside_a_curve_a_click_adds_x_and_y(qtbot, document):
    view = painted(qtbot, document, {"name": "function_1d", "samples": 10})
    axes = view.plot.axes()
    y = (axes.bottom + axes.top) / 2
    qtbot.mouseClick(view.plot, LEFT, pos=at(view, 0.3, y))
    data = rows(view)
    assert data.task == "regression" and len(data.inputs) == 11
    assert (data.inputs[-1, 0], data.targets[-1, 0]) == pytest.approx((0.3, y), abs=0.02)
    assert view.plot.axes().top == axes.top
    assert np.array_equal(data.inputs[:10], load({"name": "function_1d", "samples": 10}).inputs)


def test_what_is_done_to_the_rows_goes_on_being_done(qtbot, document):
    spec = {"name": "moons", "samples": 40, "standardise": True, "test_fraction": 0.25, "labels": "-1/+1"}
    view = painted(qtbot, document, spec)
    qtbot.keyClick(view.plot, Qt.Key.Key_1)
    qtbot.mouseClick(view.plot, LEFT, pos=at(view, 0.5, 0.1))
    data = rows(view)
    assert data.input_mean is not None and len(data.test_rows) == 10
    assert data.targets[-1] == -1 and data.measured[-1] == pytest.approx([0.5, 0.1], abs=0.02)
    np.testing.assert_allclose(data.measured[:40], load({**spec, "standardise": False}).inputs, rtol=1e-9)


def test_three_classes_have_three_brushes_and_one_hot_stays(qtbot, document):
    features = ["petal length (cm)", "petal width (cm)"]
    view = painted(qtbot, document, {"name": "iris", "features": features, "one_hot": True})
    assert list(view.paint.brushes) == [0, 1, 2, ERASER]
    qtbot.keyClick(view.plot, Qt.Key.Key_3)
    qtbot.mouseClick(view.plot, LEFT, pos=at(view, 2, 2))
    assert rows(view).targets[-1].tolist() == [0, 0, 1]
    assert rows(view).class_names == ("setosa", "versicolor", "virginica")


def test_escape_and_another_document_put_the_brush_away(qtbot, document):
    view = painted(qtbot, document, {"name": "xor"})
    qtbot.keyClick(view.plot, Qt.Key.Key_Escape)
    assert not view.paint.is_on and view.paint.brushes == {} and not view.paint_button.isChecked()
    view.paint_button.click()
    view.editor.open(document.copy())
    assert not view.paint.is_on


def test_a_surface_of_numbers_cannot_be_painted_on_and_says_why(qtbot, document):
    document.data = {"train": {"inputs": [[0, 1], [1, 2], [2, 2]], "targets": [0.5, 1, 2]}}
    view = DecisionBoundary(Editor(document))
    qtbot.addWidget(view)
    view.show_snapshot(Snapshot())
    assert not view.paint_button.isEnabled() and "which number it stands for" in view.paint_button.toolTip()


def test_before_the_first_prediction_there_is_nothing_to_paint_on(qtbot, document):
    view = DecisionBoundary(Editor(document))
    qtbot.addWidget(view)
    view.show_snapshot(Snapshot())
    view.paint_button.click()
    assert not view.paint.is_on and not view.paint_button.isChecked()


def test_painted_points_are_saved_and_come_back(qtbot, document, tmp_path):
    view = painted(qtbot, document, {"name": "xor"})
    qtbot.mouseClick(view.plot, LEFT, pos=at(view, 0.5, 0.25))
    document.save(tmp_path / "mine.json")
    again = Document.load(tmp_path / "mine.json").load_data()[0]
    assert np.array_equal(again.inputs, rows(view).inputs) and np.array_equal(again.targets, rows(view).targets)


def test_training_goes_on_with_the_new_points(qtbot, opened):
    (view,) = [each for each in opened.findChildren(DecisionBoundary) if each.isVisible()]
    qtbot.waitUntil(lambda: view.reason == "" and view.snapshot is not None)
    opened.runner.run(50)
    qtbot.waitUntil(lambda: view.snapshot.iteration == 50)
    opened.runner.play()
    view.paint_button.click()
    qtbot.mouseClick(view.plot, LEFT, pos=view.plot.axes().area.center().toPoint() + QPointF(9, 5).toPoint())
    assert len(opened.editor.document.load_data()[0].inputs) == 5
    qtbot.waitUntil(lambda: view.snapshot.revision == opened.editor.revision and view.snapshot.iteration > 50)
    assert opened.runner.playing
    opened.runner.pause()


def test_the_brush_is_taken_by_a_command_as_well(qtbot, opened):
    (view,) = [each for each in opened.findChildren(DecisionBoundary) if each.isVisible()]
    qtbot.waitUntil(lambda: view.reason == "" and view.plot.has_axes)
    opened.commands.run("edit.paint")
    assert view.paint.is_on
    opened.commands.run("edit.paint")
    assert not view.paint.is_on
