"""What one thread plays at full speed: fewer passes and another order, and the bits of stepping."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Session
from engine.machines.alone import alone, turned_early
from tests.engine.documents import attending, layered_document, recurrent
from tests.engine.machines.test_order import makers

SIZES = ([3, 8, 5, 1], [2, 20, 3])  # in one vector and in two, whole and ragged


def full_speed(document):
    """The instructions of an iteration with a whole batch."""
    code = Session(document).tape.fast
    return code.instructions[slice(*code.full)]


def kernels(instructions):
    return [entry.kernel.name for entry in instructions]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_full_speed_makes_the_bits_of_stepping(sizes):
    document = layered_document(sizes, rows=23, batch_size=9)
    stepped, fast = Session(document), Session(document)
    assert "matmul_sloped" in kernels(alone(full_speed(document), "float32"))
    for _ in range(7):
        stepped.step("iteration")
    fast.run(7)
    for address, array in stepped.parameters.items():
        np.testing.assert_array_equal(array, fast.parameters[address], err_msg=address)


def test_what_is_added_up_from_two_halves_and_what_is_counted_in_float64_is_left_as_it_is():
    halved = full_speed(layered_document([4, 8, 32, 2], rows=9))
    assert kernels(alone(halved, "float32")).count("tanh_gradient_body") == 1
    assert sorted(kernels(alone(halved, "float64"))) == sorted(kernels(halved))


@pytest.mark.parametrize(
    "made", (lambda: layered_document([4, 8, 8, 2]), lambda: attending(32), lambda: recurrent("lstm_cell"))
)
def test_matrices_are_turned_about_earlier_and_everybody_finds_what_he_found(made):
    before = full_speed(made())
    after = turned_early(before)
    assert sorted(kernels(before)) == sorted(kernels(after)) and makers(before) == makers(after)
    moved = [entry for first, entry in zip(before, after, strict=True) if first is not entry]
    assert moved and [entry for entry in before if entry.call.primitive.name != "transpose"] == [
        entry for entry in after if entry.call.primitive.name != "transpose"
    ]
