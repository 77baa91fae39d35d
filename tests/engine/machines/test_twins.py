"""Two threads with a memory each: the bits of one thread, in everything that anybody may look at behind them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Document, Session
from engine.machines import cpu, lanes, twins
from engine.machines.cpu import CpuMachine
from engine.machines.runs import joined
from engine.machines.slopes import sloped
from engine.machines.standby import side_by_side
from engine.primitives.fused_time import own_part, parts_of
from engine.values import Batch
from tests.engine.documents import attending, recurrent
from tests.engine.primitives.playing import build, finish, start

PRESETS = Path(__file__).parents[3] / "presets"
KINDS = ["rnn_cell", "lstm_cell", "gru_cell"]
ROWS = [pytest.param(20, 20, id="whole batches"), pytest.param(38, 20, id="a short one that is halved"),
        pytest.param(43, 19, id="a short one for both")]  # fmt: skip


@pytest.fixture
def shared(monkeypatch):
    """Whatever can be played by twins is."""
    monkeypatch.setattr(twins, "WORTH_NS", -1e9)
    monkeypatch.setattr(cpu, "available", lambda: 2)
    monkeypatch.setattr(lanes.Pace, "choose", lambda pace, times: (True, times))


def session_of(kind: str, rows: int = 20, batch: int = 20, **properties) -> Session:
    return Session(recurrent(kind, rows=rows, batch_size=batch, **properties))


def computed(machine: CpuMachine) -> dict[int, bytes]:
    """The bits of all that twins and one thread compute, of the examples that were there last."""
    full, total = machine.epoch
    rows = machine.tape.batch if (machine.clock[2] - 1) % total < full else machine.tape.short
    found = {}
    for call in [played.first.call for played in machine.played.played]:
        for value in (call.result, *call.operands):
            if machine.tape.places[value.index] is not None:
                view, first = machine.view(value), value.shape[0] if value.shape else 1
                found[value.index] = (view[: rows * first.factor] if isinstance(first, Batch) else view).tobytes()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rows", "batch"), ROWS)
def test_twins_make_the_bits_of_one_thread(shared, kind, rows, batch):
    together, single = (session_of(kind, rows, batch).playback.machine for _ in range(2))
    assert together._pair is not None
    for times in (1, 4, 5, 6, 12):
        assert together.iterate(times) == single._play_alone(times) == times
        found, wanted = computed(together), computed(single)
        assert [index for index in wanted if found[index] != wanted[index]] == []


@pytest.mark.parametrize(("rows", "batch"), ROWS)
def test_attention_is_halved_by_examples(shared, rows, batch):
    together, single = (Session(attending(32, rows=rows, batch_size=batch, heads=4)).playback.machine for _ in range(2))
    assert together._pair is not None
    names = {part.instruction.call.primitive.name for part in twins.scripts_of(together.tape)[0].parts}
    assert {"products_total", "row_slopes", "batch_matmul_apart"} <= names
    for times in (1, 4, 7):
        assert together.iterate(times) == single._play_alone(times) == times
        found, wanted = computed(together), computed(single)
        assert [index for index in wanted if found[index] != wanted[index]] == []


def test_slopes_of_a_sequence_are_the_sum_of_those_of_two_halves(shared):
    first, second = twins.scripts_of(Session(attending(32, rows=20, batch_size=20)).tape)
    assert len(first.stages) == 2
    parts = [
        p for p in zip(first.parts, second.parts, strict=True) if p[0].instruction.call.primitive.name == "row_slopes"
    ]
    assert len(parts) == 4
    for mine, its in parts:
        assert (mine.first, mine.last) == (its.first, its.last)
        assert mine.fields[4] == its.fields[4] == 50
        assert its.fields[0] - mine.fields[0] == 50 * 32


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_what_updates_remember_is_the_same_in_both_memories(shared, optimizer):
    properties = {"optimizer": {"type": optimizer, "learning_rate": 0.01}}
    together, single = (session_of("lstm_cell", **properties).playback.machine for _ in range(2))
    together.iterate(30)
    single._play_alone(30)
    assert computed(together) == computed(single)
    other = together._pair._other
    (begin, end), kept = together.tape.parameter_span, together.tape.kept_spans[-1]
    assert other.arena[begin:end].tobytes() == together.arena[begin:end].tobytes()
    assert other.arena[slice(*kept)].tobytes() == together.arena[slice(*kept)].tobytes()


def test_a_run_goes_from_one_thread_to_two_and_back(monkeypatch):
    monkeypatch.setattr(twins, "WORTH_NS", -1e9)
    monkeypatch.setattr(cpu, "available", lambda: 2)
    turns = iter([False, True, True, False, True] * 10)
    monkeypatch.setattr(lanes.Pace, "choose", lambda pace, times: (next(turns), min(times, 7)))
    together, single = session_of("rnn_cell").playback.machine, session_of("rnn_cell").playback.machine
    for _ in range(3):
        assert together.iterate(40) == single._play_alone(40) == 40
        assert computed(together) == computed(single)


def test_both_stop_behind_the_iteration_in_which_a_number_is_no_longer_finite(shared):
    together, single = session_of("rnn_cell").playback.machine, session_of("rnn_cell").playback.machine
    assert together.iterate(20) == single._play_alone(20) == 20
    for machine in (together, single):
        sources = machine.tape.program.sources
        machine.view(sources["data.inputs"])[-1, 0, 0] = np.nan  # of an example that the other thread has
    assert together.iterate(20) == single._play_alone(20) == 1
    assert together.flag and single.flag


def test_a_session_steps_and_runs_on_from_where_twins_stopped(shared):
    run, stepped = session_of("lstm_cell"), session_of("lstm_cell")
    assert run.playback.machine._pair is not None
    run.run(12)
    while stepped.iteration < 12:
        stepped.step("node")
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name
    assert run.loss == stepped.loss


def test_gradients_and_losses_are_all_that_twins_meet_for(shared):
    machine = session_of("lstm_cell").playback.machine
    first, second = twins.scripts_of(machine.tape)
    assert len(first.stages) == len(second.stages) == 2
    names = [part.instruction.call.primitive.name for part in first.parts]
    alone = joined(sloped(machine.tape), runs=False)
    assert sorted(names) == sorted(entry.first.call.primitive.name for entry in alone.played)
    assert (
        [part.more for part in first.parts if part.more] == [entry.more for entry in alone.played if entry.more] != []
    )
    halved = [part for part, other in zip(first.parts, second.parts, strict=True) if part[2:] != other[2:]]
    assert len(halved) > 0.7 * len(names)
    for part, other in zip(first.parts, second.parts, strict=True):
        assert part.instruction is other.instruction
        assert part.last == other.first or (part.first, part.last) == (other.first, other.last)


def test_what_a_thread_sends_is_under_way_as_soon_as_it_is_there(shared):
    tape = session_of("lstm_cell").tape
    for script in twins.scripts_of(tape):
        senders = [post.behind for post in script.posts]
        assert senders == sorted(senders)
        assert senders[0] < len(script.parts) // 2
        for post in script.posts:
            part = script.parts[post.behind]
            call = part.instruction.call
            made = [
                tape.region(value) for value in (call.result, *call.operands) if tape.places[value.index] is not None
            ]
            assert any(each.offset <= post.sent < each.offset + each.size for each in made)


def test_an_update_of_many_parameters_waits_for_all_of_their_gradients(shared):
    document = Document.load(PRESETS / "recurrent" / "both-ways.json")
    together, single = (Session(document).playback.machine for _ in range(2))
    assert (
        len(together._pair._actors[0]._rows[0]) > 3
    )  # stages: what goes back in time comes later than what goes forth
    assert together.iterate(6) == single._play_alone(6) == 6
    assert computed(together) == computed(single)


def test_few_examples_are_not_halved(monkeypatch):
    monkeypatch.setattr(twins, "WORTH_NS", 0.0)
    assert twins.scripts_of(session_of("lstm_cell", 7, 7).tape) is None


@pytest.mark.parametrize("rows", [16, 17, 40])
@pytest.mark.parametrize("sums", [False, True])
def test_a_sum_over_examples_is_made_of_those_of_both_halves(rows, sums):
    draw = np.random.default_rng(7)
    given = [draw.normal(size=(rows, n)).astype(np.float32) for _ in range(3) for n in (9, 33)]
    operands = [*given, np.zeros(33, np.float32)] if sums else given

    def recipe(emit_with, values):
        return [emit_with.emit("products_total", *values, sums=sums), *([values[-1]] if sums else [])]

    bench = build(recipe, operands)
    whole = finish(bench, start(bench, operands, "float32"))
    halves = []
    for part in (0, 1):
        machine = start(bench, operands, "float32")
        (entry,) = machine.tape.fast.instructions
        machine.tape.fast.instructions[0] = entry._replace(fields=own_part(entry.fields, part))
        halves.append(finish(bench, machine))
    cut = parts_of(rows)[0]
    exact = sum(x[:cut].T @ dy[:cut] for x, dy in zip(given[::2], given[1::2], strict=True))
    np.testing.assert_allclose(halves[0][0], exact, rtol=1e-4, atol=1e-4)
    for found, one, other in zip(whole, *halves, strict=True):
        assert found.tobytes() == (one + other).tobytes()


def test_helpers_are_used_again():
    assert [side_by_side(lambda: 1, lambda: 2) for _ in range(3)] == [2, 2, 2]
