"""An edit that fails once its plan is made leaves a session as one that never saw it: no bit of what follows is another."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import engine.session
from engine import Document, Session
from tests.benchmarks.drawings import layers
from tests.engine.test_edits import edited, planned
from tests.engine.test_session import assert_same, everything

PRESETS = Path(__file__).parents[2] / "presets"
DRAWINGS = [PRESETS / "recurrent/gru-by-hand.json", PRESETS / "attention/encoder-block.json"]


def fail_to_edit(session: Session, document: Document, at: str) -> None:
    """An edit that is lowered and planned, and finds no memory for what plays it."""

    def no_memory(*_):
        raise MemoryError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(engine.session, at, no_memory)
        session.edit(document, session.revision + 1)


def otherwise_trained() -> Document:
    """Twenty layers whose loss nobody asks for: every layer has other derivatives."""
    document = layers(20)
    for wire in document.graph.wires[:]:
        if wire.target_port in ("prediction", "target"):
            document.graph.disconnect(wire.source, wire.target)
    return document


@pytest.mark.parametrize("at", ["Drivers", "Playback"])
@pytest.mark.parametrize("steps", [0, 3])
def test_a_plan_that_was_not_fused_yet_outlives_an_edit_that_failed_behind_its_own(at, steps):
    document = layers(20)
    session, untouched = Session(document.copy()), Session(document.copy())
    for one in (session, untouched):
        one.edit(otherwise_trained(), 1)
        one.edit(document.copy(), 2)
        for _ in range(steps):  # some of its nodes are fused by then, and the others not
            one.step()
    fail_to_edit(session, otherwise_trained(), at)
    for one in (session, untouched):
        one.step()
        one.run(2)
    assert_same(everything(session), everything(untouched))


@pytest.mark.parametrize("seed", range(12))
def test_between_edits_of_any_kind_those_that_failed_leave_no_trace(seed):
    draw = random.Random(seed)
    document = layers(20) if seed % 3 == 0 else Document.load(DRAWINGS[seed % 3 - 1])
    session, untouched = Session(document.copy()), Session(document.copy())
    failed = 0
    for revision in range(1, 6):
        wanted, other = edited(document, draw), otherwise_drawn(document, draw)
        if planned(wanted) is not None:
            document = wanted
            for one in (session, untouched):
                one.edit(document.copy(), revision)
        if planned(other) is not None:
            fail_to_edit(session, other, draw.choice(["Drivers", "Playback"]))
            failed += 1
        for _ in range(draw.choice([0, 0, 1, 3])):
            assert str(session.step()) == str(untouched.step())
        assert_same(everything(session), everything(untouched))
    for one in (session, untouched):
        one.run(2)
    assert_same(everything(session), everything(untouched))
    assert failed > 2


def otherwise_drawn(document: Document, draw: random.Random) -> Document:
    """The document with one more node, which no plan of before serves, and one change of any kind."""
    twin = edited(document, draw)
    beside = twin.graph.add("parameter")
    twin.graph.connect(f"{beside}.value", twin.graph.add("tanh"))
    return twin
