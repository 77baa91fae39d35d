"""Sealing: a kernel's optimised LLVM code with the freedom taken out that would let its bits depend on where it stands.

Kernels are written with some freedom: sums may be put in another order, a product and a sum may be rounded as one. Once a
kernel is optimised the freedom is used up, but as long as it is marked in the code, the same code compiled elsewhere,
inside of a larger function, may come out with other bits. So what the code generator would do is done here and written
down (a product and its sum become `llvm.fma`, all lanes of a vector are summed in halves), and the marks are wiped off.
Then LLVM has to keep every rounding. All of it works on the text of a module.
"""

from __future__ import annotations

import re
from collections import Counter

_NAME = r"%[\w.$-]+"
_OPERAND = rf"{_NAME}|splat \([^)]*\)|<[^>]*>|[^,\s]+"
_KIND = r"<\d+ x (?:float|double)>|float|double"
_MARKS = r"(?:(?:nsz|contract|reassoc) )*"
_LABEL = re.compile(r"[\w.$-]+:")
_DEFINITION = re.compile(rf"  ({_NAME}) = (.*)")
_ARITHMETIC = re.compile(rf"(fmul|fadd|fsub) ({_MARKS})({_KIND}) ({_OPERAND}), ({_OPERAND})(?:, !.*)?$")
_REDUCTION = re.compile(
    rf"(?:tail )?call ({_MARKS})(float|double) @llvm\.vector\.reduce\.(fadd|fmul)\.v(\d+)f\d+\("
    rf"(?:float|double) ({_OPERAND}), <\d+ x (?:float|double)> ({_NAME})\)$"
)
_FUSED = re.compile(
    rf"(?:tail )?call {_MARKS}({_KIND}) @llvm\.fma\.\w+\("
    rf"(?:{_KIND}) ({_OPERAND}), (?:{_KIND}) ({_OPERAND}), (?:{_KIND}) ({_OPERAND})\)"
)
_MARKED = re.compile(r"\b(?:nsz|contract|reassoc) ")
# Ends of what a loop reads and writes, compared before vectors are used: only within one array does the comparison fold.
_END = re.compile(r"(%scevgep\d* = getelementptr )(i8, ptr %arg\.arena,)")
_FUNCTION = re.compile(r"^define .*?^}$", re.MULTILINE | re.DOTALL)


def sealed(module: str, *, fuses: bool) -> str:
    """The text of an optimised module, sealed for a processor that rounds a product and its sum as one, or does not."""
    fused: set[str] = set()  # the kinds of numbers that products are fused with sums in
    text = _FUNCTION.sub(lambda found: _Function(found[0], fuses).sealed(fused), module)
    text = _END.sub(r"\1inbounds \2", text)
    text = text.replace("{ noinline }", "{ nounwind }")  # where Numba's function calls the body
    declared = [f"declare {kind} @{_fma(kind)}({kind}, {kind}, {kind})" for kind in sorted(fused)]
    return "\n".join([text, *[line for line in declared if line.partition("(")[0] not in text], ""])


def _fma(kind: str) -> str:
    """The intrinsic of a kind of numbers."""
    lanes, _, number = kind.strip("<>").rpartition(" x ")
    return f"llvm.fma.{'v' + lanes if lanes else ''}{'f32' if number == 'float' else 'f64'}"


class _Function:
    """One function on its way: lines are taken over one by one, products wait for a sum in the same block."""

    def __init__(self, text: str, fuses: bool) -> None:
        self._fuses = fuses
        self._before = text.split("\n")
        self._uses = Counter(re.findall(_NAME, text))  # its definition counts as well
        self._lines: list[str] = []
        self._waiting: dict[str, tuple[int, str, str]] = {}  # products: their line, their factors
        self._count = 0

    def sealed(self, fused: set[str]) -> str:
        for line in self._before:
            if _LABEL.match(line):
                self._waiting.clear()
            found = _DEFINITION.match(line)
            if found is None or not self._is_written_anew(found[1], found[2], fused):
                self._lines.append(_MARKED.sub("", line) if found else line)
        return "\n".join([line for line in self._lines if line])

    def _is_written_anew(self, name: str, what: str, fused: set[str]) -> bool:
        arithmetic = _ARITHMETIC.match(what)
        if arithmetic and "contract" in arithmetic[2]:
            operation, _, kind, x, y = arithmetic.groups()
            if not self._fuses:
                return False
            if operation != "fmul":
                return self._is_fused(name, operation == "fsub", kind, x, y, fused)
            if self._uses[name] == 2:
                self._waiting[name] = len(self._lines), x, y
            return False
        reduction = _REDUCTION.match(what)
        if reduction and "reassoc" in reduction[1]:
            self._reduce(name, *reduction.groups()[1:])
            return True
        asked = None if self._fuses else _FUSED.match(what)
        if asked:
            kind, x, y, z = asked.groups()
            self._lines.append(f"  {name} = fadd {kind} {self._new(f'fmul {kind} {x}, {y}')}, {z}")
            return True
        return False

    def _is_fused(self, name: str, is_difference: bool, kind: str, x: str, y: str, fused: set[str]) -> bool:
        """A sum or difference with a product that nobody else reads, the first operand before the second."""
        chosen = x if x in self._waiting else y
        if chosen not in self._waiting:
            return False
        line, first, second = self._waiting.pop(chosen)
        self._lines[line] = ""
        other = y if chosen == x else x
        if is_difference and chosen == x:
            other = self._new(f"fneg {kind} {other}")
        elif is_difference:
            first = self._new(f"fneg {kind} {first}")
        self._lines.append(f"  {name} = call {kind} @{_fma(kind)}({kind} {first}, {kind} {second}, {kind} {other})")
        fused.add(kind)
        return True

    def _reduce(self, name: str, number: str, operation: str, lanes: str, start: str, vector: str) -> None:
        """All lanes of a vector made one number: the upper half is joined to the lower one until one lane is left."""
        width, kind = int(lanes), f"<{lanes} x {number}>"
        half = width
        while half > 1:
            half //= 2
            order = ", ".join([f"i32 {half + lane}" if lane < half else "i32 poison" for lane in range(width)])
            upper = self._new(f"shufflevector {kind} {vector}, {kind} poison, <{lanes} x i32> <{order}>")
            vector = self._new(f"{operation} {kind} {vector}, {upper}")
        total = self._new(f"extractelement {kind} {vector}, i64 0")
        self._lines.append(f"  {name} = {operation} {number} {start}, {total}")

    def _new(self, what: str) -> str:
        self._count += 1
        self._lines.append(f"  %sealed.{self._count} = {what}")
        return f"%sealed.{self._count}"
