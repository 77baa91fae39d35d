"""What was done since the last save, on disk at once: after a crash it is played again and nothing is lost."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from engine.problems import Problem
from engine.schema import plain
from engine.schema_files import reason, sync_folder

ENDING = ".journal"

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, wait: bool) -> None:
        # Far behind the text: what Windows locks nobody else can read.
        os.lseek(descriptor, 2**31 - 2, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_END)

else:
    import fcntl

    def _lock(descriptor: int, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def journal_folder() -> Path:
    """Where journals lie, beside the other state of the user."""
    from platformdirs import user_state_path  # 10 ms, and tests name a folder of their own

    return user_state_path("chainrule", appauthor=False) / "journals"


@dataclass(frozen=True)
class Recoverable:
    """A journal whose process has ended without taking leave: what can be brought back.

    file      path of the document it belongs to, empty for one that was never saved
    entries   how many commands are not in that file
    modified  when the last of them was written
    """

    path: Path
    file: str
    title: str
    entries: int
    modified: datetime


class Journal:
    """A file of JSON lines: first the document as it was opened, then one line for each command, in their order.

    A line is handed to the system before `append` returns, so it outlives the process; a thread brings it to the disk
    within `interval` seconds, so it outlives a power cut but for that time. The file is locked while it is open: that
    tells a journal in use from one left behind. Nothing here raises `OSError`: when a line cannot be written, `problem`
    says why and nothing further is, so that what stands in the file stays sound.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        base: Mapping[str, Any] | None = None,
        *,
        file: str = "",
        unsaved: bool = False,
        interval: float = 1.0,
        sync: Callable[[int], None] = os.fsync,
    ) -> None:
        """Begin a journal at `path` with the document `base`; without one, go on with the journal that is there.

        file     path of the document, which recovery shows and saves to
        unsaved  whether `base` itself is not in that file, as after a recovery
        """
        self.path = Path(path)
        self.problem: Problem | None = None
        self._interval, self._sync = interval, sync
        self._changed = threading.Condition()
        self._is_unsynced = self._is_closing = False
        self._file: BinaryIO | None = None
        self._thread: threading.Thread | None = None
        with self._watched():
            if base is not None:
                self._begin(base, file, unsaved)
            self._open()

    @classmethod
    def begin(
        cls, base: Mapping[str, Any], *, file: str = "", unsaved: bool = False, folder: Path | None = None
    ) -> Journal:
        """A journal of its own for a document that is being opened, in the folder of journals."""
        place = journal_folder() if folder is None else folder
        return cls(
            place / f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}{ENDING}", base, file=file, unsaved=unsaved
        )

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one command down; it is safe from the end of this process when this returns."""
        if self._file is None or self.problem is not None:
            return
        with self._watched():
            _write_line(self._file, entry)
            self._wake()

    def restart(self, base: Mapping[str, Any], *, file: str = "", unsaved: bool = False) -> None:
        """Begin again with the document as it is now, at once: after saving, or when the journal has grown long."""
        self.problem = None
        with self._watched():
            self._begin(base, file, unsaved)
            self._open()

    def close(self) -> None:
        """Bring everything to the disk and let the file go; it stays, and can be recovered."""
        thread, self._thread = self._thread, None
        if thread is not None:
            with self._changed:
                self._is_closing = True
                self._changed.notify()
            thread.join()
            self._is_closing = False
        self._let_go()

    def discard(self) -> None:
        """Close and delete: everything is saved, or nobody wants it."""
        self.close()
        discard(self.path)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _begin(self, base: Mapping[str, Any], file: str, unsaved: bool) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        title = str(base.get("title") or base.get("id") or "")
        head = {"journal": 1, "file": file, "title": title, "unsaved": unsaved, "document": base}
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with open(temporary, "xb", buffering=0) as opened:
                _write_line(opened, head)
                os.fsync(opened.fileno())
            self._let_go()  # Windows replaces no file that is open
            os.replace(temporary, self.path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(self.path.parent)

    def _open(self) -> None:
        opened = open(self.path, "r+b", buffering=0)  # noqa: SIM115 - `_let_go` closes it
        with self._changed:
            self._file = opened
        _lock(opened.fileno(), wait=True)
        # A line that broke off would spoil the one written behind it.
        opened.truncate(opened.read().rfind(b"\n") + 1)
        opened.seek(0, os.SEEK_END)

    def _let_go(self) -> None:
        with self._changed:
            opened, self._file = self._file, None
        if opened is not None:
            opened.close()

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._keep_synced, name="journal", daemon=True)
            self._thread.start()
        with self._changed:
            self._is_unsynced = True
            self._changed.notify()

    def _keep_synced(self) -> None:
        # A thread, because bringing a line to the disk can take longer than a frame of the window.
        with self._watched():
            while (descriptor := self._next_to_sync()) is not None:
                try:
                    self._sync(descriptor)
                finally:
                    os.close(descriptor)

    def _next_to_sync(self) -> int | None:
        """Wait until something is to be synced; a descriptor that nobody else closes, None when all is done."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._is_unsynced or self._is_closing)
                if not self._is_unsynced:
                    return None
                self._changed.wait_for(lambda: self._is_closing, timeout=self._interval)
                self._is_unsynced = False
                if self._file is not None:
                    return os.dup(self._file.fileno())

    def _watched(self) -> _Watch:
        return _Watch(self)

    def _fail(self, error: Exception) -> None:
        fact = f"changes can no longer be kept for recovery: {reason(error)}"
        mend = "Save the document now and then, and free some space."
        self.problem = Problem(fact, mend, severity="warning", kind="journal")

    @staticmethod
    def replay(path: str | os.PathLike[str]) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[Problem]]:
        """The document a journal begins with (None: unreadable), its commands, and what could not be read.

        A last line that breaks off is left out; behind a line that cannot be read nothing is played, because it would
        build on what is missing. Never raises.
        """
        problems: list[Problem] = []
        lines = _lines(Path(path), problems)
        head = next(lines, None)
        document = None if head is None else head.get("document")
        if not isinstance(document, dict):
            problems.append(
                Problem("the journal has no document at its beginning", "Nothing can be recovered.", kind="journal")
            )
            return None, [], problems
        return document, list(lines), problems


