"""Convolutions through volumes, against SciPy and central differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate

from engine.problems import ShapeMismatch
from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(5)
X, W = DRAW.normal(size=(2, 2, 5, 4, 4)), DRAW.normal(size=(3, 2, 3, 2, 3))


class Fixed(Alone):
    """A layer whose filters are those of the test, handed to it as numbers."""

    def lowered(self, build, values):
        weight = build.source("constant", "filters", W.shape, W)
        return {"h": self.node.lower(build, x=values[0], weight=weight, bias=None)}


class Squared(Fixed):
    """The sum of the squares of what it says."""

    def lowered(self, build, values):
        first = super().lowered(build, values)["h"]
        return {"h": build.emit("sum", first * first, axes=tuple(range(first.rank)))}


CELLS = {"valid": (0, 0, 0, 0, 0, 0), "same": (1, 1, 0, 1, 1, 1), "full": (2, 2, 1, 1, 2, 2)}


@pytest.mark.parametrize(
    ("padding", "stride"), [("valid", (1, 1, 1)), ("valid", (2, 1, 2)), ("same", (1, 1, 1)), ("full", (2, 2, 1))]
)
def test_a_block_is_weighed_by_its_filter(padding, stride):
    before = CELLS[padding]
    table = np.pad(X, ((0, 0), (0, 0), before[:2], before[2:4], before[4:]))
    wanted = np.array([[correlate(image, filters, "valid")[0] for filters in W] for image in table])
    node = Fixed("conv3d", {"x": X}, use_bias=False, padding=padding, stride=stride)
    np.testing.assert_allclose(node.value(), wanted[:, :, :: stride[0], :: stride[1], :: stride[2]], atol=1e-12)


def test_derivatives_go_back_through_the_blocks():
    small = {"x": X[:, :, :3, :2, :3]}
    check_derivatives(Squared("conv3d", small, use_bias=False))


def test_what_is_no_volume_is_refused_with_the_mend():
    with pytest.raises(ShapeMismatch, match="volumes are"):
        Alone("conv3d", {"x": X[:, :, 0]}).value()
