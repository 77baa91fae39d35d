"""Two threads that each own half of the units: the bits of one thread, whoever is late, and an end at the same iteration."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

from engine import Session
from engine.machines import cpu, halves, lanes, together
from engine.machines.bodies import body_of
from engine.machines.distance import Distance
from engine.machines.meetings import Work, meetings
from engine.machines.processor import vector_length
from engine.machines.splits import splits_of
from engine.placement import LINE
from tests.engine.documents import convolving, layered_document


@pytest.fixture
def shared(monkeypatch):
    """Whatever can be halved is, whatever the machine has."""
    monkeypatch.setattr(halves, "WORTH_NS", -np.inf)
    monkeypatch.setattr(cpu, "available", lambda: 2)
    monkeypatch.setattr(lanes.Pace, "choose", lambda pace, times: (True, times))


def classifier(*sizes: int, **training):
    return layered_document(list(sizes), **{"rows": 90, "batch_size": 32, "loss": "softmax_cross_entropy", **training})


def kept(session):
    """Everything that lasts, by name, and the clock."""
    machine = session.playback.machine
    lasting = [v for v in session.program.sources.values() if v.source.role in ("parameter", "state")]
    return [*[(repr(value), machine.view(value).tobytes()) for value in lasting if session.tape.places[value.index]],
            ("clock", machine.clock.tobytes())]  # fmt: skip


def alone(document, iterations):
    lanes.keep_free(64)
    try:
        session = Session(document)
        done = session.playback.machine._play_whole(
            session.playback.machine._fast, session.playback.machine._joined.turns, iterations
        )
        return done, session
    finally:
        lanes.keep_free(0)


def stepped(document, iterations):
    session = Session(document)
    for _ in range(iterations * len(session.steps)):
        session.step("node")
    return session


NETS = {
    "two layers": (8, 32, 10),
    "depth that a rule halves twice": (8, 64, 16),
    "wide layers one behind another": (8, 64, 32, 10),
    "three wide layers": (5, 32, 64, 96, 2),
    "a narrow layer between wide ones": (7, 32, 16, 32, 10),
    "only the first layer is wide": (6, 96, 10),
}


@pytest.mark.parametrize("sizes", NETS.values(), ids=NETS)
def test_halves_make_the_bits_of_one_thread_and_of_stepping(shared, sizes):
    document = classifier(*sizes, activation="relu" if 16 in sizes else "tanh")
    both = Session(document)
    assert both.playback.machine._halved is not None
    assert both.playback.machine.iterate(7) == 7
    _, single = alone(document, 7)
    assert kept(both) == kept(single) == kept(stepped(document, 7))


def test_rectifiers_are_no_passes_of_their_own(shared):
    """The products before them bend what leaves the registers, forward, and gate what is sent back."""
    machine = Session(classifier(5, 32, 64, 96, 2, activation="relu")).playback.machine
    names = [entry.kernel.name for half in machine._halves.both for entry in half.code.instructions]
    assert "relu_body" not in names and "relu_gradient_body" not in names
    assert names.count("matmul_gated") > 0 and names.count("matmul_onto_gated") > 0


@pytest.mark.parametrize(("sizes", "sent"), (((8, 64, 64, 10), {"matmul_gated"}), ((8, 64, 10), set())))
def test_what_the_other_thread_reads_of_a_short_sum_goes_past_the_caches(shared, sizes, sent):
    document = classifier(*sizes, activation="relu")
    both = Session(document)
    entries = [entry for half in both.playback.machine._halves.both for entry in half.code.instructions]
    past = {entry.kernel.name for entry in entries if ("PAST", 1) in body_of(entry, "float32")[1]}
    assert past == (sent if vector_length() == LINE else set())
    both.playback.machine.iterate(7)
    assert kept(both) == kept(alone(document, 7)[1]) == kept(stepped(document, 7))


PLAIN = {"type": "sgd", "learning_rate": 0.05}


@pytest.mark.parametrize(
    ("training", "steps"),
    [
        ({}, 3),  # of the first layer, and two halves of the second; the third is narrow
        ({"optimizer": {**PLAIN, "type": "momentum"}}, 0),
        ({"penalty": {"type": "l2", "strength": 0.01}}, 0),
        ({"clipping": {"type": "value", "lowest": -0.1}}, 0),
        ({"schedule": {"type": "cosine"}}, 0),
    ],
    ids=("plain", "with momentum", "with a penalty", "clipped", "at a rate that changes"),
)
def test_plain_steps_of_wide_layers_are_taken_where_their_slopes_are_found(shared, training, steps):
    """Unless the slopes themselves or another rate are asked for; the bits are those of slopes and updates apart."""
    document = classifier(8, 64, 96, 10, activation="relu", **{"optimizer": PLAIN, **training})
    both = Session(document)
    for half in both.playback.machine._halves.both:
        section = half.code.turns[0].full
        names = [entry.kernel.name for entry in half.code.instructions[section.begin : section.end]]
        assert names.count("matmul_descent") == steps
    both.playback.machine.iterate(7)
    assert kept(both) == kept(alone(document, 7)[1]) == kept(stepped(document, 7))


def test_what_is_sent_of_half_of_the_examples_goes_out_before_the_other_half_is_computed(shared):
    """And the loss of classes is one piece with the sums before it and the slopes behind."""
    machine = Session(classifier(8, 32, 10)).playback.machine
    for half in machine._halves.both:
        names = [entry.kernel.name for entry in half.code.instructions[: len(half.code.instructions) // 4]]
        first, second = (at for at, name in enumerate(names) if name == "send_lines")
        assert names.index("linear_body", first) < second < names.index("await_other")
        assert names.count("class_slopes") == 2 and "class_gradient_body" not in names


@pytest.mark.parametrize("rows", (70, 80, 96))
def test_a_last_batch_of_any_size_makes_the_same_bits(shared, rows):
    document = classifier(8, 32, 10, rows=rows)
    both = Session(document)
    both.playback.machine.iterate(7)
    assert kept(both) == kept(alone(document, 7)[1])


def test_each_thread_computes_what_a_view_looks_at(shared):
    """Once the second one left out what it needed of it through a view, and went on with whatever lay there."""
    document = classifier(4, 32, 2, loss="squared_error")
    both = Session(document)
    assert both.playback.machine._halved is not None
    both.playback.machine.iterate(7)
    _, single = alone(document, 7)
    assert kept(both) == kept(single)


def test_random_nets_make_the_same_bits(shared):
    draw = random.Random(3)
    for _ in range(4):
        sizes = [
            draw.choice((3, 20, 32)),
            *[draw.choice((16, 32, 64)) for _ in range(draw.randint(1, 3))],
            draw.choice((2, 10)),
        ]
        optimizer = {"type": draw.choice(("sgd", "momentum", "adam")), "learning_rate": 0.01}
        order = draw.choice(("shuffled", "sequential"))
        document = classifier(*sizes, activation="relu", optimizer=optimizer, order=order)
        both = Session(document)
        halved = both.playback.machine._halved
        assert halved is not None or max(sizes[1:]) < 32, sizes
        both.playback.machine.iterate(6)
        assert kept(both) == kept(alone(document, 6)[1]), sizes


def test_any_cut_into_parts_makes_the_same_bits(shared):
    document = classifier(8, 32, 10)
    whole, cut = Session(document), Session(document)
    whole.playback.machine.iterate(24)
    for times in (4, 7, 13):
        assert cut.playback.machine.iterate(times) == times
    assert kept(whole) == kept(cut)


@pytest.mark.parametrize("near", (False, True), ids=("past the caches", "through them"))
def test_either_way_to_send_makes_the_bits_of_one_thread(shared, monkeypatch, near):
    monkeypatch.setattr(Distance, "choose", lambda *_: near)
    document = classifier(8, 64, 32, 3)
    both = Session(document)
    assert both.playback.machine.iterate(40) == 40
    assert kept(both) == kept(alone(document, 40)[1])


def test_a_thread_that_comes_late_is_waited_for(shared, monkeypatch):
    document = classifier(8, 32, 10)
    late, gate = Session(document), threading.Event()
    halved = late.playback.machine._halved
    second = halved._lanes[1]
    run = second.run

    def come_late(*arguments):
        gate.wait()
        return run(*arguments)

    monkeypatch.setattr(second, "run", come_late)
    playing = threading.Thread(target=late.playback.machine.iterate, args=(9,))
    playing.start()
    assert int(halved._lanes[0].clock[0]) == 0  # it waits in its first iteration
    gate.set()
    playing.join()
    assert kept(late) == kept(alone(document, 9)[1])


@pytest.mark.parametrize(("units", "unit"), ((32, 0), (32, 31), (64, 0), (64, 63)))
def test_a_number_that_is_not_finite_in_one_half_stops_both_at_the_same_iteration(shared, units, unit):
    document = classifier(8, units, 10)
    both, single = Session(document), Session(document)
    for session in (both, single):
        session.playback.machine.view(session.program.sources["dense_1.weight"])[3, unit] = np.nan
    assert both.playback.machine._halved is not None
    done = both.playback.machine.iterate(50)
    machine = single.playback.machine
    assert done == machine._play_whole(machine._fast, machine._joined.turns, 50) < 50
    assert both.playback.machine.flag and kept(both) == kept(single)


def test_what_a_hand_sets_between_two_parts_is_played_on_with(shared):
    document = classifier(8, 32, 10)
    both, single = Session(document), Session(document)
    rate = next(address for address in both.program.sources if address.endswith("learning_rate"))
    for session in (both, single):
        machine = session.playback.machine
        for number in (0.1, 0.02):
            machine.view(session.program.sources[rate])[...] = number
            machine.view(session.program.sources["dense_2.bias"])[1] += number
            if session is both:
                machine.iterate(5)
            else:
                machine._play_whole(machine._fast, machine._joined.turns, 5)
    assert kept(both) == kept(single)


def test_the_iteration_looked_at_shows_the_same(shared):
    document = classifier(8, 32, 10)
    both, single = Session(document), Session(document)
    assert both.run(12) == 12
    lanes.keep_free(64)
    try:
        single.run(12)
    finally:
        lanes.keep_free(0)
    assert both.loss == single.loss and kept(both) == kept(single)


def test_processors_kept_free_are_respected(monkeypatch):
    monkeypatch.setattr(halves, "WORTH_NS", -np.inf)
    monkeypatch.setattr(together.Together, "play", lambda *_: pytest.fail("a second processor was used"))
    lanes.keep_free(64)
    try:
        session = Session(classifier(8, 32, 10))
        assert session.playback.machine.iterate(20) == 20
    finally:
        lanes.keep_free(0)


def test_what_cannot_be_halved_is_not():
    assert not any(splits_of(Session(convolving()).tape.fused.calls).values())
    assert Session(classifier(4, 8, 3)).playback.machine._halved is None
    assert Session(classifier(8, 64, 10), dtype="float64").playback.machine._halved is None


def work(writes="", reads="", goes_on=False):
    return Work(frozenset(writes), frozenset(reads), goes_on)


def test_a_value_is_waited_for_before_it_is_read_and_before_it_is_overwritten():
    plan = meetings([work("a"), work("b", "a"), work("c")])
    assert [before.tells for before in plan] == [True, True, False]
    assert plan[0].lag == 0  # the other has read what it saw an iteration ago: the tell behind its reading
    assert plan[1].lag == 0 and plan[2].lag is None


def test_what_another_wait_has_seen_already_is_not_waited_for():
    plan = meetings([work("ab"), work("c", "a"), work("d", "b")])
    assert [before.lag for before in plan] == [0, 0, None]


def test_two_places_that_take_turns_need_no_leave_to_be_filled_again():
    plan = meetings([work("a"), work("c", "a"), work("b"), work("d", "b")])
    assert [before.lag for before in plan] == [None, 0, None, 0]
    assert [before.tells for before in plan] == [True, False, True, False]


def test_updates_that_go_on_from_each_other_stay_together():
    plan = meetings([work("t", "w"), work("v"), work("w", goes_on=True), work("u", goes_on=True)])
    assert [before.tells for before in plan] == [True, False, False, True]
    assert plan[1].lag is not None and plan[2].lag is None
