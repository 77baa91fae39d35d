"""Layer by layer: how large gradients and updates are, which units are dead or saturated, and how much room is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.analysis.trial import Rows, Trial
from engine.machines.cpu import CpuMachine
from engine.values import Batch, Value

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
NOT_UNITS = frozenset({"Data", "Losses", "Metrics", "Random"})  # categories of nodes whose outputs are no neurons
RECTIFIERS = frozenset({"relu", "leaky_relu", "elu", "selu"})  # flat, or nearly, on one side of 0
BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "hard_tanh": (-1.0, 1.0)}
NEAR = 0.01  # of a bound, in parts of what lies between both: there a unit hardly learns


# gradients and updates -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParameterFlow:
    """A parameter, the derivative of the loss by it, and how far an update moves it: Euclidean lengths.

    entries  how many numbers it has: a length divided by √entries is the root of their mean square
    """

    address: str
    entries: int
    length: float
    gradient: float
    update: float

    @property
    def update_ratio(self) -> float:
        """How far it moves in parts of its own length; about 0.001 is usual, and infinite where it is 0."""
        return self.update / self.length if self.length else float("inf") if self.update else 0.0


@dataclass(frozen=True)
class SignalFlow:
    """A node's output and the derivative of the loss by it: roots of mean squares over all rows and units."""

    address: str
    value: float
    gradient: float


@dataclass(frozen=True)
class Flow:
    """One iteration, layer by layer in the order of the drawing.

    iteration  the one it belongs to: that which comes next, or is in hand
    """

    iteration: int
    parameters: tuple[ParameterFlow, ...]
    signals: tuple[SignalFlow, ...]


def flow(session: Session) -> Flow:
    """Play the iteration that comes next (or the begun one, from its start) on a copy of the memory, and measure it.

    What phases in turn do not touch in it is left out. The session stays as it is.
    """
    machine, program = session.playback.machine.copy(), session.program
    for address, numbers in session.weights.arrays.items():
        machine.view(program.sources[address])[...] = numbers
    learned = {a: v for a, v in program.sources.items() if v.source is not None and v.source.role == "parameter"}
    before = {address: machine.view(value).copy() for address, value in learned.items()}
    machine.iterate(1, shown=True)
    found = _gradients(session)
    parameters = [
        ParameterFlow(
            address, old.size, _length(old), _length(machine.view(found[learned[address].index])),
            _length(machine.view(learned[address]) - old),
        )
        for address, old in before.items()
        if learned[address].index in found
    ]  # fmt: skip
    signals = [
        SignalFlow(address, _size(machine.view(value)), _size(machine.view(found[value.index])))
        for address, value in program.outputs.items()
        if value.index in found and value.source is None and "@" not in address
    ]
    return Flow(session.iteration, tuple(parameters), tuple(signals))


def _gradients(session: Session) -> Mapping[int, Value]:
    """The gradients that the iteration computes: of the phase whose turn it is, or of the first that has one."""
    program, places = session.program, session.tape.places
    found: dict[int, Value] = {}
    now = program.turns[session.iteration % len(program.turns)] if program.turns else None
    for phase in program.gradients if now is None else [program.gradients[now]]:
        found = {**phase, **found}
    return {index: value for index, value in found.items() if places[value.index] is not None}


def _length(numbers: Array) -> float:
    return float(np.linalg.norm(numbers.astype(np.float64)))


def _size(numbers: Array) -> float:
    return float(np.sqrt(np.mean(numbers.astype(np.float64) ** 2)))


