"""What is wrong, where, and how to mend it: one object for the list, the cursor, the exception and the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, told to the person at the canvas.

    fact      what is wrong, as a sentence without its full stop
    mend      what to do about it, as a whole sentence; empty where nothing can be advised
    path      JSON path in the file, e.g. `graph.nodes[3].properties.units`
    node      id of the node; port: name of the port
    severity  an `error` keeps the part that depends on it from running, a `warning` does not
    kind      a short word for tests and for grouping, e.g. `shape`, `cycle`, `unknown`
    """

    fact: str
    mend: str = ""
    path: str = ""
    node: str = ""
    port: str = ""
    severity: Severity = "error"
    kind: str = ""

    def at(self, *, path: str = "", node: str = "", port: str = "") -> Problem:
        """The same problem with its place filled in; a place that is already known stays."""
        return replace(self, path=self.path or path, node=self.node or node, port=self.port or port)

    def below(self, prefix: str) -> Problem:
        """The same problem with its path set behind `prefix`: what a part reported, told by the whole."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        return replace(self, path=f"{prefix}{joint}{self.path}")

    def __str__(self) -> str:
        place = " · ".join(part for part in (self.node, self.port) if part) or self.path
        head = f"{place}: {self.fact}" if place else self.fact
        return f"{head.rstrip('.')}. {self.mend}".rstrip()


class ProblemError(Exception):
    """Raised where work cannot go on; carries every problem that was found, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def at(self, *, path: str = "", node: str = "", port: str = "") -> ProblemError:
        """The same error with its place filled in, on its way up."""
        return type(self)(*(problem.at(path=path, node=node, port=port) for problem in self.problems))


class ShapeMismatch(ProblemError):
    """Raised by a shape rule: the operands do not fit together."""


def shape_mismatch(fact: str, mend: str = "", port: str = "") -> ShapeMismatch:
    """A shape problem without a place yet; the node adds its id when it passes."""
    return ShapeMismatch(Problem(fact, mend, port=port, kind="shape"))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean “tanh”?` for a near miss, else an empty sentence."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean “{near[0]}”?" if near else ""
