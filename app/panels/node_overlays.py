"""What opens beside a node: its properties (double click), and help on it with the numbers of this moment (F1)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QTimer
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.panels.overlay import Overlay

if TYPE_CHECKING:
    from app.panels.inspector.curve import CurvePicture
    from app.panels.inspector.formulas import Formulas
    from app.window import MainWindow
    from engine.graph import Node

SETTINGS_WIDTH, HELP_WIDTH, TALLEST, GAP = 340, 420, 560, 12
QUESTION, FORMULA_SIZE = "help", 17


class NodeOverlay(Overlay):
    """Stands beside one node; rows of its own in a column that scrolls."""

    def __init__(self, window: MainWindow, width: int) -> None:
        super().__init__(window)
        self._main, self._width = window, width
        self._node = ""
        self._area = QScrollArea()
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self._area)

    @property
    def node(self) -> Node | None:
        """The node it is about; None once that is gone."""
        return self._main.editor.shown.graph.nodes.get(self._node)

    def open_for(self, node: str) -> None:
        """Open beside a node."""
        self._node = node
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        if (found := self.node) is not None:
            self.fill(column, found)
            column.addStretch(1)
            self._area.setWidget(body)  # and the one before it is gone
            self.open()

    def fill(self, column: QVBoxLayout, node: Node) -> None:
        """Put in what there is to say."""
        raise NotImplementedError

    def place(self) -> None:
        """Right of the node, or left of it where there is more room; always within the window."""
        window, page, body = self._main, self._main.workspace, self._area.widget()
        height = min(TALLEST, window.height() - 2 * GAP, (body.sizeHint().height() if body is not None else 0) + 12)
        beside = page.locate(self._node) if page is not None else None
        spot = QRect(window.rect().center(), window.rect().center())
        if page is not None and beside is not None:
            spot = QRect(page.mapTo(window, beside.topLeft()), beside.size())
        right = spot.right() + GAP
        x = right if right + self._width < window.width() else spot.left() - GAP - self._width
        x = max(GAP, min(x, window.width() - self._width - GAP))
        self.setGeometry(x, max(GAP, min(spot.top(), window.height() - height - GAP)), self._width, height)


class NodeSettings(NodeOverlay):
    """The properties of one node at the node."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, SETTINGS_WIDTH)

    def fill(self, column: QVBoxLayout, node: Node) -> None:
        """A row for each property that no wire sets."""
        from app.canvas.geometry import shown_name
        from app.panels.fields.properties import PropertyRow

        column.addWidget(_heading(shown_name(node)))
        editor = self._main.editor
        wired = {wire.target_port for wire in editor.shown.graph.wires_into(node.id)}
        fields = node.kind.properties() if node.kind is not None else {}
        for name, field in fields.items():
            if name in wired:
                continue
            row = PropertyRow(
                field,
                node.properties.get(name, field.default),
                lambda name, value, gesture: editor.set_property(self._node, name, value, gesture),
                editor.new_gesture,
            )
            row.reset_asked.connect(lambda name: self._main.attempt(lambda: editor.reset_property(self._node, name)))
            column.addWidget(row)
        if not fields:
            column.addWidget(_words("It has no properties."))

    def take_focus(self) -> None:
        """Typing goes to the first field."""
        from app.workspace import focus_first

        super().take_focus()
        if (body := self._area.widget()) is not None:
            focus_first(body)


class NodeHelp(NodeOverlay):
    """What a node type is for: in words, as a formula, as its curve, and forward and backward with this node's numbers."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window, HELP_WIDTH)
        window.runner.answered.connect(self._take_answer)

    @cached_property
    def formulas(self) -> Formulas:
        """The live example."""
        from app.panels.inspector.formulas import Formulas

        return Formulas()

    @cached_property
    def curve(self) -> CurvePicture:
        """What bends the numbers, with its slope."""
        from app.panels.inspector.curve import CurvePicture

        return CurvePicture()

    def fill(self, column: QVBoxLayout, node: Node) -> None:
        """The words at once; the numbers when the session has answered."""
        from app.panels.fields.section import Symbol
        from app.panels.inspector.questions import Subject, about

        for kept in (self.formulas, self.curve):
            kept.setParent(None)
        kind = node.kind
        column.addWidget(_heading(kind.title if kind is not None else node.type))
        column.addWidget(_words(kind.help() if kind is not None else "This version does not know the type."))
        if kind is not None and (formula := kind.formula_with(node.properties)):
            column.addWidget(Symbol(formula, FORMULA_SIZE))
        self.formulas.show_explanations((), "")
        column.addWidget(self.formulas)
        column.addWidget(self.curve)
        self.curve.hide()
        subject = Subject(f"{self._main.editor.prefix}{node.id}")
        self._main.runner.ask(QUESTION, about(subject))

    def _take_answer(self, name: str, answer: object) -> None:
        from app.panels.inspector.questions import Answer

        node = self.node
        if name != QUESTION or not isinstance(answer, Answer) or node is None or not self.isVisible():
            return
        self.formulas.show_explanations(answer.explanations, "", node.name)
        if answer.curve is not None:
            self.curve.show_curve(answer.curve)
            self.curve.show()
        QTimer.singleShot(0, self.place)  # once the formulas have been laid out


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("level", "title")
    return label


def _words(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("level", "2")
    label.setWordWrap(True)
    return label
