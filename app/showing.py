"""What a snapshot tells besides the numbers of its moment: the formula that is looked at, and what an edit has left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.remains import Remains

if TYPE_CHECKING:
    from engine.session import Session
    from engine.snapshot import Explanation, Snapshot
    from engine.tape import Step


class Showing:
    """Makes the snapshots of one document.

    focus    node, row and unit whose formula they explain; an empty id: that of the last step
    remains  the numbers that an edit has left
    """

    def __init__(self) -> None:
        self.focus = ("", 0, 0)
        self.remains = Remains()

    def snapshot_of(self, session: Session, revision: int, nodes_per_second: float | None) -> Snapshot:
        """What is to be seen now; with the rate at which nodes are played, where a speed was chosen."""
        snapshot = session.snapshot()
        rate = snapshot.rate if nodes_per_second is None else nodes_per_second / len(session.steps)
        told = self._explanation(session) if self.focus[0] else snapshot.explanation
        snapshot = replace(snapshot, revision=revision, rate=rate, explanation=told, stepped=snapshot.explanation)
        return self.remains.filled(snapshot)

    def _explanation(self, session: Session) -> Explanation | None:
        """The formula of the focused node's latest step, or of its first one while none was played."""
        node, row, unit = self.focus
        own = [step for step in session.steps if step.node == node]
        if not own:
            return None
        last: Step | None = session.last_step
        played = [step for step in own if last is not None and step.index <= last.index]
        return session.explain(played[-1] if played else own[0], row, unit)
