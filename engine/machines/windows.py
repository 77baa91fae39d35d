"""The CPU's float32 bodies of convolutions: maps and filters as they lie, nothing is copied or padded.

A vector holds neighbouring cells of a result. For each tap of a filter it is multiplied by the cells as far away as the
tap says; cells beyond the edge are masked off, so that they add nothing. Eight results share what was read for them.

FLAT    the result is as wide as the source: a map is one long line, and vectors run across the ends of its rows
LANES   cells in a vector
STRIDE  columns of the source from a cell to the next: so many vectors are read, and every so many numbers picked out
SPREAD  columns of the result from a cell to the next, where only every so many of them are found at a time
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from llvmlite import ir
from numba import int64, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.compiling import FAST, INLINED
from engine.machines.vectors import Vectors, not_compiled_in, tight_loop

BIAS = 0  # compiled in: whether the fourth field is a bias
MOST_BLOCKS = 256  # vectors in a line of cells
_WHOLE, _WORD = ir.IntType(64), ir.IntType(32)


class Form(NamedTuple):
    """What a tile is compiled for: so many results at once, and neighbouring taps of each where it sums over cells."""

    rows: int
    lanes: int
    flat: bool
    taps: int = 1
    stride: int = 1
    spread: int = 1


class _Cells:
    """Where a vector of result cells lies in the source, and which lanes are cells."""

    def __init__(
        self, v: Vectors, form: Form, position: Any, first: Any, width: Any, columns: Any, cells: Any, down: Any
    ) -> None:
        self.v, self.width, self.stride, b = v, width, form.stride, v.b
        iota = ir.Constant(v.words, list(range(v.lanes)))
        if form.flat:
            place = b.add(self._word(position), iota)
            # A half more than the place: the quotient of two small whole numbers is never on the edge then.
            middle = b.fadd(b.sitofp(place, v.vector), v.full(0.5))
            self.row = b.fptosi(b.fdiv(middle, b.sitofp(self._word(width), v.vector)), v.words)
            self.column = b.sub(place, b.mul(self.row, self._word(width)))
            self.columns = [self.column]
            self.source = position
            left = b.sub(cells, position)
        else:
            begin, row = b.mul(first, _WHOLE(form.stride)), b.mul(position, down)
            self.row = self._word(row)
            self.columns = [
                b.add(self._word(begin), ir.Constant(v.words, [number * v.lanes + k for k in range(v.lanes)]))
                for number in range(form.stride)
            ]
            apart = ir.Constant(v.words, [form.stride * k for k in range(v.lanes)])
            self.column = b.add(self._word(begin), apart)
            self.source = b.add(b.mul(row, width), begin)
            left = b.sub(columns, first)
        self.mask, self.left = b.icmp_signed("<", iota, self._word(left)), left

    def _word(self, number: Any) -> Any:
        return self.v.spread(self.v.b.trunc(number, _WORD), self.v.words)

    def inside(self, shift_y: Any, shift_x: Any, height: Any) -> list[Any]:
        """Of each vector that is read: the lanes that hold a cell at this shift within the source."""
        b = self.v.b
        rows = b.icmp_unsigned("<", b.add(self.row, self._word(shift_y)), self._word(height))
        return [
            b.and_(
                b.and_(rows, b.icmp_unsigned("<", b.add(column, self._word(shift_x)), self._word(self.width))),
                self._sought(number),
            )
            for number, column in enumerate(self.columns)
        ]

    def reached(self, shift_y: Any, shift_x: Any, height: Any) -> Any:
        """The lanes whose cell at this shift lies within the source."""
        b = self.v.b
        rows = b.icmp_unsigned("<", b.add(self.row, self._word(shift_y)), self._word(height))
        columns = b.icmp_unsigned("<", b.add(self.column, self._word(shift_x)), self._word(self.width))
        return b.and_(b.and_(rows, columns), self.mask)

    def _sought(self, number: int) -> Any:
        if self.stride == 1:
            return self.mask
        lanes, b = range(number * self.v.lanes, (number + 1) * self.v.lanes), self.v.b
        end = self._word(b.mul(self.left, _WHOLE(self.stride)))
        kind = ir.VectorType(ir.IntType(1), self.v.lanes)
        within = b.icmp_signed("<", ir.Constant(self.v.words, list(lanes)), end)
        return b.and_(within, ir.Constant(kind, [int(lane % self.stride == 0) for lane in lanes]))


def read_apart(v: Vectors, begin: Any, masks: list[Any]) -> Any:
    """Every so many numbers from a place on, as many apart as there are masks."""
    sources = [v.load(begin, number, mask) for number, mask in enumerate(masks)]
    return sources[0] if len(masks) == 1 else v.picked(sources, [len(masks) * lane for lane in range(v.lanes)])


def write_apart(v: Vectors, cells: Any, begin: Any, apart: int, count: Any) -> None:
    """So many cells to every so many places from one on; what lies between stays as it is."""
    b, kind = v.b, ir.VectorType(ir.IntType(1), v.lanes)
    end = v.spread(b.trunc(b.mul(count, _WHOLE(apart)), _WORD), v.words)
    for number in range(apart):
        lanes = range(number * v.lanes, (number + 1) * v.lanes)
        spread = b.shuffle_vector(cells, cells, ir.Constant(v.words, [lane // apart for lane in lanes]))
        within = b.icmp_signed("<", ir.Constant(v.words, list(lanes)), end)
        v.store(spread, begin, number, b.and_(within, ir.Constant(kind, [int(lane % apart == 0) for lane in lanes])))


def _numbers(builder: Any, *tuples: Any) -> list[Any]:
    return [number for some in tuples for number in cgutils.unpack_tuple(builder, some)]


def _add_product(v: Vectors, total: Any, x: Any, y: Any, mask: Any) -> None:
    """total += x · y in the lanes that are on; the others stay as they are, even where a factor is not finite."""
    old = v.b.load(total)
    v.b.store(v.b.select(mask, v.multiply_add(x, y, old), old), total)


def _folded(v: Vectors, x: Any) -> Any:
    """The sum of all lanes: the upper half is laid on the lower one until one lane is left.

    Not neighbours: processors add these by an instruction that reaches half of the registers, and sums would fit no more.
    """
    width = v.lanes
    while width > 1:
        width //= 2
        low, high = [
            v.b.shuffle_vector(x, x, ir.Constant(ir.VectorType(_WORD, width), [first + lane for lane in range(width)]))
            for first in (0, width)
        ]
        x = v.b.fadd(low, high)
    return v.b.extract_element(x, _WORD(0))


class _Sums:
    """Results of some filters, summed over all taps and channels, for whatever cells one asks for."""

    def __init__(self, form: Form, v: Vectors, where: list[Any], window: list[Any]) -> None:
        self.form, self.v, self.where, self.window = form, v, where, window

    def tile(self, vectors: int, position: Any, first: Any) -> None:
        """So many vectors of cells: along the line, or in neighbouring rows."""
        form, v, b = self.form, self.v, self.v.b
        out, weight, source, bias, next_out, next_weight, next_bias, deeper_weight, plane, depth = self.where
        height, width, tall, wide, step_y, step_x, begin_y, begin_x, columns, cells, apart = self.window[:11]
        next_row, next_tap, line_of_out = self.window[11:]
        step = form.lanes if form.flat else 1
        blocks = [
            _Cells(v, form, b.add(position, _WHOLE(step * k)), first, width, columns, cells, apart)
            for k in range(vectors)
        ]
        sums = [[cgutils.alloca_once(b, v.vector) for _ in blocks] for _ in range(form.rows)]
        has_bias = b.icmp_signed(">=", bias, _WHOLE(0))
        for r, line in enumerate(sums):
            number = b.load(v.at(b.select(has_bias, b.add(bias, b.mul(_WHOLE(r), next_bias)), _WHOLE(0))))
            for total in line:
                b.store(b.select(has_bias, v.spread(number, v.vector), v.zero), total)
        with cgutils.for_range(b, tall) as down, cgutils.for_range(b, wide) as across:
            shift_y = b.add(begin_y, b.mul(down.index, step_y))
            shift_x = b.add(begin_x, b.mul(across.index, step_x))
            masks = [block.inside(shift_y, shift_x, height) for block in blocks]
            reached = [block.reached(shift_y, shift_x, height) for block in blocks]
            tap = b.add(weight, b.add(b.mul(down.index, next_row), b.mul(across.index, next_tap)))
            away = b.add(source, b.add(b.mul(shift_y, width), shift_x))
            with tight_loop(b, depth) as deep:
                near = b.add(away, b.mul(deep, plane))
                read = [read_apart(v, b.add(near, block.source), m) for block, m in zip(blocks, masks, strict=True)]
                at = b.add(tap, b.mul(deep, deeper_weight))
                for r, line in enumerate(sums):
                    factor = v.spread(b.load(v.at(b.add(at, b.mul(_WHOLE(r), next_weight)))), v.vector)
                    for total, x, mask in zip(line, read, reached, strict=True):
                        _add_product(v, total, factor, x, mask)
        for r, line in enumerate(sums):
            begin = b.add(out, b.mul(_WHOLE(r), next_out))
            for k, (total, block) in enumerate(zip(line, blocks, strict=True)):
                line_begin = b.mul(b.add(position, _WHOLE(k)), line_of_out)
                cell = block.source if form.flat else b.add(line_begin, b.mul(first, _WHOLE(form.spread)))
                if form.spread == 1:
                    v.store(b.load(total), b.add(begin, cell), 0, block.mask)
                else:
                    write_apart(v, b.load(total), b.add(begin, cell), form.spread, block.left)

    def along_the_line(self) -> None:
        """All cells of flat maps: in pairs of vectors, and a last one alone."""
        b, lanes, cells, nothing = self.v.b, self.form.lanes, self.window[9], _WHOLE(0)
        pairs = b.sdiv(b.add(cells, _WHOLE(lanes - 1)), _WHOLE(2 * lanes))
        with cgutils.for_range(b, pairs) as pair:
            self.tile(2, b.mul(pair.index, _WHOLE(2 * lanes)), nothing)
        rest = b.mul(pairs, _WHOLE(2 * lanes))
        with b.if_then(b.icmp_signed("<", rest, cells)):
            self.tile(1, rest, nothing)

    def row_by_row(self) -> None:
        """All cells of maps that are narrower than their source: rows in pairs, and a last one alone."""
        b, lanes, columns = self.v.b, self.form.lanes, self.window[8]
        rows = b.sdiv(self.window[9], columns)
        pairs = b.sdiv(rows, _WHOLE(2))
        with cgutils.for_range(b, b.sdiv(b.add(columns, _WHOLE(lanes - 1)), _WHOLE(lanes))) as block:
            first = b.mul(block.index, _WHOLE(lanes))
            with cgutils.for_range(b, pairs) as pair:
                self.tile(2, b.mul(pair.index, _WHOLE(2)), first)
            rest = b.mul(pairs, _WHOLE(2))
            with b.if_then(b.icmp_signed("<", rest, rows)):
                self.tile(1, rest, first)


@cache
def sum_tile(*fields: Any) -> Any:
    """Intrinsic `(arena, where, window)`: all cells of some results.

    where   offsets of the first result, of its weights, of the first source map and of its bias (−1: none); then the steps
            to the next result, to its weights and its bias (all 0: the same one again and again, where there are too few),
            to the weights of the next source map, to that map; how many there are
    window  rows and columns of a source map, rows and columns of a filter, cells between taps (down, across), shift of the
            first tap (down, across), columns and cells of a result, rows of the source from a cell to the one below; then
            the steps to the weights of the tap below and of the next one, and of the result from a line of cells to the next
    """
    form = Form(*fields)

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, where, window = arguments
        v = Vectors(builder, arena, form.lanes)
        sums = _Sums(form, v, _numbers(builder, where), _numbers(builder, window))
        if form.flat:
            sums.along_the_line()
        else:
            sums.row_by_row()
        return target.get_dummy_value()

    def typed(context, arena, where, window):  # type: ignore[no-untyped-def]
        return types.void(arena, where, window), generate

    return intrinsic(typed)


@cache
def tap_tile(*fields: Any) -> Any:
    """Intrinsic `(arena, where, window, tap)`: neighbouring taps of some filters, summed over all images and cells.

    where   offsets of the first tap, of its filter's slopes and of the source map; then the steps to the next filter's taps
            and to its slopes (both 0: the same one again and again), to the slopes and the source of the next image; how many
            images there are
    window  rows and columns of a source map, columns and cells of a result, rows from a cell to the one below
    tap     shift of the first tap (down, across), and across from a tap to the next
    """
    form = Form(*fields)

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, where, window, tap = arguments
        out, slopes, source, next_out, next_slopes, later_slopes, later_source, images = _numbers(builder, where)
        height, width, columns, cells, apart = _numbers(builder, window)
        shift_y, begin_x, step_x = _numbers(builder, tap)
        b, v, whole = builder, Vectors(builder, arena, form.lanes), Vectors(builder, arena, form.lanes, whole=True)
        sums = [[cgutils.alloca_once(b, v.vector) for _ in range(form.taps)] for _ in range(form.rows)]
        for total in [total for line in sums for total in line]:
            b.store(v.zero, total)
        shifts = [b.add(begin_x, b.mul(_WHOLE(k), step_x)) for k in range(form.taps)]

        lanes, word = _WHOLE(form.lanes), ir.IntType(form.lanes)
        line_length = cells if form.flat else columns
        vectors = b.sdiv(b.add(line_length, _WHOLE(form.lanes - 1)), lanes)
        # Which lanes are cells is found out first and kept in memory: the sums need the registers for themselves.
        # Cells that are picked out of several vectors lie elsewhere in these than in the one that they make.
        apart_too = form.taps if form.stride > 1 else 0
        many = form.taps * form.stride + apart_too
        kept = cgutils.alloca_once(b, ir.ArrayType(_WORD, MOST_BLOCKS * many))

        def place_of(block: Any, k: int) -> Any:
            return b.gep(kept, [_WHOLE(0), b.add(b.mul(block, _WHOLE(many)), _WHOLE(k))])

        with cgutils.for_range(b, vectors) as block:
            first = b.mul(block.index, lanes)
            position, column = (first, _WHOLE(0)) if form.flat else (b.sub(_WHOLE(0), shift_y), first)
            here = _Cells(v, form, position, column, width, columns, cells, _WHOLE(1))
            found = [mask for shift_x in shifts for mask in here.inside(shift_y, shift_x, height)]
            found += [here.reached(shift_y, shift_x, height) for shift_x in shifts[:apart_too]]
            for k, mask in enumerate(found):
                b.store(b.zext(b.bitcast(mask, word), _WORD), place_of(block.index, k))

        def add_up(from_source: Any, from_slopes: Any, block: Any) -> None:
            kind = ir.VectorType(ir.IntType(1), form.lanes)
            masks = [b.bitcast(b.trunc(b.load(place_of(block, k)), word), kind) for k in range(many)]
            by_tap = [masks[k * form.stride : (k + 1) * form.stride] for k in range(form.taps)]
            reached = masks[-form.taps :]
            with tight_loop(b, images) as image:
                near = b.add(from_source, b.mul(image, later_source))
                read = [read_apart(v, b.add(near, shift), mask) for shift, mask in zip(shifts, by_tap, strict=True)]
                at = b.add(from_slopes, b.mul(image, later_slopes))
                for r, line in enumerate(sums):
                    # Lanes that are no cells are read from behind the map, and left out by every tap.
                    slope = whole.load(b.add(at, b.mul(_WHOLE(r), next_slopes)), 0, None)
                    for total, x, mask in zip(line, read, reached, strict=True):
                        _add_product(v, total, slope, x, mask)

        away = b.add(source, b.mul(shift_y, width))
        if form.flat:
            with cgutils.for_range(b, vectors) as block:
                first = b.mul(block.index, lanes)
                add_up(b.add(away, first), b.add(slopes, first), block.index)
        else:
            with cgutils.for_range(b, b.sdiv(cells, columns)) as row:
                its_row = b.mul(row.index, apart)
                inside = b.icmp_unsigned("<", b.add(its_row, shift_y), height)
                with b.if_then(inside), cgutils.for_range(b, vectors) as block:
                    first = b.mul(block.index, lanes)
                    begin = b.add(away, b.add(b.mul(its_row, width), b.mul(first, _WHOLE(form.stride))))
                    add_up(begin, b.add(slopes, b.add(b.mul(row.index, columns), first)), block.index)
        for r, line in enumerate(sums):
            for k, total in enumerate(line):
                place = v.at(b.add(b.add(out, b.mul(_WHOLE(r), next_out)), _WHOLE(k)))
                b.store(_folded(v, b.load(total)), place)
        return target.get_dummy_value()

    def typed(context, arena, where, window, tap):  # type: ignore[no-untyped-def]
        return types.void(arena, where, window, tap), generate

    return intrinsic(typed)


_inlined = njit(fastmath=FAST, **INLINED)


@cache
def _maps(rows: int, lanes: int, flat: bool, stride: int, spread: int) -> Any:
    """An inlined function: maps [start, stop) of images, so many of a group at a time where there are as many."""
    some = sum_tile(rows, lanes, flat, 1, stride, spread)

    def sweep(arena: Any, start: Any, stop: Any, maps: Any, groups: Any, offsets: Any, steps: Any, window: Any) -> None:
        out, weight, source, bias = offsets
        next_out, next_weight, deeper_weight, plane, depth, family_weight = steps
        group, done = maps // groups, int64(start)
        while done < stop:
            image, chosen = done // maps, done % maps
            family = chosen // group
            last, end = (family + 1) * group, chosen + stop - done
            last = last if last < end else end
            many = last - chosen
            alone = many < rows
            together = 1 if alone else rows
            while chosen < last:
                # What is left over is done together with some that are done: the same bits, in fewer tiles.
                chosen = chosen if chosen + together <= last else last - together
                where = (
                    out + (image * maps + chosen) * next_out,
                    weight + family * family_weight + (chosen - family * group) * next_weight,
                    source + (image * groups + family) * depth * plane,
                    bias + chosen if bias >= 0 else bias,
                    0 if alone else next_out, 0 if alone else next_weight, 0 if alone else 1, deeper_weight, plane, depth,
                )  # fmt: skip
                some(arena, where, window)
                chosen += together
            done += many

    return _inlined(sweep)


@_inlined
def _whole(instruction, first):  # type: ignore[no-untyped-def]
    """Three neighbouring fields as whole numbers of 64 bits, which do not overflow."""
    return int64(instruction[first]), int64(instruction[first + 1]), int64(instruction[first + 2])


ROWS = TAPS = 1  # compiled in: results at a time; neighbouring taps at a time
_sweep_maps = _tap_some = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the bodies' names stand for in a variant: sweeps and tiles for LANES cells."""
    lanes, flat, stride = variant["LANES"], bool(variant["FLAT"]), variant["STRIDE"]
    if "TAPS" not in variant:
        return {"_sweep_maps": _maps(variant["ROWS"], lanes, flat, stride, variant["SPREAD"])}
    return {"_tap_some": tap_tile(variant["ROWS"], lanes, flat, variant["TAPS"], stride)}


