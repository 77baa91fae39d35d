"""Sequences: what they ask for can be read off them, and lies as many steps apart as they say."""

from __future__ import annotations

import numpy as np
import pytest

from engine.datasets import load
from engine.datasets.sequences import TEXT


def test_the_bit_to_remember_is_the_first_step_and_half_of_them_are_ones():
    data = load({"name": "bit_to_remember", "samples": 50, "steps": 7})
    assert data.inputs.shape == (50, 7, 1)
    np.testing.assert_array_equal(data.targets[:, 0], data.inputs[:, 0, 0] > 0)
    assert set(np.abs(data.inputs[:, 0, 0])) == {1.0} and data.targets.sum() == 25
    still = load({"name": "bit_to_remember", "distractors": 0.0})
    assert not still.inputs[:, 1:].any()


@pytest.mark.parametrize("steps", (2, 3, 10))
def test_the_marked_numbers_of_the_adding_problem_add_up_to_the_target(steps):
    data = load({"name": "adding_problem", "steps": steps})
    numbers, marks = data.inputs[..., 0], data.inputs[..., 1]
    np.testing.assert_array_equal(marks[:, : steps // 2].sum(axis=1), 1)
    np.testing.assert_array_equal(marks[:, steps // 2 :].sum(axis=1), 1)
    np.testing.assert_allclose(data.targets[:, 0], (numbers * marks).sum(axis=1))


def test_parity_counts_ones_at_the_end_or_all_the_way():
    data = load({"name": "parity", "steps": 5})
    assert data.inputs.shape == (32, 5, 1) and len({tuple(row) for row in data.inputs[..., 0]}) == 32
    np.testing.assert_array_equal(data.targets[:, 0], data.inputs.sum(axis=(1, 2)) % 2)
    every = load({"name": "parity", "steps": 12, "wanted": "every", "samples": 20})
    assert every.targets.shape == (20, 12, 1)
    np.testing.assert_array_equal(every.targets, np.cumsum(every.inputs, axis=1) % 2)


@pytest.mark.text("08:parity-sequence")
def test_numbers_08_parity_sequence():
    data = load({"name": "parity", "steps": 10, "samples": 1024})
    answers = {
        "".join(str(int(bit)) for bit in row): label
        for row, (label,) in zip(data.inputs[..., 0], data.targets, strict=True)
    }
    assert answers["1000010101"] == 0  # an even number of ones: YES
    assert load({"name": "parity", "steps": 6}).targets[0b100011, 0] == 1  # three ones: NO


def test_a_sine_is_foretold_by_itself_some_steps_later():
    data = load({"name": "sine_sequence", "steps": 9, "ahead": 3})
    np.testing.assert_allclose(data.inputs[:, 3:], data.targets[:, :-3], atol=1e-12)
    last = load({"name": "sine_sequence", "steps": 9, "ahead": 3, "wanted": "last"})
    np.testing.assert_array_equal(last.targets, data.targets[:, -1])
    noisy = load({"name": "sine_sequence", "steps": 9, "ahead": 3, "noise": 0.1})
    np.testing.assert_array_equal(noisy.targets, data.targets)
    assert np.abs(noisy.inputs - data.inputs).max() > 0.1


def test_a_text_is_read_letter_by_letter_and_the_next_one_is_asked_for():
    data = load({"name": "short_text", "steps": 8, "stride": 1})
    alphabet = sorted(set(TEXT))
    read = ["".join(alphabet[code] for code in row.argmax(axis=1)) for row in data.inputs]
    assert read[4] == TEXT[4:12] and len(read) == len(TEXT)
    assert [alphabet[code] for code in data.targets] == list(TEXT[8:] + TEXT[:8])
    every = load({"name": "short_text", "steps": 8, "stride": 1, "wanted": "every", "columns": False})
    np.testing.assert_array_equal(every.inputs[:, 1:], every.targets[:, :-1].argmax(axis=2))


@pytest.mark.parametrize("answer", ("reversed", "sorted", "same"))
def test_symbols_are_wanted_in_the_order_that_is_said(answer):
    data = load({"name": "symbols_to_reorder", "answer": answer})
    wanted = {"reversed": data.inputs[:, ::-1], "sorted": np.sort(data.inputs, axis=1), "same": data.inputs}[answer]
    np.testing.assert_array_equal(data.targets.argmax(axis=2), wanted)
    assert data.targets.shape == (256, 5, 4)
