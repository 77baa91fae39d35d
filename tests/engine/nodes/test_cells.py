"""Recurrent cells unrolled over time, against the source text's numbers and against autograd; the entry stands in the name."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from engine.document import Document
from engine.graph import Graph, NodeRef
from engine.session import Session

SCALARS = np.array([1.0, -0.5, 2.0]).reshape(1, 3, 1)


def in_time(graph: Graph, sequence: str, cell: str, *, start: float = 0.0, truncate: int = 0, **properties) -> NodeRef:
    """A cell behind a sequence, its states brought back by delays; answers the cell's id."""
    each, node = graph.add("each_step"), graph.add(cell, **properties)
    graph.connect(sequence, each)
    graph.connect(each, node["x"])
    for port, into in (("h", "state"), ("c", "memory"))[: 2 if cell == "lstm_cell" else 1]:
        memory = graph.add("delay", shape=(properties["units"],), initial=start, truncate=truncate)
        graph.connect(node[port], memory["x"])
        graph.connect(memory, node[into])
    return node


def played(graph: Graph, loss: str, inputs, targets) -> Session:
    data = {"train": {"inputs": np.asarray(inputs, float), "targets": np.asarray(targets, float)}}
    document = Document(graph, data, {"loss": loss, "batch_size": len(inputs)}, precision="float64")
    assert document.check() == []
    session = Session(document)
    while session.next_step is not None and session.next_step.part != "update":
        session.step()
    return session


def last_state_against_one(cell: str, **properties) -> tuple[Session, str]:
    """½ (h₃ − 1)², the loss of the text's one-unit cells."""
    graph = Graph()
    x, target = graph.add("input"), graph.add("target")
    node = in_time(graph, x, cell, units=1, use_bias=False, **properties)
    last, loss = graph.add("last_step"), graph.add("squared_error", half=True)
    graph.connect(node["h"], last)
    graph.connect(last, loss["prediction"])
    graph.connect(target, loss["target"])
    return played(graph, loss, SCALARS, [[1.0]]), node


def over_time(session: Session, address: str, steps: int = 3) -> list[float]:
    return [float(np.asarray(session.value(f"{address}@{time}"), float).reshape(-1)[0]) for time in range(steps)]


LSTM = {"initial_weight": [[0.5, 0.2, 0.4, 0.9]], "initial_recurrent": [[0.1, -0.3, 0.2, -0.5]]}


@pytest.mark.text("05:lstm")
def test_numbers_05_lstm():
    session, node = last_state_against_one("lstm_cell", **LSTM)
    np.testing.assert_allclose(over_time(session, f"{node}.c"), [0.445866, -0.027076, 0.676174], atol=5e-7)
    np.testing.assert_allclose(over_time(session, f"{node}.h"), [0.250548, -0.012522, 0.406097], atol=5e-7)
    assert session.loss == pytest.approx(0.1763601333, abs=5e-11)
    wanted = [[-0.120093, 0.012612, -0.146381, -0.03091], [0.005929, -0.0046, 0.000956, -0.013171]]
    np.testing.assert_allclose(session.gradient(f"{node}.weight"), wanted[:1], atol=5e-7)
    np.testing.assert_allclose(session.gradient(f"{node}.recurrent"), wanted[1:], atol=5e-7)


@pytest.mark.text("05:lstm-no-output-squash")
def test_numbers_05_lstm_no_output_squash():
    session, node = last_state_against_one("lstm_cell", squash="identity", **LSTM)
    np.testing.assert_allclose(over_time(session, f"{node}.c"), [0.445866, -0.030478, 0.67416], atol=5e-7)
    np.testing.assert_allclose(over_time(session, f"{node}.h"), [0.266935, -0.014124, 0.464746], atol=5e-7)


@pytest.mark.text("05:lstm-forget-bias")
def test_numbers_05_lstm_forget_bias():
    graph = Graph()
    x = graph.add("input")
    node = in_time(graph, x, "lstm_cell", units=1, forget_bias=1.0, **LSTM)
    last, loss = graph.add("last_step"), graph.add("mean", over="all")
    graph.connect(node["h"], last)
    graph.connect(last, loss)
    session = played(graph, loss, SCALARS, [[0.0]])
    np.testing.assert_allclose(over_time(session, f"{node}.c"), [0.445866, 0.079459, 0.755041], atol=5e-7)
    np.testing.assert_allclose(over_time(session, f"{node}.h"), [0.250548, 0.036681, 0.441305], atol=5e-7)


