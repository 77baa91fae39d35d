"""Where two sequences are the same: an edit changes little, and compares by identity, which takes no call of Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, count
from operator import is_not


def same_ends(some: Sequence[object], others: Sequence[object]) -> tuple[int, int]:
    """How many objects two sequences begin with and how many of the rest they end with, all the very same."""
    least = min(len(some), len(others))
    head = next(compress(count(), map(is_not, some, others)), least)
    tail = next(compress(count(), map(is_not, reversed(some), reversed(others))), least)
    return head, min(tail, least - head)
