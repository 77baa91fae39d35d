"""Products of two inputs, weighed for each unit, against NumPy and central differences."""

from __future__ import annotations

import numpy as np
import pytest

from engine.problems import ShapeMismatch
from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(0)
A, B, W = DRAW.normal(size=(4, 3)), DRAW.normal(size=(4, 2)), DRAW.normal(size=(3, 2, 5))


class Fixed(Alone):
    """A layer with the weights of the test; of its answer the sum of the squares where `summed` is set."""

    summed = False

    def lowered(self, build, values):
        weight = build.source("constant", "weights", W.shape, W)
        h = self.node.lower(build, a=values[0], b=values[1], weight=weight, bias=None)
        return {"h": build.emit("sum", h * h, axes=(0, 1)) if self.summed else h}


def test_every_product_is_weighed_for_each_unit():
    node = Fixed("bilinear", {"a": A, "b": B}, use_bias=False)
    np.testing.assert_allclose(node.value(), np.einsum("ni,nj,ijk->nk", A, B, W), rtol=1e-12)
    node.summed = True
    check_derivatives(node)


def test_inputs_of_different_batches_are_refused():
    with pytest.raises(ShapeMismatch, match="make no pairs"):
        Alone("bilinear", {"a": A[:, None], "b": B}).value()
