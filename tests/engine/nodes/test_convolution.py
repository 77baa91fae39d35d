"""Filters, pools and what makes maps larger: the catalogue's worked numbers, SciPy's, and the sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.session import Session
from tests.engine.nodes.drawing import refusal

IMG7 = np.array([
    [6, 3, 4, 4, 5, 0, 3], [4, 7, 4, 0, 4, 0, 4], [7, 0, 2, 3, 4, 5, 2], [3, 7, 5, 0, 3, 0, 7], [5, 8, 1, 2, 5, 4, 2],
    [8, 0, 1, 0, 6, 0, 0], [6, 4, 1, 3, 0, 4, 5],
])  # fmt: skip
KER3 = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 2]])
EDGE = np.array([[1, 1, 1], [0, 0, 0], [-1, -1, -1]])
FULL = [
    [18, 20, 21, 14, 16], [25, 7, 16, 3, 26], [14, 14, 21, 16, 13], [15, 15, 21, 2, 15], [16, 16, 7, 14, 23],
]  # fmt: skip


def session_of(images: Any, *nodes: tuple[str, dict[str, Any]], wires: Any = (), loss: bool = False) -> Session:
    """Nodes one behind the other on these images, after one iteration in float64; `wires` joins ports beside the chain."""
    graph, images = Graph(), np.asarray(images, float)
    last: str = graph.add("input")
    for type, properties in nodes:
        node, kind = graph.add(type, **properties), node_types()[type]
        graph.connect(last, node[kind.inputs[0].name])
        last = f"{node}.{kind.outputs[0].name}"
    for source, target in wires:
        graph.connect(source, target)
    training: dict[str, Any] = {"batch_size": len(images), "order": "sequential"}
    if loss:
        square, half, total = graph.add("square"), graph.add("scale", factor=0.5), graph.add("sum", "loss", over="all")
        graph.connect(last, square)
        graph.connect(square, half)
        graph.connect(half, total)
        training |= {"loss": "loss", "optimizer": {"type": "sgd", "learning_rate": 0.0}}
    data = {"train": {"inputs": images.tolist(), "targets": [[0.0]] * len(images)}}
    document = Document(graph, data=data, training=training)
    assert document.check() == []
    session = Session(document, dtype="float64")
    session.step("iteration")
    return session


def answer(images: Any, *nodes: tuple[str, dict[str, Any]], wires: Any = ()) -> np.ndarray:
    """What the last node says."""
    found = session_of(images, *nodes, wires=wires).value(f"{nodes[-1][0]}_1")
    assert found is not None
    return found


def conv(kernel: Any, **properties: Any) -> tuple[str, dict[str, Any]]:
    """One filter without a bias."""
    numbers = np.asarray(kernel, float)
    said = {"filters": 1, "kernel": list(numbers.shape), "use_bias": False, "padding": "valid"}
    return "conv2d", {**said, "initial_weight": [numbers.tolist()], **properties}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, FULL),
        ({"stride": [2]}, [[18, 21, 16], [14, 21, 13], [16, 7, 23]]),
        (
            {"padding": "same"},
            [
                [14, 14, 3, 12, 4, 13, 0], [3, 18, 20, 21, 14, 16, 0], [21, 25, 7, 16, 3, 26, 5],
                [16, 14, 14, 21, 16, 13, 5], [7, 15, 15, 21, 2, 15, 4], [16, 16, 16, 7, 14, 23, 4],
                [0, 15, 4, 8, 3, 6, 4],
            ],
        ),
        (
            {"use_bias": True, "initial_bias": -15.0, "activation": "relu"},
            [[3, 5, 6, 0, 1], [10, 0, 1, 0, 11], [0, 0, 6, 1, 0], [0, 0, 6, 0, 0], [1, 1, 0, 0, 8]],
        ),
    ],
)  # fmt: skip
@pytest.mark.text("06:conv-worked-7x7")
def test_numbers_06_conv_worked_7x7(properties, expected):
    np.testing.assert_array_equal(answer([[IMG7]], conv(KER3, **properties))[0, 0], expected)


@pytest.mark.text("06:full-padding")
def test_numbers_06_full_padding():
    found = answer([[IMG7]], conv(KER3, padding="full"))[0, 0]
    np.testing.assert_array_equal(found[0], [12, 6, 8, 8, 10, 0, 6, 0, 0])
    np.testing.assert_array_equal(found, signal.correlate2d(IMG7, KER3, "full"))


@pytest.mark.text("06:conv-worked-7x7")
def test_numbers_06_conv_worked_7x7_gradients():
    session = session_of([[IMG7]], ("identity", {}), conv(KER3, use_bias=True), loss=True)
    assert session.loss == 3448
    np.testing.assert_array_equal(
        session.gradient("conv2d_1.weight")[0, 0], [[1603, 1229, 1261], [1532, 1029, 892], [1296, 978, 1250]]
    )
    np.testing.assert_array_equal(session.gradient("conv2d_1.bias"), [388])


@pytest.mark.text("06:conv-worked-7x7")
def test_numbers_06_conv_worked_7x7_gradient_to_the_image():
    graph = Graph()
    image, layer = (
        graph.add("parameter", shape=(1, 1, 7, 7), initial=[[IMG7.tolist()]]),
        graph.add(*conv(KER3)[:1], **conv(KER3)[1]),
    )
    square, half, loss = graph.add("square"), graph.add("scale", factor=0.5), graph.add("sum", over="all")
    for source, target in ((image, layer), (layer, square), (square, half), (half, loss)):
        graph.connect(source, target)
    session = Session(
        Document(graph, training={"loss": loss, "optimizer": {"type": "sgd", "learning_rate": 0.0}}), dtype="float64"
    )
    session.step("iteration")
    np.testing.assert_array_equal(
        session.gradient(f"{image}.value")[0, 0],
        [
            [18, 20, 39, 34, 37, 14, 16], [43, 27, 62, 24, 58, 3, 26], [39, 21, 87, 73, 102, 44, 45],
            [29, 29, 107, 47, 81, 8, 67], [31, 31, 72, 60, 87, 46, 49], [16, 16, 37, 44, 65, 4, 30],
            [0, 0, 32, 32, 14, 28, 46],
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (EDGE, [[4, 6, 4, -3, -3], [0, -1, 0, 1, -2], [-5, -6, 1, 1, 0], [6, 11, 1, -3, 4], [3, 3, 4, 4, 2]]),
        (EDGE.T, [[7, 3, -3, 2, 4], [3, 11, 0, -2, -2], [7, 10, -4, -4, 1], [9, 13, -7, -2, 5], [16, 7, -8, -3, 4]]),
    ],
)
@pytest.mark.text("06:edge-filter")
def test_numbers_06_edge_filter(kernel, expected):
    np.testing.assert_array_equal(answer([[IMG7]], conv(kernel))[0, 0], expected)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"window": [3], "stride": [1]}, [[7, 7, 5, 5, 5], [7, 7, 5, 5, 7], [8, 8, 5, 5, 7], [8, 8, 6, 6, 7], [8, 8, 6, 6, 6]]),
        ({"window": [3], "stride": [2]}, [[7, 5, 5], [8, 5, 7], [8, 6, 6]]),
        ({"window": [4], "stride": [1]}, [[7, 7, 5, 7], [8, 8, 5, 7], [8, 8, 6, 7], [8, 8, 6, 7]]),
        ({}, [[7, 4, 5], [7, 5, 5], [8, 2, 6]]),
        ({"rounding": "up"}, [[7, 4, 5, 4], [7, 5, 5, 7], [8, 2, 6, 2], [6, 3, 4, 5]]),
    ],
)  # fmt: skip
@pytest.mark.text("06:max-pooling")
def test_numbers_06_max_pooling(properties, expected):
    np.testing.assert_array_equal(answer([[IMG7]], ("max_pool", properties))[0, 0], expected)


SHARED = [(1, 5, 3.5), (2, 2, 0.5), (3, 1, 0.5), (3, 6, 1.5), (4, 3, 2.5), (4, 7, 6), (5, 2, 7.5), (5, 5, 2.5), (6, 1, 3.5),
          (6, 5, 17)]  # fmt: skip


@pytest.mark.parametrize(
    ("ties", "expected"),
    [("first", [(1, 5, 5), (2, 2, 1), (4, 3, 5), (4, 7, 6), (5, 2, 11), (6, 5, 17)]), ("shared", SHARED)],
)
@pytest.mark.text("06:maxpool-backprop")
def test_numbers_06_maxpool_backprop(ties, expected):
    graph = Graph()
    image = graph.add("parameter", "image", shape=(1, 1, 7, 7), initial=[[IMG7.tolist()]])
    pool = graph.add("max_pool", window=[3], stride=[2], ties=ties)
    came, product = graph.add("constant", value=[[np.arange(1.0, 10).reshape(3, 3).tolist()]]), graph.add("multiply")
    loss = graph.add("sum", over="all")
    for source, target in ((image, pool), (f"{pool}.y", product), (came, product), (product, loss)):
        graph.connect(source, target)
    session = Session(Document(graph, training={"loss": loss}), dtype="float64")
    session.step("iteration")
    went = session.gradient("image.value")
    found = [(u + 1, v + 1, went[0, 0, u, v]) for u, v in np.argwhere(went[0, 0] != 0)]
    assert found == expected


@pytest.mark.parametrize("said", [{}, {"padding": "same"}, {"padding": "cells", "cells": 1}, {"rounding": "up"}])
@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (2, 3, 6)])
def test_sharing_among_ties_changes_no_winner(said, shape):
    maps = np.random.default_rng(3).normal(size=shape) - 5
    once = {"window": [3, 3], "stride": [2, 2], **said}
    first, shared = (answer(maps, ("max_pool", {**once, "ties": ties})) for ties in ("first", "shared"))
    np.testing.assert_array_equal(shared, first)


@pytest.mark.text("06:average-pooling")
def test_numbers_06_average_pooling_and_the_same_as_a_convolution():
    expected = [[4.1111, 3.3333, 3.0], [4.2222, 2.7778, 3.5556], [3.7778, 2.1111, 2.8889]]
    found = answer([[IMG7]], ("average_pool", {"window": [3], "stride": [2]}))
    np.testing.assert_allclose(found[0, 0], expected, atol=5e-5)
    np.testing.assert_allclose(answer([[IMG7]], conv(np.full((3, 3), 1 / 9), stride=[2])), found, rtol=1e-13)


def test_padding_may_or_may_not_count_in_a_mean():
    ones = np.ones((1, 1, 3, 3))
    counted = answer(ones, ("average_pool", {"window": [3], "stride": [2], "padding": "cells", "cells": 1}))
    np.testing.assert_allclose(counted[0, 0], np.full((2, 2), 4 / 9))
    said = {"window": [3], "stride": [2], "padding": "cells", "cells": 1, "count_padding": False}
    np.testing.assert_allclose(answer(ones, ("average_pool", said))[0, 0], np.ones((2, 2)))


@pytest.mark.parametrize(
    ("padding", "expected"),
    [("valid", [5, 5, 10]), ("same", [1, 5, 5, 10, 4]), ("full", [2, 1, 5, 5, 10, 4, 7]), ("causal", [2, 1, 5, 5, 10])],
)
@pytest.mark.text("06:conv-1d-series")
def test_numbers_06_conv_1d_series(padding, expected):
    said = {"filters": 1, "use_bias": False, "initial_weight": [[[1.0, 0.0, 1.0]]], "padding": padding}
    np.testing.assert_array_equal(answer([[[2, 1, 3, 4, 7]]], ("conv1d", said))[0, 0], expected)


def test_sequences_are_pooled_too():
    np.testing.assert_array_equal(answer([[[1, 5, 2, 3]]], ("max_pool", {}))[0, 0], [5, 3])
    np.testing.assert_array_equal(answer([[[1, 5, 2, 4]]], ("average_pool", {"window": [4]}))[0, 0], [3])
    np.testing.assert_array_equal(answer([[[1, 5, 2, 3]]], ("global_pool", {"of": "max"})), [[5]])


def test_one_number_for_each_map():
    maps = np.arange(24.0).reshape(1, 2, 3, 4)
    for of, expected in (("mean", maps.mean((2, 3))), ("max", maps.max((2, 3))), ("sum", maps.sum((2, 3)))):
        np.testing.assert_allclose(answer(maps, ("global_pool", {"of": of})), expected)


def test_unpooling_puts_winners_back_where_they_stood():
    back = answer([[IMG7]], ("max_pool", {}), ("max_unpool", {}), wires=[("max_pool_1.index", "max_unpool_1.index")])
    expected = np.zeros((7, 7))
    for u, v in ((1, 1), (0, 2), (0, 4), (2, 0), (3, 2), (2, 5), (4, 1), (4, 3), (5, 4)):
        expected[u, v] = IMG7[u, v]
    assert np.count_nonzero(back) == 9
    assert back.sum() == sum([7, 4, 5, 7, 5, 5, 8, 2, 6])
    np.testing.assert_array_equal(back[0, 0], expected)


def test_a_transposed_convolution_is_the_convolution_matrix_transposed():
    random = np.random.default_rng(0)
    small, kernel = random.normal(size=(1, 1, 3, 3)), random.normal(size=(3, 3))
    matrix = np.stack(
        [answer([[unit.reshape(7, 7)]], conv(kernel, stride=[2])).reshape(-1) for unit in np.eye(49)], axis=1
    )
    said = {"filters": 1, "kernel": [3], "stride": [2], "use_bias": False, "initial_weight": [kernel.tolist()]}
    grown = answer(small, ("transposed_conv2d", said))
    np.testing.assert_allclose(grown.reshape(-1), matrix.T @ small.reshape(-1), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("properties", "size"),
    [
        ({}, (6, 8)), ({"padding": "same", "kernel": [3]}, (6, 8)), ({"kernel": [3]}, (7, 9)),
        ({"kernel": [3], "padding": "cells", "cells": 1}, (5, 7)), ({"kernel": [3], "padding": "full"}, (3, 5)),
        ({"kernel": [3], "padding": "cells", "cells": 1, "extra": [1]}, (6, 8)),
    ],
)  # fmt: skip
def test_the_size_of_a_transposed_convolution(properties, size):
    assert answer(np.ones((1, 2, 3, 4)), ("transposed_conv2d", properties)).shape == (1, 8, *size)


def test_maps_grow_by_copies_by_blends_and_by_zeros():
    maps = np.array([[[[1.0, 3.0], [5.0, 7.0]]]])
    grown = {mode: answer(maps, ("upsample", {"mode": mode}))[0, 0] for mode in ("nearest", "bilinear", "zeros")}
    np.testing.assert_array_equal(grown["nearest"], np.kron(maps[0, 0], np.ones((2, 2))))
    np.testing.assert_array_equal(grown["zeros"], np.kron(maps[0, 0], [[1, 0], [0, 0]]))
    np.testing.assert_allclose(grown["bilinear"][0], [1, 1.5, 2.5, 3])
    np.testing.assert_allclose(grown["bilinear"][:, 0], [1, 2, 4, 5])
    corners = answer(maps, ("upsample", {"mode": "bilinear", "align": "corners", "factor": [1, 3]}))[0, 0]
    np.testing.assert_allclose(corners, [[1, 1.4, 1.8, 2.2, 2.6, 3], [5, 5.4, 5.8, 6.2, 6.6, 7]])


def test_groups_see_their_own_channels_alone():
    maps = np.arange(18.0).reshape(1, 2, 3, 3)
    said = {"filters": 2, "kernel": [1], "groups": 2, "use_bias": False, "initial_weight": [[[[2.0]]], [[[3.0]]]]}
    np.testing.assert_array_equal(answer(maps, ("conv2d", said)), maps * np.array([2, 3])[:, None, None])


def test_a_squeeze_and_excitation_block_and_an_inception_of_plain_nodes():
    graph = Graph()
    images = np.random.default_rng(1).normal(size=(3, 2, 6, 6))
    x = graph.add("input")
    one, three = graph.add("conv2d", filters=2, kernel=[1]), graph.add("conv2d", filters=4)
    both, squeeze = graph.add("concat", axis=1), graph.add("global_pool")
    narrow, wide = graph.add("dense", units=2, activation="relu"), graph.add("dense", units=6, activation="sigmoid")
    gate, excited = graph.add("reshape", shape=(6, 1, 1)), graph.add("multiply")
    shortcut, added = graph.add("conv2d", filters=6, kernel=[1]), graph.add("add")
    for source, target in (
        (x, one), (x, three), (one, both), (three, both), (both, squeeze), (squeeze, narrow), (narrow, wide), (wide, gate),
        (both, excited), (gate, excited), (x, shortcut), (excited, added), (shortcut, added),
    ):  # fmt: skip
        graph.connect(source, target)
    loss = graph.add("mean", over="all")
    graph.connect(added, loss)
    data = {"train": {"inputs": images.tolist(), "targets": [[0.0]] * 3}}
    document = Document(graph, data=data, training={"loss": loss, "optimizer": {"type": "sgd", "learning_rate": 0.1}})
    assert document.check() == []
    session = Session(document, dtype="float64")
    session.step("iteration")
    maps, gates = session.value(both), session.value(wide)
    np.testing.assert_allclose(session.value(squeeze), maps.mean((2, 3)))
    np.testing.assert_allclose(session.value(added), maps * gates[:, :, None, None] + session.value(shortcut))
    assert session.gradient(f"{narrow}.weight").any()


def test_filters_start_with_the_variance_of_the_window_they_see():
    numbers = {}
    for initialiser in ("he_normal", "glorot_uniform", "fan_out_normal"):
        session = session_of(np.ones((1, 16, 3, 3)), ("conv2d", {"filters": 64, "initialiser": initialiser}))
        numbers[initialiser] = session.parameters["conv2d_1.weight"]
    assert numbers["he_normal"].std() == pytest.approx(np.sqrt(2 / 144), rel=0.02)
    assert np.abs(numbers["glorot_uniform"]).max() == pytest.approx(np.sqrt(6 / (144 + 64 * 9)), rel=0.01)
    assert numbers["fan_out_normal"].std() == pytest.approx(np.sqrt(1 / (64 * 9)), rel=0.02)


@pytest.mark.parametrize(
    ("type", "table", "properties", "sentence"),
    [
        ("conv2d", np.ones((2, 3)), {}, "maps are (batch, channels, height, width), not (batch, 3)"),
        ("conv2d", np.ones((2, 1, 2, 2)), {"padding": "valid"}, "a window that reaches over 3 cells does not fit into 2"),
        ("conv2d", np.ones((2, 3, 4, 4)), {"groups": 2}, "3 channels make no 2 equal groups"),
        ("conv2d", np.ones((2, 2, 4, 4)), {"groups": 2, "filters": 3}, "3 filters make no 2 equal groups"),
        ("conv2d", np.ones((2, 1, 4, 4)), {"kernel": [3, 3, 3]}, "“kernel” holds 3 numbers"),
        ("conv1d", np.ones((2, 4)), {}, "sequences are (batch, channels, length), not (batch, 4)"),
        ("max_pool", np.ones((2, 1, 1, 4)), {"window": [9]}, "a window that reaches over 9 cells does not fit into 4"),
        ("max_pool", np.ones((2, 1, 4, 4)), {"padding": "cells", "cells": 2}, "a window would lie beside the map"),
        ("transposed_conv2d", np.ones((2, 1, 1, 1)), {"padding": "cells", "cells": 1}, "of 2 cells 2 would be cut off"),
        ("transposed_conv2d", np.ones((2, 2, 2, 2)), {"groups": 2, "filters": 3}, "3 filters make no 2 equal groups"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_with_a_mend(type, table, properties, sentence):
    said = refusal(type, table, **properties)
    assert sentence in said
    assert said.count(".") or said.count(":")
