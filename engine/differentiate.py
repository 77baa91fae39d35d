"""Reverse mode, program to program: every primitive's rule emits primitives, so derivatives can be differentiated again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from engine.problems import Problem, ProblemError, did_you_mean
from engine.program import Program
from engine.values import Call, Origin, Shape, Value, owner_of, shape_text

Rule = Callable[..., Sequence[Value | None]]


def _straight_through(own: Rule) -> Rule:
    """The incoming derivative as it is, past a function that is flat or a threshold."""
    return lambda *values: [values[-1] if operand.shape == values[-2].shape else None for operand in values[:-2]]


def _reversed(own: Rule) -> Rule:
    """The right derivative with the wrong sign: gradient reversal, or a planted mistake."""
    return lambda *values: [None if outgoing is None else -outgoing for outgoing in own(*values)]


def _doubled(own: Rule) -> Rule:
    """Twice the right derivative: a planted mistake."""
    return lambda *values: [None if outgoing is None else 2 * outgoing for outgoing in own(*values)]


def _blocked(own: Rule) -> Rule:
    """Nothing flows back."""
    return lambda *values: [None for _ in values[:-2]]


# Other derivative rules that a call may name, made from the primitive's own.
RULES: dict[str, Callable[[Rule], Rule]] = {
    "straight_through": _straight_through,
    "reversed": _reversed,
    "doubled": _doubled,
    "blocked": _blocked,
}


def rule_of(call: Call) -> Rule | None:
    """The rule a call is differentiated by; None where it has none. Raises `ProblemError` for an unknown name."""
    own = call.primitive.derivative
    if not call.rule or own is None:
        return own
    if call.rule not in RULES:
        fact = f"no derivative rule is called “{call.rule}”"
        mend = did_you_mean(call.rule, RULES) or f"Choose one of {', '.join(RULES)}."
        raise ProblemError(Problem(fact, mend, node=call.origin.node, kind="unknown"))
    return RULES[call.rule](own)


def gradients(
    program: Program,
    loss: Value,
    wanted: Iterable[Value] | None = None,
    *,
    phase: int = 0,
    origin: Origin | None = None,
    along: Value | None = None,
) -> dict[int, Value]:
    """Emit the derivatives of `loss` behind the program's calls; the result maps a value's index to its gradient.

    `wanted` restricts the work to values that depend on these sources (None: on all trainable ones). A value that does
    not influence the loss is absent. Where several derivatives meet they are added by one `total`, its addends kept apart
    (multivariable chain rule: Aggarwal 2023, §2.3.2, pathwise aggregation). `origin` is borne by all that is emitted, where
    a node asks for a derivative as a part of its own value (`slope_within`); `along` weighs a loss of several numbers.

    Raises `ProblemError` where the loss is not one number, or an operation on the way has no derivative.
    """
    if loss.shape != () and along is None:
        fact = f"a loss is one number, but this one has the shape {shape_text(loss.shape)}"
        node = loss.call.origin.node if loss.call else ""
        raise ProblemError(Problem(fact, "Take its mean or its sum first.", node=node, kind="loss"))
    active = None if wanted is None else _active(program, wanted)
    build, before = program.build, program.build.origin
    reuse, build.reuse = build.reuse, {}
    addends: dict[int, list[Value]] = {loss.index: [build.constant(1.0) if along is None else along]}
    try:
        found = pass_back(program.calls[:], addends, phase, active=active, origin=origin)
        first_times = {origin.node: origin.time for origin in reversed(program.steps) if origin.part == "forward"}
        for value in program.values[:]:
            if value.source is not None and value.index in addends and _is_active(value, active):
                # What is shared over time is summed when the light has come back to the first step.
                owner = owner_of(value)
                build.origin = origin or Origin(owner, "backward", phase, first_times.get(owner, -1))
                found[value.index] = total(addends[value.index])
    finally:
        build.origin, build.reuse = before, reuse
    return found


def pass_back(
    calls: Sequence[Call],
    addends: dict[int, list[Value]],
    phase: int,
    *,
    active: list[bool] | None = None,
    origin: Origin | None = None,
) -> dict[int, Value]:
    """Emit the derivatives of these calls, the last one first; the gradients of their results, by the index of these.

    `addends` holds the derivatives that have come in for each value, by its index, and takes up those that go on. `active`
    tells for each index whether a derivative is wanted; None: wherever something that is learned has a part.
    """
    found: dict[int, Value] = {}
    drawn: Origin | None = None
    for call in reversed(calls):
        result, operands = call.result, call.operands
        incoming = addends.get(result.index)
        if incoming is None or not _is_active(result, active):
            continue
        build = result.build
        if origin is not None:
            build.origin = origin
        elif call.origin is not drawn:
            drawn = call.origin
            build.origin = Origin(drawn.node, "backward", phase, drawn.time)
        found[result.index] = dy = incoming[0] if len(incoming) == 1 else total(incoming)
        wanted = [operand.learns if active is None else _is_active(operand, active) for operand in operands]
        if True not in wanted:
            continue  # asked for, and nothing before it is
        rule = rule_of(call)
        if rule is None:
            fact = f"“{call.primitive.name}” has no derivative"
            mend = "It measures, it cannot be minimised: choose a loss instead."
            raise ProblemError(Problem(fact, mend, node=call.origin.node, kind="derivative"))
        for operand, outgoing, is_wanted in zip(operands, rule(*operands, result, dy), wanted, strict=True):
            if is_wanted and outgoing is not None:
                shape = operand.shape
                derivative = outgoing if outgoing.shape == shape else fit(outgoing, shape)
                others = addends.get(operand.index)
                if others is None:
                    addends[operand.index] = [derivative]
                else:
                    others.append(derivative)
    return found


def _is_active(value: Value, active: list[bool] | None) -> bool:
    return value.learns if active is None else value.index < len(active) and active[value.index]


def slope_within(y: Value, x: Value, along: Value | None = None) -> Value | None:
    """The derivative of a value by one before it, as a part of what the current node computes; None: it does not reach.

    Of several numbers it is the derivative of their sum, weighed by `along` where that is said (a row of the Jacobian, for
    instance). Emitted where the builder stands, and differentiated like anything else that is drawn: a loss may hold it, as
    gradient and contractive penalties do. Raises `ProblemError` as `gradients` does.
    """
    program, build, mark = y.program, y.program.build, len(y.program.calls)
    build.is_local = False  # it hangs on all the calls between the two
    if along is None:
        along = build.emit("broadcast", build.constant(1.0), shape=y.shape) if y.shape else build.constant(1.0)
    slope = gradients(program, y, [x], origin=build.origin, along=along).get(x.index)
    needed = set() if slope is None else {slope.index}
    kept = []
    for call in reversed(program.calls[mark:]):  # rules send derivatives to operands that nobody asked for as well
        if call.result.index in needed:
            kept.append(call)
            needed.update([operand.index for operand in call.operands])
    program.calls[mark:] = reversed(kept)
    return slope


def fit(derivative: Value, shape: Shape) -> Value:
    """A derivative brought to its operand's shape: summed over the axes that were broadcast, spread over those it lacks."""
    if derivative.shape == shape:
        return derivative
    emit = derivative.program.build.emit
    lead = derivative.rank - len(shape)
    if lead > 0:
        derivative = emit("sum", derivative, axes=tuple(range(lead)))
    if lead >= 0:
        axes = [
            i for i, (mine, its) in enumerate(zip(derivative.shape, shape, strict=True)) if mine != its and its == 1
        ]
        for run in _neighbours(axes):
            derivative = emit("sum", derivative, axes=run, keep=True)
    return derivative if derivative.shape == shape else emit("broadcast", derivative, shape=shape)


def _neighbours(axes: list[int]) -> list[tuple[int, ...]]:
    """The axes in runs that lie side by side, as sums want them."""
    runs: list[tuple[int, ...]] = []
    for axis in axes:
        if runs and runs[-1][-1] + 1 == axis:
            runs[-1] = (*runs[-1], axis)
        else:
            runs.append((axis,))
    return runs


def total(addends: list[Value]) -> Value:
    """The sum of the derivatives that meet at a value; one alone is the sum."""
    if len(addends) == 1:
        return addends[0]
    return addends[0].build.emit("total", *addends)


def _active(program: Program, wanted: Iterable[Value]) -> list[bool]:
    active = [False] * len(program.values)
    for value in wanted:
        active[value.index] = True
    for call in program.calls:
        if call.primitive.writes:
            continue
        for operand in call.operands:
            if active[operand.index]:
                active[call.result.index] = True
                break
    return active
