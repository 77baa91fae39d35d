"""Gradients over time summed as one product: the numbers of the plain calls, at every step where one looks, in any pieces."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Session
from tests.engine.documents import recurrent
from tests.engine.primitives.playing import build, finish, finish_in_pieces, start
from tests.engine.unfused import trains_as_plain_calls_do

STEPS = 5


KINDS = pytest.mark.parametrize("kind", ["rnn_cell", "lstm_cell", "gru_cell"])


@KINDS
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_gradients_over_time_are_those_of_the_plain_calls(kind, precision):
    trains_as_plain_calls_do(lambda: recurrent(kind, precision=precision), precision, {"products_total"})


@KINDS
def test_stepping_through_time_makes_the_bits_of_full_speed(kind):
    stepped, run = Session(recurrent(kind)), Session(recurrent(kind))
    for _ in range(2 * len(stepped.steps)):
        stepped.step("node")
    run.run(2)
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name


def test_the_addends_of_every_step_of_time_are_there_to_be_looked_at():
    session = Session(recurrent("rnn_cell"))
    for _ in session.steps:
        session.step("node")
    program = session.program
    weight = program.sources["rnn_cell_1.weight"]
    total = program.gradients[0][weight.index].call
    assert total.primitive.name == "total" and len(total.operands) == STEPS
    view = session._machine.view
    for addend in total.operands:
        x, dy = (view(operand) for operand in addend.call.operands)
        np.testing.assert_allclose(view(addend), x.T @ dy, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(view(total.result), sum(view(each) for each in total.operands), rtol=1e-4, atol=1e-6)


def test_an_addend_is_shown_at_its_own_step_of_time():
    session = Session(recurrent("rnn_cell"))
    total = session.program.gradients[0][session.program.sources["rnn_cell_1.weight"].index].call
    latest = next(each for each in total.operands if each.call.origin.time == STEPS - 1)
    while session.last_step is None or session.last_step.origin != latest.call.origin:
        session.step("node")
    x, dy = (session._machine.view(operand) for operand in latest.call.operands)
    np.testing.assert_allclose(session._machine.view(latest), x.T @ dy, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (8, 32), (9, 17), (32, 33), (21, 70)])
@pytest.mark.parametrize("sums", [False, True])
def test_a_sum_of_products_in_any_pieces(rows, columns, sums):
    draw = np.random.default_rng(7)
    given = [draw.normal(size=(6, n)).astype(np.float32) for _ in range(3) for n in (rows, columns)]
    wanted = [sum(x.T.astype(float) @ dy for x, dy in zip(given[::2], given[1::2], strict=True))]
    operands = [*given, np.zeros(columns, np.float32)] if sums else given

    def recipe(emit_with, values):
        return [emit_with.emit("products_total", *values, sums=sums), *([values[-1]] if sums else [])]

    bench = build(recipe, operands)
    whole = finish(bench, start(bench, operands, "float32"))
    for found, exact in zip(whole, [*wanted, sum(dy.sum(0, dtype=float) for dy in given[1::2])], strict=False):
        np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-4)
    for share in (0.2, 0.5, 0.9):
        pieces = finish_in_pieces(bench, start(bench, operands, "float32"), lambda length, s=share: round(s * length))
        assert [found.tobytes() for found in pieces] == [found.tobytes() for found in whole]