@pytest.mark.text("05:gru")
def test_numbers_05_gru():
    session, node = last_state_against_one(
        "gru_cell", initial_weight=[[0.6, 0.3, 0.8]], initial_recurrent=[[-0.4, 0.7]], initial_candidate=[[-1.1]]
    )
    np.testing.assert_allclose(over_time(session, f"{node}.h"), [0.235297, -0.195312, 0.051881], atol=5e-7)
    assert session.loss == pytest.approx(0.4494652828, abs=5e-11)
    np.testing.assert_allclose(session.gradient(f"{node}.weight"), [[0.443185, -0.01428, 0.12428]], atol=5e-7)
    np.testing.assert_allclose(session.gradient(f"{node}.recurrent"), [[-0.068418, 0.005796]], atol=5e-7)
    np.testing.assert_allclose(session.gradient(f"{node}.candidate"), [[-0.040319]], atol=5e-7)


@pytest.mark.text("05:lstm-gru-comparison")
def test_numbers_05_lstm_gru_comparison():
    for d, p, counts in ((4, 2, (12, 36, 48)), (27, 64, (5824, 17472, 23296)), (65, 128, (24704, 74112, 98816))):
        for cell, count in zip(("rnn_cell", "gru_cell", "lstm_cell"), counts, strict=True):
            graph = Graph()
            x = graph.add("input", shape=(2, d))
            in_time(graph, x, cell, units=p, use_bias=False)
            session = Session(Document(graph, {"inputs": np.zeros((1, 2, d)), "targets": np.zeros((1, 1))}))
            assert sum(array.size for array in session.parameters.values()) == count


LION = {
    "initial_weight": np.transpose([[0.5, -0.3, 0.2, 0.1], [-0.4, 0.6, 0.3, -0.2]]).tolist(),
    "initial_recurrent": np.transpose([[0.1, -0.2], [0.3, 0.4]]).tolist(),
}
OUT = np.transpose([[0.2, -0.1], [0.4, 0.3], [-0.5, 0.2], [0.1, -0.6]]).tolist()
SENTENCE, NEXT = np.eye(4)[[[0, 1, 2, 0]]], np.eye(4)[[[1, 2, 0, 3]]]


def lion(truncate: int = 0) -> tuple[Session, str]:
    graph = Graph()
    x, target = graph.add("input"), graph.add("target")
    cell = in_time(graph, x, "rnn_cell", units=2, use_bias=False, truncate=truncate, **LION)
    scores = graph.add("dense", units=4, use_bias=False, initial_weight=OUT)
    wanted, surprise, loss = graph.add("each_step"), graph.add("softmax_cross_entropy"), graph.add("sum_over_steps")
    graph.connect(cell, scores)
    graph.connect(target, wanted)
    graph.connect(scores, surprise["logits"])
    graph.connect(wanted, surprise["target"])
    graph.connect(surprise, loss)
    return played(graph, loss, SENTENCE, NEXT), cell


@pytest.mark.text("05:rnn-language-model-lion")
def test_numbers_05_rnn_language_model_lion():
    session, cell = lion()
    wanted = [(0.462117, -0.379949), (-0.175948, 0.527486), (0.076757, 0.428624), (0.398573, -0.202678)]
    slopes = [(-0.263104, -0.543272), (0.595516, -0.090257), (0.00412, 0.300447), (-0.007301, 0.521549)]
    for time in range(4):
        np.testing.assert_allclose(session.value(f"{cell}.h@{time}")[0], wanted[time], atol=5e-7)
        np.testing.assert_allclose(session.gradient(f"{cell}.h@{time}")[0], slopes[time], atol=5e-7)
    assert session.loss == pytest.approx(5.2300067685, abs=5e-11)
    np.testing.assert_allclose(
        session.gradient(f"{cell}.weight").T,
        [(-0.213058, 0.57708, 0.004095, 0), (0.03528, -0.065143, 0.24525, 0)], atol=5e-7,
    )  # fmt: skip
    np.testing.assert_allclose(
        session.gradient(f"{cell}.recurrent").T, [(0.265487, -0.219733), (-0.034867, 0.368482)], atol=5e-7
    )
    np.testing.assert_allclose(
        session.gradient("dense_1.weight").T,
        [(0.1302, -0.356202), (-0.266449, 0.503453), (0.296887, -0.355584), (-0.160639, 0.208333)], atol=5e-7,
    )  # fmt: skip


