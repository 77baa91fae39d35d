"""Layer by layer: gradients and updates against autograd, dead units that were made, ranks against linear algebra."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from engine import Session
from engine.analysis.layers import flow, rank_of, ranks, units
from tests.engine.documents import chain_of_sigmoids, layered_document
from tests.engine.test_trust_phases import duel


@pytest.fixture
def session() -> Session:
    session = Session(layered_document([4, 5, 2], rows=6, batch_size=6, order="sequential"), dtype="float64")
    session.run(3)
    return session


def loss_of(session: Session):
    def loss(parameters):
        h = anp.tanh(anp.dot(session.dataset.inputs, parameters["dense_1.weight"]) + parameters["dense_1.bias"])
        y = anp.dot(h, parameters["dense_2.weight"]) + parameters["dense_2.bias"]
        return anp.mean((y - session.dataset.targets) ** 2)

    return loss


def test_lengths_of_gradients_and_updates_are_those_of_the_next_iteration(session):
    before = session.parameters
    expected = grad(loss_of(session))(before)
    found = flow(session)
    assert [entry.address for entry in found.parameters] == list(before)
    for entry in found.parameters:
        assert entry.length == pytest.approx(np.linalg.norm(before[entry.address]))
        assert entry.gradient == pytest.approx(np.linalg.norm(expected[entry.address]))
        assert entry.update == pytest.approx(0.05 * entry.gradient)
        assert entry.update_ratio == pytest.approx(entry.update / entry.length)
        assert entry.entries == before[entry.address].size
    session.run(1)
    for entry in found.parameters:
        assert entry.update == pytest.approx(np.linalg.norm(session.parameters[entry.address] - before[entry.address]))


def test_signals_are_told_with_their_gradients(session):
    found = {entry.address: entry for entry in flow(session).signals}
    session.run(1)
    for name in ("dense_1", "dense_2"):
        value, gradient = session.value(name), session.gradient(name)
        assert found[f"{name}.h"].value == pytest.approx(np.sqrt(np.mean(value**2)))
        assert found[f"{name}.h"].gradient == pytest.approx(np.sqrt(np.mean(gradient**2)))


def test_in_the_middle_of_an_iteration_it_is_measured_from_its_start(session):
    expected = flow(session)
    while session.next_step is not None and session.next_step.part != "update":
        session.step()
    session.step()  # one layer has its update already
    again = flow(session)
    assert [entry.update for entry in again.parameters] == pytest.approx(
        [entry.update for entry in expected.parameters]
    )


def test_measuring_leaves_the_session_untouched(session):
    before = session.weights.arrays
    flow(session)
    units(session)
    ranks(session)
    assert session.iteration == 3
    for address, array in session.weights.arrays.items():
        np.testing.assert_array_equal(array, before[address])


def test_where_phases_take_turns_only_the_one_whose_turn_it_is_moves():
    session = Session(duel(times=2))
    moved = []
    for _ in range(3):
        moved.append(frozenset(entry.address for entry in flow(session).parameters if entry.update))
        session.run(1)
    assert moved[0] == moved[1] != moved[2]
    assert moved[0].isdisjoint(moved[2])


@pytest.mark.text("03:vanishing-gradient-chain")
def test_the_gradient_vanishes_down_a_chain_of_sigmoids():
    session = Session(chain_of_sigmoids(10))
    found = flow(session)
    gradients = {entry.address: entry.gradient for entry in found.signals}
    for place, expected in ((10, 1), (9, 0.2247043), (5, 5.72829e-4), (1, 1.41638e-6)):
        assert gradients[f"sigmoid_{place}.h"] == pytest.approx(expected, rel=5e-6)
    assert found.parameters[0].gradient == pytest.approx(2.78477e-7, rel=5e-6)


def rectified(activation: str = "relu") -> Session:
    session = Session(layered_document([3, 4, 2], rows=10, activation=activation))
    weight, bias = np.zeros((3, 4)), np.array([-1.0, 1, 0, 0])
    weight[:, 2], weight[:, 3] = 1, 100
    session.set_parameter("dense_1.weight", weight)
    session.set_parameter("dense_1.bias", bias)
    return session


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.text("03:dead-relu")
def test_a_rectifier_that_no_row_wakes_is_dead(activation):
    found = {entry.address: entry for entry in units(rectified(activation))}["dense_1.h"]
    np.testing.assert_array_equal(found.dead, [True, False, False, False])
    np.testing.assert_array_equal(found.constant, [True, True, False, False])
    assert found.active[0] == 0
    assert found.active[1] == 1
    session = rectified(activation)
    sums = session.dataset.inputs.sum(axis=1)
    assert found.active[2] == pytest.approx((sums > 0).mean())
    assert not found.saturated.any()


def test_nothing_is_learned_through_a_dead_unit():
    session = rectified()
    session.run(1)
    gradient = session.gradient("dense_1.weight")
    assert not gradient[:, 0].any()
    assert gradient[:, 3].any()


def test_a_unit_of_tanh_that_is_always_at_its_bounds_is_saturated():
    session = rectified("tanh")
    session.set_parameter("dense_1.bias", [5, 1, 0, 0])
    found = {entry.address: entry for entry in units(session)}
    np.testing.assert_array_equal(found["dense_1.h"].saturated[:3], [True, False, False])
    assert not found["dense_1.h"].dead.any()
    values = np.tanh(session.dataset.inputs.sum(axis=1))
    assert found["dense_1.h"].means[2] == pytest.approx(values.mean(), rel=1e-5)
    assert found["dense_1.h"].deviations[2] == pytest.approx(values.std(), rel=1e-5)
    assert set(found) == {"dense_1.h", "dense_2.h"}


@pytest.mark.parametrize(
    ("matrix", "effective", "stable", "numerical"),
    [
        (np.eye(4), 4, 4, 4),
        (np.ones((3, 5)), 1, 1, 1),
        (np.zeros((2, 3)), 0, 0, 0),
        (np.diag([3.0, 1.0]), np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))), 10 / 9, 2),
    ],
)
def test_ranks_of_known_matrices(matrix, effective, stable, numerical):
    found = rank_of(matrix)
    assert (found.effective, found.stable, found.numerical) == (
        pytest.approx(effective), pytest.approx(stable), numerical,
    )  # fmt: skip


def test_the_ranks_of_weights_and_of_what_layers_answer(session):
    found = {entry.address: entry for entry in ranks(session)}
    assert set(found) == {"dense_1.weight", "dense_2.weight", "dense_1.h", "dense_2.h"}
    values = np.linalg.svd(session.parameters["dense_1.weight"])[1]
    np.testing.assert_allclose(found["dense_1.weight"].singular_values, values)
    assert found["dense_1.weight"].numerical == np.linalg.matrix_rank(session.parameters["dense_1.weight"])
    assert found["dense_1.h"].shape == (6, 5)
    hidden = np.tanh(session.dataset.inputs @ session.parameters["dense_1.weight"] + session.parameters["dense_1.bias"])
    np.testing.assert_allclose(found["dense_1.h"].singular_values, np.linalg.svd(hidden)[1])
