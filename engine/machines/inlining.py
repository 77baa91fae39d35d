"""Run as a program, in a process of its own: compiles the whole iteration of a tape, and writes the object to its output.

    python inlining.py < request > object

A request is a line of JSON, `{"cpu": …, "features": …, "sealed": [the kernels' files]}`, and the text of a module with the
function `whole`, which calls these kernels with fields that are constants. They are put into it and unrolled. The kernels
are sealed: they come to the same bits here as each by itself. Imports nothing of ours, and so begins in an instant; in a
process of its own because LLVM works under one lock, and an edit must not wait for it.
"""

from __future__ import annotations

import json
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from llvmlite import binding

# Of a loop: as often as it may go round to be done without one, and no longer one is unrolled in part.
UNROLLING = ("-unroll-full-max-count=4", "-unroll-allow-partial=0", "-unroll-runtime=0")
NEAR = 100  # lines from a store to a load that would have to wait for it
ITEM = 4  # bytes of a float
_ASKED = re.compile(r", !llvm\.loop !\d+$", re.MULTILINE)  # for a loop, by who did not know how often it goes round
_NAME = r'%[\w.$-]+|%"[^"]+"'
_LABEL = re.compile(r'(?:"[^"]+"|[\w.$-]+):')
_PLACE = re.compile(rf"^  ({_NAME}) = getelementptr(?: inbounds| nuw| nusw)* i8, ptr %arena, i64 (\d+)$", re.MULTILINE)
_LOAD = re.compile(rf"  ({_NAME}) = load <(\d+) x float>, ptr ({_NAME}), align")
_STORE = re.compile(rf"  store (?:float|<(\d+) x float>) (.+), ptr ({_NAME}), align")
_WRITES = re.compile(r"  (?:store|(?:tail )?call void|.* call (?!.*@llvm\.))")
# Whole numbers that the machine is told, and what only says something to the compiler.
_ELSEWHERE = re.compile(
    r"  store i\d+ [^,]+, ptr %(?:integers|clock|shown|flag|epoch|within)\b|.*@llvm\.(?:assume|experimental\.noalias)"
)
_MASKED = re.compile(
    rf"  (?:tail )?call void @llvm\.masked\.store\.v(\d+)f32\.p0\(<\d+ x float> (.+?), "
    rf"ptr (?:align \d+ )?({_NAME}), <\d+ x i1> (splat \(i1 true\)|<[^>]*>)\)"
)
_AS_WORDS = re.compile(rf"^  ({_NAME}) = bitcast <(\d+) x float> ({_NAME}) to <\d+ x i\d+>$", re.MULTILINE)
_WORD = re.compile(rf"^  ({_NAME}) = extractelement <\d+ x i\d+> ({_NAME}), i64 (\d+)$", re.MULTILINE)
_AS_FLOATS = re.compile(rf"^  ({_NAME}) = bitcast i\d+ ({_NAME}) to <(\d+) x float>$", re.MULTILINE)
_CHOSEN = re.compile(rf"^  ({_NAME}) = select <\d+ x i1> .* x float>", re.MULTILINE)
_STORED = re.compile(rf"^  store (<\d+ x float>) ({_NAME}),", re.MULTILINE)


def whole_object(text: str, sealed: list[bytes], machine: Any) -> bytes:
    """The object of a module's function `whole`, with everything that it calls in these modules of bitcode inlined."""
    module = binding.parse_assembly(text)
    for bitcode in sealed:
        module.link_in(binding.parse_bitcode(bitcode))
    module = binding.parse_assembly(_ASKED.sub("", str(module)))
    for function in module.functions:
        if not function.is_declaration and function.name != "whole":
            function.linkage = "internal"
            function.add_function_attribute("alwaysinline")
    for variable in module.global_variables:
        variable.linkage = "internal"
    _optimise(module, machine, 3)
    text, count = forwarded(str(module))
    if count:
        module = binding.parse_assembly(text)
        _optimise(module, machine, 2)
    module = binding.parse_assembly(respelled(str(module)))
    return machine.emit_object(module)  # type: ignore[no-any-return]


def _optimise(module: Any, machine: Any, level: int) -> None:
    options = binding.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = False  # what can be worked on in vectors is so already
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


# from one instruction to the next ---------------------------------------------------------------------------------------


class _Stored(NamedTuple):
    """What was last written to a place of the arena: a lane of a vector (of 0 lanes: a number), and in which line."""

    value: str
    lane: int
    lanes: int
    line: int


