"""The canvas: items for nodes, wires, frames and notes, live numbers, and one file for each mouse mode."""

from app.canvas.search_box import SearchBox
from app.canvas.view import CanvasView

__all__ = ["CanvasView", "SearchBox"]
