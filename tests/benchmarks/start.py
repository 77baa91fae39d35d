"""The start as a person waits for it: a fresh process, wall clock; kernels and files warm, or nothing compiled yet."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.started import OPENING
from tests.benchmarks.tables import number, table, verdict

GALLERY_S, STEP_S = 0.6, 0.9
WARM_S, COLD_S = 0.15, 3.0  # from a document's opening to its first step
PRESET = "xor"
# One of each kind: dense, convolutional, recurrent and attention nets, two that compete, games, memories, curvature.
KINDS = (
    "xor", "digits-mlp", "digits-cnn", "lstm-vs-rnn", "encoder-block", "gan", "alphazero-tic-tac-toe", "a-free-row",
    "hopfield-letters", "bent-to-a-wave",
)  # fmt: skip
STEPPED, LAST = "first step taken", "painted"
HEAD = ("from the command to", "s", "goal", "")
OPENED = ("from opening to the first step", "s, warm", f"≤ {WARM_S}", "s, nothing compiled", f"≤ {COLD_S:.0f}")


def run(rounds: int) -> None:
    """Start the program again and again; a picture of the preset and the first start of each kind only warm."""
    starts = [
        Start("gallery", "the gallery painted", GALLERY_S),
        Start(PRESET, f"{PRESET}, first step painted", STEP_S),
    ]
    with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as home:
        _compile_kernels(home, PRESET)
        for start in starts:
            start.words(home)
        for _ in range(rounds):
            for start in starts:
                start.time(home)
        print(f"\nStart, fresh processes, median of {rounds}\n")
        print(table(HEAD, [row for start in starts for row in start.rows()]), flush=True)
        rows = [_opened(preset, home, rounds) for preset in KINDS]
        print("\n" + table(OPENED, rows), flush=True)


def _opened(preset: str, home: str, rounds: int) -> tuple[str, ...]:
    """Clicked in a gallery that has stood there, and given to a command that finds an empty cache."""
    clicked, named = Start(preset, preset, WARM_S, "clicked"), Start(preset, preset, COLD_S)
    _compile_kernels(home, preset)
    clicked.words(home)
    warm = statistics.median([_since_opening(clicked.words(home)) for _ in range(rounds)])
    taken = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as empty:
            taken.append(_since_opening(named.words(home, {"XDG_CACHE_HOME": empty})))
    cold = statistics.median(taken)
    met = [verdict(seconds, goal, at_most=True) for seconds, goal in ((warm, WARM_S), (cold, COLD_S))]
    return preset, number(warm), met[0], number(cold), met[1]


def _since_opening(words: dict[str, float]) -> float:
    return words[STEPPED] - words[OPENING]


def _compile_kernels(home: str, preset: str) -> None:
    """Have the kernels of a preset and of its views kept: a start that leaves at once compiles but a few of them."""
    picture = os.path.join(home, "warm.png")
    command = [sys.executable, "-m", "app", "render", preset, "--iterations", "2", "--step", "1", "--out", picture]
    subprocess.run(command, env=_environment(home), stdout=subprocess.DEVNULL, check=True)


def _environment(home: str) -> dict[str, str]:
    homes = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"), home)
    return {**usual_environment(home), **homes, "QT_QPA_PLATFORM": "offscreen"}


class Start:
    """One way to start, and for every word of the process the seconds from the command to it."""

    def __init__(self, kind: str, title: str, goal: float, *how: str) -> None:
        self._kind, self._title, self._goal, self._how = kind, title, goal, how
        self._times: dict[str, list[float]] = {}

    def time(self, home: str) -> None:
        """Start once more."""
        for word, seconds in self.words(home).items():
            self._times.setdefault(word, []).append(seconds)

    def words(self, home: str, environment: dict[str, str] | None = None) -> dict[str, float]:
        """Start, and note when each word came. Raises RuntimeError where no picture was painted."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.started", self._kind, *self._how],
            stdout=subprocess.PIPE, text=True, env={**_environment(home), **(environment or {})},
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
