"""Training speed against the peers: rounds that visit each competitor in turn, so that noise hits all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.benchmarks.competitors import COMPETITORS, Competitor
from tests.benchmarks.floor import floor_us, peak_flops_per_ns
from tests.benchmarks.reference import TOLERANCE
from tests.benchmarks.tables import number, table, verdict
from tests.benchmarks.worker import Worker
from tests.benchmarks.workloads import WORKLOADS, Workload

BLOCK_S = 0.12
HEAD = (
    "workload",
    "floor µs",
    "ours µs",
    "bare µs",
    "best peer",
    "its µs",
    "times faster",
    "bare",
    "goal",
    "",
    "later",
    "",
)


@dataclass
class Result:
    """Microseconds a step of every competitor, one entry a round; `refused` says why one does not count."""

    workload: Workload
    rounds: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    disagreement: dict[str, float] = field(default_factory=dict)

    def median(self, name: str) -> float | None:
        """Microseconds a step."""
        return statistics.median(self.rounds[name]) if self.rounds.get(name) else None

    @property
    def best_peer(self) -> str | None:
        """The peer with the lowest median."""
        peers = [name for name, taken in self.rounds.items() if taken and not COMPETITORS[name].is_ours]
        return min(peers, key=lambda name: statistics.median(self.rounds[name]), default=None)

    def ratio(self, name: str) -> float | None:
        """How many times faster one is than the best peer: the median over rounds of the ratio within a round."""
        best = self.best_peer
        if best is None or not self.rounds.get(name):
            return None
        pairs = zip(self.rounds[best], self.rounds[name], strict=True)
        return statistics.median(theirs / mine for theirs, mine in pairs)

    def row(self) -> tuple[str, ...]:
        """A line of the table."""
        best, ratio = self.best_peer, self.ratio("chainrule")
        goal, later = self.workload.goal, self.workload.later
        times = [floor_us(self.workload), self.median("chainrule"), self.median("chainrule-bare")]
        return (
            self.workload.name, *map(number, times), COMPETITORS[best].title if best else "–",
            number(self.median(best) if best else None), number(ratio), number(self.ratio("chainrule-bare")),
            number(goal), verdict(ratio, goal), number(later), verdict(ratio, later),
        )  # fmt: skip


def measure(workload: Workload, workers: Sequence[Worker], rounds: int, block_s: float = BLOCK_S) -> Result:
    """Check every competitor on a workload, then time those that passed."""
    result = Result(workload)
    racing: list[Worker] = []
    for worker in workers:
        name = worker.competitor.name
        ready = worker.ask(do="prepare", workload=workload.name, seconds=block_s)
        reason = _refusal(ready)
        if reason:
            result.refused[name] = reason
            continue
        racing.append(worker)
        result.rounds[name], result.disagreement[name] = [], ready["disagreement"]
    for _ in range(rounds):
        for worker in racing:
            result.rounds[worker.competitor.name].append(worker.ask(do="time")["us"])
    return result


def _refusal(ready: dict[str, object]) -> str:
    """Why a competitor's number does not count; empty if it does."""
    if "error" in ready:
        return str(ready["error"])
    if not float(str(ready["disagreement"])) <= TOLERANCE:
        return f"its gradients are off by {ready['disagreement']:.1g} of their norm"
    return str(ready["complaint"])


def run(names: Sequence[str], rounds: int, peers: Sequence[Competitor] | None = None) -> list[Result]:
    """Measure workloads (all where none is named) and print as results come in."""
    workers = [Worker(competitor) for competitor in peers or list(COMPETITORS.values())]
    results: list[Result] = []
    try:
        for name in names or list(WORKLOADS):
            result = measure(WORKLOADS[name], workers, rounds)
            results.append(result)
            print(_details(result), flush=True)
    finally:
        for worker in workers:
            worker.close()
    print(f"\nTraining speed, float32, forward + backward + update, median of {rounds} rounds\n")
    print(table(HEAD, [result.row() for result in results]))
    print(
        f"floor: the products alone at {number(peak_flops_per_ns())} flop/ns, the most one core has shown here",
        flush=True,
    )
    return results


def _details(result: Result) -> str:
    workload = result.workload
    lines = [f"\n{workload.name}, {workload.activation}, {workload.loss}, {workload.batch} rows"]
    for name in sorted(result.rounds, key=lambda each: result.median(each) or 0.0):
        times = f"{number(result.median(name)):>9} µs   {number(result.ratio(name)):>6} × the best peer's speed"
        lines.append(f"  {COMPETITORS[name].title:26}{times}   gradients within {result.disagreement[name]:.0e}")
    lines += [f"  {COMPETITORS[name].title:26}does not count: {why}" for name, why in result.refused.items()]
    return "\n".join(lines)