@pytest.mark.text("05:truncated-bptt")
def test_numbers_05_truncated_bptt():
    session, cell = lion(truncate=2)
    assert session.loss == pytest.approx(5.2300067685, abs=5e-11)
    np.testing.assert_allclose(
        session.gradient(f"{cell}.recurrent").T, [(0.232356, -0.192493), (-0.067314, 0.39516)], atol=5e-7
    )
    np.testing.assert_allclose(
        session.gradient(f"{cell}.weight").T,
        [(-0.235262, 0.505386, 0.004095, 0), (0.023518, -0.135357, 0.24525, 0)], atol=5e-7,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("boundary", "answers"), [(0.0, (1.014904, -0.836321, 0.407931)), (0.5, (1.141712, -0.820333, 0.308999))]
)
@pytest.mark.text("05:bidirectional-rnn")
def test_numbers_05_bidirectional_rnn(boundary, answers):
    graph = Graph()
    x, turned, back = graph.add("input"), graph.add("reverse"), graph.add("reverse")
    graph.connect(x, turned)
    plain = {"units": 1, "use_bias": False, "start": boundary}
    forward = in_time(graph, x, "rnn_cell", initial_weight=[[0.7]], initial_recurrent=[[0.4]], **plain)
    backward = in_time(graph, turned, "rnn_cell", initial_weight=[[-0.5]], initial_recurrent=[[0.3]], **plain)
    ahead, behind, both = graph.add("all_steps"), graph.add("all_steps"), graph.add("concat")
    answer = graph.add("dense", units=1, use_bias=False, initial_weight=[[1.2], [-0.8]])
    loss = graph.add("mean", over="all")
    for source, sink in (
        (forward, ahead), (backward, behind), (behind, back), (ahead, both), (back, both), (both, answer),
        (answer, loss),
    ):  # fmt: skip
        graph.connect(source, sink)
    session = played(graph, loss, np.array([1, -1, 0.5]).reshape(1, 3, 1), [[0.0]])
    np.testing.assert_allclose(session.value(answer)[0, :, 0], answers, atol=5e-7)


@pytest.mark.text("05:multilayer-rnn")
def test_numbers_05_multilayer_rnn():
    graph = Graph()
    x = graph.add("input")
    lower = in_time(graph, x, "rnn_cell", units=1, use_bias=False, initial_weight=[[0.7]], initial_recurrent=[[0.4]])
    upper = graph.add("rnn_cell", units=1, use_bias=False, initial_weight=[[0.9]], initial_recurrent=[[-0.3]])
    memory, last, loss = graph.add("delay", shape=(1,)), graph.add("last_step"), graph.add("mean", over="all")
    for source, sink in (
        (lower, upper["x"]),
        (upper, memory["x"]),
        (memory, upper["state"]),
        (upper, last),
        (last, loss),
    ):
        graph.connect(source, sink)
    session = played(graph, loss, np.array([1, -1, 0.5]).reshape(1, 3, 1), [[0.0]])
    np.testing.assert_allclose(over_time(session, f"{lower}.h"), [0.604368, -0.428659, 0.176663], atol=5e-7)
    np.testing.assert_allclose(over_time(session, f"{upper}.h"), [0.495958, -0.488875, 0.296483], atol=5e-7)


@pytest.mark.text("05:layer-normalisation")
def test_numbers_05_layer_normalisation():
    graph = Graph()
    x = graph.add("input", shape=(1, 4))
    cell = in_time(
        graph, x, "rnn_cell", units=4, layer_norm=True, epsilon=0.0, initial_weight=np.eye(4).tolist(),
        initial_recurrent=0.0,
    )  # fmt: skip
    last, loss = graph.add("last_step"), graph.add("mean", over="all")
    graph.connect(cell, last)
    graph.connect(last, loss)
    session = played(graph, loss, [[[1.0, 2, 4, 5]]], [[0.0]])
    np.testing.assert_allclose(session.value(cell)[0], [-0.852412, -0.559741, 0.559741, 0.852412], atol=5e-7)


def sigmoid(z):
    return 1 / (1 + anp.exp(-z))


def normal(z, gain, shift, groups):
    parts = z.reshape(len(z), groups, -1)
    centred = parts - anp.mean(parts, axis=2, keepdims=True)
    scaled = centred / anp.sqrt(anp.mean(centred**2, axis=2, keepdims=True) + 1e-5)
    return scaled.reshape(z.shape) * gain + shift


