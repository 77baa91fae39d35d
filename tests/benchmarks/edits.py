"""No waiting between an edit and the next step: from the edited document to the end of its first step."""

from __future__ import annotations

import cProfile
import pstats
import statistics
import time

from engine import Document, Session
from tests.benchmarks.drawings import Drawing, drawings
from tests.benchmarks.tables import number, table, verdict

SMALL_GOALS_MS, LARGE_GOALS_MS = (1.0, 0.3), (None, 5.0)  # by now and later; for 50 nodes, for 1000
HEAD = ("drawing", "edit", "ms", "least", "goal", "", "later", "", "instructions")
TRIES_A_ROUND = 5
PROFILED_EDITS, SHOWN_FUNCTIONS = 40, 30


def edit_seconds(session: Session, before: Document, after: Document) -> float:
    """From handing an edited document to the session to the end of the first step, kernels warm."""
    session.edit(before.copy(), 0)
    twin = after.copy()
    begun = time.perf_counter()
    session.edit(twin, 1)
    session.step("node")
    return time.perf_counter() - begun


def number_seconds(session: Session, learning_rate: float) -> float:
    """The same for a number that is a setting: nothing is planned anew."""
    begun = time.perf_counter()
    session.set_setting("optimizer.learning_rate", learning_rate)
    session.step("node")
    return time.perf_counter() - begun


def run(rounds: int, *, profiled: bool = False) -> None:
    """Measure every edit of every drawing; rounds visit each in turn."""
    every = [(drawing, Session(drawing.document.copy())) for drawing in drawings()]
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds * TRIES_A_ROUND):
        for drawing, session in every:
            for edit in drawing.edits:
                seconds = edit_seconds(session, drawing.document, edit.document)
                times.setdefault((drawing.name, edit.name), []).append(1e3 * seconds)
            seconds = number_seconds(session, 0.001 + 1e-6 * len(times))
            times.setdefault((drawing.name, "change a number"), []).append(1e3 * seconds)
    instructions = {drawing.name: len(session.tape.fast.instructions) for drawing, session in every}
    rows = [_row(*key, taken, instructions[key[0]]) for key, taken in times.items()]
    print(f"\nEdit to the end of the first step, median of {rounds * TRIES_A_ROUND}\n")
    print(table(HEAD, rows), flush=True)
    if profiled:
        for drawing, session in every:
            _profile(drawing, session)


def _row(drawing: str, edit: str, taken: list[float], instructions: int) -> tuple[str, ...]:
    median = statistics.median(taken)
    goal, later = SMALL_GOALS_MS if drawing.startswith("50 ") else LARGE_GOALS_MS
    return (
        drawing, edit, number(median), number(min(taken)), number(goal), verdict(median, goal, at_most=True), number(later),
        verdict(median, later, at_most=True), str(instructions),
    )  # fmt: skip


def _profile(drawing: Drawing, session: Session) -> None:
    """Where the time of edits goes, by function; the profiler itself makes everything about twice as slow."""
    watch = cProfile.Profile()
    count = PROFILED_EDITS if len(drawing.document.graph.nodes) < 500 else 3
    for place in range(count):
        session.edit(drawing.document.copy(), 0)
        twin = drawing.edits[place % len(drawing.edits)].document.copy()
        watch.enable()
        session.edit(twin, 1)
        session.step("node")
        watch.disable()
    print(f"\n{drawing.name}: {count} edits, by function\n")
    pstats.Stats(watch).strip_dirs().sort_stats("cumulative").print_stats(SHOWN_FUNCTIONS)
    pstats.Stats(watch).strip_dirs().sort_stats("tottime").print_stats(SHOWN_FUNCTIONS)
