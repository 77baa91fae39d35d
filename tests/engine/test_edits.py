"""An edit plans only what it changes, and what comes of it is what a session of the edited document would have."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

import pytest

from engine import Document, ProblemError, Session
from engine.lowering import Lowering, infer, lower, refusal
from engine.nodes import node_types
from tests.benchmarks.drawings import layers
from tests.engine.documents import xor_document
from tests.engine.test_session import assert_same, everything
from tests.engine.test_trust_graphs import random_document

PRESETS = sorted(Path(__file__).parents[2].glob("presets/*/*.json"))
FLAGS = ("muted", "bypassed", "frozen", "pinned")
SMALL = ("add", "multiply", "tanh", "dense", "neuron", "scale", "parameter", "mean", "square", "constant", "dropout")


def edited(document: Document, draw: random.Random) -> Document:
    """The document after one thing that a person does to it."""
    twin = document.copy()
    graph, change = twin.graph, draw.choice(CHANGES)
    if graph.nodes:
        change(twin, draw)
    return twin


def cut(document: Document, draw: random.Random) -> None:
    wires = document.graph.wires
    if wires:
        del wires[draw.randrange(len(wires))]


def mute_a_wire(document: Document, draw: random.Random) -> None:
    wires = document.graph.wires
    if wires:
        at = draw.randrange(len(wires))
        wires[at] = replace(wires[at], muted=not wires[at].muted)


def pull(document: Document, draw: random.Random) -> None:
    graph = document.graph
    sources = [f"{node.id}.{port.name}" for node in graph if node.kind for port in node.kind.outputs]
    targets = [f"{node.id}.{port.name}" for node in graph if node.kind for port in node.kind.inputs]
    for _ in range(20 if targets else 0):
        source, target = draw.choice(sources), draw.choice(targets)
        if graph.refusal(source, target) is None:
            graph.connect(source, target)
            return


def add(document: Document, draw: random.Random) -> None:
    graph = document.graph
    name = draw.choice(SMALL) if draw.random() < 0.7 else draw.choice(list(node_types()))
    sources = [f"{node.id}.{port.name}" for node in graph if node.kind for port in node.kind.outputs]
    node = graph.add(name)
    ports = [port for port in node_types()[name].inputs if not port.may_stay_free]
    for port in ports:
        graph.connect(draw.choice(sources), node[port.name])


def insert(document: Document, draw: random.Random) -> None:
    graph = document.graph
    if graph.wires:
        wire = draw.choice(graph.wires)
        name = draw.choice(("tanh", "scale", "square", "dense"))
        node = graph.add(name)
        graph.disconnect(wire.source, wire.target)
        graph.connect(wire.source, node)
        graph.connect(f"{node}.{node_types()[name].outputs[0].name}", wire.target)


def remove(document: Document, draw: random.Random) -> None:
    if len(document.graph.nodes) > 1:
        document.graph.remove(draw.choice(list(document.graph.nodes)))


def set_a_property(document: Document, draw: random.Random) -> None:
    node = draw.choice(list(document.graph.nodes.values()))
    assert node.kind is not None
    for name, entry in node.kind.properties().items():
        if hasattr(entry, "options") and draw.random() < 0.5:
            node.properties[name] = draw.choice(entry.options)
        elif name == "units":
            node.properties[name] = draw.randint(1, 5)
        elif entry.is_number and draw.random() < 0.3:
            node.properties[name] = 0.25


def set_a_flag(document: Document, draw: random.Random) -> None:
    node = draw.choice(list(document.graph.nodes.values()))
    node.flags = frozenset() if node.flags else frozenset({draw.choice(FLAGS)})


def plan_otherwise(document: Document, draw: random.Random) -> None:
    training = document.training
    phases = list(training.phases)
    change = draw.randrange(5)
    if change == 0:
        training = replace(training, seed=draw.randrange(5))
    elif change == 1:
        training = replace(training, batch_size=draw.choice([0, 1, 2]))
    elif change == 2:
        training = replace(training, turns=draw.choice(["together", "in_turn"]))
    elif change == 3:
        phases.reverse()
    elif phases:
        goal = draw.choice(list(document.graph.nodes))
        sides = draw.sample([goal, ""], 2)
        phases[0] = replace(phases[0], minimise=sides[0], maximise=sides[1])
    document.training = replace(training, phases=tuple(phases))


def rename(document: Document, draw: random.Random) -> None:
    draw.choice(list(document.graph.nodes.values())).title = "another"


def turn_the_order(document: Document, draw: random.Random) -> None:
    items = list(document.graph.nodes.items())
    draw.shuffle(items)
    document.graph.nodes = dict(items)


CHANGES = (
    cut, cut, pull, pull, add, add, insert, insert, remove, set_a_property, set_a_property, mute_a_wire, set_a_flag,
    plan_otherwise, rename, turn_the_order,
)  # fmt: skip


def told(program) -> str:
    """The program as text, its values counted anew in the order in which they appear."""
    numbers, names = count(), dict[str, str]()
    return re.sub(r"%\d+", lambda found: names.setdefault(found[0], f"%{next(numbers)}"), program.describe())


def assert_same_program(mine, its) -> None:
    assert told(mine.program) == told(its.program)
    assert mine.program.steps == its.program.steps and mine.program.turns == its.program.turns
    assert list(mine.program.sources) == list(its.program.sources)
    assert list(mine.program.outputs) == list(its.program.outputs)
    assert set(mine.problems) == set(its.problems) and mine.shapes == its.shapes
    assert (mine.batch, mine.short, mine.iterations) == (its.batch, its.short, its.iterations)
    for one, other in zip(mine.program.gradients, its.program.gradients, strict=True):
        assert len(one) == len(other)
    for one in (mine, its):
        assert list(chain.from_iterable(one.stretches)) == one.program.calls
    mine.program.verify()


def planned(document):
    """A session of a drawing; None where it has a problem."""
    try:
        return Session(document.copy())
    except ProblemError:
        return None


@pytest.mark.parametrize("seed", range(60))
def test_after_any_edits_a_session_is_what_a_new_one_of_the_same_document_is(seed):
    draw, document = random.Random(seed), random_document(seed)
    session = planned(document)
    if session is None:
        return
    for revision in range(6):
        wanted = edited(document, draw)
        fresh = planned(wanted)
        if fresh is None:
            with pytest.raises(ProblemError):
                session.edit(wanted, revision)
            assert session.document is document or revision == 0
            continue
        document = wanted
        session.edit(document, revision)
        if fresh.steps and draw.random() < 0.5:
            session.step()
        assert_same_program(session.lowered, fresh.lowered)
        weights = session.weights
        fresh.resume(weights)
        session.problem = None
        session._fill(weights.arrays)  # games go on before the first step of an iteration, and that may be begun
        session.playback.begin(*map(int, session._machine.clock))
        session.run(2)
        fresh.run(2)
        assert_same(everything(session), everything(fresh))
        if fresh.problem is not None:
            return


def lasting(session):
    """Parameters and states; a constant is what the document says."""
    sources = session.program.sources
    return {
        name: numbers for name, numbers in session.weights.arrays.items() if sources[name].source.role != "constant"
    }


@pytest.mark.parametrize("seed", range(200, 212))
def test_what_lasts_goes_on_with_its_numbers_wherever_they_still_fit(seed):
    draw, document = random.Random(seed), random_document(seed)
    session = planned(document)
    if session is None:
        return
    for revision in range(6):
        if session.problem is None:
            session.run(1)
            session.step(draw.choice(["node", "phase"]))
        before, wanted = lasting(session), edited(document, draw)
        fresh = planned(wanted)
        if fresh is None:
            continue
        document, is_planned_anew = wanted, session.playback
        session.edit(document, revision)
        if session.playback is is_planned_anew:
            continue
        started = lasting(fresh)
        assert list(lasting(session)) == list(started)
        for address, numbers in lasting(session).items():
            old = before.get(address)
            fits = old is not None and old.shape == numbers.shape
            assert_same({address: numbers}, {address: old if fits else started[address]})


@pytest.mark.parametrize("name", ["gan", "two-readers", "through-one-state", "encoder-block", "xor"])
def test_an_edit_and_its_undoing_leave_training_as_it_was(name):
    path = next((path for path in PRESETS if path.stem == name), None)
    document = Document.load(path) if path is not None else spoiled(0)
    wider = document.copy()
    wider.graph.add("parameter", "beside")
    wider.graph.connect("beside", wider.graph.add("tanh", "bent"))
    edited_meanwhile, left_alone = Session(document.copy()), Session(document.copy())
    for revision in range(3):
        edited_meanwhile.run(1)
        edited_meanwhile.edit((wider, document)[revision % 2].copy(), revision)
        left_alone.run(1)
    edited_meanwhile.edit(document.copy(), 4)
    for session in (edited_meanwhile, left_alone):
        session.run(2)
    assert_same(everything(edited_meanwhile), everything(left_alone))


@pytest.mark.parametrize("name", ["gan", "lstm-vs-rnn", "encoder-block", "xor"])
def test_a_session_goes_on_from_where_somebody_else_lowered_its_document(name):
    document = Document.load(next(path for path in PRESETS if path.stem == name))
    wider = document.copy()
    wider.graph.connect(wider.graph.add("parameter", "beside"), wider.graph.add("tanh", "bent"))
    dataset, lowering = document.load_data()[0], Lowering()
    lowered = lowering.lower(document, dataset)
    taken_over, new = Session(document.copy(), lowering=lowering), Session(document.copy())
    assert taken_over.lowered is lowered
    for one in (taken_over, new):
        one.run(1)
        one.edit(wider.copy(), 1)
        one.run(1)
    assert_same_program(taken_over.lowered, new.lowered)
    assert_same(everything(taken_over), everything(new))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_fused_step_by_step_between_edits_is_what_a_new_session_fuses(seed):
    draw, document = random.Random(seed), layers(30)
    session = Session(document.copy())
    for revision in range(6):
        wanted = edited(document, draw)
        if planned(wanted) is not None:
            document = wanted
            session.edit(document.copy(), revision)
        for _ in range(draw.randrange(6)):  # of each plan a few steps at the most, before the next one is made of it
            session.step()
    weights = session.weights
    fresh = Session(document.copy())
    for one in (session, fresh):
        one.resume(weights)
        one.run(2)
    assert_same(everything(session), everything(fresh))


def test_a_plan_that_was_not_fused_yet_plays_on_after_an_edit_that_nothing_came_of():
    session, untouched = Session(layers(20)), Session(layers(20))
    loose = layers(20)
    for wire in loose.graph.wires[:]:
        if wire.target_port in ("prediction", "target"):
            loose.graph.disconnect(wire.source, wire.target)
    session.edit(loose, 1)  # other derivatives, and fused by nobody
    session.edit(layers(20), 2)
    empty = layers(20)
    for name in list(empty.graph.nodes):
        empty.graph.remove(name)
    with pytest.raises(ProblemError):
        session.edit(empty, 3)
    for one in (session, untouched):
        one.run(3)
    assert_same(everything(session), everything(untouched))


@pytest.mark.parametrize("seed", range(100, 160))
def test_any_drawing_is_lowered_from_the_one_before_as_from_nothing(seed):
    draw, document = random.Random(seed), random_document(seed)
    lowering = Lowering()
    for _ in range(12):
        dataset = document.load_data()[0]
        assert_same_program(lowering.lower(document, dataset), lower(document, dataset))
        if draw.random() < 0.2:
            lowering.take_back()
        document = edited(document, draw)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_any_preset_is_lowered_from_the_one_before_as_from_nothing(path):
    draw, document = random.Random(path.stem), Document.load(path)
    lowering = Lowering()
    for _ in range(6):
        dataset = document.load_data()[0]
        assert_same_program(lowering.lower(document, dataset), lower(document, dataset))
        if draw.random() < 0.2:
            lowering.take_back()
        document = edited(document, draw)


def spoiled(seed: int) -> Document:
    """A layer behind a dropout, learned from two rows after the other in an order of its own."""
    document = xor_document(batch_size=2, order="shuffled")
    document.training = replace(document.training, seed=seed)
    graph = document.graph
    wire = next(wire for wire in graph.wires if graph.nodes[wire.source_node].type == "dense")
    graph.disconnect(wire.source, wire.target)
    graph.connect(wire.source, graph.add("dropout", id="gaps", rate=0.5))
    graph.connect("gaps.h", wire.target)
    return document


def test_another_seed_draws_everything_anew_and_stays_for_the_edits_that_follow():
    session, other = Session(spoiled(0)), Session(spoiled(7))
    session.run(3)
    begun = everything(session)
    session.reset(7)
    session.run(3)
    other.run(3)
    assert_same(everything(session), everything(other))
    assert any((begun[name] != now).any() for name, now in everything(session).items())
    for one, seed in ((session, 0), (other, 7)):
        wider = spoiled(seed)
        wider.graph.add("tanh", id="beside")
        wider.graph.connect("gaps.h", "beside.x")
        one.edit(wider, 1)
        one.run(3)
    assert_same(everything(session), everything(other))
    session.reset()
    session.run(3)
    assert {name: session.value(name).tolist() for name in ("gaps", "dense_1")} == {
        name: begun[f"value {session._address(name)}"].tolist() for name in ("gaps", "dense_1")
    }


def test_wires_are_refused_for_the_same_reasons_by_who_keeps_what_was_lowered():
    asked = 0
    for seed in range(3):
        document, kept = random_document(seed), Lowering(parts=("forward",))
        dataset, nodes = document.load_data()[0], list(document.graph)
        for one, other in [(one, other) for one in nodes for other in nodes]:
            for source, target in zip(one.kind.outputs, other.kind.inputs, strict=False):
                ends = (f"{one.id}.{source.name}", f"{other.id}.{target.name}")
                asked += 1
                assert refusal(document, *ends, dataset, lowering=kept) == refusal(document, *ends, dataset)
    assert asked > 100


def test_shapes_and_problems_are_the_same_for_who_keeps_what_was_lowered():
    draw, document, kept = random.Random(3), random_document(3), Lowering()
    for _ in range(20):
        dataset = document.load_data()[0]
        mine, fresh = infer(document, dataset, lowering=kept), infer(document, dataset)
        assert mine.shapes == fresh.shapes and set(mine.problems) == set(fresh.problems)
        document = edited(document, draw)


def test_what_is_told_names_a_node_as_it_is_called_now():
    document = xor_document()
    document.graph.add("relu", "lonely")
    lowering, session = Lowering(), Session(document)
    for name in ("first", "second"):
        document = document.copy()
        goal = document.training.phases[0]
        document.training = replace(document.training, phases=(replace(goal, minimise="dense_1"),))
        document.graph.nodes["dense_1"].title = name
        session.edit(document, 1)
        for told in (session.lowered.problems, lowering.lower(document).problems, lowering.again(document).problems):
            assert any(f"“{name}” has the shape" in problem.fact for problem in told)
