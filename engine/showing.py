"""A session's portrait: all there is to show, copied, with the curves that its tape has noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.looking import is_setting
from engine.playback import Playback
from engine.snapshot import Array, Reading, Snapshot
from engine.values import Call, Value

if TYPE_CHECKING:
    from engine.session import Session


def snapshot_of(session: Session) -> Snapshot:
    """All there is to show, copied."""
    machine, program = session.playback.machine, session.program
    values: dict[str, Reading] = {}
    gradients: dict[str, Reading] = {}
    for address in program.outputs:
        value = session.output(address)
        values[address] = session.read(value)
        _add_gradient(session, gradients, address, value)
    for alias, source in program.aliases.items():
        values[alias] = values[source]
        if source in gradients:
            gradients[alias] = gradients[source]
    parameters = {}
    for address, value in session.learned().items():
        parameters[address] = session.read(value)
        _add_gradient(session, gradients, address, value)
    rows = session.lowered.rows
    return Snapshot(
        revision=session.revision, iteration=session.iteration, epoch=session.epoch,
        steps=session.playback.steps_looked_at, last_step=session.last_step,
        next_step=session.next_step, loss=session.loss, rate=session.rate,
        row_indices=None if rows is None or session.state_of(rows) == "absent" else session.memory_of(rows).copy(),
        values=values, gradients=gradients,
        parameters=parameters, previous_parameters=dict(session.previous),
        settings={a: float(machine.view(v)[()]) for a, v in program.sources.items() if is_setting(v)},
        history=session.history.arrays() | loss_curves(session.playback), metrics=dict(session.metrics),
        problem=session.problem, explanation=session.explain(),
    )  # fmt: skip


def _add_gradient(session: Session, gradients: dict[str, Reading], address: str, value: Value) -> None:
    gradient = session.gradient_of(value)
    if gradient is not None:
        gradients[address] = session.read(gradient, session.gradient_state(gradient))


def loss_curves(playback: Playback) -> dict[str, Array]:
    """Every loss that was computed, `loss.batch` of the first phase, `loss.batch.1` of the second, and so on.

    (iteration, loss) rows, or each bin's lowest and highest where they are merged. What a node notes of its own is
    called by it: `score_1.curve`.
    """
    rings = [call for call in playback.tape.program.calls if call.primitive.name == "history_ring"]
    named = {ring.operands[0].source.address: ring for ring in rings if ring.operands[0].source is not None}
    own = {address.removesuffix("_history"): ring for address, ring in named.items()
           if address.endswith(".curve_history")}  # fmt: skip
    rings = [ring for ring in rings if ring not in own.values()]
    first = min([ring.origin.phase for ring in rings], default=0)
    return {
        f"loss.batch.{ring.origin.phase}" if ring.origin.phase > first else "loss.batch": _losses_in(playback, ring)
        for ring in rings
    } | {name: _losses_in(playback, ring) for name, ring in own.items()}


def _losses_in(playback: Playback, ring: Call) -> Array:
    bins, counters, _ = ring.operands
    begun, width, filled = (int(number) for number in playback.machine.view(counters))
    kept = playback.machine.view(bins)[:begun].astype(np.float64)
    # A loss that was chosen in the middle of a run has a history from there on.
    noted = (begun - 1) * width + filled if begun else 0
    written = playback.iteration + (playback.position > 0 and playback.is_done(playback.tape.position[ring.origin]))
    turns, is_own = playback.tape.program.turns, ring.operands[2] not in playback.tape.program.objectives
    stretch = 1.0 if not turns or is_own else len(turns) / turns.count(ring.origin.phase)  # iterations between two
    starts = written - stretch * (noted - np.arange(begun) * float(width))
    if width <= 1:
        return np.column_stack([starts, kept[:, 2]])
    return np.column_stack([np.repeat(starts, 2), kept[:, :2].reshape(-1)])
