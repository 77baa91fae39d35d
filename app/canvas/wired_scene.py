"""The wires of a document with their dots and the weights that stand on them, kept in step with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from PySide6.QtCore import QPointF, Signal

from app.canvas.dots import DrawnDot
from app.canvas.lit_scene import LitScene
from app.canvas.routes import CURVED, Stand, route
from app.canvas.weights import MOST_LABELS, WeightLabel, place_labels, weight_places
from app.canvas.wire_item import WireItem
from app.canvas.wiring import Wiring
from app.editor import Editor, wire_id
from engine.graph import Graph, Wire


class WiredScene(LitScene):
    """Draws wires from node to node; whoever places the nodes says which wires follow."""

    arranged = Signal()  # something moved, came or went

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self.editor = editor
        self.wiring = Wiring(editor.shown.graph)
        self.labels: dict[str, WeightLabel] = {}
        self._wires_at: dict[str, set[str]] = defaultdict(set)
        self._style = CURVED
        self._boost = 1.0

    @property
    def graph(self) -> Graph:
        """What is drawn."""
        return self.editor.shown.graph

    def stand(self, name: str) -> Stand:
        """A node and where it stands."""
        return Stand(self.graph.nodes[name], self.nodes.geometries[name], *self.areas.corner(name))

    @property
    def wire_style(self) -> str:
        """How wires run: curved, straight or angled."""
        return self._style

    @wire_style.setter
    def wire_style(self, style: str) -> None:
        if style != self._style:
            self._style = style
            self._lead_anew(set(self.wires))
            self.forget_pictures()

    # wires -----------------------------------------------------------------------------------------------------------

    def wires_at(self, node_id: str) -> list[WireItem]:
        """The wires of a node."""
        return [self.wires[name] for name in self._wires_at.get(node_id, ())]

    def _forget_wires(self) -> None:
        """Another document, or another level of this one."""
        self.wires.clear()
        self.dots.clear()
        self._wires_at.clear()
        self.runs.clear()

    def _sync_wires(self, names: Iterable[str] | None = None) -> None:
        """Draw wires as the document has them now: those named, or all."""
        drawn = {wire_id(wire): wire for wire in self.graph.wires} if names is None else self.wiring.named(names)
        gone = [name for name, wire in drawn.items() if name in self.wires and self.wires[name].wire is not wire]
        for name in gone:
            item = self.wires.pop(name)
            self._wires_at[item.wire.source_node].discard(name)
            self._wires_at[item.wire.target_node].discard(name)
            item.update()
        self.runs.drop(gone)
        new = []
        for name, wire in drawn.items():
            if wire is None or name in self.wires:
                continue
            source, target = wire.source_node, wire.target_node
            if source in self.nodes and target in self.nodes:
                port = self.graph.output_port(wire.source)
                self.wires[name] = WireItem(wire, port.kind if port else "data", self.disturb_wire)
                new.append(name)
                self._wires_at[source].add(name)
                self._wires_at[target].add(name)
        self._route(new)
        self._sync_labels()

    def _route(self, names: Iterable[str]) -> None:
        """Run wires from port to port, over their dots."""
        runs, stand = {}, cache(self.stand)
        for name in names:
            item = self.wires[name]
            (source, _, out), (target, _, into) = item.wire.source.partition("."), item.wire.target.partition(".")
            item.lead(route(stand(source), out, stand(target), into, self._stops(item.wire), self._style))
            runs[name] = item.runs
        self.runs.place(runs)

    def _stops(self, wire: Wire) -> list[tuple[float, float]]:
        return [self.dots[dot].place.toTuple() for dot in wire.via if dot in self.dots]

    def _lead_anew(self, names: set[str]) -> None:
        """What some wires lead between, or over, stands elsewhere."""
        self._route(names)
        for name in names & self.labels.keys():
            self.labels[name].move_to(self.wires[name].path.pointAtPercent(0.5))

    # dots ------------------------------------------------------------------------------------------------------------

    def _sync_dots(self) -> None:
        """Draw dots as the document has them now."""
        known = self.graph.dots
        for name in [name for name, drawn in self.dots.items() if known.get(name) is not drawn.dot]:
            self.disturb(self.dots.pop(name).reach)
        for name in known.keys() - self.dots.keys():
            drawn = self.dots[name] = DrawnDot(known[name], self._kind_over(name))
            drawn.selected = name in self.selected
            self.disturb(drawn.reach)

    def _kind_over(self, dot: str) -> str:
        """The kind of what the first wire over a dot carries."""
        wire = next((wire for wire in self.graph.wires if dot in wire.via), None)
        port = self.graph.output_port(wire.source) if wire is not None else None
        return port.kind if port is not None else "data"

    def _displace_dots(self, names: Iterable[str], offset: QPointF) -> None:
        """Show dots away from where the document has them."""
        moved = set(names)
        for name in moved:
            drawn = self.dots[name]
            self.disturb(drawn.reach)
            drawn.place = QPointF(*drawn.dot.position) + offset
            self.disturb(drawn.reach)
        self._reroute_over(moved)

    def _reroute_over(self, dots: Iterable[str]) -> None:
        """Dots have moved: what leads over them follows."""
        moved = set(dots)
        if moved:
            self._lead_anew({name for name, item in self.wires.items() if not moved.isdisjoint(item.wire.via)})

    # weights on wires ------------------------------------------------------------------------------------------------

    def _sync_labels(self) -> None:
        places = weight_places(self.wiring, self.editor.shapes)
        if len(places) > MOST_LABELS:
            places = {}
        for name in [
            n for n, label in self.labels.items() if places.get(n) != label.place or self.wires.get(n) is not label.wire
        ]:
            self.removeItem(self.labels.pop(name))
        for name, place in places.items():
            if name not in self.labels and name in self.wires:
                label = self.labels[name] = WeightLabel(self.wires[name], place)
                label.setVisible(self.detailed)
                label.enlarge(self._boost)
                self.addItem(label)

    def _place_labels(self) -> None:
        if self.labels:
            wires = [self.wires[name].boundingRect() for name in self.labels]
            place_labels(self.labels.values(), self.bodies(self.areas.within(wires)))
        self.arranged.emit()
