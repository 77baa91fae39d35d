"""What the window says to the runner's thread."""

from __future__ import annotations

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


def last_of_each(messages: list[Message | None]) -> list[Message | None]:
    """Drop a message when the next one has the same key: only the last place of a drag is worth computing."""
    following = [*messages, None][1:]
    return [
        message
        for message, after in zip(messages, following, strict=True)
        if message is None or not message.key or after is None or message.key != after.key
    ]
