"""What values are called in formulas: from the symbols of ports, titles that are symbols, and running numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.program import Program
from engine.values import Batch, Shape, Value

if TYPE_CHECKING:
    from engine.graph import Graph, Node

TITLE = re.compile(r"([A-Za-z])_?(\d{0,3})")
# A letter, and what stands below and above it already: LaTeX refuses a second index, and a second exponent.
PARTS = re.compile(r"(.*?)(?:_\{?([^{}^']+)\}?)?(?:\^\{?([^{}]+)\}?|('+))?")
PRIME = r"\prime "
CONTROL = re.compile(r"[^A-Za-z0-9 ]")


class Symbol(NamedTuple):
    """A letter, the number of its layer where several share the letter, its indices, and the step of time it belongs to."""

    base: str
    layer: str = ""
    subs: tuple[str, ...] = ()
    time: str = ""

    @property
    def latex(self) -> str:
        """The symbol as LaTeX: `h^{(2)}_{3}`."""
        layer = f"({self.layer})" if self.layer else ""
        time = rf"\langle {self.time}\rangle " if self.time else ""
        if not (layer or time or self.subs):
            return self.base
        parts = PARTS.fullmatch(self.base)
        assert parts is not None  # any text has a head
        head, below, above, primes = parts.groups("")
        if layer or time:
            above, primes = f"{above}{PRIME * len(primes)}{layer}{time}", ""
        subs = ",".join([*([below] if below else []), *self.subs])
        return f"{head}{primes}{f'^{{{above}}}' if above else ''}{f'_{{{subs}}}' if subs else ''}"

    def at(self, shape: Sequence[int], entry: Sequence[int]) -> Symbol:
        """The symbol of one entry; axes of length 1 need no index."""
        mine = [str(index + 1) for index, length in zip(entry, shape, strict=False) if length > 1]
        return self._replace(subs=(*self.subs, *mine))


def word(text: str) -> str:
    """A word set upright, for what has no letter."""
    clean = CONTROL.sub(" ", text).strip() or "x"
    return clean if len(clean) == 1 else rf"\mathrm{{{clean.replace(' ', chr(92) + ' ')}}}"


def partial(of: str, by: str) -> str:
    """A derivative as LaTeX."""
    return rf"\partial {of}/\partial {by}"


class Notation:
    """The symbols of one program, as its drawing names them."""

    def __init__(self, program: Program, graph: Graph) -> None:
        self.graph = graph
        self._outputs: dict[int, Symbol] = {}
        self._name_outputs(program)
        letters = [self.letter(objective) for objective in program.objectives]
        names = ["L" if letter is None else letter.latex for letter in letters]
        pairs = zip(names, program.losses, program.objectives, strict=True)
        self.objectives = [name if loss is objective else f"(-{name})" for name, loss, objective in pairs]

    def _output_symbol(self, address: str) -> str:
        node = self.graph.nodes.get(address.partition(".")[0])
        port = node.kind.output(address.partition(".")[2]) if node is not None and node.kind is not None else None
        if port is None:
            return ""
        return port.symbol or (port.name if len(port.name) == 1 else word(port.name))

    def _name_outputs(self, program: Program) -> None:
        answers = {wire.source: self._answer(wire.target) for wire in self.graph.wires if self._answer(wire.target)}
        named: list[tuple[Value, Symbol]] = []
        known: set[int] = set()
        for address, value in program.outputs.items():
            if "@" in address or value.index in known:
                continue
            known.add(value.index)
            node = self.graph.nodes.get(address.partition(".")[0])
            titled = _titled(node) if node is not None else None
            base = answers.get(address) or self._output_symbol(address) or "y"
            named.append((value, titled or Symbol(base)))
        counts = Counter(symbol for _, symbol in named)
        seen: Counter[Symbol] = Counter()
        for value, symbol in named:
            shared = counts[symbol] > 1
            seen[symbol] += 1
            if shared and _single(value.shape):
                symbol = symbol._replace(subs=(*symbol.subs, str(seen[symbol])))
            elif shared:
                symbol = symbol._replace(layer=str(seen[symbol]))
            self._outputs[value.index] = symbol
        self._name_times(program)

    def _name_times(self, program: Program) -> None:
        """What changes over time is called as at its last step, and says which step it is."""
        for address, value in program.outputs.items():
            output, _, step = address.partition("@")
            symbol = self._outputs.get(program.outputs[output].index) if step else None
            if symbol is not None and (value.call is None or value.call.origin.node == output.partition(".")[0]):
                self._outputs[value.index] = symbol._replace(time=str(int(step) + 1))

    def _answer(self, address: str) -> str:
        """The symbol that a loss has for what is wired to it: a prediction, a score, a logit."""
        node, port = self.graph.nodes.get(address.partition(".")[0]), self.graph.input_port(address)
        is_loss = node is not None and node.kind is not None and node.kind.category == "Losses"
        return port.symbol if is_loss and port is not None and port.kind != "target" else ""

    def letter(self, value: Value) -> Symbol | None:
        """The symbol of a whole value: of an output, or of a source. None for what has no name on the canvas."""
        known = self._outputs.get(value.index)
        if known is not None or value.source is None:
            return known
        node_id, _, name = value.source.address.partition(".")
        if node_id == "data":
            return Symbol("X" if name.startswith("inputs") else "T")
        node = self.graph.nodes.get(node_id)
        if node is None or node.kind is None:
            return Symbol(word(value.source.address.rpartition(".")[2]))
        letter = node.kind.letter(name)
        return Symbol(letter.lower() if len(letter) == 1 and value.shape else letter or word(name))

    def entry(self, value: Value, shape: Sequence[int], entry: Sequence[int]) -> Symbol | None:
        """The symbol of one entry; the row of the batch is understood, not written."""
        letter = self.letter(value)
        if letter is None:
            return None
        if value.shape and isinstance(value.shape[0], Batch):
            return letter.at(shape[1:], entry[1:])
        if value.rank == 2 and shape[1] == 1:
            return letter.at(shape[:1], entry[:1])
        if value.rank == 2 and value.source is not None and value.source.role == "parameter":
            return letter._replace(subs=(*letter.subs, *[str(index + 1) for index in entry]))
        return letter.at(shape, entry)


def _titled(node: Node) -> Symbol | None:
    """The symbol that a title is: `y4`, `w_2`."""
    found = TITLE.fullmatch(node.title)
    if found is None:
        return None
    return Symbol(found[1], subs=(found[2],) if found[2] else ())


def _single(shape: Shape) -> bool:
    return all(dim == 1 or isinstance(dim, Batch) for dim in shape)
