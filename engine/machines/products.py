"""The CPU's float32 bodies of products: the same instructions as the plain bodies, played through the register tile."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import float32, int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.player import arrive
from engine.machines.tile import pairs_tile, tile
from engine.machines.vectors import VECTOR
from engine.placement import LINE
from engine.primitives.activations import rectified, sigmoid_of, tanh_of
from engine.tape import FLAG

WIDE = 2 * VECTOR
NEAR = 128  # rows
FEW = 8  # lanes: results of fewer are bent where they lie, in whole vectors, others before they leave the registers
BIAS = 0  # compiled in: 1 where the instruction's last field is a bias
ONTO = 0  # compiled in, besides: 1 where that bias is a whole matrix, to which the product is added
BEND = 0  # compiled in: what bends the result, 1 a tanh, 2 a sigmoid, 3 a rectifier
GATE = 0  # compiled in, besides ONTO: that matrix gates the result, see `Form`
DESCENT = 0  # compiled in: 1 where the field behind the sums is a rate, see `Form`
PAST = 0  # compiled in: 1 where the result goes past the caches, see `Form`
ROWS = 0  # compiled in: rows of the whole result, where a tile of just as many is worth it
TALL = 0  # compiled in: rows of a tile of more than eight
MOST = 8  # compiled in: rows of the tallest of the others
SUMS = 0  # compiled in: 1 where the last field is where the sums of B's columns go
TRANSPOSE_A = 0  # compiled in, of `batch`: 1 where the matrices on the left are read by columns
SPAN = VECTOR  # compiled in, of `column_gradient`: entries of a tile
LANES = VECTOR  # compiled in: columns of a tile

_rows_8, _rows_4, _rows_1 = tile(8, 1), tile(4, 1), tile(1, 1)
_wide_8, _wide_2, _wide_1 = tile(8, 2), tile(2, 2), tile(1, 2)
_rows_sum, _wide_sum = _rows_1, _wide_1
_line = tile(1, 1, ways=4)
# Of `narrow`, compiled in by `names_of`: tiles as wide as the result, by rows; the first ones sum B's columns as well.
_tile_tall = _tile_8 = _tile_4 = _tile_2 = _tile_1 = _first_all = _first_8 = _first_4 = _first_2 = _first_1 = _rows_1


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What a body's names stand for in a variant: tiles for LANES columns at most (WHOLE: exactly), else for WIDE ones."""
    more = {"onto": bool(variant.get("ONTO")), "bend": variant.get("BEND", 0), "halves": bool(variant.get("HALVES"))}
    if "SPAN" in variant:
        return {"_line": tile(1, 1, ways=4, lanes=variant["SPAN"])}
    if "GATE" in variant:
        more |= {"onto": False, "gate": variant["GATE"]}
    if "LANES" not in variant:
        more["whole"] = bool(variant.get("WHOLE"))
        forms = {
            "_rows_8": (8, 1),
            "_rows_4": (4, 1),
            "_rows_1": (1, 1),
            "_wide_8": (8, 2),
            "_wide_2": (2, 2),
            "_wide_1": (1, 2),
        }
        sums = {"_rows_sum": tile(1, 1, whole=more["whole"]), "_wide_sum": tile(1, 2, whole=more["whole"])}
        more |= {"descends": bool(variant.get("DESCENT")), "past": bool(variant.get("PAST"))}
        return {name: tile(*form, **more) for name, form in forms.items()} | sums if any(more.values()) else {}
    names: dict[str, Any] = {}
    if variant["LANES"] < FEW:
        more["bend"] = 0
    elif more["bend"]:
        names["BEND"] = 0
    shape = {"lanes": variant["LANES"], "whole": bool(variant["WHOLE"]), "ways": variant.get("WAYS", 1), **more}
    # What is not needed is not compiled: rows that have a tall tile leave few over, and few rows have several ways.
    names["MOST"] = most = 4 if "TALL" in variant else {4: 2, 2: 4}.get(shape["ways"], 8)
    for rows in [rows for rows in (8, 4, 2, 1) if rows <= most]:
        names[f"_tile_{rows}"] = tile(rows, 1, **shape)
        if not any(more.values()):
            names[f"_first_{rows}"] = tile(rows, 1, with_sums=True, **shape)
    if "TALL" in variant:
        names["_tile_tall"] = tile(variant["TALL"], 1, **shape)
    if "ROWS" in variant:
        names["_first_all"] = tile(variant["ROWS"], 1, with_sums=True, **shape)
    return names


