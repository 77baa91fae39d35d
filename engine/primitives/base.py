"""What a primitive is: everything about one operation in one place."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, cast

from engine.problems import shape_mismatch
from engine.values import PRIMITIVES, Dim, Kind, PrimitiveLike, Shape, Value, broadcast_shapes

# What a kernel body is handed; at compile time these become pointers to float32 or float64, and to int32.
Arena = Any
Integers = Any
Code = Any

F = TypeVar("F", bound=Callable[..., Any])


class Kernel(NamedTuple):
    """A recorded body; machines compile it. `name` is unique, the machine's store is keyed by it."""

    name: str
    function: Callable[..., None] | str  # or `module:name`, for a body whose module is imported only to compile it


def kernel(function: Callable[..., None]) -> Kernel:
    """Record a kernel body `(arena, integers, instruction, start, stop)` that computes outputs [start, stop)."""
    return Kernel(function.__name__, function)


class Scalar(NamedTuple):
    """A function of numbers that bodies may call: one version for float32 (fast), one for float64 (exact)."""

    float32: Callable[..., Any]
    float64: Callable[..., Any]

    def __call__(self, *operands: Any) -> Any:
        return self.float64(*operands)


def scalar(float32: Callable[..., Any] | None = None) -> Callable[[Callable[..., Any]], Scalar]:
    """Record a function for bodies; `float32` is its fast version, the decorated one serves where there is none."""
    return lambda function: Scalar(float32 or function, function)


class Intrinsic(NamedTuple):
    """One instruction of the processor that Python has no word for; machines compile it, `meaning` says what it does."""

    name: str
    meaning: Callable[..., Any]

    def __call__(self, *operands: Any) -> Any:
        return self.meaning(*operands)


def intrinsic(function: Callable[..., Any]) -> Intrinsic:
    """Record an instruction that bodies may use; every machine has one of that name in its `intrinsics`."""
    return Intrinsic(function.__name__, function)


@intrinsic
def bits_of(number: float) -> int:
    """The 32 bits of a float32, as a signed whole number."""
    return int(struct.unpack("<i", struct.pack("<f", number))[0])


@intrinsic
def float_of_bits(bits: int) -> float:
    """The float32 made of these 32 bits."""
    return float(struct.unpack("<f", struct.pack("<I", bits & 0xFFFFFFFF))[0])


@intrinsic
def high_product(first: int, second: int) -> int:
    """The upper 32 bits of the 64-bit product of two unsigned 32-bit words."""
    return first * second >> 32


@intrinsic
def low_product(first: int, second: int) -> int:
    """The lower 32 bits of the product of two unsigned 32-bit words."""
    return first * second & 0xFFFFFFFF


def real(number: float) -> float:
    """A literal in the arena's precision: in a body write `real(1) - y`, or the whole loop turns to float64."""
    return float(number)


def whole32(number: float) -> int:
    """A number cut to 32 bits without its fraction: a plain `int` is 64 bits wide and halves the lanes of a loop."""
    return int(number)


class Region:
    """Where a value lies: an offset into the arena (or the integers), its shape in numbers, its number of entries.

    room  entries from the offset on that nothing else lies in: at least its own, often up to the end of a cache line
    """

    __slots__ = ("offset", "room", "shape", "size")

    def __init__(self, offset: int, shape: tuple[int, ...], size: int | None = None) -> None:
        self.offset, self.shape = offset, shape
        self.size = self.room = math.prod(shape) if size is None else size

    def __repr__(self) -> str:
        return f"Region({self.offset}, {self.shape})"


class Interval(NamedTuple):
    """Where tests draw an operand: within [low, high], away from the `kinks` and poles listed.

    ties  the operation bends where two of its numbers are equal: tests keep them apart
    """

    low: float = -3.0
    high: float = 3.0
    kinks: tuple[float, ...] = ()
    ties: bool = False


ANYWHERE = Interval()

# Names of a body's globals and the whole numbers they are compiled with: one kernel per variant.
Variant = tuple[tuple[str, int], ...]


