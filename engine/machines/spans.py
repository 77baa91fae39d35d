"""Neighbouring instructions that treat every example by itself: shared between threads by examples, not one by one.

An instruction cut in pieces asks both threads to meet behind it. Within a span they need not: the examples of one piece
go through all of its instructions while the others go through them elsewhere. Recurrent nets live of it, for which a
single step of time is too little work to be cut.

"By examples" is said of memory: with a batch of B, the n-th of B equal shares of a result is computed from the n-th of B
equal shares of some operands, and from any part of others that were there before the span began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from engine.primitives.base import Primitive
from engine.tape import Instruction, Section, Tape
from engine.values import Call, Value, resolve, root_of

LONGEST_SPAN = 1 << 15  # instructions


class Span(NamedTuple):
    """Instructions [begin, end) of a code, and how many outputs of each belong to one example."""

    begin: int
    end: int
    outputs: tuple[int, ...]


class Reading(NamedTuple):
    """What an instruction reads share by share, what it reads all of, what it writes, and how many outputs an example has."""

    shared: list[Value]
    whole: list[Value]
    written: list[Value]
    outputs: int = 0


# Operands that are read share by share; the others are read as a whole.
SHARED: dict[str, tuple[int, ...]] = {
    "matmul": (0,), "linear": (0,), "linear_bent": (0,), "batch_matmul": (0, 1), "batch_matmul_apart": (0, 1),
    "matmul_onto": (0, 1), "matmul_onto_bent": (0, 1), "matmul_sloped": (0, 2),
    "cell_sums": (0, 3), "lstm_step": tuple(range(8)), "lstm_step_gradient": tuple(range(9)),
    "scale_rows": (0,), "scale_shift_rows": (0,),
    "softmax": (0,), "softmax_gradient": (0, 1), "standardise": (0, 2), "standardise_gradient": (0, 1, 2),
    "class_cross_entropy": (0, 1), "class_cross_entropy_softmax": (0, 1, 2), "softmax_cross_entropy": (0, 1),
    "class_gradient": (0, 1), "one_hot": (0,), "slice": (0,), "place": (0,), "permute": (0,),
    "convolution": (0,), "transposed_convolution": (0,),
    "window_choice": (0,), "window_take": (0, 1), "window_best": (0, 1), "window_put": (0, 1),
    "window_mean": (0,), "window_spread": (0,),
}  # fmt: skip


def sections_of(tape: Tape) -> Iterable[tuple[Section, int]]:
    """All sections of full speed, with their examples."""
    sections = {turn.full.begin: (turn.full, tape.batch) for turn in tape.fast.turns}
    sections |= {turn.short.begin: (turn.short, tape.short) for turn in tape.fast.turns if turn.short != turn.full}
    return sections.values()


def spans_of(instructions: Sequence[Instruction], begin: int, end: int, batch: int) -> Iterator[Span]:
    """The spans of a section, each as long as can be; `batch`: its examples."""
    first, outputs, written = begin, list[int](), set[int]()
    for at in range(begin, end):
        entry = instructions[at]
        reading = reading_of(entry, batch)
        if reading is None:
            if outputs:
                yield Span(first, at, tuple(outputs))
            first, outputs, written = at + 1, [], set()
            continue
        if outputs and (is_whole(reading, written) or len(outputs) == LONGEST_SPAN):
            yield Span(first, at, tuple(outputs))
            first, outputs, written = at, [], set()
        outputs.append(reading.outputs)
        written.update([root_of(value).index for value in reading.written])
    if outputs:
        yield Span(first, end, tuple(outputs))


def reading_of(entry: Instruction, batch: int) -> Reading | None:
    """How an instruction reads and writes if it treats every example by itself; None where it does not."""
    reading = _reading(entry.call, batch)
    count = _outputs(entry, batch) if reading is not None else None
    return None if reading is None or count is None else reading._replace(outputs=count)


def is_whole(reading: Reading, written: Set[int]) -> bool:
    """Whether all of something is read that was written by the examples of a span, each its own."""
    return any(root_of(value).index in written for value in reading.whole)


def _outputs(entry: Instruction, batch: int) -> int | None:
    """How many outputs belong to an example; None where that is no whole number."""
    primitive, shape = entry.call.primitive, resolve(entry.call.result.shape, batch)
    assert isinstance(primitive, Primitive)
    length = entry.length
    if primitive.is_each_alone:  # the length reaches to the end of a cache line
        length = 1
        for entries in shape:
            length *= entries
    return length // batch if length % batch == 0 else None


def _reading(call: Call, batch: int) -> Reading | None:
    """How a call reads and writes; None where its results hang on other examples, or nobody has said that they do not."""
    primitive = call.primitive
    if primitive.writes or not isinstance(primitive, Primitive):
        return None
    shapes = [resolve(operand.shape, batch) for operand in call.operands]
    shape = resolve(call.result.shape, batch)
    if primitive.is_each_alone or primitive.name == "total":
        single = [not other for other in shapes]
        if any(other not in (shape, ()) for other in shapes):
            return None
        shared = [operand for operand, alone in zip(call.operands, single, strict=True) if not alone or not shape]
        whole = [operand for operand, alone in zip(call.operands, single, strict=True) if alone and shape]
        return Reading(shared, whole, [call.result])
    if not shape or shape[0] % batch:
        return None
    places = _places(call, shapes, shape)
    if places is None or any(not shapes[place] or shapes[place][0] % batch for place in places):
        return None
    shared = [call.operands[place] for place in places]
    whole = [operand for place, operand in enumerate(call.operands) if place not in places]
    # A fused call may store what it finds on its way into some of its operands.
    return Reading(shared, whole, [call.result, *shared] if primitive.is_fused else [call.result])


def _places(call: Call, shapes: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> Sequence[int] | None:
    """The operands that are read share by share; None where examples are mixed."""
    name = call.primitive.name
    if name in ("broadcast", "spread"):
        same_rows = len(shapes[0]) == len(shape) and shapes[0][0] == shape[0]
        return (0,) if same_rows else () if len(shapes[0]) < len(shape) or shapes[0][0] == 1 else None
    if name == "concat":
        return range(len(shapes)) if call.attributes["axis"] > 0 else None
    mixed = (
        (name == "matmul" and call.attributes.get("transpose_a"))
        or (name == "batch_matmul" and shapes[0][:-2] != shapes[1][:-2])
        or (name == "permute" and call.attributes["axes"][0] != 0)
        or (name in ("slice", "place") and call.attributes["axis"] == 0)
    )
    return None if mixed or name not in SHARED else [place for place in SHARED[name] if place < len(shapes)]