_pairs_8, _pairs_2, _pairs_1 = pairs_tile(8, 2), pairs_tile(2, 2), pairs_tile(1, 2)
_pairs_first, _pairs_sums = pairs_tile(8, 2, with_sums=True), pairs_tile(1, 2, with_sums=True)


def pairs(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of a sum of products xᵀ · dy; with SUMS also the sum of the rows of all dy."""
    w, columns = int64(instruction[1]), int64(instruction[3])
    parts, depth, rest = int64(instruction[4]), int64(instruction[5]), int64(instruction[6])
    sums, count, step, first = int64(instruction[7]), int64(instruction[8]), int64(instruction[9]), int64(10)
    one, none = int64(1), int64(-1)
    for c in range(0, columns, WIDE):
        n, r, to = columns - c, int64(start), sums + c
        if SUMS == 1 and start == 0:
            # Whoever computes the first row sums the slopes too: beside eight rows, or in a pass that makes the first again.
            if stop >= 8:
                y = w + c
                _pairs_first(
                    arena, instruction, first, count, parts, rest, r, c, y, one, columns, n, depth, step, columns, to
                )
                r += 8
            else:
                y = w + c
                _pairs_sums(
                    arena, instruction, first, count, parts, rest, r, c, y, one, columns, n, depth, step, columns, to
                )
        while r + 8 <= stop:
            y = w + r * columns + c
            _pairs_8(
                arena, instruction, first, count, parts, rest, r, c, y, one, columns, n, depth, step, columns, none
            )
            r += 8
        while r + 2 <= stop:
            y = w + r * columns + c
            _pairs_2(
                arena, instruction, first, count, parts, rest, r, c, y, one, columns, n, depth, step, columns, none
            )
            r += 2
        if r < stop:
            y = w + r * columns + c
            _pairs_1(
                arena, instruction, first, count, parts, rest, r, c, y, one, columns, n, depth, step, columns, none
            )


def narrow(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of y = a · b, of y = a · b + bias, or with the sums of b's columns; y fits into one vector."""
    a_row, a_depth, b_depth = int64(instruction[7]), int64(instruction[8]), int64(instruction[9])
    b, columns, depth = int64(instruction[2]), int64(instruction[5]), int64(instruction[6])
    a, y = int64(instruction[1]) + start * a_row, int64(instruction[3]) + start * columns
    extra = int64(instruction[11]) if BIAS == 1 or SUMS == 1 else int64(-1)
    next_bias = columns if ONTO == 1 else int64(0)
    bias = extra + start * next_bias if BIAS == 1 else int64(-1)
    rows, r = stop - start, int64(0)
    if SUMS == 1 and start == 0:
        # Whoever computes the first row sums B's columns too, in the same pass.
        if rows == ROWS:
            _first_all(arena, a, b, y, a_row, columns, columns, depth, a_depth, b_depth, extra)
            r = rows
        elif rows >= 8 and MOST >= 8:
            _first_8(arena, a, b, y, a_row, columns, columns, depth, a_depth, b_depth, extra)
            r = int64(8)
        elif rows >= 4 and MOST >= 4:
            _first_4(arena, a, b, y, a_row, columns, columns, depth, a_depth, b_depth, extra)
            r = int64(4)
        elif rows >= 2:
            _first_2(arena, a, b, y, a_row, columns, columns, depth, a_depth, b_depth, extra)
            r = int64(2)
        else:
            _first_1(arena, a, b, y, a_row, columns, columns, depth, a_depth, b_depth, extra)
            r = int64(1)
    # What is left over is done once more with some rows that are done: the same bits, in fewer and fuller tiles.
    while r < rows:
        left = rows - r if GATE == 2 else rows  # but for what is added to where it lies
        if 0 < TALL <= left:
            r = r if r + TALL <= rows else rows - TALL
            begin = bias + r * next_bias
            _tile_tall(
                arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, begin
            )
            r += TALL
        elif left >= 8 and MOST >= 8:
            r = r if r + 8 <= rows else rows - 8
            begin = bias + r * next_bias
            _tile_8(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, begin)
            r += 8
        elif left >= 4 and MOST >= 4:
            r = r if r + 4 <= rows else rows - 4
            begin = bias + r * next_bias
            _tile_4(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, begin)
            r += 4
        elif left >= 2:
            r = r if r + 2 <= rows else rows - 2
            begin = bias + r * next_bias
            _tile_2(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, begin)
            r += 2
        else:
            begin = bias + r * next_bias
            _tile_1(arena, a + r * a_row, b, y + r * columns, a_row, columns, columns, depth, a_depth, b_depth, begin)
            r += 1
    if BEND > 0:
        # Up to the end of the last cache line, where nobody else lies: whole vectors only.
        begin, end = int64(instruction[3]) + start * columns, int64(instruction[3]) + stop * columns
        if stop == instruction[4] and end - begin >= LINE:
            end += -end % LINE
        if BEND == 1:
            for j in range(begin, end):
                arena[j] = tanh_of(arena[j])
        elif BEND == 2:
            for j in range(begin, end):
                arena[j] = sigmoid_of(arena[j])
        else:
            for j in range(begin, end):
                arena[j] = rectified(arena[j])


def wide(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of a product with more columns than one vector holds, with bias or sums as for `narrow`."""
    a_row, a_depth, b_depth = int64(instruction[7]), int64(instruction[8]), int64(instruction[9])
    b, columns, depth = int64(instruction[2]), int64(instruction[5]), int64(instruction[6])
    a, y = int64(instruction[1]) + start * a_row, int64(instruction[3]) + start * columns
    extra = int64(instruction[11]) if BIAS == 1 or SUMS == 1 else int64(-1)
    next_bias = columns if ONTO == 1 else int64(0)
    bias = extra + start * next_bias if BIAS == 1 else int64(instruction[12]) if DESCENT == 1 else int64(-1)
    rows, first, found = stop - start, int64(0), int64(0)
    while first < rows:
        # So many rows of A stay near while all columns go by; what is left over goes with the last of them.
        last = first + NEAR if first + 2 * NEAR <= rows else rows
        c = int64(0)
        while c < columns:
            n, begin, out = columns - c, b + c, y + c
            base = bias + c if BIAS == 1 else bias
            r = first
            if n > VECTOR:
                while r + 8 <= last:
                    row, to, onto = a + r * a_row, out + r * columns, base + r * next_bias
                    found |= _wide_8(arena, row, begin, to, a_row, columns, n, depth, a_depth, b_depth, onto)
                    r += 8
                while r + 2 <= last:
                    row, to, onto = a + r * a_row, out + r * columns, base + r * next_bias
                    found |= _wide_2(arena, row, begin, to, a_row, columns, n, depth, a_depth, b_depth, onto)
                    r += 2
                while r < last:
                    row, to, onto = a + r * a_row, out + r * columns, base + r * next_bias
                    found |= _wide_1(arena, row, begin, to, a_row, columns, n, depth, a_depth, b_depth, onto)
                    r += 1
                c += WIDE
            else:
                while r + 8 <= last:
                    row, to, onto = a + r * a_row, out + r * columns, base + r * next_bias
                    found |= _rows_8(arena, row, begin, to, a_row, columns, n, depth, a_depth, b_depth, onto)
                    r += 8
                while r + 4 <= last:
                    row, to, onto = a + r * a_row, out + r * columns, base + r * next_bias
                    found |= _rows_4(arena, row, begin, to, a_row, columns, n, depth, a_depth, b_depth, onto)
                    r += 4
                while r < last:
                    row, to, onto = a + r * a_row, out + r * columns, base + r * next_bias
                    found |= _rows_1(arena, row, begin, to, a_row, columns, n, depth, a_depth, b_depth, onto)
                    r += 1
                c += VECTOR
        first = last
    if SUMS == 1 and start == 0:
        # Many columns: the same tile, with a single 1 for A (the arena begins with it).
        zero = int64(0)
        c = zero
        while c < columns:
            if columns - c > VECTOR:
                _wide_sum(arena, zero, b + c, extra + c, zero, zero, columns - c, depth, zero, b_depth, int64(-1))
            else:
                _rows_sum(arena, zero, b + c, extra + c, zero, zero, columns - c, depth, zero, b_depth, int64(-1))
            c += WIDE
    if found != 0:
        integers[FLAG] = 1
    if PAST == 1:
        arrive()


def batch(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of the products of many matrices, those of all matrices counted through."""
    rows, columns, depth, group = (
        int64(instruction[4]), int64(instruction[5]), int64(instruction[6]), int64(instruction[7])
    )  # fmt: skip
    b_row, y_row = int64(instruction[13]), int64(instruction[16])
    a_row, a_depth = (int64(1), int64(instruction[10])) if TRANSPOSE_A == 1 else (int64(instruction[10]), int64(1))
    done, none = int64(start), int64(-1)
    matrix, first = done // rows, done % rows
    outer, inner = matrix // group, matrix % group
    while done < stop:
        many = rows - first if rows - first < stop - done else stop - done
        a = int64(instruction[1]) + outer * int64(instruction[8]) + inner * int64(instruction[9]) + first * a_row
        b = int64(instruction[2]) + outer * int64(instruction[11]) + inner * int64(instruction[12])
        y = int64(instruction[3]) + outer * int64(instruction[14]) + inner * int64(instruction[15]) + first * y_row
        c = int64(0)
        while c < columns:
            left, r = columns - c, int64(0)
            # What is left over is done once more with some rows that are done: the same bits, in fewer and fuller tiles.
            while r < many:
                if many >= 8:
                    r = r if r + 8 <= many else many - 8
                    row, to = a + r * a_row, y + r * y_row + c
                    _tile_8(arena, row, b + c, to, a_row, y_row, left, depth, a_depth, b_row, none)
                    r += 8
                elif many >= 4:
                    r = r if r + 4 <= many else many - 4
                    row, to = a + r * a_row, y + r * y_row + c
                    _tile_4(arena, row, b + c, to, a_row, y_row, left, depth, a_depth, b_row, none)
                    r += 4
                else:
                    row, to = a + r * a_row, y + r * y_row + c
                    _tile_1(arena, row, b + c, to, a_row, y_row, left, depth, a_depth, b_row, none)
                    r += 1
            c += LANES
        done, first, inner = done + many, int64(0), inner + 1
        if inner == group:
            outer, inner = outer + 1, int64(0)


@intrinsic
def plus(context, total, x, y):  # type: ignore[no-untyped-def]
    """total + x · y, and in just this order: a row's bits must not depend on how many rows are done with it."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        total, x, y = arguments
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType()] * 3)
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.f32"), [x, y, total])

    return types.float32(types.float32, types.float32, types.float32), generate


def column(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of a product with a single column, in plain numbers, eight rows side by side."""
    a_row, a_depth = int64(instruction[7]), int64(instruction[8])
    b, depth, b_depth = int64(instruction[2]), int64(instruction[6]), int64(instruction[9])
    a, y = int64(instruction[1]), int64(instruction[3])
    begin = arena[int64(instruction[11])] if BIAS == 1 else float32(0)
    r = start
    while r + 8 <= stop:
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = begin
        for k in range(depth):
            w, x = arena[b + k * b_depth], a + r * a_row + k * a_depth
            s0 = plus(s0, arena[x], w)
            s1 = plus(s1, arena[x + a_row], w)
            s2 = plus(s2, arena[x + 2 * a_row], w)
            s3 = plus(s3, arena[x + 3 * a_row], w)
            s4 = plus(s4, arena[x + 4 * a_row], w)
            s5 = plus(s5, arena[x + 5 * a_row], w)
            s6 = plus(s6, arena[x + 6 * a_row], w)
            s7 = plus(s7, arena[x + 7 * a_row], w)
        arena[y + r], arena[y + r + 1], arena[y + r + 2], arena[y + r + 3] = s0, s1, s2, s3
        arena[y + r + 4], arena[y + r + 5], arena[y + r + 6], arena[y + r + 7] = s4, s5, s6, s7
        r += 8
    while r < stop:
        s0 = begin
        for k in range(depth):
            s0 = plus(s0, arena[a + r * a_row + k * a_depth], arena[b + k * b_depth])
        arena[y + r] = s0
        r += 1
    if BEND == 1:
        for j in range(y + start, y + stop):
            arena[j] = tanh_of(arena[j])
    elif BEND == 2:
        for j in range(y + start, y + stop):
            arena[j] = sigmoid_of(arena[j])
    elif BEND == 3:
        for j in range(y + start, y + stop):
            arena[j] = rectified(arena[j])


def column_gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Entries [start, stop) of dW = xᵀ · dy for a single unit: one row dyᵀ · x, as x lies in rows; and the sum of dy."""
    width, depth = int64(instruction[8]), int64(instruction[6])
    x, dy, y = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    c = start
    while c < stop:
        _line(arena, dy, x + c, y + c, int64(0), int64(0), stop - c, depth, int64(1), width, int64(-1))
        c += SPAN
    if start == 0:
        total = float32(0)
        for k in range(depth):
            total += arena[dy + k]
        arena[int64(instruction[11])] = total
