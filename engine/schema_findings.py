"""What is wrong with a document, in the order it was found, and the words for places and values in it."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterable
from itertools import islice

from engine.problems import Problem, Severity, did_you_mean

MOST_PROBLEMS = 1000
MOST_GUESSES = 100  # a guess compares a word with all known ones, which in a hostile file would take hours

MOST_KEYS = 16  # of a path that is told
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


class Findings:
    """Problems in the order they were found; beyond a thousand they are only counted."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._untold = 0
        self._guesses = MOST_GUESSES

    def near(self, word: str, known: Iterable[str]) -> str:
        """“Did you mean …?” for a near miss, else an empty sentence; after a hundred misses nothing is guessed."""
        self._guesses -= 1
        return did_you_mean(word[:80], islice(known, 500)) if self._guesses >= 0 else ""

    def add(self, problem: Problem) -> None:
        """Take a problem in."""
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(problem)
        else:
            self._untold += 1

    def tell(
        self, fact: str, mend: str = "", path: str = "", *, severity: Severity = "error", kind: str = "", node: str = ""
    ) -> None:
        """Take a problem in, by its fields."""
        self.add(Problem(fact, mend, path=path, node=node, severity=severity, kind=kind))

    def all(self) -> list[Problem]:
        """The problems, and one that says how many more there are."""
        rest = Problem(f"there are {self._untold} more problems", "Mend these first.", kind="more")
        return [*self._problems, rest] if self._untold else list(self._problems)


def path_text(keys: Iterable[str | int]) -> str:
    """`graph.nodes[3].title` for `("graph", "nodes", 3, "title")`; a key with other signs stands quoted in brackets.

    Of a very long path the beginning is enough to find the place.
    """
    path, keys = "", list(keys)
    if len(keys) > MOST_KEYS:
        return f"{path_text(keys[:MOST_KEYS])} …"
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        elif _SIMPLE_KEY.fullmatch(key):
            path += f".{key}" if path else key
        else:
            path += f"[{json.dumps(key[:40], ensure_ascii=False)}]"
    return path


def said(value: object) -> str:
    """A value short enough to stand in a sentence."""
    if isinstance(value, str):
        return f"“{value[:40]}…”" if len(value) > 40 else f"“{value}”"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return reprlib.repr(value)
