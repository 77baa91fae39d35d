"""Calls on rows that are played as one: the numbers of the plain calls, in both precisions and in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Session
from engine.fuse import Fuser
from engine.stretch import stretches_of
from tests.engine.documents import attending
from tests.engine.primitives.playing import build, finish, finish_in_pieces, start
from tests.engine.unfused import trains_as_plain_calls_do

FUSED_ROWS = {
    "standardise", "standardise_gradient", "softmax_gradient", "scale_shift_rows", "scale_rows", "row_slopes",
}  # fmt: skip


@pytest.mark.parametrize("width", [4, 32, 70])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_fused_rows_train_as_the_plain_calls_do(width, precision):
    trains_as_plain_calls_do(lambda: attending(width, precision=precision), precision, FUSED_ROWS)


def test_stepping_through_fused_rows_makes_the_bits_of_full_speed():
    stepped, run = Session(attending(32)), Session(attending(32))
    for _ in range(2):
        stepped.step("iteration")
    for _ in range(len(stepped.steps)):
        stepped.step("node")
    run.run(3)
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name


def test_what_stands_behind_fused_rows_is_there_to_be_looked_at():
    session = Session(attending(8))
    session.step("iteration")
    hidden = [call for calls in session.tape.fused.hidden.values() for call in calls]
    deviations = [call for call in hidden if call.primitive.name == "subtract"]
    assert deviations
    for call in deviations:
        x, mean = (session._machine.view(operand) for operand in call.operands)
        np.testing.assert_allclose(session._machine.view(call.result), x - mean, rtol=1e-5, atol=1e-6)


def test_gains_and_shifts_are_seen_on_every_row_and_so_is_what_comes_of_them():
    session = Session(attending(8))
    for _ in [step for step in session.steps if step.part != "update"]:
        session.step("node")
    view, looked = session._machine.view, 0
    for call in [call for calls in session.tape.fused.hidden.values() for call in calls]:
        operands = [view(operand) for operand in call.operands if operand.shape]
        if call.primitive.name == "broadcast":
            np.testing.assert_array_equal(view(call.result), np.broadcast_to(operands[0], view(call.result).shape))
        elif call.primitive.name == "multiply" and len(operands) == 2:
            np.testing.assert_allclose(view(call.result), operands[0] * operands[1], rtol=1e-5, atol=1e-6)
        else:
            continue
        looked += 1
    assert looked > 8


def test_a_gain_that_somebody_else_reads_is_copied_to_every_row_as_before():
    fused = Session(attending(8))
    broadcasts = [call.result for call in fused.program.calls if call.primitive.name == "broadcast"]
    gains = [value for value in broadcasts if "gain" in str(value.call)]
    assert gains
    # The last pass hangs on who reads a value: with one reader more in another place the copies have to stay.
    program = fused.program
    program.outputs["looked at"] = gains[0]
    kept = {call.result.index for call in Fuser().fuse(program, stretches_of(program.calls)).calls}
    assert gains[0].index in kept and gains[1].index not in kept


WIDTHS = pytest.mark.parametrize("width", [1, 2, 15, 16, 33, 64, 65])


def drawn(*shapes):
    draw = np.random.default_rng(5)
    return [draw.normal(size=shape).astype(np.float32) for shape in shapes]


def agreed(name, given, wanted, written=None):
    def recipe(emit_with, values):
        return [emit_with.emit(name, *values), *([] if written is None else [values[written]])]

    bench = build(recipe, given)
    whole = finish(bench, start(bench, given, "float32"))
    for found, exact in zip(whole, wanted, strict=True):
        np.testing.assert_allclose(found, exact, rtol=2e-5, atol=2e-5)
    for share in (0.2, 0.5, 0.9):
        pieces = finish_in_pieces(bench, start(bench, given, "float32"), lambda length, s=share: round(s * length))
        assert [found.tobytes() for found in pieces] == [found.tobytes() for found in whole]


@WIDTHS
def test_standardised_rows_and_what_they_send_back(width):
    x, dy, deviations = drawn((9, width), (9, width), (9, 1))
    epsilon = np.array(0.1, np.float32)
    exact = x.astype(float)
    sigma = np.sqrt(exact.var(-1, keepdims=True) + 0.1)
    y = (exact - exact.mean(-1, keepdims=True)) / sigma
    agreed("standardise", [x, epsilon, deviations], [y, sigma], written=2)
    back = (dy - dy.mean(-1, keepdims=True, dtype=float) - y * (dy * y).mean(-1, keepdims=True)) / sigma
    agreed("standardise_gradient", [dy, y.astype(np.float32), sigma.astype(np.float32)], [back])


@WIDTHS
def test_what_a_softmax_sends_back(width):
    y, dy = drawn((9, width), (9, width))
    agreed("softmax_gradient", [y, dy], [y * (dy - (dy.astype(float) * y).sum(-1, keepdims=True))])


@pytest.mark.parametrize(
    ("shape", "wide"), [((7,), (5, 3, 7)), ((5, 3, 1), (5, 3, 33)), ((4, 1), (4, 40)), ((1, 9), (6, 9))]
)
def test_copies_of_a_row_and_of_a_number_for_each_row(shape, wide):
    (x,) = drawn(shape)
    bench = build(lambda emit_with, values: emit_with.emit("broadcast", *values, shape=wide), [x])
    for share in (0.0, 0.3, 0.71):
        (found,) = finish_in_pieces(bench, start(bench, [x], "float32"), lambda length, s=share: round(s * length))
        np.testing.assert_array_equal(found, np.broadcast_to(x, wide))
