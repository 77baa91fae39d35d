"""Pathwise aggregation and dynamic programming against the numbers of Aggarwal 2023, §2.3."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from engine.analysis.paths import Place, paths
from engine.document import Document
from engine.graph import Graph, NodeRef
from engine.problems import ProblemError
from engine.session import Session


def play(graph: Graph, objective: str, **training: object) -> Session:
    document = Document(graph, precision="float64", training={"loss": objective, **training})
    session = Session(document)
    session.step("iteration")
    return session


def ten_nodes(y: tuple[float, float, float], w: tuple[float, float]) -> Graph:
    """Aggarwal 2023, Figure 2.7; the weighted sum of node 6 is made of two scales and a sum."""
    graph = Graph()
    y1, y2, y3 = (graph.add("constant", f"y{i + 1}", value=number) for i, number in enumerate(y))

    def joined(kind: str, name: str, *inputs: str) -> NodeRef:
        node = graph.add(kind, name)
        for source in inputs:
            graph.connect(source, node["x"])
        return node

    joined("multiply", "y4", y1, y2)
    joined("multiply", "y5", y1, y2, y3)
    for name, source, weight in (("p2", y2, w[0]), ("p3", y3, w[1])):
        graph.connect(source, graph.add("scale", name, factor=weight)["x"])
    joined("add", "y6", "p2", "p3")
    joined("sin", "y7", "y4")
    joined("cos", "y8", "y5")
    joined("sin", "y9", "y6")
    joined("multiply", "y10", "y7", "y8", "y9")
    return graph


def ladder(x: float, layers: int) -> Graph:
    """Aggarwal 2023, Figure 2.5: every node of a layer is the product of both nodes of the layer before it."""
    graph = Graph()
    start = graph.add("constant", "x", value=x)
    before = [graph.add("scale", f"h1_{j}", factor=1.0) for j in (1, 2)]
    for node in before:
        graph.connect(start, node["x"])
    for layer in range(2, layers + 1):
        here = [graph.add("multiply", f"h{layer}_{j}") for j in (1, 2)]
        for node in here:
            for source in before:
                graph.connect(source, node["x"])
        before = here
    output = graph.add("multiply", "o")
    for source in before:
        graph.connect(source, output["x"])
    return graph


def names(path) -> str:
    return "-".join(place.address.partition(".")[0] for place in path.places)


@pytest.mark.text("01:ten-node-graph", "01:pathwise-aggregation")
def test_the_ten_node_graph_has_the_seven_paths_of_the_text():
    session = play(ten_nodes((1, 2, 3), (0.5, -0.5)), "y10")
    assert session.value("y10") == pytest.approx(-0.4185770271, abs=1e-10)
    expected = {
        "y1-y4-y7-y10": 0.3831298771, "y1-y5-y8-y10": -0.7308510387, "y2-y4-y7-y10": 0.1915649385,
        "y2-y5-y8-y10": -0.3654255194, "y2-p2-y6-y9-y10": 0.3831000543, "y3-y5-y8-y10": -0.2436170129,
        "y3-p3-y6-y9-y10": -0.3831000543,
    }  # fmt: skip
    found = {}
    for source, count, derivative in (
        ("y1", 2, -0.3477211617), ("y2", 3, 0.2092394735), ("y3", 2, -0.6267170673),
    ):  # fmt: skip
        between = paths(session, source, "y10")
        assert between.count == len(between.paths) == count
        assert between.derivative == pytest.approx(derivative, abs=1e-10)
        assert between.listed == pytest.approx(derivative, abs=1e-10)
        assert between.remainder == 0
        found |= {names(path): path.product for path in between.paths}
        assert between.derivative == pytest.approx(float(session.gradient(source)), abs=1e-14)
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.text("01:ten-node-graph", "01:backprop-dp")
def test_dynamic_programming_gives_the_derivative_at_every_node_on_the_way():
    session = play(ten_nodes((1, 2, 3), (0.5, -0.5)), "y10")
    found = paths(session, "y2", "y10").derivatives
    numbers = {place.address.partition(".")[0]: number for place, number in found.items()}
    expected = {
        "y7": -0.4603301568, "y8": -0.4359404086, "y9": 0.8730803710,
        "y4": 0.1915649385, "y5": -0.1218085065, "y6": 0.7662001087,
    }  # fmt: skip
    assert {name: numbers[name] for name in expected} == pytest.approx(expected, abs=1e-10)


@pytest.mark.text("01:ten-node-graph")
def test_the_second_test_of_the_ten_node_graph():
    session = play(ten_nodes((1, 1, 1), (1, 1)), "y10")
    sums = [paths(session, f"y{i}", "y10").derivative for i in (1, 2, 3)]
    assert sums == pytest.approx([-0.3784012477, -0.5676018715, -0.8330499611], abs=1e-10)


@pytest.mark.parametrize(
    ("x", "value", "derivative"),
    [(1.0, 1.0, 32.0), (1.05, 4.7649414686, 145.2172638051), (1.1, 21.1137767454, 614.2189598648),
     (0.9, 0.0343368382, 1.2208653583)],
)  # fmt: skip
@pytest.mark.text("01:product-ladder")
def test_the_product_ladder_has_32_equal_paths(x, value, derivative):
    session = play(ladder(x, 5), "o")
    found = paths(session, "x", "o")
    assert session.value("o") == pytest.approx(value, abs=1e-9)
    assert found.count == len(found.paths) == 32
    assert all(path.product == pytest.approx(x**31) for path in found.paths)
    assert found.derivative == pytest.approx(derivative, abs=1e-8)
    before = paths(session, "x", "h3_1").count
    assert before * found.counts[Place("h3_1.y", 0)] == 16  # the text: this node lies on 16 of them
    assert found.multiplied == (32 * 6, 2 + 4 * 4 + 2)


@pytest.mark.parametrize("layers", [3, 10, 20])
def test_the_count_is_exact_where_the_list_is_cut(layers):
    x = 1 + 1e-7
    session = play(ladder(x, layers), "o")
    found = paths(session, "x", "o", limit=100)
    assert found.count == 2**layers
    assert len(found.paths) == min(100, 2**layers)
    assert found.listed + found.remainder == pytest.approx(found.derivative)
    assert found.derivative == pytest.approx(2**layers * x ** (2**layers - 1), rel=1e-9)


@pytest.mark.parametrize(
    ("x", "contributions"),
    [(1.0, (-1.6829419696, 1.0806046117)), (0.5, (-0.2474039593, 0.9689124217)), (2.0, (3.0272099812, -2.6145744835))],
)
@pytest.mark.text("01:sincos-diamond")
def test_the_diamond_of_sine_and_cosine(x, contributions):
    graph = Graph()
    start, square = graph.add("constant", "x", value=x), graph.add("square", "f")
    graph.connect(start, square)
    output = graph.add("add", "o")
    for kind, name in (("cos", "p"), ("sin", "q")):
        graph.connect(square, graph.add(kind, name))
        graph.connect(name, output["x"])
    session = play(graph, "o")
    found = paths(session, "x", "o")
    assert [path.product for path in found.paths] == pytest.approx(list(contributions), abs=1e-10)
    assert [names(path) for path in found.paths] == ["x-f-p-o", "x-f-q-o"]
    assert found.derivative == pytest.approx(sum(contributions), abs=1e-10)
    assert float(session.gradient("x")) == pytest.approx(found.derivative, abs=1e-14)


def test_entries_of_arrays_have_paths_through_every_hidden_unit():
    graph = Graph()
    x, hidden, output = graph.add("input"), graph.add("dense", units=5, activation="tanh"), graph.add("dense", units=1)
    target, error = graph.add("target"), graph.add("mean_squared_error")
    graph.connect(x, hidden)
    graph.connect(hidden, output)
    graph.connect(output, error["prediction"])
    graph.connect(target, error["target"])
    document = Document(graph, data="xor", precision="float64", training={"loss": error.id, "batch_size": 4})
    session = Session(document)
    session.step("phase")
    found = paths(session, "input_1", "dense_2", source_row=2, source_unit=1, target_row=2)
    weights = session.parameters
    slopes = 1 - session.value("dense_1")[2] ** 2
    products = weights["dense_1.weight"][1] * slopes * weights["dense_2.weight"][:, 0]
    assert sorted(path.product for path in found.paths) == pytest.approx(sorted(products))
    assert found.count == 5
    assert found.derivative == pytest.approx(products.sum())
    other_row = paths(session, "input_1", "dense_2", source_row=1, target_row=2)
    assert (other_row.count, other_row.derivative, other_row.paths) == (0, 0.0, ())
    session.step("phase")
    loss = paths(session, "dense_1", error.id, source_row=3, source_unit=2)
    assert loss.derivative == pytest.approx(session.gradient("dense_1")[3, 2])


def test_a_dead_relu_keeps_its_path_with_the_product_0():
    graph = Graph()
    start, relu, other = graph.add("constant", "x", value=-1.0), graph.add("relu", "r"), graph.add("scale", "s")
    output = graph.add("add", "o")
    for node in (relu, other):
        graph.connect(start, node["x"])
        graph.connect(node, output["x"])
    found = paths(play(graph, "o"), "x", "o")
    assert [path.product for path in found.paths] == [0.0, 1.0]


def test_two_wires_of_one_product_are_two_paths():
    graph = Graph()
    start, copy, product = graph.add("constant", "x", value=3.0), graph.add("scale", "s"), graph.add("subtract", "o")
    graph.connect(start, copy["x"])
    graph.connect(copy, product["a"])
    graph.connect(copy, product["b"])
    found = paths(play(graph, "o"), "x", "o")
    assert [path.product for path in found.paths] == [1.0, -1.0]
    assert found.derivative == 0


def test_a_node_and_itself_have_one_path_of_length_0():
    session = play(ladder(1.1, 2), "o")
    found = paths(session, "o", "o")
    assert (found.count, found.derivative, found.paths[0].product) == (1, 1.0, 1.0)


def test_against_the_stream_there_is_no_path():
    session = play(ladder(1.1, 2), "o")
    found = paths(session, "o", "x")
    assert (found.count, found.derivative, found.paths) == (0, 0.0, ())


def test_an_unknown_node_is_named_with_a_guess():
    session = play(ladder(1.1, 2), "o")
    with pytest.raises(ProblemError, match="h2_1"):
        paths(session, "h2_1.z", "o")


def test_before_the_first_step_a_problem_says_what_to_do_and_where():
    document = Document(ladder(1.1, 2), precision="float64", training={"loss": "o"})
    with pytest.raises(ProblemError, match="Step forward once") as refused:
        paths(Session(document), "x", "o")
    (problem,) = refused.value.problems
    assert problem.node in document.graph.nodes and problem.kind == "absent"


def test_random_networks_agree_with_backpropagation():
    draw = np.random.default_rng(0)
    for _ in range(5):
        graph = Graph()
        nodes: list[str] = [graph.add("constant", value=float(draw.normal()))]
        for _ in range(12):
            kind = str(draw.choice(["sin", "cos", "tanh", "add", "multiply", "subtract"]))
            node = graph.add(kind)
            ports = ["a", "b"] if kind == "subtract" else ["x", "x"] if kind in ("add", "multiply") else ["x"]
            for port in ports:
                source = str(draw.choice(nodes[-4:]))
                with suppress(ProblemError):  # the same wire twice
                    graph.connect(source, node[port])
            nodes.append(node)
        last = nodes[-1]
        session = play(graph, last)
        found = paths(session, nodes[0], last)
        gradient = session.gradient(nodes[0])
        assert found.derivative == pytest.approx(0.0 if gradient is None else float(gradient), abs=1e-12)
        assert math.fsum(path.product for path in found.paths) == pytest.approx(found.listed)


def test_a_muted_wire_is_no_path_and_brings_0():
    graph = Graph()
    start, sine, copy = graph.add("constant", "x", value=2.0), graph.add("sin", "s"), graph.add("scale", "c")
    output = graph.add("multiply", "o")
    for node in (sine, copy):
        graph.connect(start, node["x"])
        graph.connect(node, output["x"])
    graph.wires = [replace(wire, muted=wire.source_node == "c") for wire in graph.wires]
    found = paths(play(graph, "o"), "x", "o")
    assert [names(path) for path in found.paths] == ["x-s-o"]
    assert found.derivative == 0


@pytest.mark.parametrize("way", ["stepping", "between iterations", "running"])
def test_through_what_is_drawn_at_random_the_paths_are_those_of_this_draw(way):
    graph = Graph()
    x, drop, noise = (
        graph.add("constant", "x", value=[1.0, 2.0, 3.0, 4.0]),
        graph.add("dropout"),
        graph.add("gaussian_noise"),
    )
    total = graph.add("sum", "total", over="all")
    bend = graph.add("tanh", "bend")
    for begin, end in ((x, drop), (drop, noise), (noise, bend), (bend, total)):
        graph.connect(begin, end)
    session = Session(Document(graph, precision="float64", training={"loss": "total", "seed": 3}))
    if way == "running":
        session.run(5)
    else:
        for _ in range(4):
            session.step("iteration")
    if way == "stepping":
        session.step("phase")
    factor = session.value("dropout_1")[1] / 2.0  # 0 or 2
    found = paths(session, "x", "total", source_unit=1)
    assert found.derivative == pytest.approx(factor * (1 - session.value("bend")[1] ** 2), rel=1e-12)


def test_what_differentiates_others_is_no_station_of_a_path():
    """Alone it would find that nothing depends on anything; by its wires it has no derivative at all."""
    graph = Graph()
    x = graph.add("constant", "x", value=3.0)
    square = graph.add("square", "square")
    graph.connect(x, square["x"])
    slope = graph.add("derivative", "slope")
    graph.connect(square, slope["y"])
    graph.connect(x, slope["x"])
    session = play(graph, "slope")
    assert session.value("slope") == pytest.approx(6.0)
    with pytest.raises(ProblemError, match="“slope” differentiates what stands before it"):
        paths(session, "x.value", "slope.g")
    assert paths(session, "x.value", "square.y").derivative == pytest.approx(6.0)
