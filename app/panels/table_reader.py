"""Reads a CSV file on a thread of its own; the window is told how far it is and may change its mind at any time."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from engine.datasets.csv_result import Understood
from engine.datasets.csv_table import CsvFile
from engine.datasets.csv_text import MOST_BYTES, Cancelled
from engine.problems import Problem, ProblemError
from engine.schema_files import reason, write_file

TELL_EVERY_S = 0.05
Work = Callable[[], tuple[str, Any]]


class TableReader(QObject):
    """One file. Of several questions only the last is answered; `close` cancels and waits.

    Signals, on the window's thread:
    progressed(str, float)   what is being done, and how much of it
    understood(Understood)   the file under the answers of the last question
    refused(Problem)         why it is no table, or could not be written
    written(Path)
    loaded(dict)             how a document describes the table
    """

    progressed = Signal(str, float)
    understood = Signal(object)
    refused = Signal(object)
    written = Signal(object)
    loaded = Signal(object)
    _posted = Signal(str, object, int)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._file: CsvFile | None = None
        self._turn = 0
        self._told = 0.0
        self._inbox: queue.SimpleQueue[tuple[int, Work] | None] = queue.SimpleQueue()
        self._posted.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._work, name="chainrule-table", daemon=True)
        self._thread.start()

    def ask(self, answers: Mapping[str, str]) -> None:
        """Understand the file under these answers; whatever is still being read is left."""
        given = dict(answers)
        self._send(lambda: ("understood", self._read().understand(given, self._watch)))

    def write(self, found: Understood, path: Path) -> None:
        """Write the understood rows as a plain table."""

        def write() -> tuple[str, Any]:
            self._posted.emit("progressed", ("Writing the table", 0.0), self._turn)
            write_file(path, found.csv())
            return "written", path

        self._send(write)

    def load(self, spec: Mapping[str, Any], folder: Path) -> None:
        """Read a table as a document will, so that it is at hand once the document asks for it."""

        def load() -> tuple[str, Any]:
            from engine.datasets import load as load_data_set

            self._posted.emit("progressed", ("Reading the rows", 0.0), self._turn)
            with suppress(ProblemError):  # told in the list of problems, with its place
                load_data_set(dict(spec), folder)
            return "loaded", dict(spec)

        self._send(load)

    def close(self) -> None:
        """Cancel, and wait for the thread; may be called twice."""
        self._turn = -1
        self._inbox.put(None)
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _send(self, work: Work) -> None:
        if self._turn >= 0:
            self._turn += 1
            self._inbox.put((self._turn, work))

    # on the thread ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (entry := self._inbox.get()) is not None:
            turn, work = entry
            if turn != self._turn:
                continue
            try:
                kind, payload = work()
            except Cancelled:
                continue
            except ProblemError as error:
                kind, payload = "refused", error.problems[0]
            except Exception as error:  # a thread that dies in silence leaves a dialog that only looks alive
                traceback.print_exc()
                fact = f"“{self.path.name}” could not be read ({type(error).__name__})"
                kind, payload = "refused", Problem(fact, "Please send this file with a report.", kind="crash")
            self._posted.emit(kind, payload, turn)

    def _read(self) -> CsvFile:
        if self._file is None:
            self._watch("Reading the file", 0.0)
            self._file = CsvFile(read_content(self.path), self.path.name)
        return self._file

    def _watch(self, words: str, share: float) -> None:
        now, turn = time.perf_counter(), self._turn
        if turn < 0 or not self._inbox.empty():
            raise Cancelled
        if now - self._told > TELL_EVERY_S:
            self._told = now
            self._posted.emit("progressed", (words, share), turn)

    # on the window's -------------------------------------------------------------------------------------------------

    def _receive(self, kind: str, payload: Any, turn: int) -> None:
        if turn == self._turn:
            signal = getattr(self, kind)
            signal.emit(*payload) if kind == "progressed" else signal.emit(payload)


def read_content(path: Path) -> bytes:
    """The bytes of a file that is not too large to be a table. Raises `ProblemError`."""
    try:
        if not path.is_file():
            raise ProblemError(Problem(f"there is no file “{path.name}”", "Choose another one.", kind="file"))
        size = path.stat().st_size
        if size > MOST_BYTES:
            fact = f"“{path.name}” has {size / 2**20:.0f} MB; a table takes up to {MOST_BYTES // 2**20} MB"
            raise ProblemError(Problem(fact, "Keep fewer lines or columns.", kind="limit"))
        return path.read_bytes()
    except (OSError, ValueError) as error:
        fact = f"“{path.name}” cannot be read: {reason(error)}"
        raise ProblemError(Problem(fact, "Choose another file, or mend its rights.", kind="file")) from error
