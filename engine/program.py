"""What is computed: calls of primitives in single assignment form, and the builder that emits them.

Every call inherits the builder's origin: the node, the part of an iteration, the phase.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.values import PRIMITIVES, Call, Kind, Origin, Role, Shape, Source, Value, count


class Program:
    """Calls in the order they are played, the values they define, and what they are called on the canvas.

    `values` holds every value ever made, by its index; some may belong to no call any more. A program that goes on from
    another one (`before`) shares its values and its builder.
    """

    def __init__(self, before: Program | None = None) -> None:
        self.values: list[Value] = before.values if before is not None else []
        self.calls: list[Call] = []
        self.sources: dict[str, Value] = {}  # by address
        self.outputs: dict[str, Value] = {}  # by node.port
        self.aliases: dict[str, str] = {}  # ports of composites -> the output whose value passes them
        self._named: dict[str, Value] = {}
        self.gradients: list[dict[int, Value]] = []  # per phase: index of a value -> its gradient
        self.losses: list[Value] = []  # per phase: what is minimised
        self.objectives: list[Value] = []  # per phase: what it is called on the canvas; a loss, or what is maximised
        self.turns: list[int] = []  # the phase whose turn an iteration is, in their order; empty: all of them at once
        self.steps: list[Origin] = []  # what → plays, one after the other; calls of one origin lie together
        self.build: Builder = before.build if before is not None else Builder(self)

    @property
    def named(self) -> dict[str, Value]:
        """What lowering wants to find again; who asks hangs on what other nodes have left here."""
        self.build.is_local = False
        return self._named

    def meant(self, name: str) -> str:
        """The output that a port of a composite (or a composite by its first port) stands for; any other name as it is."""
        if not self.aliases or name in self.outputs:
            return name
        base, at, step = name.partition("@")
        first = next((alias for alias in self.aliases if alias.partition(".")[0] == base), base)
        return f"{self.aliases.get(base) or self.aliases.get(first) or base}{at}{step}"

    def rename(self, moved: Mapping[int, Value]) -> None:
        """Let other values stand for some that were just made, by the index of these."""
        for name, value in self._named.items():
            if value.index in moved:
                self._named[name] = moved[value.index]

    def describe(self) -> str:
        """The whole program, readable: sources, then calls by part and node."""
        lines = [f"{value!r}  [{value.source.role}]" for value in self.sources.values() if value.source]
        before = Origin("", "batch", -1)
        for call in self.calls:
            if call.origin != before:
                lines.append(f"-- {call.origin.part} {call.origin.node}".rstrip())
                before = call.origin
            lines.append(f"   {call!r}")
        return "\n".join(lines)

    def verify(self) -> None:
        """Check that operands are defined before use, shapes agree with their rules, and every call has an origin.

        Raises AssertionError naming the call: a broken pass is a mistake of ours, not of the user.
        """
        defined = {value.index for value in self.sources.values()}
        for call in self.calls:
            for operand in call.operands:
                assert operand.index in defined, f"used before it is defined: {operand!r} in {call!r}"
            assert call.primitive.shape(*call.operands, **call.attributes) == call.result.shape, (
                f"wrong shape: {call!r}"
            )
            assert call.origin.part, f"no origin: {call!r}"
            defined.add(call.result.index)


MONITORS = frozenset({"non_finite_flag", "history_ring"})  # they watch: what they name as written they leave as it is

# The number that an activation is bent by: its name as a setting of the node, and where it starts.
ACTIVATION_SETTINGS = {"leaky_relu": ("slope", 0.01), "elu": ("alpha", 1.0)}


class Builder:
    """Emits calls into a program under the current origin. Node types and derivative rules are handed one."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.origin = Origin()
        self.rule = ""  # while set: calls are differentiated by the rule of that name instead of their own
        self.training = True  # dropout and running statistics ask
        self.seed = 0  # of the document: what nodes draw at random hangs on it
        self.step, self.steps = -1, 0  # of time, and how many there are; -1 outside of time
        self.reuse: dict[Any, Value] | None = None  # while set: an equal call gives the value that is there already
        self.rules: list[
            tuple[str, Callable[[], None]]
        ] = []  # learning rules without a loss: node, what emits its update
        self.late: dict[str, Value] = {}  # while a rule emits: what came in at its node's late ports
        self.worlds: dict[str, Any] = {}  # by node: where agents act, for the nodes that take their actions there
        self.classes: int | None = None  # of the data, where its targets are class numbers
        self.examples: Callable[[], Any] | None = None  # inputs of the training rows, for parameters that start at some
        self.answers: Callable[[], Any] | None = None  # targets of the same rows
        self.feeder: Callable[[str, tuple[int, ...] | None], Value] | None = None
        self.row_asker: Callable[[int], None] | None = None
        self.asked: dict[str, Value] = {}  # sources, see `take_asked`
        self.is_local = True  # False: what was emitted hangs on more than the operands and the node's own properties
        self.fed: dict[str, tuple[Value, bool]] = {}  # what the node shares with others, and whether it was made for it
        self.known: dict[str, Value] = {}  # sources of this and former programs, by address
        self.ways_back: list[Callable[[], None]] = []  # from what was changed of values that several programs share
        self._constants: dict[float, Value] = {}

    def take_asked(self) -> dict[str, Value]:
        """The sources that were asked for since the last time."""
        asked, self.asked = self.asked, {}
        return asked

    def emit(self, name: str, *operands: Value | float, **attributes: Any) -> Value:
        """Call a primitive. Numbers become constants; operands of elementwise primitives are broadcast by the primitive.

        Raises `ShapeMismatch` from the shape rule.
        """
        primitive = PRIMITIVES[name]
        values = tuple([x if isinstance(x, Value) else self.constant(x) for x in operands])
        shape: Shape | None = None
        if primitive.is_elementwise and len(values) > 1:
            shape = primitive.shape(*values, **attributes)
            for value in values:
                if value.shape != shape and value.shape:
                    values = self._broadcast(values, shape)
                    break
        if self.reuse is not None:
            key = (name, *[value.index for value in values], *attributes.items())
            known = self.reuse.get(key)
            if known is not None:
                return known
        if shape is None:
            shape = primitive.shape(*values, **attributes)
        call = Call(primitive, values, attributes, self.origin)
        call.rule = self.rule
        call.result = Value(self.program, shape, primitive.kind, call)
        self.program.calls.append(call)
        if self.reuse is not None:
            self.reuse[key] = call.result
        return call.result

    def _broadcast(self, values: tuple[Value, ...], shape: Shape) -> tuple[Value, ...]:
        # Kernels read an operand either in step with the result or as one number; everything between is spread out here.
        return tuple(
            [v if v.shape == shape or count(v.shape) == 1 else self.emit("broadcast", v, shape=shape) for v in values]
        )

    def constant(self, number: float) -> Value:
        """A number that is part of a formula; equal numbers share their slot."""
        found = self._constants.get(number)
        if found is None:
            address = f"={number:g}" if number == float(f"{number:g}") else f"={number!r}"
            found = self._constants[number] = self.source("constant", address, (), number)
        else:
            assert found.source is not None
            self.asked[found.source.address] = self.program.sources.setdefault(found.source.address, found)
        return found

    def mark(self) -> Callable[[], None]:
        """A way back: calling it forgets every call, source and rule that came since, and all that refers to them."""
        program = self.program
        calls, rules, sources, named = len(program.calls), len(self.rules), len(program.sources), len(program._named)

        def forget() -> None:
            del program.calls[calls:], self.rules[rules:]
            for found, length in ((program.sources, sources), (program._named, named)):
                while len(found) > length:
                    found.popitem()

        return forget

    def source(
        self, role: Role, address: str, shape: Shape, initial: Any, *, kind: Kind = "real", trainable: bool = False
    ) -> Value:
        """A value filled from outside; the same address gives the same value (shared parameters, shared settings)."""
        found = self.program.sources.get(address)
        if found is None:
            source = Source(role, address, initial, trainable, address.partition(".")[0])
            found = self.program.sources[address] = self._known(source, shape, kind)
        self.asked[address] = found
        return found

    def _known(self, source: Source, shape: Shape, kind: Kind) -> Value:
        """The value of a former program where it still serves, so that what is built on it stays as it is; else a new one."""
        known = self.known.get(source.address)
        if known is not None and known.shape == shape and known.kind == kind and known.source is not None:
            before = known.source
            if before.role == source.role and before.trainable == source.trainable:
                if before.initial is not source.initial:
                    self.ways_back.append(lambda: setattr(known, "source", before))
                    known.source = source
                return known
        found = self.known[source.address] = Value(self.program, shape, kind, source=source)
        return found

    def parameter(self, name: str, shape: Shape, initial: Any) -> Value:
        """A learned array of the current node; `initial` is an initialiser or an array."""
        return self.source("parameter", f"{self.origin.node}.{name}", shape, initial, trainable=True)

    def setting(self, name: str, number: float) -> Value:
        """A number of the current node that a user can drag: an arena slot, not part of the code."""
        return self.source("setting", f"{self.origin.node}.{name}", (), number)

    def state(self, name: str, shape: Shape, number: float = 0.0, *, kind: Kind = "real") -> Value:
        """Memory of the current node that lives from one iteration to the next; starts filled with `number`."""
        return self.source("state", f"{self.origin.node}.{name}", shape, number, kind=kind)

    def feed(self, name: str, shape: tuple[int, ...] | None) -> Value:
        """The batch's `inputs` or `targets`. Raises `ProblemError` where there is no data and no shape."""
        assert self.feeder is not None, "who lowers a document sets the feeder"
        return self.feeder(name, shape)

    def shared(self, name: str, make: Callable[[], Value]) -> Value:
        """What the first node that asks makes for all others, see `fed`."""
        known = self.program._named.get(name)
        value = known if known is not None else make()
        self.program._named[name] = value
        self.fed[name] = (value, known is None)
        return value

    def share_again(self, fed: Mapping[str, tuple[Value, bool]]) -> bool:
        """Whether a node would find what it found before; then others find again what was made for it."""
        named = self.program._named
        if any(named.get(name) is not (None if is_made else value) for name, (value, is_made) in fed.items()):
            return False
        named.update({name: value for name, (value, _) in fed.items()})
        return True

    def bring_rows(self, rows: int) -> None:
        """Let the batch have as many rows as the current node brings, unless data say how many.

        Raises `ProblemError` where another node brings another number.
        """
        assert self.row_asker is not None, "who lowers a document sets it"
        self.is_local = False  # the number has to be said again for every program
        self.row_asker(rows)

    def learn(self, rule: Callable[[], None]) -> None:
        """Let the current node's rule emit its update once every value is there."""
        self.rules.append((self.origin.node, rule))

    def zeros_like(self, value: Value) -> Value:
        """Zeros of the same shape that no derivative passes: what a muted node or wire carries."""
        return self.emit("broadcast", self.constant(0.0), shape=value.shape)

    def apply(self, activation: str, x: Value, numbers: Mapping[str, float] | None = None) -> Value:
        """An activation by its name; `identity` is the operand itself.

        An activation with a number of its own (see ACTIVATION_SETTINGS) makes it a setting of the current node, started
        from `numbers` where it is said there.
        """
        if activation == "identity":
            return x
        if activation not in ACTIVATION_SETTINGS:
            return self.emit(activation, x)
        name, usual = ACTIVATION_SETTINGS[activation]
        return self.emit(activation, x, self.setting(name, (numbers or {}).get(name, usual)))


def settings_of(program: Program) -> Mapping[str, Value]:
    """All draggable numbers of a program by address."""
    return {
        address: value for address, value in program.sources.items() if value.source and value.source.role == "setting"
    }
