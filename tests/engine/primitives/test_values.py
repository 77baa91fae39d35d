"""Every primitive against an independent reference: values, precisions, NaN, and any split of the work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.primitives import all_primitives
from engine.primitives.base import Primitive
from tests.engine.primitives.playing import Array, build, finish, finish_in_pieces, start
from tests.references.registry import Case, all_references, intervals_of, larger

REFERENCES = all_references()
EVERY = pytest.mark.parametrize("primitive", [p for p in all_primitives() if p.name in REFERENCES], ids=str)
FEW = settings(max_examples=12, deadline=None)
PRECISION = {"float64": 1e-12, "float32": 4e-6}


def prepared(primitive: Primitive, case: Case, dtype: str):
    """A program of one call on the case's operands, and a machine that holds them."""

    def recipe(emit_with, operands):
        result = emit_with.emit(primitive.name, *operands, **case.attributes)
        return [operands[k] for k in primitive.writes] or result

    bench = build(recipe, case.operands)
    machine = start(bench, case.operands, dtype, batch=case.batch)
    machine.clock[:2] = case.iteration, case.epoch
    return bench, machine


def played(primitive: Primitive, case: Case, dtype: str) -> list[Array]:
    return finish(*prepared(primitive, case, dtype))


def expected(primitive: Primitive, case: Case) -> list[Array]:
    reference = REFERENCES[primitive.name]
    clock = {"iteration": case.iteration, "epoch": case.epoch, "batch": case.batch}
    wanted = reference.compute.__code__.co_varnames[: reference.compute.__code__.co_argcount]
    asked = {name: clock[name] for name in wanted if name in clock}
    with np.errstate(all="ignore"):
        answer = reference.compute(*case.operands, **case.attributes, **asked)
    return [np.asarray(entry) for entry in (answer if isinstance(answer, tuple) else (answer,))]


def as_float32(case: Case) -> Case:
    """The operands as the smaller precision holds them, so that both precisions see the same numbers."""
    return case._replace(
        operands=[x if x.dtype.kind == "i" else x.astype(np.float32).astype(np.float64) for x in case.operands]
    )


@pytest.mark.parametrize("primitive", all_primitives(), ids=str)
def test_every_primitive_has_a_second_witness(primitive):
    assert primitive.name in REFERENCES, f"write a reference for “{primitive.name}” in tests/references"


@pytest.mark.parametrize("primitive", all_primitives(), ids=str)
def test_every_primitive_says_its_formula_and_its_source(primitive):
    assert primitive.formula and primitive.source
    assert primitive.is_view or primitive.body is not None


@EVERY
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@FEW
@given(data=st.data())
def test_values_agree_with_the_reference(primitive, dtype, data):
    case = as_float32(REFERENCES[primitive.name].draw(data.draw, primitive))
    tolerance = PRECISION[dtype]
    for mine, its in zip(played(primitive, case, dtype), expected(primitive, case), strict=True):
        # A sum that cancels is as exact as its addends are, and these are as large as the other sums of the array.
        largest = float(np.max(np.abs(its), initial=1.0, where=np.isfinite(its)))
        if primitive.is_fused:  # behind a bend nothing tells any more how large the sums were
            largest = max([largest, *[float(np.abs(x).max()) for x in case.operands if x.size and x.dtype.kind == "f"]])
        np.testing.assert_allclose(mine, its, rtol=tolerance, atol=tolerance * largest)
        assert mine.shape == its.shape


@EVERY
@FEW
@given(data=st.data())
def test_a_nan_shows_wherever_the_reference_shows_it(primitive, data):
    case = REFERENCES[primitive.name].draw(data.draw, primitive)
    reals = [k for k, operand in enumerate(case.operands) if operand.dtype.kind == "f"]
    for k in reals:
        spoiled = [operand.copy() for operand in case.operands]
        spoiled[k].flat[data.draw(st.integers(0, spoiled[k].size - 1))] = np.nan
        wrong = case._replace(operands=spoiled)
        for dtype in ("float64", "float32"):
            for mine, its in zip(played(primitive, wrong, dtype), expected(primitive, wrong), strict=True):
                np.testing.assert_array_equal(np.isnan(mine), np.isnan(its))


@EVERY
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@FEW
@given(data=st.data())
def test_two_pieces_of_the_work_make_the_same_bits_as_one(primitive, dtype, data):
    case = REFERENCES[primitive.name].draw(data.draw, primitive)
    share = data.draw(st.floats(0, 1))
    whole = played(primitive, case, dtype)
    pieces = finish_in_pieces(*prepared(primitive, case, dtype), lambda length: round(share * length))
    for one, two in zip(whole, pieces, strict=True):
        assert one.tobytes() == two.tobytes()


@EVERY
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_long_axes_agree_with_the_reference_and_may_be_cut_anywhere(primitive, data):
    with larger():
        case = as_float32(REFERENCES[primitive.name].draw(data.draw, primitive))
    whole = played(primitive, case, "float32")
    # What cancels in a sum is rounded as finely as what was added, not as what is left of it, and once for each addend.
    added = [x for x in case.operands if x.size and x.dtype.kind == "f"]
    largest = max([1.0, *[float(np.abs(x).max()) for x in added]])
    roundings = max([1.0, *[x.size**0.5 / 20 for x in added]])  # of hundreds of addends more than a few come together
    for mine, its in zip(whole, expected(primitive, case), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-5 * largest * roundings)
    share = data.draw(st.floats(0, 1))
    pieces = finish_in_pieces(*prepared(primitive, case, "float32"), lambda length: round(share * length))
    for one, two in zip(whole, pieces, strict=True):
        assert one.tobytes() == two.tobytes()


ONE_BY_ONE = [p for p in all_primitives() if p.name in REFERENCES and REFERENCES[p.name].arity]


@pytest.mark.parametrize("lone", [False, True], ids=["arrays", "lone numbers"])
@pytest.mark.parametrize("primitive", ONE_BY_ONE, ids=str)
def test_vectors_and_their_remainders_make_the_same_bits(primitive, lone):
    # Once a division by a lone number became a product with its reciprocal in the vectors, and stayed one in the rest.
    random, intervals = np.random.default_rng(0), intervals_of(primitive, REFERENCES[primitive.name].arity)
    few = lone and primitive.is_elementwise
    operands = [
        np.asarray(random.uniform(i.low, i.high, () if few and k else (1000,))) for k, i in enumerate(intervals)
    ]
    case = Case(operands, {"zero_is_mistake": True} if primitive.name == "label_error" else {})
    (whole,) = played(primitive, case, "float32")
    for cut in (1, 389, 992):
        (pieces,) = finish_in_pieces(*prepared(primitive, case, "float32"), lambda length, cut=cut: cut)
        assert whole.tobytes() == pieces.tobytes()
