"""A competitor's own process: answers one JSON line for each it is sent, and the process that asks.

  {"do": "prepare", "workload": name, "seconds": s}   builds it, checks its gradients, finds how many steps fill a block
      -> {"disagreement": …, "complaint": "…", "first_s": …, "steps": …}
  {"do": "time"}   -> {"us": microseconds a step, over one block}
Whatever fails is answered by {"error": "…"}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any, TextIO

from tests.benchmarks.competitors import COMPETITORS, Competitor, Trainer
from tests.benchmarks.reference import disagreement
from tests.benchmarks.workloads import WORKLOADS, Arrays, Workload, arrays_of

RATE = 0.001
Answer = dict[str, Any]


# in the process ---------------------------------------------------------------------------------------------------------


class Bench:
    """The workload in hand."""

    def __init__(self, competitor: Competitor) -> None:
        self._competitor = competitor
        self._trainer: Trainer | None = None
        self._steps = 1

    def answer(self, question: dict[str, Any]) -> Answer:
        """Do what is asked."""
        if question["do"] == "prepare":
            return self._prepare(WORKLOADS[question["workload"]], question["seconds"])
        return {"us": 1e6 * self._seconds() / self._steps}

    def _prepare(self, workload: Workload, seconds: float) -> Answer:
        arrays = arrays_of(workload)
        wrong = self._disagreement(workload, arrays)
        complaint = self._competitor.complaint(workload, arrays_of(workload))
        self._steps = 1
        begun = time.perf_counter()
        self._trainer = self._competitor.make(workload, arrays, RATE)
        self._trainer.step(1)
        first = time.perf_counter() - begun
        # The shorter of two: the first block may find something to be compiled or loaded, and would be taken for many steps.
        while (elapsed := min(self._seconds(), self._seconds())) < seconds:
            self._steps = max(self._steps + 1, int(self._steps * min(10.0, 1.2 * seconds / max(elapsed, 1e-7))))
        return {"disagreement": wrong, "complaint": complaint, "first_s": first, "steps": self._steps}

    def _disagreement(self, workload: Workload, arrays: Arrays) -> float:
        # At a rate of 1 an update is the gradient itself, so the very step that is timed gets checked.
        trainer = self._competitor.make(workload, arrays, 1.0)
        trainer.step(1)
        after = trainer.parameters()
        moved = [old.astype("float64") - new for old, new in zip(arrays.parameters, after, strict=True)]
        return disagreement(moved, workload, arrays)

    def _seconds(self) -> float:
        assert self._trainer is not None
        begun = time.perf_counter()
        self._trainer.step(self._steps)
        return time.perf_counter() - begun


def serve(answer: Callable[[dict[str, Any]], Answer], questions: TextIO, answers: TextIO) -> None:
    """Answer line by line until the questions end."""
    for line in questions:
        try:
            found = answer(json.loads(line))
        except Exception as error:  # a library that fails takes itself out of the round, not the others
            found = {"error": f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


def main() -> None:
    """Serve on standard input and output; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    competitor = COMPETITORS[sys.argv[1]]
    if competitor.one_core and hasattr(os, "sched_setaffinity"):
        # Before its library is imported: that counts the cores and makes a thread for each.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    serve(Bench(competitor).answer, sys.stdin, answers)


# outside ------------------------------------------------------------------------------------------------------------------


class Worker:
    """A competitor's process, as the one who asks sees it."""

    def __init__(self, competitor: Competitor) -> None:
        self.competitor = competitor
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.worker", competitor.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
        )  # fmt: skip

    def ask(self, **question: Any) -> Answer:
        """The answer to one question; {"error": …} also where the process died."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": self._last_words()}

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1][:300] if lines else "its process ended"

    def close(self) -> None:
        """Let the process end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


if __name__ == "__main__":
    main()
