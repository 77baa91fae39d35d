"""Composites: graphs inside a node, stored once, used by many, and computed as if they had been drawn out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine import Document, Graph, ProblemError, Session, schema_composites
from engine.composites import MOST_LEVELS, Composite, composite_of, define, unused
from engine.inlining import FlatGraph, flattened, inlined
from engine.lowering import infer

DATA = {"inputs": [[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]], "targets": [[1.0], [0.0], [1.0]], "task": "regression"}
PLAN = {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "batch_size": 0, "order": "sequential"}


def residual(id: str = "block", **said) -> Composite:
    """x + V tanh(W x), its hidden units exposed."""
    inside = Graph()
    inside.add("port_in", "x", shape="(batch, 2)", symbol="x")
    first, second, both = inside.add("dense", activation="tanh"), inside.add("dense", units=2), inside.add("add")
    inside.add("port_out", "y", shape="(batch, 2)")
    inside.connect("x", first)
    inside.connect(first, second)
    inside.connect("x", both)
    inside.connect(second, both)
    inside.connect(both, "y")
    return Composite(id, "Residual block", "Adds what it computes.", inside, {"hidden": ("dense_1.units",)}, **said)


def drawing(*uses: tuple[str, dict]) -> tuple[Graph, str]:
    """Uses of `block` in a row between input and squared error."""
    graph = Graph()
    define(graph, residual())
    last: str = graph.add("input", shape=(2,))
    for type, said in uses:
        node = graph.add(type, **said)
        graph.connect(last, node)
        last = node
    answer, target, loss = graph.add("dense", units=1), graph.add("target", shape=(1,)), graph.add("mean_squared_error")
    graph.connect(last, answer)
    graph.connect(answer, loss["prediction"])
    graph.connect(target, loss["target"])
    return graph, loss


def document_of(graph: Graph, loss: str, **rest) -> Document:
    return Document(graph, DATA, {"loss": loss, **PLAN}, precision="float64", **rest)


@pytest.fixture
def document() -> Document:
    return document_of(*drawing(("block", {"hidden": 3}), ("composite", {"of": "block"})))


def test_a_use_computes_and_learns_as_if_it_had_been_drawn_out_by_hand(document):
    session = Session(document)
    start = session.parameters
    assert start["block_1/dense_1.weight"].shape == (2, 3) and start["block_2/dense_1.weight"].shape == (2, 4)
    by_hand = Graph()
    last: str = by_hand.add("input", shape=(2,))
    for use in ("block_1", "block_2"):
        a = by_hand.add("dense", f"{use}_a", units=start[f"{use}/dense_1.bias"].size, activation="tanh")
        b, both = by_hand.add("dense", f"{use}_b", units=2), by_hand.add("add", f"{use}_c")
        by_hand.connect(last, a)
        by_hand.connect(a, b)
        by_hand.connect(last, both)
        by_hand.connect(b, both)
        last = both
    answer, target, loss = by_hand.add("dense", units=1), by_hand.add("target"), by_hand.add("mean_squared_error")
    by_hand.connect(last, answer)
    by_hand.connect(answer, loss["prediction"])
    by_hand.connect(target, loss["target"])
    other = Session(document_of(by_hand, loss))
    names = {"dense_1": "a", "dense_2": "b"}
    same = {}
    for address in start:
        use, slash, rest = address.partition("/")
        node, _, name = rest.partition(".")
        same[address] = f"{use}_{names[node]}.{name}" if slash else address
        other.set_parameter(same[address], start[address])
    session.run(25)
    other.run(25)
    for address, array in session.parameters.items():
        np.testing.assert_array_equal(array, other.parameters[same[address]])
    assert session.loss == other.loss


def test_values_gradients_and_explanations_are_there_for_what_is_inside_and_for_the_use(document):
    session = Session(document)
    session.step("iteration")
    np.testing.assert_array_equal(session.value("block_1"), session.value("block_1/add_1"))
    np.testing.assert_array_equal(session.value("block_1.y"), session.value("block_1/y"))
    np.testing.assert_array_equal(session.value("block_2/x"), session.value("block_1.y"))
    np.testing.assert_array_equal(session.value("block_1/x"), session.value("input_1"))
    np.testing.assert_array_equal(session.gradient("block_1.y"), session.gradient("block_1/add_1"))
    assert session.gradient("block_1/dense_1.weight").shape == (2, 3)
    nodes = [step.node for step in session.steps if step.part == "forward"]
    assert nodes.index("block_1/dense_1") < nodes.index("block_1/add_1") < nodes.index("block_2/dense_1")
    for step in session.steps:
        explanation = session.explain(step, row=1, unit=0)
        assert explanation is not None and explanation.note == "", step
    readings = session.snapshot().values
    np.testing.assert_array_equal(readings["block_2.y"].array, session.value("block_2/add_1"))


def test_ports_title_help_and_exposed_properties_stand_at_the_use_as_at_any_node(document):
    kind = document.graph.nodes["block_1"].kind
    assert [(port.name, port.shape, port.symbol) for port in kind.inputs] == [("x", "(batch, 2)", "x")]
    assert [port.name for port in kind.outputs] == ["y"]
    assert (kind.title, kind.help(), kind.category) == ("Residual block", "Adds what it computes.", "Composites")
    assert kind.properties()["hidden"].default == 4 and kind.properties()["hidden"].unit == "neurons"
    assert infer(document).shapes["block_1.y"] == infer(document).shapes["input_1.value"]


def test_a_document_with_composites_is_the_same_after_a_round_trip(document, tmp_path):
    document.save(tmp_path / "blocks.json")
    again = Document.load(tmp_path / "blocks.json")
    assert again.problems == [] and again.check() == []
    assert again.to_json() == document.to_json()
    assert list(again.composites) == ["block"]
    one, other = Session(document), Session(again)
    one.run(5)
    other.run(5)
    assert one.loss == other.loss


def test_a_document_without_composites_is_lowered_as_it_is():
    plain = document_of(*drawing())
    assert inlined(plain) is plain


def test_composites_are_made_of_composites_and_a_change_of_the_inner_one_reaches_every_use():
    graph, loss = drawing(("block", {}))
    pair = Graph()
    pair.composites = graph.composites
    pair.add("port_in", "x")
    first, second = pair.add("block", hidden=2), pair.add("block")
    pair.add("port_out", "y")
    for source, target in (("x", first), (first, second), (second, "y")):
        pair.connect(source, target)
    define(graph, Composite("pair", graph=pair, exposed={"width": (f"{second}.hidden",)}))
    graph.remove("block_1")
    use = graph.add("pair", width=7)
    graph.connect("input_1", use)
    graph.connect(use, "dense_1")
    document = document_of(graph, loss)
    assert document.check() == []
    shapes = {name: array.shape for name, array in Session(document).parameters.items()}
    assert shapes["pair_1/block_1/dense_1.weight"] == (2, 2) and shapes["pair_1/block_2/dense_1.weight"] == (2, 7)
    inner = graph.composites["block"]
    changed = inner.graph.copy()
    changed.nodes["dense_1"] = replace(changed.nodes["dense_1"], properties={"activation": "sigmoid", "units": 9})
    define(graph, replace(inner, graph=changed))
    assert graph.nodes[use].kind is graph.composites["pair"].kind
    assert composite_of(graph.composites["pair"].graph.nodes["block_2"]) is graph.composites["block"]
    shapes = {name: array.shape for name, array in Session(document).parameters.items()}
    assert shapes["pair_1/block_1/dense_1.weight"] == (2, 2)  # the pair says 2 itself
    assert shapes["pair_1/block_2/dense_1.weight"] == (2, 7)
    graph.nodes[use] = replace(graph.nodes[use], properties={"of": "pair"})
    assert Session(document).parameters["pair_1/block_2/dense_1.weight"].shape == (2, 9)
    assert Document.from_json(document.to_json()).to_json() == document.to_json()


def test_a_composite_that_contains_itself_is_told_and_the_rest_runs():
    graph, loss = drawing()
    value = document_of(graph, loss).to_json()
    inside = {"nodes": [{"id": "use_1", "type": "composite", "properties": {"of": "b"}}], "wires": []}
    round_about = {"nodes": [{"id": "use_1", "type": "composite", "properties": {"of": "a"}}], "wires": []}
    value["graph"]["composites"] = {"a": inside, "b": round_about, "c": {"nodes": inside["nodes"], "wires": []}}
    value["graph"]["composites"]["self"] = {
        "nodes": [{"id": "me", "type": "composite", "properties": {"of": "self"}}], "wires": [],
    }  # fmt: skip
    value["graph"]["nodes"].append({"id": "outer", "type": "composite", "properties": {"of": "self"}})
    document = Document.from_json(value)
    told = {(problem.path, problem.kind, problem.node) for problem in document.check()}
    assert ("graph.composites.a.nodes[0].properties.of", "cycle", "") in told
    assert ("graph.composites.b.nodes[0].properties.of", "cycle", "") in told
    assert ("graph.composites.self.nodes[0].properties.of", "cycle", "outer/me") in told
    assert not any(path.startswith("graph.composites.c") for path, _, _ in told)
    session = Session(document)
    session.run(3)
    assert session.iteration == 3
    assert document.to_json()["graph"]["composites"].keys() == {"a", "b", "c", "self"}


def test_an_unknown_composite_is_named_with_a_guess_and_waits():
    document = document_of(*drawing(("block", {})))
    value = document.to_json()
    value["graph"]["nodes"][1]["properties"]["of"] = "blok"
    found = Document.from_json(value)
    (problem,) = [problem for problem in found.problems if problem.kind == "unknown"]
    assert problem.fact == "no composite is called “blok”" and problem.mend == "Did you mean “block”?"
    assert (problem.path, problem.node) == ("graph.nodes[1].properties.of", "block_1")
    assert found.to_json()["graph"]["nodes"][1] == value["graph"]["nodes"][1]
    assert len(found.graph.wires) == len(document.graph.wires)
    with pytest.raises(ProblemError, match="no node type is called “blokk”"):
        found.graph.add("blokk")


def test_mistakes_within_a_definition_are_told_with_their_place_and_at_the_first_use(document):
    value = document.to_json()
    inside = value["graph"]["composites"]["block"]
    inside["nodes"][1]["properties"]["units"] = 0
    inside["nodes"][2]["type"] = "densee"
    inside["properties"]["width"] = ["dense_9.units"]
    told = {problem.path: problem for problem in Document.from_json(value).check()}
    units = told["graph.composites.block.nodes[1].properties.units"]
    assert units.node == "block_1/dense_1" and "outside 1 to" in units.fact
    assert told["graph.composites.block.nodes[2].type"].mend == "Did you mean “dense”?"
    assert told["graph.composites.block.properties.width[0]"].kind == "unknown"


def test_shapes_that_do_not_fit_inside_are_told_with_the_path_of_the_node():
    graph, loss = drawing(("block", {}))
    inner = graph.composites["block"].graph.copy()
    inner.nodes["dense_2"] = replace(inner.nodes["dense_2"], properties={"units": 5})
    define(graph, replace(graph.composites["block"], graph=inner))
    document = document_of(graph, loss)
    (problem,) = [problem for problem in document.check() if problem.kind == "shape"]
    assert problem.node == "block_1/add_1" and problem.path == "graph.composites.block.nodes[3]"


def test_a_port_that_must_be_wired_says_so_at_the_use():
    graph, loss = drawing(("block", {}))
    graph.add("block")
    problems = document_of(graph, loss).check()
    (free,) = [problem for problem in problems if problem.kind == "free"]
    assert (free.node, free.port, free.severity) == ("block_2", "x", "warning")
    Session(document_of(graph, loss)).run(2)


def with_ports(**said) -> Graph:
    inside = Graph()
    inside.add("port_in", "x")
    inside.add("port_in", "by", **said)
    inside.add("port_out", "y")
    return inside


def test_a_number_stands_at_a_free_port_and_is_dragged_without_a_new_plan():
    inside = with_ports(default=2.0)
    product = inside.add("multiply")
    inside.connect("x", product)
    inside.connect("by", product)
    inside.connect(product, "y")
    graph, loss = drawing()
    define(graph, Composite("times", graph=inside))
    use = graph.add("times")
    graph.connect("input_1", use["x"])
    document = document_of(graph, loss)
    session = Session(document)
    session.step("phase")
    np.testing.assert_allclose(session.value(use), 2 * np.array(DATA["inputs"]))
    later = document.copy()
    later.graph.nodes[use] = replace(graph.nodes[use], properties={"of": "times", "by": 3.0})
    tape = session.tape
    session.edit(later, 1)
    assert session.tape is tape
    np.testing.assert_allclose(session.value(use), 3 * np.array(DATA["inputs"]))
    number = later.graph.add("constant", value=5.0)
    later.graph.connect(number, use["by"])
    session.edit(later.copy(), 2)
    session.step("phase")
    np.testing.assert_allclose(session.value(use), 5 * np.array(DATA["inputs"]))


def test_parameters_are_shared_through_a_port_and_are_the_uses_own_where_it_is_free():
    inside = with_ports(optional=True, kind="parameter")
    layer = inside.add("dense", units=2)
    inside.connect("x", layer["x"])
    inside.connect("by", layer["weight"])
    inside.connect(layer, "y")
    graph, loss = drawing()
    define(graph, Composite("layer", graph=inside))
    weight = graph.add("parameter", shape=(2, 2))
    first, second, own = graph.add("layer"), graph.add("layer"), graph.add("layer")
    graph.connect(weight, first["by"])
    graph.connect(weight, second["by"])
    for source, target in (("input_1", first), (first, second), (second, own), (own, "dense_1")):
        graph.connect(source, f"{target}.x")
    session = Session(document_of(graph, loss))
    weights = {name for name in session.parameters if "weight" in name or name.startswith("parameter")}
    assert weights == {f"{weight}.value", f"{own}/dense_1.weight", "dense_1.weight"}


@pytest.mark.parametrize("flag", ["muted", "bypassed", "frozen"])
def test_a_flag_of_a_use_holds_for_everything_inside(flag):
    graph, loss = drawing(("block", {}))
    graph.nodes["block_1"] = replace(graph.nodes["block_1"], flags=frozenset({flag}))
    session = Session(document_of(graph, loss))
    before = session.parameters
    session.run(3)
    session.step("iteration")
    inside = [name for name in before if name.startswith("block_1/")]
    assert inside
    for name in inside:
        np.testing.assert_array_equal(before[name], session.parameters[name])
    assert not np.array_equal(before["dense_1.bias"], session.parameters["dense_1.bias"])
    inputs = np.array(DATA["inputs"])
    if flag == "muted":
        np.testing.assert_array_equal(session.value("block_1"), np.zeros_like(inputs))
        np.testing.assert_array_equal(session.value("block_1/dense_1"), np.zeros((3, 4)))
    elif flag == "bypassed":
        np.testing.assert_array_equal(session.value("block_1"), inputs)


def test_a_bypass_that_changes_the_shape_is_told_at_the_port():
    graph, loss = drawing(("block", {}))
    inner = graph.composites["block"].graph.copy()
    inner.wires = [wire for wire in inner.wires if wire.target != "y.value"]
    inner.connect("dense_1", "y")
    define(graph, replace(graph.composites["block"], graph=inner))
    graph.nodes["block_1"] = replace(graph.nodes["block_1"], flags=frozenset({"bypassed"}))
    (problem,) = [problem for problem in document_of(graph, loss).check() if problem.kind == "shape"]
    assert problem.node == "block_1/y" and "cannot pass in place" in problem.fact


def test_a_loss_inside_a_composite_is_minimised_and_a_use_names_all_its_parameters():
    graph, _ = drawing(("block", {}), ("block", {}))
    inside = Graph()
    for name in ("prediction", "target"):
        inside.add("port_in", name)
    inside.add("mean_squared_error", "error")
    inside.add("port_out", "loss", kind="loss")
    for name in ("prediction", "target"):
        inside.connect(name, f"error.{name}")
    inside.connect("error", "loss")
    graph.remove("mean_squared_error_1")
    define(graph, Composite("judge", graph=inside))
    judge = graph.add("judge")
    graph.connect("dense_1", judge["prediction"])
    graph.connect("target_1", judge["target"])
    plan = {"phases": [{"name": "main", "minimise": judge.id, "parameters": ["block_2", "dense_1.bias"],
                        "optimizer": {"type": "sgd", "learning_rate": 0.1}}]}  # fmt: skip
    for goal in (judge.id, f"{judge}.loss", f"{judge}/error"):
        plan["phases"][0]["minimise"] = goal
        document = Document(graph, DATA, plan, precision="float64")
        assert document.check() == []
        session = Session(document)
        before = session.parameters
        session.run(2)
        moved = {name for name, array in session.parameters.items() if not np.array_equal(array, before[name])}
        assert moved == {name for name in before if name.startswith("block_2/")} | {"dense_1.bias"}
        assert session.predict(DATA["inputs"]).shape == (3, 1)


def test_what_a_phase_names_within_a_use_and_is_not_there_is_told(document):
    plan = {"phases": [{"name": "main", "minimise": "block_1/dense_7", "parameters": ["block_9/dense_1"]}]}
    wrong = Document(document.graph, DATA, plan)
    assert {problem.path for problem in wrong.check()} == {
        "training.phases[0].minimise", "training.phases[0].parameters[0]",
    }  # fmt: skip


def test_a_wire_straight_through_and_back_is_no_endless_way():
    graph, loss = drawing()
    inside = Graph()
    inside.add("port_in", "x")
    inside.add("port_out", "y")
    inside.connect("x", "y")
    define(graph, Composite("through", graph=inside))
    use = graph.add("through")
    value = document_of(graph, loss).to_json()
    value["graph"]["wires"].append({"from": f"{use}.y", "to": f"{use}.x", "order": 0})
    document = Document.from_json(value)
    assert any(problem.kind == "cycle" for problem in document.check())
    Session(document).run(1)


def test_composites_nested_too_deeply_or_too_large_are_refused_with_a_sentence():
    graph, loss = drawing()
    define(graph, residual("level_0"))
    for level in range(1, MOST_LEVELS + 3):
        inside = Graph()
        inside.composites = graph.composites
        if level <= MOST_LEVELS:
            inside.add(f"level_{level - 1}")
        define(graph, Composite(f"level_{level}", graph=inside))
    deepest = graph.add(f"level_{MOST_LEVELS - 1}")
    assert "/" in "".join(flattened(graph).nodes)
    graph.remove(deepest)
    value = document_of(graph, loss).to_json()
    value["graph"]["nodes"].append({"id": "deep", "type": "composite", "properties": {"of": f"level_{MOST_LEVELS}"}})
    (problem,) = Document.from_json(value).check()
    assert problem.kind == "limit" and problem.node == "deep"
    many = Graph()
    define(many, residual("of_0"))
    for level in range(1, 14):  # each twice the one before: 5 · 2¹³ nodes
        inside = Graph()
        inside.composites = many.composites
        for _ in range(2):
            if many.composites[f"of_{level - 1}"].kind.size <= 20_000:
                inside.add(f"of_{level - 1}")
        define(many, Composite(f"of_{level}", graph=inside))
    for _ in range(3):
        many.add("of_11")
    flat = flattened(many)
    assert isinstance(flat, FlatGraph) and len(flat.nodes) <= 20_000
    assert [problem.kind for problem in flat.told if problem.kind == "limit"] == ["limit", "limit"]


def test_a_definition_is_written_once_however_deep_it_is_used(monkeypatch):
    graph, loss = drawing()
    define(graph, residual("level_0"))
    for level in range(1, 6):
        inside = Graph()
        inside.composites = graph.composites
        inside.add(f"level_{level - 1}")
        define(graph, Composite(f"level_{level}", graph=inside))
    written, write = [], schema_composites.composite_json
    monkeypatch.setattr(schema_composites, "composite_json", lambda each: written.append(each.name) or write(each))
    value = document_of(graph, loss).to_json()
    assert len(written) == len(value["graph"]["composites"])
    assert Document.from_json(value).to_json() == value


def test_definitions_that_nothing_needs_are_known(document):
    define(document.graph, residual("spare"))
    assert unused(document.graph) == {"spare"}


def test_an_edited_definition_keeps_the_parameters_that_still_fit(document):
    session = Session(document)
    session.run(4)
    learned = session.parameters
    later = document.copy()
    inner = later.graph.composites["block"].graph.copy()
    inner.nodes["dense_1"] = replace(inner.nodes["dense_1"], properties={"activation": "sigmoid"})
    define(later.graph, replace(later.graph.composites["block"], graph=inner))
    assert document.graph.composites["block"].graph.nodes["dense_1"].properties == {"activation": "tanh"}
    session.edit(later, 1)
    for name, array in session.parameters.items():
        np.testing.assert_array_equal(array, learned[name])