def no_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The body is compiled as it stands."""
    return ()


def steps(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """STEP_A, STEP_B …: 0 for an operand that is one number, 1 for one that keeps pace with the result."""
    if all(region.size == result.size for region in operands):
        return ()
    return tuple(
        [(f"STEP_{letter}", int(region.size == result.size)) for letter, region in zip("ABC", operands, strict=False)]
    )


Encode = Callable[[Sequence[Region], Region, dict[str, Any]], tuple[int, ...]]


def encode_plain(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """Offsets of the operands, then of the result: enough for a body that treats every number alone."""
    return (*[region.offset for region in operands], result.offset)


def encode_update(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """Offsets of the operands: an update writes some of them, it has no result of its own."""
    return tuple([region.offset for region in operands])


def length_of_result(operands: Sequence[Region], result: Region) -> int:
    """The usual work: one output per entry of the result."""
    return result.size


def rows_of_result(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in rows of the result's last axis."""
    return result.size // max(1, result.shape[-1]) if result.shape else 1


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation. Written in one place: shape rule, derivative rule, body, formula, domain, source.

    shape       (*operands, **attributes) -> shape; raises ShapeMismatch
    derivative  (*operands, result, incoming) -> one outgoing derivative per operand (None: none), of any shape that
                broadcasts; absent where an operation has no derivative (a metric, an update)
    body        what machines play; absent for views, whose result lies where the operand lies
    encode      the instruction's fields behind the kernel number
    length      how many outputs the body counts through
    writes      positions of operands that an update overwrites
    walks       of an update: how many leading operands lie side by side for neighbouring parameters; calls that
                agree in the rest and continue each other are played as one instruction
    domain      where tests draw each operand
    convention  what holds at kinks, ties and poles
    """

    name: str
    formula: str
    shape: Callable[..., Shape]
    body: Kernel | None = None
    derivative: Callable[..., Sequence[Value | None]] | None = None
    encode: Encode = encode_plain
    length: Callable[[Sequence[Region], Region], int] = length_of_result
    kind: Kind = "real"
    writes: tuple[int, ...] = ()
    walks: int = 0
    domain: tuple[Interval, ...] | Interval = ANYWHERE
    source: str = ""
    convention: str = ""
    is_view: bool = False
    is_fused: bool = False  # stands for several calls, which `source` names; only the fusing pass puts it in
    is_elementwise: bool = False  # operands are broadcast against each other before the call
    variant: Callable[[Sequence[Region], Region, dict[str, Any]], Variant] = no_variant

    @cached_property
    def is_each_alone(self) -> bool:
        """Whether the body treats every entry of the result alone, so that more of them than asked for do no harm."""
        return self.length is length_of_result and (self.is_elementwise or self.shape in (same, joint))

    def __str__(self) -> str:
        return self.name


def register(primitive: Primitive) -> Primitive:
    """Make a primitive known by its name; a name that is taken is a mistake of the programmer."""
    if primitive.name in PRIMITIVES:
        raise ValueError(f"two primitives are called {primitive.name!r}")
    PRIMITIVES[primitive.name] = cast(PrimitiveLike, primitive)
    return primitive


def same(x: Value, *others: Value, **attributes: Any) -> Shape:
    """Shape rule: the result has the shape of the (first) operand."""
    need_real(x)
    return x.shape


def joint(*operands: Value, **attributes: Any) -> Shape:
    """Shape rule of elementwise operations: the operands' common shape."""
    shape: Shape = operands[0].shape
    for operand in operands:
        if operand.kind != "real":
            need_real(operand)
        if operand.shape != shape:
            shape = broadcast_shapes(shape, operand.shape)
    return shape


def need_real(*operands: Value) -> None:
    """Raises `ShapeMismatch` where class or row numbers stand for real ones: they live in another memory."""
    for operand in operands:
        if operand.kind != "real":
            fact = "these are class numbers, and no arithmetic is done on them"
            raise shape_mismatch(fact, "Use a loss or metric that takes classes.")


def no_derivative(*values: Value) -> list[None]:
    """The rule of what is flat wherever it has a derivative: nothing flows back to any operand."""
    return [None for _ in values[:-2]]


def entries(shape: Sequence[Dim]) -> int:
    """The number of entries of a shape without a batch."""
    total = 1
    for dim in shape:
        if not isinstance(dim, int):
            raise ValueError("the number of entries depends on the batch")
        total *= dim
    return total
