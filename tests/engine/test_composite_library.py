"""The composites that are shipped compute what the node types of the same name compute, or what NumPy says."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from engine import Document, Graph, Session
from engine.composite_library import kept, library, offer_own, offered
from engine.composites import exposed_property
from engine.grouping import grouped
from engine.nodes import node_types
from engine.schema_composites import composite_json, read_composites
from engine.schema_findings import Findings

NUMBERS = np.random.default_rng(11)
PLAN = {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "batch_size": 0, "order": "sequential"}


def session_of(graph: Graph, loss: str, inputs: np.ndarray, width: int) -> Session:
    targets = np.linspace(-1, 1, len(inputs) * width).reshape(len(inputs), width)
    data = {"inputs": inputs.tolist(), "targets": targets.tolist(), "task": "regression"}
    document = Document(graph, data, {"loss": loss, **PLAN}, precision="float64")
    assert document.check() == []
    assert Document.from_json(document.to_json()).to_json() == document.to_json()
    return Session(document)


def judged(graph: Graph, answer: str, width: int) -> str:
    """A squared error behind a node; its id."""
    target, loss = graph.add("target", shape=(width,)), graph.add("mean_squared_error", "loss")
    graph.connect(answer, loss["prediction"])
    graph.connect(target, loss["target"])
    return loss


def gradient(session: Session, name: str) -> np.ndarray:
    """A gradient that is there."""
    found = session.gradient(name)
    assert found is not None
    return found


def close(one, other) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


def test_every_shipped_composite_is_sound_and_is_read_as_it_is_written():
    table = library()
    assert {"recurrent_cell", "recurrent_layer", "elman_network", "layer_normalised_cell", "lstm", "lstm_layer",
            "lstm_peepholes", "lstm_coupled", "gru", "gru_layer", "bidirectional_layer", "multilayer_recurrent",
            "residual_block", "residual_convolution", "dense_block", "inception_block", "squeeze_excitation",
            "attention_head", "encoder_block", "causal_head", "memory_head", "decoder_block"} == table.keys()  # fmt: skip
    assert not table.keys() & node_types().keys()
    folder = resources.files("resources").joinpath("composites")
    written = {name: json.loads(folder.joinpath(f"{name}.json").read_text("utf-8")) for name in table}
    for name, composite in table.items():
        findings = Findings()
        again, _ = read_composites({other: written[other] for other in (*composite.uses, name)}, "composites", findings)
        assert findings.all() == [] and composite_json(again[name]) == written[name] == composite_json(composite)
        assert composite.title and composite.description and composite.formula and composite.source
        assert all(node.kind is not None for node in composite.graph)
        for targets in composite.exposed.values():
            assert all(exposed_property(composite.graph, target) is not None for target in targets)


def over_time(kind: str, state_ports: dict[str, str], **properties) -> tuple[Graph, str]:
    """A cell in a loop, its outputs led back through delays to its state ports; judged by its last state."""
    graph = Graph()
    x, step, cell = graph.add("input", shape=(5, 3)), graph.add("each_step"), graph.add(kind, "cell", **properties)
    graph.connect(x, step)
    graph.connect(step, cell["x"])
    for output, port in state_ports.items():
        memory = graph.add("delay", f"late_{output}", shape=(4,))
        graph.connect(memory, cell[port])
        graph.connect(cell[output], memory["x"])
    last = graph.add("last_step")
    graph.connect(cell["h"], last["x"])
    return graph, judged(graph, last, 4)


def as_column_blocks(gates: dict[str, int], units: int, mine: Session, theirs: Session) -> None:
    """Give a cell drawn out gate by gate the weights of the node type, whose gates lie side by side."""
    for name, place in gates.items():
        columns = slice(place * units, (place + 1) * units)
        mine.set_parameter(f"cell/{name}_input.weight", theirs.parameters["cell.weight"][:, columns])
        mine.set_parameter(f"cell/{name}_input.bias", theirs.parameters["cell.bias"][columns])
        if (
            f"cell/{name}_state.weight" in mine.parameters
            and theirs.parameters["cell.recurrent"].shape[1] > place * units
        ):
            mine.set_parameter(f"cell/{name}_state.weight", theirs.parameters["cell.recurrent"][:, columns])


def agree_in_gates(gates: dict[str, int], units: int, mine: Session, theirs: Session) -> None:
    for name, place in gates.items():
        columns = slice(place * units, (place + 1) * units)
        close(gradient(mine, f"cell/{name}_input.weight"), gradient(theirs, "cell.weight")[:, columns])
        close(gradient(mine, f"cell/{name}_input.bias"), gradient(theirs, "cell.bias")[columns])


def test_the_lstm_drawn_out_computes_and_learns_what_the_node_type_does():
    inputs, gates = NUMBERS.normal(size=(6, 5, 3)), {"write": 0, "forget": 1, "show": 2, "candidate": 3}
    states = {"h": "state", "c": "memory"}
    mine = session_of(*over_time("lstm", states, units=4), inputs, 4)
    theirs = session_of(*over_time("lstm_cell", states, units=4), inputs, 4)
    np.testing.assert_array_equal(mine.parameters["cell/forget_input.bias"], np.ones(4))
    as_column_blocks(gates, 4, mine, theirs)
    for _ in range(3):
        mine.step("iteration")
        theirs.step("iteration")
        close(mine.loss, theirs.loss)
        close(mine.value("cell.h"), theirs.value("cell.h"))
        close(mine.value("cell.c@2"), theirs.value("cell.c@2"))
        agree_in_gates(gates, 4, mine, theirs)
        for name, place in gates.items():
            close(
                gradient(mine, f"cell/{name}_state.weight"), gradient(theirs, "cell.recurrent")[:, 4 * place :][:, :4]
            )


def test_the_gru_drawn_out_computes_and_learns_what_the_node_type_does():
    inputs, gates = NUMBERS.normal(size=(6, 5, 3)), {"keep": 0, "reset": 1, "candidate": 2}
    mine = session_of(*over_time("gru", {"h": "state"}, units=4), inputs, 4)
    theirs = session_of(*over_time("gru_cell", {"h": "state"}, units=4), inputs, 4)
    as_column_blocks(gates, 4, mine, theirs)
    mine.set_parameter("cell/candidate_state.weight", theirs.parameters["cell.candidate"])
    for _ in range(3):
        mine.step("iteration")
        theirs.step("iteration")
        close(mine.value("cell.h@3"), theirs.value("cell.h@3"))
        agree_in_gates(gates, 4, mine, theirs)
        close(gradient(mine, "cell/candidate_state.weight"), gradient(theirs, "cell.candidate"))


def test_the_recurrent_cell_drawn_out_computes_what_the_node_type_does_and_so_does_its_layer():
    inputs = NUMBERS.normal(size=(6, 5, 3))
    mine = session_of(*over_time("recurrent_cell", {"h": "state"}, units=4), inputs, 4)
    theirs = session_of(*over_time("rnn_cell", {"h": "state"}, units=4), inputs, 4)
    graph = Graph()
    x, layer = graph.add("input", shape=(5, 3)), graph.add("recurrent_layer", "layer", units=4)
    graph.connect(x, layer)
    whole = session_of(graph, judged(graph, layer["last"], 4), inputs, 4)
    names = {"from_input.weight": "weight", "from_input.bias": "bias", "from_state.weight": "recurrent"}
    for inside, name in names.items():
        mine.set_parameter(f"cell/{inside}", theirs.parameters[f"cell.{name}"])
        whole.set_parameter(f"layer/cell/{inside}", theirs.parameters[f"cell.{name}"])
    for session in (mine, theirs, whole):
        session.run(3)
        session.step("iteration")
    for inside, name in names.items():
        close(mine.parameters[f"cell/{inside}"], theirs.parameters[f"cell.{name}"])
        close(whole.parameters[f"layer/cell/{inside}"], theirs.parameters[f"cell.{name}"])
    close(whole.value("layer/cell/bend@3"), theirs.value("cell.h@3"))
    close(whole.value("layer/cell.h@3"), theirs.value("cell.h@3"))
    assert whole.value("layer.h").shape == (6, 5, 4)
    times = [step.time for step in whole.steps if step.node == "layer/cell/bend" and step.part == "forward"]
    assert times == [0, 1, 2, 3, 4]


def test_the_lstm_layer_gives_the_last_state_of_the_cell_in_a_loop():
    inputs = NUMBERS.normal(size=(4, 5, 3))
    mine = session_of(*over_time("lstm", {"h": "state", "c": "memory"}, units=4), inputs, 4)
    graph = Graph()
    x, layer = graph.add("input", shape=(5, 3)), graph.add("lstm_layer", "layer", units=4)
    graph.connect(x, layer)
    whole = session_of(graph, judged(graph, layer["last"], 4), inputs, 4)
    for address, array in mine.parameters.items():
        whole.set_parameter(f"layer/{address}", array)
    mine.run(2)
    whole.run(2)
    close(mine.loss, whole.loss)


def simple(kind: str, inputs: np.ndarray, **properties) -> Session:
    """A composite behind the input, its answer flattened and judged."""
    graph = Graph()
    x, node, flat = (
        graph.add("input", shape=inputs.shape[1:]),
        graph.add(kind, "block", **properties),
        graph.add("reshape"),
    )
    graph.connect(x, node)
    graph.connect(node["y"], flat)
    answer = graph.add("dense", "answer", units=1)
    graph.connect(flat, answer["x"])
    return session_of(graph, judged(graph, answer, 1), inputs, 1)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def layer(session: Session, name: str, x: np.ndarray) -> np.ndarray:
    bias = session.parameters.get(f"block/{name}.bias", 0.0)
    return x @ session.parameters[f"block/{name}.weight"] + bias


def convolved(session: Session, name: str, x: np.ndarray) -> np.ndarray:
    """Cross-correlation with zeros around, written out loop by loop."""
    weight, bias = session.parameters[f"block/{name}.weight"], session.parameters[f"block/{name}.bias"]
    filters, _, height, width = weight.shape
    padded = np.pad(x, ((0, 0), (0, 0), (height // 2, height // 2), (width // 2, width // 2)))
    y = np.zeros((len(x), filters, *x.shape[2:]))
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            y[:, :, i, j] = np.einsum("bchw,fchw->bf", padded[:, :, i : i + height, j : j + width], weight) + bias
    return y


def agrees(session: Session, expected) -> None:
    """The value of a use, and the whole gradient of its parameters by central differences along one direction."""
    session.step("phase")
    close(session.value("block.y"), expected(session))
    session.step("phase")
    start = session.parameters
    inside = [name for name in start if name.startswith("block/")]
    way = {name: NUMBERS.normal(size=start[name].shape) for name in inside}
    slope = sum(float(np.vdot(way[name], gradient(session, name))) for name in inside)
    ends = []
    for sign in (1, -1):
        for name in inside:
            session.set_parameter(name, start[name] + sign * 1e-6 * way[name])
        ends.append(session.evaluate("train")["loss"])
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=2e-6, abs=1e-9)


def test_the_residual_block_adds_what_two_layers_make():
    x = NUMBERS.normal(size=(5, 3))
    session = simple("residual_block", x, features=3, hidden=6)
    agrees(session, lambda s: relu(x + layer(s, "second", relu(layer(s, "first", x)))))


def test_the_residual_convolution_adds_what_two_convolutions_make():
    x = NUMBERS.normal(size=(3, 2, 5, 4))
    session = simple("residual_convolution", x, channels=2)
    agrees(session, lambda s: relu(x + convolved(s, "second", relu(convolved(s, "first", x)))))


@pytest.mark.text("06:densenet")
def test_every_convolution_of_a_dense_block_sees_all_maps_before_it():
    x = NUMBERS.normal(size=(3, 2, 5, 4))
    session = simple("dense_block", x, growth=2)

    def expected(s):
        maps = x
        for name in ("first", "second", "third"):
            maps = np.concatenate([maps, relu(convolved(s, name, maps))], axis=1)
        return maps

    agrees(session, expected)
    assert session.value("block.y").shape == (3, 2 + 3 * 2, 5, 4)


def test_the_inception_block_sets_windows_of_several_sizes_side_by_side():
    x = NUMBERS.normal(size=(3, 2, 6, 5))
    session = simple("inception_block", x, filters_1=3, filters_5=1)

    def expected(s):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        largest = np.max([padded[:, :, i : i + 6, j : j + 5] for i in range(3) for j in range(3)], axis=0)
        parts = [
            relu(convolved(s, "one", x)),
            relu(convolved(s, "three", relu(convolved(s, "reduce_three", x)))),
            relu(convolved(s, "five", relu(convolved(s, "reduce_five", x)))),
            relu(convolved(s, "behind_pool", largest)),
        ]
        return np.concatenate(parts, axis=1)

    agrees(session, expected)
    assert session.value("block.y").shape == (3, 3 + 4 + 1 + 2, 6, 5)


def test_squeeze_and_excitation_scales_every_map_by_what_its_mean_says():
    x = NUMBERS.normal(size=(4, 3, 4, 5))
    session = simple("squeeze_excitation", x, channels=3, narrow=2)

    def expected(s):
        gates = 1 / (1 + np.exp(-layer(s, "gates", relu(layer(s, "narrow", x.mean((2, 3)))))))
        return x * gates[:, :, None, None]

    agrees(session, expected)


def attended(s: Session, prefix: str, x: np.ndarray, scale: float) -> np.ndarray:
    q, k, v = (layer(s, f"{prefix}{name}", x) for name in ("query", "key", "value"))
    scores = np.exp(scale * q @ k.swapaxes(1, 2))
    return scores / scores.sum(-1, keepdims=True) @ v


def test_the_attention_head_mixes_values_as_the_scores_say():
    x = NUMBERS.normal(size=(4, 5, 3))
    session = simple("attention_head", x)
    agrees(session, lambda s: attended(s, "", x, 0.5))
    close(session.value("block.attention").sum(-1), np.ones((4, 5)))


HEADS = {"_1": slice(0, 4), "_2": slice(4, 8)}  # of each head the columns in the matrix of all heads


def transformed(x: np.ndarray, kind: str, memory: bool = False) -> Session:
    """A block of a transformer behind the input, judged; its memory is the input passed through a layer."""
    graph = Graph()
    source, block = graph.add("input", shape=x.shape[1:]), graph.add(kind, "block")
    flat, answer = graph.add("reshape"), graph.add("dense", "answer", units=1)
    graph.connect(source, block["x"])
    if memory:
        graph.connect(source, graph.add("dense", "other", units=x.shape[2]))
        graph.connect("other.h", block["memory"])
    graph.connect(block["y"], flat)
    graph.connect(flat, answer["x"])
    return session_of(graph, judged(graph, answer, 1), x, 1)


def with_numbers_of(mine: Session, theirs: Session, heads: dict[str, str], mixes: dict[str, str]) -> None:
    """Give a block that is drawn out the numbers of the node type, and play both into the third iteration.

    heads, mixes  names of heads (without their number) and of what mixes them, with the node type's name of that attention
    """
    given = theirs.parameters
    for name, attention in heads.items():
        for end, columns in HEADS.items():
            for part in ("query", "key", "value"):
                weight = given[f"block.{attention}_{part}_weight"][:, columns]
                mine.set_parameter(f"block/{name}{end}/{part}.weight", weight)
    for name, attention in mixes.items():
        mine.set_parameter(f"block/{name}.weight", given[f"block.{attention}_output_weight"])
    for inside, name in (("inner", "in"), ("outer", "out")):
        mine.set_parameter(f"block/{inside}.weight", given[f"block.{name}_weight"])
    for address in given.keys() & mine.parameters.keys():
        mine.set_parameter(address, given[address])
    for session in (mine, theirs):
        session.run(2)
        session.step("iteration")


def test_the_encoder_block_is_the_transformer_encoder_drawn_out():
    x = NUMBERS.normal(size=(4, 5, 8))
    mine, theirs = transformed(x, "encoder_block"), transformed(x, "transformer_encoder")
    with_numbers_of(mine, theirs, {"head": "self"}, {"mix": "self"})
    close(mine.value("block.y"), theirs.value("block.y"))
    close(gradient(mine, "block/inner.weight"), gradient(theirs, "block.in_weight"))
    close(gradient(mine, "block/head_2/key.weight"), gradient(theirs, "block.self_key_weight")[:, 4:])


def test_the_decoder_block_is_the_transformer_decoder_drawn_out():
    x = NUMBERS.normal(size=(4, 5, 8))
    mine, theirs = transformed(x, "decoder_block", memory=True), transformed(x, "transformer_decoder", memory=True)
    attentions = {"own": "self", "other": "cross"}
    with_numbers_of(mine, theirs, attentions, {f"{name}_mix": attention for name, attention in attentions.items()})
    close(mine.value("block.y"), theirs.value("block.y"))
    close(mine.value("block/other_1.attention"), theirs.value("block.weights")[:, 0])
    assert (np.triu(mine.value("block/own_2.attention"), 1) == 0).all(), "a step sees nothing of those behind it"
    close(gradient(mine, "other.weight"), gradient(theirs, "other.weight"))
    close(gradient(mine, "block/inner.weight"), gradient(theirs, "block.in_weight"))
    for name, attention in attentions.items():
        for end, columns in HEADS.items():
            whole = gradient(theirs, f"block.{attention}_value_weight")
            close(gradient(mine, f"block/{name}{end}/value.weight"), whole[:, columns])


def test_what_a_person_keeps_is_offered_with_what_it_is_made_of_under_ids_of_its_own():
    graph = Graph()
    graph.add("dense", "inner", units=2)
    grouped(graph, ["inner"], "Small part")
    grouped(graph, list(graph.nodes), "Whole thing")
    outer = next(name for name, composite in graph.composites.items() if composite.title == "Whole thing")
    written = kept(graph, outer, {})
    assert sorted(written) == ["small_part", "whole_thing"]
    assert kept(graph, outer, written).keys() == written.keys(), "kept again, it takes its own place"
    try:
        offer_own(json.loads(json.dumps(written)))
        other = Graph()
        other.add("whole_thing", "use")
        assert set(other.composites) == {"small_part", "whole_thing"} and other.nodes["use"].kind.title == "Whole thing"
        offer_own({"broken": {"nodes": 3}, "whole_thing": 7})
        assert "whole_thing" not in offered()
    finally:
        offer_own({})
    assert offered() == library()
