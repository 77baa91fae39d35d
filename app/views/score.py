"""What agents are paid, over time: a line for each score node."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, product
from typing import TYPE_CHECKING

from app.views.curves import OF_PHASES, STYLES, CurveView, Line

if TYPE_CHECKING:
    from engine.graph import Node
    from engine.snapshot import Snapshot

WORDS = {"average": "paid a move", "gain": "paid a game", "length": "moves a game"}


class ScoreCurve(CurveView):
    """The averages that score nodes keep; what each of them draws is a property of the node."""

    kind, title, icon = "score", "Score", "trending-up"

    def _drawing(self) -> list[Node]:
        """The score nodes that draw a line."""
        graph = self.editor.document.graph
        return [node for node in graph if node.type == "score" and node.properties.get("every", True)]

    def lines_now(self) -> Sequence[Line]:
        """A line for each of them, by its name."""
        looks = cycle(product(STYLES, OF_PHASES))
        return [
            Line(f"{node.id}.curve", node.name, token, style)
            for node, (style, token) in zip(self._drawing(), looks, strict=False)
        ]

    def describe(self, snapshot: Snapshot) -> str:
        """What the lines count, where all count the same."""
        curves = {node.properties.get("curve", "average") for node in self._drawing()}
        return WORDS[curves.pop()] if len(curves) == 1 else ""

    def missing(self, snapshot: Snapshot) -> str:
        """No score node, or no iteration yet."""
        if not self.lines_now():
            return "Scores are kept by a score node. Place one, and wire reward and done of “take action” to it."
        return super().missing(snapshot)
