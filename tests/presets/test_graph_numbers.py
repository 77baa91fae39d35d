"""Worked numbers of chapter 2 on small graphs; the catalogue's entry stands in each test's name."""

from __future__ import annotations

import numpy as np
import pytest

from engine.session import Session
from tests.presets.gallery import preset

PRINTED = 5e-11  # ten digits behind the point


def descent(start: float, rate: float) -> Session:
    """x² + y¹⁰, both starting there."""
    session = Session(preset("steepest-x2-y10"))
    for name in ("x.value", "y.value"):
        session.set_parameter(name, start)
    session.set_setting("optimizer.learning_rate", rate)
    return session


def place(session: Session) -> list[float]:
    return [float(session.parameters[name]) for name in ("x.value", "y.value")]


@pytest.mark.parametrize(
    ("start", "loss", "slopes"), [(0.5, 0.2509765625, [1, 0.01953125]), (2, 1028, [4, 5120])], ids=["flat", "wall"]
)
@pytest.mark.text("01:steepest-x2-y10")
def test_numbers_01_steepest_x2_y10(start, loss, slopes):
    session = descent(start, 0.1)
    session.step("phase")
    session.step("phase")
    assert session.loss == loss
    assert [float(session.gradient(name)) for name in ("x.value", "y.value")] == slopes


@pytest.mark.parametrize(
    ("start", "rate", "end"),
    [(0.5, 0.1, (0, 0.2976)), (0.5, 0.5, (0, 0.2437)), (2, 0.0005, (0.2704, -0.5213))],
)
@pytest.mark.text("01:steepest-x2-y10")
def test_numbers_01_steepest_x2_y10_after_2000_steps(start, rate, end):
    session = descent(start, rate)
    session.run(2000)
    assert place(session) == pytest.approx(end, abs=5e-5)


@pytest.mark.text("01:steepest-x2-y10")
def test_numbers_01_steepest_x2_y10_threshold_of_the_rate():
    """Above 2/2560 = 7.8125e-4 the first step from 2 overshoots to a larger |y|, and four steps later all is lost."""
    below, above = descent(2, 0.00078), descent(2, 0.0008)
    below.run(1)
    above.run(1)
    assert abs(place(below)[1]) < 2 < abs(place(above)[1])
    below.run(1999)
    assert abs(place(below)[1]) < 0.5
    above.run(3)
    assert abs(place(above)[1]) > 1e28


def test_steepest_x2_y10_stops_where_the_tenth_power_is_too_large():
    session = descent(2, 0.1)
    session.run(1)
    assert place(session)[1] == pytest.approx(-510)
    session.run(100)
    assert (session.problem.node, session.iteration) == ("tenth", 3)


@pytest.mark.parametrize(
    ("y", "w", "loss", "slopes"),
    [
        ((1, 2, 3), (0.5, -0.5), -1.7417887016, (-7.3219508868, -10.9829263303)),
        ((1, 1, 1), (1, 1), -1.7666265055, (-0.9153151087, -0.9153151087)),
        ((0.5, 1, 1.5), (1, 0.5), -2.1274204959, (-0.3622939051, -0.5434408577)),
    ],
)
@pytest.mark.text("01:weights-as-nodes")
def test_numbers_01_weights_as_nodes(y, w, loss, slopes):
    session = Session(preset("weights-as-nodes"))
    for address, number in zip(("y1", "y2", "y3", "w2", "w3"), (*y, *w), strict=True):
        session.set_parameter(f"{address}.value", number)
    session.step("phase")
    session.step("phase")
    assert session.loss == pytest.approx(loss, abs=PRINTED)
    found = [float(session.gradient(f"{address}.value")) for address in ("w2", "w3")]
    assert found == pytest.approx(slopes, abs=PRINTED)


def test_the_loss_of_weights_as_nodes_sinks_into_canyons_without_a_floor():
    """On y6 = w2 y2 + w3 y3 = 0 the output is 0: the nearer, the lower."""
    session = Session(preset("weights-as-nodes"))
    losses = []
    for distance in (1e-2, 1e-4, 1e-8):
        session.reset()
        session.set_parameter("w2.value", 0.75 + distance)
        session.step("phase")
        losses.append(session.loss)
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < -30


