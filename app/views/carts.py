"""Carts that balance poles, as they stand: one track below the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import current_theme
from app.views.base import View

if TYPE_CHECKING:
    from engine.snapshot import Snapshot

Array = np.ndarray[Any, np.dtype[Any]]
MARGIN, LOWEST_TRACK = 14.0, 58.0  # pixels
MOST_TRACKS = 6


class CartsView(View):
    """The first carts of a “cart and pole” node."""

    kind, title, icon = "carts", "Carts", "move"

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def make_body(self) -> QWidget:
        """The plot."""
        return CartsPlot()

    def feed(self, snapshot: Snapshot) -> str:
        """Where the carts are, and how their poles lean."""
        from engine.nodes.worlds import CartPole

        node = next((node for node in self.editor.document.graph if node.kind is CartPole), None)
        if node is None:
            return "There is no cart here. Place “cart and pole” from “Worlds”."
        reading = snapshot.values.get(f"{node.id}.state")
        if reading is None or reading.array is None:
            return "Nothing is computed yet. Press → to step, or Space to play."
        shares = np.asarray(reading.array, np.float64) * CartPole(node.properties).unit / np.array(CartPole.USUAL)
        body = self.body
        assert isinstance(body, CartsPlot)
        body.show_carts(shares)
        return ""

    def describe(self, snapshot: Snapshot) -> str:
        """That there are more than fit."""
        body = self.body
        assert isinstance(body, CartsPlot)
        count = len(body.shares)
        return f"the first {body.tracks} of {count}" if count > body.tracks else ""


class CartsPlot(QWidget):
    """A track from one end to the other for each cart; a pole beyond its limit would reach the marks beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: Array = np.zeros((0, 4))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Carts")
        current_theme().changed.connect(self.update)

    def show_carts(self, shares: Array) -> None:
        """Other states, (games, 4), as shares of the farthest place and the steepest angle."""
        self.shares = shares
        self.update()

    @property
    def tracks(self) -> int:
        """How many carts are drawn."""
        room = int((self.height() - MARGIN) // LOWEST_TRACK)
        return max(1, min(len(self.shares), room, MOST_TRACKS))

    def track(self, place: int) -> QRectF:
        """Where a cart may stand."""
        height = (self.height() - MARGIN) / self.tracks
        return QRectF(MARGIN, MARGIN / 2 + place * height, self.width() - 2 * MARGIN, height)

    def cart(self, place: int) -> QPointF:
        """The middle of a cart."""
        area = self.track(place)
        share = float(np.clip(self.shares[place, 0], -1.1, 1.1))
        return QPointF(area.center().x() + share * (area.width() / 2 - 24), area.bottom() - 18)

    def tip(self, place: int) -> QPointF:
        """The upper end of a pole."""
        angle = float(self.shares[place, 2]) * math.pi / 15  # a share of 1 is 12°
        length = min(self.track(place).height() - 28, 90.0)
        return self.cart(place) + QPointF(math.sin(angle), -math.cos(angle)) * length

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place in range(self.tracks if len(self.shares) else 0):
            area, cart = self.track(place), self.cart(place)
            ground = area.bottom() - 10
            painter.setPen(theme.pen("border_strong", 1.5))
            painter.drawLine(QPointF(area.left(), ground), QPointF(area.right(), ground))
            for end in (area.left() + 24, area.right() - 24):
                painter.drawLine(QPointF(end, ground), QPointF(end, ground + 5))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("c_worlds"))
            painter.drawRoundedRect(QRectF(cart.x() - 16, cart.y() - 6, 32, 12), 3, 3)
            leaning = abs(float(self.shares[place, 2]))
            painter.setPen(theme.pen("neg" if leaning > 0.6 else "pos", 4))
            painter.drawLine(cart, self.tip(place))
