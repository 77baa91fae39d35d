"""What a preset asks of the machine: the same bits from one thread and two, and no more memory than was promised."""

from __future__ import annotations

from functools import cache

from engine import Session
from engine.rooms import lined
from engine.values import Value
from tests.engine.two_threads import alone, shared
from tests.presets.gallery import every_preset, preset
from tests.presets.test_every_preset import bits

ITERATIONS = 5
MOST = 2.2  # times values, gradients, parameters and optimizer state, each in whole lines of the cache


@cache
def played(name: str) -> Session:
    """By one thread."""
    with alone():
        session = Session(preset(name))
        session.run(ITERATIONS)
    return session


@every_preset
def test_two_threads_make_the_bits_of_one(name):
    with shared():
        session = Session(preset(name))
        assert session.playback.machine._pieces is not None
        session.run(ITERATIONS)
    assert bits(session) == bits(played(name))


@every_preset
def test_its_memory_is_that_of_what_can_be_looked_at(name):
    """Beside the data, the settings and the curves of losses, which are as long for every network.

    Where several phases go back over the same nodes, the derivatives of each can be looked at.
    """
    session = played(name)
    program = session.program

    def size(values: list[Value]) -> int:
        places = {session.tape.places[value.index] for value in values if value.kind == "real"}
        return sum(lined(place.size) for place in places if place is not None)

    curves = [call.operands[0] for call in program.calls if call.primitive.name == "history_ring"]
    sources = {role: [v for v in program.values if v.source and v.source.role == role] for role in
               ("data", "constant", "setting", "parameter", "state")}  # fmt: skip
    values = [value for value in program.values if value.call and value.call.origin.part != "backward"]
    drawn = [v for v in (*program.outputs.values(), *sources["parameter"]) if v.kind == "real"]
    gradients = [found[value.index] for found in program.gradients for value in drawn if value.index in found]
    asked = size([*values, *gradients, *sources["parameter"], *(v for v in sources["state"] if v not in curves)])
    apart = size([*curves, *sources["data"], *sources["constant"], *sources["setting"]])
    assert session.tape.arena_size - apart <= MOST * asked
