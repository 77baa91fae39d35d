"""Which body the CPU plays for an instruction: the primitive's own, or a better one for this precision and size."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod

from engine.machines.processor import vector_length
from engine.machines.splits import adds_halves
from engine.placement import LINE
from engine.primitives.arithmetic import total_shape
from engine.primitives.base import Kernel, Primitive, Variant
from engine.tape import Instruction
from engine.values import PrimitiveLike

# Bodies that are imported only when they are compiled, because their module imports Numba.
NARROW = Kernel("product_narrow", "engine.machines.products:narrow")
WIDE = Kernel("product_wide", "engine.machines.products:wide")
BATCH = Kernel("product_batch", "engine.machines.products:batch")
PAIRS = Kernel("product_pairs", "engine.machines.products:pairs")
PERMUTE_RUNS = Kernel("permute_runs", "engine.machines.flips:permute_runs")
PERMUTE_BLOCKS = Kernel("permute_blocks", "engine.machines.flips:permute_blocks")
SOFTMAX = Kernel("softmax_rows", "engine.machines.rows:softmax")
NARROW_COLUMN = Kernel("product_narrow_column", "engine.machines.dots:narrow_column")
FEW_COLUMNS = Kernel("product_few_columns", "engine.machines.few_columns:gradient")
COLUMN = Kernel("product_column", "engine.machines.products:column")
COLUMN_GRADIENT = Kernel("product_column_gradient", "engine.machines.products:column_gradient")
MEAN_SQUARE = Kernel("mean_square_vectors", "engine.machines.losses:mean_square")
CLASS_LOSS = Kernel("class_loss_rows", "engine.machines.rows:class_cross_entropy_softmax")
TRANSPOSE = Kernel("transpose_blocks", "engine.machines.flips:transpose")
CONVOLUTION = Kernel("windows_forward", "engine.machines.windows:convolution")
TRANSPOSED_CONVOLUTION = Kernel("windows_back", "engine.machines.windows:transposed_convolution")
FILTER_CORRELATION = Kernel("windows_taps", "engine.machines.windows:filter_correlation")
STANDARDISE = Kernel("standardise_rows", "engine.machines.row_sums:standardise")
STANDARDISE_GRADIENT = Kernel("standardise_gradient_rows", "engine.machines.row_sums:standardise_gradient")
SOFTMAX_GRADIENT = Kernel("softmax_gradient_rows", "engine.machines.row_sums:softmax_gradient")
LSTM_STEP = Kernel("lstm_step_units", "engine.machines.cells:lstm_step")
LSTM_STEP_GRADIENT = Kernel("lstm_step_gradient_units", "engine.machines.cells:lstm_step_gradient")
SCALE_ROWS = Kernel("scale_rows_vectors", "engine.machines.row_sums:scale_rows")
SCALE_SHIFT_ROWS = Kernel("scale_shift_rows_vectors", "engine.machines.row_sums:scale_shift_rows")
ROW_SLOPES = Kernel("row_slopes_columns", "engine.machines.row_sums:row_slopes")
CELL_SUMS = Kernel("cell_sums_tiles", "engine.machines.cell_sums:cell_sums")
BROADCAST = Kernel("broadcast_rows", "engine.machines.flips:broadcast")
BLOCK_WINNERS = Kernel("window_best_blocks", "engine.machines.pools:winners_of_blocks")
LINE_WINNERS = Kernel("window_best_lines", "engine.machines.pools:winners_of_lines")
BACK_TO_WINNERS = Kernel("window_put_lines", "engine.machines.pools:back_to_winners")
MOST_VECTORS = 4  # that a row is kept in
DOT_LANES = (2, 4, 8)
FEW_ROWS = (3, 5, 6, 7)  # that would be done by tiles of 4 and of 2 else, one after the other
FEW = 8  # columns: so few are not halved between two threads
WAYS_OF_ROWS = {1: 4, 2: 4, 3: 2, 4: 2}  # sums side by side for each: one alone would wait for its own last addition
SHORT_TILE, TALLEST = 8, 16  # rows of a tile: those of the tallest fill half of the registers
LONGEST_VECTOR = 16  # of a processor that has registers enough
SIDE = 4  # of the least matrix that is turned in blocks
LONGEST_LINE = 1024  # of cells that vectors are laid along
FARTHEST = 4  # columns from a cell to the next: farther apart most of what is read is thrown away
SHORT = 8  # cells in a row: of fewer each is put back by itself
MOST_TAPS = 5  # of a filter's row whose derivatives are summed at once: with four filters they fill the registers
Choice = Callable[[Instruction], tuple[Kernel, Variant] | None]


def _product(bias: int = 0, sums: int = 0, onto: int = 0, gate: int = 0) -> Choice:
    matrix: Variant = (("ONTO", 1),) if onto else ()
    matrix = (*matrix, ("GATE", gate)) if gate else matrix

    def choose(instruction: Instruction) -> tuple[Kernel, Variant] | None:
        rows, columns, depth, a_row, a_depth, b_depth, b_column = instruction.fields[3:10]
        more = (*matrix, *[entry for entry in instruction.variant if entry[0] == "BEND"])
        if b_column != 1:
            return None  # the tile reads the rows of B
        if columns == 1 and sums and a_row == 1:
            span = next((lanes for lanes in DOT_LANES if rows <= lanes), vector_length())
            return COLUMN_GRADIENT, (("SPAN", min(span, vector_length())),)
        if columns == 1 and not sums and not onto:
            if a_depth == 1 and b_depth == 1 and 1 < depth <= DOT_LANES[-1]:
                lanes = next(lanes for lanes in DOT_LANES if depth <= lanes)
                return NARROW_COLUMN, (("BIAS", bias), ("LANES", lanes), ("WHOLE", int(depth == lanes)), *more)
            return COLUMN, (("BIAS", bias), *more)
        if not (sums or more) and adds_halves(columns, depth) and "is_straight" not in instruction.call.attributes:
            more = (("HALVES", 1),)
        if columns > vector_length():
            # Masks take turns with products: without them they are a twentieth faster.
            whole = int(columns % (2 * vector_length()) == 0)
            more = (*more, *_past_the_caches(instruction)) if whole else more
            return WIDE, (("BIAS", bias), ("SUMS", sums), ("WHOLE", whole), *more)
        if (
            a_row == 1 < a_depth
            and not (bias or more)
            and FEW < columns < vector_length()
            and rows % vector_length() == 0
        ):
            return FEW_COLUMNS, (("SUMS", sums), ("COLUMNS", columns))
        lanes = next(lanes for lanes in (2, 4, 8, 16) if columns <= lanes)
        more = (*more, *_tiles(rows, lanes, sums, ("HALVES", 1) in more))
        return NARROW, (("BIAS", bias), ("SUMS", sums), ("LANES", lanes), ("WHOLE", int(columns == lanes)), *more)

    return choose


def _past_the_caches(instruction: Instruction) -> Variant:
    """Of a product in whole vectors: whether it is written past the caches, which takes vectors that are cache lines."""
    fills_lines = vector_length() == LINE and instruction.fields[2] % LINE == 0
    return (("PAST", 1),) if "is_sent" in instruction.call.attributes and fills_lines else ()


def _descent(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    """A product with steps downhill behind it; it has more columns than a vector."""
    *_, sums, _ = instruction.fields
    found = _product(sums=int(sums >= 0))(instruction)
    return (found[0], (*found[1], ("DESCENT", 1))) if found is not None else None


def _tiles(rows: int, lanes: int, sums: int, are_halved: bool) -> Variant:
    """Of a narrow product: what its tiles are made for."""
    if sums:
        exact = (("ROWS", rows),) if rows in FEW_ROWS else ()
        return (*exact, ("WAYS", WAYS_OF_ROWS[rows])) if lanes <= FEW and rows in WAYS_OF_ROWS else exact
    if lanes > FEW or rows <= SHORT_TILE or are_halved or vector_length() < LONGEST_VECTOR:
        return ()
    return (("TALL", ceil(rows / ceil(rows / TALLEST))),)


def _batch_product(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    variant = dict(instruction.variant)
    if "TRANSPOSE_B" in variant:
        return None  # the tile reads the rows of B
    columns, longest = instruction.fields[4], vector_length()
    lanes = next((lanes for lanes in (2, 4, 8) if columns <= lanes), longest)
    whole = int(columns % lanes == 0)
    return BATCH, (("TRANSPOSE_A", variant.get("TRANSPOSE_A", 0)), ("LANES", min(lanes, longest)), ("WHOLE", whole))


def _pace(length: int) -> Variant:
    """In vectors of how many lanes a run is moved, and whether it fills whole ones."""
    lanes = next((lanes for lanes in (16, 8, 4) if length % lanes == 0 and lanes <= vector_length()), 0)
    return (("LANES", lanes or vector_length()), ("WHOLE", int(lanes > 0)))


def _permute(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    rank = instruction.fields[2]
    lengths, steps = instruction.fields[3::2], instruction.fields[4::2]
    if rank > 1 and steps[-1] == 1:
        return PERMUTE_RUNS, _pace(lengths[-1])
    if rank > 1 and steps[-2] == 1 and min(lengths[-2:]) >= SIDE:
        return PERMUTE_BLOCKS, ()
    return None


def _softmax(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    return (SOFTMAX, ()) if 1 < instruction.fields[2] <= vector_length() else None


def _in_registers(kernel: Kernel) -> Choice:
    def choose(instruction: Instruction) -> tuple[Kernel, Variant] | None:
        width, longest = instruction.fields[-1], vector_length()
        most = next((some for some in (1, 2, MOST_VECTORS) if width <= some * longest), 0)
        return (kernel, (("VECTORS", most), ("WHOLE", int(width == most * longest)))) if most else None

    return choose


def _units(kernel: Kernel, place: int) -> Choice:
    def choose(instruction: Instruction) -> tuple[Kernel, Variant] | None:
        units = instruction.fields[place]
        lanes = min(next((lanes for lanes in (4, 8) if units <= lanes), 16), vector_length())
        return kernel, (*instruction.variant, ("LANES", lanes), ("WHOLE", int(units % lanes == 0)))

    return choose


def _cell_sums(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    columns, longest = instruction.fields[4], vector_length()
    lanes = min(next((lanes for lanes in (4, 8) if columns <= lanes), 16), longest)
    vectors = 2 if columns > longest else 1
    shape = (("LANES", lanes), ("VECTORS", vectors), ("WHOLE", int(columns % (lanes * vectors) == 0)))
    return CELL_SUMS, (*instruction.variant, *shape)


def _broadcast(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    """A row for every row of the result, or a number for every row, or one for all."""
    rank, fields = instruction.fields[3], instruction.fields[4:]
    lengths, steps = fields[: 2 * rank : 2], fields[1 : 2 * rank : 2]
    if rank < 2 or lengths[-1] == 1 or instruction.variant:
        return None
    before = prod(lengths[:-1])
    one_row = not any(steps[:-1]) and steps[-1] == 1
    one_each = steps[-1] == 0 and instruction.fields[2] == lengths[-1] and before > 1
    kind = 0 if one_row else 1 if one_each else 2 if not any(steps) else None
    # In any pieces the work begins anywhere, so that no row is sure to be whole.
    return (BROADCAST, (("EACH", kind), ("LANES", vector_length()), ("WHOLE", 0))) if kind is not None else None


def _best(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    height, width, rows, columns, tall, wide, down, across, top, left = instruction.fields[3:13]
    longest = vector_length()
    if not tall == wide == down == across or tall not in (2, 3) or top or left or (rows - 1) * tall + tall > height:
        return None
    cells = rows * columns
    whole = height == tall * rows and width == tall * columns
    if whole and longest % columns == 0 and (cells % longest == 0 or longest % cells == 0):
        variant = (("EDGE", tall), ("COLUMNS", columns), ("CELLS", min(cells, longest)), ("LANES", longest))
        return BLOCK_WINNERS, variant
    lanes = min(longest, next((lanes for lanes in (4, 8) if columns <= lanes), 16))
    return LINE_WINNERS, (("EDGE", tall), ("COLUMNS", 0), ("LANES", lanes))


def _put(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    """What came to the winners of windows that cover their maps, each cell once."""
    y, places = instruction.call.operands
    choice, size = places.call, instruction.call.attributes["size"]
    if choice is None or choice.primitive.name != "window_choice":
        return None
    tall, wide = choice.attributes["window"]
    if tall != wide or tall not in (2, 3) or choice.attributes["stride"] != (tall, wide):
        return None
    rows, columns = y.shape[2:]
    if any(choice.attributes["padding"]) or (rows, columns) != (size[0] / tall, size[1] / wide):
        return None
    if size[1] // wide < SHORT:
        return None
    lanes = 8 if size[1] // wide == SHORT else 16
    return BACK_TO_WINNERS, (("EDGE", tall), ("COLUMNS", 0), ("LANES", min(lanes, vector_length())))


def _class_loss(instruction: Instruction) -> tuple[Kernel, Variant] | None:
    classes = instruction.fields[4]
    return (CLASS_LOSS, ()) if 1 < classes <= vector_length() else None


def _windows(kernel: Kernel) -> Choice:
    def choose(instruction: Instruction) -> tuple[Kernel, Variant] | None:
        maps, cells, stride = instruction.fields[6:8], instruction.fields[9:11], instruction.fields[13:15]
        if stride[1] > FARTHEST:
            return None
        rows, columns = maps if kernel is TRANSPOSED_CONVOLUTION else cells
        flat = int(stride == (1, 1) and maps[1] == cells[1] and rows * columns <= LONGEST_LINE)
        back = kernel is TRANSPOSED_CONVOLUTION
        line = rows * columns if flat else -(-columns // stride[1]) if back else columns
        if line > LONGEST_LINE:
            return None
        lanes = next((lanes for lanes in (4, 8) if line <= lanes), vector_length())
        places = (("FLAT", flat), ("LANES", min(lanes, vector_length())), ("STRIDE", 1 if back else stride[1]))
        wide, group = instruction.fields[12], instruction.fields[19 if kernel is TRANSPOSED_CONVOLUTION else 20]
        most = 8 if group >= 8 else 4 if group >= 4 else 1
        if kernel is FILTER_CORRELATION:
            taps = -(-wide // -(-wide // MOST_TAPS))
            return kernel, (*places, ("ROWS", most if taps <= 3 else min(most, 4)), ("TAPS", taps))
        bias = [entry for entry in instruction.variant if entry[0] == "BIAS"]
        return kernel, (*bias, *places, ("SPREAD", stride[1] if back else 1), ("ROWS", most))

    return choose


_BETTER: dict[str, dict[str, Choice]] = {
    "float32": {
        "matmul_body": _product(),
        "linear_body": _product(bias=1),
        "linear_gradient_body": _product(sums=1),
        "matmul_onto_body": _product(bias=1, onto=1),
        "matmul_gated": _product(bias=1, onto=1, gate=1),
        "matmul_onto_gated": _product(bias=1, onto=1, gate=2),
        "matmul_descent": _descent,
        "matmul_sloped": _product(bias=1, onto=1, gate=3),
        "cell_sums_body": _cell_sums,
        "lstm_step_body": _units(LSTM_STEP, 9),
        "lstm_step_gradient_body": _units(LSTM_STEP_GRADIENT, 8),
        "class_cross_entropy_softmax_body": _class_loss,
        "mean_square_body": lambda instruction: (MEAN_SQUARE, ()),
        "convolution_body": _windows(CONVOLUTION),
        "transposed_convolution_body": _windows(TRANSPOSED_CONVOLUTION),
        "filter_correlation_body": _windows(FILTER_CORRELATION),
        "transpose_body": lambda instruction: (TRANSPOSE, ()),
        "batch_matmul_body": _batch_product,
        "products_total_body": lambda instruction: (PAIRS, instruction.variant),
        "permute_body": _permute,
        "softmax_body": _softmax,
        "softmax_gradient_body": _in_registers(SOFTMAX_GRADIENT),
        "standardise_body": _in_registers(STANDARDISE),
        "standardise_gradient_body": _in_registers(STANDARDISE_GRADIENT),
        "scale_rows_body": _in_registers(SCALE_ROWS),
        "scale_shift_rows_body": _in_registers(SCALE_SHIFT_ROWS),
        "row_slopes_body": lambda instruction: (ROW_SLOPES, ()),
        "broadcast_body": _broadcast,
        "window_best_body": _best,
        "window_put_body": _put,
    },
    "float64": {},
}


def is_chosen(kernel: Kernel, dtype: str) -> bool:
    """Whether it takes more than primitive, variant and being a single number to choose the body of a kernel."""
    return kernel.name in _BETTER[dtype]


def body_of(instruction: Instruction, dtype: str) -> tuple[Kernel, Variant]:
    """The kernel to play and the variant to compile it in."""
    better = _BETTER[dtype].get(instruction.kernel.name)
    chosen = better(instruction) if better else None
    if chosen is not None:
        return chosen
    if instruction.length == 1 and _is_each_alone(instruction.call.primitive):
        # Graphs of single numbers: without the loop, and what decides whether it may run in vectors, 4 ns instead of 13.
        return instruction.kernel, (*(step for step in instruction.variant if step[0] not in _STEPS), ("ONE", 1))
    return instruction.kernel, instruction.variant


_STEPS = frozenset({"STEP_A", "STEP_B", "STEP_C"})  # of one number there is no next


def _is_each_alone(primitive: PrimitiveLike) -> bool:
    return isinstance(primitive, Primitive) and (primitive.is_each_alone or primitive.shape is total_shape)
