"""What a program is made of: values with a symbolic batch in their shapes, and the calls of primitives that define them.

Values carry operators, so that lowerings and derivative rules read like formulas: they emit calls by the builder of the
program. Primitives are found by name: their files register themselves here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from engine.problems import shape_mismatch

if TYPE_CHECKING:
    from engine.program import Program

Kind = Literal["real", "whole"]
Part = Literal["batch", "forward", "backward", "update"]
Role = Literal["data", "parameter", "setting", "constant", "state"]


class Batch:
    """A dimension of `factor · B` entries, B being the number of rows a section is planned for."""

    __slots__ = ("factor",)
    factor: int
    _known: ClassVar[dict[int, Batch]] = {}

    def __new__(cls, factor: int = 1) -> Batch:
        # One object per factor: shapes are compared and hashed without calling back into Python.
        found = cls._known.get(factor)
        if found is None:
            found = cls._known[factor] = super().__new__(cls)
            found.factor = factor
        return found

    def __repr__(self) -> str:
        return "batch" if self.factor == 1 else f"{self.factor}·batch"


Dim = int | Batch
Shape = tuple[Dim, ...]
B = Batch()


def shape_text(shape: Shape) -> str:
    """A shape as a person reads it: `(batch, 4)`, `()` for one number."""
    return "(" + ", ".join(map(str, shape)) + ")"


def count(shape: Iterable[Dim]) -> Dim:
    """The number of entries, symbolic where the batch takes part."""
    whole, batches = 1, 0
    for dim in shape:
        if isinstance(dim, Batch):
            whole, batches = whole * dim.factor, batches + 1
        else:
            whole *= dim
    if batches > 1:
        raise shape_mismatch("an array with two batch axes has no size")
    return Batch(whole) if batches else whole


def owner_of(value: Value) -> str:
    """The node that a source belongs to; empty for what is computed."""
    return value.source.owner if value.source is not None else ""


def root_of(value: Value) -> Value:
    """The value in whose memory it lies: views have none of their own."""
    while value.call is not None and value.call.primitive.is_view:
        value = value.call.operands[0]
    return value


def resolve(shape: Shape, batch: int) -> tuple[int, ...]:
    """The shape in numbers, for a batch of that many rows."""
    return tuple([dim.factor * batch if isinstance(dim, Batch) else dim for dim in shape])


def broadcast_shapes(first: Shape, second: Shape) -> Shape:
    """The common shape of two operands under NumPy's rule; the batch only ever meets itself or 1.

    Raises `ShapeMismatch` with both shapes.
    """
    if first == second:
        return first
    longest = max(len(first), len(second))
    pairs = zip((1,) * (longest - len(first)) + first, (1,) * (longest - len(second)) + second, strict=True)
    joint: list[Dim] = []
    for one, other in pairs:
        if one != other and one != 1 and other != 1:
            raise shape_mismatch(f"shapes {shape_text(first)} and {shape_text(second)} do not fit together")
        joint.append(other if one == 1 else one)
    return tuple(joint)


class Origin(NamedTuple):
    """Who asked for a call: the node on the canvas, the part of an iteration, the phase of training, the step of time.

    time  -1 for what does not change over time
    """

    node: str = ""
    part: Part = "forward"
    phase: int = 0
    time: int = -1


class PrimitiveLike(Protocol):
    """What a program needs to know of a primitive; `engine.primitives.base.Primitive` is one."""

    name: str
    kind: Kind
    writes: tuple[int, ...]
    is_view: bool
    is_elementwise: bool

    @property
    def shape(self) -> Callable[..., Shape]: ...

    @property
    def derivative(self) -> Callable[..., Sequence[Value | None]] | None: ...


PRIMITIVES: dict[str, PrimitiveLike] = {}


class Value:
    """One array of a program: the result of a call, or a source that somebody fills.

    learns  whether something that is learned has a part in it: then a derivative may be wanted
    """

    __slots__ = ("build", "call", "index", "kind", "learns", "shape", "source")

    def __init__(
        self, program: Program, shape: Shape, kind: Kind, call: Call | None = None, source: Source | None = None
    ) -> None:
        self.build, self.shape, self.kind, self.call, self.source = program.build, shape, kind, call, source
        self.learns = source is not None and source.trainable
        if call is not None and not call.primitive.writes:
            for operand in call.operands:
                if operand.learns:
                    self.learns = True
                    break
        values = program.values
        self.index = len(values)
        values.append(self)

    def __repr__(self) -> str:
        name = self.source.address if self.source and self.source.address else f"%{self.index}"
        return f"{name}: {shape_text(self.shape)}"

    @property
    def program(self) -> Program:
        """The program that it is a part of: of several that share their values, the one that is built or was built last."""
        return self.build.program

    @property
    def rank(self) -> int:
        """The number of axes, the batch included."""
        return len(self.shape)

    def _emit(self, name: str, *operands: Value | float, **attributes: Any) -> Value:
        return self.build.emit(name, *operands, **attributes)

    def __add__(self, other: Value | float) -> Value:
        return self._emit("add", self, other)

    def __radd__(self, other: float) -> Value:
        return self._emit("add", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return self._emit("subtract", self, other)

    def __rsub__(self, other: float) -> Value:
        return self._emit("subtract", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self._emit("multiply", self, other)

    def __rmul__(self, other: float) -> Value:
        return self._emit("multiply", other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return self._emit("divide", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self._emit("divide", other, self)

    def __pow__(self, other: Value | float) -> Value:
        return self._emit("power", self, other)

    def __neg__(self) -> Value:
        return self._emit("negate", self)

    def __matmul__(self, other: Value) -> Value:
        return self._emit("matmul", self, other)


class Call:
    """One primitive applied to operands. `result` is the value it defines (an update writes its operands instead).

    rule  names another derivative rule than the primitive's own (`engine.differentiate.RULES`); empty: its own
    """

    __slots__ = ("attributes", "operands", "origin", "primitive", "result", "rule")

    def __init__(
        self, primitive: PrimitiveLike, operands: tuple[Value, ...], attributes: dict[str, Any], origin: Origin
    ) -> None:
        self.primitive, self.operands, self.attributes, self.origin = primitive, operands, attributes, origin
        self.result: Value = None  # type: ignore[assignment]  # set by the builder, which knows the shape
        self.rule = ""

    def __repr__(self) -> str:
        inside = ", ".join([*map(repr, self.operands), *(f"{k}={v}" for k, v in self.attributes.items())])
        return f"{self.result!r} = {self.primitive.name}({inside})"


class Source(NamedTuple):
    """A value that no call defines. `address` is its name on the canvas, `initial` says how it is filled.

    trainable  whether derivatives are wanted for it
    owner      the node that it belongs to, or what else its address begins with
    """

    role: Role
    address: str
    initial: Any
    trainable: bool
    owner: str
