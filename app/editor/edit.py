"""One entry of the history: a named delta that Qt's stack plays forward and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QUndoCommand

from app.editor.delta import Delta

if TYPE_CHECKING:
    from app.editor.playing import Playing

MERGEABLE = 1  # Qt merges only commands of the same id; whether these two belong together is asked in mergeWith


class Edit(QUndoCommand):
    """A delta with its name for the menu. All edits of one gesture (a number above 0) are one entry.

    `family` names the command for the journal. Ids and plain data only: no item of the canvas is ever kept alive.
    """

    def __init__(self, editor: Playing, family: str, text: str, delta: Delta, gesture: int = 0) -> None:
        super().__init__(text)
        self._editor = editor
        self.family, self.delta, self.gesture = family, delta, gesture
        self.chapter: object = None  # the stretch of the journal in which this edit was written down
        self.played = False

    def redo(self) -> None:
        """Play the edit (Qt calls this when it is pushed, too)."""
        self._editor.play(self, self.delta, forward=True)

    def undo(self) -> None:
        """Take the edit back."""
        self._editor.play(self, self.delta.inverse(), forward=False)

    def id(self) -> int:
        """Qt's question which commands may merge."""
        return MERGEABLE if self.gesture and self.delta.can_merge else -1

    def mergeWith(self, newer: QUndoCommand) -> bool:
        """Take in a later edit of the same gesture."""
        if not isinstance(newer, Edit) or (newer.gesture, newer.family) != (self.gesture, self.family):
            return False
        self.delta = self.delta.then(newer.delta)
        return True
