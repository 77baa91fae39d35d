"""Kernels compiled by processes of their own, several at once; the process that wants them only links what was kept.

Numba compiles under one lock, and keeps Python's while it does: in a window's process nothing would move meanwhile.
Whoever has a window opens the workshop; without one every process compiles what it needs by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

MOST_HELPERS = 4
KEPT = "kept "  # begins a helper's answer; the file follows, or nothing where there is none
IDLE_S = 20.0  # without work, and a helper gives its memory back
LONGEST_S = 60.0  # for one kernel; then whoever wants it compiles it without help


class Order(NamedTuple):
    """A kernel to be compiled and kept under the name `file`: a body `module:name`, or a native loop where there is none."""

    file: str
    body: str = ""
    kernel: str = ""
    variant: tuple[tuple[str, int], ...] = ()
    dtype: str = ""


class Workshop:
    """Hands orders to helpers, the most urgent first."""

    def __init__(self, helpers: int, command: tuple[str, ...] = ()) -> None:
        self._most = helpers
        self._command = command or (sys.executable, "-m", "engine.machines.helper")
        self._change = Condition()
        self._waiting: deque[Order] = deque()
        self._under_way: set[str] = set()
        self._done: dict[str, bool] = {}  # by file, whether it was kept
        self._helpers = 0
        self._broken = False

    def ask(self, orders: Iterable[Order], *, urgent: bool = True) -> None:
        """Have these made, in this order: before all that waits already, or behind it."""
        with self._change:
            known = self._under_way | self._done.keys()
            wanted = {order.file: order for order in orders if order.file not in known}
            if urgent:
                rest = [order for order in self._waiting if order.file not in wanted]
                self._waiting = deque([*wanted.values(), *rest])
            else:
                files = {order.file for order in self._waiting}
                self._waiting.extend(order for order in wanted.values() if order.file not in files)
            self._hire()
            self._change.notify_all()

    def make(self, order: Order) -> bool:
        """Wait for one of them. False where it cannot be had so: who wants it has to compile it."""
        self.ask([order])
        end = time.monotonic() + LONGEST_S
        with self._change:
            while order.file not in self._done and not self._broken and time.monotonic() < end:
                self._change.wait(1.0)
            return self._done.get(order.file, False)

    def _hire(self) -> None:
        while not self._broken and self._helpers < min(self._most, len(self._waiting)):
            self._helpers += 1
            Thread(target=self._keep_busy, name="chainrule-workshop", daemon=True).start()

    def _keep_busy(self) -> None:
        """A thread for each helper: writes orders and reads answers until there are none for a while."""
        try:
            with subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, env=_environment(),
            ) as helper:  # fmt: skip
                while (order := self._next()) is not None:
                    kept = _done_by(helper, order)
                    with self._change:
                        self._under_way.discard(order.file)
                        self._done[order.file] = bool(kept)
                        self._broken = self._broken or kept is None
                        self._change.notify_all()
        except OSError:  # no Python can be started, or there is no room for another one
            with self._change:
                self._broken = True
                self._change.notify_all()

    def _next(self) -> Order | None:
        """What a helper does next; None where it may go."""
        with self._change:
            if not self._change.wait_for(lambda: self._waiting or self._broken, IDLE_S) or self._broken:
                self._helpers -= 1  # here: who asks from now on hires another one
                return None
            order = self._waiting.popleft()
            self._under_way.add(order.file)
            return order


def _done_by(helper: subprocess.Popen[str], order: Order) -> bool | None:
    """Whether a helper kept what was ordered; None where there is no helper any more."""
    assert helper.stdin is not None and helper.stdout is not None
    try:
        helper.stdin.write(json.dumps(order) + "\n")
        helper.stdin.flush()
    except OSError:
        return None
    for line in helper.stdout:
        if line.startswith(KEPT):
            return line.strip() == KEPT + order.file
    return None


def _environment() -> dict[str, str]:
    """Ours, with this very engine in front of any other; and nobody sees in which colours Numba puts its doubts."""
    root = str(Path(__file__).parents[2])
    plain = {"NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING": "1"}
    return {**os.environ, **plain, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}


_workshop: Workshop | None = None


def open_workshop() -> None:
    """From now on this process has others compile for it; nothing changes where objects cannot be kept or no Python starts."""
    global _workshop
    from engine.machines.objects import KEEPS

    if KEEPS and _workshop is None and sys.executable and not getattr(sys, "frozen", False):
        _workshop = Workshop(max(1, min(MOST_HELPERS, os.cpu_count() or 1)))


def current_workshop() -> Workshop | None:
    """The one that was opened."""
    return _workshop
