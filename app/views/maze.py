"""A maze with what an agent thinks of it: the worth of every cell, the best way on, and where the games stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from app.views.choosing import ChoosingView
from app.views.maze_plot import MazePlot

if TYPE_CHECKING:
    from engine.nodes.worlds_tabular import GridWorld
    from engine.snapshot import Reading, Snapshot

NO_MAZE = "There is no maze here. Place one from “Worlds”."


class Shown(NamedTuple):
    """A maze, and a table of what its cells are worth: (cells, actions) or (cells, 1)."""

    world: str
    table: str


class MazeView(ChoosingView):
    """One maze and one table, chosen in the head."""

    kind, title, icon = "maze", "Maze", "grid-3x3"
    asks, letters = ("Table", "Whose maze, and what of it is shown"), 8
    step = "Choose the table that a maze shows"
    _offered: tuple[Shown, ...]

    def sizeHint(self) -> QSize:
        return QSize(420, 260)

    def make_body(self) -> QWidget:
        """The plot."""
        return MazePlot()

    @property
    def plot(self) -> MazePlot:
        """The body."""
        body = self.body
        assert isinstance(body, MazePlot)
        return body

    # showing ---------------------------------------------------------------------------------------------------------

    def feed(self, snapshot: Snapshot) -> str:
        """The table as it stands, and the games where they are."""
        mazes = self._mazes()
        if not mazes:
            return NO_MAZE
        self._offer(mazes, snapshot)
        shown: Shown | None = self._offered[self.of.currentIndex()] if self._offered else None
        world = shown.world if shown is not None else next(iter(mazes))
        reading = _all(snapshot).get(shown.table) if shown is not None else None
        table = reading.array if reading is not None and reading.state != "absent" else None
        state = snapshot.values.get(f"{world}.state")
        games = state.array.argmax(axis=1) if state is not None and state.array is not None else None
        self.plot.show_maze(mazes[world], table, games)
        return ""

    def _mazes(self) -> dict[str, GridWorld]:
        """The mazes that can be walked, by node."""
        from engine.nodes.worlds_tabular import GridWorld

        found = {}
        for node in self.editor.document.graph:
            if node.kind is GridWorld:
                sound, problems = GridWorld.check_properties(node.properties)
                if not problems:
                    found[node.id] = GridWorld(sound)
        return found

    def _offer(self, mazes: dict[str, GridWorld], snapshot: Snapshot) -> None:
        """Fill the choice where there are other tables than before, keeping what is chosen."""
        graph, readings = self.editor.document.graph, _all(snapshot)
        found: list[Shown] = []
        for address, reading in readings.items():
            layers = [node for node in (address.partition(".")[0], *_wired_from(graph, address)) if node in graph.nodes]
            behind = graph.ancestors(*layers) if layers else set()
            for world, maze in mazes.items():
                fits = reading.shape in ((maze.states, maze.actions), (maze.states, 1))
                if fits and (world in behind or len(mazes) == 1):
                    found.append(Shown(world, address))
        self.offer(tuple(found), [shown.table for shown in found])

    def describe(self, snapshot: Snapshot) -> str:
        """Which table."""
        chosen = self.of.currentText() if self._offered else ""
        if self.id != self.kind and chosen:
            self.rename(f"{self.title}: {chosen}")
        return chosen


def _all(snapshot: Snapshot) -> dict[str, Reading]:
    """Parameters, and outputs that could be tables."""
    return {**snapshot.parameters, **{a: r for a, r in snapshot.values.items() if len(r.shape) == 2}}


def _wired_from(graph: Any, address: str) -> list[str]:
    """The nodes that a parameter node is wired to."""
    return [wire.target_node for wire in graph.wires_out_of(address.partition(".")[0])]


def best(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which actions of each cell are worth most, (cells, actions); none where all are alike."""
    highest = table.max(axis=1, keepdims=True)
    return (table >= highest - 1e-9 * np.maximum(1, np.abs(highest))) & (table.max(axis=1) > table.min(axis=1))[:, None]