def by_hand_lstm(properties, parameters, x, h, c):
    z = x @ parameters["weight"] + h @ parameters["recurrent"]
    names = [
        name for name in ("input", "forget", "output")
        if properties.get(f"{name}_gate", True) and (name != "input" or not properties.get("coupled"))
    ]  # fmt: skip
    if properties.get("layer_norm"):
        z = normal(z, parameters["gain"], parameters["shift"], len(names) + 1)
    else:
        z = z + parameters["bias"]
    parts = dict(zip([*names, "candidate"], anp.split(z, len(names) + 1, axis=1), strict=True))

    def gate(name, memory):
        if name not in parts:
            return 1.0
        if not properties.get("peepholes"):
            return sigmoid(parts[name])
        weight = parameters[f"{name}_peephole"]
        return sigmoid(parts[name] + (memory @ weight if weight.ndim == 2 else memory * weight))

    forget = gate("forget", c)
    write = 1 - forget if properties.get("coupled") else gate("input", c)
    new = forget * c + write * anp.tanh(parts["candidate"])
    return gate("output", new) * anp.tanh(new), new


def by_hand_gru(properties, parameters, x, h, c):
    p = h.shape[1]
    z = x @ parameters["weight"] + parameters["bias"]
    gates = z[:, : 2 * p] + h @ parameters["recurrent"]
    if properties.get("layer_norm"):
        gates = normal(gates, parameters["gain"], parameters["shift"], 2)
    gates = sigmoid(gates)
    mix, reset = gates[:, :p], gates[:, p:]
    if properties.get("reset") == "after":
        brought = reset * (h @ parameters["candidate"] + parameters["recurrent_bias"])
    else:
        brought = (reset * h) @ parameters["candidate"]
    sums = z[:, 2 * p :] + brought
    if properties.get("layer_norm"):
        sums = normal(sums, parameters["candidate_gain"], parameters["candidate_shift"], 1)
    if properties.get("gate") == "admits":
        mix = 1 - mix
    return mix * h + (1 - mix) * anp.tanh(sums), c


def by_hand_rnn(properties, parameters, x, h, c):
    z = x @ parameters["weight"] + h @ parameters["recurrent"]
    if properties.get("layer_norm"):
        return anp.tanh(normal(z, parameters["gain"], parameters["shift"], 1)), c
    return anp.tanh(z + parameters["bias"]), c


BY_HAND = {"rnn_cell": by_hand_rnn, "lstm_cell": by_hand_lstm, "gru_cell": by_hand_gru}
KINDS = [
    ("rnn_cell", {}),
    ("rnn_cell", {"layer_norm": True}),
    ("lstm_cell", {}),
    ("lstm_cell", {"input_gate": False}),
    ("lstm_cell", {"forget_gate": False}),
    ("lstm_cell", {"output_gate": False}),
    ("lstm_cell", {"coupled": True}),
    ("lstm_cell", {"peepholes": True}),
    ("lstm_cell", {"peepholes": True, "coupled": True, "layer_norm": True}),
    ("lstm_cell", {"peepholes": True, "peephole_weights": "matrix"}),
    ("gru_cell", {}),
    ("gru_cell", {"gate": "admits"}),
    ("gru_cell", {"reset": "after"}),
    ("gru_cell", {"layer_norm": True}),
]


@pytest.mark.parametrize("gather", ("last_step", "sum_over_steps", "mean_over_steps"))
@pytest.mark.parametrize("lengths", (False, True), ids=("whole", "lengths"))
@pytest.mark.parametrize(("cell", "properties"), KINDS, ids=str)
def test_a_cell_over_time_agrees_with_autograd(cell, properties, gather, lengths):
    draw, graph = np.random.default_rng(5), Graph()
    x = graph.add("input", shape=(4, 3))
    node = in_time(graph, x, cell, units=3, **properties)
    gathered, squares, loss = graph.add(gather), graph.add("square"), graph.add("mean", over="all")
    graph.connect(node["h"], gathered)
    graph.connect(gathered, squares)
    graph.connect(squares, loss)
    inputs, counts = draw.normal(size=(5, 4, 3)), np.array([4, 1, 3, 2, 4])
    if lengths:
        graph.connect(graph.add("target"), gathered["lengths"])
    data = {"inputs": inputs, "targets": counts[:, None].astype(float)}
    document = Document(graph, data, {"loss": loss, "batch_size": 5}, precision="float64")
    assert document.check() == []
    session = Session(document)
    for address, array in session.parameters.items():  # biases and peepholes too
        session.set_parameter(address, array + 0.3 * draw.normal(size=array.shape))
    while session.next_step.part != "update":
        session.step()
    counted = counts if lengths else np.full(5, 4)

    def error(parameters):
        h, c, states = anp.zeros((5, 3)), anp.zeros((5, 3)), []
        for time in range(4):
            h, c = BY_HAND[cell](properties, parameters, inputs[:, time], h, c)
            states.append(h)
        marks = anp.arange(4)[:, None] < counted
        total = sum(anp.where(mark[:, None], state, 0.0) for mark, state in zip(marks, states, strict=True))
        last = anp.stack(states)[counted - 1, anp.arange(5)]
        found = {"last_step": last, "sum_over_steps": total, "mean_over_steps": total / counted[:, None]}[gather]
        return anp.mean(found**2)

    parameters = {address.partition(".")[2]: array for address, array in session.parameters.items()}
    assert session.loss == pytest.approx(error(parameters), rel=1e-12)
    for name, slope in grad(error)(parameters).items():
        np.testing.assert_allclose(session.gradient(f"{node}.{name}"), slope, rtol=1e-9, atol=1e-13)


