"""Random numbers and shuffles: bits as published, moments as stated, permutations without exception."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from engine.primitives.draws import philox
from engine.program import Builder
from engine.values import Value
from tests.engine.primitives.playing import Array, build, finish, play, start
from tests.references.philox import philox_4x32_10

# kat_vectors of the authors' library Random123, philox4x32 with 10 rounds: counter, key, answer.
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), PUBLISHED)
def test_the_generator_gives_the_published_words(counter, key, answer):
    assert philox_4x32_10(counter, key) == answer
    assert philox(*counter, *key) == answer


def drawn(name: str, count: int, key: object = (7, 9), *, iteration: int = 0, dtype: str = "float32") -> Array:
    chance = [np.full((), 0.3)] if name == "random_bernoulli" else []
    return play(lambda b, v: b.emit(name, *v, shape=(count,), key=key), chance, dtype, iteration=iteration)[0]


def test_compiled_uniform_numbers_hold_the_generators_bits_in_both_precisions():
    words = [philox_4x32_10((5, place, 0, 0), (7, 9))[0] >> 8 for place in range(1000)]
    for dtype in ("float32", "float64"):
        assert (drawn("random_uniform", 1000, iteration=5, dtype=dtype) * 2**24).astype(np.int64).tolist() == words


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [("random_uniform", 0.5, 12**-0.5), ("random_normal", 0, 1), ("random_bernoulli", 0.3, 0.21**0.5)],
)
def test_moments_are_those_of_the_distribution(name, mean, deviation):
    numbers = drawn(name, 100_000)
    assert numbers.mean() == pytest.approx(mean, abs=5 * deviation / 100_000**0.5)
    assert numbers.std() == pytest.approx(deviation, rel=0.02)


def test_key_and_iteration_change_every_number_and_length_none():
    numbers = drawn("random_uniform", 100)
    assert drawn("random_uniform", 50).tolist() == numbers[:50].tolist()
    assert not (drawn("random_uniform", 100, (7, 10)) == numbers).any()
    assert not (drawn("random_uniform", 100, (8, 9)) == numbers).any()
    assert not (drawn("random_uniform", 100, iteration=1) == numbers).any()


def test_one_number_of_64_bits_is_a_key_as_well():
    assert drawn("random_uniform", 9, 7 + (9 << 32)).tolist() == drawn("random_uniform", 9, (7, 9)).tolist()


class Shuffle:
    """The row numbers of whole epochs of `rows` rows."""

    def __init__(self, rows: int, key: int = 12345, *, batch: int = 0) -> None:
        def recipe(b: Builder, values: list[Value]) -> Value:
            return b.emit("batch_rows", rows=rows, key=key)

        self.bench = build(recipe, [])
        self.machine = start(self.bench, [], batch=batch or rows)

    def order(self, epoch: int, iteration: int = 0) -> list[int]:
        self.machine.clock[:] = 0, epoch, iteration
        return finish(self.bench, self.machine)[0].tolist()


@pytest.mark.parametrize("rows", [*range(1, 40), 63, 64, 65, 100, 127, 128, 129, 1000, 1797, 60000])
def test_an_epoch_is_a_permutation_of_the_rows(rows):
    shuffle = Shuffle(rows)
    for epoch in range(3):
        assert sorted(shuffle.order(epoch)) == list(range(rows))


@pytest.mark.parametrize("rows", [10, 100, 1797])
def test_every_epoch_and_every_key_has_its_own_order(rows):
    orders = [tuple(Shuffle(rows, key).order(epoch)) for key in (1, 2, 1 << 40) for epoch in range(5)]
    assert len(set(orders)) == len(orders)
    assert Shuffle(rows, 1).order(3) == list(orders[3])


def test_batches_follow_each_other_and_wrap_at_the_end():
    whole, batches = Shuffle(10), Shuffle(10, batch=4)
    order = whole.order(2)
    assert [batches.order(2, k) for k in range(3)] == [order[:4], order[4:8], order[8:] + order[:2]]


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 8, 10, 20])
def test_every_row_comes_at_every_place_about_equally_often(rows):
    epochs = 4000
    shuffle = Shuffle(rows)
    counts = np.zeros((rows, rows))
    for epoch in range(epochs):
        counts[np.arange(rows), shuffle.order(epoch)] += 1
    expected = epochs / rows
    assert chi2.sf(((counts - expected) ** 2 / expected).sum(), (rows - 1) ** 2) > 1e-4


def test_neighbours_of_the_data_do_not_stay_neighbours():
    shuffle = Shuffle(1000)
    steps = np.concatenate([np.diff(shuffle.order(epoch)) for epoch in range(20)])
    assert np.mean(np.abs(steps) == 1) < 0.006
    # Two independent rows differ by a third of the rows on average.
    assert np.abs(steps).mean() == pytest.approx(1000 / 3, rel=0.03)
    assert max(np.unique(steps, return_counts=True)[1]) < 100
