"""Who plays between two iterations: what nodes that play have in common. All they know is kept in states of the tape.

What is drawn at random hangs on the document's seed, the node and the iteration alone, so whoever steps back and goes on
again sees the same games. Nothing is written before a whole move is decided: it can be broken off at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from engine.drivers.asking import Array, Watch
from engine.drivers.heads import Heads
from engine.games import Game
from engine.games.search import Trees
from engine.games.search.growing import KERNELS
from engine.games.search.trees import Judge
from engine.games.strength import Strength
from engine.initialisers import stream
from engine.lowering import Lowered
from engine.machines.cpu import CpuMachine
from engine.machines.workshop import Order
from engine.machines.worktop import worktop_orders
from engine.nodes.games import LOG, MEASURED, GameNode

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document

JUDGED_AT_ONCE = 64  # boards at the least: an evaluation costs little more for them than for one


@dataclass
class View:
    """What a player thinks of one position.

    measures  by name one number for each move; those named in `shares` are chances
    choice    the move that it would make, and value what it expects; trees: its search
    """

    measures: dict[str, Array] = field(default_factory=dict)
    shares: tuple[str, ...] = ()
    choice: int | None = None
    value: float | None = None
    trees: Trees | None = None


class Player:
    """A node that plays. Subclasses say when a move is due and make it.

    state     views of the node's states by name, for the time of a decision
    iteration of which the games come before
    """

    kind: ClassVar[type[GameNode]]

    def __init__(self, document: Document, dataset: Dataset | None, lowered: Lowered, node: str, dtype: str) -> None:
        self.node, self._seed = node, document.training.seed
        kind = document.graph.nodes[node].kind
        assert kind is not None and issubclass(kind, self.kind)
        sound, _ = kind.check_properties(document.graph.nodes[node].properties)
        self.settings: Any = kind(sound)
        self.game: Game = self.settings.rules
        self._states = {
            address.partition(".")[2]: value
            for address, value in lowered.program.sources.items()
            if address.startswith(f"{node}.") and value.source is not None and value.source.role in ("state", "setting")
        }

    def until_due(self, iteration: int) -> int:
        """How many iterations may be played from this one on before the node plays again; 0: now."""
        raise TypeError(f"{type(self).__name__} does not say when it plays")

    def play(self, machine: CpuMachine, watch: Watch) -> None:
        """Make the moves that come before the iteration in hand."""
        raise TypeError(f"{type(self).__name__} does not play")

    @property
    def orders(self) -> list[Order]:
        """The kernels that it plays with beside those of a network, for whoever has them compiled."""
        return []

    def views(self, machine: CpuMachine) -> dict[str, Array]:
        """The node's states and numbers, as they lie in memory."""
        tape = machine.tape
        return {name: machine.view(v) for name, v in self._states.items() if tape.places[v.index] is not None}

    def measure(self, state: dict[str, Array], iteration: int, found: Strength) -> None:
        """Write down how strong the player is."""
        for name, number in zip(MEASURED, found, strict=True):
            state[f"latest_{name}"][...] = number
        log, logged = state["strength_log"], state["strength_logged"]
        count, stride = int(logged[0]), max(1, int(logged[1]))
        number = iteration // self.settings.measured_every
        if number % stride == 0:
            if count == LOG:
                log[: LOG // 2] = log[::2].copy()
                count, stride = LOG // 2, 2 * stride
            if number % stride == 0:
                log[count] = (iteration, *found)
                count += 1
        logged[:] = count, stride

    def look(self, machine: CpuMachine, board: Array, simulations: int) -> View:
        """What it thinks of a board (1, cells) on which somebody can move; nothing is changed."""
        raise TypeError(f"{type(self).__name__} does not say what it thinks")

    def log(self, machine: CpuMachine) -> Array:
        """(measurements, 5) Iteration, shares won, drawn and lost, ways to be beaten; of all that is kept."""
        state = self.views(machine)
        if "strength_log" not in state:
            return np.zeros((0, 1 + len(MEASURED)))
        return np.asarray(state["strength_log"][: int(state["strength_logged"][0])].astype(np.float64))

    def draw(self, iteration: int, of: str) -> np.random.Generator:
        """Random numbers of this node at an iteration."""
        return stream(self._seed, f"{self.node}.{of}@{iteration}")


class Networked(Player):
    """A player that asks the drawn network."""

    ports: ClassVar[tuple[str, ...]] = ()

    def __init__(self, document: Document, dataset: Dataset | None, lowered: Lowered, node: str, dtype: str) -> None:
        super().__init__(document, dataset, lowered, node, dtype)
        self._document, self._dataset, self._dtype = document, dataset, dtype
        wires = {wire.target_port: wire.source for wire in document.graph.wires_into(node)}
        self._addresses = tuple([wires.get(port, "") for port in self.ports])

    @cached_property
    def network(self) -> Heads:
        """The network, with whatever numbers it stood at last."""
        rows = max(JUDGED_AT_ONCE, getattr(self.settings, "games", 1))
        return Heads(self._document, self._dataset, self.node, self._addresses, rows, self._dtype)

    def heads(self, machine: CpuMachine) -> Heads:
        """The network, with the numbers of this moment."""
        self.network.stand_at(machine)
        return self.network


class Searching(Networked):
    """A player whose network says what to look at first, and what a position is worth."""

    ports = ("logits", "value")

    @property
    def orders(self) -> list[Order]:
        return worktop_orders(KERNELS)

    @property
    def has_value(self) -> bool:
        """Whether a network says what positions are worth."""
        return bool(self._addresses[1])

    def judged(self, heads: Heads, boards: Array) -> tuple[Array, Array]:
        """Scores of moves, and values; zeros where the network has no such head."""
        logits, values = heads(self.game.planes(boards))
        if logits is None or logits.shape[1] != self.game.moves:
            logits = np.zeros((len(boards), self.game.moves))
        worth = np.zeros(len(boards)) if values is None else np.clip(_finite(values[:, 0]), -1, 1)
        return _finite(logits), worth

    def judge(self, machine: CpuMachine) -> Judge:
        """The network of this moment, as a tree asks it: chances of the legal moves, and values."""
        heads = self.heads(machine)

        def answer(asked: Array) -> tuple[Array, Array]:
            logits, values = self.judged(heads, asked)
            return chances_of(logits, self.game.is_legal(asked)), values

        return answer

    def seen(self, machine: CpuMachine, board: Array, trees: Trees) -> View:
        """A board as network and search see it."""
        logits, values = self.judged(self.heads(machine), board)
        likely, policy = chances_of(logits, self.game.is_legal(board))[0], trees.policy(1.0)[0]
        tried = np.where(trees.visits[0, 0] > 0, trees.total[0, 0] / np.maximum(trees.visits[0, 0], 1), np.nan)
        choice = int(policy.argmax() if policy.any() else likely.argmax())
        measures = {"search": policy, "search value": tried}
        if self._addresses[0]:
            measures = {"network": likely, **measures}
        value = float(values[0]) if self.has_value else None
        return View(measures, ("network", "search"), choice, value, trees)


class Learning(Networked):
    """A player that remembers what a network is to learn, in a ring of rows."""

    def until_due(self, iteration: int) -> int:
        """A move is due every so many iterations, and so is measuring."""
        waits = [-iteration % every for every in (self.settings.every, self.settings.measured_every) if every]
        return int(min(waits))

    def remember(self, state: dict[str, Array], parts: dict[str, Array]) -> None:
        """Write rows into the ring, the oldest first to go."""
        count, room = len(next(iter(parts.values()))), self.settings.memory
        places = (int(state["written"]) + np.arange(count)) % room
        for name, rows in parts.items():
            state[f"memory_{name}"][places] = rows
        state["written"][...] = (int(state["written"]) + count) % room
        state["filled"][...] = min(room, int(state["filled"]) + count)

    def twins(self, boards: Array) -> list[tuple[Array, Array]]:
        """The boards and their order of moves under every symmetry that is remembered."""
        found = self.game.symmetries if self.settings.symmetries else self.game.symmetries[:1]
        return [(boards[:, cells], moves) for cells, moves in found]


PLAYERS: dict[str, type[Player]] = {}


def player(cls: type[Player]) -> type[Player]:
    """Register who plays for a type of node."""
    PLAYERS[cls.kind.name] = cls
    return cls


def _finite(numbers: Array) -> Array:
    """0 in place of NaN, the largest numbers in place of infinite ones."""
    return numbers if np.isfinite(numbers).all() else np.nan_to_num(numbers)


def chances_of(logits: Array, legal: Array) -> Array:
    """(n, moves) The softmax of the legal moves' scores; of others 0."""
    highest = np.where(legal, logits, np.finfo(np.float64).min).max(axis=1, keepdims=True)
    powers = np.exp(np.minimum(logits - highest, 0.0)) * legal
    return np.asarray(powers / np.maximum(powers.sum(axis=1, keepdims=True), 1e-300))
