"""What a plan begins with: numbers kept from the one before, data, what is drawn at random, and numbers that are said."""

from __future__ import annotations

from collections.abc import Mapping

from engine.datasets import Dataset
from engine.initialisers import stream
from engine.looking import lasts
from engine.playback import Playback
from engine.snapshot import Array
from engine.tape import initial_array
from engine.timeline import Moment


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


def fill(playback: Playback, kept: Mapping[str, Array], seed: int, dataset: Dataset | None) -> None:
    """Fill every source: with what was `kept` where its shape still fits, or else with what it starts from."""
    tape, machine = playback.tape, playback.machine
    for address, value in tape.program.sources.items():
        source = value.source
        if source is None or tape.places[value.index] is None:
            continue
        view, old = machine.view(value), kept.get(address)
        if old is not None and old.shape == view.shape:
            view[...] = old
        elif source.role == "data":
            _fill_data(address, view, dataset)
        elif callable(source.initial):
            view[...] = source.initial(view.shape, stream(seed, address))
        else:
            view[...] = initial_array(value, view.shape, view.dtype)


def _fill_data(address: str, view: Array, dataset: Dataset | None) -> None:
    if dataset is None:
        view[...] = 0
        return
    table = dataset.inputs if address == "data.inputs" else dataset.targets
    view[...] = table[dataset.train_rows].reshape(view.shape)
