"""Minimap and zoom control, in the lower corners of the canvas."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from app.canvas.ink import font, ink
from app.canvas.live import LiveState
from app.theme import current_theme

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

AT_REST = LiveState()
MOST_AT_ONCE, LATE_MS = 1000, 120  # nodes: a map of more is drawn when nothing has moved for a while
DOT = 1.0  # pixels of the map
MAP, SMALL_MAP, SMALL_CANVAS = QSize(156, 104), QSize(108, 72), 800


class Minimap(QWidget):
    """The whole graph small, with the part in view; dragging moves the view."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self._picture: QPixmap | None = None
        self._shown = (QRectF(), 0.0)
        self._content: QRectF | None = None
        self._boxes: dict[tuple[str, bool], list[QRectF]] = {}
        self._late = QTimer(self, singleShot=True, interval=LATE_MS)
        self._late.timeout.connect(self._draw_anew)
        self.resize(MAP)
        current_theme().changed.connect(self._draw_anew)
        view.editor.changed.connect(lambda change: self._draw_anew() if "reset" in change.kinds else None)
        self.setToolTip("Drag to move the view (Alt+M hides the map)")
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def fit_to(self, width: int) -> None:
        """Take less room on a narrow canvas."""
        self.resize(SMALL_MAP if width < SMALL_CANVAS else MAP)
        self.refresh()

    def _frame(self) -> tuple[QRectF, float, QPointF]:
        """What is shown (scene pixels), the scale, and the place of its upper left corner."""
        if self._content is None:
            self._content = self._view.canvas.content_area()
            self._collect()
        area = self._content.united(self._view.visible_area())
        inner = QRectF(self.rect()).adjusted(6, 6, -6, -6)
        scale = min(inner.width() / max(area.width(), 1), inner.height() / max(area.height(), 1))
        corner = inner.center() - QPointF(area.width(), area.height()) * (scale / 2)
        return area, scale, corner

    def refresh(self) -> None:
        """Something moved: draw the map anew when it is next seen; of a large graph when the hand pauses."""
        if len(self._view.canvas.nodes) > MOST_AT_ONCE and self._content is not None:
            self._late.start()
        else:
            self._draw_anew()

    def _draw_anew(self) -> None:
        self._picture = self._content = None
        self.update()

    def _collect(self) -> None:
        """Rectangles by colour and shape."""
        self._boxes = defaultdict(list)
        canvas = self._view.canvas
        names, made = list(canvas.nodes), canvas.nodes.made
        for name, body in zip(names, canvas.bodies(names), strict=True):
            state = made[name].live.state if name in made else AT_REST
            token = "error" if state.reason or state.born else state.phase or canvas.nodes.colours[name]
            self._boxes[token, canvas.nodes.geometries[name].circle is not None].append(body)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The kept picture of the graph (the map is repainted with every frame beneath it), and the view's rectangle."""
        area, scale, corner = self._frame()
        if self._picture is None or self._shown != (area, scale):
            self._shown = (area, scale)
            ratio = self.devicePixelRatioF()
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._picture)
            self._draw(inner, area, scale, corner)
            inner.end()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._picture)
        painter.setPen(ink().pen("accent"))
        view = self._view.visible_area()
        place = QRectF(corner + (view.topLeft() - area.topLeft()) * scale, view.size() * scale)
        painter.drawRoundedRect(place.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)

    def _draw(self, painter: QPainter, area: QRectF, scale: float, corner: QPointF) -> None:
        """Frames, dots and nodes by category, many in one call."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(ink().pen("border"))
        painter.setBrush(ink().colour("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.translate(corner)
        painter.scale(scale, scale)
        painter.translate(-area.topLeft())
        canvas = self._view.canvas
        painter.setBrush(ink().colour("border", 0.6))
        painter.drawRects([frame.area for frame in canvas.frames.values()])
        painter.setBrush(ink().colour("text2", 0.85))
        for dot in canvas.dots.values():
            painter.drawEllipse(dot.place, DOT / scale, DOT / scale)
        for (token, is_round), rectangles in self._boxes.items():
            painter.setBrush(ink().colour(token, 0.85))
            if is_round:
                for place in rectangles:
                    painter.drawEllipse(place)
            else:
                painter.drawRects(rectangles)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Centre the view at the point."""
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Centre the view at the point."""
        area, scale, corner = self._frame()
        self._view.centre_at(area.topLeft() + (event.position() - corner) / scale)


class ZoomControl(QFrame):
    """Fit, smaller, larger, and the zoom in per cent (a click shows 100 %)."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self.setObjectName("zoomControl")
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 3, 8, 3)
        row.setSpacing(2)
        self.buttons = {}
        for name, tip, press in (
            ("maximize", "Fit all (Home)", lambda: view.fit()),
            ("minus", "Zoom out (−)", lambda: view.zoom_by(1 / 1.25)),
            ("plus", "Zoom in (+)", lambda: view.zoom_by(1.25)),
        ):
            button = self.buttons[name] = QToolButton(self)
            button.setAutoRaise(True)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setIconSize(QSize(16, 16))
            button.setFixedSize(26, 26)
            current_theme().set_icon(button, name)
            button.clicked.connect(press)
            row.addWidget(button)
        self.text = QLabel("100 %", self)
        self.text.setFont(font("number"))
        self.text.setMinimumWidth(46)
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.text.setToolTip("Zoom of the canvas")
        row.addWidget(self.text)
        current_theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        palette = current_theme().palette
        self.setStyleSheet(
            f"#zoomControl {{ background: {palette.surface}; border: 1px solid {palette.border}; border-radius: 6px; }}"
            f"#zoomControl QLabel {{ color: {palette.text2}; border: none; background: transparent; }}"
            "#zoomControl QToolButton { border: none; background: transparent; border-radius: 4px; }"
            f"#zoomControl QToolButton:hover {{ background: {palette.hover}; }}"
        )

    def show_zoom(self, zoom: float) -> None:
        """Say how large the canvas is shown."""
        self.text.setText(f"{round(zoom * 100)} %")
