"""The catalogue's worked numbers of second-order methods, played on drawn documents. Ids are those of its entries."""

import numpy as np
import pytest

from engine import Document, Graph, Session
from tests.engine.drivers.surfaces import (
    bowl,
    bowl_minus_cosine,
    chain,
    cubes,
    drawn,
    elliptical_bowl,
    point_of,
    riding_saddle,
)


def walked(session, steps):
    """Points behind each of some iterations."""
    trail = []
    for _ in range(steps):
        session.step("iteration")
        trail.append(point_of(session))
    return trail


def told(session, name):
    return float(session.value(f"training.main.driver_{name}"))


@pytest.mark.text("03:newton", "03:newton-quadratic-bowl")
def test_newton_solves_the_bowl_in_one_step_from_everywhere():
    for start in ([1.0, 1.0], [-3.0, 0.2], [1e3, -7.0]):
        (at,) = walked(drawn(elliptical_bowl, start, {"type": "newton"}), 1)
        np.testing.assert_allclose(at, 0.0, atol=1e-12)


@pytest.mark.text("03:newton", "03:newton-nonquadratic")
def test_newton_overshoots_on_the_bowl_minus_cosine():
    session = drawn(bowl_minus_cosine, [1.0, 1.0], {"type": "newton"})
    session.step("phase")
    assert session.loss == pytest.approx(5.41614684, abs=1e-8)
    trail = walked(session, 4)
    np.testing.assert_allclose(trail[0], [-1.17689670, -0.29422417], atol=5e-9)
    np.testing.assert_allclose(trail[0], [-1.1745, -0.2958], atol=0.003)  # the text's digits, from rounded factors
    np.testing.assert_allclose(trail[1], [0.39947718, 0.09986929], atol=5e-9)
    np.testing.assert_allclose(trail[2], [-0.01306844, -0.00326711], atol=5e-9)
    np.testing.assert_allclose(trail[3], [4.47e-7, 1.12e-7], atol=5e-10)


@pytest.mark.text("03:newton-nonquadratic")
def test_a_share_of_the_step_lands_closer():
    session = drawn(bowl_minus_cosine, [1.0, 1.0], {"type": "newton", "step_length": 0.6})
    (at,) = walked(session, 1)
    np.testing.assert_allclose(at, [-0.30613802, 0.22346550], atol=5e-9)
    session.step("phase")
    assert session.loss == pytest.approx(-0.70311677, abs=1e-8)


@pytest.mark.text("03:newton-damped", "03:line-search-binary")
def test_newton_with_a_line_search_goes_as_far_as_the_loss_falls():
    session = drawn(bowl_minus_cosine, [1.0, 1.0], {"type": "damped_newton", "line_search": "binary"})
    first = walked(session, 1)[0]
    assert told(session, "length") == pytest.approx(0.6199249536, abs=1e-6)
    np.testing.assert_allclose(first, [-0.34951259, 0.19767814], atol=5e-6)
    session.step("phase")
    assert session.loss == pytest.approx(-0.71002965, abs=1e-8)
    second = walked(session, 1)[0]
    assert told(session, "length") == pytest.approx(0.9996932, abs=1e-5)
    np.testing.assert_allclose(second, [2.5242e-4, 1.5057e-4], atol=1e-5)
    session.step("phase")
    assert session.loss == pytest.approx(-0.99999976, abs=1e-8)
    third = walked(session, 1)[0]  # from here on the loss changes by less than its last digit
    assert told(session, "length") == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(third, 0.0, atol=1e-7)


@pytest.mark.text("03:newton-direction-bends")
def test_the_angle_between_newtons_direction_and_the_gradient():
    session = drawn(elliptical_bowl, [1.0, 1.0], {"type": "newton"})
    session.step("iteration")
    slopes = -np.array([session.gradient(f"w_{k}.value") for k in (1, 2)], float)
    step = np.array([session.value(f"w_{k}.value.main.direction") for k in (1, 2)], float)
    np.testing.assert_allclose([slopes, step], [[-2, -8], [-1, -1]], atol=1e-12)
    cosine = slopes @ step / np.linalg.norm(slopes) / np.linalg.norm(step)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(30.96376, abs=1e-5)


