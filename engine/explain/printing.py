"""Trees as formulas: symbols with their numbers, operators between them. Formulas are read from the primitives."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from engine.explain.live import Array, Entry, Live, unravel
from engine.explain.notation import Symbol, word
from engine.explain.slopes import is_literal
from engine.explain.trees import Leaf, Operation, Products, Reduction, Tree, Whole, moved, spots
from engine.snapshot import Term
from engine.values import Batch, Call, Value

SHOWN = 6  # addends written out; of more the largest and the rest as one number
SUM, PRODUCT, PREFIX, POWER, ATOM = range(5)
INFIX = {
    "add": ("+", SUM), "subtract": ("-", SUM), "total": ("+", SUM),
    "multiply": (r"\cdot", PRODUCT), "divide": ("/", PRODUCT),
}  # fmt: skip
FUNCTIONS = {
    "sigmoid": r"\sigma", "sqrt": r"\mathrm{sqrt}", "elu": r"\mathrm{ELU}", "selu": r"\mathrm{SELU}",
    "gelu": r"\mathrm{GELU}", "erf": r"\mathrm{erf}", "normal_cdf": r"\Phi",
}  # fmt: skip
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[A-Za-z]|\d+(?:\.\d+)?|\S")
NESTED = re.compile(r"\\([dt]?frac|sum|text|quad|sqrt|mathrm|partial|arg|begin|cup|sim)\b|_|\^(?!x|z)|\\top")
SUMS = re.compile(r"\\(sum|text|quad|arg|begin|cup|sim|partial)\b|_|\\top")
SKIPPED = frozenset({r"\left", r"\right", r"\,", r"\ ", r"\;"})

PLUS, MINUS, EQUALS, TIMES = Term("+"), Term("-"), Term("="), Term(r"\cdot")
OPEN, CLOSE = Term("("), Term(")")


def number_term(latex: str, number: float | None, role: str, caption: str = "") -> Term:
    """A symbol with its number; `absent` where there is none."""
    # Adding 0.0 turns −0 into 0: nobody wants to read a sign there.
    return Term(latex, None if number is None else number + 0.0, role if number is not None else "absent", caption)


def sum_of(shown: Sequence[Sequence[Term]], more: int = 0, rest: float | None = None, noun: str = "more") -> list[Term]:
    """Addends joined by plus signs; `more` that are not written out stand as one number."""
    terms: list[Term] = []
    for addend in shown:
        terms += [PLUS, *addend] if terms else addend
    if more:
        terms += [PLUS, number_term(rf"\text{{{more} {noun}}}", rest, "addend")]
    return terms


class Chosen(NamedTuple):
    """Which of many numbers are written out, and what the others add up to."""

    places: list[int]
    more: int
    rest: float | None


def choose(numbers: Array | None, count: int) -> Chosen:
    """All of a few; of many the largest, in their order."""
    if count <= SHOWN:
        return Chosen(list(range(count)), 0, None)
    if numbers is None:
        return Chosen(list(range(SHOWN - 1)), count - SHOWN + 1, None)
    order = np.argsort(-np.abs(np.nan_to_num(numbers)), kind="stable")
    kept = sorted(order[: SHOWN - 1].tolist())
    with np.errstate(all="ignore"):  # infinities among them leave no number for the rest
        rest = float(numbers.sum() - numbers[kept].sum())
    return Chosen(kept, count - len(kept), rest)


class Printer:
    """Writes trees with the numbers of a session."""

    def __init__(self, live: Live, symbol: Callable[[Leaf], Symbol]) -> None:
        self.live, self.symbol = live, symbol

    def leaf(self, leaf: Leaf, role: str = "operand") -> Term:
        """One entry with its number, by the name of what it was copied from."""
        if is_literal(leaf):
            return Term(f"{leaf.value.source.initial if leaf.value.source else 0:g}")
        return self.entry(leaf.value, leaf.entry, role)

    def entry(self, value: Value, entry: Entry, role: str = "operand") -> Term:
        """One entry of an operand, by the name of what it was copied from."""
        leaf = self.origin(value, entry)
        return number_term(self.symbol(leaf).latex, self.live.number(value, entry), role)

    def origin(self, value: Value, entry: Entry) -> Leaf:
        """The named entry that this one is a copy of."""
        while value.call is not None and self.symbol(Leaf(value, entry)).base == "u":
            source = moved(value.call, entry, self.live)
            if source is None:
                break
            value, entry = source
        return Leaf(value, entry)

    def terms(self, tree: Tree, level: int = SUM) -> list[Term]:
        """The tree, in brackets where it binds less than `level`."""
        if isinstance(tree, Leaf):
            return [self.leaf(tree)]
        if isinstance(tree, Products):
            written, binds = self._products(tree), SUM
        elif isinstance(tree, Reduction):
            written, binds = self._reduction(tree), PRODUCT
        elif isinstance(tree, Whole):
            written, binds = self._whole(tree), SUM if tree.call.primitive.name == "square_distance" else ATOM
        else:
            written, binds = self._operation(tree)
        return [OPEN, *written, CLOSE] if binds < level else written

    def _operation(self, tree: Operation) -> tuple[list[Term], int]:
        name, operands = tree.call.primitive.name, tree.operands
        if name == "multiply" and operands[0] == operands[1]:
            return [*self.terms(operands[0], ATOM), Term("{}^{2}")], POWER
        if name in INFIX:
            sign, binds = INFIX[name]
            terms = self.terms(operands[0], binds)
            for operand in operands[1:]:
                terms += [Term(sign), *self.terms(operand, binds + (name in ("subtract", "divide")))]
            return terms, binds
        if name == "negate":
            return [MINUS, *self.terms(operands[0], PRODUCT)], SUM
        if name == "power":
            raised = operands[1]
            if isinstance(raised, Leaf) and is_literal(raised):
                return [*self.terms(operands[0], ATOM), Term(f"{{}}^{{{self.leaf(raised).latex}}}")], POWER
            if isinstance(raised, Leaf):
                exponent = self.leaf(raised)
                return [*self.terms(operands[0], ATOM), exponent._replace(latex=f"{{}}^{{{exponent.latex}}}")], POWER
            return [*self.terms(operands[0], ATOM), Term(r"\wedge"), *self.terms(raised, ATOM)], POWER
        if name == "stop_gradient":
            return self.terms(operands[0]), SUM
        return self._function(tree), PREFIX

    def _function(self, tree: Operation) -> list[Term]:
        call, operands = tree.call, tree.operands
        written = formula_of(call)
        if written is None:
            inside: list[Term] = []
            for operand in operands:
                inside += [Term(","), *self.terms(operand)] if inside else self.terms(operand)
            return [Term(FUNCTIONS.get(call.primitive.name, word(call.primitive.name))), OPEN, *inside, CLOSE]
        terms: list[Term] = []
        for place, token in enumerate(written):
            if isinstance(token, str):
                terms.append(Term(token))
                continue
            around = (written[place - 1] if place else "", written[place + 1] if place + 1 < len(written) else "")
            enclosed = around[0] in ("(", "|", ",") and around[1] in (")", "|", ",")
            terms += self.terms(operands[token], SUM if enclosed else ATOM)
        return terms

    def _products(self, tree: Products) -> list[Term]:
        chosen = self.chosen(tree)
        shown = [[self.factor(tree, 1, place), TIMES, self.factor(tree, 0, place)] for place in chosen.places]
        terms = sum_of(shown, chosen.more, chosen.rest)
        return [*terms, PLUS, self.entry(tree.bias.value, tree.bias.entry)] if tree.bias else terms

    def chosen(self, tree: Products) -> Chosen:
        """The products that are written out: the largest."""
        left, right = self.factors(tree)
        with np.errstate(all="ignore"):  # a run that diverges has products beyond the largest number
            return choose(None if left is None or right is None else left * right, self.depth(tree))

    def depth(self, tree: Products) -> int:
        """How many products are added."""
        return int(np.prod([len(along) for along in self.spots(tree, 1)], dtype=int))

    def spots(self, tree: Products, side: int) -> list[range]:
        """What the factors of a side run over in their operand."""
        return spots((tree.left, tree.right)[side], self.live.shape(tree.call.operands[side]))

    def factor_entry(self, tree: Products, side: int, place: int) -> Entry:
        """Where a factor lies in its operand: side 0 is the left operand."""
        runs = self.spots(tree, side)
        at = iter(np.unravel_index(place, [len(along) for along in runs]))
        found = iter([along[int(step)] for along, step in zip(runs, at, strict=True)])
        return tuple([next(found) if isinstance(i, slice) else i for i in (tree.left, tree.right)[side]])

    def factors(self, tree: Products) -> tuple[Array | None, Array | None]:
        """The factors as two rows of numbers."""
        left, right = tree.call.operands[:2]
        first, second = self.live.array(left), self.live.array(right)
        return (
            None if first is None else first[tree.left].reshape(-1),
            None if second is None else second[tree.right].reshape(-1),
        )

    def factor(self, tree: Products, side: int, place: int) -> Term:
        """One factor of one product: side 0 is the left operand. Products over the rows tell the row."""
        value, index = tree.call.operands[side], (tree.left, tree.right)[side]
        entry = self.factor_entry(tree, side, place)
        if not isinstance(index[0], slice) or not value.shape or not isinstance(value.shape[0], Batch):
            return self.entry(value, entry)
        symbol = self.symbol(Leaf(value, entry))
        symbol = Symbol(symbol.base, str(place + 1), () if symbol.base == "u" else symbol.subs)
        return number_term(symbol.latex, self.live.number(value, entry), "operand")

    def _reduction(self, tree: Reduction) -> list[Term]:
        name = tree.call.primitive.name
        (operand,), axes = tree.call.operands, tree.call.attributes["axes"]
        shape, array = self.live.shape(operand), self.live.array(operand)
        lengths = tuple([shape[axis] for axis in axes])
        count = int(np.prod(lengths))
        flat = None if array is None else array[tree.index].reshape(-1)
        chosen = choose(flat, count)
        shown = []
        for place in chosen.places:
            along = dict(zip(axes, unravel(place, lengths), strict=True))
            spot = tuple([along.get(axis, at) for axis, at in enumerate(tree.index)])
            number = None if flat is None else float(flat[place])
            shown.append([self._addend(tree, operand, spot, number, "addend" if count > 1 else "operand")])
        if name in ("max", "min"):
            inside = [term for addend in shown for term in (Term(","), *addend)][1:]
            return [Term(rf"\{name}"), OPEN, *inside, *([Term(","), Term(r"\dots")] if chosen.more else []), CLOSE]
        terms = sum_of(shown, chosen.more, chosen.rest)
        terms = [OPEN, *terms, CLOSE] if count > 1 else terms
        return [Term(rf"\frac{{1}}{{{count}}}"), *terms] if name == "mean" and count > 1 else terms

    def _addend(self, tree: Reduction, operand: Value, entry: Any, number: float | None, role: str) -> Term:
        followed = self.symbol(tree.leaf)
        shape = self.live.shape(operand)
        if tree.leaf.value is operand and entry == tree.leaf.entry:
            return number_term(followed.latex, number, role)
        named = self.symbol(Leaf(operand, entry))
        if named.base == "u" and followed.base != "u":
            named = Symbol(followed.base, followed.layer).at(shape, entry)
        elif named.subs == followed.subs:  # names leave the row out, here it tells the addends apart
            named = named._replace(subs=(str(entry[0] + 1), *named.subs))
        return number_term(named.latex, number, role)

    def _whole(self, tree: Whole) -> list[Term]:
        special = ROW_FORMS.get(tree.call.primitive.name)
        if special is not None and (tree.rowwise or special is _settle_form):
            return special(self, tree)
        inside: list[Term] = []
        for operand in range(len(tree.call.operands)):
            entries = self.row_entries(tree, operand)
            row = self.row(tree, operand)
            for term in [*row[:SHOWN], *([Term(r"\dots")] if entries > SHOWN else [])]:
                inside += [Term(","), term] if inside else [term]
        return [Term(FUNCTIONS.get(tree.call.primitive.name, word(tree.call.primitive.name))), OPEN, *inside, CLOSE]

    def row_entries(self, tree: Whole, operand: int) -> int:
        """How many entries of an operand the operation sees (of those it is shown with)."""
        shape = self.live.shape(tree.call.operands[operand])
        return int(np.prod(shape[1:] if tree.rowwise else shape))

    def row(self, tree: Whole, operand: int) -> list[Term]:
        """The first entries of an operand that the operation sees, one by one."""
        value = tree.call.operands[operand]
        shape = self.live.shape(value)
        size = min(self.row_entries(tree, operand), SHOWN)
        if not tree.rowwise or not shape:
            return [self.entry(value, unravel(place, shape)) for place in range(size)]
        return [self.entry(value, (tree.row_read(operand), *unravel(place, shape[1:]))) for place in range(size)]


def _class_form(printer: Printer, tree: Whole) -> list[Term]:
    scores = printer.row(tree, 0)
    inside: list[Term] = []
    for score in scores:
        inside += [PLUS, Term(r"\exp"), score] if inside else [Term(r"\exp"), score]
    if printer.row_entries(tree, 0) > SHOWN:
        inside += [PLUS, Term(r"\dots")]
    numbers = printer.live.array(tree.call.operands[1])
    target = int(numbers[tree.entry]) if numbers is not None else -1
    value = tree.call.operands[0]
    known = 0 <= target < printer.live.shape(value)[-1]
    right = printer.entry(value, (*tree.entry, target)) if known else Term("z_t", None, "absent")
    return [Term(r"\ln"), OPEN, *inside, CLOSE, MINUS, right]


def _column_form(printer: Printer, tree: Whole) -> list[Term]:
    scores, targets = printer.row(tree, 0), printer.row(tree, 1)
    inside: list[Term] = []
    wanted: list[Term] = []
    for score, target in zip(scores, targets, strict=False):
        inside += [PLUS, Term(r"\exp"), score] if inside else [Term(r"\exp"), score]
        wanted += [PLUS, target, TIMES, score] if wanted else [target, TIMES, score]
    more = [PLUS, Term(r"\dots")] if printer.row_entries(tree, 0) > SHOWN else []
    return [Term(r"\ln"), OPEN, *inside, *more, CLOSE, MINUS, OPEN, *wanted, *more, CLOSE]


# Softmax losses are sums over classes, which no line of a primitive's formula can be filled with number by number.
def _distance_form(printer: Printer, tree: Whole) -> list[Term]:
    """The square of each difference, added up: a row of the one operand and a row of the other."""
    (x, w), (row, unit) = tree.call.operands, [index[0] for index in tree.indices]
    assert isinstance(row, slice) and isinstance(unit, slice)
    depth = printer.live.shape(x)[1]
    terms: list[Term] = []
    for place in range(min(depth, SHOWN)):
        pair = [printer.entry(x, (row.start, place)), MINUS, printer.entry(w, (unit.start, place))]
        terms += [*([PLUS] if terms else []), OPEN, *pair, CLOSE, Term("{}^{2}")]
    return [*terms, *([PLUS, Term(r"\dots")] if depth > SHOWN else [])]


def _settle_form(printer: Printer, tree: Whole) -> list[Term]:
    """The pull at one unit: of those tested before it as they are now, of the others as they were."""
    state, weight, bias, free, *chance = tree.call.operands
    row, unit = tree.entry
    if printer.live.number(free, tree.entry) == 0.0:
        return [printer.entry(state, tree.entry)]
    others = [place for place in range(printer.live.shape(bias)[0]) if place != unit]
    pull = [printer.entry(bias, (unit,))]
    for place in others[:SHOWN]:
        neighbour = printer.entry(tree.call.result if place < unit else state, (row, place))
        pull += [PLUS, printer.entry(weight, (unit, place)), TIMES, neighbour]
    pull += [PLUS, Term(r"\dots")] if len(others) > SHOWN else []
    if not chance:
        return [Term("["), *pull, Term(r"\geq"), Term("0"), Term("]")]
    temperature, draws = chance
    divided = [OPEN, *pull, CLOSE, Term("/"), printer.entry(temperature, ())]
    return [Term("["), printer.entry(draws, tree.entry), Term("<"), Term(r"\sigma"), OPEN, *divided, CLOSE, Term("]")]


ROW_FORMS: dict[str, Callable[[Printer, Whole], list[Term]]] = {
    "class_cross_entropy": _class_form,
    "softmax_cross_entropy": _column_form,
    "square_distance": _distance_form,
    "settle": _settle_form,
}


def formula_of(call: Call) -> list[str | int] | None:
    """A primitive's formula as operators and places of operands; None where it does not fit on one line."""
    return _parsed(getattr(call.primitive, "formula", ""), _names(call), len(call.operands))


