"""What the inspector asks the session, on the runner's thread; the answers are plain data without anything of Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.explain import Curve, Factors
    from engine.session import Session
    from engine.snapshot import Explanation
    from engine.tape import Step


@dataclass(frozen=True)
class Subject:
    """What the inspector looks at: one node, one row of the batch, one unit."""

    node: str
    row: int = 0
    unit: int = 0


@dataclass(frozen=True)
class Answer:
    """Everything that only the session knows about a subject."""

    subject: Subject
    explanations: tuple[Explanation, ...]
    curve: Curve | None = None
    factors: Factors | None = None


def about(subject: Subject) -> Callable[[Session], Answer]:
    """The question to put to the session."""

    def ask(session: Session) -> Answer:
        from engine.explain import curve, factors

        found = []
        for part in ("forward", "backward", "update"):
            step = step_of(session, subject.node, part)
            explanation = session.explain(step, subject.row, subject.unit) if step is not None else None
            if explanation is not None:
                found.append(explanation)
        place = (subject.node, subject.row, subject.unit)
        return Answer(subject, tuple(found), curve(session, *place), factors(session, *place))

    return ask


def step_of(session: Any, node: str, part: str) -> Step | None:
    """The node's step in a part: the one played last, or the first one while none was."""
    own = [step for step in session.steps if step.node == node and step.part == part]
    last = session.last_step
    played = [step for step in own if last is not None and step.index <= last.index]
    return played[-1] if played else own[0] if own else None
