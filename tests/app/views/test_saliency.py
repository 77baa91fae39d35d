"""What the answer hangs on, in the window: slopes by the inputs, along the way back that is chosen."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.views import asking
from app.views.saliency import SaliencyView, pictures, side_by_side
from engine import Document, Graph
from engine.analysis.sensitivity import saliency
from engine.session import Session
from tests.app.views.following import answered

DRAW = np.random.default_rng(0)


def of_pictures() -> Document:
    """Six pictures of 4 × 4, a layer of rectifiers, three scores."""
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    h, y = graph.add("dense", units=5, activation="relu"), graph.add("dense", units=3)
    loss = graph.add("softmax_cross_entropy", "loss")
    for begin, end in ((x, h), (h, y), (y, loss["logits"]), (t, loss["target"])):
        graph.connect(begin, end)
    rows = {"inputs": DRAW.normal(size=(6, 16)), "targets": np.array([0, 1, 2, 0, 1, 2])}
    made = Document(graph, rows, {"loss": "loss", "seed": 1}, precision="float64")
    made.views = [{"type": "saliency"}]
    return made


@pytest.fixture
def editor():
    return Editor(of_pictures())


view = answered(SaliencyView, (640, 360))


def test_slopes_stand_under_their_pictures(view, editor):
    expected = saliency(Session(editor.document), rows=tuple(range(6)))
    shown = view.plot._array
    assert shown.shape == (4 + 1 + 4, 6 * 4 + 5)
    np.testing.assert_allclose(shown[5:], side_by_side(expected.slopes.reshape(6, 4, 4)), rtol=1e-9)
    np.testing.assert_allclose(
        shown[:4] / np.abs(shown[:4]).max(),
        side_by_side(expected.inputs.reshape(6, 4, 4)) / np.abs(expected.inputs).max(),
    )
    assert not view.plot.grab().isNull()


def test_another_way_back_can_be_chosen_and_the_document_remembers_it(qtbot, view, editor):
    view.box.setFocus()
    QTest.keyClick(view.box, Qt.Key.Key_Down)
    expected = saliency(Session(editor.document), rows=tuple(range(6)), backward="guided")
    wanted = side_by_side(expected.slopes.reshape(6, 4, 4))
    qtbot.waitUntil(lambda: np.allclose(view.plot._array[5:], wanted))
    assert editor.document.views == [{"type": "saliency", "way": "guided"}]
    editor.stack.undo()
    assert view.chosen == "gradient"


def test_a_pointer_is_told_slopes_and_nothing_of_the_pictures_above_them(view):
    area, rows, columns = view.plot.cells()
    cell = QPointF(area.width() / columns, area.height() / rows)
    middle = area.topLeft() + cell / 2
    assert view.plot.entry_at(middle) is None
    assert view.plot.entry_at(middle + QPointF(0, 5 * cell.y())) == (5, 0)


def test_features_that_are_no_picture_have_a_row_for_each_example(qtbot, view, editor, document, runner):
    plain = saliency(Session(document), rows=(0, 1))
    view.plot.show_saliency(plain)
    np.testing.assert_array_equal(view.plot._array, plain.slopes)
    assert view.plot.axis_words == ("feature", "example")
    assert view.plot.entry_at(view.plot.cells()[0].center()) is not None


def test_of_several_channels_the_largest_slope_is_shown():
    maps = np.array([[[[1.0, -4.0]], [[-2.0, 3.0]]]])
    np.testing.assert_array_equal(pictures(maps), [[[-2.0, -4.0]]])
    assert pictures(np.zeros((3, 4))) is None
    assert pictures(np.zeros((3, 17))) is None


def test_without_a_prediction_it_says_so(qtbot, view, editor):
    editor.remove(["loss"])
    view.show_snapshot(view.snapshot)
    assert "no loss" in view.reason


def test_two_of_one_kind_are_each_told_what_they_asked(qtbot, monkeypatch, view, editor, runner):
    monkeypatch.setattr(asking, "BETWEEN_MS", 0)
    monkeypatch.setattr(asking, "SPARED", 0)
    other = SaliencyView(editor, runner)
    qtbot.addWidget(other)
    other.id = "saliency 2"
    editor.document.views.append({"type": "saliency", "id": other.id, "way": "guided"})
    other.recall()
    other.resize(640, 360)
    other.show()
    with qtbot.waitSignal(runner.answered):
        other.show_snapshot(view.snapshot)
    while other._asked < view._asked:  # as where both were opened together
        with qtbot.waitSignal(runner.answered):
            other.ask_again()
    view.ask_again()
    other.ask_again()
    assert view._asked == other._asked and view.is_waiting and other.is_waiting
    qtbot.waitUntil(lambda: not view.is_waiting and not other.is_waiting)
    for one, way in ((view, "gradient"), (other, "guided")):
        expected = saliency(Session(editor.document), rows=tuple(range(6)), backward=way)
        np.testing.assert_allclose(one.plot._array[5:], side_by_side(expected.slopes.reshape(6, 4, 4)), rtol=1e-9)
