"""What a plan begins with: numbers kept from the one before, data, what is drawn at random, and numbers that are said."""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import compress
from typing import Any

import numpy as np

from engine.datasets import Dataset
from engine.ends import same_ends
from engine.initialisers import stream
from engine.looking import lasts
from engine.placement import LINE, RESERVED_INTEGERS, Packed, indices_of
from engine.playback import Playback
from engine.snapshot import Array
from engine.tape import Tape, initial_array
from engine.timeline import Moment
from engine.values import Value

Marks = np.ndarray[Any, np.dtype[np.bool_]]


def kept_numbers(playback: Playback) -> dict[str, Array]:
    """Parameters and states as they were when this iteration began, or as a hand has set them since."""
    tape, machine = playback.tape, playback.machine
    lasting = {address: value for address, value in tape.program.sources.items() if lasts(value)}
    begun = Moment(playback.iteration, 0)
    touched = {entry.address for entry in playback.timeline.interventions if entry.moment > begun}
    return {
        address: machine.view(value).copy() if address in touched or not playback.position else playback.as_begun(value)
        for address, value in lasting.items()
        if tape.places[value.index] is not None
    }


def take_over(
    playback: Playback,
    before: Playback,
    seed: int,
    dataset: Dataset | None,
    *,
    same_data: bool,
    said: Container[str],
) -> None:
    """Fill the sources of an edited plan: what lasts goes on with its numbers where address and shape still fit.

    What was played of a begun iteration is given up: afterwards the plan before is of no use.
    said  addresses of numbers that the document says, and whoever calls fills
    """
    before.give_up_begun()
    tape, former = playback.tape, before.tape
    sources = list(tape.program.sources.items())
    if _is_of_one_kind(tape, former):
        moved = _move(playback, before, same_data)
        rest = ~moved[indices_of(tape.program.sources.values())]
        sources = list(compress(sources, rest))
    new = {address: value for address, value in sources if address not in said}
    kept = {
        address: before.machine.view(value)
        for address in new
        if (value := former.program.sources.get(address)) is not None and lasts(value) and _has_place(former, value)
    }
    _fill(playback, new, kept, seed, dataset)


def _is_of_one_kind(tape: Tape, former: Tape) -> bool:
    return tape.program.values is former.program.values and (tape.batch, tape.dtype) == (former.batch, former.dtype)


def _has_place(tape: Tape, value: Value) -> bool:
    return value.index < len(tape.places) and bool(tape.places.offsets[value.index] >= 0)


def _move(playback: Playback, before: Playback, same_data: bool) -> Marks:
    """Copy the numbers of those values that had a place to where they lie now; which these are, by their index."""
    machine, tape, former = playback.machine, playback.tape, before.tape
    moved: Marks = np.zeros(len(tape.places), np.bool_)
    if same_data and (tape.slots, tape.data) == (
        former.slots,
        former.data,
    ):  # then all that lies before what is kept does
        begin, first = tape.kept_spans[1][0], tape.kept_integers[0][0]
        machine.arena[LINE:begin] = before.machine.arena[LINE:begin]
        machine.integers[RESERVED_INTEGERS:first] = before.machine.integers[RESERVED_INTEGERS:first]
        fixed = [value for value in tape.slots if value.source is not None and value.source.address[0] == "="]
        moved[indices_of([*tape.data, *fixed])] = True
    elif same_data:
        for value in tape.data:
            if _has_place(former, value):
                machine.view(value)[...] = before.machine.view(value)
                moved[value.index] = True
    for at, packed in enumerate(tape.packed):
        was = former.packed[at] if at < len(former.packed) else None
        _move_packed(packed, was, playback, before, moved)
    return moved


def _move_packed(packed: Packed, was: Packed | None, playback: Playback, before: Playback, moved: Marks) -> None:
    """Values that stay side by side are copied at once: all before and all behind what has come or gone."""
    values, indices, sums = packed.values, packed.indices, packed.sums
    is_whole = values[0].kind == "whole"
    target, source = [one.machine.integers if is_whole else one.machine.arena for one in (playback, before)]
    head = tail = 0
    if was is not None:
        head, tail = same_ends(was.values, values)
    if was is not None and head:
        length = int(sums[head - 1])
        target[packed.begin : packed.begin + length] = source[was.begin : was.begin + length]
        moved[indices[:head]] = True
    if was is not None and tail:
        end, former = packed.begin + int(sums[-1]), was.begin + int(was.sums[-1])
        length = int(sums[-1] - sums[-tail - 1]) if tail < len(values) else int(sums[-1])
        target[end - length : end] = source[former - length : former]
        moved[indices[-tail:]] = True
    for value in values[head : len(values) - tail]:
        if _has_place(before.tape, value):
            playback.machine.view(value)[...] = before.machine.view(value)
            moved[value.index] = True


def fill(playback: Playback, kept: Mapping[str, Array], seed: int, dataset: Dataset | None) -> None:
    """Fill every source: with what was `kept` where its shape still fits, or else with what it starts from."""
    _fill(playback, playback.tape.program.sources, kept, seed, dataset)


def _fill(
    playback: Playback, sources: Mapping[str, Value], kept: Mapping[str, Array], seed: int, dataset: Dataset | None
) -> None:
    tape, machine = playback.tape, playback.machine
    for address, value in sources.items():
        source = value.source
        if source is None or tape.places.offsets[value.index] < 0:
            continue
        view, old = machine.view(value), kept.get(address)
        if old is not None and old.shape == view.shape:
            view[...] = old
        elif source.role == "data":
            _fill_data(address, view, dataset)
        elif callable(source.initial):
            view[...] = source.initial(view.shape, stream(seed, address))
        elif view.shape:
            view[...] = initial_array(value, view.shape, view.dtype)
        else:
            view[()] = source.initial or 0


def _fill_data(address: str, view: Array, dataset: Dataset | None) -> None:
    if dataset is None:
        view[...] = 0
        return
    table = dataset.inputs if address == "data.inputs" else dataset.targets
    view[...] = table[dataset.train_rows].reshape(view.shape)
