"""Local derivatives as formulas, read from the derivative program: `1 - h_{3}^{2}`."""

from __future__ import annotations

from engine.explain.printing import FUNCTIONS, INFIX, PRODUCT, SUM, formula_text
from engine.explain.reading import Played, Reading
from engine.explain.slopes import is_literal
from engine.explain.trees import Leaf
from engine.values import Value

LONGEST = 72
NEGATED = 0.5  # a minus sign may open a product, anywhere else it wants brackets
ATOM = 4
MOVED = frozenset({"reshape", "broadcast"})
KNOWN = {
    "sign": r"\mathrm{sign}",
    "log": r"\ln",
    "exp": r"\exp",
    "sin": r"\sin",
    "cos": r"\cos",
    "tanh": r"\tanh",
    **FUNCTIONS,
}


def slope_text(played: Played, place: int, reading: Reading) -> str | None:
    """The local derivative by a slot; None where its formula is long or has no short form."""
    plan = played.plan
    slope = plan.slopes[place] if plan is not None else None
    if plan is None or slope is None:
        return None
    names = {plan.root.index: played.stage.symbol.latex}
    for source, slot in zip(plan.sources, played.slots.slots, strict=True):
        if slot.shape == ():
            leaf = Leaf(slot.value, tuple([i for i in slot.spot if isinstance(i, int)]))
            names[source.index] = reading.printer.symbol(leaf).latex
    written = _written(slope, names)
    if written is None or len(written[0]) > LONGEST:
        return None
    return written[0]


def _written(value: Value, names: dict[int, str]) -> tuple[str, float] | None:
    if value.index in names:
        return names[value.index], ATOM
    if value.call is None:
        literal = is_literal(Leaf(value, ())) and value.source is not None
        return (f"{value.source.initial:g}", ATOM) if literal and value.source is not None else None
    name, operands = value.call.primitive.name, value.call.operands
    if name in MOVED:
        return _written(operands[0], names)
    parts = [_written(operand, names) for operand in operands]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if name == "negate":
        return "-" + _bound(known[0], PRODUCT), NEGATED
    if name == "multiply":
        return _product(known)
    if name in ("add", "total") and len(known) == 2 and known[0] == known[1]:
        return rf"2 \cdot {_bound(known[0], PRODUCT)}", PRODUCT
    if name in INFIX and len(known) == 2:
        sign, binds = INFIX[name]
        right = PRODUCT if known[1][0].startswith("-") else binds + (name not in ("add", "multiply"))
        return f"{_bound(known[0], binds)} {sign} {_bound(known[1], right)}", binds
    if name in KNOWN and len(known) == 1:
        return f"{KNOWN[name]}({known[0][0]})", ATOM
    text = formula_text(value.call, [part[0] if part[1] == ATOM else f"({part[0]})" for part in known])
    if text is None:
        return None
    closed = (text[0] + text[-1]) in ("[]", "||") and text.count(text[0]) == 1 + (text[0] == "|")
    return text, ATOM if closed else SUM


def _product(parts: list[tuple[str, float]]) -> tuple[str, float]:
    factors = [part for part in parts if part[0] != "1"]
    if len(factors) < 2:
        return factors[0] if factors else ("1", ATOM)
    if factors[0] == factors[1]:
        base = factors[0][0]
        return (f"{base}^{{2}}" if factors[0][1] == ATOM and "^" not in base else f"({base})^{{2}}"), ATOM
    return rf"{_bound(factors[0], NEGATED)} \cdot {_bound(factors[1], PRODUCT)}", PRODUCT


def _bound(part: tuple[str, float], level: float) -> str:
    return part[0] if part[1] >= level else f"({part[0]})"
