"""Labels, split, standardising, one-hot targets: exact, and said aloud."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from engine.datasets import load
from engine.problems import ProblemError

FRACTIONS = st.floats(0.01, 0.99)


def split_or_refusal(spec):
    """The data set, or None where the share leaves no row to test on (which is said in a sentence)."""
    try:
        return load(spec)
    except ProblemError as error:
        assert [(problem.path, problem.kind) for problem in error.problems] == [("test_fraction", "option")]
        assert "leaves no row to test on" in error.problems[0].fact
        return None


@settings(max_examples=60)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=6), fraction=FRACTIONS, seed=st.integers(0, 99))
def test_a_split_is_disjoint_complete_and_keeps_the_share_of_every_class(counts, fraction, seed):
    targets = np.repeat(np.arange(len(counts)), counts)
    spec = {"inputs": np.arange(len(targets)), "targets": targets, "task": "classes"}
    loaded = split_or_refusal(spec | {"test_fraction": fraction, "split_seed": seed})
    if loaded is None:
        return
    both = np.concatenate([loaded.train_rows, loaded.test_rows])
    assert_array_equal(np.sort(both), np.arange(len(targets)))
    tested = np.bincount(targets[loaded.test_rows], minlength=len(counts))
    assert (np.abs(tested - fraction * np.array(counts)) < 1 + 1e-6).all()
    assert (tested < counts).all()
    assert len(loaded.test_rows) >= 1
    assert_array_equal(loaded.train_rows, np.sort(loaded.train_rows))
    assert_array_equal(loaded.inputs[:, 0], np.arange(len(targets)))  # the loader shuffles nothing


@settings(max_examples=40)
@given(samples=st.integers(2, 500), fraction=FRACTIONS, seed=st.integers(0, 99))
def test_a_split_of_a_curve_keeps_the_nearest_whole_share(samples, fraction, seed):
    spec = {"name": "function_1d", "samples": samples, "test_fraction": fraction, "split_seed": seed}
    loaded = split_or_refusal(spec)
    if loaded is not None:
        assert abs(len(loaded.test_rows) - samples * fraction) <= 1
        assert_array_equal(np.sort(np.r_[loaded.train_rows, loaded.test_rows]), np.arange(samples))


def test_a_fifth_of_iris_is_ten_flowers_of_each_species():
    loaded = load({"name": "iris", "test_fraction": 0.2})
    assert np.bincount(loaded.targets[loaded.test_rows]).tolist() == [10, 10, 10]
    assert "120 training rows and 30 test rows" in loaded.preparation[-1]
    assert "setosa: 40 + 10" in loaded.preparation[-1]


def test_the_split_depends_on_its_own_seed_only():
    def rows(**options):
        return load({"name": "moons", "test_fraction": 0.3, **options}).test_rows.tolist()

    assert rows(seed=1) == rows(seed=2)
    assert rows(split_seed=1) != rows(split_seed=2)


def test_without_a_test_fraction_every_row_trains_and_nothing_is_said_about_it():
    loaded = load("iris")
    assert loaded.train_rows.tolist() == list(range(150)) and loaded.test_rows.size == 0
    assert not any("plit" in sentence or "tandardised" in sentence for sentence in loaded.preparation)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "moons"])
def test_standardising_uses_the_training_rows_exactly(name):
    plain = load({"name": name, "test_fraction": 0.3})
    scaled = load({"name": name, "test_fraction": 0.3, "standardise": True})
    train = plain.inputs[plain.train_rows]
    assert_array_equal(scaled.input_mean, train.mean(axis=0))
    assert_array_equal(scaled.input_deviation, train.std(axis=0))
    assert_array_equal(scaled.inputs, (plain.inputs - train.mean(axis=0)) / train.std(axis=0))
    assert_allclose(scaled.inputs[scaled.train_rows].mean(axis=0), 0, atol=1e-12)
    assert_allclose(scaled.inputs[scaled.train_rows].std(axis=0), 1)


def test_the_sentence_of_standardising_holds_mean_and_deviation():
    loaded = load({"inputs": [[0, 5], [2, 5]], "targets": [0.5, 1.5], "standardise": True})
    assert loaded.inputs.tolist() == [[-1, 0], [1, 0]]
    assert "x1: mean 1, deviation 1; x2: mean 5, deviation 1" in loaded.preparation[-2]
    assert loaded.preparation[-1] == "1 feature never changes in the training rows: centred, and divided by 1."


def test_pixels_that_never_change_are_centred_and_stay_finite():
    loaded = load({"name": "digits", "standardise": True})
    assert np.isfinite(loaded.inputs).all()
    assert "3 features never change" in loaded.preparation[-1]


@settings(max_examples=60)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 8), st.integers(1, 4)),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_standardising_gives_finite_numbers_or_a_sentence(inputs):
    try:
        loaded = load({"inputs": inputs, "targets": np.zeros(len(inputs)), "standardise": True})
    except ProblemError as error:
        assert error.problems[0].path == "standardise"
    else:
        assert np.isfinite(loaded.inputs).all()


@pytest.mark.parametrize("name", ["and", "xor", "blobs", "moons", "breast_cancer", "three_points"])
def test_binary_labels_are_one_column_of_the_numbers_asked(name):
    zero_one, signs = load({"name": name, "labels": "0/1"}), load({"name": name, "labels": "-1/+1"})
    assert zero_one.task == "binary" and zero_one.targets.shape == (len(zero_one.inputs), 1)
    assert set(zero_one.targets.ravel()) == {0.0, 1.0}
    assert_array_equal(signs.targets, 2 * zero_one.targets - 1)
    low, high = zero_one.class_names
    assert f"Labels: 0 means {low}, 1 means {high}." in zero_one.preparation
    assert f"Labels: −1 means {low}, +1 means {high}." in signs.preparation


def test_one_hot_targets_have_a_one_under_the_class():
    plain, columns = load("digits"), load({"name": "digits", "one_hot": True})
    assert plain.targets.dtype == np.int64 and plain.targets.shape == (1797,)
    assert columns.targets.dtype == np.float64 and columns.targets.shape == (1797, 10)
    assert_array_equal(columns.targets.argmax(axis=1), plain.targets)
    assert (columns.targets.sum(axis=1) == 1).all()
    assert columns.target_names == columns.class_names


@pytest.mark.parametrize(
    "spec", ["xor", "iris", {"name": "wine", "standardise": True, "test_fraction": 0.5, "one_hot": True}]
)
def test_no_array_can_be_written_to(spec):
    loaded = load(spec)
    for array in (loaded.inputs, loaded.targets, loaded.train_rows, loaded.test_rows):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_arrays_handed_over_are_copied():
    inputs, targets = np.zeros((2, 2)), np.ones((2, 1))
    loaded = load({"inputs": inputs, "targets": targets})
    inputs[:] = 9
    assert loaded.inputs.max() == 0
    assert targets.flags.writeable


def test_inputs_in_their_own_units_are_standardised_as_the_rows_of_training():
    spec = {"name": "wine", "standardise": True, "test_fraction": 0.25}
    found, plain = load(spec), load({**spec, "standardise": False})
    np.testing.assert_array_equal(found.standardise(plain.inputs), found.inputs)
    np.testing.assert_allclose(found.measured, plain.inputs, rtol=1e-12)
    np.testing.assert_array_equal(plain.standardise(plain.inputs), plain.measured)


def folded(spec, folds):
    return [load(spec | {"folds": folds, "fold": fold}) for fold in range(1, folds + 1)]


@pytest.mark.parametrize(("name", "folds"), [("iris", 5), ("iris", 7), ("xor", 4)])
@pytest.mark.text("04:cross-validation")
def test_every_row_is_tested_on_in_exactly_one_segment(name, folds):
    parts = folded({"name": name}, folds)
    tested = np.concatenate([part.test_rows for part in parts])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(parts[0].inputs)))
    for part in parts:
        assert set(part.train_rows) | set(part.test_rows) == set(range(len(part.inputs)))
        assert not set(part.train_rows) & set(part.test_rows)
    sizes = [len(part.test_rows) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_each_segment_holds_its_share_of_every_class():
    for part in folded({"name": "iris"}, 5):
        assert np.bincount(part.targets[part.test_rows]).tolist() == [10, 10, 10]
        assert part.preparation[-1].endswith("120 training rows and 30 test rows.")


def test_one_row_is_left_out_where_there_are_as_many_segments_as_rows():
    parts = folded({"name": "xor"}, 4)
    assert [len(part.test_rows) for part in parts] == [1, 1, 1, 1]
    assert (
        load({"name": "iris", "folds": 5, "split_seed": 1}).test_rows.tolist()
        != load({"name": "iris", "folds": 5}).test_rows.tolist()
    )


@pytest.mark.parametrize(
    ("options", "path", "fact"),
    [
        ({"folds": 1}, "folds", "4 rows cannot be parted into 1 segments"),
        ({"folds": 5}, "folds", "4 rows cannot be parted into 5 segments"),
        ({"folds": 2, "fold": 3}, "fold", "there is no segment 3 of 2"),
        ({"folds": 2, "test_fraction": 0.5}, "folds", "the rows are kept for testing twice"),
    ],
)
def test_segments_that_cannot_be_made_are_refused(options, path, fact):
    with pytest.raises(ProblemError) as refused:
        load({"name": "xor", **options})
    assert [(problem.path, problem.fact) for problem in refused.value.problems] == [(path, fact)]