# dead units ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """The units of a node's output over the rows that were played; of maps of an image, a unit is a channel.

    means, deviations  (units,)
    active     (units,)  share of the rows (and places) at which it is above 0
    dead       (units,)  of a ReLU and its kin: below or at 0 everywhere, so that nothing is learned through it
    saturated  (units,)  of a sigmoid and its kin: everywhere within a hundredth of a bound
    constant   (units,)  the same number everywhere, whatever comes in
    """

    address: str
    means: Array
    deviations: Array
    active: Array
    dead: Array
    saturated: Array
    constant: Array


def units(session: Session, rows: Rows = "train") -> tuple[Units, ...]:
    """How the units of each layer behave over rows of the data, with the parameters of now, in evaluation mode.

    Raises `ProblemError` where there are no such rows.
    """
    trial = Trial(session, rows, dtype="")
    values = _layers(session, trial)
    machine = trial.start(*values.values())
    machine.play_once()
    return tuple(_units(address, value, _by_unit(machine, value)) for address, value in values.items())


def _layers(session: Session, trial: Trial) -> dict[str, Value]:
    """Outputs with a row for each example and units behind it, of nodes that may have neurons."""
    nodes = session.document.graph.nodes
    found: dict[str, Value] = {}
    for address, value in trial.program.outputs.items():
        kind = nodes[address.partition(".")[0]].kind
        is_neurons = kind is not None and kind.category not in NOT_UNITS and "@" not in address
        if is_neurons and value.kind == "real" and value.rank >= 2 and isinstance(value.shape[0], Batch):
            found[address] = value
    return found


def _by_unit(machine: CpuMachine, value: Value) -> Array:
    """(rows and places, units)"""
    numbers = machine.view(value)
    if numbers.ndim == 4:  # (rows, channels, height, width)
        numbers = np.moveaxis(numbers, 1, -1)
    return numbers.reshape(-1, numbers.shape[-1])


def _units(address: str, value: Value, read: Array) -> Units:
    numbers = read.astype(np.float64)
    name = value.call.primitive.name if value.call is not None else ""
    nowhere = np.zeros(numbers.shape[1], bool)
    low, high = BOUNDS.get(name, (-np.inf, np.inf))
    margin = NEAR * (high - low) if name in BOUNDS else 0.0
    at_bound = (numbers <= low + margin) | (numbers >= high - margin)
    return Units(
        address, numbers.mean(axis=0), numbers.std(axis=0), (numbers > 0).mean(axis=0),
        np.asarray((numbers <= 0).all(axis=0)) if name in RECTIFIERS else nowhere,
        np.asarray(at_bound.all(axis=0)) if name in BOUNDS else nowhere,
        (numbers == numbers[0]).all(axis=0),
    )  # fmt: skip


# ranks ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rank:
    """How many directions a matrix has, counted in three ways.

    singular_values  the largest first
    effective        e to the entropy of the singular values' shares (Roy & Vetterli 2007): equal ones all count
    stable           ‖A‖²_F / ‖A‖²₂
    numerical        how many stand out from rounding
    """

    address: str
    shape: tuple[int, int]
    singular_values: Array
    effective: float
    stable: float
    numerical: int


def rank_of(matrix: Array, address: str = "") -> Rank:
    """The ranks of a matrix; all are 0 for a matrix of zeros."""
    numbers = np.asarray(matrix, np.float64)
    values = np.linalg.svd(numbers, compute_uv=False)
    rows, columns = numbers.shape
    largest = float(values[0]) if len(values) else 0.0
    if largest == 0:
        return Rank(address, (rows, columns), values, 0.0, 0.0, 0)
    shares = values[values > 0] / values.sum()
    effective = float(np.exp(-(shares * np.log(shares)).sum()))
    precision = np.finfo(matrix.dtype).eps if matrix.dtype.kind == "f" else np.finfo(np.float64).eps
    numerical = int((values > largest * max(rows, columns) * precision).sum())
    return Rank(address, (rows, columns), values, effective, float((values**2).sum() / largest**2), numerical)


def ranks(session: Session, rows: Rows = "train") -> tuple[Rank, ...]:
    """The ranks of all weight matrices, then of each layer's outputs over rows of the data (rows × units).

    Filters of a convolution are a matrix with a row for each of them. Raises `ProblemError` where there are no such rows.
    """
    trial = Trial(session, rows, dtype="")
    values = _layers(session, trial)
    machine = trial.start(*values.values())
    machine.play_once()
    weights = [
        rank_of(array.reshape(len(array), -1), address)
        for address, array in session.parameters.items()
        if array.ndim >= 2 and array.size
    ]
    return (*weights, *[rank_of(_by_unit(machine, value), address) for address, value in values.items()])