def test_a_state_of_another_width_is_told_with_its_mend():
    graph = Graph()
    x = graph.add("input")
    node = in_time(graph, x, "rnn_cell", units=3)
    graph.nodes["delay_1"].properties["shape"] = (2,)
    document = Document(graph, {"inputs": SCALARS, "targets": [[0.0]]})
    assert "Set the “shape” of the delay to 3" in " ".join(map(str, document.check()))
    assert node == "rnn_cell_1"


def test_a_sequence_that_no_data_bring_is_told_not_to_fit_the_rows_of_a_state():
    graph = Graph()
    in_time(graph, graph.add("constant", value=np.zeros((20, 3, 1)).tolist()), "rnn_cell", units=8)
    told = " ".join(map(str, Document(graph).check()))
    assert "(batch, 8) meets an input of shape (20, 1)" in told and "bring the input from the data" in told


def test_lengths_of_what_no_example_has_of_its_own_are_told():
    graph = Graph()
    x, target = graph.add("input"), graph.add("target")
    node = in_time(graph, x, "rnn_cell", units=3)
    loss, total = graph.add("mean", over="all"), graph.add("sum_over_steps")
    graph.connect(node, loss)
    graph.connect(loss, total)
    graph.connect(target, total["lengths"])
    document = Document(graph, {"inputs": SCALARS, "targets": [[2.0]]})
    assert "belong to no single example" in " ".join(map(str, document.check()))


@pytest.mark.parametrize("cell", ["rnn_cell", "lstm_cell", "gru_cell"])
@pytest.mark.text("05:echo-state-network")
def test_the_weights_of_the_state_start_as_large_as_said(cell):
    def start(**scales):
        graph = Graph()
        x, last, loss = graph.add("input"), graph.add("last_step"), graph.add("mean", over="all")
        found = in_time(graph, x, cell, units=3, recurrent_initialiser="unit_spectral_radius", **scales)
        graph.connect(found["h"], last)
        graph.connect(last, loss)
        return played(graph, loss, np.ones((1, 2, 2)), [[0.0]]).parameters

    plain, larger = start(), start(recurrent_scale=1.5, initial_scale=0.5)
    for key, numbers in plain.items():
        factor = {"weight": 0.5, "recurrent": 1.5, "candidate": 1.5}.get(key.split(".")[1], 1.0)
        np.testing.assert_allclose(larger[key], factor * numbers)


@pytest.mark.parametrize("peephole_weights", ["one a unit", "matrix"])
@pytest.mark.text("08:lstm-cell-peepholes")
def test_peepholes_start_where_they_are_told_to(peephole_weights):
    # All weights 1 and no bias: x = 1, h = c = ½.
    graph = Graph()
    for place, name in enumerate(("x", "h", "c")):
        graph.add("input", name, columns=[place])
    weights = {"initial_weight": [[1] * 4], "initial_recurrent": [[1] * 4], "forget_bias": 0.0}
    weights["peephole_weights"] = peephole_weights
    graph.add("lstm_cell", "cell", units=1, peepholes=True, initial_peephole=1.0, **weights)
    for one, other in (("x.value", "cell.x"), ("h.value", "cell.state"), ("c.value", "cell.memory")):
        graph.connect(one, other)
    data = {"inputs": [[1.0, 0.5, 0.5]], "targets": [[0.0]], "task": "regression"}
    session = Session(Document(graph, data), dtype="float64")
    session.step("phase")
    assert session.value("cell.c")[0, 0] == pytest.approx(1.237650, abs=1e-6)
    assert session.value("cell.h")[0, 0] == pytest.approx(0.793432, abs=1e-6)
