"""Training from the command line: epochs, results, and whether the document does what it expects of itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.document import Document

USUAL_EPOCHS = 100
REPORTS = 200  # how often progress is told


class Run:
    """One training run of a document.

    epochs   None: as many as the document's `expects` ask for, else USUAL_EPOCHS
    results  what to print, by name; failed: a sentence for everything that `expects` says and that did not come true
    """

    def __init__(self, document: Document, *, epochs: int | None = None, seed: int | None = None) -> None:
        from engine.session import Session

        self._document = document
        self._session = Session(document)
        if seed is not None:
            self._session.reset(seed)
        per_epoch = max(1, self._session.lowered.iterations)
        checks = [entry for entry in document.expects if isinstance(entry.get("after"), int)]
        asked = max((entry["after"] for entry in checks), default=0)
        self.total = epochs * per_epoch if epochs is not None else asked or USUAL_EPOCHS * per_epoch
        self._checks = sorted((entry for entry in checks if entry["after"] <= self.total), key=lambda e: e["after"])
        self.results: dict[str, str] = {}
        self.failed: list[str] = []

    def play(self, tell: Callable[[int, int, float | None], None] | None = None) -> None:
        """Train to the end. Raises `ProblemError` at a number that is not finite."""
        for check in self._checks:
            self._play_to(int(check["after"]), tell)
            self._judge(check)
        self._play_to(self.total, tell)
        session = self._session
        self.results = {"iterations": str(session.iteration), "epochs": str(session.epoch)}
        for part, word in (("train", "training"), ("test", "test")):
            for name, number in session.evaluate(part).items():  # type: ignore[arg-type]
                self.results[f"{name} ({word})"] = f"{number:.6g}"
        if session.loss is not None:
            self.results.setdefault("loss (training)", f"{session.loss:.6g}")

    def _play_to(self, iteration: int, tell: Callable[[int, int, float | None], None] | None) -> None:
        session = self._session
        piece = max(1, self.total // REPORTS)
        while session.iteration < iteration:
            session.run(min(piece, iteration - session.iteration))
            if session.problem is not None:
                raise ProblemError(session.problem)
            if tell is not None:
                tell(session.iteration, self.total, session.loss)

    def _judge(self, check: dict[str, Any]) -> None:
        what = str(check.get("what", "loss"))
        number = self._measured(what)
        if number is None:
            raise ProblemError(Problem(f"“{what}” cannot be measured", "Expect loss or a metric.", path="expects"))
        for word, wanted, holds in expectations(check):
            if not holds(number):
                after = f"{what} is {number:.6g} after {check['after']} iterations"
                self.failed.append(f"{after}, expected {word} {wanted:g}.")

    def _measured(self, what: str) -> float | None:
        name, _, part = what.partition(".")
        if part not in ("", "training", "test"):
            return None
        numbers = self._session.evaluate("test" if part == "test" else "train")
        return numbers.get(name)


def expectations(check: dict[str, Any]) -> list[tuple[str, float, Callable[[float], bool]]]:
    """What an entry of `expects` demands: words, bound, and the test."""
    found: list[tuple[str, float, Callable[[float], bool]]] = []
    if "below" in check:
        found.append(("below", check["below"], lambda number: number < check["below"]))
    if "above" in check:
        found.append(("above", check["above"], lambda number: number > check["above"]))
    if "equals" in check:
        within = float(check.get("within", 1e-6))
        found.append(("about", check["equals"], lambda number: math.isclose(number, check["equals"], abs_tol=within)))
    return found
