"""Fusing changes speed, not numbers; and the tape says what it does."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Session
from engine.fuse import Fuser
from engine.lowering import lower
from engine.tape import plan
from tests.engine.documents import layered_document, xor_document
from tests.engine.unfused import fuse_nothing


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    rows=st.integers(1, 37),
    activation=st.sampled_from(["identity", "tanh", "sigmoid", "relu"]),
    loss=st.sampled_from(["mean_squared_error", "softmax_cross_entropy"]),
)
def test_a_fused_plan_computes_what_the_plain_calls_compute(sizes, rows, activation, loss):
    document = layered_document(sizes, rows=rows, batch_size=rows, activation=activation, loss=loss, order="sequential")
    fused = Session(document)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fuser, "fuse", fuse_nothing)
        plain = Session(document)
        plain.run(3)
    fused.run(3)
    for name, numbers in plain.parameters.items():
        np.testing.assert_allclose(fused.parameters[name], numbers, rtol=2e-4, atol=2e-6, err_msg=name)
        np.testing.assert_allclose(fused.gradient(name), plain.gradient(name), rtol=2e-4, atol=2e-6, err_msg=name)


@settings(max_examples=40)
@given(rows=st.integers(1, 70), depth=st.integers(1, 70), columns=st.integers(1, 70))
def test_the_tile_is_right_for_every_ragged_size(rows, depth, columns):
    session = Session(layered_document([depth, columns], rows=rows, batch_size=rows, order="sequential"))
    session.step("phase")
    session.step("phase")
    x, w, b = session.value("input_1"), session.parameters["dense_1.weight"], session.parameters["dense_1.bias"]
    exact = x.astype(np.float64) @ w + b
    np.testing.assert_allclose(session.value("dense_1"), exact, rtol=1e-5, atol=1e-5)
    dy = session.gradient("dense_1").astype(np.float64)
    np.testing.assert_allclose(session.gradient("dense_1.weight"), x.T @ dy, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(session.gradient("dense_1.bias"), dy.sum(axis=0), rtol=1e-4, atol=1e-6)


def test_a_nan_in_any_factor_shows_in_the_product():
    for name in ("dense_1.weight", "dense_1.bias"):
        session = Session(layered_document([5, 20], rows=9, batch_size=9, order="sequential"))
        view = session._machine.view(session.program.sources[name])
        view.reshape(-1)[7] = np.nan
        session.step("phase")
        column = 7 % 20
        assert np.isnan(session.value("dense_1")[:, column]).all()
        assert np.isfinite(np.delete(session.value("dense_1"), column, axis=1)).all()


def test_the_small_net_takes_nineteen_instructions_and_one_update():
    session = Session(layered_document([2, 4, 2, 1], rows=10, batch_size=10, order="sequential"))
    names = [entry.call.primitive.name for entry in session.tape.fast.instructions]
    assert len(names) <= 19  # two of them watch: the flag and the history
    assert names.count("sgd_update") == 1


def test_stepping_plays_the_instructions_of_full_speed_and_more_only_to_show():
    tape = Session(xor_document()).tape
    shown = [(entry.call.primitive.name, entry.fields) for entry in tape.shown.instructions]
    fast = [(entry.call.primitive.name, entry.fields) for entry in tape.fast.instructions]
    remaining = iter(shown)
    assert all(any(entry == other for other in remaining) for entry in fast), "same instructions, same order"


def test_parameters_and_gradients_lie_side_by_side():
    session = Session(layered_document([7, 8, 8, 1], rows=30, batch_size=30))
    tape, program = session.tape, session.program
    values = [value for value in program.sources.values() if value.source.role == "parameter"]
    places = [tape.region(value) for value in values]
    slopes = [tape.region(program.gradients[0][value.index]) for value in values]
    for run in (places, slopes):
        assert all(one.offset + one.size == other.offset for one, other in pairwise(run))


def test_programs_and_tapes_print_readably():
    lowered = lower(xor_document(), Session(xor_document())._dataset)
    lowered.program.verify()
    text = lowered.program.describe()
    assert "-- forward dense_1" in text and "tanh" in text and "dense_1.weight: (2, 4)  [parameter]" in text
    listing = plan(lowered.program, 4).describe()
    assert "adam_update" in listing and "update dense_1 + update dense_2" in listing