def both_parts(session: Session) -> Session:
    session.step("phase")
    session.step("phase")
    return session


@pytest.mark.text("01:skip-connection-graph")
def test_numbers_01_skip_connection_graph():
    session = both_parts(Session(preset("skip-connection-graph")))
    for address, numbers in {"h1.h": [1, 2, 0], "h2.h": [4.5, 4]}.items():
        np.testing.assert_array_equal(session.value(address), [numbers])
    assert session.loss == -3.5
    for address, numbers in {"h2.h": [1, -2], "h1.h": [-1.5, 2, -2], "x.value": [-1.5, -0.5]}.items():
        np.testing.assert_array_equal(session.gradient(address), [numbers])


@pytest.mark.text("01:skip-connection-graph")
def test_numbers_01_skip_connection_graph_by_either_way():
    for target, part in (("skip.x", [-1, -4]), ("h1.x", [-0.5, 3.5])):
        document = preset("skip-connection-graph")
        # The other way keeps its value, as a number that nothing comes back through.
        other = "h1.x" if target == "skip.x" else "skip.x"
        document.graph.disconnect("x.value", other)
        document.graph.add("constant", id="held", value=[[2, 1]])
        document.graph.connect("held.value", other)
        session = both_parts(Session(document))
        assert session.loss == -3.5
        np.testing.assert_array_equal(session.gradient("x.value"), [part])


def test_with_the_gate_of_skip_connection_graph_closed_all_comes_by_the_long_way():
    session = Session(preset("skip-connection-graph"))
    session.set_setting("gate.factor", 0.0)
    both_parts(session)
    assert session.loss == 2.5
    np.testing.assert_array_equal(session.gradient("x.value"), [[1, 0.5]])


WORKED = {
    "value": {
        "h1.h": [[2, 1, -1]],
        "h2.h": [[2, 1, 0]],
        "h3.h": [[-1]],
        "o.h": [[0.2689414214]],
        "loss.loss": 1.3132616875,
    },
    "gradient": {
        "o.h": [[-3.7182818285]],
        "h3.h": [[-0.7310585786]],
        "h2.h": [[0.7310585786, -0.7310585786, 2.1931757359]],
        "h1.h": [[0.7310585786, -0.7310585786, 0]],
        "x.value": [[2.1931757359, -5.1174100504, 0.7310585786]],
        "h3.weight": [[-1.4621171573], [-0.7310585786], [0]],
    },
}
PRINTED_IN_THE_TEXT = {
    "value": {"o.h": [[0.27]], "loss.loss": 1.3},
    "gradient": {
        "h3.h": [[-0.73]],
        "h2.h": [[0.73, -0.73, 2.19]],
        "h1.h": [[0.73, -0.73, 0]],
        "h3.weight": [[-1.46], [-0.73], [0]],
    },
}


@pytest.mark.parametrize("kind", ["value", "gradient"])
@pytest.mark.text("01:vector-worked-example")
def test_numbers_01_vector_worked_example(kind):
    session = both_parts(Session(preset("vector-worked-example")))
    read = getattr(session, kind)
    for address, numbers in WORKED[kind].items():
        np.testing.assert_allclose(read(address), numbers, rtol=0, atol=PRINTED, err_msg=address)
    for address, numbers in PRINTED_IN_THE_TEXT[kind].items():
        digits = 1 if address == "loss.loss" else 2
        np.testing.assert_array_equal(np.round(read(address), digits), numbers, err_msg=address)


@pytest.mark.text("01:vector-worked-example", "01:weight-outer-product")
def test_numbers_01_vector_worked_example_masked_edges():
    """M = g₁ xᵀ, here transposed (inputs × units): x₃ → h₁₁ and x₁ → h₁₃ are not drawn."""
    session = both_parts(Session(preset("vector-worked-example")))
    outer = np.array(
        [[1.4621171573, 0.7310585786, 1.4621171573], [-1.4621171573, -0.7310585786, -1.4621171573], [0, 0, 0]]
    )
    np.testing.assert_allclose(session.gradient("drawn.y"), outer.T, rtol=0, atol=PRINTED)
    drawn = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    np.testing.assert_allclose(session.gradient("w.value"), (outer * drawn).T, rtol=0, atol=PRINTED)
    np.testing.assert_array_equal(np.round(session.gradient("drawn.y").T[0], 2), [1.46, 0.73, 1.46])


