"""The editor's place in its document: at the top, or within composites; what is seen and selected there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.editor import scopes
from app.editor.delta import wire_id
from engine.composites import node_at
from engine.schema_composites import first_uses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.editor.delta import Delta
    from app.editor.scopes import Path
    from engine.composites import Composite
    from engine.document import Document
    from engine.problems import Problem
    from engine.snapshot import Snapshot


class Standing(QObject):
    """Where one stands in a document. Moving about is no step of the history."""

    path_changed = Signal(object)  # tuple of the uses that were entered, before anything else is told of it
    selection_changed = Signal(object)  # set[str]
    focus_changed = Signal(object)  # "node.port" | None

    document: Document
    problems: list[Problem]
    revision: int

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: Path = ()
        self._selection: set[str] = set()
        self._focus: str | None = None
        self._all_shapes: dict[str, tuple] = {}
        self._asking: tuple[int, Any] = (-1, None)
        self._seen_shapes: tuple[object, dict[str, tuple]] = ((), {})
        self._within: tuple[object, Document] | None = None  # what is shown within a composite, and of what it was made

    @property
    def shown(self) -> Document:
        """The document as it is seen from where one stands: within a composite its graph is the inside. Read only."""
        if not self.path:
            return self.document
        composite = scopes.entered(self.document.graph, self.path)
        assert composite is not None  # an edit that takes it away leads out of it
        made_of = composite, self.document.graph.composites, self.document.training, self.document.data
        if self._within is None or self._within[0] != made_of:
            self._within = made_of, scopes.document_within(self.document, composite)
        return self._within[1]

    @property
    def entered(self) -> Composite | None:
        """The composite whose inside is seen; None at the top."""
        return scopes.entered(self.document.graph, self.path)

    @property
    def prefix(self) -> str:
        """What stands before the ids that are seen, in the document: `block_1/`; empty at the top."""
        return scopes.prefix_of(self.path)

    @property
    def shapes(self) -> dict[str, tuple]:
        """Shapes by `node.port`, as seen from where one stands."""
        if not self.path:
            return self._all_shapes
        made_of = self.path, id(self._all_shapes)
        if self._seen_shapes[0] != made_of:
            self._seen_shapes = made_of, dict(scopes.within(self._all_shapes, self.prefix))
        return self._seen_shapes[1]

    @shapes.setter
    def shapes(self, shapes: dict[str, tuple]) -> None:
        self._all_shapes = shapes

    @property
    def problems_here(self) -> list[Problem]:
        """The problems of what is seen; those inside a use stand at the use."""
        return scopes.problems_within(self.problems, self.prefix)

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot as it looks from where one stands."""
        return scopes.snapshot_within(snapshot, self.prefix) if self.document.composites else snapshot

    def go_to(self, path: Path) -> None:
        """Stand at another place: at the top, or within composites, as far as the path leads somewhere."""
        path = scopes.sound_part(self.document.graph, path)
        if path != self.path:
            self.path = path
            self.select([])
            self.set_focus(None)
            self._asking = (-1, None)
            self.path_changed.emit(path)

    def reveal(self, node: str) -> str | None:
        """Stand where a node of the document is drawn (`block_1/dense_1`). Its id there; None where there is no such node."""
        if node_at(self.document.graph, node) is None:
            return None
        *path, name = node.split("/")
        self.go_to(tuple(path))
        return name

    def enter(self, use: str) -> None:
        """Go into a use; nothing happens where the node is none."""
        if scopes.entered(self.shown.graph, (use,)) is not None:
            self.go_to((*self.path, use))

    def leave(self) -> None:
        """Go out of the innermost composite, whose use is then selected."""
        if self.path:
            *path, use = self.path
            self.go_to(tuple(path))
            self.select([use])

    def _stand_where(self, delta: Delta, is_new: bool) -> None:
        """Out of what an edit has taken away; where one was undone or done again, to where it shows."""
        composite, path = scopes.entered(self.document.graph, self.path), self.path
        if not is_new and (composite is None or composite.id not in delta.composites):
            drawn = any(getattr(delta, part) for part in scopes.DRAWN)
            uses = first_uses(self.document.graph)
            place = next((uses[name] for name in delta.composites if name in uses and not drawn), "")
            if drawn or place:
                path = tuple(place.split("/")) if place else ()
        path = scopes.sound_part(self.document.graph, path)
        if path != self.path:
            self.path, self._selection, self._focus = path, set(), None
            self.path_changed.emit(path)
            self.selection_changed.emit(set())
            self.focus_changed.emit(None)

    def _places(self) -> list[str]:
        """What stands before the ids of what is seen, at each place where it is used."""
        composite = scopes.entered(self.document.graph, self.path)
        return [""] if composite is None else scopes.prefixes(self.document.graph, composite.id)

    # selection and focus, which are no steps -------------------------------------------------------------------------

    @property
    def selection(self) -> set[str]:
        """Ids of selected nodes, frames, notes, dots and wires (`source>target`); a copy."""
        return set(self._selection)

    def select(self, ids: Iterable[str]) -> None:
        """Select exactly these."""
        chosen = {name for name in ids if self.exists(name)}
        if chosen != self._selection:
            self._selection = chosen
            self.selection_changed.emit(set(chosen))

    def exists(self, name: str) -> bool:
        """Whether a node, frame, note, dot or wire of that id is drawn where one stands."""
        graph = self.shown.graph
        if any(name in table for table in (graph.nodes, graph.frames, graph.notes, graph.dots)):
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
