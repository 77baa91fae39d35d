"""How numbers read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.theme.numbers import number_text, shape_text, spread_text, token_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-3, "−3"),
        (60000, "60000"),
        (0.849, "0.849"),
        (0.19, "0.190"),
        (1.2512, "1.251"),
        (-0.1531, "−0.153"),
        (0.01234, "0.0123"),
        (0.00123, "0.00123"),
        (12.346, "12.35"),
        (1234.6, "1235"),
        (9.99996, "10.00"),
        (0.000999999, "0.00100"),
        (99999.7, "1.00e5"),
        (0.0000123, "1.23e−5"),
        (-1.5e12, "−1.50e12"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
    ],
)
def test_a_number_reads_as_in_the_pictures(value, text):
    assert number_text(value) == text


def test_the_sign_of_a_gradient_is_always_written():
    assert [number_text(value, signed=True) for value in (0.56, -0.56, 0, float("inf"))] == [
        "+0.560",
        "−0.560",
        "0",
        "+∞",
    ]


def test_fewer_digits_on_request():
    assert [number_text(value, digits=2) for value in (1.2512, 0.8666, 0.0123)] == ["1.25", "0.87", "0.012"]


@given(st.floats(-1e300, 1e300), st.integers(2, 6))
def test_what_is_written_is_the_value_to_its_digits(value, digits):
    text = number_text(value, digits=digits).replace("−", "-")
    assert float(text) == pytest.approx(value, rel=0.51 * 10 ** (1 - digits), abs=0)
    assert "-" not in number_text(value, digits=digits)


@given(st.floats(1e-3, 1e5))
def test_a_number_on_a_node_is_never_longer_than_seven_signs(value):
    assert len(number_text(value)) <= 7


def test_an_array_reads_as_mean_and_spread():
    assert spread_text(0.41, 0.83) == "0.41 ± 0.83"
    assert spread_text(None, 0.5) == "–"
    assert spread_text(-3.3e-17, 0.59) == "0 ± 0.59"  # what rounding leaves of a sum that cancels
    assert spread_text(1e-3, 0.0) == "0.0010 ± 0"


def test_shapes_read_as_in_python_without_the_odd_comma():
    assert [shape_text(shape) for shape in ((), (4,), ("B", 3))] == ["()", "(4)", "(B, 3)"]


def test_signs_states_and_faults_have_their_own_colours():
    assert [token_of(value) for value in (1.0, -1.0, 0.0, None, math.nan)] == ["pos", "neg", "text2", "text3", "error"]
