"""What looks at a session looks into composites as well: the same findings as for the graph drawn out."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine import Document, ProblemError, Session
from engine.analysis.gradient_check import gradient_check
from engine.analysis.layers import flow, ranks, units
from engine.analysis.paths import paths
from engine.analysis.profile import profile
from engine.analysis.sensitivity import jacobian
from engine.composites import composite_of, set_composites
from engine.graph import COMPOSITE
from engine.grouping import Moved, expanded, grouped, replaced
from engine.weights_file import read_weights, write_weights
from tests.engine.documents import xor_document
from tests.engine.test_trust_graphs import random_document


def pair_of_sessions(nodes: list[str]) -> tuple[Session, Session, Moved]:
    """XOR as it is and with some nodes grouped, with the same numbers, at the same place."""
    plain = xor_document()
    later = plain.copy()
    moved = grouped(later.graph, nodes)
    later.training = replaced(plain.training, moved)
    one, other = Session(plain, dtype="float64"), Session(later, dtype="float64")
    for address, array in one.parameters.items():
        other.set_parameter(moved.address(address), array)
    for session in (one, other):
        session.run(3)
        session.step("iteration")
    return one, other, moved


@pytest.fixture(scope="module")
def sessions() -> tuple[Session, Session, Moved]:
    return pair_of_sessions(["dense_1", "dense_2"])


def test_the_gradient_check_finds_the_same(sessions):
    one, other, moved = sessions
    found = {(entry.address, entry.index): entry for entry in gradient_check(other).entries}
    for entry in gradient_check(one).entries:
        twin = found[moved.address(entry.address), entry.index]
        assert twin.backpropagation == entry.backpropagation and twin.estimate == pytest.approx(
            entry.estimate, abs=1e-9
        )


def test_flow_units_and_ranks_are_those_of_the_nodes_within(sessions):
    one, other, moved = sessions
    lengths = {moved.address(entry.address): entry.gradient for entry in flow(one).parameters}
    assert {entry.address: entry.gradient for entry in flow(other).parameters} == lengths
    assert {entry.address for entry in units(other)} == {moved.address(entry.address) for entry in units(one)}
    assert len(ranks(other)) == len(ranks(one))


def test_paths_lead_through_composites_from_within_and_from_their_ports(sessions):
    one, other, moved = sessions
    whole = paths(one, "dense_1.h", "binary_cross_entropy_1")
    assert paths(other, moved.address("dense_1.h"), "binary_cross_entropy_1").derivative == pytest.approx(
        whole.derivative
    )
    behind = paths(one, "dense_2.h", "binary_cross_entropy_1")
    assert paths(other, "block_1.h", "binary_cross_entropy_1").derivative == pytest.approx(behind.derivative)
    np.testing.assert_allclose(
        jacobian(other, "block_1", "input_1").matrix, jacobian(one, "dense_2", "input_1").matrix, rtol=1e-12
    )


def test_the_profile_and_the_listing_of_the_program_know_them(sessions):
    _, other, _ = sessions
    assert any("block_1/dense_1" in str(line) for line in profile(other, seconds=0.2).lines)
    assert "block_1/dense_1" in other.program.describe()


def test_prediction_evaluation_and_kept_weights_go_on_within(sessions, tmp_path):
    one, other, _ = sessions
    np.testing.assert_array_equal(one.predict([[0.0, 1.0]]), other.predict([[0.0, 1.0]]))
    assert one.evaluate("train") == other.evaluate("train")
    write_weights(tmp_path / "kept.safetensors", other.weights)
    again = Session(other.document, dtype="float64")
    assert again.resume(read_weights(tmp_path / "kept.safetensors")[0]) == []
    for address, array in other.parameters.items():
        np.testing.assert_array_equal(again.parameters[address], array)


def test_stepping_back_restores_what_is_within(sessions):
    _, other, _ = pair_of_sessions(["dense_1", "dense_2"])
    before = other.parameters
    for _ in range(9):
        other.step()
    for _ in range(9):
        other.step_back()
    for address, array in other.parameters.items():
        np.testing.assert_array_equal(array, before[address])


def test_a_number_born_infinite_within_names_its_node():
    _, other, _ = pair_of_sessions(["dense_1", "dense_2"])
    other.set_parameter("block_1/dense_1.weight", np.full((2, 4), 1e308))
    other.step("iteration")
    assert other.problem is not None and other.problem.kind == "finite" and other.problem.node.startswith("block_1/")


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_in_which_some_nodes_are_grouped_take_the_very_steps_they_took(seed):
    document = random_document(seed)
    draw = random.Random(seed)
    names = {node.id for node in document.graph if draw.random() < 0.3} or {next(iter(document.graph.nodes))}
    names |= document.graph.descendants(*names) & document.graph.ancestors(*names)
    later = document.copy()
    try:
        moved = grouped(later.graph, names)
    except ProblemError as error:
        assert "wait for itself" in error.problems[0].fact  # a delay is cut off from its loop
        return
    later.training = replaced(document.training, moved)
    compare(document, later, moved)
    again = Document.from_json(later.to_json())
    assert again.to_json() == later.to_json()
    back = later.copy()
    undone = expanded(back.graph, moved.created[0])
    back.training = replaced(later.training, undone)
    compare(later, back, undone)


def compare(before: Document, after: Document, moved: Moved) -> None:
    """Both run alike: nodes that draw random numbers draw others under another name, and are left out."""
    try:
        one = Session(before)
    except ProblemError:
        with pytest.raises(ProblemError):
            Session(after)
        return
    other = Session(after)
    assert set(other.parameters) == {moved.address(address) for address in one.parameters}
    if any(node.kind is not None and node.kind.category in ("Random", "Learning rules") for node in flat_nodes(before)):
        return
    for address, array in one.parameters.items():
        other.set_parameter(moved.address(address), array)
    one.run(3)
    other.run(3)
    for address, array in one.parameters.items():
        np.testing.assert_array_equal(other.parameters[moved.address(address)], array)
    assert (one.problem is None) == (other.problem is None)


def flat_nodes(document: Document) -> list:
    found = list(document.graph)
    for node in found:  # grows while it is walked
        composite = composite_of(node)
        found.extend(composite.graph if composite is not None else ())
    return found


def test_uses_without_their_definitions_stay_and_come_back_with_them():
    document = xor_document()
    grouped(document.graph, ["dense_1"])
    kept = dict(document.composites)
    set_composites(document.graph, {})
    (problem,) = [problem for problem in document.check() if problem.kind == "unknown"]
    assert problem.node == "block_1" and document.graph.nodes["block_1"].type == COMPOSITE
    set_composites(document.graph, kept)
    assert document.check() == []
