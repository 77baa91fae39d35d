"""A memory that is read and written softly: addressed by content and by place, as in a neural Turing machine."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import NodeType, Port, node_type
from engine.nodes.layers import features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

MEMORY = Port("memory", "(batch, rows, width)", symbol="M")
HEAD = Port("head", "(batch, rows)", symbol="w", help="How much each row is meant; together 1.")
PLACES = Port("weights", "(batch, rows)", symbol="w")
SOURCE = "Aggarwal 2023, §12.3; Graves, Wayne & Danihelka 2014"
SMALLEST_LENGTH = 1e-8  # a row of zeros is as far from every key as one at a right angle


class MemoryNode(NodeType):
    """A part of a head that reads or writes a memory."""

    category, icon, source = "Memory", "database", SOURCE


def rows_of(memory: Value) -> tuple[int, int]:
    """Rows and width of a memory. Raises `ShapeMismatch` where it has none."""
    rows, width = memory.shape[-2:] if memory.rank == 3 else (None, None)
    if not isinstance(rows, int) or not isinstance(width, int):
        raise shape_mismatch(
            f"a memory has the shape (batch, rows, width), not {shape_text(memory.shape)}",
            "Give the delay that keeps it a “shape” of two numbers.",
            port="memory",
        )
    return rows, width


def fits(value: Value, length: int, port: str, what: str) -> Value:
    """A vector for each example, of that length. Raises `ShapeMismatch` where it is not."""
    if value.rank != 2 or value.shape[-1] != length:
        raise shape_mismatch(
            f"{what}: {length} numbers are needed, and {shape_text(value.shape)} came",
            f"Give it {length} features.",
            port=port,
        )
    return value


@node_type
class ContentAddressing(MemoryNode):
    """Looks for rows of a memory that point the same way as a key: the sharper, the greater the strength."""

    name, title = "content_addressing", "content addressing"
    formula = r"w_i = \frac{e^{\beta \cos(k, M_i)}}{\sum_j e^{\beta \cos(k, M_j)}}"
    source = "Aggarwal 2023, eq. 12.14"
    inputs: ClassVar[tuple[Port, ...]] = (
        MEMORY,
        Port("key", "(batch, width)", symbol="k"),
        Port(
            "strength", "(batch, 1)", symbol=r"\beta", default=1.0, help="How sharply rows are told apart; 1 or more."
        ),
    )
    outputs: ClassVar[tuple[Port, ...]] = (PLACES,)

    def lower(self, build: Builder, **values: Any) -> Value:
        memory, key = values["memory"], values["key"]
        rows, width = rows_of(memory)
        fits(key, width, "key", "the key is compared with rows")
        column = build.emit("reshape", key, shape=(key.shape[0], width, 1))
        products = build.emit("reshape", build.emit("batch_matmul", memory, column), shape=(key.shape[0], rows))
        lengths = build.emit("reshape", build.emit("norm", memory), shape=(key.shape[0], rows))
        cosine = products / build.emit("maximum", lengths * build.emit("norm", key), SMALLEST_LENGTH)
        return build.emit("softmax", cosine * values["strength"])


@node_type
class Interpolation(MemoryNode):
    """Mixes what was found by content with where the head was before, as a gate says."""

    name, title = "head_interpolation", "interpolation of heads"
    formula = r"w = g\,w^{c} + (1 - g)\,w^{-}"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("found", "(batch, rows)", symbol="w^{c}"),
        Port("before", "(batch, rows)", symbol="w^{-}", help="Where the head was one step ago, from a delay."),
        Port("gate", "(batch, 1)", symbol="g", default=0.5, help="1: content alone; 0: stay where the head was."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (PLACES,)

    def lower(self, build: Builder, **values: Any) -> Value:
        found: Value = values["found"]
        before: Value = values["before"]
        gate: Value = values["gate"]
        fits(before, features_of(found), "before", "both heads look at the same rows")
        return gate * found + (1 - gate) * before


@node_type
class CircularShift(MemoryNode):
    """Moves weights on to neighbouring rows, as shares say; behind the last row comes the first again."""

    name, title = "circular_shift", "circular shift"
    formula = r"w_i = \sum_j w^{-}_j\, s_{(i - j) \bmod N}"
    source = "Aggarwal 2023, §12.3; Graves, Wayne & Danihelka 2014, eq. 8"
    inputs: ClassVar[tuple[Port, ...]] = (
        HEAD,
        Port(
            "shift", "(batch, shifts)", symbol="s", help="Shares of moving back …, staying, moving on: an odd number."
        ),
    )
    outputs: ClassVar[tuple[Port, ...]] = (PLACES,)

    def lower(self, build: Builder, **values: Any) -> Value:
        weights, shift = values["head"], values["shift"]
        rows, shares = features_of(weights), features_of(shift)
        if shares % 2 == 0 or shares > rows:
            raise shape_mismatch(
                f"{shares} shares of shifts meet {rows} rows",
                "Give as many shares forward as back and one for staying: 3, 5, …, at most as many as rows.",
                port="shift",
            )
        moved = []
        for place in range(shares):
            by = (place - shares // 2) % rows
            parts = [(rows - by, rows), (0, rows - by)] if by else [(0, rows)]
            pieces = [build.emit("slice", weights, axis=1, start=start, stop=stop) for start, stop in parts]
            turned = pieces[0] if len(pieces) == 1 else build.emit("concat", *pieces, axis=1)
            moved.append(turned * build.emit("slice", shift, axis=1, start=place, stop=place + 1))
        return moved[0] if len(moved) == 1 else build.emit("total", *moved)


@node_type
class Sharpen(MemoryNode):
    """Makes large weights larger and small ones smaller: a power, and together 1 again."""

    name, title = "sharpen", "sharpen"
    formula = r"w_i = \frac{(w^{-}_i)^{\gamma}}{\sum_j (w^{-}_j)^{\gamma}}"
    inputs: ClassVar[tuple[Port, ...]] = (
        HEAD,
        Port("power", "(batch, 1)", symbol=r"\gamma", default=2.0, help="1 leaves them as they are."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (PLACES,)

    def lower(self, build: Builder, **values: Any) -> Value:
        features_of(values["head"])
        powers = build.emit("power", values["head"], values["power"])
        return powers / build.emit("sum", powers, axes=(powers.rank - 1,), keep=True)


@node_type
class MemoryRead(MemoryNode):
    """The rows of a memory, added up as the head's weights say."""

    name, title = "memory_read", "read memory"
    formula = r"r = \sum_i w_i M_i"
    inputs: ClassVar[tuple[Port, ...]] = (MEMORY, HEAD)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, width)", symbol="r"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        memory, weights = values["memory"], values["head"]
        rows, width = rows_of(memory)
        fits(weights, rows, "head", "one weight belongs to each row")
        row = build.emit("reshape", weights, shape=(weights.shape[0], 1, rows))
        return build.emit("reshape", build.emit("batch_matmul", row, memory), shape=(weights.shape[0], width))


@node_type
class MemoryWrite(MemoryNode):
    """Erases a part of the rows that are meant, then adds to them. Keep the memory in a delay."""

    name, title = "memory_write", "write memory"
    formula = r"M_i = M^{-}_i \odot (1 - w_i e) + w_i a"
    inputs: ClassVar[tuple[Port, ...]] = (
        MEMORY,
        HEAD,
        Port("erase", "(batch, width)", symbol="e", help="How much of each number is wiped out, 0 to 1."),
        Port("add", "(batch, width)", symbol="a"),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, rows, width)", symbol="M"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        memory: Value = values["memory"]
        weights: Value = values["head"]
        rows, width = rows_of(memory)
        batch = memory.shape[0]
        column = build.emit(
            "reshape", fits(weights, rows, "head", "one weight belongs to each row"), shape=(batch, rows, 1)
        )
        erase, add = [
            build.emit("reshape", fits(values[port], width, port, "a row is written"), shape=(batch, 1, width))
            for port in ("erase", "add")
        ]
        return memory * (1 - column * erase) + column * add
