"""Every optimizer on the bowls of the texts: the numbers that the catalogue lists, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import Document, Graph, Session

# The ids are those of the catalogue's entries, e.g. `03:adagrad`.
FINE = 1e-9


def bowl(start: Any = (1.0, 1.0), **phase: Any) -> Session:
    """J = w₁² + 4 w₂² from a start, trained as a phase says."""
    return scaled_bowl([1.0, 4.0], start, **phase)


def scaled_bowl(curvature: list[float], start: Any, **phase: Any) -> Session:
    """Σ cᵢ wᵢ², in float64."""
    graph = Graph()
    w, c = graph.add("parameter", initial=list(start)), graph.add("constant", value=curvature)
    square, product, total = graph.add("square"), graph.add("multiply"), graph.add("sum", over="all")
    graph.connect(w, square)
    graph.connect(square, product["x"])
    graph.connect(c, product["x"])
    graph.connect(product, total)
    plan = {"phases": [{"name": "main", "minimise": total.id, **phase}]}
    return Session(Document(graph, training=plan, precision="float64"))


def trace(session: Session, steps: int) -> np.ndarray:
    """The parameters after each step."""
    points = []
    for _ in range(steps):
        session.run(1)
        points.append(session.parameters["parameter_1.value"])
    return np.array(points)


def looked_ahead(session: Session, steps: int, momentum: float) -> np.ndarray:
    """The book's own w of Nesterov's method, of which the parameter is w + βv."""
    points = []
    for _ in range(steps):
        session.run(1)
        velocity = session.value("parameter_1.value.main.velocity")
        assert velocity is not None
        points.append(session.parameters["parameter_1.value"] - momentum * velocity)
    return np.array(points)


def optimizer(name: str, rate: float, **settings: Any) -> dict[str, Any]:
    return {"optimizer": {"type": name, "learning_rate": rate, **settings}}


@pytest.mark.parametrize(
    ("rate", "expected", "tenth"),
    [
        pytest.param(0.05, [(0.9, 0.6), (0.81, 0.36), (0.729, 0.216)], (0.3486784401, 0.0060466176), id="03:steepest-descent"),
        pytest.param(0.2, [(0.6, -0.6), (0.36, 0.36), (0.216, -0.216)], None, id="03:bowl-elliptical 0.2"),
        pytest.param(0.1, [(0.8, 0.2), (0.64, 0.04), (0.512, 0.008)], (0.1073741824, 1.024e-7), id="03:bowl-elliptical 0.1"),
        pytest.param(0.24, [(0.52, -0.92), (0.2704, 0.8464)], (0.00144555106, 0.43438845), id="03:bowl-elliptical 0.24"),
    ],
)  # fmt: skip
@pytest.mark.text("03:steepest-descent", "03:bowl-elliptical")
def test_gradient_descent_walks_down_the_bowl(rate, expected, tenth):
    points = trace(bowl(**optimizer("sgd", rate)), 10)
    np.testing.assert_allclose(points[: len(expected)], expected, rtol=FINE)
    if tenth:
        np.testing.assert_allclose(points[-1], tenth, rtol=2e-8)


@pytest.mark.text("03:bowl-elliptical")
def test_a_rate_beyond_the_limit_climbs_out_of_the_bowl():
    session = bowl(**optimizer("sgd", 0.26))
    w = trace(session, 50)[-1]
    assert w[0] ** 2 + 4 * w[1] ** 2 == pytest.approx(8799.05, rel=1e-6)
    bouncing = trace(bowl(**optimizer("sgd", 0.25)), 6)[:, 1]
    np.testing.assert_allclose(bouncing, [-1, 1, -1, 1, -1, 1])


@pytest.mark.parametrize("velocity", ["steps", "gradients"])
@pytest.mark.parametrize(
    ("rate", "momentum", "expected", "later"),
    [
        (0.1, 0.5, [(0.8, 0.2), (0.54, -0.36), (0.302, -0.352)], {10: (-0.0325452966, -0.0072149736)}),
        (0.05, 0.9, [(0.9, 0.6), (0.72, 0), (0.486, -0.54)],
         {10: (-0.5887893888, 0.51667875), 100: (0.00373873, -0.00523193)}),
        (2 / 9, 1 / 9, [(0.555556, -0.777778), (0.259259, 0.407407), (0.111111, -0.185185)], {}),
    ],
)  # fmt: skip
@pytest.mark.text("03:momentum")
def test_momentum_rolls_down_the_bowl(rate, momentum, expected, later, velocity):
    points = trace(bowl(**optimizer("momentum", rate, momentum=momentum, velocity=velocity)), 100)
    np.testing.assert_allclose(points[:3], expected, rtol=1e-5, atol=1e-9)
    for step, point in later.items():
        np.testing.assert_allclose(points[step - 1], point, rtol=1e-5 if step == 100 else 1e-8)


@pytest.mark.parametrize(
    ("rate", "momentum", "expected", "later"),
    [
        (0.05, 0.9, [(0.9, 0.6), (0.729, 0.144), (0.51759, -0.15984)],
         {10: (-0.3503753991, 0.0407617979), 100: (2.6459e-5, 2.7e-14)}),
        (0.1, 0.5, [(0.8, 0.2), (0.56, -0.04), (0.352, -0.032)], {}),
    ],
)  # fmt: skip
@pytest.mark.text("03:nesterov")
def test_nesterov_brakes_before_the_bottom(rate, momentum, expected, later):
    points = looked_ahead(bowl(**optimizer("nesterov", rate, momentum=momentum)), 100, momentum)
    np.testing.assert_allclose(points[:3], expected, rtol=FINE)
    for step, point in later.items():
        np.testing.assert_allclose(points[step - 1], point, rtol=1e-8 if step == 10 else 2e-2)


@pytest.mark.parametrize(("form", "root"), [
    ("text", lambda a: np.sqrt(a + 0.1)), ("library", lambda a: np.sqrt(a) + 0.1),
])  # fmt: skip
@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "rmsprop_nesterov"])
def test_a_large_epsilon_stands_under_the_root_or_beside_it(name, form, root):
    session = bowl(**optimizer(name, 0.1, epsilon=0.1, form=form))
    w, squares, v, wanted = np.ones(2), np.zeros(2), np.zeros(2), []
    beta = 0.9 if name == "rmsprop_nesterov" else 0.0
    for _ in range(4):
        slope = [2.0, 8.0] * (w + beta * v)
        squares = squares + slope**2 if name == "adagrad" else 0.9 * squares + 0.1 * slope**2
        v = beta * v - 0.1 / root(squares) * slope
        w = w + v
        wanted.append(w)
    found = looked_ahead(session, 4, beta) if beta else trace(session, 4)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.text("03:delta-bar-delta")
def test_delta_bar_delta_grows_and_cuts_the_rate_of_each_parameter():
    session = bowl(**optimizer("delta_bar_delta", 0.05, growth=0.02, cut=0.3, memory=0.7))
    points, rates = [], []
    for _ in range(3):
        points.append(trace(session, 1)[0])
        rates.append(0.05 * session.value("parameter_1.value.main.pace"))
    np.testing.assert_allclose(points, [(0.9, 0.6), (0.774, 0.264), (0.63468, 0.07392)], rtol=FINE)
    np.testing.assert_allclose(rates, [(0.05, 0.05), (0.07, 0.07), (0.09, 0.09)], rtol=FINE)


@pytest.mark.parametrize(
    ("rate", "expected", "tenth"),
    [
        (0.1, [0.9, 0.833103527, 0.780456181], 0.5537312),
        (0.5, [0.5, 0.276393202, 0.156398737], 0.00310560),
    ],
)  # fmt: skip
@pytest.mark.text("03:adagrad")
def test_adagrad_slows_down_for_good(rate, expected, tenth):
    points = trace(bowl(**optimizer("adagrad", rate)), 10)
    np.testing.assert_allclose(points[:3], np.column_stack([expected, expected]), rtol=2e-8)
    np.testing.assert_allclose(points[-1], [tenth, tenth], rtol=2e-6)


@pytest.mark.text("03:rmsprop")
def test_rmsprop_takes_too_long_a_first_step_and_never_settles():
    session = bowl(**optimizer("rmsprop", 0.1, rho=0.9))
    points = trace(session, 10)
    expected = [0.683772238, 0.498870612, 0.369180558]
    np.testing.assert_allclose(points[:3], np.column_stack([expected, expected]), rtol=3e-8)
    np.testing.assert_allclose(points[-1], [0.0321170805] * 2, rtol=1e-6)
    for rate in (0.1, 0.01):
        settled = trace(bowl((0.1, 0.1), **optimizer("rmsprop", rate, rho=0.9)), 500)[-2:]
        np.testing.assert_allclose(settled[0], -settled[1], rtol=1e-3)
        assert np.abs(settled[-1]) == pytest.approx([rate / 2] * 2, rel=1e-3)


@pytest.mark.parametrize(("rho", "times"), [(0.9, 3.1623), (0.99, 10), (0.999, 31.62)])
@pytest.mark.text("03:rmsprop")
def test_the_first_step_of_rmsprop_is_as_long_as_its_memory(rho, times):
    point = trace(bowl(**optimizer("rmsprop", 0.001, rho=rho)), 1)[0]
    np.testing.assert_allclose(1 - point, [0.001 * times] * 2, rtol=2e-4)


@pytest.mark.text("03:adadelta")
def test_adadelta_grows_its_steps_out_of_epsilon():
    points = trace(bowl(**optimizer("adadelta", 1.0, rho=0.95, epsilon=1e-6)), 100)
    np.testing.assert_allclose(points[:3, 0], [0.9955278752, 0.9910086803, 0.9864644623], rtol=1e-7)
    np.testing.assert_allclose([points[9, 0], points[99, 0]], [0.9545209845, 0.5972954], rtol=1e-6)


@pytest.mark.text("03:adadelta")
def test_epsilon_is_the_hidden_rate_of_adadelta_and_without_it_nothing_moves():
    points = trace(bowl(**optimizer("adadelta", 1.0, rho=0.95, epsilon=1e-2)), 3)
    np.testing.assert_allclose(
        points, [(0.5635642, 0.5534835), (0.2567693, 0.2418082), (0.1027369, 0.0912545)], rtol=1e-6
    )
    still = trace(bowl(**optimizer("adadelta", 1.0, rho=0.95, epsilon=0.0)), 20)
    np.testing.assert_array_equal(still, np.ones((20, 2)))


@pytest.mark.text("03:rmsprop-nesterov")
def test_rmsprop_with_nesterov_momentum():
    session = bowl(**optimizer("rmsprop_nesterov", 0.01, rho=0.9, momentum=0.9))
    points = looked_ahead(session, 10, 0.9)[:, 0]
    np.testing.assert_allclose(
        [*points[:3], points[-1]], [0.968377224, 0.917660080, 0.854085426, 0.2925109372], rtol=2e-8
    )


@pytest.mark.text("03:adam")
def test_adam_in_the_form_of_the_text():
    points = trace(bowl(**optimizer("adam", 0.1, form="text")), 50)
    np.testing.assert_allclose(
        points[:3], [(0.900000125, 0.900000008), (0.800412421, 0.800412240), (0.701586513, 0.701586287)], rtol=2e-9
    )
    np.testing.assert_allclose(points[9], (0.076249533, 0.076249175), rtol=2e-8)
    np.testing.assert_allclose(points[49], (-0.004818066, -0.004818217), rtol=5e-7)


@pytest.mark.parametrize(
    ("form", "expected"), [("text", (-0.006212, -0.024426)), ("paper", (-0.099895, -0.099899))]
)  # fmt: skip
@pytest.mark.text("03:adam")
def test_the_place_of_epsilon_matters_where_gradients_are_tiny(form, expected):
    point = trace(bowl((1e-4, 1e-4), **optimizer("adam", 0.1, form=form)), 1)[0]
    np.testing.assert_allclose(point, expected, atol=6e-7)


def adam_paces(steps: int) -> np.ndarray:
    """αₜ/α of Adam in the form of the text: what its steps are times, beside the rate and the means of the gradients."""
    session = scaled_linear([1.0], **optimizer("adam", 0.01, form="text", epsilon=0.0))
    found, before = [], 0.0
    for _ in range(steps):
        session.run(1)
        place, mean, square = (
            float(np.asarray(number)[0])
            for number in (
                session.parameters["parameter_1.value"],
                session.value("parameter_1.value.main.mean"),
                session.value("parameter_1.value.main.square"),
            )
        )
        found.append((before - place) / 0.01 / (mean / np.sqrt(square)))
        before = place
    return np.array(found)


@pytest.mark.text("03:adam")
def test_the_pace_of_adam_falls_and_rises_again():
    paces = adam_paces(1000)
    expected = {1: 0.316227766, 2: 0.235316725, 10: 0.153189074, 100: 0.308565894, 1000: 0.795175814}
    np.testing.assert_allclose([paces[t - 1] for t in expected], list(expected.values()), rtol=3e-9)
    assert (paces.argmin() + 1, paces.min()) == (12, pytest.approx(0.15224, abs=5e-6))
    assert np.sqrt(1 - 0.999**10000) == pytest.approx(0.999977413, rel=1e-9)  # 1 − 0.9ᵗ is 1 by then


def scaled_linear(slopes: list[float], **phase: Any) -> Session:
    """Σ sᵢ wᵢ from 0: the gradient is s, always."""
    graph = Graph()
    w, s = graph.add("parameter", initial=[0.0] * len(slopes)), graph.add("constant", value=slopes)
    product, total = graph.add("multiply"), graph.add("sum", over="all")
    for source in (w, s):
        graph.connect(source, product["x"])
    graph.connect(product, total)
    plan = {"phases": [{"name": "main", "minimise": total.id, **phase}]}
    return Session(Document(graph, training=plan, precision="float64"))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (optimizer("sgd", 0.1), (0.0, -1.0)),
        (optimizer("momentum", 0.1, momentum=0.9), (-47.37, -9.10)),
        (optimizer("adagrad", 0.1, epsilon=0.0), (-0.0555, -1.8590)),
        (optimizer("rmsprop", 0.1, rho=0.9, epsilon=0.0), (-0.1394, -10.9142)),
        (optimizer("adam", 0.1, epsilon=0.0), (-0.1759, -10.0)),
    ],
    ids=lambda value: value["optimizer"]["type"] if isinstance(value, dict) else "",
)
@pytest.mark.text("03:signal-to-noise-scaling")
def test_a_flickering_gradient_is_shrunk_and_a_steady_one_is_not(chosen, expected):
    session = scaled_linear([100.0, 0.1], **chosen)
    for step in range(100):
        session.set_parameter("constant_1.value", [100.0 * (-1) ** step, 0.1])
        session.run(1)
    tolerance = 6e-3 if chosen["optimizer"]["type"] == "momentum" else 6e-5
    np.testing.assert_allclose(session.parameters["parameter_1.value"], expected, atol=tolerance)


@pytest.mark.text("03:adagrad")
def test_a_constant_gradient_moves_adagrad_by_the_sum_of_inverse_roots():
    point = trace(scaled_linear([3.0], **optimizer("adagrad", 0.1, epsilon=0.0)), 100)[-1]
    assert -point[0] == pytest.approx(18.5896 * 0.1, rel=1e-5)


@pytest.mark.parametrize(
    ("rate", "name", "momentum", "steps"),
    [(0.19, "sgd", 0, 223), (0.19, "momentum", 0.8, 43), (0.19, "momentum", 0.9, 83), (0.1, "sgd", 0, 424),
     (0.1, "momentum", 0.9, 83), (0.15, "sgd", 0, 282), (0.15, "momentum", 0.8, 37)],
)  # fmt: skip
@pytest.mark.text("03:sloping-valley")
def test_steps_down_the_sloping_valley(rate, name, momentum, steps):
    settings = {"momentum": momentum} if momentum else {}
    session = scaled_bowl([5.0, 0.05], (1.0, -10.0), **optimizer(name, rate, **settings))  # y − 10 in place of y
    points = trace(session, steps)
    losses = 5 * points[:, 0] ** 2 + 0.05 * points[:, 1] ** 2
    assert losses[-1] < 1e-3 and (losses[:-1] >= 1e-3).all()


@pytest.mark.parametrize(
    ("point", "rate", "expected"),
    [((2.0, 2.0), 0.0005, (0.2704, -0.5213)), ((0.5, 0.5), 0.1, (0.0, 0.2976)), ((0.5, 0.5), 0.5, (0.0, 0.2437))],
)
@pytest.mark.text("01:steepest-x2-y10")
def test_a_constant_rate_suits_one_direction_of_x2_y10(point, rate, expected):
    graph = Graph()
    w, powers = graph.add("parameter", initial=list(point)), graph.add("constant", value=[2.0, 10.0])
    power, total = graph.add("power"), graph.add("sum", over="all")
    graph.connect(w, power["a"])
    graph.connect(powers, power["exponent"])
    graph.connect(power, total)
    plan = {"loss": total.id, **optimizer("sgd", rate)}
    session = Session(Document(graph, training=plan, precision="float64"))
    session.run(2000)
    np.testing.assert_allclose(session.parameters["parameter_1.value"], expected, atol=6e-5)


TURNED = {
    "adagrad": (optimizer("adagrad", 0.5), (13, 331, 601, 683)),
    "adam": (optimizer("adam", 0.1, form="text"), (82, 236, 370, 406)),
    "sgd": (optimizer("sgd", 0.009), (254,) * 4),
    "momentum": (optimizer("momentum", 0.0045, momentum=0.9), (97,) * 4),
    "nesterov": (optimizer("nesterov", 0.005, momentum=0.9), (25,) * 4),
}


@pytest.mark.parametrize("name", TURNED)
@pytest.mark.parametrize(("place", "degrees"), list(enumerate([0, 15, 30, 45])))
@pytest.mark.text("03:rotated-bowl")
def test_paces_of_their_own_lose_their_way_in_a_turned_bowl(name, place, degrees):
    phase, expected = TURNED[name]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    graph = Graph()
    w, matrix = (
        graph.add("parameter", initial=[(turn @ [1.0, 1.0]).tolist()]),
        graph.add("constant", value=turn.tolist()),
    )
    scale = graph.add("constant", value=[[1.0, 100.0]])
    product, square, scaled = graph.add("matmul"), graph.add("square"), graph.add("multiply")
    total = graph.add("sum", over="all")
    graph.connect(w, product["a"])
    graph.connect(matrix, product["b"])
    for source, sink in ((product, square), (square, scaled["x"]), (scale, scaled["x"]), (scaled, total)):
        graph.connect(source, sink)
    plan = {"phases": [{"name": "main", "minimise": total.id, **phase}]}
    session, steps, height = Session(Document(graph, training=plan, precision="float64")), 0, np.inf
    while height >= 1e-4:
        session.run(1)
        steps += 1
        point = session.parameters["parameter_1.value"]
        if name == "nesterov":  # the book's own w
            point = point - 0.9 * session.value("parameter_1.value.main.velocity")
        height = float(((point @ turn) ** 2 * [1.0, 100.0]).sum())
    assert steps == expected[place]


@pytest.mark.text("03:momentum-zigzag")
def test_momentum_averages_the_zigzag_away():
    for phase, loss in ((optimizer("sgd", 0.24), 0.7548), (optimizer("momentum", 0.2, momentum=0.3), 4.08e-5)):
        point = trace(bowl(**phase), 10)[-1]
        assert point[0] ** 2 + 4 * point[1] ** 2 == pytest.approx(loss, rel=2e-3)


@pytest.mark.parametrize(("start", "momentum", "end"), [(-2.0, 0.9, 2), (-1.5, 0.9, -1), (-2.0, 0, -1), (-1.5, 0, -1)])
@pytest.mark.text("03:marble-rolling")
def test_a_marble_with_speed_rolls_through_a_pothole(start, momentum, end):
    graph = Graph()
    u, total = graph.add("parameter", initial=start), graph.add("add")
    for exponent, factor in ((4.0, 1 / 4), (3.0, -1 / 3), (2.0, -1.0)):  # u⁴/4 − u³/3 − u² + 2, but for the constant
        power, scale = graph.add("power", exponent=exponent), graph.add("scale", factor=factor)
        for source, sink in ((u, power["a"]), (power, scale["x"]), (scale, total["x"])):
            graph.connect(source, sink)
    plan = {"loss": total.id, **optimizer("momentum", 0.05, momentum=momentum)}
    session = Session(Document(graph, training=plan, precision="float64"))
    session.run(1000)
    assert float(session.parameters["parameter_1.value"]) == pytest.approx(end, abs=1e-6)
