"""Node types against ONNX's reference evaluator: operations that other tools have written down independently."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from tests.texts.drawing import Drawing, forward, table, value

Array = np.ndarray[Any, np.dtype[Any]]
DRAW = np.random.default_rng(11)
ROWS = DRAW.normal(size=(5, 6))
MAPS = DRAW.normal(size=(4, 4, 7, 6))  # as many as channels: the evaluator's LRN mistakes one for the other
FILTERS, DEEP, BIAS = DRAW.normal(size=(6, 4, 3, 2)), DRAW.normal(size=(6, 2, 3, 2)), DRAW.normal(size=6)
SERIES, TAPS = DRAW.normal(size=(3, 4, 9)), DRAW.normal(size=(6, 4, 3))


def by_onnx(op: str, *inputs: Any, outputs: int = 1, opset: int = 20, **attributes: Any) -> list[Array]:
    """The outputs of one operator; None leaves an input out."""
    names = ["" if one is None else f"i{k}" for k, one in enumerate(inputs)]
    node = helper.make_node(op, names, [f"o{k}" for k in range(outputs)], **attributes)
    fed = {name: np.asarray(one) for name, one in zip(names, inputs, strict=True) if name}
    given = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for k, a in fed.items()
    ]
    found = [helper.make_tensor_value_info(name, 0, None) for name in node.output]
    model = helper.make_model(
        helper.make_graph([node], "one", given, found), opset_imports=[helper.make_opsetid("", opset)]
    )
    return [np.asarray(one) for one in ReferenceEvaluator(model).run(None, fed)]


def by_engine(type: str, x: Array, *others: Any, ports: tuple[str, ...] = (), **properties: Any) -> list[Array]:
    """What a node says at its ports (the first where none is named) about rows of data, in float64."""
    g = Drawing()
    g.put(type, g.add("input"), *[None if one is None else g.held(one) for one in others], id="node", **properties)
    data = {"train": {"inputs": x, "targets": np.zeros((len(x), 1)), "task": "regression"}}
    session = forward(g.session(data=data))
    return [value(session, f"node.{port}" if port else "node") for port in ports or ("",)]


def agree(mine: list[Array], its: list[Array], tolerance: float = 1e-12) -> None:
    for one, other in zip(mine, its, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


SINGLE = 1e-6  # where the evaluator itself computes in float32


@pytest.mark.parametrize(
    ("type", "op", "properties", "attributes"),
    [
        ("relu", "Relu", {}, {}),
        ("leaky_relu", "LeakyRelu", {"slope": 0.25}, {"alpha": 0.25}),
        ("elu", "Elu", {"alpha": 0.75}, {"alpha": 0.75}),
        ("sigmoid", "Sigmoid", {}, {}),
        ("tanh", "Tanh", {}, {}),
        ("softplus", "Softplus", {}, {}),
        ("softmax", "Softmax", {}, {"axis": -1}),
        ("log_softmax", "LogSoftmax", {}, {"axis": -1}),
        ("sign", "Sign", {}, {}),
        ("absolute", "Abs", {}, {}),
        ("exp", "Exp", {}, {}),
        ("sin", "Sin", {}, {}),
        ("cos", "Cos", {}, {}),
        ("transpose", "Transpose", {"axes": [0, 1]}, {"perm": [0, 1]}),
    ],
)
def test_functions_of_one_array(type, op, properties, attributes):
    agree(by_engine(type, ROWS, **properties), by_onnx(op, ROWS, **attributes))


@pytest.mark.parametrize("form", ["exact", "tanh"])
def test_gelu(form):
    its = by_onnx("Gelu", ROWS, approximate="none" if form == "exact" else "tanh")
    agree(by_engine("gelu", ROWS, form=form), its, SINGLE)


def test_the_error_function():
    agree(by_engine("erf", ROWS), by_onnx("Erf", ROWS), SINGLE)


def test_hard_tanh_is_a_clip():
    agree(by_engine("hard_tanh", ROWS), by_onnx("Clip", ROWS, np.array(-1.0), np.array(1.0)))


CONVOLUTIONS = [
    ({"padding": "valid"}, {}),
    ({"padding": "cells", "cells": 1}, {"pads": [1, 1, 1, 1]}),
    ({"padding": "cells", "cells": 1, "stride": [2, 1]}, {"pads": [1, 1, 1, 1], "strides": [2, 1]}),
    ({"padding": "valid", "dilation": [2, 3]}, {"dilations": [2, 3]}),
    ({"padding": "valid", "stride": [2, 2], "groups": 2}, {"strides": [2, 2], "group": 2}),
]


@pytest.mark.parametrize(("properties", "attributes"), CONVOLUTIONS)
def test_convolution(properties, attributes):
    filters = DEEP if "groups" in properties else FILTERS
    mine = by_engine("conv2d", MAPS, filters, BIAS, filters=6, kernel=[3, 2], **properties)
    agree(mine, by_onnx("Conv", MAPS, filters, BIAS, kernel_shape=[3, 2], **attributes))


@pytest.mark.parametrize(
    ("properties", "attributes"),
    [
        ({"padding": "valid"}, {}),
        ({"padding": "valid", "stride": 2}, {"strides": [2]}),
        ({"padding": "cells", "cells": 2, "dilation": 2}, {"pads": [2, 2], "dilations": [2]}),
    ],
)
def test_convolution_of_sequences(properties, attributes):
    mine = by_engine("conv1d", SERIES, TAPS, BIAS, filters=6, kernel=3, **properties)
    agree(mine, by_onnx("Conv", SERIES, TAPS, BIAS, kernel_shape=[3], **attributes))


@pytest.mark.parametrize(
    ("properties", "attributes"),
    [
        ({"stride": [1, 1]}, {}),
        ({"stride": [2, 3]}, {"strides": [2, 3]}),
        ({"stride": [2, 2], "padding": "cells", "cells": 1}, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ({"stride": [1, 2], "dilation": [2, 1]}, {"strides": [1, 2], "dilations": [2, 1]}),
    ],
)
def test_transposed_convolution(properties, attributes):
    filters = DRAW.normal(size=(4, 6, 3, 2))
    mine = by_engine("transposed_conv2d", MAPS, filters, BIAS, filters=6, kernel=[3, 2], **properties)
    agree(mine, by_onnx("ConvTranspose", MAPS, filters, BIAS, kernel_shape=[3, 2], **attributes))


POOLS = [
    ({"window": [2, 2]}, {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ({"window": [3, 2], "stride": [2, 1]}, {"kernel_shape": [3, 2], "strides": [2, 1]}),
    ({"window": [3, 3], "stride": [2, 2], "padding": "cells", "cells": 1},
     {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
]  # fmt: skip


@pytest.mark.parametrize(("properties", "attributes"), POOLS)
def test_pooling(properties, attributes):
    agree(by_engine("max_pool", MAPS, ports=("y",), **properties), by_onnx("MaxPool", MAPS, **attributes))
    for counted in (True, False):
        mine = by_engine("average_pool", MAPS, count_padding=counted, **properties)
        agree(mine, by_onnx("AveragePool", MAPS, count_include_pad=int(counted), **attributes))


@pytest.mark.parametrize(("of", "op"), [("mean", "GlobalAveragePool"), ("max", "GlobalMaxPool")])
def test_pooling_of_whole_maps(of, op):
    agree([by_engine("global_pool", MAPS, of=of)[0].reshape(4, 4)], [by_onnx(op, MAPS)[0].reshape(4, 4)])


@pytest.mark.parametrize(
    ("properties", "attributes"),
    [
        (
            {"mode": "nearest"},
            {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        ),
        ({"mode": "bilinear", "align": "centres"}, {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}),
        (
            {"mode": "bilinear", "align": "corners"},
            {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        ),
    ],
)
def test_enlarging_maps(properties, attributes):
    scales = np.array([1, 1, 2, 3], np.float32)
    agree(by_engine("upsample", MAPS, factor=[2, 3], **properties), by_onnx("Resize", MAPS, None, scales, **attributes))


def test_local_response_normalisation():
    mine = by_engine("local_response_normalisation", MAPS, size=3, constant=1.5, alpha=0.2, beta=0.6, over="mean")
    agree(mine, by_onnx("LRN", MAPS, size=3, bias=1.5, alpha=0.2, beta=0.6), SINGLE)


EPSILON = 2.0**-10  # attributes are float32 there


def test_normalisations():
    scale, shift = DRAW.normal(size=4), DRAW.normal(size=4)
    learned = {"initial_scale": scale.tolist(), "initial_shift": shift.tolist(), "epsilon": EPSILON}
    batch = by_onnx(
        "BatchNormalization", MAPS, scale, shift, np.zeros(4), np.ones(4), epsilon=EPSILON, training_mode=1, outputs=3
    )
    agree(by_engine("batch_normalisation", MAPS, **learned), batch[:1])
    still = by_onnx("BatchNormalization", MAPS, scale, shift, np.zeros(4), np.ones(4), epsilon=EPSILON)
    agree(by_engine("batch_normalisation", MAPS, statistics="running", **learned), still)
    rows = ROWS[:, :4]
    its = by_onnx("LayerNormalization", rows, scale, shift, epsilon=EPSILON)[:1]
    agree(by_engine("layer_normalisation", rows, **learned), its, SINGLE)
    grouped = by_onnx("GroupNormalization", MAPS, scale, shift, num_groups=2, epsilon=EPSILON, opset=21)
    agree(by_engine("group_normalisation", MAPS, groups=2, **learned), grouped, SINGLE)


def gates(matrix: Array, order: list[int]) -> Array:
    """Blocks of columns, side by side as this project has them, as ONNX has them: rows, in its own order."""
    return np.concatenate([np.split(matrix, len(order), axis=-1)[k] for k in order], axis=-1).T[None]


STATE, MEMORY = DRAW.normal(size=(5, 3)), DRAW.normal(size=(5, 3))


def by_cell(type: str, *states: Array, ports: tuple[str, ...] = ("h",), **properties: Any) -> list[Array]:
    """A cell that sees six features and states, which are columns of the data as well."""
    g = Drawing()
    x = g.add("input")
    ends = [6, *[6 + 3 * (k + 1) for k in range(len(states))]]
    columns = [g.put("slice", x, start=begin, stop=end) for begin, end in zip([0, *ends], ends, strict=False)]
    g.put(type, *columns, id="node", units=3, **properties)
    session = forward(g.session(data=table(np.concatenate([ROWS, *states], axis=1))))
    return [value(session, f"node.{port}") for port in ports]


def test_a_plain_recurrent_cell():
    w, u, b = DRAW.normal(size=(6, 3)), DRAW.normal(size=(3, 3)), DRAW.normal(size=3)
    start = {"initial_weight": w.tolist(), "initial_recurrent": u.tolist(), "initial_bias": b.tolist()}
    mine = by_cell("rnn_cell", STATE, **start)
    bias = np.concatenate([b, np.zeros(3)])[None]
    _, its = by_onnx("RNN", ROWS[None], gates(w, [0]), gates(u, [0]), bias, None, STATE[None], hidden_size=3, outputs=2)
    agree(mine, [its[0]])


@pytest.mark.parametrize("peepholes", [False, True])
def test_an_lstm_cell(peepholes):
    """Blocks stand as input, forget, output, candidate here, as input, output, forget, candidate there."""
    w, u, b = DRAW.normal(size=(6, 12)), DRAW.normal(size=(3, 12)), DRAW.normal(size=12)
    start = {"initial_weight": w.tolist(), "initial_recurrent": u.tolist(), "initial_bias": b.tolist()}
    start["initial_peephole"] = [0.7, -1.3, 0.4]
    mine = by_cell("lstm_cell", STATE, MEMORY, ports=("h", "c"), peepholes=peepholes, **start)
    order = [0, 2, 1, 3]
    bias = np.concatenate([gates(b[None], order)[0, :, 0], np.zeros(12)])[None]
    peep = np.array([start["initial_peephole"] * 3]) if peepholes else None
    inputs = (ROWS[None], gates(w, order), gates(u, order), bias, None, STATE[None], MEMORY[None], peep)
    hidden, memory = by_onnx("LSTM", *inputs, hidden_size=3, outputs=3)[1:]
    agree(mine, [hidden[0], memory[0]])


@pytest.mark.parametrize(("reset", "linear"), [("before", 0), ("after", 1)])
def test_a_gru_cell(reset, linear):
    w, u, b = DRAW.normal(size=(6, 9)), DRAW.normal(size=(3, 9)), DRAW.normal(size=9)
    start = {"initial_weight": w.tolist(), "initial_recurrent": u[:, :6].tolist(), "initial_bias": b.tolist()}
    start["initial_candidate"] = u[:, 6:].tolist()
    mine = by_cell("gru_cell", STATE, reset=reset, **start)
    bias = np.concatenate([b, np.zeros(9)])[None]
    inputs = (ROWS[None], gates(w, [0, 1, 2]), gates(u, [0, 1, 2]), bias, None, STATE[None])
    agree(mine, [by_onnx("GRU", *inputs, hidden_size=3, linear_before_reset=linear, outputs=2)[1][0]])


def test_the_largest_of_a_row():
    largest, places = by_onnx("TopK", ROWS, np.array([3]), axis=1, outputs=2)
    agree(by_engine("top_k", ROWS, k=3, ports=("y", "index")), [largest, places])
    agree(by_engine("argmax", ROWS), by_onnx("ArgMax", ROWS, axis=1, keepdims=0))
    agree(by_engine("argmin", ROWS), by_onnx("ArgMin", ROWS, axis=1, keepdims=0))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
def test_running_sums(reverse, exclusive):
    its = by_onnx("CumSum", ROWS, np.array(1), reverse=int(reverse), exclusive=int(exclusive))
    agree(by_engine("cumulative_sum", ROWS, reverse=reverse, exclusive=exclusive), its)


@pytest.mark.parametrize(("mode", "name"), [("constant", "constant"), ("edge", "edge"), ("circular", "wrap")])
def test_padding(mode, name):
    its = by_onnx("Pad", ROWS, np.array([0, 2, 0, 1]), np.array(0.5), mode=name)
    agree(by_engine("pad", ROWS, before=2, after=1, mode=mode, value=0.5 if mode == "constant" else 0.0), its)


def test_sampling_a_picture_on_a_grid():
    """Places are (row, column) here and (x, y) there."""
    turned = DRAW.normal(size=(4, 3, 2))
    theirs = turned[:, [1, 0, 2], ::-1].transpose(0, 2, 1)
    its = by_onnx("AffineGrid", theirs, np.array([4, 4, 5, 6]), align_corners=1)[0][..., ::-1]
    agree(by_engine("affine_grid", turned.reshape(4, 6), height=5, width=6), [its], SINGLE)
    grid = DRAW.uniform(-1.2, 1.2, size=(4, 5, 6, 2))
    g = Drawing()
    x = g.add("input")
    cells = MAPS[0].size
    pictures = g.put("reshape", g.put("slice", x, stop=cells), shape=list(MAPS.shape[1:]))
    places = g.put("reshape", g.put("slice", x, start=cells), shape=list(grid.shape[1:]))
    sampled = g.put("bilinear_sampler", pictures, places)
    session = forward(g.session(data=table(np.concatenate([MAPS.reshape(4, -1), grid.reshape(4, -1)], axis=1))))
    its = by_onnx("GridSample", MAPS, grid[..., ::-1].copy(), mode="linear", padding_mode="zeros", align_corners=1)[0]
    agree([value(session, sampled)], [its], SINGLE)


@pytest.mark.parametrize(
    ("type", "op", "properties"),
    [("sum", "ReduceSum", {}), ("mean", "ReduceMean", {}), ("max", "ReduceMax", {}), ("min", "ReduceMin", {}),
     ("norm", "ReduceL2", {"kind": "l2"}), ("norm", "ReduceL1", {"kind": "l1"}),
     ("norm", "ReduceSumSquare", {"kind": "squared"}),
     ("log_sum_exp", "ReduceLogSumExp", {})],
)  # fmt: skip
def test_one_number_of_each_row(type, op, properties):
    mine = by_engine(type, ROWS, **properties)[0].reshape(5)
    agree([mine], [by_onnx(op, ROWS, np.array([1]), keepdims=0)[0]])


def test_surprise_at_the_right_class():
    classes = np.array([0, 3, 5, 2, 2])
    g = Drawing()
    error = g.put("softmax_cross_entropy", g.add("input"), g.add("target"))
    session = forward(g.session(error, {"train": {"inputs": ROWS, "targets": classes, "task": "classes"}}))
    (its,) = by_onnx("SoftmaxCrossEntropyLoss", ROWS, classes, reduction="mean")
    assert session.loss == pytest.approx(float(its), rel=1e-12)
