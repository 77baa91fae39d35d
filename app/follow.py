"""Keeps the runner at the heels of the editor: which edit is planned anew, which changes a number, which nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.editor import Change, Editor
from app.runner import Runner

if TYPE_CHECKING:
    from engine.document import Document
    from engine.snapshot import Snapshot
    from engine.training import Training


class Follower(QObject):
    """Sends every edit to the runner in its cheapest form, and lends the editor the values of nodes that go."""

    def __init__(self, editor: Editor, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editor, self._runner = editor, runner
        self._training = editor.document.training
        self._snapshot: Snapshot | None = None
        self._document: Document | None = None  # the last large one
        self._holds = False
        self._waiting: dict[str, Any] = {}  # parameters that were set meanwhile
        editor.changed.connect(self._follow)
        editor.values_set.connect(self._set_values)
        editor.values_of = self._values_of
        editor.check_aside = self._check_aside
        runner.checked.connect(editor.take_findings)
        runner.snapshot_ready.connect(self._keep)

    def _follow(self, change: Change) -> None:
        document, revision = self._editor.document, self._editor.revision
        before, self._training = self._training, document.training
        if self._holds and "reset" not in change.kinds:
            return
        settings = dict(change.settings)
        planned = change.replans
        if change.kinds == {"training"}:
            found = changed_numbers(before, document.training)
            settings, planned = found or {}, found is None
        if "reset" in change.kinds:
            self._snapshot, self._holds, self._waiting = None, False, {}
            self._runner.open(document, revision, self._editor.take_lowering())
        elif planned:
            self._runner.edit(document, revision)
        elif settings:
            self._runner.set_settings(settings, document, revision)
        else:
            self._runner.renumber(revision)

    @property
    def holds(self) -> bool:
        """Whether edits wait before anything is computed anew."""
        return self._holds

    @holds.setter
    def holds(self, holds: bool) -> None:
        was, self._holds = self._holds, holds
        if was and not holds:
            self._runner.edit(self._editor.document, self._editor.revision)
            waiting, self._waiting = self._waiting, {}
            self._set_values(waiting)

    def _check_aside(self, document: Document, revision: int) -> None:
        """Have shapes and problems worked out. Of a document just opened the canvas is painted before anything else."""
        if document is not self._document:
            self._document = document
            self._runner.hold()
        self._runner.check(document, revision)

    def _set_values(self, values: dict[str, Any]) -> None:
        if self._holds:
            self._waiting |= values
            return
        for key, array in values.items():
            self._runner.set_parameter(key, array)

    def _keep(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def _values_of(self, ids: Any) -> dict[str, Any]:
        if self._snapshot is None:
            return {}
        gone = set(ids)
        readings = self._snapshot.parameters.items()
        return {
            key: each.array for key, each in readings if each.array is not None and not gone.isdisjoint(_around(key))
        }


def _around(address: str) -> list[str]:
    """The node of an address, and the uses of composites that it lies in."""
    levels = address.partition(".")[0].split("/")
    return ["/".join(levels[: depth + 1]) for depth in range(len(levels))]


def changed_numbers(before: Training, after: Training) -> dict[str, float] | None:
    """The numbers of phases that changed, by address, where two plans differ in nothing else; None where they do."""
    if replace(before, phases=()) != replace(after, phases=()):
        return None
    if [phase.structure for phase in before.phases] != [phase.structure for phase in after.phases]:
        return None
    numbers: dict[str, float] = {}
    for old, new in zip(before.phases, after.phases, strict=True):
        found = old.numbers
        numbers |= {address: number for address, number in new.numbers.items() if number != found[address]}
    return numbers
