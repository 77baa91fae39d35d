"""The start as a person waits for it: a fresh process, wall clock, kernels and files warm."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.tables import number, table, verdict

GALLERY_S, STEP_S = 0.6, 0.9
PRESET = "xor"
LAST = "painted"
HEAD = ("from the command to", "s", "goal", "")


def run(rounds: int) -> None:
    """Start the program again and again; a picture of the preset and the first start of each kind only warm."""
    starts = [
        Start("gallery", "the gallery painted", GALLERY_S),
        Start(PRESET, f"{PRESET}, first step painted", STEP_S),
    ]
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as home:
        _compile_kernels(home)
        for start in starts:
            start.words(home)
        for _ in range(rounds):
            for start in starts:
                start.time(home)
    print(f"\nStart, fresh processes, median of {rounds}\n")
    print(table(HEAD, [row for start in starts for row in start.rows()]), flush=True)


def _compile_kernels(home: str) -> None:
    """Have the kernels of the preset and of its views kept: a start that leaves at once compiles but a few of them."""
    picture = os.path.join(home, "warm.png")
    command = [sys.executable, "-m", "app", "render", PRESET, "--iterations", "2", "--step", "1", "--out", picture]
    subprocess.run(command, env=_environment(home), stdout=subprocess.DEVNULL, check=True)


def _environment(home: str) -> dict[str, str]:
    homes = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), home)
    return {**usual_environment(home), **homes, "QT_QPA_PLATFORM": "offscreen"}


class Start:
    """One way to start, and for every word of the process the seconds from the command to it."""

    def __init__(self, kind: str, title: str, goal: float) -> None:
        self._kind, self._title, self._goal = kind, title, goal
        self._times: dict[str, list[float]] = {}

    def time(self, home: str) -> None:
        """Start once more."""
        for word, seconds in self.words(home).items():
            self._times.setdefault(word, []).append(seconds)

    def words(self, home: str) -> dict[str, float]:
        """Start, and note when each word came. Raises RuntimeError where no picture was painted."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.started", self._kind],
            stdout=subprocess.PIPE, text=True, env=_environment(home),
        )  # fmt: skip
        assert process.stdout is not None
        with process:
            found = {line.strip(): time.perf_counter() - begun for line in process.stdout}
        if LAST not in found:
            raise RuntimeError(f"the start of “{self._kind}” ended without a picture")
        return found

    def rows(self) -> list[tuple[str, ...]]:
        """The last word with its goal, and those on the way to it."""
        medians = {word: statistics.median(taken) for word, taken in self._times.items()}
        last = medians.pop(LAST)
        whole = (self._title, number(last), number(self._goal), verdict(last, self._goal, at_most=True))
        return [whole, *((f"  {word}", number(seconds), "", "") for word, seconds in medians.items())]


def usual_environment(home: str) -> dict[str, str]:
    """The environment of a person: Python keeps what it compiled, where this process may have been told not to."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": os.path.join(home, "bytecode")}
