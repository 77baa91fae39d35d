"""What the window says to the runner's thread."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.worker import Worker


@dataclass(frozen=True, slots=True)
class Message:
    """One thing the window asks for.

    key        marks messages of which only the last in a row counts
    interrupts  whether a long decision of an optimizer is broken off for it
    """

    act: Callable[[Worker], None]
    key: str = ""
    interrupts: bool = False


class Inbox:
    """Messages in their order; None is the last one. Any thread puts, the runner's takes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._heard: list[Message | None] = []  # taken out of the queue before anybody had time for them

    def put(self, message: Message | None) -> None:
        """Deliver a message."""
        self._queue.put(message)

    def empty(self) -> bool:
        """Whether nobody has said anything since the last `take`."""
        return not self._heard and self._queue.empty()

    def take(self, patience: Callable[[], float | None]) -> list[Message | None]:
        """All messages; where there are none, wait for one as many seconds as `patience` says, for ever if it says None."""
        self._hear()
        if not self._heard and (seconds := patience()) != 0:
            with contextlib.suppress(queue.Empty):
                self._heard.append(self._queue.get(timeout=seconds))
            self._hear()
        found, self._heard = self._heard, []
        return found

    def has_urgent(self) -> bool:
        """Whether a message has come that a long decision of an optimizer is broken off for."""
        self._hear()
        return any(message is None or message.interrupts for message in self._heard)

    def _hear(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._heard.append(self._queue.get_nowait())


def last_of_each(messages: list[Message | None]) -> list[Message | None]:
    """Drop a message when the next one has the same key: only the last place of a drag is worth computing."""
    following = [*messages, None][1:]
    return [
        message
        for message, after in zip(messages, following, strict=True)
        if message is None or not message.key or after is None or message.key != after.key
    ]
