"""The loss surface in the window: painted from surfaces of a real session, dragged by a real mouse."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.follow import Follower
from app.theme import current_theme
from app.views import LossSurfaceView
from app.views.contours import HeightScale, contour_lines
from app.views.entries import Entry, entry_title, first_and_last
from app.views.slopes import LONGEST, SHORTEST, descent, field_lines, lengths
from app.views.survey import FINEST, Survey
from engine.analysis.surface import Axis, Surface
from engine.session import Session
from engine.snapshot import Reading, Snapshot
from tests.app.views.following import editor_with

HIDDEN, OUTPUT = Entry("hidden.weight", (0, 0)), Entry("output.weight", (0, 0))


editor = editor_with(LossSurfaceView)


@pytest.fixture
def view(qtbot, editor, runner):
    """The view on a runner that has played nothing yet, its first fine surface drawn."""
    made = LossSurfaceView(editor, runner)
    qtbot.addWidget(made)
    made.resize(520, 340)
    made.show()
    follower = Follower(editor, runner, made)
    runner.snapshot_ready.connect(made.show_snapshot)
    runner.open(editor.document, editor.revision)
    qtbot.waitUntil(lambda: made.look is not None and made.look.is_done)
    yield made
    assert follower is not None


def spot(view) -> QPoint:
    return view.plot.axes().point(*view.plot.at).toPoint()


def weight(view, entry):
    return float(view.snapshot.parameters[entry.key].array[entry.place])


def drag(view, by: QPoint) -> None:
    start = spot(view)
    QTest.mousePress(view.plot, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view.plot, start + by / 2)
    QTest.mouseMove(view.plot, start + by)


def test_the_surface_is_of_the_first_weights_of_the_first_and_the_last_layer(view):
    assert view.pair == (HIDDEN, OUTPUT)
    assert view.plot.names == ("hidden w₁₁", "output w₁")
    assert view.reason == ""


def test_at_the_point_the_drawn_loss_is_the_true_one_and_the_view_says_so(view):
    surface, point = view.look.surface, view.look.point
    assert surface.losses.shape == (FINEST, FINEST)
    assert abs(point.gap) < 1e-3
    assert "gap 0.000" in view.subtitle.text()
    assert "gap 0.000" in view.plot.accessibleName()


def test_low_loss_is_dark_and_high_loss_is_bright_in_the_dark_scheme(view):
    surface, image, axes = view.plot.surface, view.plot.grab().toImage(), view.plot.axes()
    inner = surface.losses[4:-4, 4:-4]
    places = [np.unravel_index(index, inner.shape) for index in (inner.argmin(), inner.argmax())]
    low, high = (
        image.pixelColor(axes.point(surface.xs[column + 4], surface.ys[row + 4]).toPoint()).lightness()
        for row, column in places
    )
    assert high > low + 20


def test_the_surface_follows_the_run_and_the_path_is_the_optimizers(qtbot, view, runner):
    start = view.plot.at
    runner.step("iteration")
    qtbot.waitUntil(lambda: view.look.is_done and view.look.surface.iteration == 1)
    path = view.plot._path
    assert tuple(path[0]) == start
    assert view.plot.at == (weight(view, HIDDEN), weight(view, OUTPUT)) != start
    runner.step_back("iteration")
    qtbot.waitUntil(lambda: view.plot.at == start)


def test_while_training_plays_surfaces_keep_coming(qtbot, view, runner):
    found = set()
    runner.answered.connect(lambda name, answer: found.add(answer.surface.iteration) if answer.surface else None)
    runner.play()
    qtbot.waitUntil(lambda: len(found) >= 4)
    runner.pause()
    qtbot.waitUntil(lambda: view.look.is_done and view.look.surface.iteration == view.snapshot.iteration)


def test_the_arrow_points_downhill(view):
    gradient, at = view.look.gradient, view.plot.axes().point(*view.plot.at)
    tip = view.plot._tip(view.plot.axes(), at)
    assert np.sign(tip.x() - at.x()) == -np.sign(gradient[0])
    assert np.sign(tip.y() - at.y()) == np.sign(gradient[1])  # pixels count downwards


def test_the_network_takes_the_two_weights_of_the_point_in_hand(qtbot, view, editor):
    before = weight(view, HIDDEN), weight(view, OUTPUT)
    drag(view, QPoint(40, -30))
    qtbot.waitUntil(lambda: weight(view, HIDDEN) > before[0] + 0.1 and weight(view, OUTPUT) > before[1] + 0.1)
    assert editor.stack.count() == 0
    QTest.mouseRelease(view.plot, Qt.MouseButton.LeftButton, pos=spot(view))
    assert editor.stack.count() == 1
    held = view.plot.at
    qtbot.waitUntil(lambda: np.allclose(view.plot.at, (weight(view, HIDDEN), weight(view, OUTPUT))))
    assert np.allclose(view.plot.at, held)
    editor.stack.undo()
    qtbot.waitUntil(lambda: (weight(view, HIDDEN), weight(view, OUTPUT)) == before)


def test_escape_takes_the_point_back(qtbot, view, editor):
    before = weight(view, HIDDEN), weight(view, OUTPUT)
    drag(view, QPoint(40, -30))
    qtbot.waitUntil(lambda: weight(view, HIDDEN) != before[0])
    QTest.keyClick(view.plot, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: (weight(view, HIDDEN), weight(view, OUTPUT)) == before)
    QTest.mouseRelease(view.plot, Qt.MouseButton.LeftButton)
    assert editor.stack.count() == 0


def test_a_press_beside_the_point_takes_nothing_in_hand(view):
    QTest.mousePress(view.plot, Qt.MouseButton.LeftButton, pos=spot(view) + QPoint(40, 40))
    assert not view.plot.is_held


def test_a_point_set_by_hand_breaks_the_path(qtbot, view, runner):
    array = view.snapshot.parameters[HIDDEN.key].array.copy()
    array[HIDDEN.place] += 0.5
    runner.set_parameter(HIDDEN.key, array)
    qtbot.waitUntil(lambda: weight(view, HIDDEN) == array[HIDDEN.place])
    assert np.isnan(view.plot._path).any()


def test_other_axes_are_chosen_in_the_head_and_kept_with_the_document(qtbot, view, editor):
    view.axes_button.click()
    across = view.popup.fields[0]
    across.indices[1].setValue(3)
    assert view.pair == (Entry("hidden.weight", (0, 2)), OUTPUT)
    assert editor.document.views == [
        {"type": "surface", "axes": [["hidden.weight", [0, 2]], ["output.weight", [0, 0]]]}
    ]
    qtbot.waitUntil(lambda: view.look is not None and view.look.is_done)
    again = LossSurfaceView(editor)
    qtbot.addWidget(again)
    again.show_snapshot(view.snapshot)
    assert again.pair == view.pair
    editor.stack.undo()
    view.show_snapshot(view.snapshot)
    assert view.pair == (HIDDEN, OUTPUT)


def test_both_axes_cannot_be_the_same_number(view):
    view.axes_button.click()
    second = view.popup.fields[1]
    second.parameter.setCurrentIndex(second.parameter.findData("hidden.weight"))
    assert view.pair == (HIDDEN, OUTPUT)
    assert not view.popup.problem.isHidden()


def test_an_edit_draws_the_surface_of_the_new_network(qtbot, view, editor):
    editor.set_property("hidden", "activation", "relu")
    qtbot.waitUntil(lambda: view.snapshot.revision == editor.revision and view.look.is_done)
    assert abs(view.look.point.gap) < 1e-2
    assert not view.is_stale


def test_an_empty_view_says_why(qtbot, document):
    editor = Editor(document)
    few = LossSurfaceView(editor)
    qtbot.addWidget(few)
    few.show_snapshot(Snapshot(parameters={"w.value": Reading((), "current", np.array(1.0))}))
    assert "two parameters" in few.reason
    editor.remove(["loss"])
    few.show_snapshot(Snapshot())
    assert "no loss" in few.reason


def test_saved_axes_that_make_no_sense_are_passed_over(qtbot, document):
    document.views = [{"type": "surface", "axes": [["hidden.weight", [99, 0]], "nonsense"]}]
    view = LossSurfaceView(Editor(document))
    qtbot.addWidget(view)
    view.show_snapshot(Session(document).snapshot())
    assert view.pair == (HIDDEN, OUTPUT)


# what is asked and painted with --------------------------------------------------------------------------------------


def test_a_survey_in_pieces_is_the_surface_drawn_at_once(document, monkeypatch):
    from engine.analysis.surface import LossSurface

    monkeypatch.setattr("app.views.survey.ASK_SECONDS", 0.0)
    session, survey = Session(document), Survey(HIDDEN, OUTPUT)
    looks = [survey.look(session, fine=True) for _ in range(FINEST)]
    assert [look.is_whole for look in looks] == [False] * (FINEST - 1) + [True]
    whole = LossSurface(session)
    once = whole.draw(whole.axis(*HIDDEN), whole.axis(*OUTPUT))
    assert np.allclose(looks[-1].surface.losses, once.losses, rtol=1e-5)
    assert looks[-1].is_done


def test_the_gradient_of_the_survey_is_that_of_backpropagation(document):
    document.precision = "float64"
    session = Session(document)
    session.run(1)
    session.step("phase")
    session.step("phase")
    gradient = Survey(HIDDEN, OUTPUT).look(session).gradient
    expected = [session.gradient(entry.key)[entry.place] for entry in (HIDDEN, OUTPUT)]
    assert np.allclose(gradient, expected, rtol=1e-3, atol=1e-6)


def test_a_surface_moves_along_when_the_point_leaves_it_but_not_under_a_hand(document):
    session, survey = Session(document), Survey(HIDDEN, OUTPUT)
    before = survey.look(session, fine=True)
    while not before.is_whole:
        before = survey.look(session, fine=True)
    weights = session.parameters[HIDDEN.key]
    weights[HIDDEN.place] = before.surface.first.high + 1
    session.set_parameter(HIDDEN.key, weights)
    for held in (True, False):
        look = survey.look(session, held=held)
        while not look.is_whole:
            look = survey.look(session, held=held)
        inside = look.surface.first.low < weights[HIDDEN.place] < look.surface.first.high
        assert inside is not held


def test_a_parameter_that_is_gone_is_said_in_a_sentence(document):
    look = Survey(Entry("nothing.weight", (0, 0)), OUTPUT).look(Session(document))
    assert "no parameter is called" in str(look.problem)


def test_contours_of_a_slope_lie_on_their_levels():
    rows, columns = np.mgrid[:9, :12]
    levels = np.array([2.25, 4.5, 7.75])
    lines = contour_lines(columns + 0.5 * rows, levels)
    heights = lines[..., 0] + 0.5 * lines[..., 1]
    assert np.allclose(np.abs(heights[..., None] - levels).min(axis=-1), 0)
    assert {round(float(height), 6) for height in heights.ravel()} == set(levels)


def test_contours_cut_a_saddle_twice_and_leave_out_what_is_not_finite():
    assert len(contour_lines(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.5]))) == 2
    assert len(contour_lines(np.array([[1.0, np.nan], [0.0, 1.0]]), np.array([0.5]))) == 0
    assert len(contour_lines(np.ones((4, 4)), np.array([1.0]))) == 0


def test_a_scale_of_heights_returns_what_it_was_given():
    heights = np.array([[0.1, 0.2, 0.3], [0.5, 40.0, np.nan]])
    scale = HeightScale(heights)
    assert (scale.share(0.1), scale.share(40.0)) == (0.0, 1.0)
    assert np.allclose(scale.height(scale.share(heights[0])), heights[0])
    assert scale.share(0.5) > 0.1  # a cliff leaves the valley its colours
    assert HeightScale(np.full((2, 2), np.nan)).share(0.5) >= 0


def test_names_count_from_one_and_leave_out_axes_of_one(document):
    assert entry_title(document, Entry("hidden.weight", (1, 11)), (2, 12)) == "hidden w₂,₁₂"
    assert entry_title(document, Entry("hidden.bias", (2,)), (4,)) == "hidden b₃"


def test_one_layer_alone_gives_two_of_its_weights():
    one = {"a.weight": Reading((2, 3), "current"), "a.bias": Reading((3,), "current")}
    assert first_and_last(one) == (Entry("a.weight", (0, 0)), Entry("a.weight", (0, 1)))
    assert first_and_last({"a.value": Reading((), "current"), "b.value": Reading((), "current")}) == (
        Entry("a.value", ()),
        Entry("b.value", ()),
    )
    assert first_and_last({}) is None


def test_another_scheme_paints_the_surface_in_its_colours(view, theme):
    dark = view.plot.grab().toImage()
    theme.set_scheme("light")
    assert current_theme().is_dark is False
    assert view.plot.grab().toImage() != dark


# the negative gradient everywhere ------------------------------------------------------------------------------------


def bowl(columns=41, rows=31):
    """x² + 10 y² over [−3, 3] × [−2, 2]."""
    xs, ys = np.linspace(-3, 3, columns), np.linspace(-2, 2, rows)
    axes = Axis("a", (), -3, 3), Axis("b", (), -2, 2)
    return Surface(*axes, xs, ys, xs[None] ** 2 + 10 * ys[:, None] ** 2, (0.0, 0.0), 0.0, 0)


def test_arrows_follow_the_negative_gradient():
    xs, ys = np.array([-1.5, 0.75, 2.1]), np.array([0.8, -1.2, 0.4])
    np.testing.assert_allclose(descent(bowl(), xs, ys), np.stack([-2 * xs, -20 * ys], axis=1), atol=0.05)


def test_every_arrow_of_a_bowl_points_inwards_and_stays_within_its_length(view):
    surface = bowl()
    view.plot.show_surface(surface, ("a", "b"))
    axes = view.plot.axes()
    lines = field_lines(surface, axes, 49.0)
    assert len(lines) >= 12
    shafts = lines[:, 0]
    xs = axes.left + (shafts[:, [0, 2]] - axes.area.left()) / axes.area.width() * 6
    ys = axes.top - (shafts[:, [1, 3]] - axes.area.top()) / axes.area.height() * 4
    heights = xs**2 + 10 * ys**2
    far = np.hypot(xs.mean(axis=1), ys.mean(axis=1)) > 0.8  # an arrow across the bottom may end as high as it began
    assert (heights[far, 1] < heights[far, 0]).all()
    size = np.hypot(shafts[:, 2] - shafts[:, 0], shafts[:, 3] - shafts[:, 1])
    assert (size >= SHORTEST - 1e-9).all()
    assert (size <= LONGEST + 1e-9).all()


def test_where_the_loss_is_flat_or_not_finite_there_is_no_arrow():
    assert lengths(np.array([0.0, np.nan, np.inf]), 1.0).tolist() == [0, 0, 0]
    assert lengths(np.array([1.0]), 0.0) == [LONGEST]
    surface = bowl()
    surface.losses[:, :20] = np.inf
    assert np.isnan(descent(surface, np.array([-2.0]), np.array([1.0]))).all()


def test_the_field_is_drawn_and_can_be_left_out(view, editor):
    with_field = view.plot.grab().toImage()
    view.axes_button.click()
    QTest.mouseClick(view.popup.field, Qt.MouseButton.LeftButton, pos=QPoint(8, view.popup.field.height() // 2))
    assert view.plot.grab().toImage() != with_field
    assert editor.document.views[0]["slopes"] is False
    editor.stack.undo()
    assert view.plot.has_field
    assert view.plot.grab().toImage() == with_field


# which rows ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_one(document):
    """Training by single rows: every batch has a surface of its own."""
    document.training = replace(document.training, batch_size=1)
    return document


def whole(survey, session):
    look = survey.look(session, fine=True)
    while not look.is_whole:
        look = survey.look(session, fine=True)
    return look


def test_over_a_batch_the_gap_is_how_far_it_is_from_the_loss_over_all_rows(by_one):
    session = Session(by_one)
    session.run(3)
    session.step("node")
    look = whole(Survey(HIDDEN, OUTPUT, part="batch"), session)
    true = session.evaluate("train")["loss"]
    row = int(session.snapshot().row_indices[0])
    alone = Session(by_one)
    assert look.part == "batch"
    assert look.rows == (1, 1)
    assert look.point.loss == pytest.approx(true, rel=1e-4)
    for name, array in session.parameters.items():
        alone.set_parameter(name, array)
    answer = float(alone.predict(session.dataset.inputs[row : row + 1]).reshape(-1)[0])
    target = float(session.dataset.targets[row].reshape(-1)[0])
    loss = -(target * np.log(answer) + (1 - target) * np.log(1 - answer))
    assert look.surface.centre_loss == pytest.approx(loss, rel=1e-3)
    assert look.point.gap == pytest.approx(true - loss, abs=0.02)


def test_the_rows_are_chosen_in_the_head_and_kept_with_the_document(qtbot, view, editor, runner):
    runner.step("node")
    view.axes_button.click()
    rows = view.popup.rows
    rows.setFocus()
    QTest.keyClick(rows, Qt.Key.Key_Down)
    assert view.part == "batch"
    assert editor.document.views[0]["rows"] == "batch"
    qtbot.waitUntil(lambda: view.look is not None and view.look.is_done)
    assert "over this batch" in view.subtitle.text()
    editor.stack.undo()
    view.show_snapshot(view.snapshot)
    assert view.part == "train"


def test_rows_that_make_no_sense_are_passed_over(qtbot, document):
    document.views = [{"type": "surface", "rows": ["all"], "slopes": "perhaps"}]
    view = LossSurfaceView(Editor(document))
    qtbot.addWidget(view)
    view.show_snapshot(Session(document).snapshot())
    assert view.part == "train"
    assert view.plot.has_field
