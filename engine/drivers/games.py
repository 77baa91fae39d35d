"""All nodes of a plan whose games go on between two iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.drivers import position_values, self_play, tables, tree_search  # noqa: F401  (they register themselves)
from engine.drivers.asking import Watch
from engine.drivers.players import PLAYERS, Networked, Player
from engine.lowering import Lowered
from engine.machines.cpu import CpuMachine
from engine.machines.workshop import Order

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document


class Players:
    """All that plays in a plan."""

    def __init__(self, document: Document, dataset: Dataset | None, lowered: Lowered, dtype: str) -> None:
        playing = [node for node in document.graph if node.type in PLAYERS]
        outputs = {address.partition(".")[0] for address in lowered.program.outputs} if playing else set()
        self._players = {
            node.id: PLAYERS[node.type](document, dataset, lowered, node.id, dtype)
            for node in playing
            if node.id in outputs
        }

    def __bool__(self) -> bool:
        return bool(self._players)

    def of(self, node: str) -> Player | None:
        """Who plays for a node."""
        return self._players.get(node)

    @property
    def machines(self) -> list[CpuMachine]:
        """What is played on before the first iteration, beside the live one."""
        return [player.network.machine for player in self._players.values() if isinstance(player, Networked)]

    @property
    def orders(self) -> list[Order]:
        """The kernels that they play with beside those of their machines."""
        return [order for player in self._players.values() for order in player.orders]

    def until_due(self, iteration: int) -> int:
        """How many iterations may be played from this one on before somebody plays; 0: now."""
        return min(player.until_due(iteration) for player in self._players.values())

    def play(self, machine: CpuMachine, watch: Watch | None) -> None:
        """Make the moves that come before the iteration in hand, if any are due."""
        for player in self._players.values():
            if player.until_due(int(machine.clock[0])) == 0:
                player.play(machine, watch or (lambda done, of: None))
