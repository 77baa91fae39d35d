"""`python -m tests.benchmarks [names…] [--rounds N] [--quick] [--profile]`: what is measured, and what is promised.

Names are benchmarks (speed, edits, kernels, canvas, window, start), or workloads such as 2-4-2-1; without any, all are run.
`profile NAME` times every instruction of a tape: of a workload, of a preset, or of sizes such as 2-16-1.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from tests.benchmarks.workloads import WORKLOADS

BENCHMARKS = ("speed", "edits", "kernels", "canvas", "start", "window")
ROUNDS, QUICK_ROUNDS = 9, 3


def main(arguments: Sequence[str]) -> int:
    """Run what is named."""
    if arguments and arguments[0] == "profile":
        from tests.benchmarks.tape_profile import main as profile

        return profile(arguments[1:])
    options = _parser().parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS and name not in WORKLOADS]
    if unknown:
        print(
            f"There is no benchmark “{unknown[0]}”. Known: {', '.join([*BENCHMARKS, *WORKLOADS])}, profile.",
            file=sys.stderr,
        )
        return 2
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    workloads = [name for name in options.names if name in WORKLOADS]
    for benchmark in BENCHMARKS:
        if benchmark in options.names or not options.names or (benchmark == "speed" and workloads):
            _run(benchmark, workloads, rounds, options)
    return 0


def _run(benchmark: str, workloads: Sequence[str], rounds: int, options: argparse.Namespace) -> None:
    module = importlib.import_module(f"tests.benchmarks.{benchmark}")
    if benchmark == "speed":
        module.run(workloads, rounds)
    elif benchmark == "edits":
        module.run(rounds, profiled=options.profile)
    else:
        module.run(rounds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure Chainrule and its peers.")
    parser.add_argument("names", nargs="*", help=f"{', '.join(BENCHMARKS)}, or workloads: {', '.join(WORKLOADS)}")
    parser.add_argument("--rounds", type=int, default=0, help=f"visits of each competitor ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK_ROUNDS} rounds")
    parser.add_argument("--profile", action="store_true", help="say by function where the time of an edit goes")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
