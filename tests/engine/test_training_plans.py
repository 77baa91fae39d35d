"""Whatever a phase chooses: stepped and run alike, gone back exactly, saved and read, explained line by line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import Document, Session
from engine.properties import Choice, Property, Whole
from engine.snapshot import Equation
from engine.structure import structure_of
from engine.training import FAMILIES, DriverType, Phase, Training, optimizer_types
from tests.engine.documents import layered_document, optimizer_of
from tests.engine.test_session import assert_same, everything


def variants() -> dict[str, dict[str, Any]]:
    """Every ingredient by itself in each of its forms, and a plan with everything at once."""
    found: dict[str, dict[str, Any]] = {}
    for family, kind in FAMILIES.items():
        for name, ingredient in kind.family.types.items():
            words = {key: field for key, field in ingredient.settings.items() if not field.is_number}
            found[f"{family} {name}"] = chosen(family, name)
            if isinstance(ingredient, DriverType):
                continue  # tests/engine/drivers goes through their words
            for key, field in words.items():
                for option in options_of(field):
                    found[f"{family} {name} {key} {option}"] = chosen(family, name, **{key: option})
    found["everything"] = {
        "optimizer": {"type": "nesterov", "learning_rate": 0.05},
        "schedule": {"type": "cosine", "length": 5, "warm_up": 2},
        "momentum_schedule": {"type": "linear", "length": 3},
        "penalty": {"type": "elastic_net"},
        "clipping": {"type": "norm", "threshold": 0.1},
        "constraint": {"type": "max_norm", "limit": 0.5},
        "averaging": {"type": "exponential", "decay": 0.5},
    }
    return found


def options_of(field: Property) -> tuple[Any, ...]:
    if isinstance(field, Whole):
        return (field.low, field.low + 2)
    return field.options if isinstance(field, Choice) else (True, False)


def chosen(family: str, name: str, **words: Any) -> dict[str, Any]:
    plan: dict[str, Any] = {"optimizer": {"type": "momentum", "learning_rate": 0.05}}
    plan[family] = {**(optimizer_of(name, 0.05) if family == "optimizer" else {"type": name}), **words}
    return plan


VARIANTS = variants()
EACH = pytest.mark.parametrize("name", VARIANTS)


def document_of(name: str) -> Document:
    is_driven = isinstance(optimizer_types()[VARIANTS[name]["optimizer"]["type"]], DriverType)
    return layered_document([3, 4, 2], rows=7, batch_size=0 if is_driven else 3, **VARIANTS[name])


@EACH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stepping_and_full_speed_give_the_same_bits(name, dtype):
    stepped, running = Session(document_of(name), dtype=dtype), Session(document_of(name), dtype=dtype)
    for _ in range(13 * len(stepped.steps)):
        stepped.step("node")
    running.run(13)
    assert_same(everything(stepped), everything(running))
    assert_same(stepped.averages, running.averages)
    assert running.problem is None


@EACH
def test_going_back_restores_every_bit(name):
    session = Session(document_of(name))
    session.run(4)
    seen, means = [], []
    for _ in range(len(session.steps) + 3):
        seen.append(everything(session))
        means.append(session.averages)
        session.step("node")
    session.run(5)
    while session.iteration > 5 or session.playback.position > 3:
        session.step_back("node")
    for before, mean in zip(reversed(seen), reversed(means), strict=True):
        session.step_back("node")
        assert_same(everything(session), before)
        assert_same(session.averages, mean)


@EACH
def test_an_edit_in_the_middle_keeps_what_the_plan_remembers(name):
    edited, plain = Session(document_of(name)), Session(document_of(name))
    for session in (edited, plain):
        session.run(5)
    twin = document_of(name)
    twin.graph.add("constant", value=1.0)
    edited.edit(twin, 1)
    for session in (edited, plain):
        session.run(5)
    assert_same(edited.parameters, plain.parameters)
    assert_same(edited.averages, plain.averages)


@EACH
def test_a_plan_is_read_as_it_was_written(name):
    training = document_of(name).training
    again, problems = Training.from_json(training.to_json())
    assert again == training and problems == []


@pytest.mark.parametrize("name", list(optimizer_types()))
def test_a_learning_rate_of_0_leaves_parameters_alone_whatever_stands_around_the_step(name):
    plan = {**VARIANTS["everything"], "optimizer": optimizer_of(name, 0.0), "constraint": {"type": "none"}}
    session = Session(layered_document([3, 4, 2], batch_size=0, **plan))
    before = session.parameters
    session.run(20)
    assert_same(session.parameters, before)


@EACH
def test_a_number_that_is_dragged_plans_nothing_anew_and_a_word_does(name):
    document = document_of(name)
    twin = document.copy()
    plan = twin.training.to_json()
    for family in FAMILIES:
        entry = plan["phases"][0].setdefault(family, {"type": FAMILIES[family].family.default})
        for key, field in FAMILIES[family].family.types[entry["type"]].settings.items():
            if field.is_number:
                entry[key] = field.low if field.default != field.low else (field.low + field.high) / 2
    twin.training, problems = Training.from_json(plan)
    assert problems == [] and structure_of(twin) == structure_of(document)
    session = Session(document)
    planned = session.tape
    session.edit(twin, 1)
    assert session.tape is planned
    for address, number in twin.training.phases[0].numbers.items():
        assert float(session.value(address)) == pytest.approx(number)


@pytest.mark.parametrize("name", list(optimizer_types()))
def test_an_overflow_is_told_and_stops_the_run(name):
    session = Session(layered_document([3, 4, 2], batch_size=0, optimizer=optimizer_of(name, 0.05)))
    session.set_parameter("dense_2.weight", np.full((4, 2), 1e38))
    session.run(50)
    assert session.problem is not None and session.problem.kind == "finite"


def test_phases_of_their_own_schedules_do_not_meet():
    document = layered_document([3, 4, 2])
    loss = document.training.phases[0].minimise
    plan = {"phases": [
        {"name": "slow", "minimise": loss, "parameters": ["dense_1"], "optimizer": {"type": "sgd", "learning_rate": 0.01}},
        {"name": "fast", "minimise": loss, "parameters": ["dense_2"], "optimizer": {"type": "adam", "learning_rate": 0.1},
         "schedule": {"type": "exponential", "speed": 1.0, "unit": "iteration"}, "averaging": {"type": "mean"}},
    ]}  # fmt: skip
    session = Session(Document(document.graph, data=document.data["train"], training=plan), dtype="float64")
    session.run(3)
    assert set(session.averages) == {"dense_2.weight", "dense_2.bias"}


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        ({"schedule": {"type": "cosin"}}, "no schedule is called “cosin”"),
        ({"penalty": {"type": "l1", "strength": -1}}, "“strength” is -1, outside 0 to 1000"),
        ({"clipping": {"type": "norm", "limit": 1}}, "“norm” has no setting “limit”"),
        ({"averaging": "mean"}, "an averaging is an object with a “type”"),
        ({"momentum_schedule": {"type": "growing", "unit": "year"}}, "“unit” cannot be 'year'"),
    ],
    ids=str,
)
def test_what_a_plan_cannot_mean_is_told_with_its_place(entry, fact):
    _, problems = Training.from_json({"phases": [{"minimise": "loss_1", **entry}]})
    assert [problem.fact for problem in problems] == [fact]
    assert problems[0].path.startswith(f"phases[0].{next(iter(entry))}") and (problems[0].mend or "outside" in fact)


def test_a_plain_phase_is_written_without_what_it_does_not_choose():
    assert set(Phase().to_json()) == {"name", "minimise", "parameters", "optimizer", "times"}


def test_a_short_plan_knows_schedules_and_penalties():
    short = {"loss": "loss_1", "schedule": {"type": "step"}, "penalty": {"type": "l2"}}
    plan, problems = Training.from_json(short)
    assert (plan.phases[0].schedule.type, plan.phases[0].penalty.type, problems) == ("step", "l2", [])
    _, problems = Training.from_json({**short, "phases": [{}]})
    assert [problem.mend for problem in problems] == ["Delete “loss” and “schedule” and “penalty”, or “phases”."]


# explanations --------------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Callable[..., float]] = {
    r"\min": min,
    r"\max": max,
    r"\cos": math.cos,
    r"\exp": math.exp,
    r"\mathrm{sign}": lambda x: float(np.sign(x)),
}


class Sum:
    """What a line of an explanation comes to, by the numbers written under its symbols."""

    def __init__(self, terms: list[Any]) -> None:
        self.terms, self.place = terms, 0

    def next(self) -> Any:
        return self.terms[self.place] if self.place < len(self.terms) else None

    def take(self) -> Any:
        self.place += 1
        return self.terms[self.place - 1]

    def sum(self) -> float:
        if self.next() == "-":
            self.take()
            total = -self.product()
        else:
            total = self.product()
        while self.next() in ("+", "-"):
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self) -> float:
        total = self.atom()
        while self.next() in (r"\cdot", "/"):
            total = total * self.atom() if self.take() == r"\cdot" else total / self.atom()
        return total

    def atom(self) -> float:
        term = self.take()
        if term in FUNCTIONS:
            assert self.take() == "("
            values = [self.sum()]
            while self.take() == ",":
                values.append(self.sum())
            value = FUNCTIONS[term](*values)
        elif term in ("(", "|"):
            value = abs(self.sum()) if term == "|" else self.sum()
            self.take()
        else:
            value = math.pi if term == r"\pi" else float(term)
        while isinstance(self.next(), str) and (power := re.fullmatch(r"\{\}\^\{([\d/.]+)\}", self.next())):
            self.take()
            top, _, bottom = power[1].partition("/")
            value = value ** (float(top) / float(bottom or 1))
        return value


def sides(equation: Equation) -> tuple[float, float]:
    words: list[Any] = [term.latex if term.number is None else term.number for term in equation.terms]
    for place, term in enumerate(equation.terms):
        if term.latex.startswith("{}^") and term.number is not None:
            words[place] = f"{{}}^{{{term.number}}}"
    cut = words.index("=")
    return Sum(words[:cut]).sum(), float(words[cut + 1])


def explained(name: str, node: str = "dense_1") -> list[Equation]:
    session = Session(document_of(name), dtype="float64")
    session.run(2)
    while True:
        step = session.step("node")
        if step is not None and (step.node, step.part) == (node, "update"):
            break
    explanation = session.explain()
    assert explanation is not None
    return list(explanation.equations)


@EACH
def test_every_line_of_an_update_holds_with_the_numbers_put_in(name):
    equations = explained(name)
    assert equations
    for equation in equations:
        assert all(term.number is not None for term in equation.terms if term.role != "operator"), equation
        latex = [term.latex for term in equation.terms]
        if "=" not in latex:
            continue
        left, right = sides(equation)
        assert left == pytest.approx(right, rel=1e-9, abs=1e-12), equation


@EACH
def test_lines_of_one_parameter_follow_each_other_without_a_gap(name):
    """What a line calls new is what the next line of the same parameter calls old."""
    shown: dict[str, float] = {}
    for equation in explained(name):
        for term in equation.terms:
            if term.role == "old":
                assert shown.setdefault(term.latex, term.number) == term.number
        for term in equation.terms:
            if term.role == "new" and equation.terms[-1] is term:
                shown[term.latex] = term.number
    session = Session(document_of(name), dtype="float64")
    session.run(3)
    numbers = np.concatenate([array.ravel() for array in session.parameters.values()])
    assert all(np.abs(numbers - number).min() == 0 for number in shown.values())
