"""The document as Qt sees it: every edit is one named, undoable step and is told in one signal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.editor import scopes
from app.editor.commands import (
    Command,
    arrangement,
    clipboard,
    composites,
    conversions,
    dots,
    nodes,
    plan,
    sharing,
    swapping,
    wires,
)
from app.editor.commands.drafts import fits_behind, refusal, taken_ids
from app.editor.layout import laid_out
from app.editor.playing import Playing
from engine.composite_library import placeable
from engine.composites import node_at
from engine.graph import IDENTIFIER, Frame, Note
from engine.grouping import BORDER, Moved, renamed, replaced
from engine.nodes import NodeType
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    import numpy as np

    from engine.training import Training

Place = tuple[float, float]


class Editor(Playing):
    """Edits a document. Methods that edit raise `ProblemError` where that cannot be done, and then change nothing.

    An edit that would change nothing leaves no step. `gesture` (from `new_gesture`) joins the edits of one drag.
    """

    # asking ----------------------------------------------------------------------------------------------------------

    def refusal(self, source: str, target: str) -> Problem | None:
        """Why a wire cannot be drawn: ports, cycle or shapes. A wire that would be replaced does not count."""
        composite = scopes.entered(self.document.graph, self.path)
        if composite is None:
            return refusal(self.document, self.document.graph, source, target)
        if (problem := self.shown.graph.refusal(source, target)) is not None:
            return problem
        if self._asking[0] != self.revision:
            self._asking = self.revision, scopes.ShapesWithin(self.document, composite)
        return self._asking[1].refusal(source, target)

    @property
    def placeable(self) -> dict[str, type[NodeType]]:
        """All that can be added, by name: node types, and composites of the document and of the library."""
        return placeable(self.shown.graph)

    def fitting_types(self, wire_from: str | None = None, wire_to: str | None = None) -> list[type[NodeType]]:
        """The node types that may be wired to a port, in the order of registration; all where no port is named."""
        types = list(self.placeable.values())
        if wire_to is not None:
            port = self.shown.graph.input_port(wire_to)
            types = [kind for kind in types if kind.outputs]
            types.sort(key=lambda kind: port is not None and all(out.kind != port.kind for out in kind.outputs))
        return types if wire_from is None else fits_behind(self.shown, wire_from, types)

    def conversions(self, source: str, target: str) -> dict[str, dict[str, Any]]:
        """The types that make a value fit an input that it does not fit, each with its properties."""
        return conversions.conversions(self.shown, source, target, self.shapes)

    # nodes -----------------------------------------------------------------------------------------------------------

    def add_node(
        self, type: str, position: Place, wire_from: str | None = None, wire_to: str | None = None, **details: Any
    ) -> str:
        """Add a node (details: title, properties), wired where ports are named. Returns its id."""
        name, command = nodes.add_node(
            self.shown, type, position, wire_from=wire_from, wire_to=wire_to, **details
        )  # fmt: skip
        self._push_here("add_node", command)
        return name

    def remove(self, ids: Iterable[str]) -> None:
        """Delete nodes, wires, frames and notes."""
        self._push_here("remove", self._keeping_values(nodes.remove(self.shown, list(ids))))

    def remove_and_reconnect(self, ids: Iterable[str]) -> None:
        """Delete nodes and lead their inputs on to where their outputs went."""
        self._push_here("remove_and_reconnect", self._keeping_values(nodes.remove_and_reconnect(self.shown, list(ids))))

    def _keeping_values(self, command: Command) -> Command:
        text, delta = command
        gone = [node.id for _, node in delta.nodes.removed]
        values = self.values_of([f"{place}{name}" for place in self._places() for name in gone])
        kept = {key: (array.copy(), array.copy()) for key, array in values.items()}
        return text, replace(delta, values=kept)

    def swap_type(self, ids: Iterable[str], type: str) -> None:
        """Put another type in the place of nodes, wired as before where that fits; undone, they have their numbers again."""
        text, delta = swapping.swap_type(self.shown, list(ids), type)
        there = [f"{place}{old.id}" for place in self._places() for old, _ in delta.nodes.exchanged]
        values = {key: (array.copy(), None) for key, array in self.values_of(there).items()}
        self._push_here("swap_type", (text, replace(delta, values=values)))

    def set_property(self, node: str, name: str, value: Any, gesture: int | None = None) -> None:
        """Set one property of a node."""
        self._push_here("set_property", nodes.set_property(self.shown, node, name, value), gesture)

    def reset_property(self, node: str, name: str) -> None:
        """Give a property its default."""
        self._push_here("reset_property", nodes.reset_property(self.shown, node, name))

    def set_title(self, name: str, title: str) -> None:
        """Rename a node or a frame. A port of a composite takes a word as its name, and wires outside follow."""
        if self._names_port(name, title):
            self._push_here("set_title", composites.rename_port(self.shown, name, title), ports={name: title})
            self.select([title])
            return
        self._push_here("set_title", nodes.set_title(self.shown, name, title))

    def _names_port(self, name: str, title: str) -> bool:
        node = self.shown.graph.nodes.get(name)
        is_port = bool(self.path) and node is not None and node.type in BORDER
        return is_port and IDENTIFIER.fullmatch(title) is not None and title not in taken_ids(self.shown.graph)

    def set_flag(self, ids: Iterable[str], flag: str, on: bool, places: Mapping[str, Place] | None = None) -> None:
        """Set or clear one of the flags that a node may have; `places` are of nodes that make room."""
        self._push_here("set_flag", nodes.set_flag(self.shown, list(ids), flag, on, places))

    def toggle_flag(self, ids: Iterable[str], flag: str) -> None:
        """Set the flag unless all of the nodes have it."""
        graph, meant = self.shown.graph, list(ids)
        dotted = [name for name in meant if name in graph.dots] if flag == "pinned" else []
        if dotted:
            on = not all(graph.dots[name].pinned for name in dotted)
            self._push_here("pin_dots", dots.set_pinned(self.shown, dotted, on))
        chosen = [name for name in meant if name in graph.nodes]
        if chosen or not dotted:
            self.set_flag(chosen, flag, not all(flag in graph.nodes[name].flags for name in chosen))

    # wires -----------------------------------------------------------------------------------------------------------

    def connect_ports(self, source: str, target: str, via: tuple[str, ...] = ()) -> None:
        """Draw a wire between `node.port` and `node.port`, over dots where some are named."""
        self._push_here("connect", wires.connect(self.shown, source, target, via))

    def disconnect_ports(self, source: str, target: str) -> None:
        """Take a wire away."""
        self._push_here("disconnect", wires.disconnect(self.shown, source, target))

    def rewire(self, source: str, target: str, new_source: str, new_target: str) -> None:
        """Move an end of a wire."""
        self._push_here("rewire", wires.rewire(self.shown, source, target, new_source, new_target))

    def swap_wires(self, first: str, second: str) -> None:
        """Let the wires of two inputs exchange where they end."""
        self._push_here("swap_wires", wires.swap(self.shown, first, second))

    def move_wires(self, port: str, other: str) -> None:
        """Let every wire of a port begin or end at another one."""
        self._push_here("move_wires", wires.move_all(self.shown, port, other))

    def cut(self, ids: Iterable[str]) -> None:
        """Take several wires away, given as `source>target`."""
        self._push_here("cut", wires.cut(self.shown, ids))

    def break_port(self, address: str) -> None:
        """Take away every wire of a port."""
        self._push_here("break_port", wires.break_port(self.shown, address))

    def insert_node(self, node: str, source: str, target: str, offset: Place = (0.0, 0.0)) -> None:
        """Put a node into a wire, moving it by an offset at the same time."""
        self._push_here("insert_node", wires.insert(self.shown, node, source, target, offset))

    def take_out(self, node: str, offset: Place = (0.0, 0.0)) -> None:
        """Take a node out of its wires, which go on without it, moving it by an offset at the same time."""
        self._push_here("take_out", wires.take_out(self.shown, node, offset))

    def connect_selected(self, ids: Iterable[str]) -> None:
        """Wire the nodes to each other, from left to right."""
        self._push_here("connect_selected", wires.connect_selected(self.shown, list(ids)))

    def connect_nodes(self, begin: str, end: str) -> None:
        """Wire a node to another one by the ports that fit best."""
        self._push_here("connect_nodes", wires.connect_nodes(self.shown, begin, end))

    def set_wires_muted(self, ids: Iterable[str], on: bool) -> None:
        """Let wires carry zero, or let them work again."""
        self._push_here("mute_wires", wires.set_muted(self.shown, ids, on))

    def add_dot(self, wires: Mapping[str, int], position: Place) -> str:
        """Lead wires over one new dot, each behind so many of its own. Returns its id."""
        name, command = dots.add_dot(self.shown, wires, position)
        self._push_here("add_dot", command)
        return name

    # composites ------------------------------------------------------------------------------------------------------

    def group(self, ids: Iterable[str]) -> str:
        """Put nodes into a composite with ports where wires crossed its border. Returns the id of its use."""
        moved, command = composites.group(self.shown, list(ids))
        self._push_moved("group", command, moved)
        self.select(moved.created)
        return moved.created[0]

    def expand(self, use: str) -> list[str]:
        """Draw the inside of a use in its place. Returns the ids of the nodes, which are selected."""
        moved, command = composites.expand(self.shown, use)
        self._push_moved("expand", command, moved)
        self.select(moved.created)
        return moved.created

    def rename_composite(self, name: str, title: str) -> None:
        """Call a definition otherwise, in the palette and at all its uses that have no title of their own."""
        if title.strip():
            self.push("rename_composite", composites.rename_definition(self.document, name, title.strip()))

    def exposed_as(self, node: str, name: str) -> str:
        """What a property of a node is called at the uses of the composite that was entered; empty where it stays within."""
        return composites.shown_as(self.entered, node, name) if self.entered is not None else ""

    def toggle_exposed(self, node: str, name: str) -> None:
        """Show a property of a node at all uses of the composite that was entered, or keep it within again."""
        composite = self.entered
        if composite is None:
            fact = "only what lies within a composite can be shown on it"
            raise ProblemError(Problem(fact, "Go into a composite first, with a double click.", kind="composite"))
        if self.exposed_as(node, name):
            use = node_at(self.document.graph, "/".join(self.path))
            seen = use.properties if use is not None else {}
            self.push("conceal", composites.conceal(self.document, composite.id, node, name, seen))
        else:
            self.push("expose", composites.expose(self.document, composite.id, node, name))

    def _push_moved(self, family: str, command: Command, moved: Moved) -> None:
        """Parameters keep their numbers under their new addresses, and the training plan follows."""
        text, delta = command
        everywhere = scopes.moved_everywhere(moved, self._places())
        gone = [*everywhere.nodes, *(address.partition(".")[0] for address in everywhere.outputs)]
        there = {key: array.copy() for key, array in self.values_of(gone).items()}
        before = {key: (array, None) for key, array in there.items() if everywhere.address(key) != key}
        after = {key: (None, array.copy()) for key, array in renamed(there, everywhere).items()}
        training = self.document.training
        later = replaced(training, everywhere)
        attributes = {} if later is training else {"training": (training, later)}
        delta = replace(delta, values=before | after, attributes=attributes)
        self._push_here(family, (text, delta))

    # arrangement -----------------------------------------------------------------------------------------------------

    def move(self, ids: Iterable[str], dx: float, dy: float, gesture: int | None = None) -> None:
        """Move nodes, notes and what lies in frames, in pixels."""
        self._push_here("move", arrangement.move(self.shown, list(ids), dx, dy), gesture)

    def place(self, places: Mapping[str, Place], text: str) -> None:
        """Put nodes at given places; `text` names the step."""
        self._push_here("place", arrangement.place(self.shown, places, text))

    def layout(self, ids: Iterable[str] | None = None) -> None:
        """Lay out all nodes or some from left to right; pinned ones stay. The upper left corner keeps its place."""
        graph = self.shown.graph
        chosen = [name for name in (graph.nodes if ids is None else ids) if name in graph.nodes]
        chosen = [name for name in chosen if "pinned" not in graph.nodes[name].flags]
        self._push_here("layout", arrangement.place(self.shown, laid_out(graph, chosen, self.size_of), "Lay out"))

    def add_frame(self, ids: Iterable[str], title: str = "") -> str:
        """Draw a frame around nodes. Returns its id."""
        name, command = arrangement.add_frame(self.shown, list(ids), title)
        self._push_here("add_frame", command)
        return name

    def set_frame(self, frame: Frame) -> None:
        """Change a frame."""
        self._push_here("set_frame", arrangement.set_frame(self.shown, frame))

    def set_colour(self, ids: Iterable[str], colour: str) -> None:
        """Give nodes and frames a colour of the theme; an empty one is their own."""
        self._push_here("set_colour", arrangement.set_colour(self.shown, ids, colour))

    def add_note(self, position: Place, text: str = "") -> str:
        """Stick a note to the canvas. Returns its id."""
        name, command = arrangement.add_note(self.shown, position, text)
        self._push_here("add_note", command)
        return name

    def set_note(self, note: Note, gesture: int | None = None) -> None:
        """Change a note."""
        self._push_here("set_note", arrangement.set_note(self.shown, note), gesture)

    # clipboard -------------------------------------------------------------------------------------------------------

    def copy_text(self, ids: Iterable[str]) -> str:
        """Nodes and what belongs to them as plain JSON text."""
        return clipboard.copy_text(self.shown.graph, ids)

    def paste(self, text: str, position: Place, keep_wires: bool = False) -> list[str]:
        """Put a clipboard text at a place. Returns the new ids, which are selected."""
        created, command = clipboard.paste(self.shown, text, position, keep_wires=keep_wires)
        self._push_here("paste", command)
        self.select(created)
        return created

    def duplicate(self, ids: Iterable[str], keep_wires: bool = False, offset: Place = (24.0, 24.0)) -> list[str]:
        """Copy nodes beside themselves. Returns the new ids, which are selected."""
        text = self.copy_text(list(ids))
        left, top = clipboard.Clip(text).corner
        place = (left + offset[0], top + offset[1])
        created, command = clipboard.paste(self.shown, text, place, keep_wires=keep_wires, verb="Duplicate")
        self._push_here("duplicate", command)
        self.select(created)
        return created

    def duplicate_linked(self, ids: Iterable[str], offset: Place = (48.0, 96.0)) -> list[str]:
        """Copy nodes so that copy and original learn the same parameters, which become nodes wired to both."""
        chosen = list(ids)
        known = self.values_of([f"{self.prefix}{name}" for name in chosen])
        values = {address.removeprefix(self.prefix): array for address, array in known.items()}
        moved, command = sharing.linked(self.shown, chosen, values, offset)
        self._push_moved("duplicate_linked", command, moved)
        self.select(moved.created)
        return moved.created

    # the plan and values ---------------------------------------------------------------------------------------------

    def set_training(self, training: Training, gesture: int | None = None) -> None:
        """Exchange the training plan."""
        self.push("set_training", plan.set_training(self.document, training), gesture)

    def set_data(self, data: Mapping[str, Any], text: str = "", gesture: int | None = None) -> None:
        """Exchange what the document is trained on; `text` names the step."""
        self.push("set_data", plan.set_data(self.document, data, text), gesture)

    def import_data(self, data: Mapping[str, Any], sizes: Mapping[tuple[str, str], Any], name: str) -> None:
        """Exchange the data for a table of that name, and the properties (node, name) that have to fit it."""
        self.push("import_data", plan.import_data(self.document, data, sizes, name))

    def set_attribute(self, name: str, value: Any, text: str = "") -> None:
        """Change title, question, precision, views, tour or references of the document; `text` names the step."""
        usual, delta = plan.set_attribute(self.document, name, value)
        self.push("set_attribute", (text or usual, delta))

    def set_values(
        self,
        values: Mapping[str, np.ndarray],
        before: Mapping[str, np.ndarray],
        text: str = "",
        gesture: int | None = None,
    ) -> None:
        """Set parameters by hand; both as "node.parameter" -> array, `before` from when the gesture began."""
        values, before = ({f"{self.prefix}{key}": entry for key, entry in found.items()} for found in (values, before))
        self.push("set_values", plan.set_values(self.document, values, before, text), gesture)
