"""The profile of a tape, of workloads too: what every instruction costs by itself, see `engine.analysis.profile`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Literal

from engine import Document, Session
from engine.analysis.profile import profile, report
from tests.benchmarks.ours import document_of
from tests.benchmarks.workloads import MSE, WORKLOADS, Workload, arrays_of


def document_named(name: str, activation: str, batch: int) -> Document | None:
    """The document of a workload, of a preset, or of a chain of sizes such as 2-16-1; None for any other name."""
    if name in WORKLOADS:
        return document_of(WORKLOADS[name], arrays_of(WORKLOADS[name]))
    from app.library import find_preset, load_preset

    preset = find_preset(name)
    if preset is not None:
        return load_preset(preset)
    sizes = name.split("-")
    if len(sizes) < 2 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        return None
    bends: Literal["tanh", "relu"] = "relu" if activation == "relu" else "tanh"
    workload = Workload(name, tuple(int(size) for size in sizes), bends, MSE, batch, None, 1)
    return document_of(workload, arrays_of(workload))


def main(arguments: Sequence[str]) -> int:
    """`profile NAME [--activation tanh|relu] [--batch ROWS]`."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks profile")
    parser.add_argument("name", help="a workload, a preset, or sizes such as 2-16-1")
    parser.add_argument("--activation", choices=("tanh", "relu"), default="tanh", help="of a chain of sizes")
    parser.add_argument("--batch", type=int, default=32, help="rows, of a chain of sizes")
    options = parser.parse_args(arguments)
    document = document_named(options.name, options.activation, options.batch)
    if document is None:
        print(f"“{options.name}” is no workload, no preset and no chain of sizes.")
        return 2
    session = Session(document)
    session.run_for(0.1)
    print(report(profile(session)))
    return 0
