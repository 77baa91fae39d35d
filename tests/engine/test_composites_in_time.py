"""The shipped composites that read sequences compute what the node types compute, or what NumPy says step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import Graph, Session
from tests.engine.test_composite_library import (
    agree_in_gates,
    as_column_blocks,
    close,
    gradient,
    judged,
    over_time,
    session_of,
)

Array = np.ndarray[Any, np.dtype[Any]]
DRAW = np.random.default_rng(12)
SEQUENCES = DRAW.normal(size=(6, 5, 3))
STATES = {"h": "state", "c": "memory"}


def layer(kind: str, port: str, width: int, **properties: Any) -> Session:
    """A composite that reads the sequences, judged by one of its outputs."""
    graph = Graph()
    x, node = graph.add("input", shape=SEQUENCES.shape[1:]), graph.add(kind, "layer", **properties)
    graph.connect(x, node)
    answer = node[port]
    if port != "last":
        flat = graph.add("reshape", "flat", shape=(5 * width,))
        graph.connect(answer, flat)
        answer, width = flat, 5 * width
    return session_of(graph, judged(graph, answer, width), SEQUENCES, width)


def states(session: Session, prefix: str, x: Array) -> Array:
    """What a plain recurrent layer answers, written out step by step."""
    numbers = {name: session.parameters[f"{prefix}cell/{name}"] for name in
               ("from_input.weight", "from_input.bias", "from_state.weight")}  # fmt: skip
    h, found = np.zeros((len(x), len(numbers["from_input.bias"]))), []
    for time in range(x.shape[1]):
        told = x[:, time] @ numbers["from_input.weight"] + numbers["from_input.bias"]
        h = np.tanh(told + h @ numbers["from_state.weight"])
        found.append(h)
    return np.stack(found, axis=1)


def descends_as_differences_say(session: Session) -> None:
    """The slopes of all parameters along one direction, at the start."""
    session.reset()
    session.step("phase")
    session.step("phase")
    start = session.parameters
    way = {name: DRAW.normal(size=array.shape) for name, array in start.items()}
    slope = sum(float(np.vdot(way[name], gradient(session, name))) for name in start)
    ends = []
    for sign in (1, -1):
        for name, array in start.items():
            session.set_parameter(name, array + sign * 1e-6 * way[name])
        ends.append(session.evaluate("train")["loss"])
    assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=2e-6, abs=1e-9)


@pytest.mark.text("05:bidirectional-rnn", "08:bidirectional-rnn")
def test_a_bidirectional_layer_lays_what_is_read_from_both_ends_side_by_side():
    session = layer("bidirectional_layer", "h", 8, units=4)
    session.step("phase")
    onward = states(session, "layer/onward/", SEQUENCES)
    back = states(session, "layer/back/", SEQUENCES[:, ::-1])[:, ::-1]
    close(session.value("layer.h"), np.concatenate([onward, back], axis=2))
    descends_as_differences_say(session)


@pytest.mark.text("05:multilayer-rnn", "08:multilayer-rnn")
def test_the_upper_layer_of_a_multilayer_network_reads_the_states_of_the_lower_one():
    session = layer("multilayer_recurrent", "last", 4, units=4, lower_units=6)
    session.step("phase")
    upper = states(session, "layer/upper/", states(session, "layer/lower/", SEQUENCES))
    close(session.value("layer.h"), upper)
    close(session.value("layer.last"), upper[:, -1])
    descends_as_differences_say(session)


@pytest.mark.text("05:elman-network", "08:elman-srn")
def test_an_elman_network_answers_at_every_step_and_learns_one_step_back():
    session = layer("elman_network", "y", 2, units=4, answers=2)
    session.step("phase")
    h = states(session, "layer/", SEQUENCES)
    weight, bias = session.parameters["layer/answer.weight"], session.parameters["layer/answer.bias"]
    close(session.value("layer.y"), h @ weight + bias)
    session.step("phase")
    error = session.value("layer.y") - np.linspace(-1, 1, 60).reshape(6, 5, 2)
    by_sum = (
        2 / error.size * (error @ weight.T) * (1 - h**2)
    )  # the context stands still: nothing comes from later steps
    before = np.concatenate([np.zeros((6, 1, 4)), h[:, :-1]], axis=1)
    close(gradient(session, "layer/cell/from_state.weight"), np.einsum("bti,btj->ij", before, by_sum))
    close(gradient(session, "layer/cell/from_input.weight"), np.einsum("bti,btj->ij", SEQUENCES, by_sum))


def test_all_the_way_back_an_elman_network_learns_by_the_whole_derivative():
    descends_as_differences_say(layer("elman_network", "y", 2, units=4, answers=2, truncate=0))


@pytest.mark.text("05:gru")
def test_the_gru_layer_gives_the_last_state_of_the_cell_in_a_loop():
    mine = session_of(*over_time("gru", {"h": "state"}, units=4), SEQUENCES, 4)
    whole = layer("gru_layer", "last", 4, units=4)
    for address, array in mine.parameters.items():
        whole.set_parameter(f"layer/{address}", array)
    mine.run(2)
    whole.run(2)
    close(mine.loss, whole.loss)


@pytest.mark.text("05:layer-normalisation")
def test_the_layer_normalised_cell_computes_and_learns_what_the_node_type_does():
    mine = session_of(*over_time("layer_normalised_cell", {"h": "state"}, units=4), SEQUENCES, 4)
    theirs = session_of(*over_time("rnn_cell", {"h": "state"}, units=4, layer_norm=True), SEQUENCES, 4)
    names = {"from_input.weight": "weight", "from_state.weight": "recurrent"}
    for inside, name in names.items():
        mine.set_parameter(f"cell/{inside}", theirs.parameters[f"cell.{name}"])
    for session in (mine, theirs):
        session.run(2)
        session.step("iteration")
    close(mine.loss, theirs.loss)
    for inside, name in names.items():
        close(gradient(mine, f"cell/{inside}"), gradient(theirs, f"cell.{name}"))


@pytest.mark.text("08:lstm-odyssey-variants")
def test_the_lstm_with_coupled_gates_computes_and_learns_what_the_node_type_does():
    gates = {"forget": 0, "show": 1, "candidate": 2}
    mine = session_of(*over_time("lstm_coupled", STATES, units=4), SEQUENCES, 4)
    theirs = session_of(*over_time("lstm_cell", STATES, units=4, coupled=True), SEQUENCES, 4)
    as_column_blocks(gates, 4, mine, theirs)
    for _ in range(3):
        mine.step("iteration")
        theirs.step("iteration")
        close(mine.loss, theirs.loss)
        agree_in_gates(gates, 4, mine, theirs)


@pytest.mark.text("08:lstm-cell-peepholes")
def test_the_lstm_with_peepholes_computes_and_learns_what_the_node_type_does():
    gates, seen = {"write": 0, "forget": 1, "show": 2, "candidate": 3}, {"write": "input", "show": "output"}
    mine = session_of(*over_time("lstm_peepholes", STATES, units=4), SEQUENCES, 4)
    settings = {"peepholes": True, "peephole_weights": "matrix"}
    theirs = session_of(*over_time("lstm_cell", STATES, units=4, **settings), SEQUENCES, 4)
    as_column_blocks(gates, 4, mine, theirs)
    for gate in ("forget", "write", "show"):
        weight = DRAW.normal(size=(4, 4))
        mine.set_parameter(f"cell/{gate}_memory.weight", weight)
        theirs.set_parameter(f"cell.{seen.get(gate, gate)}_peephole", weight)
    for _ in range(3):
        mine.step("iteration")
        theirs.step("iteration")
        close(mine.loss, theirs.loss)
        agree_in_gates(gates, 4, mine, theirs)
        for gate in ("forget", "write", "show"):
            peephole = gradient(theirs, f"cell.{seen.get(gate, gate)}_peephole")
            close(gradient(mine, f"cell/{gate}_memory.weight"), peephole)