class _Watch:
    """Turns what the system refuses into the journal's problem."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, OSError):
            return False
        self._journal._fail(error)
        return True


def recoverable(folder: Path | None = None) -> list[Recoverable]:
    """Journals of processes that ended without closing their documents, with something in them; the latest first."""
    place = journal_folder() if folder is None else folder
    try:
        paths = [path for path in place.iterdir() if path.name.endswith(ENDING)]
    except OSError:
        return []
    found = [entry for path in paths if not _is_in_use(path) and (entry := _recoverable(path)) is not None]
    return sorted(found, key=lambda entry: entry.modified, reverse=True)


def discard(path: Path) -> None:
    """Delete a journal that is not wanted any more; one that cannot be deleted stays."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _recoverable(path: Path) -> Recoverable | None:
    lines = _lines(path, [])
    head = next(lines, None)
    if head is None:
        return None
    count = 0
    is_unsaved = head.get("unsaved") is True
    for entry in lines:
        count = 0 if "saved" in entry else count + 1
        is_unsaved = is_unsaved and "saved" not in entry
    if not (count or is_unsaved):
        return None
    try:
        modified = datetime.fromtimestamp(path.stat().st_mtime)
    except OSError:
        return None
    return Recoverable(path, str(head.get("file", "")), str(head.get("title", "")), count, modified)


def _is_in_use(path: Path) -> bool:
    try:
        with open(path, "r+b", buffering=0) as file:
            _lock(file.fileno(), wait=False)
    except OSError:
        return True
    return False


def _lines(path: Path, problems: list[Problem]) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, until one cannot be read."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                entry = _object(line)
                if entry is None:
                    problems.append(_unreadable(number, is_last=not file.read(1)))
                    return
                yield entry
    except OSError as error:
        fact = f"the journal cannot be read: {reason(error)}"
        problems.append(Problem(fact, "What was saved is not touched.", kind="journal"))


def _object(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _unreadable(number: int, is_last: bool) -> Problem:
    if is_last:
        return Problem(
            f"line {number} of the journal breaks off",
            "The last change is missing.",
            severity="warning",
            kind="journal",
        )
    fact = f"line {number} of the journal cannot be read"
    return Problem(fact, "Everything before it is brought back, nothing behind it.", kind="journal")


def _write_line(file: BinaryIO, entry: Mapping[str, Any]) -> None:
    line = memoryview(json.dumps(entry, default=plain, separators=(",", ":")).encode() + b"\n")
    while line:
        line = line[file.write(line) or 0 :]
