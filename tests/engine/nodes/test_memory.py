"""Soft memories and images read at chosen places, against the source text's numbers; entries stand in the names."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from engine.document import Document
from engine.graph import Graph
from engine.session import Session


def answer(type: str, out: str, **operands) -> np.ndarray:
    """What a node answers to constants at its ports, the first of them through the data."""
    graph = Graph()
    node = graph.add(type)
    for port, value in operands.items():
        array = np.asarray(value, float)
        spread = graph.add("reshape", shape=array.shape)
        graph.connect(graph.add("input", columns=_columns(operands, port)), spread)
        graph.connect(spread, node[port])
    row = np.concatenate([np.ravel(value) for value in operands.values()])
    document = Document(graph, {"inputs": row[None].astype(float), "targets": [[0.0]]}, precision="float64")
    assert document.check() == []
    session = Session(document)
    session.step("iteration")
    found = session.value(f"{node.id}.{out}")
    assert found is not None
    return found[0]


def _columns(operands, port: str) -> list[int]:
    before = 0
    for name, value in operands.items():
        if name == port:
            return list(range(before, before + np.size(value)))
        before += np.size(value)
    raise KeyError(port)


ROWS, KEY = [[1, 0], [0, 1], [1, 1]], [1, 0.2]


@pytest.mark.parametrize(
    ("strength", "wanted"),
    [(1, (0.4313, 0.1968, 0.3718)), (5, (0.6686, 0.0132, 0.3182)), (20, (0.9512, 0.0000, 0.0488))],
)
@pytest.mark.text("07:ntm-addressing")
def test_numbers_07_ntm_addressing_by_content(strength, wanted):
    found = answer("content_addressing", "weights", memory=ROWS, key=KEY, strength=[strength])
    np.testing.assert_allclose(found, wanted, atol=7e-5)


@pytest.mark.text("07:ntm-addressing")
def test_numbers_07_ntm_addressing_interpolated_and_read():
    found = answer("content_addressing", "weights", memory=ROWS, key=KEY, strength=[5])
    mixed = answer("head_interpolation", "weights", found=found, before=[0, 1, 0], gate=[0.6])
    np.testing.assert_allclose(mixed, (0.4012, 0.4079, 0.1909), atol=7e-5)
    np.testing.assert_allclose(answer("memory_read", "y", memory=ROWS, head=mixed), (0.5921, 0.5988), atol=7e-5)


@pytest.mark.parametrize(
    ("before", "moved", "sharp"),
    [
        ((1, 0, 0, 0), (0.5, 0.3, 0, 0.2), (0.6579, 0.2368, 0, 0.1053)),
        ((0.7, 0.1, 0.1, 0.1), (0.40, 0.28, 0.10, 0.22), (0.5391, 0.2642, 0.0337, 0.1631)),
    ],
)
@pytest.mark.text("07:ntm-addressing")
def test_numbers_07_ntm_addressing_by_place(before, moved, sharp):
    found = answer("circular_shift", "weights", head=before, shift=[0.2, 0.5, 0.3])
    np.testing.assert_allclose(found, moved, atol=1e-12)
    np.testing.assert_allclose(answer("sharpen", "weights", head=found, power=[2]), sharp, atol=7e-5)


@pytest.mark.text("07:ntm-read-write")
def test_numbers_07_ntm_read_write():
    found = answer("memory_write", "y", memory=[[1, 1]], head=[0.5], erase=[1, 0], add=[2, 0])
    np.testing.assert_allclose(found, [[1.5, 1]])


def images(a, height=4, width=4, channels=1):
    """The images 1 … height · width read through an affine map that is learned."""
    graph = Graph()
    x, six = graph.add("input"), graph.add("dense", units=6, initial_weight=0.0, initial_bias=list(a))
    flat, grid = graph.add("reshape"), graph.add("affine_grid", height=height, width=width)
    sampler, goal, squares = graph.add("bilinear_sampler"), graph.add("sum", over="all"), graph.add("square")
    for source, sink in (
        (x, flat), (flat, six), (six, grid), (x, sampler["x"]), (grid, sampler["grid"]), (sampler, squares),
        (squares, goal),
    ):  # fmt: skip
        graph.connect(source, sink)
    pixels = 1.0 + np.arange(channels * height * width).reshape(1, channels, height, width)
    document = Document(
        graph, {"inputs": pixels, "targets": [[0.0]]}, {"loss": goal, "batch_size": 1}, precision="float64"
    )
    assert document.check() == []
    session = Session(document)
    for step in session.steps:
        if step.part != "update":
            session.step()
    return session, sampler, pixels


@pytest.mark.text("07:spatial-transformer")
def test_numbers_07_spatial_transformer():
    session, sampler, pixels = images((1, 0, 0, 1, 0, 0))
    np.testing.assert_allclose(session.value(sampler), pixels, rtol=1e-12)
    session, sampler, _ = images((0, 1, -1, 0, 0, 0))  # 90°; about the middle, where these coordinates are 0
    np.testing.assert_allclose(session.value(sampler)[0, 0, 0], [13, 9, 5, 1], rtol=1e-12)


def test_a_sampler_reads_between_pixels_as_scipy_does_and_has_a_gradient():
    session, sampler, pixels = images((0.7, 0.21, -0.3, 0.63, 0.11, -0.07), height=5, width=3, channels=2)
    grid = session.value("affine_grid_1")[0]
    rows, columns = (grid[..., 0] + 1) * 2, (grid[..., 1] + 1) * 1
    for channel in (0, 1):
        wanted = map_coordinates(pixels[0, channel], [rows, columns], order=1, mode="grid-constant")
        np.testing.assert_allclose(session.value(sampler)[0, channel], wanted, rtol=1e-12)
    np.testing.assert_allclose(
        session.gradient("dense_1.bias"), slopes_by_trial(session, "dense_1.bias"), rtol=1e-6, atol=1e-7
    )


def slopes_by_trial(session: Session, address: str) -> np.ndarray:
    start, found = session.parameters[address], []
    for place in range(start.size):
        sides = []
        for move in (1e-5, -1e-5):
            moved = start.copy()
            moved[place] += move
            session.set_parameter(address, moved)
            sides.append(session.evaluate("train")["loss"])
        found.append((sides[0] - sides[1]) / 2e-5)
    return np.array(found)


@pytest.mark.parametrize(
    ("type", "operands", "sentence"),
    [
        ("content_addressing", {"memory": ROWS, "key": [1, 2, 3]}, "2 numbers are needed"),
        ("memory_read", {"memory": ROWS, "head": [1, 0]}, "3 numbers are needed"),
        (
            "memory_write",
            {"memory": ROWS, "head": [1, 0, 0], "erase": [1], "add": [1, 2]},
            "erase: a row is written: 2 numbers",
        ),
        ("circular_shift", {"head": [1, 0, 0], "shift": [1, 0]}, "2 shares of shifts meet 3 rows"),
        ("memory_read", {"memory": [1, 2], "head": [1, 0]}, "(batch, rows, width)"),
    ],
)
def test_what_does_not_fit_is_told(type, operands, sentence):
    assert sentence in problems_of(type, operands)


def problems_of(type: str, operands) -> str:
    graph = Graph()
    node = graph.add(type)
    for port, value in operands.items():
        spread = graph.add("reshape", shape=np.shape(value))
        graph.connect(graph.add("input", columns=_columns(operands, port)), spread)
        graph.connect(spread, node[port])
    row = np.concatenate([np.ravel(value) for value in operands.values()])
    return " ".join(map(str, Document(graph, {"inputs": row[None].astype(float), "targets": [[0.0]]}).check()))
