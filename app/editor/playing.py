"""A document whose edits are played: done, undone, written down, and told in one signal each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from app.editor import history, scopes
from app.editor.change import RESET, Change, change_of, change_within, joined
from app.editor.commands import Command
from app.editor.delta import Delta
from app.editor.edit import Edit
from app.editor.standing import Standing
from engine.composites import node_at
from engine.problems import Problem

if TYPE_CHECKING:
    import numpy as np

    from engine.document import Document
    from engine.lowering import Lowering

HARMLESS = {
    "moved",
    "colour",
    "note",
    "dot",
    "routed",
    "values",
}  # kinds of change that no problem and no shape can come of
MOST_AT_ONCE = 400  # nodes: what is wrong with more is worked out aside, where there is somebody to do that
CHECK_DELAY_MS = 30  # a drag edits at every mouse move; problems are worked out when the hand pauses


class Playing(Standing):
    """Plays edits on a document, one step of the history each, and has worked out what is wrong with it after them."""

    changed = Signal(object)  # a Change; dicts arrive empty through Signal(dict), so everything travels as object
    problems_changed = Signal(object)  # list[Problem]
    values_set = Signal(object)  # {"node.parameter": array}

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.stack = QUndoStack(self)
        self.scribe = history.Scribe()
        self.revision = 0
        self.problems: list[Problem] = list(document.problems)
        self.knows_shapes = True  # False while nothing is known of the shapes of a large document
        #: Asked for parameter values of nodes that are about to go, so that a revived node gets the values it had.
        self.values_of: Callable[[Iterable[str]], Mapping[str, np.ndarray]] = lambda ids: {}
        #: Works out shapes and problems of a document aside, and brings them to `take_findings` with the revision.
        self.check_aside: Callable[[Document, int], None] | None = None
        #: Asked for a node's width and height in pixels; the canvas knows better than this.
        self.size_of: Callable[[str], tuple[float, float]] = lambda node_id: (240.0, 152.0)
        self._last_gesture = 0
        self._untold: list[tuple[Change, dict[str, np.ndarray]]] | None = None  # while a journal is replayed
        self._is_checked = False  # whether shapes and problems are of the document as it is
        self._edited = 0  # the revision of the last edit that they depend on
        self._lowering: Lowering | None = None
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
        was_within, self.path = bool(self.path), ()
        self._is_checked, self._edited = False, self.revision
        if self.is_checked_aside:
            self.shapes, self.problems, self.knows_shapes = {}, list(document.problems), False
            self._ask()  # before anybody asks for more
        else:
            self._lowering = self._find_problems()  # before anybody builds on shapes that are not known yet
        if was_within:
            self.path_changed.emit(())
        self.changed.emit(RESET)
        self.selection_changed.emit(set())
        self.focus_changed.emit(None)
        self._checking.start()

    def take_lowering(self) -> Lowering | None:
        """What the document was lowered with as it was opened, for one who goes on from there; asked again, None."""
        lowering, self._lowering = self._lowering, None
        return lowering

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
        """Play journal entries on the document they were written for; returns what could not be played.

        Everybody is told once, of all of them together: a long journal of a large document takes seconds otherwise.
        """
        self._untold = []
        problems = history.replay(self, entries)
        untold, self._untold = self._untold, None
        if untold:
            values = {key: array for _, found in untold for key, array in found.items()}
            self._tell(joined([change for change, _ in untold]), values)
        return problems

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

    def _find_problems(self) -> Lowering:
        """Work out shapes and problems; by which lowering."""
        from engine.lowering import Lowering, infer

        inference = infer(self.document, self.document.load_data()[0], lowering=(lowering := Lowering()))
        self.shapes = dict(inference.shapes)
        self.problems = list(self.document.check(inference))
        self._is_checked = self.knows_shapes = True
        return lowering

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

    def _push_here(
        self, family: str, command: Command, gesture: int | None = None, ports: Mapping[str, str] | None = None
    ) -> None:
        """As `push`, of an edit of what is seen: within a composite it goes to the definition."""
        text, delta = command
        composite = scopes.entered(self.document.graph, self.path)
        if delta and composite is not None:
            delta = scopes.lifted(self.document, composite.id, delta, ports)
        self.push(family, (text, delta), gesture)

    def play(self, edit: Edit, delta: Delta, forward: bool) -> None:
        """Apply an edit's delta and tell everybody once; called by the history only."""
        fresh = forward and not edit.played
        before = scopes.entered(self.document.graph, self.path)
        delta.apply(self.document)
        self._stand_where(delta, fresh)
        self.revision += 1
        self.scribe.note(edit, delta, forward, fresh)
        edit.played = True
        change = change_of(delta, edit.text())
        after = scopes.entered(self.document.graph, self.path)
        if before is not None and after is not None and before.id == after.id and after.id in delta.composites:
            change = change_within(change, before, after)
        values = {key: new for key, (_, new) in delta.values.items() if new is not None}
        if self._untold is None:
            self._tell(change, values)
        else:
            self._untold.append((change, values))

    def _tell(self, change: Change, values: Mapping[str, np.ndarray]) -> None:
        self._forget_gone(change.ids)
        self.changed.emit(change)
        if kept := {key: array for key, array in values.items() if self._is_there(key)}:
            self.values_set.emit(kept)
        if not change.kinds <= HARMLESS:
            self.check()

    def _is_there(self, address: str) -> bool:
        return node_at(self.document.graph, address.partition(".")[0]) is not None

    def _forget_gone(self, ids: Iterable[str]) -> None:
        gone = {name for name in ids if name in self._selection and not self.exists(name)}
        if gone:
            self.select(self._selection - gone)
        if self._focus is not None and self._focus.partition(".")[0] not in self.shown.graph.nodes:
            self.set_focus(None)
