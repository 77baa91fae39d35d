"""The points themselves: against scikit-learn, against the formulas, and the same for the same seed."""

import importlib.util
import zlib
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.datasets import describe, load, names

ROOT = Path(__file__).parents[3]
DATA = ROOT / "resources" / "data"
DRAWN = [name for name in names() if "seed" in describe(name).options]
CLOUDS = ["blobs", "moons", "circles", "spirals"]
SEEDS = st.integers(0, 2**31 - 1)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_a_shipped_set_equals_the_one_of_scikit_learn(name):
    reference = getattr(sklearn.datasets, f"load_{name}")()
    shipped = load(name)
    assert_array_equal(shipped.inputs, reference.data)
    assert_array_equal(np.ravel(shipped.targets), reference.target)
    assert list(shipped.input_names) == list(reference.feature_names)
    assert list(shipped.class_names) == [str(label) for label in reference.target_names]


def test_the_script_writes_the_shipped_files_byte_for_byte(tmp_path):
    spec = importlib.util.spec_from_file_location("make_data", DATA / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    make.write(tmp_path)
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    shipped = {file.name: file.read_bytes() for file in DATA.iterdir() if file.suffix in (".csv", ".json")}
    assert written == shipped


@pytest.mark.parametrize("samples", [2, 3, 100, 201])
def test_moons_and_circles_without_noise_are_those_of_scikit_learn(samples):
    reference = sklearn.datasets
    moons = load({"name": "moons", "samples": samples, "noise": 0})
    points, classes = reference.make_moons(samples, shuffle=False)
    assert_allclose(moons.inputs, points, atol=1e-15)
    assert_array_equal(moons.targets[:, 0], classes)
    circles = load({"name": "circles", "samples": samples, "noise": 0, "ratio": 0.3})
    points, classes = reference.make_circles(samples, shuffle=False, factor=0.3)
    assert_allclose(circles.inputs, points, atol=1e-15)
    assert_array_equal(circles.targets[:, 0], classes)


@pytest.mark.parametrize(
    ("name", "targets"),
    [("and", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("xor", [0, 1, 1, 0])],
)
def test_truth_tables_in_counting_order(name, targets):
    table = load(name)
    assert table.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert table.targets.tolist() == [[target] for target in targets]
    signs = load({"name": name, "inputs": "-1/+1", "labels": "-1/+1"})
    assert_array_equal(signs.inputs, 2 * table.inputs - 1)
    assert_array_equal(signs.targets, 2 * table.targets - 1)


def test_xor_of_exercise_1_4_in_the_order_of_the_textbook():
    xor = load({"name": "xor", "inputs": "-1/+1", "labels": "-1/+1", "order": "equal first", "positive": "equal"})
    assert xor.inputs.tolist() == [[-1, -1], [1, 1], [1, -1], [-1, 1]]
    assert xor.targets.ravel().tolist() == [1, 1, -1, -1]
    assert (xor.inputs * xor.targets).sum(axis=0).tolist() == [0, 0]  # why the perceptron runs in a circle


def test_the_label_of_the_three_points_is_the_sum_of_two_relu_features():
    points = load("three_points")
    assert points.inputs.tolist() == [[1, 1], [-1, 1], [0, 1]]
    x = points.inputs[:, 0]
    assert_array_equal(points.targets[:, 0], np.maximum(x, 0) + np.maximum(-x, 0))


def test_the_weights_1_minus_1_are_wrong_about_both_points_of_the_perceptron():
    points = load("two_points")
    assert (points.inputs @ [1, -1]).tolist() == [-2, 1]
    assert points.targets.ravel().tolist() == [1, -1]


@settings(max_examples=30)
@given(seed=SEEDS, samples=st.integers(2, 200), gap=st.floats(1e-6, 5), radius=st.floats(0, 5))
def test_discs_with_a_gap_are_separated_by_the_diagonal(seed, samples, gap, radius):
    blobs = load({"name": "blobs", "seed": seed, "samples": samples, "gap": gap, "radius": radius, "labels": "-1/+1"})
    margin = (blobs.inputs.sum(axis=1) / np.sqrt(2)) * blobs.targets[:, 0]
    assert margin.min() >= gap / 2 - 1e-9


@given(samples=st.integers(2, 300), balance=st.floats(0.01, 0.99))
@settings(max_examples=30)
def test_the_balance_of_blobs_is_kept_and_no_class_is_empty(samples, balance):
    positive = load({"name": "blobs", "samples": samples, "balance": balance}).targets.sum()
    assert 1 <= positive <= samples - 1
    assert abs(positive - samples * balance) <= 1


def test_the_diagonal_divides_the_unit_square():
    points = load({"name": "diagonal", "samples": 1020})
    assert points.inputs.min() >= 0 and points.inputs.max() < 1
    assert_array_equal(points.targets[:, 0] > 0, points.inputs[:, 0] > points.inputs[:, 1])


@settings(max_examples=20)
@given(name=st.sampled_from(DRAWN), seed=SEEDS, samples=st.integers(2, 300))
def test_the_same_seed_draws_the_same_points_and_as_many_as_asked(name, seed, samples):
    spec = {"name": name, "seed": seed, "samples": samples}
    first, again = load(spec), load(dict(spec))
    assert first.inputs.shape[0] == first.targets.shape[0] == samples
    assert_array_equal(first.inputs, again.inputs)
    assert_array_equal(first.targets, again.targets)
    assert np.isfinite(first.inputs).all()


@pytest.mark.parametrize("name", CLOUDS)
def test_another_seed_draws_other_points(name):
    assert not np.array_equal(load({"name": name, "seed": 1}).inputs, load({"name": name, "seed": 2}).inputs)


@pytest.mark.parametrize("name", ["moons", "circles", "spirals"])
def test_noise_is_scaled_and_never_drawn_anew(name):
    def points(noise):
        return load({"name": name, "noise": noise, "seed": 5}).inputs

    assert_allclose(points(0.4) - points(0), 2 * (points(0.2) - points(0)), atol=1e-12)


def test_seeded_points_are_the_same_on_every_machine():
    first = load({"name": "diagonal", "seed": 7, "samples": 2}).inputs
    words = _philox(counter=[1, 0, 0, 0], key=[7, zlib.crc32(b"points")])
    assert first.ravel().tolist() == [(word >> 11) * 2.0**-53 for word in words]


def _philox(counter, key):
    """Philox-4x64-10 as Salmon et al. 2011 define it: ten rounds of two products of 64 bits."""
    mask = 2**64 - 1
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
        counter = [
            (second >> 64) ^ counter[1] ^ key[0],
            second & mask,
            (first >> 64) ^ counter[3] ^ key[1],
            first & mask,
        ]
        key = [(key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask]
    return counter


def test_normal_noise_has_mean_0_and_deviation_1():
    noisy = load({"name": "function_1d", "function": "line", "noise": 1, "samples": 100_000})
    noise = noisy.targets - noisy.inputs
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    assert abs((np.abs(noise) < 1).mean() - 0.6827) < 0.01


@pytest.mark.parametrize(
    ("function", "reference"),
    [
        ("sine", lambda x: np.sin(2 * np.pi * x)),
        ("cosine_of_square", lambda x: np.cos(x**2)),
        ("step", lambda x: np.heaviside(x, 1)),
        ("absolute", np.abs),
        ("square", lambda x: x**2),
        ("bump", lambda x: np.exp(-(x**2))),
        ("sawtooth", lambda x: np.mod(x, 1)),
        ("line", lambda x: x),
        ("polynomial", lambda x: x**3 - x),
    ],
)
def test_a_curve_follows_its_formula(function, reference):
    curve = load({"name": "function_1d", "function": function, "low": -2, "high": 3, "frequency": 0.7})
    assert curve.task == "regression" and curve.inputs.shape == curve.targets.shape == (100, 1)
    assert curve.inputs[0] == -2 and curve.inputs[-1] == 3
    assert_allclose(curve.targets, reference(0.7 * curve.inputs), atol=1e-12)


def test_the_coefficients_of_a_polynomial_run_from_the_constant_upwards():
    curve = load({"name": "function_1d", "function": "polynomial", "coefficients": [1, 0, -2]})
    assert_allclose(curve.targets, 1 - 2 * curve.inputs**2)
    assert "y = 1 − 2 u² with u = 1 · x" in curve.preparation[0]


def test_digits_are_scaled_and_shaped_only_when_asked_and_say_so():
    plain, scaled = load("digits"), load({"name": "digits", "scale": "1", "shape": "image"})
    assert plain.inputs.max() == 16 and plain.inputs.shape == (1797, 64)
    assert_array_equal(scaled.inputs, (plain.inputs / 16).reshape(1797, 1, 8, 8))
    assert not any("divided" in sentence for sentence in plain.preparation)
    assert any("divided by 16" in sentence for sentence in scaled.preparation)


def test_chosen_features_come_in_the_order_asked():
    chosen = load({"name": "iris", "features": ["petal width (cm)", "petal length (cm)"]})
    assert_array_equal(chosen.inputs, load("iris").inputs[:, [3, 2]])
    assert chosen.input_names == ("petal width (cm)", "petal length (cm)")
    assert "2 of the 4 features were kept" in chosen.preparation[1]
