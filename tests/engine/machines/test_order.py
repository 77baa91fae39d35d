"""The order in which two threads play: the same instructions, each behind the same ones, in longer stretches."""

from __future__ import annotations

import pytest

from engine import Session
from engine.machines.order import arranged, independent
from engine.machines.spans import sections_of, spans_of
from engine.values import root_of
from tests.engine.documents import attending, convolving, layered_document, recurrent

DOCUMENTS = {
    "layers": lambda: layered_document([40, 33, 10], rows=200, batch_size=64, loss="softmax_cross_entropy"),
    "maps": convolving,
    "attention": lambda: attending(32),
    "time": lambda: recurrent("lstm_cell"),
}
EACH = pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)


def touched(entry):
    """What an instruction reads or writes, whatever of the two."""
    return {root_of(value).index for value in (*entry.call.operands, entry.call.result)}


def makers(instructions):
    """By instruction, for all that it touches: the result whose call came last before it."""
    made, found = {}, {}
    for entry in instructions:
        found[entry] = {root: made.get(root) for root in touched(entry)}
        made[root_of(entry.call.result).index] = entry
        for place in entry.call.primitive.writes:
            made[root_of(entry.call.operands[place]).index] = entry
    return found


@EACH
def test_in_a_stretch_of_independent_instructions_nobody_touches_what_another_one_makes(made):
    tape = Session(made()).tape
    for section, _ in sections_of(tape):
        stretches = list(independent(tape.fast.instructions, section.begin, section.end))
        everything = range(section.begin, section.end)
        others = [at for at in everything if not tape.fast.instructions[at].call.primitive.writes]
        assert [at for stretch in stretches for at in stretch] == others
        for stretch in stretches:
            inside = [tape.fast.instructions[at] for at in stretch]
            for entry in inside if len(inside) > 1 else []:
                assert not entry.call.primitive.writes
                made_here = root_of(entry.call.result).index
                assert all(made_here not in touched(other) for other in inside if other is not entry)


@EACH
def test_every_instruction_finds_what_it_found_before(made):
    session = Session(made())
    before, after = session.tape.fast, arranged(session.tape)
    assert after.turns == before.turns
    for section, _ in sections_of(session.tape):
        first, second = (code.instructions[section.begin : section.end] for code in (before, after))
        assert len(first) == len(second)
        assert makers(first) == makers(second)


@EACH
def test_what_treats_examples_alone_comes_in_no_more_stretches_than_before(made):
    tape = Session(made()).tape
    ((section, batch), *_) = sections_of(tape)
    counts = [
        len(list(spans_of(code.instructions, section.begin, section.end, batch)))
        for code in (tape.fast, arranged(tape))
    ]
    assert counts[1] <= counts[0]


def test_attention_goes_forward_and_back_without_a_meeting_for_its_slopes():
    tape = Session(attending(32)).tape
    ((section, batch), *_) = sections_of(tape)
    instructions = arranged(tape).instructions
    spans = sorted(spans_of(instructions, section.begin, section.end, batch), key=lambda span: span.begin - span.end)
    forward, backward = sorted(spans[:2])
    alone = sum(len(span.outputs) for span in (forward, backward))
    assert alone > 0.6 * (section.end - section.begin)
    slopes = [at for at, entry in enumerate(instructions) if entry.call.primitive.name == "products_total"]
    assert slopes
    assert all(at >= forward.end for at in slopes)
