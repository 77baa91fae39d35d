"""Worked numbers of chapter 2 on the presets themselves; the catalogue's entry stands in each test's name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.analysis.paths import paths
from engine.session import Session
from tests.presets.gallery import played, preset

PRINTED = 5e-11  # ten digits behind the point


def numbers(session: Session, *addresses: str, of: str = "value") -> list[float]:
    return [float(getattr(session, of)(address)) for address in addresses]


def with_inputs(y: tuple[float, ...], w: tuple[float, ...]) -> Session:
    session = Session(preset("ten-node-graph"))
    for address, number in zip(("y1", "y2", "y3", "w2", "w3"), (*y, *w), strict=True):
        session.set_parameter(f"{address}.value", number)
    session.step("phase")
    session.step("phase")
    return session


@pytest.mark.text("01:ten-node-graph")
def test_numbers_01_ten_node_graph():
    session = played(preset("ten-node-graph"))
    forward = numbers(session, *(f"y{i}.y" for i in range(4, 11)))
    assert forward == pytest.approx([2, 6, -0.5, 0.9092974268, 0.9601702867, -0.4794255386, -0.4185770271], abs=PRINTED)
    seven_to_nine = numbers(session, "y7.y", "y8.y", "y9.y", of="gradient")
    assert seven_to_nine == pytest.approx([-0.4603301568, -0.4359404086, 0.8730803710], abs=PRINTED)
    four_to_six = numbers(session, "y4.y", "y5.y", "y6.y", of="gradient")
    assert four_to_six == pytest.approx([0.1915649385, -0.1218085065, 0.7662001087], abs=PRINTED)
    one_to_three = numbers(session, "y1.value", "y2.value", "y3.value", of="gradient")
    assert one_to_three == pytest.approx([-0.3477211617, 0.2092394735, -0.6267170673], abs=PRINTED)


@pytest.mark.text("01:ten-node-graph")
def test_numbers_01_ten_node_graph_all_ones():
    session = with_inputs((1, 1, 1), (1, 1))
    assert session.loss == pytest.approx(0.4134109052, abs=PRINTED)
    found = numbers(session, "y1.value", "y2.value", "y3.value", of="gradient")
    assert found == pytest.approx([-0.3784012477, -0.5676018715, -0.8330499611], abs=PRINTED)


@pytest.mark.parametrize(
    ("y", "w", "loss", "slopes"),
    [
        ((1, 2, 3), (0.5, -0.5), -1.7417887016, (-7.3219508868, -10.9829263303)),
        ((1, 1, 1), (1, 1), -1.7666265055, (-0.9153151087, -0.9153151087)),
        ((0.5, 1, 1.5), (1, 0.5), -2.1274204959, (-0.3622939051, -0.5434408577)),
    ],
)
@pytest.mark.text("01:log-square-example", "01:loss-to-weight")
def test_numbers_01_log_square_example(y, w, loss, slopes):
    """The loss log y10² put behind the ten-node graph: what it sends back is 2 / y10 times the derivatives of y10."""
    session = with_inputs(y, w)
    output = session.loss
    assert np.log(output**2) == pytest.approx(loss, abs=PRINTED)
    found = [2 / output * slope for slope in numbers(session, "w2.value", "w3.value", of="gradient")]
    assert found == pytest.approx(slopes, abs=PRINTED)


@pytest.mark.parametrize(
    ("x", "output", "slope"),
    [(1, 1, 32), (1.05, 4.7649414686, 145.2172638051), (1.1, 21.1137767454, 614.2189598648), (0.9, 0.0343368382, 1.2208653583)],
)  # fmt: skip
@pytest.mark.text("01:product-ladder")
def test_numbers_01_product_ladder(x, output, slope):
    session = Session(preset("product-ladder"))
    session.set_parameter("x.value", x)
    session.step("phase")
    session.step("phase")
    assert session.loss == pytest.approx(output, abs=PRINTED)
    assert float(session.gradient("x.value")) == pytest.approx(slope, abs=PRINTED)
    for layer in range(1, 6):
        port = "h" if layer == 1 else "y"
        assert numbers(session, f"h{layer}1.{port}", f"h{layer}2.{port}") == pytest.approx([x**2 ** (layer - 1)] * 2)


PATHS = {
    "1-4-7-10": 0.3831298771, "1-5-8-10": -0.7308510387, "2-4-7-10": 0.1915649385, "2-5-8-10": -0.3654255194,
    "2-6-9-10": 0.3831000543, "3-5-8-10": -0.2436170129, "3-6-9-10": -0.3831000543,
}  # fmt: skip


@pytest.mark.text("01:ten-node-graph")
def test_numbers_01_ten_node_graph_paths():
    session = played(preset("ten-node-graph"))
    found = {}
    for source in ("y1", "y2", "y3"):
        listed = paths(session, source, "y10")
        assert math.fsum(path.product for path in listed.paths) == pytest.approx(
            float(session.gradient(source)), rel=1e-12
        )
        # The products w₂y₂ and w₃y₃ are nodes here, so that the weights can be seen: the text draws them on the wire.
        for path in listed.paths:
            nodes = [place.address.partition(".")[0] for place in path.places]
            found["-".join(node[1:] for node in nodes if node[0] == "y")] = path.product
    assert found == pytest.approx(PATHS, abs=PRINTED)


@pytest.mark.text("01:longest-path-dp")
def test_numbers_01_longest_path_dp_counts_paths_of_the_ten_node_graph():
    session = played(preset("ten-node-graph"))
    assert [paths(session, source, "y10").count for source in ("y1", "y2", "y3")] == [2, 3, 2]


@pytest.mark.text("01:product-ladder")
def test_numbers_01_product_ladder_paths():
    session = played(preset("product-ladder"))
    listed = paths(session, "x", "o")
    assert (listed.count, len(listed.paths)) == (32, 32)
    assert [path.product for path in listed.paths] == pytest.approx([1.1**31] * 32, rel=1e-12)
    assert sum("h31.y" in [place.address for place in path.places] for path in listed.paths) == 16
    factors = sorted(listed.paths[0].derivatives)
    assert factors == pytest.approx([1, 1.1, 1.1**2, 1.1**4, 1.1**8, 1.1**16])


def test_dragging_an_input_of_the_graph_moves_the_output_by_its_gradient():
    step = 1e-6
    for address in ("y1.value", "y2.value", "y3.value", "w2.value", "w3.value"):
        session = played(preset("ten-node-graph"))
        before, slope, number = session.loss, float(session.gradient(address)), float(session.value(address))
        session.reset()
        session.set_parameter(address, number + step)
        session.step("phase")
        assert (session.loss - before) / step == pytest.approx(slope, rel=1e-4)
