"""Who watches what is drawn beside the way to an objective: a NaN there reaches no loss, and would pass unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.program import Call, Value

if TYPE_CHECKING:
    from engine.lowering import Lowered


def watch_side_branches(result: Lowered, before: Lowered) -> None:
    """Let what is drawn but leads to no objective and no update raise the flag too, behind the calls of its own step."""
    program, drawn = result.program, result.learned.drawn
    followed = set(program.objectives)
    for call in program.calls[drawn:]:
        if call.origin.part != "backward" or call.primitive.writes:  # derivatives read only what leads to an objective
            followed.update(call.operands)
    for call in reversed(program.calls[:drawn]):
        if call.result in followed or call.primitive.writes:
            followed.update(call.operands)
    loose = {
        value.index: value
        for value in program.outputs.values()
        if value not in followed and value.call is not None and value.kind == "real"
    }
    if loose:
        _raise_flags(loose, result, before)


def _raise_flags(loose: dict[int, Value], result: Lowered, before: Lowered) -> None:
    program, build, begun = result.program, result.program.build, len(result.program.calls)
    known, kept = before.learned.flags, result.learned.flags
    flags: dict[tuple[str, int], list[Call]] = {}
    for value in loose.values():
        assert value.call is not None
        origin, flag = value.call.origin, known.get(value.index)
        if flag is None or flag.origin != origin:
            build.origin = origin
            flag = build.emit("non_finite_flag", value).call
            assert flag is not None
        kept[value.index] = flag
        flags.setdefault((origin.node, origin.time), []).append(flag)
    rest = program.calls[result.learned.drawn : begun]
    program.calls = calls = []
    for segment in result.segments.values():
        calls += segment.calls
        mine = flags.get((segment.origin.node, segment.origin.time))
        if mine is not None:
            calls += mine
    calls += rest