def forwarded(text: str) -> tuple[str, int]:
    """A module in which vectors are put together in registers that were stored in parts just before, and how many.

    A processor hands a stored number on to a load at once, but not several stores to one load: that has to wait until they
    have reached the cache. LLVM does not see to it. Lanes that nothing was stored to are loaded by themselves.
    """
    lines = _Forwarding({"%arena": 0, **{name: int(offset) // ITEM for name, offset in _PLACE.findall(text)}})
    for line in text.split("\n"):
        lines.take(line)
    return "\n".join(lines.done), lines.count


class _Forwarding:
    def __init__(self, places: dict[str, int]) -> None:
        self.done: list[str] = []
        self.count = 0
        self._places = places  # what is known to point where in the arena
        self._stored: dict[int, _Stored] = {}  # in this block
        self._line = self._names = 0

    def take(self, line: str) -> None:
        """Go one line on."""
        self._line += 1
        if _LABEL.match(line):
            self._stored.clear()
        load = _LOAD.match(line)
        if load is None or load[3] not in self._places or not self._is_put_together(load[1], load[2], load[3]):
            self._note(line)
            self.done.append(line)

    def _note(self, line: str) -> None:
        store, masked = _STORE.match(line), _MASKED.match(line)
        if store is not None and store[3] in self._places:
            lanes = int(store[1] or 0)
            for lane in range(lanes or 1):
                self._stored[self._places[store[3]] + lane] = _Stored(store[2], lane, lanes, self._line)
        elif masked is not None and masked[3] in self._places:
            lanes = int(masked[1])
            on = ["true" in entry for entry in masked[4].split(",")] if masked[4].startswith("<") else [True] * lanes
            for lane in range(lanes):
                if on[lane]:
                    self._stored[self._places[masked[3]] + lane] = _Stored(masked[2], lane, lanes, self._line)
        elif _WRITES.match(line) and not _ELSEWHERE.match(line):
            self._stored.clear()  # anything may lie anywhere now

    def _is_put_together(self, name: str, width: str, pointer: str) -> bool:
        first, lanes = self._places[pointer], int(width)
        found = [self._stored.get(first + lane) for lane in range(lanes)]
        last = max((entry.line for entry in found if entry is not None), default=-NEAR)
        if self._line - last >= NEAR or len({entry.value if entry else "" for entry in found}) == 1:
            return False
        self._load_others(first, found)
        joined = ""
        for value, lane_count in dict.fromkeys((entry.value, entry.lanes) for entry in found if entry is not None):
            mine = [entry.lane if entry is not None and entry.value == value else None for entry in found]
            joined = self._joined(joined, value, lane_count, mine)
        order = ", ".join([f"i32 {lane}" for lane in range(lanes)])
        kind = f"<{lanes} x float>"
        self.done.append(f"  {name} = shufflevector {kind} {joined}, {kind} poison, <{lanes} x i32> <{order}>")
        self.count += 1
        return True

    def _load_others(self, first: int, found: list[_Stored | None]) -> None:
        """Load runs of lanes that nothing was stored to."""
        for is_missing, run in groupby(range(len(found)), key=lambda lane: found[lane] is None):
            if is_missing:
                places = list(run)
                count = len(places)
                pointer = self._new(f"getelementptr i8, ptr %arena, i64 {ITEM * (first + places[0])}")
                value = self._new(
                    f"load {'float' if count == 1 else f'<{count} x float>'}, ptr {pointer}, align {ITEM}"
                )
                for number, place in enumerate(places):
                    found[place] = _Stored(value, number, count if count > 1 else 0, self._line)

    def _joined(self, before: str, value: str, count: int, lanes: list[int | None]) -> str:
        """A vector with these lanes of a value, and what it held before in all others."""
        kind, width = f"<{len(lanes)} x float>", len(lanes)
        if count == 0:
            return self._new(f"insertelement {kind} {before or 'poison'}, float {value}, i64 {lanes.index(0)}")
        order = ", ".join(["i32 poison" if lane is None else f"i32 {lane}" for lane in lanes])
        theirs = f"<{count} x float>"
        spread = self._new(f"shufflevector {theirs} {value}, {theirs} poison, <{width} x i32> <{order}>")
        if not before:
            return spread
        order = ", ".join([f"i32 {place if lane is None else width + place}" for place, lane in enumerate(lanes)])
        return self._new(f"shufflevector {kind} {before}, {kind} {spread}, <{width} x i32> <{order}>")

    def _new(self, what: str) -> str:
        self._names += 1
        self.done.append(f"  %forwarded.{self._names} = {what}")
        return f"%forwarded.{self._names}"


# what the code generator is told --------------------------------------------------------------------------------------


def respelled(text: str) -> str:
    """A module that says the same in words of which the code generator makes better code.

    Lanes that are taken out of a vector as one long whole number would be moved one by one. What is chosen between a
    number in memory and a new one, and stored there, would be stored under a mask: who loads it had to wait for the cache.
    """
    whole = {name: (source, lanes) for name, lanes, source in _AS_WORDS.findall(text)}
    parts = {name: (*whole[source], int(place)) for name, source, place in _WORD.findall(text) if source in whole}

    def taken(found: re.Match[str]) -> str:
        name, part, count = found[1], found[2], int(found[3])
        if part not in parts:
            return found[0]
        source, lanes, place = parts[part]
        order = ", ".join([f"i32 {place * count + lane}" for lane in range(count)])
        return (
            f"  {name} = shufflevector <{lanes} x float> {source}, <{lanes} x float> poison, <{count} x i32> <{order}>"
        )

    chosen = set(_CHOSEN.findall(text))

    def stored(found: re.Match[str]) -> str:
        kind, name = found[1], found[2]
        if name not in chosen:
            return found[0]
        new = f"%stored.{found.start()}"
        return f"  {new} = freeze {kind} {name}\n  store {kind} {new},"

    return _STORED.sub(stored, _AS_FLOATS.sub(taken, text))


# the program ------------------------------------------------------------------------------------------------------------


def main() -> None:
    """Answer one request."""
    head, _, text = sys.stdin.buffer.read().partition(b"\n")
    asked = json.loads(head)
    for option in UNROLLING:
        binding.set_option("inlining", option)
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = target_machine(asked["cpu"], asked["features"])
    # Behind the first line, see `engine.machines.objects`, whose digest was looked at by who asks.
    sealed = [Path(file).read_bytes().partition(b"\n")[2] for file in asked["sealed"]]
    sys.stdout.buffer.write(whole_object(text.decode(), sealed, machine))


def target_machine(cpu: str, features: str) -> Any:
    """What generates code for a processor, as Numba asks for it."""
    triple = binding.get_default_triple()
    more = {"reloc": "static"} if triple.startswith("x86") else {}
    target = binding.Target.from_triple(triple)
    return target.create_target_machine(cpu=cpu, features=features, opt=3, codemodel="jitdefault", jit=True, **more)


if __name__ == "__main__":
    main()