def losses(session: Session, iterations: int) -> list[float]:
    found = []
    for _ in range(iterations + 1):
        session.step("phase")
        assert session.loss is not None
        found.append(session.loss)
        session.run(0)
    return found


@pytest.mark.text("01:vector-worked-example")
def test_numbers_01_vector_worked_example_steps():
    found = losses(Session(preset("vector-worked-example")), 5)
    assert found[1] == pytest.approx(0.5196020355, abs=PRINTED)
    assert found == pytest.approx([1.3133, 0.5196, 0.2666, 0.1695, 0.1214, 0.0934], abs=5e-5)
    slow = Session(preset("vector-worked-example"))
    slow.set_setting("optimizer.learning_rate", 0.01)
    # The catalogue's 0.9598 for the fourth step is a slip: it is 0.95973, by hand as well.
    assert losses(slow, 5) == pytest.approx([1.3133, 1.2137, 1.1218, 1.0373, 0.9597, 0.8887], abs=5e-5)


@pytest.mark.text("01:vector-worked-example")
def test_numbers_01_vector_worked_example_without_the_mask():
    session = Session(preset("vector-worked-example"))
    session.set_parameter("mask.value", np.ones((3, 3)))
    assert losses(session, 1)[1] == pytest.approx(0.4258027647, abs=PRINTED)


def test_the_missing_edges_and_the_third_unit_of_vector_worked_example_never_move():
    session = Session(preset("vector-worked-example"))
    session.run(200)
    weight = session.parameters["w.value"]
    assert weight[2, 0] == weight[0, 2] == 0
    np.testing.assert_array_equal(weight[:, 2], [0, 3, -2])
    assert session.parameters["h3.weight"][2] == -3


def ratio(epsilon: float, factor: float = -2.0, precision: str = "float64") -> float:
    """ρ of the gradient check with that ε, and that factor in the rule for the derivative."""
    session = Session(preset("gradient-check", precision))
    session.set_parameter("epsilon.value", epsilon)
    session.set_setting("exact.factor", factor)
    session.step("phase")
    value = session.value("rho.y")
    assert value is not None
    return float(value)


# To first order ρ = 0.134471 ε; the catalogue rounds two of these to 1.35, and the text prints none.
TRUNCATION = {1e-1: 1.4e-2, 1e-2: 1.35e-3, 1e-3: 1.35e-4, 1e-4: 1.34e-5, 1e-5: 1.34e-6, 1e-6: 1.34e-7, 1e-7: 1.4e-8}


@pytest.mark.parametrize("epsilon", TRUNCATION)
@pytest.mark.text("01:gradient-check")
def test_numbers_01_gradient_check_truncation(epsilon):
    digits = 1 if epsilon in (1e-1, 1e-7) else 2
    assert f"{ratio(epsilon):.{digits}e}" == f"{TRUNCATION[epsilon]:.{digits}e}"


@pytest.mark.text("01:gradient-check")
def test_numbers_01_gradient_check_rounding_takes_over():
    assert ratio(1e-8) < 1e-8
    assert ratio(1e-8) < ratio(1e-11) < ratio(1e-12) < ratio(1e-13)
    assert ratio(1e-13) == pytest.approx(4e-4, abs=5e-5)
    best = min(ratio(10.0**-power, precision="float32") for power in range(1, 7))
    assert best == pytest.approx(1.3e-4, abs=5e-6)


@pytest.mark.text("01:gradient-check")
def test_numbers_01_gradient_check_finds_a_planted_mistake():
    assert ratio(1e-6) < 1e-6
    assert ratio(1e-6, factor=-4.0) == pytest.approx(1 / 3, abs=1e-6)
    assert ratio(1e-6, factor=2.0) > 1e6


def test_the_rule_of_the_gradient_check_is_what_backpropagation_finds_wherever_the_weight_is():
    session = Session(preset("gradient-check"))
    for _ in range(5):
        both_parts(session)
        assert float(session.value("exact.y")) == pytest.approx(float(session.gradient("w.value")), rel=1e-14)
        assert float(session.value("rho.y")) < 1e-6
        session.run(10)
