"""The path above the canvas while somebody stands within composites: every step of it leads back there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QPoint, QPropertyAnimation, QRect, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from app.theme import current_theme

if TYPE_CHECKING:
    from app.canvas.view import CanvasView
    from app.editor import Editor
    from engine.graph import Graph

TOP, SIDE, SLIDE_MS = 12, 16, 160
LONGEST = 28  # letters of a name


class Breadcrumbs(QFrame):
    """`document › block › cell`, hidden at the top. It slides in from above, unless motion is reduced."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view, self._editor = view, view.editor
        self.setObjectName("breadcrumbs")
        self.setAccessibleName("Where you are in the document")
        self.setToolTip("U or Esc leaves a composite")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 4, 10, 4)
        self._row.setSpacing(4)
        self._slide = QPropertyAnimation(self, b"pos", self)
        self._slide.setDuration(SLIDE_MS)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self.buttons: list[QToolButton] = []
        self.hide()
        self._editor.path_changed.connect(self._show_path)
        self._editor.changed.connect(lambda change: self._rename() if change.touches("title", "composites") else None)
        current_theme().changed.connect(self._paint)
        self._paint()

    def _paint(self) -> None:
        palette = current_theme().palette
        self.setStyleSheet(
            f"#breadcrumbs {{ background: {palette.raised}; border: 1px solid {palette.border}; border-radius: 6px; }}"
            f"QToolButton {{ border: none; padding: 2px 4px; color: {palette.text2}; background: transparent; }}"
            f"QToolButton:hover {{ color: {palette.text}; }} QToolButton:disabled {{ color: {palette.text}; }}"
            f"QLabel {{ color: {palette.text3}; background: transparent; }}"
        )

    @property
    def place(self) -> QRect:
        """Where it stands, or will once it has slid in."""
        return QRect(QPoint(SIDE, TOP), self.size())

    def _show_path(self, _: object = None) -> None:
        was_hidden = self.isHidden()
        self._rename()
        self.setVisible(bool(self._editor.path))
        place = self.place.topLeft()
        if self._editor.path and was_hidden and not self._view.reduced_motion:
            self._slide.setStartValue(QPoint(SIDE, -self.height()))
            self._slide.setEndValue(place)
            self._slide.start()
        else:
            self._slide.stop()
            self.move(place)

    def _rename(self) -> None:
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.buttons = []
        names = names_of(self._editor)
        for depth, name in enumerate(names):
            if depth:
                self._add(QLabel("›", self))
            button = QToolButton(self)
            button.setText(name if len(name) <= LONGEST else f"{name[:LONGEST]}…")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setToolTip(name)
            button.setEnabled(depth < len(names) - 1)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(partial(self._go, depth))
            self._add(button)
            self.buttons.append(button)
        self._row.activate()
        self.resize(self.sizeHint())
        self.raise_()

    def _add(self, widget: QWidget) -> None:
        self._row.addWidget(widget)
        widget.show()  # what joins a widget that is seen already stays hidden, and takes no room

    def _go(self, depth: int) -> None:
        self._editor.go_to(self._editor.path[:depth])
        self._view.setFocus()


def names_of(editor: Editor) -> list[str]:
    """The document, then every use that was entered, by what people call them."""
    from engine.composites import composite_of

    graph: Graph = editor.document.graph
    names = [editor.document.title or "Document"]
    for use in editor.path:
        node = graph.nodes[use]
        composite = composite_of(node)
        assert composite is not None
        names.append(node.title or composite.name)
        graph = composite.graph
    return names
