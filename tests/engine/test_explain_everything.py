"""Formulas of whatever there is: every node type, optimizer and activation, and random graphs at every moment."""

from __future__ import annotations

import random

import pytest

from engine.explain import curve, factors
from engine.nodes import node_types
from engine.nodes.layers import ACTIVATIONS
from engine.session import Session
from engine.training import optimizer_types
from tests.engine.documents import optimizer_of
from tests.engine.every_type import document_around
from tests.engine.explaining import check_terms, numbers, random_document, step_to, xor_net

LOSSES = [name for name, kind in node_types().items() if kind.category == "Losses" and kind.input("target")]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_a_formula_and_a_slope(activation):
    session = Session(xor_net(activation=activation))
    assert step_to(session, "forward", "dense_1").note == ""
    explanation = step_to(session, "backward", "dense_1")
    assert all(term.role != "absent" for equation in explanation.equations for term in equation.terms)


def check_all_steps(session: Session, rounds: int, rng: random.Random) -> None:
    for _ in range(rounds * len(session.steps)):
        played = session.step()
        for step in session.steps:
            explanation = session.explain(step, rng.randrange(-1, 40), rng.randrange(-1, 40))
            if explanation is None:
                continue
            if played is not None and step.index <= played.index:
                assert explanation.note == ""
            for equation in explanation.equations:
                check_terms(equation)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(4))
def test_random_graphs_are_explained_at_every_moment(loss, seed):
    rng = random.Random(f"{loss} {seed}")
    session = Session(random_document(rng, loss))
    check_all_steps(session, 1, rng)
    session.run(3)
    check_all_steps(session, 1, rng)


@pytest.mark.parametrize("name", [name for name, kind in node_types().items() if kind.inputs and kind.outputs])
def test_every_node_type_is_explained_with_numbers_that_agree(name):
    session = Session(document_around(name))
    session.step("iteration")
    mine = [step for step in session.steps if step.node == f"{name}_1"]
    assert mine
    for step in mine:
        explanation = session.explain(step, row=2, unit=1)
        assert explanation is not None
        assert explanation.note == ""
        for equation in explanation.equations:
            check_terms(equation)
            products = [term for term in equation.terms if term.role in ("incoming", "local", "outgoing")]
            if [term.role for term in products] == ["incoming", "local", "outgoing"]:
                assert products[0].number * products[1].number == pytest.approx(products[2].number)
    curve(session, f"{name}_1", 2, 1)
    factors(session, f"{name}_1", 2, 1)


@pytest.mark.parametrize("name", list(optimizer_types()))
@pytest.mark.parametrize("node", ["dense_1", "dense_2"])
def test_every_optimizer_shows_old_and_new_in_its_last_line(name, node):
    session = Session(xor_net(optimizer=optimizer_of(name, 0.05)))
    session.step("iteration")
    before = session.parameters[f"{node}.bias"]
    explanation = step_to(session, "update", node)
    last = explanation.equations[-1]
    unit = min(2, before.size - 1)
    assert numbers(last, "old") == [before[unit]]
    assert numbers(last, "new") == [session.parameters[f"{node}.bias"][unit]]
    assert all(term.number is not None for e in explanation.equations for term in e.terms if term.role != "operator")
