"""The float32 mean squared error, in vectors: every entry is taken once, however many there are."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.primitives.playing import play


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 15, 16, 17, 31, 48, 63, 64, 65, 100, 127, 129, 1000])
def test_every_entry_is_taken_once(count):
    a, b = np.random.default_rng(count).normal(size=(2, count)).astype(np.float32)
    behind = np.full(count, 7, np.float32)
    found, difference, untouched = play(
        lambda build, given: [build.emit("mean_square", *given[:3]), given[2], given[3]],
        [a, b, np.zeros(count, np.float32), behind],
        "float32",
    )
    assert difference.tobytes() == (a - b).tobytes()
    assert untouched.tobytes() == behind.tobytes()
    np.testing.assert_allclose(found, np.mean((a.astype(float) - b) ** 2), rtol=1e-6)
