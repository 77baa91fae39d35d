"""Colours, pens and fonts of the theme in force, kept ready: painting asks for them thousands of times a frame."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap

from app.theme import Theme, current_theme
from app.theme.icons import paint_icon
from app.theme.target import paints_vectors


class Ink:
    """What has been asked for once is kept until the theme changes."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._colours: dict[tuple[str, float], QColor] = {}
        self._pens: dict[tuple[str, float, Qt.PenStyle, float], QPen] = {}
        self._pixmaps: dict[tuple[str, str, float], QPixmap] = {}
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._colours.clear()
        self._pens.clear()
        self._pixmaps.clear()
        heat_table.cache_clear()

    def colour(self, token: str, alpha: float = 1.0) -> QColor:
        """The colour of a token."""
        if (found := self._colours.get((token, alpha))) is None:
            found = self._colours[token, alpha] = self.theme.colour(token, alpha)
        return found

    def pen(
        self, token: str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine, alpha: float = 1.0
    ) -> QPen:
        """A cosmetic pen."""
        key = (token, width, style, alpha)
        if (found := self._pens.get(key)) is None:
            found = QPen(self.colour(token, alpha), width, style)
            found.setCosmetic(True)
            self._pens[key] = found
        return found

    def pixmap(self, name: str, token: str, size: float = 14.0) -> QPixmap:
        """An icon, twice as fine as the screen so that it stays sharp when zoomed in."""
        key = (name, token, size)
        if (found := self._pixmaps.get(key)) is None:
            found = self._pixmaps[key] = self.theme.pixmap(name, token, size, 2.0)
        return found


def ink() -> Ink:
    """The ink of this process's theme."""
    global _ink
    theme = current_theme()
    if _ink is None or _ink.theme is not theme:
        _ink = Ink(theme)
    return _ink


_ink: Ink | None = None


@cache
def font(role: str) -> QFont:
    """The font of a role."""
    return current_theme().font(role)


@cache
def metrics(role: str) -> QFontMetricsF:
    """The measurements of a role's font."""
    return QFontMetricsF(font(role))


@lru_cache(maxsize=8192)
def width_of(text: str, role: str) -> float:
    """How wide a text is, in pixels."""
    return metrics(role).horizontalAdvance(text)


def elided(text: str, role: str, width: float) -> str:
    """The text, cut with … where it is wider than `width`."""
    if width_of(text, role) <= width:
        return text
    return metrics(role).elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, width))


_MIDDLE = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_ALIGN = {"left": int(Qt.AlignmentFlag.AlignLeft), "right": int(Qt.AlignmentFlag.AlignRight)}
_ALIGN["middle"] = int(Qt.AlignmentFlag.AlignHCenter)


def draw_text(painter: QPainter, rectangle: QRectF, text: str, role: str, token: str, align: str = "left") -> None:
    """One line of text in a rectangle, in the middle of its height."""
    painter.setFont(font(role))
    painter.setPen(ink().colour(token))
    painter.drawText(rectangle, _MIDDLE | _ALIGN[align], text)


def draw_plate(painter: QPainter, place: QRectF, token: str, alpha: float, radius: float = 4.0) -> None:
    """A rounded rectangle without an edge, from a picture that is kept: painting one takes a quarter of a millisecond."""
    if paints_vectors():
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink().colour(token, alpha))
        painter.drawRoundedRect(place, radius, radius)
        return
    scale = painter.worldTransform().m11() * painter.device().devicePixelRatio()
    size = (round(place.width() * scale), round(place.height() * scale))
    if min(size) > 0:
        painter.drawPixmap(place, _plate(size, ink().colour(token, alpha).rgba(), radius * scale), QRectF(0, 0, *size))


@lru_cache(maxsize=256)
def _plate(size: tuple[int, int], colour: int, radius: float) -> QPixmap:
    pixmap = QPixmap(*size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor.fromRgba(colour))
    painter.drawRoundedRect(pixmap.rect(), radius, radius)
    painter.end()
    return pixmap


def draw_icon(painter: QPainter, x: float, y: float, name: str, token: str, size: float = 14.0) -> None:
    """An icon with its upper left corner at a point."""
    if paints_vectors():
        paint_icon(painter, QRectF(x, y, size, size), name, ink().colour(token).name())
        return
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    pixmap = ink().pixmap(name, token, size)
    painter.drawPixmap(QRectF(x, y, size, size), pixmap, QRectF(pixmap.rect()))


def draw_chevron(painter: QPainter, centre: QPointF, size: float, token: str, leftward: bool) -> None:
    """A chevron: rightward for forward, leftward for backward."""
    painter.setPen(ink().pen(token, 1.5))
    tip = -size / 2 if leftward else size / 2
    x, y = centre.x(), centre.y()
    painter.drawPolyline(
        [QPointF(x - tip / 1.6, y - size), QPointF(x + tip / 1.6, y), QPointF(x - tip / 1.6, y + size)]
    )


@cache
def heat_table() -> np.ndarray:
    """The diverging scale as 256 pixels."""
    return np.array([QColor(*map(int, row)).rgb() for row in current_theme().diverging], np.uint32)


def heat_image(shares: np.ndarray) -> QImage:
    """An image of numbers (down, across) from -1 to 1 on the diverging scale; where one is NaN the node shows through."""
    down, across = shares.shape
    gaps = np.isnan(shares)
    # Pixels, not a colour table: enlarging those takes a fifth of the time.
    colours = heat_table()[(np.where(gaps, 0.0, shares) * 127.5 + 128.0).astype(np.uint8)]
    colours[gaps] = ink().colour("raised").rgb()
    return QImage(colours.tobytes(), across, down, 4 * across, QImage.Format.Format_RGB32).copy()
