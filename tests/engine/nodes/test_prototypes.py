"""Competing prototypes against the catalogue's checks and rules written out in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.nodes.prototypes import lattice_places
from tests.engine.nodes.playing_rules import assert_steps_runs_and_ways_back_agree, session, value


@pytest.mark.text("08:competitive-learning")
def test_numbers_08_competitive_learning():
    played = session("competitive_learning", [[1, 2]], units=2, initial_prototypes=[[0, 0], [4, 0]])
    played.step("iteration")
    assert value(played, "distance")[0] == pytest.approx([2.236068, 3.605551], abs=5e-7)
    np.testing.assert_allclose(played.parameters["rule.prototypes"], [[0.1, 0.2], [4, 0]], atol=1e-15)
    assert value(played, "winner").tolist() == [0]


@pytest.mark.text("08:kmeans-vs-competitive")
def test_numbers_08_kmeans_vs_competitive_running_means():
    played = session(
        "competitive_learning", [[0], [2], [7]], batch=1, units=1, step="running mean", initial_prototypes=[[9]]
    )
    seen = []
    for _ in range(3):
        played.step("iteration")
        seen.append(played.parameters["rule.prototypes"][0, 0])
    assert seen == pytest.approx([0, 1, 3])


@pytest.mark.text("02:rbf-kmeans-prototypes")
def test_numbers_02_rbf_kmeans_prototypes():
    rows = [[0], [1], [2], [8], [9], [10]]
    played = session("k_means", rows, units=2, initial_prototypes=[[0], [1]])
    errors, centres = [], []
    for _ in range(4):
        played.step("iteration")
        errors.append(float(value(played, "error")))
        centres.append(played.parameters["rule.prototypes"].ravel().tolist())
    assert errors == pytest.approx([195, 34, 4, 4])
    assert centres == [[0, 6], [1, 9], [1, 9], [1, 9]]


def test_a_cluster_that_wins_nothing_stays_where_it_is():
    played = session("k_means", [[0], [1]], units=2, initial_prototypes=[[0], [50]])
    played.run(3)
    assert played.parameters["rule.prototypes"].ravel().tolist() == [0.5, 50]


def test_prototypes_start_at_different_training_rows_and_with_another_seed_at_others():
    rows = np.arange(40.0).reshape(20, 2)
    starts = [session("k_means", rows, units=5, seed=seed).parameters["rule.prototypes"] for seed in (0, 1)]
    for start in starts:
        found = {tuple(row) for row in start}
        assert len(found) == 5 and found <= {tuple(row) for row in rows}
    assert not np.array_equal(*starts)


def served(gamma: float) -> tuple[int, int]:
    """Wins of a prototype that begins far away, at (10, 10), and how many points it serves in the end."""
    random = np.random.default_rng(0)
    rows = np.concatenate([random.normal(0, 0.1, (900, 2)), random.normal(3, 0.5, (100, 2))])
    random.shuffle(rows)
    start = [[0.05, 0], [-0.05, 0], [0, 0.05], [10, 10]]
    more = {"learning_rate": 0.05, "gamma": gamma, "initial_prototypes": start}
    played, wins = session("vector_quantisation", rows, batch=1, units=4, **more), 0
    for _ in range(5000):
        played.run(1)
        wins += int(value(played, "winner")[0] == 3)
    nearest = np.linalg.norm(rows[:, None] - played.parameters["rule.prototypes"][None], axis=2).argmin(axis=1)
    return wins, int((nearest == 3).sum())


@pytest.mark.text("07:vector-quantization")
def test_numbers_07_vector_quantization_rescues_a_dead_prototype():
    """The catalogue's run (its start is not said): 0, 8 and 720 wins for γ = 0, 0.01 and 0.05."""
    assert served(0.0) == (0, 0)
    assert 0 < served(0.01)[0] < 20
    wins, points = served(0.05)
    assert wins > 80 and points > 20


