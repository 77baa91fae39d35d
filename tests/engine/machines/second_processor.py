"""A process in which kernels are compiled for another processor: what the tuned bodies answer, told as JSON.

Started by `test_processors.py` with `NUMBA_CPU_NAME` in its environment; each answer is held against NumPy or SciPy.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from engine import Document, Graph, Session
from engine.machines import objects
from engine.machines.bodies import body_of
from engine.machines.processor import processor, vector_length
from engine.primitives import all_primitives
from tests.engine.documents import layered_document
from tests.engine.machines.test_windows import GEOMETRIES, call_of
from tests.engine.primitives.playing import Array, finish
from tests.engine.primitives.test_values import expected, prepared
from tests.references.registry import Case

Call = tuple[str, list[Array], dict[str, Any]]


def calls() -> list[Call]:
    """Operations that have a body of their own here, in sizes that do not fill whole registers."""
    draw = np.random.default_rng(0)

    def some(*shapes: tuple[int, ...]) -> list[Array]:
        return [draw.normal(size=shape).astype(np.float32).astype(float) for shape in shapes]

    products: list[Call] = [("linear", some((9, depth), (depth, units), (units,)), {})
                for depth, units in ((5, 37), (5, 3), (4, 1), (21, 1))]  # fmt: skip
    gradients: list[Call] = [("linear_gradient", some((9, 5), (9, units), (units,)), {}) for units in (7, 1)]
    bent: list[Call] = [("linear_bent", some((9, 5), (5, units), (units,)), {"bend": bend})
                        for units, bend in ((37, "tanh"), (8, "sigmoid"), (3, "tanh"), (1, "sigmoid"))]  # fmt: skip
    classes = np.arange(6, dtype=np.int32) % 3
    windows = [(name, *call_of(name, GEOMETRIES["small maps"]))
               for name in ("convolution", "transposed_convolution", "filter_correlation")]  # fmt: skip
    return [
        *products, *gradients, *windows,
        *[("cell_sums", some((9, 3), (3, units), (units,), (9, 5), (5, units)), {}) for units in (37, 3)],
        *[("matmul_onto", some((9, units), (9, 5), (5, units)), {}) for units in (3, 1)],
        *bent,
        ("matmul_onto_bent", some((9, 37), (9, 5), (5, 37)), {"bend": "sigmoid"}),
        ("scale_shift_rows", some((9, 7), (7,), (7,)), {}),
        ("row_slopes", some((9, 37), (9, 37), (37,)), {}),
        ("lstm_step", some((5, 44), *[(5, 11)] * 7), {}),
        ("lstm_step_gradient", some(*[(5, 11)] * 9), {"carried": True, "sent": True}),
        ("batch_matmul", some((2, 5, 3), (2, 3, 7)), {}),
        ("transpose", some((9, 7)), {}),
        ("permute", some((3, 5, 6)), {"axes": (0, 2, 1)}),
        ("permute", some((3, 5, 6)), {"axes": (1, 0, 2)}),
        ("broadcast", some((7,)), {"shape": (3, 7)}),
        ("softmax", some((6, 3)), {}),
        ("mean_square", some((5, 7), (5, 7), (5, 7)), {}),
        ("class_cross_entropy", [*some((6, 3)), classes], {}),
        *[(name, some((5, 41)), {}) for name in ("exp", "sigmoid")],
        ("sum", some((13, 700)), {"axes": (0, 1), "keep": False}),
    ]  # fmt: skip


def worst(call: Call) -> tuple[list[str], float]:
    """The bodies that were played, and the largest error beside the size of the answer."""
    name, operands, attributes = call
    primitive, case = next(one for one in all_primitives() if one.name == name), Case(operands, attributes)
    bench, machine = prepared(primitive, case, "float32")
    pairs = zip(finish(bench, machine), expected(primitive, case), strict=True)
    errors = [np.max(np.abs(mine - its)) / max(1.0, np.max(np.abs(its))) for mine, its in pairs]
    return [body_of(entry, "float32")[0].name for entry in machine.tape.fast.instructions], float(max(errors))


def scalar_graph() -> Document:
    """Single numbers, enough of them for a run."""
    graph = Graph()
    values = [graph.add("parameter", initial=0.1 * k + 0.2) for k in range(5)]
    for k in range(40):
        kind = ("multiply", "add", "tanh", "sigmoid")[k % 4]
        node = graph.add(kind)
        for source in values[-1 - k % 3 : -3 - k % 3 : -1] if kind in ("multiply", "add") else values[-1:]:
            graph.connect(source, node["x"])
        values.append(node)
    total = graph.add("add")
    for value in values[-6:]:
        graph.connect(value, total)
    return Document(graph, {}, {"loss": total.id, "optimizer": {"type": "sgd", "learning_rate": 0.01}})


DOCUMENTS = {
    "dense": lambda: layered_document([7, 20, 3], rows=40, batch_size=16, last_batch="drop", loss="softmax_cross_entropy"),
    "scalars": scalar_graph,
}  # fmt: skip


def trained(name: str, dtype: str) -> tuple[list[float], int]:
    """All parameters after 30 iterations, and how many instructions were played in runs with others."""
    session = Session(DOCUMENTS[name](), dtype=dtype)
    session.run(30)
    joined = session.playback.machine._joined
    runs = 0 if joined is None else len(session.tape.fast.instructions) - len(joined.played)
    return [float(number) for array in session.parameters.values() for number in np.ravel(array)], runs


def parted() -> list[str]:
    """The documents whose iteration as one function does not come to the bits of the kernels, or does not come at all."""
    found = []
    for name, document in DOCUMENTS.items():
        session = Session(document())
        session.prepare()
        machine, twin = session.playback.machine, session.playback.machine.copy()
        is_there = twin.compile_whole()
        for one in (machine, twin):
            one.iterate(30)
        if not is_there or machine.arena.tobytes() != twin.arena.tobytes():
            found.append(name)
    return found


def main(documents: list[str]) -> None:
    """Play every operation once, and train these; kernels that cannot be kept on disk are told by name."""
    refused, keep = [], objects.keep

    def kept(name: str, symbol: str, code: bytes) -> None:
        if objects.undefined_symbols(code) - objects.KNOWN_SYMBOLS:
            refused.append(name)
        keep(name, symbol, code)

    objects.keep = kept
    names, errors = set(), {}
    for call in calls():
        played, error = worst(call)
        names.update(played)
        errors[f"{call[0]} {'×'.join(map(str, call[1][0].shape))}"] = error
    ends = {name: trained(name, "float32") for name in documents}
    print(json.dumps({
        "processor": processor()[0], "lanes": vector_length(), "bodies": sorted(names), "errors": errors,
        "ends": ends, "refused": refused, "parted": parted() if documents else [],
    }))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
