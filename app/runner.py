"""The window's end of the worker thread: methods send messages, signals bring snapshots back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.collection import Collector
from app.messages import Message
from app.worker import Worker

if TYPE_CHECKING:
    from pathlib import Path

    from engine.document import Document
    from engine.lowering import Lowering
    from engine.session import Session

# With Python's 5 ms a chunk of training keeps the window waiting for the interpreter; measured, see performance.md.
SWITCH_SECONDS = 0.0005
LONGEST_HOLD_MS = 1000


class Runner(QObject):
    """Owns the thread that owns the Session. Every method returns at once.

    Signals, all on the window's thread:
    snapshot_ready(Snapshot)   at most 60 a second, and only when the last one has been dealt with
    failed(Problem)            why something did not run, or where a number stopped being finite
    crashed(str)               the report of an error of our own, for the crash report
    playing_changed(bool)
    answered(str, object)      the name of a question and its answer
    preparing(int, int)        so many kernels of so many are compiled; as many as there are when it is over
    checked(int, dict, list[Problem])  shapes and problems of a document, with its revision
    deciding(int, int)         an optimizer takes long to decide: so many questions answered of so many (0: nobody knows);
                               0, 0 when it is over. What changes the run breaks it off, `pause` does
    weights_told(list[Problem])  what was met while weights were saved or brought back
    Snapshots, failures and answers of an older revision than the last one sent are refused here.
    """

    snapshot_ready = Signal(object)
    failed = Signal(object)
    crashed = Signal(str)
    playing_changed = Signal(bool)
    answered = Signal(str, object)
    preparing = Signal(int, int)
    deciding = Signal(int, int)
    weights_told = Signal(object)
    checked = Signal(int, object, object)
    _posted = Signal(str, object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        sys.setswitchinterval(SWITCH_SECONDS)
        self._revision = -1
        self._playing = False
        self._closed = False
        self._posted.connect(self._receive, Qt.ConnectionType.QueuedConnection)
        self._collector = Collector(self)
        self._waiting: list[Message] | None = None  # what is said while the worker is held
        self._copied: tuple[Document, int, Document] | None = None  # what was copied last, of which revision
        self._holding = QTimer(self, singleShot=True, interval=LONGEST_HOLD_MS)
        self._holding.timeout.connect(self.release)
        self._worker = Worker(self._posted.emit)
        self._thread = threading.Thread(target=self._worker.work, name="chainrule-runner")
        self._thread.start()

    @property
    def playing(self) -> bool:
        """Whether it plays, as far as the window has heard."""
        return self._playing

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    # messages --------------------------------------------------------------------------------------------------------

    def open(self, document: Document, revision: int, lowering: Lowering | None = None) -> None:
        """Start on another document (copied here: the worker's own), from where it was lowered already, if anybody did."""
        self._revision, twin = revision, self._copy_of(document, revision)
        self._send(lambda worker: worker.open(twin, revision, lowering), interrupts=True)

    def check(self, document: Document, revision: int) -> None:
        """Have shapes and problems worked out (of a copy made here, or for the edit before); `checked` brings them."""
        known = self._copied
        is_known = known is not None and known[0] is document and known[1] == revision
        twin = known[2] if known is not None and is_known else document.copy()
        self._send(lambda worker: worker.check(twin, revision), "check")

    def _copy_of(self, document: Document, revision: int) -> Document:
        """A copy for the worker, which only reads it."""
        self._copied = (document, revision, document.copy())
        return self._copied[2]

    def hold(self) -> None:
        """Keep the interpreter free for the window, which has much to paint: what is said waits for `release`."""
        if self._waiting is None:
            self._waiting = []
        self._holding.start()

    def release(self) -> None:
        """Let the worker hear what was said meanwhile; nothing happens where it was not held."""
        self._holding.stop()
        waiting, self._waiting = self._waiting or [], None
        for message in waiting:
            self._worker.inbox.put(message)

    def edit(self, document: Document, revision: int) -> None:
        """Go on with the edited document (copied here); parameters that fit are kept."""
        self._revision, twin = revision, self._copy_of(document, revision)
        self._send(lambda worker: worker.edit(twin, revision), "edit", interrupts=True)

    def renumber(self, revision: int) -> None:
        """Tell the worker of an edit that changes nothing it computes: a move, a frame, a note."""
        self._revision = revision
        self._send(lambda worker: worker.renumber(revision), "renumber")

    def play(self) -> None:
        """Play until paused."""
        self._send(lambda worker: worker.play())

    def pause(self) -> None:
        """Pause after the chunk in hand."""
        self._send(lambda worker: worker.pause(), interrupts=True)

    def toggle(self) -> None:
        """Play, or pause when playing."""
        self.pause() if self._playing else self.play()

    def step(self, kind: str = "node") -> None:
        """Play one node, phase, iteration or epoch."""
        self._send(lambda worker: worker.step(kind))

    def step_back(self, kind: str = "node") -> None:
        """Take one node, phase, iteration or epoch back."""
        self._send(lambda worker: worker.step_back(kind), interrupts=True)

    def run_to(self, node: str) -> None:
        """Play until a node has been played, then stand still."""
        self._send(lambda worker: worker.run_to(node))

    def set_stops(self, nodes: Iterable[str]) -> None:
        """Let playing stand still at these nodes, and at no others."""
        stops = frozenset(nodes)
        self._send(lambda worker: worker.set_stops(stops), "stops")

    def run(self, iterations: int) -> None:
        """Play so many iterations as fast as it goes, then stand still."""
        self._send(lambda worker: worker.run(iterations))

    def compile_apart(self) -> None:
        """Have kernels compiled by other processes from now on."""
        self._send(lambda worker: worker.compile_apart())

    def warm_up(self) -> None:
        """Load the engine while nobody waits for it."""
        self._send(lambda worker: worker.warm_up())

    def step_back_to_good(self) -> None:
        """After a number stopped being finite: return to where the loss had not exploded yet."""
        self._send(lambda worker: worker.step_back_to_good())

    def reset(self, seed: int | None = None) -> None:
        """Return to the start; with a seed, to another one."""
        self._send(lambda worker: worker.reset(seed), interrupts=True)

    def set_parameter(self, key: str, array: Any) -> None:
        """Set a parameter by hand; of a drag only the last place is computed."""
        self._send(lambda worker: worker.set_parameter(key, array), f"parameter {key}", interrupts=True)

    def set_settings(self, settings: Mapping[str, float], document: Document, revision: int) -> None:
        """Change numbers that are arena slots, by `node.property` or `optimizer.setting`: nothing is planned again.

        document  the document that already holds them, for the case that the engine has to plan after all
        """
        self._revision, twin, numbers = revision, document.copy(), dict(settings)
        key = f"settings {sorted(numbers)}"
        self._send(lambda worker: worker.set_settings(numbers, twin, revision), key, interrupts=True)

    def set_speed(self, nodes_per_second: float | None) -> None:
        """Speed of playing; None is as fast as it goes."""
        self._send(lambda worker: worker.set_speed(nodes_per_second), "speed")

    def focus(self, node: str | None, row: int = 0, unit: int = 0) -> None:
        """Let snapshots explain this node instead of the last step."""
        self._send(lambda worker: worker.focus(node or "", row, unit), "focus")

    def ask(self, name: str, question: Callable[[Session], object]) -> None:
        """Have a question put to the session between two chunks; `answered` brings the answer.

        question  runs on the worker's thread and must return something immutable; of one name only the last counts
        """
        self._send(lambda worker: worker.answer(name, question), f"question {name}")

    def save_weights(self, path: Path) -> None:
        """Have parameters, states and time written into a file; `close` waits for it."""
        self._send(lambda worker: worker.save_weights(path))

    def restore_weights(self, path: Path) -> None:
        """Go on from a file of weights."""
        self._send(lambda worker: worker.restore_weights(path))

    def keep_run(self, path: Path | None, since: int) -> None:
        """Have the run's numbers written into a file every few seconds, for the case of a crash; None: no more.

        since  revision of the document that the journal begins with
        """
        self._send(lambda worker: worker.run_keeper.keep_in(path, since))

    def close(self) -> None:
        """Stop and wait for the thread; may be called twice."""
        if not self._closed:
            self._closed = True
            self.release()
            self._worker.inbox.put(None)
            self._thread.join()
            self._collector.close()

    def _send(self, act: Callable[[Worker], None], key: str = "", interrupts: bool = False) -> None:
        if self._closed:
            return
        if self._waiting is not None:
            self._waiting.append(Message(act, key, interrupts))
        else:
            self._worker.inbox.put(Message(act, key, interrupts))

    # answers ---------------------------------------------------------------------------------------------------------

    def _receive(self, kind: str, payload: Any, revision: int) -> None:
        if self._closed:
            return
        if kind == "playing":
            self._playing = payload
            self.playing_changed.emit(payload)
        elif kind == "crashed":
            self.crashed.emit(payload)
        elif kind == "checked":
            self.checked.emit(*payload)
        elif kind == "weights":  # true of its moment, whatever was edited since
            self.weights_told.emit(list(payload))
        elif kind in ("preparing", "deciding"):  # whatever was edited since, or nobody would hear that it is over
            (self.preparing if kind == "preparing" else self.deciding).emit(*payload)
        elif revision == self._revision:
            self._deliver(kind, payload)
        elif kind == "failed":  # it may still be so, for all that was edited since: a node was moved, perhaps
            self._send(lambda worker: worker.tell_again())
        if kind == "snapshot":
            self._worker.note_taken()
            self._send(lambda worker: None)

    def _deliver(self, kind: str, payload: Any) -> None:
        if kind == "snapshot":
            self.snapshot_ready.emit(payload)
        elif kind == "failed":
            self.failed.emit(payload)
        else:
            self.answered.emit(*payload)