@pytest.mark.text("03:saddle-cubic", "03:saddle-plateau")
def test_newton_halves_its_way_into_a_degenerate_saddle():
    assert [at[0] for at in walked(drawn(cubes, [1.0], {"type": "newton"}), 3)] == pytest.approx([0.5, 0.25, 0.125])
    for before, after in zip(
        [np.array([1.0, -2.0])], walked(drawn(cubes, [1.0, -2.0], {"type": "newton"}), 1), strict=True
    ):
        np.testing.assert_allclose(after, before / 2)


@pytest.mark.text("03:saddle-riding")
def test_newton_jumps_onto_a_saddle_from_everywhere():
    for start in ([3.0, -2.0], [1.0, 1e-6]):
        (at,) = walked(drawn(riding_saddle, start, {"type": "newton"}), 1)
        np.testing.assert_allclose(at, 0.0, atol=1e-12)


def quartic(graph, w):
    """x⁴ − 4x³ + 5x²."""
    terms = [chain(graph, "power", w[0], exponent=float(k)) for k in (4, 3, 2)]
    scaled = [chain(graph, "scale", one, factor=factor) for one, factor in zip(terms, (1.0, -4.0, 5.0), strict=True)]
    return chain(graph, "add", *scaled)


@pytest.mark.text("03:newton", "03:ex-4-4-quartic")
def test_newton_wanders_where_the_curvature_is_negative():
    trail = [at[0] for at in walked(drawn(quartic, [1.0], {"type": "newton"}), 6)]
    assert trail == pytest.approx([2.0, 1.6, 0.8827586, 2.0969121, 1.6880664, 1.1646300], abs=1e-6)
    near = [at[0] for at in walked(drawn(quartic, [0.3], {"type": "newton"}), 3)]
    assert near == pytest.approx([-0.222680, -0.042873, -0.002053], abs=1e-6)
    assert walked(drawn(quartic, [1.5], {"type": "newton"}), 1)[0][0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.text("03:ex-4-4-quartic")
def test_a_search_forward_does_not_move_uphill_and_the_size_of_the_curvature_leads_down():
    (at,) = walked(drawn(quartic, [1.0], {"type": "damped_newton"}), 1)
    assert at[0] == pytest.approx(1.0, abs=1e-5)
    plan = {"type": "saddle_free_newton", "damping": 0.0, "line_search": "none"}
    assert walked(drawn(quartic, [1.0], plan), 1)[0][0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.text("03:conjugate-gradient")
def test_conjugate_gradients_on_the_bowl():
    session = drawn(elliptical_bowl, [1.0, 1.0], {"type": "conjugate_gradient"})
    first = walked(session, 1)[0]
    assert told(session, "length") == pytest.approx(17 / 130)
    np.testing.assert_allclose(first, [48 / 65, -3 / 65])
    session.step("phase")
    session.step("phase")
    slopes = [float(session.gradient(f"w_{k}.value")) for k in (1, 2)]
    assert slopes == pytest.approx([1.476923077, -0.369230769])
    second = walked(session, 1)[0]
    assert (told(session, "beta"), told(session, "length")) == (pytest.approx(144 / 4225), pytest.approx(65 / 136))
    direction = [float(session.value(f"w_{k}.value.main.direction")) for k in (1, 2)]
    assert direction == pytest.approx([-1.545088757, 0.096568047])
    np.testing.assert_allclose(second, 0.0, atol=1e-12)


@pytest.mark.parametrize("form", ["linear", "fletcher_reeves"])
@pytest.mark.text("03:conjugate-gradient", "03:ex-4-8-cg-orthogonality")
def test_conjugate_gradients_in_three_dimensions(form):
    hessian = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
    trail = bowl(hessian, [1, 2, 3]).walk("conjugate_gradient", np.zeros(3), 3, form=form, line_search="quadratic")
    points, decisions = [at for at, _, _ in trail], [counted.decision for _, counted, _ in trail]
    np.testing.assert_allclose(points[0], [0.28, 0.56, 0.84])
    np.testing.assert_allclose(points[1], [0.049230769, 0.329230769, 1.301538462], atol=1e-9)
    np.testing.assert_allclose(points[2], [2 / 9, 1 / 9, 13 / 9])
    assert [one.length for one in decisions] == pytest.approx([0.28, 0.412087912, 0.481481481])
    assert [one.told["beta"] for one in decisions] == pytest.approx([0.0, 0.12, 0.204564666])
    slopes, directions = (
        np.array([sight.slope for _, _, sight in trail]),
        np.array([one.direction for one in decisions]),
    )
    np.testing.assert_allclose(slopes @ slopes.T, np.diag([14, 1.68, 0.3436686]), atol=1e-7)
    np.testing.assert_allclose(directions @ hessian @ directions.T, np.diag([50, 4.0768, 0.7137733]), atol=1e-7)


@pytest.mark.parametrize(("restart", "third"), [(1e6, [3.27e-8, -6.5e-9]), (2.0, [-4.40e-4, 7.63e-5])])
@pytest.mark.text("03:nonlinear-cg")
def test_conjugate_gradients_without_a_quadratic_loss(restart, third):
    plan = {"type": "conjugate_gradient", "line_search": "slope", "restart": restart}
    session = drawn(bowl_minus_cosine, [1.0, 1.0], plan)
    trail = walked(session, 4)
    np.testing.assert_allclose(trail[0], [0.63069319, -0.13094805], atol=5e-9)
    np.testing.assert_allclose(trail[1], [-0.00155861, -0.00556393], atol=5e-9)
    np.testing.assert_allclose(trail[2], third, atol=1e-6 if restart == 2.0 else 1e-9)
    session.step("phase")
    session.step("phase")
    assert max(abs(float(session.gradient(f"w_{k}.value"))) for k in (1, 2)) < 1e-8


@pytest.mark.text("03:nonlinear-cg")
def test_conjugate_gradients_with_the_hessian_of_where_the_step_began():
    plan = {"type": "conjugate_gradient", "line_search": "slope", "form": "linear_before"}
    trail = walked(drawn(bowl_minus_cosine, [1.0, 1.0], plan), 2)
    np.testing.assert_allclose(trail, [[0.63069319, -0.13094805], [0.0360858, -0.1228804]], atol=5e-8)


@pytest.mark.text("03:linear-cg-newton")
def test_two_inner_steps_are_newtons_step():
    plan = {"type": "hessian_free", "damping": 0.0, "line_search": "none", "inner_steps": 2.0, "tolerance": 0.0}
    trail = walked(drawn(bowl_minus_cosine, [1.0, 1.0], plan), 3)
    newton = walked(drawn(bowl_minus_cosine, [1.0, 1.0], {"type": "newton"}), 3)
    np.testing.assert_allclose(trail, newton, atol=1e-10)


@pytest.mark.parametrize("name", ["bfgs", "dfp"])
@pytest.mark.text("03:bfgs", "03:dfp")
def test_quasi_newton_on_the_bowl(name):
    session = drawn(elliptical_bowl, [1.0, 1.0], {"type": name, "line_search": "slope"})
    first = walked(session, 1)[0]
    assert told(session, "length") == pytest.approx(17 / 130)
    np.testing.assert_allclose(first, [48 / 65, -3 / 65])
    second = walked(session, 1)[0]
    if name == "bfgs":  # the points are the same, the ways there as long as the two say
        expected = [[8769 / 8450, -142 / 4225], [-142 / 4225, 537 / 4225]]
        np.testing.assert_allclose(session.value("training.main.driver_inverse"), expected)
        assert told(session, "length") == pytest.approx(65 / 136)
    np.testing.assert_allclose(second, 0.0, atol=1e-12)
    session.step("iteration")
    np.testing.assert_allclose(session.value("training.main.driver_inverse"), np.diag([1 / 2, 1 / 8]), atol=1e-9)


@pytest.mark.parametrize("name", ["bfgs", "dfp", "l_bfgs"])
@pytest.mark.text("03:bfgs", "03:dfp", "03:l-bfgs")
def test_quasi_newton_on_the_bowl_minus_cosine(name):
    plan = {"type": name, "line_search": "slope"}
    if name == "l_bfgs":
        plan |= {"start": "identity", "pairs": "30"}
    session = drawn(bowl_minus_cosine, [1.0, 1.0], plan)
    trail = walked(session, 6)
    np.testing.assert_allclose(trail[0], [0.63069319, -0.13094805], atol=5e-9)
    if name == "dfp":  # the same only where the loss is quadratic
        np.testing.assert_allclose(trail[-1], 0.0, atol=1e-8)
        return
    np.testing.assert_allclose(trail[1], [-0.00202866, -0.05292602], atol=5e-8)
    np.testing.assert_allclose(trail[2], [6.1575e-4, -7.82e-5], atol=1e-7)
    np.testing.assert_allclose(trail[3], [-1.540e-9, -3.0884e-8], atol=5e-11)
    assert np.abs(trail[4]).max() < 1e-14
    if name == "bfgs":
        inverse = session.value("training.main.driver_inverse")
        np.testing.assert_allclose(inverse, [[0.34615385, -0.03846154], [-0.03846154, 0.11538462]], atol=1e-6)


@pytest.mark.parametrize("pairs", ["1", "2", "5"])
@pytest.mark.text("03:l-bfgs")
def test_in_two_dimensions_every_memory_walks_the_whole_path(pairs):
    plan = {"type": "l_bfgs", "line_search": "slope", "start": "identity", "pairs": pairs}
    session = drawn(bowl_minus_cosine, [1.0, 1.0], plan)
    trail = walked(session, 5)
    slopes = [np.hypot(2 * a + np.sin(a + b), 8 * b + np.sin(a + b)) for a, b in trail]
    assert slopes[4] < 1e-8 <= slopes[2]


@pytest.mark.text("03:bowl-elliptical", "03:steepest-descent")
def test_steepest_descent_zigzags_on_the_bowl():
    session = drawn(elliptical_bowl, [1.0, 1.0], {"type": "steepest_descent", "line_search": "quadratic"})
    lengths, losses = [], []
    for _ in range(4):
        session.step("iteration")
        lengths.append(told(session, "length"))
        losses.append(session.loss)
    assert lengths == pytest.approx([17 / 130, 0.425, 17 / 130, 0.425])
    assert losses == pytest.approx([5, 0.553846, 0.0613491, 0.0067956], rel=1e-5)
    np.testing.assert_allclose(np.divide(losses[1:], losses[:-1]), 0.1107692, rtol=1e-6)


@pytest.mark.text("03:steepest-descent")
def test_from_the_worst_start_every_step_of_steepest_descent_is_alike():
    session = drawn(elliptical_bowl, [4.0, 1.0], {"type": "steepest_descent", "line_search": "quadratic"})
    losses = []
    for _ in range(4):
        session.step("iteration")
        losses.append(session.loss)
        assert told(session, "length") == pytest.approx(0.2)
    assert losses == pytest.approx([20, 7.2, 2.592, 0.93312])
    np.testing.assert_allclose(np.divide(losses[1:], losses[:-1]), 0.36)


@pytest.mark.text("03:sloping-valley")
def test_the_valley_is_one_step_for_newton_and_two_for_conjugate_gradients():
    def valley(graph, w):
        moved = chain(graph, "add", w[1], graph.add("constant", value=-10.0))
        walls, floor = chain(graph, "square", w[0]), chain(graph, "square", moved)
        return chain(graph, "add", chain(graph, "scale", walls, factor=5.0), chain(graph, "scale", floor, factor=0.05))

    for name, steps in (("newton", 1), ("conjugate_gradient", 2)):
        np.testing.assert_allclose(walked(drawn(valley, [1.0, 0.0], {"type": name}), steps)[-1], [0.0, 10.0], atol=1e-9)


def test_drivers_are_told_by_their_documents_and_not_by_code():
    graph = Graph()
    loss = elliptical_bowl(graph, [graph.add("parameter", id=f"w_{k}", initial=1.0) for k in (1, 2)])
    plan = {"loss": loss.id, "optimizer": {"type": "newton", "step_length": 0.5}}
    session = Session(Document(graph, training=plan, precision="float64"))
    session.set_setting("optimizer.step_length", 1.0)
    session.step("iteration")
    np.testing.assert_allclose(point_of(session), 0.0, atol=1e-12)
