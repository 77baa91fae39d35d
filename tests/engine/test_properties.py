"""Settings of nodes, optimizers and data sets: what is kept as it is, and what is refused with which sentence."""

from __future__ import annotations

import math

import pytest

from engine.problems import ProblemError
from engine.properties import Choice, Dimensions, Flag, Numbers, Property, Real, Text, Whole


def named(made: Property) -> Property:
    made.name = "units"
    return made


def nested(lists: int) -> object:
    """A number within so many lists."""
    return [nested(lists - 1)] if lists else 1.5


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (Whole(1, low=1, high=9), 1, 1),
        (Whole(1, low=1, high=9), 9.0, 9),
        (Whole(None), None, None),
        (Real(0.5, low=0.0, high=1.0), 0, 0.0),
        (Real(0.5, low=0.0, high=1.0), 1.0, 1.0),
        (Choice("a", ("a", "b")), "b", "b"),
        (Choice("a", lambda: ["a", "c"]), "c", "c"),
        (Flag(False), True, True),
        (Text(longest=3), "abc", "abc"),
        (Dimensions(None, high=9), [1, 9], (1, 9)),
        (Dimensions(None), [1] * 8, (1,) * 8),
        (Dimensions(None), None, None),
        (Numbers(None), nested(8), nested(8)),
        (Numbers(None), [[1, 2.0], [3, 4]], [[1, 2.0], [3, 4]]),
        (Numbers(None), [0.0] * 10**6, [0.0] * 10**6),
        (Numbers(None), None, None),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Property) else None,
)
def test_what_fits_is_kept_up_to_the_very_limit(kind, value, kept):
    found = named(kind).check(value)
    assert found == kept and type(found) is type(kept)


@pytest.mark.parametrize(
    ("kind", "value", "fact"),
    [
        (Whole(1, low=1, high=9), 0, "“units” is 0, outside 1 to 9"),
        (Whole(1, low=1, high=9), 10, "“units” is 10, outside 1 to 9"),
        (Whole(1), 1.5, "needs a whole number, not 1.5"),
        (Whole(1), True, "needs a whole number, not True"),
        (Whole(1), math.inf, "needs a whole number, not inf"),
        (Whole(1), None, "needs a whole number, not None"),
        (Real(0.5, low=0.0, high=1.0), 1.5, "“units” is 1.5, outside 0 to 1"),
        (Real(0.5, low=0.0, high=1.0), -1e-9, "“units” is -1e-09, outside 0 to 1"),
        (Real(0.5), math.nan, "needs a finite number, not nan"),
        (Real(0.5), 10**400, "needs a finite number, not 1000"),
        (Choice("mean", ("mean", "sum")), "mena", "“units” cannot be 'mena'. Did you mean “mean”?"),
        (Choice("mean", ("mean", "sum")), 7, "Choose one of mean, sum."),
        (Flag(False), 1, "is yes or no (true or false), not 1"),
        (Text(longest=3), "abcd", "needs text of at most 3 characters"),
        (Dimensions(None), [1] * 9, "needs a list of up to 8 whole numbers"),
        (Dimensions(None, high=9), [1, 10], "“units” holds 10. Each entry is a whole number from 1 to 9."),
        (Dimensions((2,)), None, "needs a list of up to 8 whole numbers, not None"),
        (Numbers(None), nested(9), "is nested deeper than 8 lists. Write it flatter."),
        (Numbers(None), [[1.0], [2.0, 3.0]], "has rows of different lengths. Give every row as many numbers."),
        (Numbers(None), [], "holds no number. Type at least one."),
        (Numbers(None), [0.0] * (10**6 + 1), "holds 1000001 numbers. Keep large tables in a data file."),
        (Numbers(None), [1.0, math.nan], "holds nan. Only finite numbers can stand here."),
        (Numbers(1.0), None, "holds None. Only finite numbers can stand here."),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Property) else None,
)
def test_what_does_not_fit_is_refused_with_fact_mend_and_place(kind, value, fact):
    with pytest.raises(ProblemError) as refused:
        named(kind).check(value)
    (problem,) = refused.value.problems
    assert fact in str(problem)
    assert (problem.path, problem.kind) == ("properties.units", "property")
