"""Recurrent graphs: unrolled over time with shared parameters, against autograd and against themselves stepped and run."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from engine import Document, Graph, Session
from engine.problems import ProblemError

ROWS, STEPS, FEATURES, HIDDEN = 6, 5, 3, 4


def recurrent(*, truncate: int = 0, gather: str = "last_step", steps: int = STEPS, **training) -> Document:
    """h_t = tanh([x_t, h_{t-1}] W + b); a linear layer reads what `gather` makes of all h."""
    draw, graph = np.random.default_rng(0), Graph()
    x, target = graph.add("input", shape=(steps, FEATURES)), graph.add("target")
    each, memory = graph.add("each_step"), graph.add("delay", shape=(HIDDEN,), truncate=truncate)
    joined, hidden = graph.add("concat"), graph.add("dense", units=HIDDEN, activation="tanh")
    gathered, read = graph.add(gather), graph.add("dense", units=2, activation="identity")
    loss = graph.add("mean_squared_error")
    graph.connect(x, each)
    graph.connect(each, joined)
    graph.connect(memory, joined)
    graph.connect(joined, hidden)
    graph.connect(hidden, memory["x"])
    graph.connect(hidden, gathered)
    graph.connect(gathered, read)
    graph.connect(read, loss["prediction"])
    graph.connect(target, loss["target"])
    shape = (ROWS, steps, 2) if gather == "all_steps" else (ROWS, 2)
    data = {"inputs": draw.normal(size=(ROWS, steps, FEATURES)), "targets": draw.normal(size=shape)}
    plan = {"loss": loss.id, "optimizer": {"type": "sgd", "learning_rate": 0.1}, "batch_size": ROWS, "seed": 0}
    return Document(graph, data, {**plan, **training}, precision="float64")


def played_to_update(document: Document) -> Session:
    session = Session(document)
    while session.next_step is not None and session.next_step.part != "update":
        session.step("node")
    return session


def loss_of(session: Session, gather, truncate: int = 0):
    x, target = session.value("input_1"), session.value("target_1")

    def loss(w, b, v, c):
        h, kept = anp.zeros((len(x), HIDDEN)), []
        for step in range(x.shape[1]):
            if truncate and step % truncate == 0 and step:
                h = anp.array(getattr(h, "_value", h))  # a constant from here on
            h = anp.tanh(anp.concatenate([x[:, step], h], axis=1) @ w + b)
            kept.append(h)
        return anp.mean((gather(kept) @ v + c - target) ** 2)

    return loss


NAMES = ("dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias")
GATHERED = {
    "last_step": lambda kept: kept[-1],
    "sum_over_steps": lambda kept: sum(kept),
    "mean_over_steps": lambda kept: sum(kept) / len(kept),
    "all_steps": lambda kept: anp.stack(kept, axis=1),
}


@pytest.mark.parametrize("gather", GATHERED)
def test_backpropagation_through_time_agrees_with_autograd(gather):
    session = played_to_update(recurrent(gather=gather))
    loss, parameters = loss_of(session, GATHERED[gather]), [session.parameters[name] for name in NAMES]
    assert session.loss == pytest.approx(loss(*parameters), rel=1e-12)
    for place, name in enumerate(NAMES):
        np.testing.assert_allclose(session.gradient(name), grad(loss, place)(*parameters), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("truncate", (1, 2, 3))
def test_a_truncated_delay_lets_no_derivative_pass_every_so_many_steps(truncate):
    session = played_to_update(recurrent(truncate=truncate))
    loss = loss_of(session, GATHERED["last_step"], truncate)
    parameters = [session.parameters[name] for name in NAMES]
    for place, name in enumerate(NAMES):
        np.testing.assert_allclose(session.gradient(name), grad(loss, place)(*parameters), rtol=1e-10, atol=1e-13)


def test_every_step_of_time_is_a_step_and_back_again():
    session = Session(recurrent())
    forward = [(step.node, step.time) for step in session.steps if step.part == "forward" and step.node == "dense_1"]
    backward = [step.time for step in session.steps if step.part == "backward" and step.node == "dense_1"]
    assert forward == [("dense_1", time) for time in range(STEPS)]
    assert backward == list(reversed(range(STEPS)))


def test_a_node_shows_the_step_of_time_that_was_played():
    session = Session(recurrent())
    seen = []
    while session.next_step is not None and session.next_step.part == "forward":
        step = session.step("node")
        if step.node == "dense_1":
            assert session.explain().title.startswith(f"dense_1 at step {step.time + 1}")
            seen.append(session.value("dense_1"))
            np.testing.assert_array_equal(seen[-1], session.value(f"dense_1.h@{step.time}"))
            np.testing.assert_array_equal(seen[-1], session.snapshot().values["dense_1.h"].array)
    assert len(seen) == STEPS and not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(session.value("dense_1"), seen[-1])


def test_stepped_and_run_make_the_same_bits_and_steps_back_restore_them():
    stepped, run = Session(recurrent()), Session(recurrent())
    for _ in range(7):
        stepped.step("iteration")
    run.run(7)
    for name in NAMES:
        np.testing.assert_array_equal(stepped.parameters[name], run.parameters[name])
    before = {address: run.value(address) for address in run.program.outputs}
    for _ in range(9):
        run.step("node")
    for _ in range(9):
        run.step_back("node")
    for address, array in before.items():
        np.testing.assert_array_equal(run.value(address), array)


def test_a_recurrent_network_learns_to_remember():
    draw = np.random.default_rng(1)
    bits = draw.integers(0, 2, (64, 6, 1)).astype(float)
    document = recurrent(steps=6, optimizer={"type": "adam", "learning_rate": 0.02}, batch_size=64)
    inputs = np.concatenate([bits, draw.normal(size=(64, 6, FEATURES - 1)) * 0.1], axis=2)
    document.data = {"train": {"inputs": inputs, "targets": np.repeat(bits[:, 1], 2, axis=1)}}
    session = Session(document)
    session.run(1500)
    assert session.loss < 0.01


def test_one_region_may_begin_with_what_another_ended_with():
    graph = Graph()
    x, target = graph.add("input", shape=(4, 2)), graph.add("target")
    each, memory = graph.add("each_step"), graph.add("delay", shape=(3,))
    joined, encoder, last = graph.add("concat"), graph.add("dense", units=3, activation="tanh"), graph.add("last_step")
    again, second = graph.add("each_step"), graph.add("delay")
    both, decoder = graph.add("concat"), graph.add("dense", units=3, activation="tanh")
    every, loss = graph.add("all_steps"), graph.add("mean_squared_error")
    for source, sink in (
        (x, each), (each, joined), (memory, joined), (joined, encoder), (encoder, memory["x"]), (encoder, last),
        (x, again), (last, second["start"]), (again, both), (second, both), (both, decoder), (decoder, second["x"]),
        (decoder, every), (every, loss["prediction"]), (target, loss["target"]),
    ):  # fmt: skip
        graph.connect(source, sink)
    draw = np.random.default_rng(3)
    data = {"inputs": draw.normal(size=(5, 4, 2)), "targets": draw.normal(size=(5, 4, 3))}
    document = Document(graph, data, {"loss": loss.id, "batch_size": 5}, precision="float64")
    assert document.check() == []
    session = Session(document)
    session.run(1)
    np.testing.assert_array_equal(session.value(f"{second}.y@0"), session.value(last))
    assert session.gradient("dense_1.weight") is not None and np.abs(session.gradient("dense_1.weight")).max() > 0


def test_plain_rows_are_sequences_of_single_numbers():
    document = recurrent()
    document.graph.nodes["input_1"].properties["shape"] = (FEATURES,)
    document.data = {"train": {"inputs": np.ones((4, FEATURES)), "targets": np.zeros((4, 2))}}
    assert document.check() == []
    session = Session(document)
    session.step("iteration")
    assert session.value("each_step_1.y@2").shape == (4, 1) and "each_step_1.y@3" not in session.program.outputs


def test_a_cycle_needs_a_delay():
    graph = Graph()
    first, second, memory = graph.add("tanh"), graph.add("tanh"), graph.add("delay")
    graph.connect(first, second)
    with pytest.raises(ProblemError, match="cycle"):
        graph.connect(second, first)
    graph.connect(second, memory["x"])
    graph.connect(memory, first)
    assert graph.in_order()[1] == []


def problems_of(document: Document) -> str:
    return " ".join(map(str, document.check()))


def test_what_time_lacks_is_said():
    document = recurrent()
    document.graph.nodes["delay_1"].properties["shape"] = (7,)
    assert "began with (batch, 7), and (batch, 4) comes back" in problems_of(document)

    document = recurrent()
    document.graph.remove("each_step_1")
    assert "nothing says how many steps of time there are" in problems_of(document)

    document = recurrent()
    wire = next(wire for wire in document.graph.wires if wire.target_node == "last_step_1")
    document.graph.disconnect(wire.source, wire.target)
    document.graph.connect("input_1", "last_step_1")
    assert "does not change over time" in problems_of(document)


def test_a_recurrent_document_survives_being_saved(tmp_path):
    document = recurrent()
    document.save(tmp_path / "rnn.json")
    again = Document.load(tmp_path / "rnn.json")
    assert again.problems == [] and again.check() == []
    one, other = Session(document), Session(again)
    one.run(3)
    other.run(3)
    np.testing.assert_array_equal(one.parameters["dense_1.weight"], other.parameters["dense_1.weight"])