def formula_text(call: Call, operands: Sequence[str]) -> str | None:
    """A primitive's formula as LaTeX with other names put in; None where it is no plain expression of its operands."""
    right = getattr(call.primitive, "formula", "").partition("=")[2]
    names = _letters(right, _names(call), len(operands))
    if names is None or SUMS.search(right):
        return None
    put = dict(zip(names, operands, strict=True))
    return " ".join(put.get(token, token) for token in TOKEN.findall(right))


def _names(call: Call) -> tuple[str, ...]:
    """The letters that the derivative rule gives the operands; empty where it takes any number of them."""
    rule = call.primitive.derivative
    if rule is None:
        return ()
    parameters = inspect.signature(rule).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return ()
    return tuple([parameter.name for parameter in parameters])[:-2]


@lru_cache(maxsize=512)
def _letters(right: str, names: tuple[str, ...], count: int) -> tuple[str, ...] | None:
    """The operands' letters in a formula: those the rule uses, else the formula's own in their order."""
    found = dict.fromkeys(token for token in TOKEN.findall(right) if token.isalpha() and token != "e")
    if len(found) != count:
        return None
    if set(names) == set(found):
        return names
    if names and names[0] not in found:
        return None
    rest = [letter for letter in found if letter not in names]
    if not names:
        return tuple(sorted(found) if "x" not in found else ["x", *[letter for letter in found if letter != "x"]])
    return tuple([name if name in found else rest.pop(0) for name in names])


@lru_cache(maxsize=512)
def _parsed(formula: str, rule: tuple[str, ...], count: int) -> list[str | int] | None:
    right = formula.partition("=")[2]
    names = _letters(right, rule, count)
    right = re.sub(r"e\^\{?(-?)([a-z])\}?(?![a-z])", r"\\exp(\1\2)", right)
    if names is None or not names or NESTED.search(right):
        return None
    tokens = [token for token in TOKEN.findall(right) if token not in SKIPPED]
    return [names.index(token) if token in names else token for token in tokens]
