"""Where something may float over the window, and what it had better not cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

from app.panels.tour import (
    CANVAS_WEIGHT,
    CORNER_WEIGHT,
    FORMULA_WEIGHT,
    NODE_WEIGHT,
    PANEL_WEIGHT,
    TARGET_WEIGHT,
    VIEW_WEIGHT,
)

if TYPE_CHECKING:
    from app.window import MainWindow
    from app.workspace import Workspace

SMALL_CANVAS = QSize(800, 560)  # below, a bubble beside its node drives the formula onto other nodes
ROOM_FOR_NOTICE = 480  # pixels of width, or it stands in the middle of the page
MARGIN = 8


class Rooms:
    """Answers in the coordinates of the window. Asked anew each time: docks, panels and nodes move."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @property
    def _workspace(self) -> Workspace | None:
        return self._window.workspace if self._window.has_document else None

    def whole(self) -> QRect:
        """Over canvas and panels, never over top bar and player."""
        page = self._window.pages.geometry()
        bottom = 0 if self._workspace is None else self._workspace.player.height()
        return page.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN - bottom)

    def over_canvas(self) -> QRect:
        """For something wide, which leaves tabs and fields of the panels alone."""
        canvas = None if self._workspace is None else self._workspace.locate_panel("canvas")
        over = self.whole() if canvas is None else self._from_workspace(canvas).intersected(self.whole())
        return over if over.width() >= ROOM_FOR_NOTICE else self.whole()

    def locate(self, name: str) -> QRect | None:
        """Where a node or a panel stands; None where it cannot be seen."""
        found = None if self._workspace is None else self._workspace.locate(name)
        return None if found is None else self._from_workspace(found)

    def keep_clear(self) -> list[tuple[QRect, float]]:
        """What a bubble had better not cover, and how bad that is: nodes and what floats over them, and panels."""
        workspace = self._workspace
        if workspace is None:
            return []
        nodes = [(workspace.locate(name), NODE_WEIGHT) for name in self._window.editor.shown.graph.nodes]
        read = workspace.inspector.node_page.isVisible()  # formulas stand there, with the numbers of the step
        is_small = not workspace.canvas.rect().contains(QRect(QPoint(0, 0), SMALL_CANVAS))
        weights = {
            "palette": PANEL_WEIGHT,
            "inspector": FORMULA_WEIGHT if read else PANEL_WEIGHT,
            "canvas": CANVAS_WEIGHT if is_small else 0.0,
        }
        panels = [(workspace.locate_panel(name), weight) for name, weight in weights.items()]
        panels += [
            (workspace.locate_panel(name), PANEL_WEIGHT if view.reason else VIEW_WEIGHT)
            for name, view in workspace.views.items()
        ]
        over_canvas = [(each, CORNER_WEIGHT) for each in workspace.canvas.corners()]
        over_canvas += [(workspace.canvas.formula_note.paper, NODE_WEIGHT)]
        corner = workspace.canvas.mapTo(workspace, QPoint(0, 0))
        floating = [(each.toRect().translated(corner), weight) for each, weight in over_canvas]
        search = workspace.canvas.search  # what is typed into, and under the hand at the moment
        boxes = [] if search is None else [(QRect(search.mapTo(workspace, QPoint(0, 0)), search.size()), TARGET_WEIGHT)]
        every = (*nodes, *panels, *boxes, *floating)
        return [
            (self._from_workspace(rect), weight) for rect, weight in every if rect is not None and not rect.isEmpty()
        ]

    def floating_over_canvas(self) -> list[QRect]:
        """Where the tour's bubble and what is told float, in the coordinates of the canvas."""
        window, workspace = self._window, self._window.workspace
        if workspace is None:
            return []
        floating: tuple[QWidget, ...] = (window.tour, window.preparing, window.notice)
        return [
            QRect(workspace.canvas.mapFromGlobal(each.mapToGlobal(QPoint(0, 0))), each.size())
            for each in floating if each.isVisible()
        ]  # fmt: skip

    def _from_workspace(self, rect: QRect) -> QRect:
        assert self._workspace is not None
        return QRect(self._workspace.mapTo(self._window, rect.topLeft()), rect.size())
