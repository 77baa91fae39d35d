"""Pulling a wire from either end: compatible ports light up, a refusal says why at the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QPointF, Qt, QTimer
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QMenu

from app.canvas.actions import attempt
from app.canvas.conversions import offer_conversions
from app.canvas.hits import node_at, port_at
from app.canvas.ink import ink
from app.canvas.interactions.base import Interaction, Modifiers
from app.canvas.live import TEXT_FROM
from app.canvas.node_item import PortPlace
from app.canvas.routes import loose_path
from app.editor import wire_id
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

MOST_ASKED = (
    200  # nodes: in larger graphs one answer takes longer than a frame, and only the port at the cursor is asked
)
BUDGET_MS = 6  # of each idle moment, for asking which ports would take the wire


class PullWire(Interaction):
    """From an output forwards, from a free input backwards, or an existing wire taken off its input.

    A click without travel leaves the wire in the hand until the next click (click-click). Dropped in empty space, a new
    wire asks the search box what it should lead to, and one that was taken off its input is disconnected. Dropped with
    Alt on an input that has a wire, the two exchange their inputs.
    """

    cursor = Qt.CursorShape.CrossCursor
    needs_sight = True

    def __init__(self, view: CanvasView, start: QPointF, port: PortPlace, via: tuple[str, ...] = ()) -> None:
        super().__init__(view, start)
        self._via = via  # the dots that a new wire is led over before it is in the hand
        self._taken = None  # the wire whose end is in the hand
        wires = self.scene.graph.wires_into(*port.address.split(".", 1)) if port.is_input else []
        if wires:
            self._taken = wires[-1]
        self._anchor = self._port(self._taken.source) if self._taken else port
        self._forward = not self._anchor.is_input
        self._line = self.scene.addPath(QPainterPath(start), ink().pen(f"k_{self._anchor.kind}", 1.0))
        self._line.setZValue(90)
        if self._taken is not None:
            self.scene.wires[wire_id(self._taken)].show_as(faded=True)
        self._clicked = False
        self._answers: dict[str, Problem | None] = {}
        self._lit = frozenset(self._candidates())
        self._questions = self._sorting_out(self._lit)
        self._asking = QTimer(view, interval=0)
        self._asking.timeout.connect(self._ask)
        if len(self.scene.nodes) <= MOST_ASKED:
            self._asking.start()
        self.scene.light_ports(self._lit)

    def _port(self, address: str) -> PortPlace:
        port = self.scene.nodes[address.partition(".")[0]].port(address)
        assert port is not None
        return port

    # which ports would take it ---------------------------------------------------------------------------------------

    def _candidates(self) -> Iterator[str]:
        """Ports on the other side that would close no cycle; shapes are asked for little by little."""
        node = self._anchor.address.partition(".")[0]
        graph = self.scene.graph
        barred = {node, *(graph.ancestors(node) if self._forward else graph.descendants(node))}
        for name, geometry in self.scene.nodes.geometries.items():
            if name not in barred:
                yield from (f"{name}.{port}" for port in (geometry.inputs if self._forward else geometry.outputs))

    def _sorting_out(self, candidates: frozenset[str]) -> Iterator[str]:
        """The candidates that the engine refuses."""
        for address in sorted(candidates):
            yield address if self._refusal(address) is not None else ""

    def _ask(self) -> None:
        clock = QElapsedTimer()
        clock.start()
        refused = set()
        for address in self._questions:
            refused.add(address)
            if clock.elapsed() > BUDGET_MS:
                break
        else:
            self._asking.stop()
        if refused & self._lit:
            self._lit -= refused
            self.scene.light_ports(self._lit)

    def _ends(self, other: str) -> tuple[str, str]:
        return (self._anchor.address, other) if self._forward else (other, self._anchor.address)

    def _refusal(self, other: str) -> Problem | None:
        ends = self._ends(other)
        if self._taken is not None and ends == (self._taken.source, self._taken.target):
            return None
        if other not in self._answers:
            self._answers[other] = self.editor.refusal(*ends)
        return self._answers[other]

    # the gesture -----------------------------------------------------------------------------------------------------

    def move(self, point: QPointF, modifiers: Modifiers) -> None:
        """Lead the wire to the mouse; a port within reach catches it, or says why not."""
        port = self._target(point)
        end = self._place(port) if port is not None else point
        anchor = self.scene.dots[self._via[-1]].place if self._via else self._place(self._anchor)
        ends = (anchor, end) if self._forward else (end, anchor)
        self._line.setPath(loose_path(*ends, self.scene.wire_style))
        problem = self._refusal(port.address) if port is not None else None
        self._line.setPen(ink().pen("error" if problem else f"k_{self._anchor.kind}", 1.0))
        self.view.show_hint(f"{problem.fact.rstrip('.')}. {problem.mend}".strip() if problem else "", bad=True)

    def _target(self, point: QPointF) -> PortPlace | None:
        """The port at a point if it is on the other side; on a node's body, its best free port."""
        port = port_at(self.scene, point, self.view.zoom)
        if port is not None:
            return port if port.is_input == self._forward and not self._is_own(port) else None
        return next(iter(self._fitting(point)), None)

    def _fitting(self, point: QPointF) -> list[PortPlace]:
        """The ports of the node at a point that would take the wire, the best one first."""
        node = node_at(self.scene, point)
        if node is None:
            return []
        fitting = [entry for entry in node.ports if entry.is_input == self._forward and entry.address in self._lit]
        return sorted(fitting, key=lambda entry: (entry.wired, not entry.shown, entry.kind != self._anchor.kind))

    def _is_own(self, port: PortPlace) -> bool:
        return port.address.partition(".")[0] == self._anchor.address.partition(".")[0]

    def _place(self, port: PortPlace) -> QPointF:
        return self.scene.nodes[port.address.partition(".")[0]].pos() + port.point

    def press(self, point: QPointF, modifiers: Modifiers) -> None:
        """The second click of click-click."""
        self._drop(point, modifiers)

    def release(self, point: QPointF, modifiers: Modifiers) -> None:
        """Drop the wire, unless it was only clicked: then it stays in the hand."""
        if not self.travelled and not self._clicked:
            self._clicked = True
            return
        if not self._clicked:
            self._drop(point, modifiers)

    def _drop(self, point: QPointF, modifiers: Modifiers) -> None:
        port, taken = self._target(point), self._taken
        on_node = node_at(self.scene, point) is not None
        is_far = self.view.zoom < TEXT_FROM and port_at(self.scene, point, self.view.zoom) is None
        choice = self._fitting(point) if is_far else []
        self.cancel()
        try:
            if len(choice) > 1:
                self._ask_which(choice, point)
            elif port is not None:
                self._connect(*self._ends(port.address), swaps=bool(modifiers & Modifiers.AltModifier))
            elif taken is not None and not on_node:
                self.editor.disconnect_ports(taken.source, taken.target)
            elif taken is None and not on_node:
                address = self._anchor.address
                self.view.open_search(point, **{"wire_from" if self._forward else "wire_to": address})
        except ProblemError as error:
            self.view.tell(error)

    def _ask_which(self, ports: list[PortPlace], point: QPointF) -> None:
        """From so far that ports are not drawn: a list of those that would take the wire."""
        self.view.menu = menu = QMenu(self.view)
        for port in ports:
            action = menu.addAction(f"{port.name}  ·  {port.kind}{', wired' if port.wired else ''}")
            action.triggered.connect(partial(self._take, *self._ends(port.address)))
        menu.popup(self.view.viewport().mapToGlobal(self.view.mapFromScene(point)))

    def _take(self, source: str, target: str, _: bool = False) -> None:
        attempt(self.view, lambda _: self._connect(source, target, swaps=False))

    def _connect(self, source: str, target: str, swaps: bool) -> None:
        """Join two ports; where only a conversion keeps them apart, ask for it. `swaps`: wires exchange their inputs."""
        taken = self._taken
        if taken is not None and (source, target) == (taken.source, taken.target):
            return
        if taken is not None and swaps and self.scene.graph.wires_into(*target.split(".", 1)):
            self.editor.swap_wires(taken.target, target)
        elif taken is not None:
            self.editor.rewire(taken.source, taken.target, source, target)
        elif not offer_conversions(self.view, source, target):
            self.editor.connect_ports(source, target, self._via)

    def cancel(self) -> None:
        """The wire is dropped without trace."""
        self._asking.stop()
        self._asking.deleteLater()
        self.scene.removeItem(self._line)
        self.scene.light_ports(None)
        self.view.show_hint("")
        if self._taken is not None and (item := self.scene.wires.get(wire_id(self._taken))) is not None:
            item.show_as(faded=False)
        self.done = True
