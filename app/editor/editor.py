"""The document as Qt sees it: every edit is one named, undoable step and is told in one signal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from app.editor import history
from app.editor.change import RESET, change_of
from app.editor.commands import Command, arrangement, clipboard, nodes, plan, wires
from app.editor.commands.drafts import fits_behind, refusal
from app.editor.delta import Delta, wire_id
from app.editor.edit import Edit
from app.editor.layout import arrange
from engine.composite_library import placeable
from engine.graph import Frame, Node, Note
from engine.nodes import NodeType
from engine.problems import Problem

if TYPE_CHECKING:
    import numpy as np

    from engine.document import Document
    from engine.training import Training

Place = tuple[float, float]
WEIGHTS_ROOM = 96.0  # pixels left of a column of neurons: their weights stand on the wires
HARMLESS = {"moved", "note", "values"}  # kinds of change that no problem and no shape can come of
MOST_AT_ONCE = 400  # nodes: what is wrong with more is worked out aside, where there is somebody to do that
CHECK_DELAY_MS = 30  # a drag edits at every mouse move; problems are worked out when the hand pauses


class Editor(QObject):
    """Edits a document. Methods that edit raise `ProblemError` where that cannot be done, and then change nothing.

    An edit that would change nothing leaves no step. `gesture` (from `new_gesture`) joins the edits of one drag.
    """

    changed = Signal(object)  # a Change; dicts arrive empty through Signal(dict), so everything travels as object
    problems_changed = Signal(object)  # list[Problem]
    values_set = Signal(object)  # {"node.parameter": array}
    selection_changed = Signal(object)  # set[str]
    focus_changed = Signal(object)  # "node.port" | None

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.stack = QUndoStack(self)
        self.scribe = history.Scribe()
        self.revision = 0
        self.problems: list[Problem] = list(document.problems)
        self.shapes: dict[str, tuple] = {}
        self.knows_shapes = True  # False while nothing is known of the shapes of a large document
        #: Asked for parameter values of nodes that are about to go, so that a revived node gets the values it had.
        self.values_of: Callable[[Iterable[str]], Mapping[str, np.ndarray]] = lambda ids: {}
        #: Works out shapes and problems of a document aside, and brings them to `take_findings` with the revision.
        self.check_aside: Callable[[Document, int], None] | None = None
        #: Asked for a node's width and height in pixels; the canvas knows better than this.
        self.size_of: Callable[[str], tuple[float, float]] = lambda node_id: (240.0, 152.0)
        self._selection: set[str] = set()
        self._focus: str | None = None
        self._last_gesture = 0
        self._is_checked = False  # whether shapes and problems are of the document as it is
        self._edited = 0  # the revision of the last edit that they depend on
        self._asked = -1  # the revision that they are being worked out for aside
        self._checking = QTimer(self, singleShot=True, interval=CHECK_DELAY_MS)
        self._checking.timeout.connect(self._check_now)
        self.check()

    # the document as a whole -----------------------------------------------------------------------------------------

    def open(self, document: Document) -> None:
        """Edit another document, with an empty history."""
        self.document = document
        self.stack.clear()
        self.revision += 1
        self._selection, self._focus = set(), None
        self._is_checked, self._edited = False, self.revision
        if self.is_checked_aside:
            self.shapes, self.problems, self.knows_shapes = {}, list(document.problems), False
            self._ask()  # before anybody asks for more
        else:
            self._find_problems()  # before anybody builds on shapes that are not known yet
        self.changed.emit(RESET)
        self.selection_changed.emit(set())
        self.focus_changed.emit(None)
        self._checking.start()

    def mark_saved(self) -> None:
        """The document on disk is the document now."""
        self.stack.setClean()
        self.scribe.saved()

    @property
    def journal(self) -> history.Journal | None:
        """Where every edit is written down; an object with `append(entry)`."""
        return self.scribe.journal

    @journal.setter
    def journal(self, journal: history.Journal | None) -> None:
        self.scribe.journal = journal

    def replay(self, entries: Iterable[Mapping[str, Any]]) -> list[Problem]:
        """Play journal entries on the document they were written for; returns what could not be played."""
        return history.replay(self, entries)

    def check(self) -> None:
        """Work out the problems soon; `problems_changed` tells."""
        self._is_checked, self._edited = False, self.revision
        self._checking.start()

    def check_now(self) -> None:
        """Check without delay, where that was about to be done: before a picture is taken."""
        if self._checking.isActive() or not self._is_checked:
            self._checking.stop()
            if not self._is_checked:
                self._find_problems()
            self.problems_changed.emit(self.problems)

    def _check_now(self) -> None:
        if not self._is_checked and self.is_checked_aside:
            self._ask()
            return
        if not self._is_checked:
            self._find_problems()
        self.problems_changed.emit(self.problems)

    @property
    def is_checked_aside(self) -> bool:
        """Whether the document is too large to be checked while somebody waits."""
        return self.check_aside is not None and len(self.document.graph.nodes) > MOST_AT_ONCE

    def _ask(self) -> None:
        if self.check_aside is not None and self._asked != self._edited:
            self._asked = self._edited
            self.check_aside(self.document, self._edited)

    def take_findings(self, revision: int, shapes: Mapping[str, tuple], problems: Iterable[Problem]) -> None:
        """What was worked out aside, for a revision; of an older one than was asked for last it is refused."""
        if revision == self._edited and not self._is_checked:
            self.shapes, self.problems = dict(shapes), list(problems)
            self._is_checked = self.knows_shapes = True
            self.problems_changed.emit(self.problems)

    def _find_problems(self) -> None:
        from engine.lowering import infer

        inference = infer(self.document, self.document.load_data()[0])
        self.shapes = dict(inference.shapes)
        self.problems = list(self.document.check(inference))
        self._is_checked = self.knows_shapes = True

    # playing edits ---------------------------------------------------------------------------------------------------

    def new_gesture(self) -> int:
        """A number for the edits of one gesture, which become one step."""
        self._last_gesture += 1
        return self._last_gesture

    def reserve_gesture(self, number: int) -> None:
        """Never hand out this number or one below again: the journal has used it."""
        self._last_gesture = max(self._last_gesture, number)

    def push(self, family: str, command: Command, gesture: int | None = None) -> None:
        """Play a command and keep it in the history; nothing happens if it would change nothing."""
        text, delta = command
        if delta:
            self.stack.push(Edit(self, family, text, delta, gesture or 0))

    def play(self, edit: Edit, delta: Delta, forward: bool) -> None:
        """Apply an edit's delta and tell everybody once; called by the history only."""
        fresh = forward and not edit.played
        delta.apply(self.document)
        self.revision += 1
        self.scribe.note(edit, delta, forward, fresh)
        edit.played = True
        change = change_of(delta, edit.text())
        self._forget_gone(change.ids)
        self.changed.emit(change)
        if delta.values:
            self.values_set.emit({key: after for key, (_, after) in delta.values.items()})
        if not change.kinds <= HARMLESS:
            self.check()

    def _forget_gone(self, ids: Iterable[str]) -> None:
        gone = {name for name in ids if name in self._selection and not self.exists(name)}
        if gone:
            self.select(self._selection - gone)
        if self._focus is not None and self._focus.partition(".")[0] not in self.document.graph.nodes:
            self.set_focus(None)

    # selection and focus, which are no steps -------------------------------------------------------------------------

    @property
    def selection(self) -> set[str]:
        """Ids of selected nodes, frames, notes and wires (`source>target`); a copy."""
        return set(self._selection)

    def select(self, ids: Iterable[str]) -> None:
        """Select exactly these."""
        chosen = {name for name in ids if self.exists(name)}
        if chosen != self._selection:
            self._selection = chosen
            self.selection_changed.emit(set(chosen))

    def exists(self, name: str) -> bool:
        """Whether a node, frame, note or wire of that id is drawn."""
        graph = self.document.graph
        if name in graph.nodes or name in graph.frames or name in graph.notes:
            return True
        return ">" in name and any(wire_id(wire) == name for wire in graph.wires)

    @property
    def focus(self) -> str | None:
        """The value (`node.port` or `node.parameter`) that ↑ and ↓ change."""
        return self._focus

    def set_focus(self, address: str | None) -> None:
        """Focus a value."""
        if address != self._focus:
            self._focus = address
            self.focus_changed.emit(address)

    # asking ----------------------------------------------------------------------------------------------------------

    def refusal(self, source: str, target: str) -> Problem | None:
        """Why a wire cannot be drawn: ports, cycle or shapes. A wire that would be replaced does not count."""
        return refusal(self.document, self.document.graph, source, target)

    @property
    def placeable(self) -> dict[str, type[NodeType]]:
        """All that can be added, by name: node types, and composites of the document and of the library."""
        return placeable(self.document.graph)

    def fitting_types(self, wire_from: str | None = None, wire_to: str | None = None) -> list[type[NodeType]]:
        """The node types that may be wired to a port, in the order of registration; all where no port is named."""
        types = list(self.placeable.values())
        if wire_to is not None:
            port = self.document.graph.input_port(wire_to)
            types = [kind for kind in types if kind.outputs]
            types.sort(key=lambda kind: port is not None and all(out.kind != port.kind for out in kind.outputs))
        return types if wire_from is None else fits_behind(self.document, wire_from, types)

    # nodes -----------------------------------------------------------------------------------------------------------

    def add_node(
        self, type: str, position: Place, wire_from: str | None = None, wire_to: str | None = None, **details: Any
    ) -> str:
        """Add a node (details: title, properties), wired where ports are named. Returns its id."""
        name, command = nodes.add_node(
            self.document, type, position, wire_from=wire_from, wire_to=wire_to, **details
        )  # fmt: skip
        self.push("add_node", command)
        return name

    def remove(self, ids: Iterable[str]) -> None:
        """Delete nodes, wires, frames and notes."""
        self.push("remove", self._keeping_values(nodes.remove(self.document, list(ids))))

    def remove_and_reconnect(self, ids: Iterable[str]) -> None:
        """Delete nodes and lead their inputs on to where their outputs went."""
        self.push("remove_and_reconnect", self._keeping_values(nodes.remove_and_reconnect(self.document, list(ids))))

    def _keeping_values(self, command: Command) -> Command:
        text, delta = command
        values = self.values_of([node.id for _, node in delta.nodes.removed])
        kept = {key: (array.copy(), array.copy()) for key, array in values.items()}
        return text, replace(delta, values=kept)

    def set_property(self, node: str, name: str, value: Any, gesture: int | None = None) -> None:
        """Set one property of a node."""
        self.push("set_property", nodes.set_property(self.document, node, name, value), gesture)

    def reset_property(self, node: str, name: str) -> None:
        """Give a property its default."""
        self.push("reset_property", nodes.reset_property(self.document, node, name))

    def set_title(self, name: str, title: str) -> None:
        """Rename a node or a frame."""
        self.push("set_title", nodes.set_title(self.document, name, title))

    def set_flag(self, ids: Iterable[str], flag: str, on: bool, places: Mapping[str, Place] | None = None) -> None:
        """Set or clear collapsed, opened, frozen, muted, bypassed or pinned; `places` are of nodes that make room."""
        self.push("set_flag", nodes.set_flag(self.document, list(ids), flag, on, places))

    def toggle_flag(self, ids: Iterable[str], flag: str) -> None:
        """Set the flag unless all of the nodes have it."""
        graph = self.document.graph
        chosen = [name for name in ids if name in graph.nodes]
        self.set_flag(chosen, flag, not all(flag in graph.nodes[name].flags for name in chosen))

    # wires -----------------------------------------------------------------------------------------------------------

    def connect_ports(self, source: str, target: str) -> None:
        """Draw a wire between `node.port` and `node.port`."""
        self.push("connect", wires.connect(self.document, source, target))

    def disconnect_ports(self, source: str, target: str) -> None:
        """Take a wire away."""
        self.push("disconnect", wires.disconnect(self.document, source, target))

    def rewire(self, source: str, target: str, new_source: str, new_target: str) -> None:
        """Move an end of a wire."""
        self.push("rewire", wires.rewire(self.document, source, target, new_source, new_target))

    def cut(self, ids: Iterable[str]) -> None:
        """Take several wires away, given as `source>target`."""
        self.push("cut", wires.cut(self.document, ids))

    def break_port(self, address: str) -> None:
        """Take away every wire of a port."""
        self.push("break_port", wires.break_port(self.document, address))

    def insert_node(self, node: str, source: str, target: str, offset: Place = (0.0, 0.0)) -> None:
        """Put a node into a wire, moving it by an offset at the same time."""
        self.push("insert_node", wires.insert(self.document, node, source, target, offset))

    def connect_selected(self, ids: Iterable[str]) -> None:
        """Wire the nodes to each other, from left to right."""
        self.push("connect_selected", wires.connect_selected(self.document, list(ids)))

    def set_wires_muted(self, ids: Iterable[str], on: bool) -> None:
        """Let wires carry zero, or let them work again."""
        self.push("mute_wires", wires.set_muted(self.document, ids, on))

    # arrangement -----------------------------------------------------------------------------------------------------

    def move(self, ids: Iterable[str], dx: float, dy: float, gesture: int | None = None) -> None:
        """Move nodes, notes and what lies in frames, in pixels."""
        self.push("move", arrangement.move(self.document, list(ids), dx, dy), gesture)

    def layout(self, ids: Iterable[str] | None = None) -> None:
        """Lay out all nodes or some from left to right; pinned ones stay. The upper left corner keeps its place."""
        graph = self.document.graph
        chosen = [name for name in (graph.nodes if ids is None else ids) if name in graph.nodes]
        chosen = [name for name in chosen if "pinned" not in graph.nodes[name].flags]
        ends = [(wire.source_node, wire.target_node) for wire in graph.wires]
        room = {name: WEIGHTS_ROOM for name in chosen if _takes_weights(graph.nodes[name])}
        places = arrange({name: self.size_of(name) for name in chosen}, ends, room)
        left = min((graph.nodes[name].position[0] for name in chosen), default=0.0)
        top = min((graph.nodes[name].position[1] for name in chosen), default=0.0)
        moved = {name: (x + left, y + top) for name, (x, y) in places.items()}
        self.push("layout", arrangement.place(self.document, moved, "Lay out"))

    def add_frame(self, ids: Iterable[str], title: str = "") -> str:
        """Draw a frame around nodes. Returns its id."""
        name, command = arrangement.add_frame(self.document, list(ids), title)
        self.push("add_frame", command)
        return name

    def set_frame(self, frame: Frame) -> None:
        """Change a frame."""
        self.push("set_frame", arrangement.set_frame(self.document, frame))

    def add_note(self, position: Place, text: str = "") -> str:
        """Stick a note to the canvas. Returns its id."""
        name, command = arrangement.add_note(self.document, position, text)
        self.push("add_note", command)
        return name

    def set_note(self, note: Note, gesture: int | None = None) -> None:
        """Change a note."""
        self.push("set_note", arrangement.set_note(self.document, note), gesture)

    # clipboard -------------------------------------------------------------------------------------------------------

    def copy_text(self, ids: Iterable[str]) -> str:
        """Nodes and what belongs to them as plain JSON text."""
        return clipboard.copy_text(self.document.graph, ids)

    def paste(self, text: str, position: Place, keep_wires: bool = False) -> list[str]:
        """Put a clipboard text at a place. Returns the new ids, which are selected."""
        created, command = clipboard.paste(self.document, text, position, keep_wires=keep_wires)
        self.push("paste", command)
        self.select(created)
        return created

    def duplicate(self, ids: Iterable[str], keep_wires: bool = False, offset: Place = (24.0, 24.0)) -> list[str]:
        """Copy nodes beside themselves. Returns the new ids, which are selected."""
        text = self.copy_text(list(ids))
        left, top = clipboard.Clip(text).corner
        place = (left + offset[0], top + offset[1])
        created, command = clipboard.paste(self.document, text, place, keep_wires=keep_wires, verb="Duplicate")
        self.push("duplicate", command)
        self.select(created)
        return created

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
        self.push("set_values", plan.set_values(self.document, values, before, text), gesture)


def _takes_weights(node: Node) -> bool:
    """Whether weights stand on the lines that lead into a node."""
    return node.type == "neuron" or "opened" in node.flags
