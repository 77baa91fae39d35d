"""Who watches what is drawn beside the way to an objective: a NaN there reaches no loss, and would pass unseen."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from engine.stretch import Stretch
from engine.values import Value

if TYPE_CHECKING:
    from engine.lowering import Lowered


def watch_side_branches(result: Lowered, before: Lowered, rules: int) -> None:
    """Let what is drawn but leads to no objective and no rule raise the flag too, behind the calls of its own step.

    rules  where among the stretches the updates begin that need no objective: the others read only what leads to one
    """
    program, drawn = result.program, result.learned.drawn
    followed = set(program.objectives)
    followed.update(chain.from_iterable([stretch.operands for stretch in result.stretches[rules:]]))
    learning = chain.from_iterable([reverse.stretches for reverse in result.learned.phases])
    for stretch in [stretch for stretch in learning if stretch.written]:
        followed.update(chain.from_iterable([call.operands for call in stretch if call.primitive.writes]))
    for stretch in reversed(result.stretches[:drawn]):
        end = stretch.end
        if end is None:
            followed.update(stretch.behind(followed))
        elif end in followed:
            followed.update(stretch.operands)
        elif len(stretch) > 1 and not stretch.results.isdisjoint(followed):
            followed.update(stretch.behind(followed))
    loose = {
        value.index: value
        for value in program.outputs.values()
        if value not in followed and value.call is not None and value.kind == "real"
    }
    if loose:
        _raise_flags(loose, result, before)


def _raise_flags(loose: dict[int, Value], result: Lowered, before: Lowered) -> None:
    program, build = result.program, result.program.build
    known, kept = before.learned.flags, result.learned.flags
    drawn, rest = result.stretches[: result.learned.drawn], result.stretches[result.learned.drawn :]
    ends = dict(zip(program.steps, range(1, len(drawn) + 1), strict=False))  # of the stretch that each node came to
    flags: dict[int, list[Stretch]] = {}
    for value in loose.values():
        assert value.call is not None
        origin, flag = value.call.origin, known.get(value.index)
        if flag is None or flag[0].origin != origin:
            build.origin = origin
            flag = Stretch([call for call in [build.emit("non_finite_flag", value).call] if call is not None])
        kept[value.index] = flag
        flags.setdefault(ends[origin], []).append(flag)
    stretches, begin = list[Stretch](), 0
    for end in sorted(flags):
        stretches += drawn[begin:end]
        stretches += flags[end]
        begin = end
    result.stretches = stretches = [*stretches, *drawn[begin:], *rest]
    program.calls = list(chain.from_iterable(stretches))
