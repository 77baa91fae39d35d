"""The items of a document, kept in step with it: edits come as changes, numbers as snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEasingCurve, QPointF, QRectF, QTimer, QVariantAnimation
from PySide6.QtGui import QPixmapCache
from PySide6.QtWidgets import QGraphicsScene

from app.canvas.annotations import FrameItem, NoteItem
from app.canvas.expected import ExpectedShapes
from app.canvas.geometry import is_neuron, is_single_input, measure
from app.canvas.layer.item import LayerItem
from app.canvas.layer.opened import OpenedLayers
from app.canvas.layer.plan import followers, is_opened
from app.canvas.live import DETAIL_FROM, boost_at
from app.canvas.marks import Marks
from app.canvas.neuron_item import NeuronItem
from app.canvas.node_item import DrawnNode, NodeItem, colour_of
from app.canvas.numbers import NumbersOnCanvas
from app.canvas.reshaping import Reshaping
from app.canvas.resting_scene import reach_of
from app.canvas.weights import WeightLabel
from app.canvas.wired_scene import WiredScene
from app.canvas.wiring import Shapes, Wiring
from app.editor import Change, Editor
from app.theme import current_theme
from engine.graph import Node

LAYOUT_MS, MOST_GLIDING = 300, 500  # nodes: of more, a frame would take longer than it is seen
FAR = 1e6  # the canvas is as good as infinite
CACHE_KB = 160 * 1024


def _item_type(node: Node) -> type[DrawnNode]:
    """How a node is drawn."""
    if is_opened(node):
        return LayerItem
    return NeuronItem if is_neuron(node) or is_single_input(node) else NodeItem


class CanvasScene(WiredScene):
    """Builds the items of nodes, wires, frames and notes, and changes only those that an edit touches."""

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self.layers = OpenedLayers(self)
        self.stops: set[str] = set()  # nodes of the document at which playing stands still
        self.reduced_motion = False
        self.setSceneRect(-FAR, -FAR, 2 * FAR, 2 * FAR)
        # Neurons are kept by Qt as pictures of their own: its 10 MB hold sixty, and then every frame paints them all anew.
        QPixmapCache.setCacheLimit(max(QPixmapCache.cacheLimit(), CACHE_KB))
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.BspTreeIndex)
        self.marks = Marks(self)
        self.addItem(self.marks)
        self.addItem(self.overview)
        self.numbers = NumbersOnCanvas(self)
        self._gliding: QVariantAnimation | None = None
        self.reshaping = Reshaping(self)
        self._settling = QTimer(self, singleShot=True, interval=0)
        self._settling.timeout.connect(self._place_labels)
        editor.changed.connect(self._take_change)
        editor.path_changed.connect(lambda _: self._rebuild())
        editor.selection_changed.connect(self.show_selection)
        editor.focus_changed.connect(lambda _: self.numbers.refresh())
        editor.problems_changed.connect(self._take_problems)
        editor.size_of = self.size_of
        current_theme().changed.connect(self._repaint)
        self._rebuild()

    def size_of(self, node_id: str) -> tuple[float, float]:
        """Width and height of a node, also of one that is not on the canvas yet."""
        if node_id in self.nodes:
            return self.nodes.geometries[node_id].size
        return measure(Wiring(self.graph), self.graph.nodes[node_id], self.editor.shapes).size

    # keeping step with the document ----------------------------------------------------------------------------------

    def show_stops(self) -> None:
        """Mark the nodes at which playing stands still."""
        here = {name for name in self.nodes if f"{self.editor.prefix}{name}" in self.stops}
        for name in {*here, *(name for name, item in self.nodes.made.items() if item.live.state.stops)}:
            self.nodes[name].show_state(stops=name in here)

    def _take_change(self, change: Change) -> None:
        if "reset" in change.kinds:
            self.stops.clear()
        if change.touches("composites"):  # with a definition the ports of all its uses may be others
            self._rebuild()
            return
        if change.replans:
            self.numbers.expire()
        if self.wiring.wires is not self.graph.wires:
            self.wiring = Wiring(self.graph)
        self.wiring.nodes = self.graph.nodes
        nodes = self._touched(change)
        nodes |= followers(self.wiring, nodes)
        before = {name: self.area_of(name) for name in nodes if name in self.nodes}
        self._redraw(nodes)
        self._sync_dots()
        if change.touches("node_added", "node_removed", "wire_added", "wire_removed", "wire", "routed"):
            self._sync_wires(name for name in change.ids if ">" in name)
        self._reroute_over(name for name in change.ids if name in self.dots)
        self._reroute(nodes)
        self._sync_annotations()
        self.numbers.refresh(None if change.replans else nodes)
        if change.text.endswith("Lay out") and not self.reduced_motion and len(before) <= MOST_GLIDING:
            self._glide(nodes, before)
        self._settle()

    def redraw(self, names: Sequence[str]) -> None:
        """Nodes look as the document, and what is known of its shapes, have them now; what hangs on them follows."""
        self._redraw(names)
        self._reroute(names)
        self._surround_frames()
        self._settle()

    def _redraw(self, names: Iterable[str]) -> None:
        self._disturb_nodes(names)
        self._sync_nodes(names)
        self._place(names)
        self._disturb_nodes(names)

    def _disturb_nodes(self, names: Iterable[str]) -> None:
        """What these nodes cover has to be painted anew."""
        self.disturb_all([self._reach(name) for name in names if name in self.nodes])

    def _reach(self, name: str) -> QRectF:
        """All that a node may cover."""
        if (item := self.nodes.made.get(name)) is not None:
            return item.sceneBoundingRect()
        return reach_of(self.area_of(name))

    def _touched(self, change: Change) -> set[str]:
        """Nodes that look different now: those named, and those at the ends of named wires."""
        touched = {name for name in change.ids if name in self.graph.nodes or name in self.nodes}
        for name in change.ids:
            if ">" in name:
                touched.update(end.partition(".")[0] for end in name.split(">"))
        return touched

    def _rebuild(self) -> None:
        for item in [
            *self.labels.values(),
            *self.nodes.made.values(),
            *self.frames.values(),
            *self.notes.values(),
        ]:
            self.removeItem(item)
        for table in (self.labels, self.nodes, self.layers, self.frames, self.notes):
            table.clear()
        self.areas.clear()
        self._forget_wires()
        self.forget_pictures()
        self.marks.travel([], "")
        self.numbers.clear()
        self.wiring = Wiring(self.graph)
        self.reshaping.begin_anew()
        with self.building():
            self._sync_nodes(self.graph.nodes)
            self._place(self.graph.nodes)
            self._sync_dots()
            self._sync_wires()
        self.layers.lay_lines()
        self._sync_annotations()
        self.show_stops()
        self.numbers.refresh()
        self._settle()

    def _sync_nodes(self, names: Iterable[str]) -> None:
        graph, nodes, wiring, shapes = self.graph, self.nodes, self.wiring, self.editor.shapes
        known = self._known_shapes()
        self._drop_nodes([name for name in names if name in nodes and self._has_gone(name)])
        for name in names:
            if (node := graph.nodes.get(name)) is None:
                continue
            wanted, item = _item_type(node), nodes.made.get(name)
            geometry = nodes.geometries[name] = measure(wiring, node, known)
            nodes.colours[name] = colour_of(node)
            if item is not None:
                item.take(wiring, shapes, geometry)
            elif wanted is not NodeItem:  # Qt paints it, and has to know of it
                nodes[name].setPos(*node.position)  # not where it stood before this edit, as the areas still have it

    def make_item(self, name: str) -> DrawnNode:
        """The item of a node, as everybody has it now."""
        item = _item_type(self.graph.nodes[name])(name)
        item.take(self.wiring, self.editor.shapes, self.nodes.geometries[name])
        if name in self.areas:
            item.setPos(*self.areas.corner(name))
        item.setVisible(self.detailed)
        if isinstance(item, NeuronItem | LayerItem):
            item.enlarge(self._boost)
        if isinstance(item, LayerItem):
            self.layers[name] = item
        if name in self.selected or self.lit is not None:
            item.show_state(selected=name in self.selected, lit=self.lit)
        self.addItem(item)
        return item

    def _has_gone(self, name: str) -> bool:
        """Whether a drawn node is there no more, or has to have an item of another type."""
        if (node := self.graph.nodes.get(name)) is None:
            return True
        return name in self.nodes.made and type(self.nodes.made[name]) is not _item_type(node)

    def _drop_nodes(self, names: Sequence[str]) -> None:
        self._disturb_nodes(names)
        self.areas.drop(names)
        for name in names:
            self.layers.pop(name, None)
            if (gone := self.nodes.drop(name)) is not None:
                self.removeItem(gone)

    def _sync_annotations(self) -> None:
        for table, drawn in ((self.frames, self.graph.frames), (self.notes, self.graph.notes)):
            for name in [name for name in table if name not in drawn]:
                table[name].disturb()
                self.removeItem(table.pop(name))
        for name, note in self.graph.notes.items():
            if name not in self.notes:
                self.notes[name] = NoteItem(note)
                self.addItem(self.notes[name])
            if self.notes[name].note is not note or not self.notes[name].area.height():
                self.notes[name].take(note)
        for name, frame in self.graph.frames.items():
            if name not in self.frames:
                self.frames[name] = FrameItem(frame)
                self.addItem(self.frames[name])
        self._surround_frames()
        self.show_selection(self.editor.selection)

    def _surround_frames(self) -> None:
        for name, item in self.frames.items():
            frame = self.graph.frames.get(name, item.frame)
            item.surround(frame, [self.area_of(node) for node in frame.nodes if node in self.nodes])

    def _take_problems(self, _: object) -> None:
        """Shapes may have changed with the problems: ports, pictures and weights follow."""
        self.reshaping.begin()
        self._sync_labels()
        self.numbers.refresh()
        self._settle()

    def _known_shapes(self) -> Shapes:
        """The shapes, or what is promised while they are being worked out."""
        return self.editor.shapes if self.editor.knows_shapes else ExpectedShapes(self.wiring)

    # places ----------------------------------------------------------------------------------------------------------

    def area_of(self, name: str) -> QRectF:
        """The rectangle of a node, frame, note or dot on the scene; empty for others."""
        if name in self.nodes:
            return QRectF(*self.areas.corner(name), *self.nodes.geometries[name].size)
        if name in self.frames:
            return self.frames[name].area
        if name in self.dots:
            return self.dots[name].area
        return self.notes[name].area if name in self.notes else QRectF()

    def content_area(self, names: Iterable[str] | None = None) -> QRectF:
        """The rectangle around some things, or around everything."""
        area = self.areas.whole if names is None else QRectF()
        for name in [*self.frames, *self.notes, *self.dots] if names is None else names:
            area = area.united(self.area_of(name))
        return area

    def _place(self, names: Iterable[str]) -> None:
        """Nodes have come, moved or grown: they stand where their items are, or else where the document has them."""
        made, nodes, found = self.nodes.made, self.graph.nodes, {}
        for name in names:
            if name in self.nodes:
                found[name] = made[name].pos().toTuple() if name in made else nodes[name].position
        self._stand_at(found)

    def _stand_at(self, places: Mapping[str, Any]) -> None:
        areas, geometries = {}, self.nodes.geometries
        for name, (x, y) in places.items():
            width, height = geometries[name].size
            areas[name] = (x, y, x + width, y + height)
        self.areas.place(areas)

    def _reroute(self, nodes: Iterable[str]) -> None:
        """Nodes have moved or grown: what leads to them follows."""
        self._lead_anew({wire for node in nodes for wire in self._wires_at.get(node, ())})
        self.layers.lay_lines(nodes)
        self.numbers.follow_marks()

    def displace(self, names: Iterable[str], offset: QPointF) -> None:
        """Show things away from where the document has them, while the mouse holds them."""
        across, down, graph = offset.x(), offset.y(), self.graph
        places = {
            name: (graph.nodes[name].position[0] + across, graph.nodes[name].position[1] + down)
            for name in names
            if name in self.nodes
        }
        self._move_to(places)
        for name in names:
            if name in self.notes:
                self.notes[name].setPos(QPointF(*self.graph.notes[name].position) + offset)
        self._displace_dots([name for name in names if name in self.dots], offset)
        self._surround_frames()
        self._settle()

    def _move_to(self, places: Mapping[str, tuple[float, float]]) -> None:
        """Show nodes at other places than the document's."""
        self._disturb_nodes(name for name in places if name not in self.nodes.made)
        for name, place in places.items():
            if name in self.nodes.made:
                self.nodes.made[name].setPos(*place)
        self._stand_at(places)
        self._disturb_nodes(name for name in places if name not in self.nodes.made)
        self._reroute(places)

    def _glide(self, names: Iterable[str], before: Mapping[str, QRectF]) -> None:
        """Let nodes travel to the places that a layout gave them."""
        ends = {name: self.area_of(name).topLeft() for name in names if name in self.nodes and name in before}
        if self._gliding is not None:
            self._gliding.stop()
        self._gliding = glide = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=LAYOUT_MS)
        glide.setEasingCurve(QEasingCurve.Type.OutCubic)

        def advance(share: float) -> None:
            starts = {name: before[name].topLeft() for name in ends if name in self.nodes}
            self._move_to({name: (at + (ends[name] - at) * share).toTuple() for name, at in starts.items()})
            self._surround_frames()

        glide.valueChanged.connect(advance)
        glide.finished.connect(self._settle)
        glide.start()

    def _settle(self) -> None:
        self.overview.relight()
        self._settling.start()

    def settle(self) -> None:
        """Place what would be placed with the next rounds of events: before a picture is taken."""
        self.reshaping.finish()
        if self._settling.isActive():
            self._settling.stop()
            self._place_labels()

    # looks -----------------------------------------------------------------------------------------------------------

    def show_zoom(self, zoom: float) -> None:
        """Below a quarter one item draws the whole graph."""
        if (boost := boost_at(zoom)) != self._boost:
            self._enlarge(boost)
        detailed = zoom >= DETAIL_FROM
        if detailed == self.detailed:
            return
        self.detailed = detailed
        for item in [*self.nodes.made.values(), *self.labels.values(), self.marks]:
            item.setVisible(detailed)
        self.overview.setVisible(not detailed)
        self.overview.relight()

    def _enlarge(self, boost: float) -> None:
        self._boost = boost
        for item in [*self.labels.values(), *self.nodes.made.values()]:
            if isinstance(item, NeuronItem | WeightLabel | LayerItem):
                item.enlarge(boost)
        self.layers.lay_lines()
        self._settle()

    def _repaint(self) -> None:
        self.forget_pictures()
        self.numbers.repaint()
        for item in self.items():
            item.update()
        self.update()
