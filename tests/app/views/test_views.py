"""Views fed by snapshots made by hand: what is painted is looked at pixel by pixel."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QLineF, QRectF
from PySide6.QtGui import QFontMetricsF, QImage

from app.editor import Editor
from app.theme import current_theme
from app.theme.numbers import number_text
from app.views import AccuracyCurve, DecisionBoundary, LossCurve
from app.views.axes import LEGEND_ROW, Axes, nice_ticks, peaks, polygon, power_texts, segments, tick_texts
from app.views.curves import apart
from app.views.field import Ask, Field, asked_for, level_line, prediction
from engine.datasets import load
from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from engine.snapshot import Snapshot
from engine.training import Training

LOSSES = np.stack([np.arange(0.0, 400.0), 1 / (1 + np.arange(400.0))], axis=1)


@pytest.fixture
def editor(document):
    return Editor(document)


def shown(qtbot, view, snapshot=None, width=480, height=300):
    qtbot.addWidget(view)
    view.resize(width, height)
    view.show()
    if snapshot is not None:
        view.show_snapshot(snapshot)
    return view


def picture(widget) -> QImage:
    return widget.grab().toImage()


def near(image, point, token, reach=2):
    """Whether a pixel near a point has the colour of a token."""
    wanted = current_theme().colour(token).getRgb()[:3]
    spots = [(point.x() + dx, point.y() + dy) for dx in range(-reach, reach + 1) for dy in range(-reach, reach + 1)]
    found = [image.pixelColor(int(x), int(y)).getRgb()[:3] for x, y in spots]
    return any(max(abs(a - b) for a, b in zip(pixel, wanted, strict=True)) < 24 for pixel in found)


def history(**curves):
    return {name.replace("_", "."): points for name, points in curves.items()}


def test_a_loss_curve_is_painted_where_its_points_are(qtbot, editor):
    view = shown(qtbot, LossCurve(editor), Snapshot(iteration=399, history=history(loss_training=LOSSES)))
    assert view.reason == ""
    axes, image = view.body.axes(), picture(view.body)
    for index in (20, 200, 350):
        assert near(image, axes.point(*LOSSES[index]), "text"), index
    assert not near(image, axes.point(200, 0.6), "text")


@pytest.mark.parametrize("width", [240, 340, 900])
def test_no_curve_runs_under_the_legend_and_no_number_at_an_end_is_cut_off(qtbot, editor, width):
    curves = {"loss_batch": LOSSES * (1, 1e-11), "loss_training": LOSSES * (1, 2e-11), "loss_test": LOSSES * (1, 3e-11)}
    view = shown(qtbot, LossCurve(editor), Snapshot(iteration=399, history=history(**curves)), width)
    axes, rows = view.body.axes(), view.body._legend()
    assert sum(map(len, rows)) == 3
    highest = min(axes.y(points[:, 1].max()) for points in curves.values())
    assert highest >= LEGEND_ROW * len(rows)
    metrics = QFontMetricsF(current_theme().font("number_small"))
    widest = max(metrics.horizontalAdvance(number_text(points[-1, 1])) for points in curves.values())
    assert axes.area.right() + 8 + widest <= width


def test_without_a_loss_the_mistakes_of_a_learning_rule_are_drawn(qtbot):
    graph = Graph()
    graph.add("input", id="x")
    graph.add("perceptron", id="rule")
    graph.add("target", id="t")
    graph.add("mistakes", id="mistakes")
    for source, target in (
        ("x", "rule.x"),
        ("t", "rule.target"),
        ("rule.prediction", "mistakes.prediction"),
        ("t", "mistakes.target"),
    ):
        graph.connect(source, target)
    view = shown(qtbot, LossCurve(Editor(Document(graph, "blobs"))), Snapshot())
    assert view.reason.startswith("Mistakes are counted")
    view.show_snapshot(Snapshot(iteration=399, history=history(mistakes_training=LOSSES)))
    assert view.reason == ""
    assert near(picture(view.body), view.body.axes().point(*LOSSES[200]), "text")


def test_without_a_loss_what_a_learning_rule_brings_down_is_drawn_under_its_own_name(qtbot):
    graph = Graph()
    graph.connect(graph.add("input"), graph.add("k_means", id="rule", title="clusters"))
    document = Document(graph, "blobs", training={"order": "sequential"})
    session = Session(document)
    view = shown(qtbot, LossCurve(Editor(document)), session.snapshot())
    assert view.reason.startswith("It is measured")
    view.show_snapshot(replace(session.snapshot(), iteration=399, history=history(loss_training=LOSSES)))
    assert view.reason == ""
    assert (view.label, view.describe(session.snapshot())) == ("Error", "clusters")
    assert near(picture(view.body), view.body.axes().point(*LOSSES[200]), "text")


def test_one_bad_batch_among_many_thousand_is_seen(qtbot, editor):
    points = np.stack([np.arange(50_000.0), np.full(50_000, 0.2)], axis=1)
    points[31_234, 1] = 0.9
    view = shown(qtbot, LossCurve(editor), Snapshot(iteration=49_999, history=history(loss_batch=points)))
    assert near(picture(view.body), view.body.axes().point(31_234, 0.88), "text3", reach=3)


def test_powers_of_ten_let_small_losses_be_told_apart(qtbot, editor):
    points = np.stack([np.arange(1001.0), 10.0 ** -(np.arange(1001.0) / 100)], axis=1)
    view = shown(qtbot, LossCurve(editor), Snapshot(iteration=1000, history=history(loss_training=points)))
    view.decades.click()
    axes, image = view.body.axes(), picture(view.body)
    assert axes.decades
    assert near(image, axes.point(500, -5), "text")
    assert power_texts([-5.0, 0.0, 2.0]) == ["1e−5", "1", "100"]


def test_a_loss_of_zero_has_no_place_among_powers_of_ten_and_breaks_nothing(qtbot, editor):
    points = np.array([[0, 1.0], [1, 0.0], [2, np.nan], [3, 0.1]])
    view = shown(qtbot, LossCurve(editor), Snapshot(iteration=3, history=history(loss_training=points)))
    view.decades.click()
    assert near(picture(view.body), view.body.axes().point(3, -1), "text")


def test_the_subtitle_says_which_loss_and_which_iteration(qtbot, editor):
    view = shown(qtbot, LossCurve(editor), Snapshot(iteration=12_345, history=history(loss_batch=LOSSES)))
    assert view.subtitle.text() == "iteration 12\u202f345 · binary cross entropy"


def test_a_view_without_points_says_why(qtbot, editor):
    assert "accuracy node" in shown(qtbot, AccuracyCurve(editor), Snapshot()).reason
    editor.remove(["loss"])
    assert "no loss" in shown(qtbot, LossCurve(editor), Snapshot()).reason


def test_two_accuracies_have_two_lines_with_names(qtbot, editor):
    for id, title in (("accuracy_1", "of the sigmoid"), ("accuracy_2", "of the tanh")):
        editor.document.graph.add("accuracy", id=id, title=title)
    curves = {f"{name}.training": LOSSES * [1, height] for name, height in (("accuracy", 0.5), ("accuracy_2", 1.0))}
    view = shown(qtbot, AccuracyCurve(editor), Snapshot(iteration=399, history=curves))
    assert view.body.accessibleName() == (
        f"Iteration 399; of the sigmoid, training rows {number_text(LOSSES[-1, 1] / 2)}; "
        f"of the tanh, training rows {number_text(LOSSES[-1, 1])}"
    )
    axes = view.body.axes()
    assert near(picture(view.body), axes.point(50, 0.5 / 51), "text")
    assert near(picture(view.body), axes.point(10, 1 / 11), "accent")


def test_what_an_earlier_graph_computed_is_shown_as_such(qtbot, editor):
    view = shown(qtbot, LossCurve(editor), Snapshot(revision=editor.revision, history=history(loss_batch=LOSSES)))
    assert not view.is_stale
    editor.set_property("hidden", "units", 5)
    qtbot.waitUntil(lambda: view.is_stale)
    assert "earlier graph" in view.subtitle.text()
    view.show_snapshot(Snapshot(revision=editor.revision, history=history(loss_batch=LOSSES)))
    assert not view.is_stale


def test_another_document_leaves_nothing_of_the_former_one(qtbot, editor, document):
    view = shown(qtbot, LossCurve(editor), Snapshot(history=history(loss_batch=LOSSES)))
    editor.open(document.copy())
    assert "Nothing is computed yet" in view.reason
    assert view.subtitle.text() == ""


def test_a_picture_of_a_view_can_be_exported(qtbot, editor, tmp_path, monkeypatch):
    view = shown(qtbot, LossCurve(editor), Snapshot(history=history(loss_batch=LOSSES)))
    path = tmp_path / "loss.png"
    monkeypatch.setattr("app.views.base.QFileDialog.getSaveFileName", lambda *_: (str(path), ""))
    view.export_button.click()
    assert QImage(str(path)).width() == 960


@pytest.mark.parametrize(
    ("typed", "kind", "written"), [("a.svg", "", "a.svg"), ("b", "SVG (text stays text) (*.svg)", "b.svg")]
)
def test_a_view_is_exported_in_vectors_by_its_own_button(qtbot, editor, tmp_path, monkeypatch, typed, kind, written):
    view = shown(qtbot, LossCurve(editor), Snapshot(history=history(loss_batch=LOSSES)))
    monkeypatch.setattr("app.views.base.QFileDialog.getSaveFileName", lambda *_: (str(tmp_path / typed), kind))
    view.export_button.click()
    drawing = (tmp_path / written).read_text()
    assert "<text" in drawing and "iteration" in drawing


def test_a_view_that_cannot_be_exported_says_why(qtbot, editor, tmp_path, monkeypatch):
    view = shown(qtbot, LossCurve(editor), Snapshot(history=history(loss_batch=LOSSES)))
    monkeypatch.setattr("app.views.base.QFileDialog.getSaveFileName", lambda *_: (str(tmp_path / "a.xyz"), ""))
    view.export_button.click()
    assert "“.xyz”" in view.subtitle.text()


# the prediction ------------------------------------------------------------------------------------------------------


def field_of(data, function, iteration=7):
    ask = asked_for(data)
    values = np.asarray(function(ask.inputs()), float)
    return Field(ask, values.reshape((ask.resolution,) * len(ask.bounds) + (-1,)), iteration)


def boundary(qtbot, document, data, function, rows=(), width=520):
    document.data = {"train": data}
    view = shown(qtbot, DecisionBoundary(Editor(document)), Snapshot(row_indices=np.array(rows, int)), width=width)
    view.show_field(field_of(load(data), function))
    return view


def test_the_plane_is_blue_where_the_answer_is_one_and_orange_where_it_is_zero(qtbot, document):
    view = boundary(qtbot, document, {"name": "xor"}, lambda x: x[:, 0] > 0.5)
    axes, image = view.plot.axes(), picture(view.plot)
    one, zero = (image.pixelColor(axes.point(x, 0.5).toPoint()) for x in (0.9, 0.1))
    assert one.blue() > one.red() + 60
    assert zero.red() > zero.blue() + 60
    assert near(image, axes.point(0.5, 0.3), "text", reach=3)


def test_the_second_feature_runs_upwards(qtbot, document):
    view = boundary(qtbot, document, {"name": "xor"}, lambda x: x[:, 1] > 0.5)
    axes, image = view.plot.axes(), picture(view.plot)
    assert (
        image.pixelColor(axes.point(0.5, 0.9).toPoint()).blue()
        > image.pixelColor(axes.point(0.5, 0.1).toPoint()).blue()
    )
    assert axes.point(0.5, 0.9).y() < axes.point(0.5, 0.1).y()


def test_another_scheme_paints_everything_in_its_colours(qtbot, document, theme):
    view = boundary(qtbot, document, {"name": "xor"}, lambda x: x[:, 0] > 0.5)
    dark = picture(view.plot).pixelColor(view.plot.axes().point(0.9, 0.5).toPoint())
    theme.set_scheme("light")
    image = picture(view.plot)
    assert image.pixelColor(view.plot.axes().point(0.9, 0.5).toPoint()) != dark
    assert image.pixelColor(view.plot.axes().point(1, 0).toPoint()) == theme.colour("pos")


def test_data_points_are_marked_and_the_current_row_is_ringed(qtbot, document):
    view = boundary(qtbot, document, {"name": "xor"}, lambda x: 0 * x[:, 0] + 0.5, rows=(3,))
    axes, image = view.plot.axes(), picture(view.plot)
    assert image.pixelColor(axes.point(1, 0).toPoint()) == current_theme().colour("pos")
    assert image.pixelColor(axes.point(1, 1).toPoint()) == current_theme().colour("neg")
    ring, none = axes.point(1, 1), axes.point(0, 0)
    assert near(image, ring + type(ring)(8, 0), "focus", reach=1)
    assert not near(image, none + type(none)(8, 0), "focus", reach=1)


def test_three_classes_are_tinted_by_the_largest_answer(qtbot, document):
    data = {"name": "iris", "features": ["petal length (cm)", "petal width (cm)"]}
    middle = load(data).inputs[:, 0].mean()
    answer = lambda x: np.stack([x[:, 0] < middle, 0 * x[:, 0] + 0.5, x[:, 0] > middle], axis=1)  # noqa: E731
    view = boundary(qtbot, document, data, answer)
    axes, image = view.plot.axes(), picture(view.plot)
    height = axes.top - 0.03 * (axes.top - axes.bottom)
    left, right = (image.pixelColor(axes.point(x, height).toPoint()) for x in (axes.left + 0.3, axes.right - 0.3))
    assert left != right
    assert left.blue() > left.red()


def test_one_feature_shows_the_fitted_curve(qtbot, document):
    view = boundary(qtbot, document, {"name": "function_1d"}, lambda x: 0 * x[:, 0] + 0.123)
    axes, image = view.plot.axes(), picture(view.plot)
    assert view.plot.scene.title == "Fitted curve"
    assert near(image, axes.point((axes.left + axes.right) / 2 + 0.02, 0.123), "accent", reach=1)


def test_data_with_many_features_say_why_there_is_no_boundary(qtbot, document):
    document.data = {"train": {"name": "digits"}}
    view = shown(qtbot, DecisionBoundary(Editor(document)), Snapshot())
    assert view.reason == "The decision boundary needs one or two input features; this data has 64."


def test_a_prediction_for_other_data_is_refused(qtbot, document):
    view = boundary(qtbot, document, {"name": "xor"}, lambda x: x[:, 0])
    before = view.field
    view.show_field(field_of(load({"name": "moons"}), lambda x: x[:, 0]))
    assert view.field is before


def test_the_boundary_follows_the_run(qtbot, document, runner):
    editor = Editor(document)
    view = shown(qtbot, DecisionBoundary(editor, runner))
    runner.snapshot_ready.connect(view.show_snapshot)
    runner.open(document, editor.revision)
    qtbot.waitUntil(lambda: view.field is not None and view.reason == "", timeout=120_000)
    before = view.field.values.copy()
    runner.step("iteration")
    qtbot.waitUntil(lambda: view.field.iteration == 1, timeout=20_000)
    assert np.abs(view.field.values - before).max() > 0


def test_a_graph_that_predicts_nothing_is_answered_with_the_reason(qtbot):
    graph = Graph()
    graph.add("constant", id="c", value=1.0)
    document = Document(graph, "xor", {})
    answer = prediction(asked_for(load("xor")))(Session(document))
    assert answer.fact == "nothing here predicts"
    view = shown(qtbot, DecisionBoundary(Editor(document)), Snapshot())
    view._take(view._question, answer)
    assert view.reason.startswith("Nothing here predicts") or "nothing here predicts" in view.reason


@pytest.mark.parametrize("number", [1e308, -np.inf, np.nan])
@pytest.mark.parametrize("name", ["xor", "function_1d"])
def test_predictions_of_a_run_that_diverges_are_painted(qtbot, document, name, number):
    view = boundary(qtbot, document, {"name": name}, lambda x: np.full(len(x), number))
    assert not picture(view.plot).isNull()


def test_a_question_about_former_data_is_not_put(qtbot, document, runner):
    editor = Editor(document)
    view = shown(qtbot, DecisionBoundary(editor, runner), Snapshot())
    view._later.start(0)
    editor.set_data({"train": {"name": "iris"}})
    assert view._ask is None and not view._later.isActive()


# what they are painted with ------------------------------------------------------------------------------------------


def test_the_level_line_of_a_slope_is_straight_and_exact():
    rows, columns = np.mgrid[:9, :9]
    lines = level_line(columns + 0.5 * rows, 4.25)
    assert len(lines) >= 8
    assert np.allclose(lines[..., 0] + 0.5 * lines[..., 1], 4.25)


def test_a_saddle_is_cut_twice():
    assert len(level_line(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.5)) == 2


def test_peaks_keep_the_lowest_and_the_highest_of_every_column():
    points = np.stack([np.arange(10_000.0), np.sin(np.arange(10_000.0))], axis=1)
    points[5_000, 1], points[7_000, 1] = 9.0, -9.0
    kept = peaks(points, 300)
    assert len(kept) <= 601
    assert (kept[:, 1].max(), kept[:, 1].min()) == (9.0, -9.0)
    assert (np.diff(kept[:, 0]) >= 0).all()
    assert kept[-1, 0] == 9_999


def test_ticks_are_round_few_and_written_alike():
    assert nice_ticks(0, 200) == [0, 50, 100, 150, 200]
    assert tick_texts([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert tick_texts([-1.0, 0.0, 1.0]) == ["−1", "0", "1"]
    for low, high in ((0, 1), (-3.7, 12.9), (1e-9, 3e-9), (0, 4_176_083)):
        ticks = nice_ticks(low, high)
        assert 2 <= len(ticks) <= 6
        assert all(low - 1e-12 <= tick <= high for tick in ticks)


def test_an_axis_never_bears_a_single_number():
    """Where two would have had room, a plane from −2 to 2 had only its 0."""
    assert nice_ticks(-2.05, 2.15, 2) == [-2, 0, 2]
    for low, high in ((-2.05, 2.15), (-4.9, 4.9), (0.1, 9.9), (-0.3, 0.29)):
        assert 2 <= len(nice_ticks(low, high, 2)) <= 3


def test_numbers_at_the_ends_of_curves_do_not_cover_each_other():
    assert apart([10, 11, 40], 12, 100) == [10, 22, 40]
    assert apart([95, 99, 100], 12, 100) == [76, 88, 100]


def test_points_written_into_the_memory_of_qt_arrive():
    line = polygon(np.array([1.0, 2.5]), np.array([3.0, 4.5]))
    assert [(point.x(), point.y()) for point in line] == [(1.0, 3.0), (2.5, 4.5)]
    axes = Axes(QRectF(10, 10, 100, 50), 0, 10, 0, 1)
    assert (axes.x(5), axes.y(1)) == (60, 10)


def test_importing_the_views_imports_nothing_heavy():
    heavy = "pyqtgraph numba scipy sklearn networkx ziamath"
    program = f"import sys, app.views; assert not set({heavy!r}.split()) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_question_has_rows_in_the_order_of_the_picture():
    rows = Ask(((0.0, 1.0), (10.0, 11.0)), 2).inputs()
    assert rows.tolist() == [[0, 10], [1, 10], [0, 11], [1, 11]]


def test_lines_that_lie_nowhere_are_not_drawn():
    lines = [[0, 0, 1, 1], [0, 0, np.nan, 1], [0, 0, 1, np.inf], [0, -1e300, 1, 1]]
    assert segments(np.array(lines)) == [QLineF(0, 0, 1, 1)]
    kept = polygon(np.array([0.0, np.nan, 2.0, 3.0]), np.array([0.0, 1.0, np.inf, 4.0]))
    assert [(point.x(), point.y()) for point in kept] == [(0.0, 0.0), (3.0, 4.0)]
    assert polygon(np.array([np.nan]), np.array([0.0])).isEmpty()


def test_an_answer_that_does_not_look_at_its_rows_is_the_same_everywhere():
    class Blind:
        iteration = 3

        def predict(self, inputs):
            return np.array(0.25)

    ask = Ask(((0.0, 1.0), (0.0, 1.0)), 8)
    assert np.all(prediction(ask)(Blind()).values == np.full((8, 8, 1), 0.25))


def test_there_is_no_half_iteration_on_the_axis():
    axes = Axes(QRectF(0, 0, 400, 200), 0.0, 2.0, 0.0, 1.0, counts=True)
    assert axes.ticks_across() == [0.0, 1.0, 2.0]


def test_where_two_phases_learn_each_has_a_curve_named_after_its_loss(qtbot, document):
    graph = document.graph
    graph.add("scale", id="half", title="half the loss", factor=0.5)
    graph.connect("loss", "half")
    document.training, problems = Training.from_json(
        {
            "batch_size": 0,
            "phases": [
                {"name": "one", "minimise": "loss", "parameters": ["hidden"], "optimizer": {"type": "sgd"}},
                {"name": "two", "minimise": "half", "parameters": ["output"], "optimizer": {"type": "sgd"}},
            ],
        }
    )
    assert problems == []
    session = Session(document)
    session.run(5)
    view = shown(qtbot, LossCurve(Editor(document)), session.snapshot())
    assert [line.words for line in view.body._shown()] == ["loss", "half the loss"]
    first, second = (view.body._points[line.probe] for line in view.body._shown())
    np.testing.assert_allclose(second[:, 1], first[:, 1] / 2, rtol=1e-5)
    assert "one for each phase" in view.subtitle.text()


def test_losses_of_one_name_are_told_apart_by_their_phases(qtbot, document):
    graph = document.graph
    graph.add("scale", id="half", title="loss", factor=0.5)
    graph.connect("loss", "half")
    phases = [{"name": "fast", "minimise": "loss"}, {"name": "slow", "minimise": "half"}]
    document.training, _ = Training.from_json({"phases": phases})
    view = LossCurve(Editor(document))
    qtbot.addWidget(view)
    assert [line.words for line in view.lines_now()] == ["fast", "slow"]
