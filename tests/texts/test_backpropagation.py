"""Worked numbers of chapters 1 and 2: how derivatives travel, and what is done to the data before."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from engine import Session
from engine.analysis.curvature import Curvature, full_spectrum
from engine.analysis.paths import paths
from engine.analysis.sensitivity import jacobian
from tests.engine.analysis.test_paths import ladder, names, play, ten_nodes
from tests.presets.gallery import preset
from tests.texts.drawing import Drawing, both_ways, forward, gradient, table, value

PRINTED = 5e-11


@pytest.mark.text("01:bounded-output")
def test_an_activation_is_moved_into_a_range_from_2_to_5():
    g = Drawing()
    v = g.held([0.0, 1.0])
    by_sigmoid = g.put("add", g.put("scale", g.put("sigmoid", v), factor=3.0), g.held(2.0))
    by_tanh = g.put("add", g.put("scale", g.put("tanh", v), factor=1.5), g.held(3.5))
    hard = g.put("add", g.put("scale", g.put("hard_tanh", g.held([-7.0, 0.0, 7.0])), factor=1.5), g.held(3.5))
    session = forward(g.session())
    np.testing.assert_allclose(value(session, by_sigmoid), [3.5, 4.1931757359], atol=PRINTED)
    np.testing.assert_allclose(value(session, by_tanh), [3.5, 4.6423912340], atol=PRINTED)
    np.testing.assert_array_equal(value(session, hard), [2.0, 3.5, 5.0])


@pytest.mark.parametrize(("layers", "count", "wires"), [(3, 8, 12), (5, 32, 20), (10, 1024, 40), (20, 1_048_576, 80)])
@pytest.mark.text("01:pathwise-aggregation")
def test_paths_of_a_ladder_double_with_each_layer_and_its_wires_do_not(layers, count, wires):
    found = paths(play(ladder(1.0, layers), "o"), "x", "o", limit=10)
    assert (found.count, len(found.edges)) == (count, wires)


@pytest.mark.text("01:pathwise-aggregation")
def test_three_layers_of_a_hundred_nodes_have_a_million_paths():
    g = Drawing()
    before = g.add("input")
    for units in (100, 100, 100, 1):
        before = g.put("dense", before, units=units, use_bias=False)
    session = forward(g.session(data=table([[1.0]])))
    assert paths(session, "input_1", before, limit=1).count == 1_000_000


@pytest.mark.parametrize(
    ("layers", "output", "slope"),
    [(1, 0.4546487134, -0.4161468365), (2, 0.1845526094, 0.2799024400), (3, 0.3591713921, -0.1664192705),
     (4, 0.2483885029, 0.1101812011), (5, 0.3200912831, -0.0691856695), (6, 0.2740957774, 0.0451813883)],
)  # fmt: skip
@pytest.mark.text("01:ladder-26", "01:backprop-dp")
def test_dynamic_programming_down_a_ladder_of_sines_and_cosines(layers, output, slope):
    g = Drawing()
    before = [g.learned(1.0, "x")]
    for layer in range(1, layers + 1):
        sums = [g.added(*before, id=f"sum_{layer}_{side}") for side in (1, 2)]
        before = [g.put("sin", sums[0], id=f"upper_{layer}"), g.put("cos", sums[1], id=f"lower_{layer}")]
    end = g.put("multiply", *before, id="end")
    session = both_ways(g.session(end))
    assert float(value(session, "end")) == pytest.approx(output, abs=PRINTED)
    found = paths(session, "x", "end")
    assert found.derivative == pytest.approx(slope, abs=PRINTED) == float(gradient(session, "x.value"))
    assert found.count == 2**layers and found.listed == pytest.approx(slope, abs=PRINTED)
    if layers == 5:
        levels = [0.2297239862, -0.2892197033, 0.5449635249, -0.7682228074]
        for layer, level in enumerate(levels, 1):
            both = [float(gradient(session, f"{side}_{layer}")) for side in ("upper", "lower")]
            assert both == pytest.approx([level, level], abs=PRINTED)
        both = [float(gradient(session, f"{side}_5")) for side in ("upper", "lower")]
        assert both == pytest.approx([0.3404241418, 0.9402719839], abs=PRINTED)


@pytest.mark.parametrize(
    ("layers", "slope"), [(1, 0.18), (2, 0.108), (3, 0.0648), (4, 0.03888), (5, 0.023328), (6, 0.0139968)]
)
@pytest.mark.text("01:ladder-26", "01:backprop-dp")
def test_dynamic_programming_where_every_wire_has_the_slope_three_tenths(layers, slope):
    g = Drawing()
    before = [g.learned(1.0, "x")]
    for units in (*[2] * layers, 1):
        third = [g.put("scale", one, factor=0.3) for one in before]
        before = [g.added(*third) for _ in range(units)]
    session = both_ways(g.session(before[0]))
    assert float(gradient(session, "x.value")) == pytest.approx(slope, rel=1e-12)
    assert paths(session, "x", before[0]).count == 2**layers


def small_net(*, extra: bool = False) -> Drawing:
    """x = (1, 2), two tanh units, one sigmoid unit, −log o; before and after each activation there is a node."""
    g = Drawing()
    x = g.learned([[1, 2]], "x")
    a = g.put("dense", x, id="a", units=2, use_bias=False, initial_weight=[[0.5, 0.1], [-0.25, 0.3]])
    h = g.put("tanh", a, id="h")
    b = g.put("dense", h, id="b", units=1, use_bias=False, initial_weight=[[1.0], [-0.5]])
    o = g.put("sigmoid", b, id="o")
    parts = [g.total(g.put("negate", g.put("log", o)))]
    if extra:
        parts.append(g.put("activation_penalty", h, norm="l1", strength=0.1, reduction="sum"))
    g.put("add", *parts, id="loss")
    return g


@pytest.mark.text("01:backprop-postactivation", "01:backprop-decoupled")
def test_slopes_by_what_each_unit_sends():
    session = both_ways(small_net().session("loss"))
    np.testing.assert_allclose(value(session, "a"), [[0, 0.7]], atol=PRINTED)
    np.testing.assert_allclose(value(session, "h"), [[0, 0.6043677771]], atol=PRINTED)
    np.testing.assert_allclose(value(session, "b"), [[-0.3021838886]], atol=PRINTED)
    np.testing.assert_allclose(value(session, "o"), [[0.4250237005]], atol=PRINTED)
    assert session.loss == pytest.approx(0.8556103458, abs=PRINTED)
    np.testing.assert_allclose(gradient(session, "o"), [[-2.3528099701]], atol=PRINTED)
    np.testing.assert_allclose(gradient(session, "h"), [[-0.5749762995, 0.2874881498]], atol=PRINTED)
    np.testing.assert_allclose(gradient(session, "x.value"), [[-0.26924014, 0.19848811]], atol=5e-9)


@pytest.mark.text("01:backprop-preactivation", "01:backprop-decoupled", "01:weight-outer-product")
def test_slopes_by_what_each_unit_is_told_and_those_of_the_weights():
    session = both_ways(small_net().session("loss"))
    np.testing.assert_allclose(gradient(session, "b"), [[-0.5749762995]], atol=PRINTED)
    np.testing.assert_allclose(gradient(session, "a"), [[-0.5749762995, 0.18248011]], atol=5e-9)
    np.testing.assert_allclose(gradient(session, "b.weight"), [[0], [-0.3474971478]], atol=PRINTED)
    by_weight = gradient(session, "a.weight").T
    np.testing.assert_allclose(by_weight, [[-0.5749762995, -1.149952599], [0.18248011, 0.36496022]], atol=5e-9)
    np.testing.assert_allclose(by_weight, np.outer(gradient(session, "a"), value(session, "x")), rtol=1e-14)
    assert np.linalg.matrix_rank(by_weight) == 1


@pytest.mark.text("01:hidden-node-loss")
def test_a_loss_on_hidden_units_is_added_to_what_comes_back():
    session = both_ways(small_net(extra=True).session("loss"))
    assert session.loss == pytest.approx(0.9160471235, abs=PRINTED)
    np.testing.assert_allclose(gradient(session, "a"), [[-0.5749762995, 0.24595407]], atol=5e-9)
    np.testing.assert_allclose(
        gradient(session, "a.weight").T, [[-0.57497630, -1.14995260], [0.24595407, 0.49190814]], atol=5e-9
    )


@pytest.mark.text("01:shared-weights", "02:weight-tying")
def test_a_shared_weight_adds_up_the_slopes_of_its_copies():
    g = Drawing()
    w = g.learned([[0.5]], "w")
    first, second = g.put("identity", w, id="first"), g.put("identity", w, id="second")
    h = g.put("tanh", g.put("matmul", g.held([[1.0]]), first), id="h")
    o = g.put("matmul", h, second, id="o")
    session = both_ways(g.session(g.total(g.put("square", g.put("subtract", o, g.held([[1.0]]))))))
    assert float(value(session, "h")[0, 0]) == pytest.approx(0.4621171573, abs=PRINTED)
    assert float(value(session, "o")[0, 0]) == pytest.approx(0.2310585786, abs=PRINTED)
    assert session.loss == pytest.approx(0.5912709095, abs=PRINTED)
    slopes = [float(gradient(session, name)[0, 0]) for name in ("first", "second", "w.value")]
    assert slopes == pytest.approx([-0.6047322376, -0.7106820475, -1.3154142851], abs=PRINTED)


@pytest.mark.text("01:vector-chain-rule", "01:vector-dag-backprop", "01:jacobian-op")
def test_jacobians_along_a_path_multiply_to_the_slopes_of_the_inputs():
    session = both_ways(Session(preset("vector-worked-example")))
    steps = [jacobian(session, of, by).matrix for of, by in (("h1", "x"), ("h2", "h1"), ("h3", "h2"), ("o", "h3"))]
    np.testing.assert_array_equal(steps[1], np.diag([1, 1, 0]))
    np.testing.assert_allclose(steps[2], [[-1, 1, -3]], atol=1e-14)
    np.testing.assert_allclose(steps[3], [[0.2689414214 * (1 - 0.2689414214)]], atol=PRINTED)
    whole = steps[3] @ steps[2] @ steps[1] @ steps[0]
    np.testing.assert_allclose(whole, jacobian(session, "o", "x").matrix, rtol=1e-13)
    np.testing.assert_allclose(
        -3.7182818285 * whole, [[2.1931757359, -5.1174100504, 0.7310585786]], atol=1e-9
    )  # what comes back to the inputs


@pytest.mark.text("01:vector-dag-backprop")
def test_slopes_of_a_graph_with_a_skip_connection_are_sums_over_its_wires():
    session = both_ways(Session(preset("skip-connection-graph")))
    ends = [
        name for name, slope in (("h1", [-1.5, 2, -2]), ("h2", [1, -2])) if slope == gradient(session, name).tolist()[0]
    ]
    assert ends == ["h1", "h2"]
    np.testing.assert_array_equal(gradient(session, "x.value"), [[-1.5, -0.5]])


@pytest.mark.text("01:jacobian-op")
def test_of_a_million_entries_of_an_elementwise_jacobian_a_thousand_are_not_zero():
    g = Drawing()
    x = g.add("input")
    g.put("sigmoid", x, id="s")
    numbers = np.linspace(-3, 3, 1000)
    found = jacobian(g.session(data=table([numbers])), "s", "data.inputs").matrix
    assert found.size == 1_000_000 and np.count_nonzero(found) == 1000
    chance = 1 / (1 + np.exp(-numbers))
    np.testing.assert_allclose(np.diag(found), chance * (1 - chance), rtol=1e-12)


@pytest.mark.text("01:feature-preprocessing")
def test_columns_between_0_and_1():
    g = Drawing()
    x = g.held([[1, 100], [2, 300], [3, 200], [4, 600]])
    low, high = g.put("min", x, axes=[0]), g.put("max", x, axes=[0])
    scaled = g.put("divide", g.put("subtract", x, low), g.put("subtract", high, low))
    expected = np.array([[0, 1 / 3, 2 / 3, 1], [0, 0.4, 0.2, 1]]).T
    np.testing.assert_allclose(value(forward(g.session()), scaled), expected, rtol=1e-12)


@pytest.mark.text("01:feature-preprocessing")
def test_standardised_columns():
    g = Drawing()
    g.put("identity", g.add("input"), id="seen")
    session = forward(g.session(data=table([[1, 100], [2, 300], [3, 200], [4, 600]], standardise=True)))
    expected = np.array([[-1.3416, -0.4472, 0.4472, 1.3416], [-1.0690, 0, -0.5345, 1.6036]]).T
    np.testing.assert_allclose(value(session, "seen"), expected, atol=5e-5)
    assert session.dataset is not None
    np.testing.assert_allclose(session.dataset.input_deviation, [1.1180339887, 187.0828693387], atol=PRINTED)


@pytest.mark.text("01:whitening")
def test_the_curvature_of_a_linear_unit_is_the_covariance_and_its_directions_whiten():
    points = [[2.0, 2.0], [-2, -2], [1, -1], [-1, 1]]
    g = Drawing()
    output = g.put("dense", g.add("input"), id="y", units=1, use_bias=False)
    loss = g.put("squared_error", output, g.add("target"), half=True)
    hessian = Curvature(g.session(loss, table(points))).hessian()
    np.testing.assert_allclose(hessian, [[2.5, 1.5], [1.5, 2.5]], atol=1e-12)
    found = full_spectrum(hessian)
    np.testing.assert_allclose(found.values, [4, 1], rtol=1e-12)
    turn = found.vectors * np.sign([found.vectors[0, 0], -found.vectors[0, 1]])
    np.testing.assert_allclose(turn, np.array([[1, -1], [1, 1]]) / np.sqrt(2), atol=1e-12)
    g = Drawing()
    white = g.put(
        "dense", g.add("input"), id="u", units=2, use_bias=False, initial_weight=(turn / np.sqrt(found.values)).tolist()
    )
    back = g.put("divide", g.put("matmul", g.put("transpose", white), white), g.held(4.0))
    session = forward(g.session(data=table(points)))
    root = np.sqrt(2)
    np.testing.assert_allclose(value(session, "u"), [[root, 0], [-root, 0], [0, -root], [0, root]], atol=1e-12)
    np.testing.assert_allclose(value(session, back), np.eye(2), atol=1e-12)


@pytest.mark.text("01:forward-mode", "01:ten-node-graph")
def test_slopes_of_every_node_by_one_source():
    session = play(ten_nodes((1, 2, 3), (0.5, -0.5)), "y10")
    expected = {4: 1, 5: 3, 6: 0.5, 7: -0.4161468365, 8: 0.8382464946, 9: 0.4387912809, 10: 0.2092394735}
    for node, slope in expected.items():
        assert jacobian(session, f"y{node}", "y2").derivatives == pytest.approx(slope, abs=PRINTED)
        assert paths(session, "y2", f"y{node}").derivative == pytest.approx(slope, abs=PRINTED)


TWO_STEPS = {
    (1, 7): -0.832294, (1, 8): 1.676493, (2, 7): -0.416147, (2, 8): 0.838246, (2, 9): 0.438791, (3, 8): 0.558831,
    (3, 9): -0.438791, (4, 10): 0.191565, (5, 10): -0.121809, (6, 10): 0.766200,
}  # fmt: skip
THREE_STEPS = {(1, 10): -0.347721, (2, 10): 0.209239, (3, 10): -0.626717}


@pytest.mark.text("01:all-pairs-derivatives")
def test_slopes_of_every_node_by_every_other():
    session = play(ten_nodes((1, 2, 3), (0.5, -0.5)), "y10")
    by_length: dict[int, dict[tuple[int, int], float]] = {}
    for i, j in permutations(range(1, 11), 2):
        for path in paths(session, f"y{i}", f"y{j}").paths:
            length = sum(name.startswith("y") for name in names(path).split("-")) - 1  # products with weights aside
            of_length = by_length.setdefault(length, {})
            of_length[i, j] = of_length.get((i, j), 0.0) + path.product
    assert {length: len(found) for length, found in by_length.items()} == {1: 13, 2: 10, 3: 3}
    assert by_length[2] == pytest.approx(TWO_STEPS, abs=5e-7)
    assert by_length[3] == pytest.approx(THREE_STEPS, abs=5e-7)
