"""What a canvas asks with a line to type in: which node to add, what to put in a place, what to look for."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, Signal
from PySide6.QtWidgets import QWidget

from app.canvas.actions import attempt
from app.canvas.find_box import FindBox
from app.canvas.gesture_view import GestureView
from app.canvas.search_box import SearchBox
from app.editor import Editor
from engine.problems import Problem, ProblemError


class AskingView(GestureView):
    """Opens search boxes over itself; only ever built as a CanvasView."""

    searching = Signal()  # a search box has opened over the canvas, or has gone

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(editor, parent)
        self.finding: FindBox | None = None

    def look_for(self) -> None:
        """Look for something by words."""
        if self.finding is None:
            self.finding = FindBox(self.whole)

    def open_search(self, point: QPointF, wire_from: str | None = None, wire_to: str | None = None) -> None:
        """Ask which node to add at a point; only types that fit the wire, where there is one."""
        types = self.editor.fitting_types(wire_from, wire_to)
        address = (wire_from or wire_to or "").replace(".", " · ")
        caption = f"What takes {address}" if wire_from else f"What can feed {address}" if wire_to else ""

        def add(name: str) -> None:
            place = (round(point.x()), round(point.y() - 20))
            self.editor.select([self.editor.add_node(name, place, wire_from, wire_to)])

        self.show_search(SearchBox(self, types, caption), self.mapFromScene(point), add)

    def open_swap(self, names: list[str]) -> None:
        """Ask for another type in the place of some nodes."""
        if not names:
            raise ProblemError(
                Problem("nothing is selected whose type can be exchanged", "Select a node.", kind="selection")
            )
        nodes = self.canvas.graph.nodes
        whom = nodes[names[0]].name if len(names) == 1 else f"{len(names)} nodes"
        box = SearchBox(self, self.editor.fitting_types(), f"In the place of {whom}")
        place = self.whole.rectangle_on_screen(self.canvas.area_of(names[0])).bottomLeft()
        self.show_search(box, place, lambda name: self.editor.swap_type(names, name))

    def show_search(self, box: SearchBox, place: QPoint, choose: Callable[[str], object]) -> None:
        """Open a search box at a place of the view; what is chosen is brought into sight."""

        def take(name: str) -> None:
            attempt(self.whole, lambda _: choose(name))
            self.camera.reveal(self.canvas.content_area(self.editor.selection), glide=True)

        # A child of the view, as what stands in its corners is: it has to lie over that.
        self.search = box
        box.chosen.connect(take)
        box.closed.connect(self._search_closed)
        box.open_at(place)
        self.searching.emit()

    def _search_closed(self) -> None:
        self.search = None
        self.setFocus()
        self.searching.emit()
