"""Training from the command line: epochs, results, and whether the document does what it expects of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.problems import ProblemError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.document import Document
    from engine.problems import Problem

USUAL_EPOCHS = 100
REPORTS = 200  # how often progress is told

Tell = Callable[[int, int, float | None], None]


class Run:
    """One training run of a document.

    weights   a file of weights to go on from; without one, or with a seed, the run begins at the start
    results   what to print, by name, once it was played
    problems  what of the weights could not be used
    Raises `ProblemError` where nothing can run, and at a number that is not finite.
    """

    def __init__(
        self, document: Document, *, epochs: int = USUAL_EPOCHS, seed: int | None = None, weights: Path | None = None
    ) -> None:
        from engine.session import Session

        self._session = Session(document)
        self.problems: list[Problem] = []
        if seed is not None:
            self._session.reset(seed)
        elif weights is not None:
            self._resume(weights)
        self.start = self._session.iteration
        self.total = epochs * max(1, self._session.lowered.iterations)
        self.results: dict[str, str] = {}

    def _resume(self, path: Path) -> None:
        from engine.weights_file import read_weights

        try:
            weights, self.problems = read_weights(path)
        except ProblemError as error:
            self.problems = list(error.problems)
        else:
            self.problems += self._session.resume(weights)

    def play(self, tell: Tell | None = None) -> None:
        """Train to the end; `tell` hears iterations done, iterations in all, and the loss."""
        session = self._session
        piece = max(1, self.total // REPORTS)
        while (done := session.iteration - self.start) < self.total and session.steps:
            session.run(min(piece, self.total - done))
            if session.problem is not None:
                raise ProblemError(session.problem)
            if tell is not None:
                tell(session.iteration - self.start, self.total, session.loss)
        self.results = {"iterations": str(session.iteration), "epochs": str(session.epoch)}
        for part, word in (("train", "training"), ("test", "test")):
            for name, number in session.evaluate(part).items():  # type: ignore[arg-type]
                self.results[f"{name} ({word})"] = f"{number:.6g}"
        if session.loss is not None:
            self.results.setdefault("loss (training)", f"{session.loss:.6g}")


def broken_expectations(document: Document) -> list[str]:
    """A sentence for each of the document's `expects` that does not come true when it is played from the start."""
    if not document.expects:
        return []
    from engine.expects import check
    from engine.session import Session

    return [sentence for sentence, holds in check(Session(document)) if not holds]
