"""The journal's side of the history: what is written when an edit is played, and how it is read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from app.editor.delta import Delta
from app.editor.edit import Edit
from engine.problems import Problem

if TYPE_CHECKING:
    from app.editor.playing import Playing


class Journal(Protocol):
    """Anything that keeps plain JSON entries in order, such as `engine.journal.Journal`."""

    def append(self, entry: dict[str, Any], /) -> None:
        """Keep one entry."""


class Scribe:
    """Writes one entry for every edit that is done, undone or redone.

    One of `{"do": family, "text": …, "gesture": …, "delta": …}`, `{"undo": text}`, `{"redo": text}`,
    `{"saved": true}`.
    An edit that the journal at hand never saw (it was made before the journal began) is written out in full when it is
    undone or redone, so that a journal can be read without the history before it.
    """

    def __init__(self) -> None:
        self._journal: Journal | None = None
        self._chapter = object()
        self.reading = False

    @property
    def journal(self) -> Journal | None:
        """Where entries go; None keeps none."""
        return self._journal

    @journal.setter
    def journal(self, journal: Journal | None) -> None:
        self._journal, self._chapter = journal, object()

    def note(self, edit: Edit, delta: Delta, forward: bool, fresh: bool) -> None:
        """Write down that an edit was just played; `fresh`: for the first time."""
        if self._journal is None or self.reading:
            edit.chapter = self._chapter if self._journal is not None else edit.chapter
            return
        if not fresh and edit.chapter is self._chapter:
            self._journal.append({"redo" if forward else "undo": edit.text()})
            return
        if not fresh:
            # The reader's history branches off here: whatever it could redo, it will no longer know.
            self._chapter = object()
        text = edit.text() if forward else f"Undo {edit.text()}"
        gesture = edit.gesture if fresh else 0
        self._journal.append({"do": edit.family, "text": text, "gesture": gesture, "delta": delta.to_json()})
        edit.chapter = self._chapter if fresh else None

    def saved(self) -> None:
        """Write down that the document was saved: Qt never merges across that point."""
        if self._journal is not None and not self.reading:
            self._journal.append({"saved": True})


def replay(editor: Playing, entries: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Play a journal's entries on the editor's document, history included; stops at the first that makes no sense."""
    editor.scribe.reading = True
    try:
        for number, entry in enumerate(entries):
            try:
                _play(editor, entry)
            except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
                fact = f"entry {number + 1} of the journal cannot be read ({error})"
                return [Problem(fact, "Everything before it was brought back.", severity="warning", kind="journal")]
    finally:
        editor.scribe.reading = False
    return []


def _play(editor: Playing, entry: Mapping[str, Any]) -> None:
    if "do" in entry:
        gesture = int(entry.get("gesture", 0))
        editor.reserve_gesture(gesture)
        delta = Delta.from_json(entry["delta"])
        editor.stack.push(Edit(editor, str(entry["do"]), str(entry.get("text", entry["do"])), delta, gesture))
    elif "undo" in entry:
        editor.stack.undo()
    elif "redo" in entry:
        editor.stack.redo()
    elif "saved" in entry:
        editor.stack.setClean()
    else:
        raise ValueError("unknown entry")