def test_sensitivities_grow_for_losers_and_fall_to_0_for_the_winner():
    played = session("vector_quantisation", [[0.0]], units=2, gamma=0.25, initial_prototypes=[[0.5], [1.1]])
    winners, sensitivities = [], []
    for _ in range(4):
        played.step("iteration")
        winners.append(int(value(played, "winner")[0]))
        sensitivities.append(value(played, "sensitivity")[0].tolist())
    assert winners == [0, 0, 0, 1]
    assert sensitivities == [[0, 0], [0, 0.25], [0, 0.5], [0, 0.75]]  # as they stood when the winner was found


@pytest.mark.text("07:som")
def test_numbers_07_som_distances_and_damping_on_the_lattice():
    places = lattice_places(5, 5, "square")
    assert np.linalg.norm(places[0] - places[2 * 5 + 3]) == pytest.approx(math.sqrt(13))
    start = np.zeros((25, 1)).tolist()
    start[0] = [0.9]
    for radius, far, near in ((1.0, 0.001503, 0.606531), (2.0, 0.197, 0.882), (0.5, 5e-12, 0.135)):
        played = session(
            "kohonen_map", [[1.0]], rows=5, columns=5, initial_prototypes=start, learning_rate=1.0, final_share=1.0,
            radius=radius, final_radius=radius,
        )  # fmt: skip
        played.step("iteration")
        moved = played.parameters["rule.prototypes"].ravel()  # from 0 towards 1: by the damping itself
        assert moved[2 * 5 + 3] == pytest.approx(far, rel=2e-3 if radius != 0.5 else 0.1)
        assert moved[1] == moved[5] == pytest.approx(near, rel=3e-3)


@pytest.mark.text("08:som-hexagonal")
def test_numbers_08_som_hexagonal_six_neighbours_at_distance_1():
    places = lattice_places(5, 5, "hexagonal")
    assert places[5] == pytest.approx([0.8660254, 0.5])
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    neighbours = (np.abs(apart - 1) < 1e-9).sum(axis=1).reshape(5, 5)
    assert (neighbours[1:4, 1:4] == 6).all() and set(neighbours.ravel()) <= {2, 3, 4, 5, 6}


@pytest.mark.parametrize("lattice", ["square", "hexagonal"])
@pytest.mark.text("07:som")
def test_numbers_07_som_unfolds_over_the_unit_square(lattice):
    """8×8 units, 20,000 steps, σ 3 → 0.3, α 0.5 → 0.02: the catalogue's run has errors of 0.0461 and 0.0470."""
    rows = np.random.default_rng(0).random((2000, 2))
    played = session(
        "kohonen_map", rows, batch=1, rows=8, columns=8, lattice=lattice, length=20000.0, start="uniform",
    )  # fmt: skip
    played.run(20000)
    prototypes = played.parameters["rule.prototypes"]
    distances = np.linalg.norm(rows[:, None] - prototypes[None], axis=2)
    assert distances.min(axis=1).mean() == pytest.approx(0.046, abs=0.003)
    places, (first, second) = lattice_places(8, 8, lattice), np.argsort(distances, axis=1)[:, :2].T
    torn = np.linalg.norm(places[first] - places[second], axis=1) > 1.001
    assert torn.mean() < 0.05


def test_a_step_neighbourhood_moves_units_within_the_radius_alike():
    played = session(
        "kohonen_map", [[1.0]], rows=1, columns=5, neighbourhood="step", radius=1.5, final_radius=1.5, learning_rate=0.5,
        final_share=1.0, initial_prototypes=[[0.0], [0.0], [0.1], [0.0], [0.0]],
    )  # fmt: skip
    played.step("iteration")
    assert played.parameters["rule.prototypes"].ravel() == pytest.approx([0, 0.5, 0.55, 0.5, 0])
    assert value(played, "position").tolist() == [[0, 2]]


@pytest.mark.parametrize("rule", ["competitive_learning", "vector_quantisation", "kohonen_map", "k_means"])
def test_stepping_running_and_going_back_agree_bit_for_bit(rule):
    rows = np.random.default_rng(3).random((6, 2))
    batch = 6 if rule == "k_means" else 2
    assert_steps_runs_and_ways_back_agree(lambda: session(rule, rows, batch=batch), 5)
