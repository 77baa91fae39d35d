"""Nodes at which playing stands still, and running up to one of them. Nothing of it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


def run_to_here(view: CanvasView) -> None:
    """Have the run go on until the selected node was played."""
    view.run_to_asked.emit(f"{view.editor.prefix}{_only(view)}")


def toggle_stops(view: CanvasView) -> None:
    """Let playing stand still at the selected nodes, or no more where it does at all of them."""
    chosen = {f"{view.editor.prefix}{name}" for name in view.editor.selection if name in view.canvas.nodes}
    if not chosen:
        raise ProblemError(Problem("no node is selected to stop at", "Click one first.", kind="selection"))
    view.canvas.stops = view.canvas.stops - chosen if chosen <= view.canvas.stops else view.canvas.stops | chosen
    view.canvas.show_stops()
    view.stops_changed.emit(view.canvas.stops)


def _only(view: CanvasView) -> str:
    node = view.hand.node
    if node is None:
        raise ProblemError(Problem("one node is run to at a time", "Select it first.", kind="selection"))
    return node