def convolution(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Maps [start, stop) of a convolution."""
    x, w, y = _whole(instruction, 1)
    _, height, width = _whole(instruction, 6)
    filters, rows, columns = _whole(instruction, 9)
    tall, wide, down = _whole(instruction, 12)
    top, left, apart_y = _whole(instruction, 16)
    apart_x, depth, group = _whole(instruction, 19)
    bias = int64(instruction[4]) if BIAS == 1 else int64(-1)
    taps = tall * wide
    steps = (rows * columns, depth * taps, taps, height * width, depth, group * depth * taps)
    window = (height, width, tall, wide, apart_y, apart_x, -top, -left, columns, rows * columns, down, wide, 1, columns)
    _sweep_maps(arena, start, stop, filters, filters // group, (y, w, x, bias), steps, window)


@_inlined
def _taps_of(cell, begin, taps, apart, stride):  # type: ignore[no-untyped-def]
    """Which taps reach the cells that are `cell` beyond a multiple of the stride: the first one, how far apart they are, how
    many, and where the first of them finds its cell."""
    step = int64(1)
    while step * apart % stride != 0:
        step += 1
    first = int64(0)
    while first < step and (cell + begin - first * apart) % stride != 0:
        first += 1
    many = (taps - first + step - 1) // step if first < step and first < taps else int64(0)
    return first, step, many, (cell + begin - first * apart) // stride


def transposed_convolution(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Maps [start, stop) of what a convolution sends back: the same sums, with taps that go the other way.

    With a stride every so many cells are reached by the same taps, and are summed together.
    """
    y, w, x = _whole(instruction, 1)
    channels, height, width = _whole(instruction, 6)
    filters, rows, columns = _whole(instruction, 9)
    tall, wide, down = _whole(instruction, 12)
    across, top, left = _whole(instruction, 15)
    apart_y, apart_x, depth = _whole(instruction, 18)
    group, taps = int64(instruction[21]), tall * wide
    steps = (height * width, taps, depth * taps, rows * columns, group, group * depth * taps)
    for u in range(down):
        i, step_i, many_i, begin_i = _taps_of(u, top, tall, apart_y, down)
        for v in range(across):
            j, step_j, many_j, begin_j = _taps_of(v, left, wide, apart_x, across)
            lines, line = (height - u + down - 1) // down, (width - v + across - 1) // across
            window = (
                rows, columns, many_i, many_j, -(step_i * apart_y // down), -(step_j * apart_x // across), begin_i, begin_j,
                line, lines * line, int64(1), step_i * wide, step_j, down * width,
            )  # fmt: skip
            offsets = (x + u * width + v, w + i * wide + j, y, int64(-1))
            if lines > 0 and line > 0:
                _sweep_maps(arena, start, stop, channels, filters // group, offsets, steps, window)


def filter_correlation(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Slabs [start, stop) of filters, a slab being what one filter weighs of one channel: some filters and taps at a time."""
    x, y, w = _whole(instruction, 1)
    images, channels, height = _whole(instruction, 5)
    width, filters, rows = _whole(instruction, 8)
    columns, tall, wide = _whole(instruction, 11)
    down = int64(instruction[14])
    top, left, apart_y = _whole(instruction, 16)
    apart_x, depth, group = _whole(instruction, 19)
    plane, cells, taps = height * width, rows * columns, tall * wide
    window = (height, width, columns, cells, down)
    for channel in range(depth):
        chosen = (int64(start) - channel + depth - 1) // depth
        end = (int64(stop) - channel + depth - 1) // depth
        while chosen < end:
            family = chosen // group
            last = (family + 1) * group if (family + 1) * group < end else end
            alone = last - chosen < ROWS
            while chosen < last:
                # What is left over is done together with some that are done: the same bits, in fewer tiles.
                chosen = chosen if alone or chosen + ROWS <= last else last - ROWS
                for i in range(tall):
                    j = int64(0)
                    while j < wide:
                        j = j if j + TAPS <= wide else wide - TAPS  # some once more: the same bits
                        where = (
                            w + (chosen * depth + channel) * taps + i * wide + j,
                            y + chosen * cells,
                            x + (family * depth + channel) * plane,
                            0 if alone else depth * taps, 0 if alone else cells,
                            filters * cells, channels * plane, images,
                        )  # fmt: skip
                        _tap_some(arena, where, window, (i * apart_y - top, j * apart_x - left, apart_x))
                        j += TAPS
                chosen += 1 if alone else ROWS
