"""A rectangular node from afar: icon, name, formula or picture, value and gradient, as large on the screen as ever."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.canvas.geometry import shown_name
from app.canvas.ink import draw_chevron, draw_icon, draw_text, elided, font, ink, width_of
from app.canvas.live import ICONS, LiveState, state_icon
from app.theme import current_theme
from app.theme.mathematics import latex_name

if TYPE_CHECKING:
    from app.canvas.figures import Sheet
    from app.canvas.node_item import DrawnNode

LINES_FROM = 0.8  # zoom below which the lines of a whole node would be too small to be read
LINE = 16.0  # pixels on the screen, as everything here
EDGE, SIDE, ICON = 3.0, 9.0, 14.0
FORMULA_SIZES = (12, 11, 10, 9, 8)  # the largest that fits; letters of 8 beat no formula
NARROW = 84.0  # of a block so narrow, or of one with a long name, the name needs the room of the icon


class Block:
    """Where the parts of a block stand, in pixels of the screen from the node's upper left corner.

    room      between name and numbers: a formula, or a picture that reaches down to the bottom
    numbers   the lines of value and gradient; those for which there is no height are missing
    """

    def __init__(self, item: DrawnNode, zoom: float) -> None:
        self._item = item
        geometry = item.geometry
        width, height = geometry.size[0] * zoom, geometry.size[1] * zoom
        beside = width - SIDE - ICON - 5 - 18  # for the name between icon and mark
        self.has_icon = width >= NARROW and height >= 2 * LINE and _fits(shown_name(item.node), beside)
        left = SIDE + (ICON + 5 if self.has_icon else 0)
        self.name = QRectF(left, 3, beside if self.has_icon else width - left - 3, LINE)
        self.mark = QPointF(width - 10, self.name.center().y())
        below = self.name.bottom() + 2
        count = 0 if not geometry.rule else max(0, min(2, int((height - below - 1) // LINE)))
        top = max(below, height - count * LINE - 4)
        # Close to its name where nothing stands between, so that the eye need not jump.
        top = top if top - below > LINE else below
        self.numbers = [QRectF(SIDE, top + at * LINE, width - SIDE - 3, LINE) for at in range(count)]
        self.room = QRectF(SIDE, below, width - SIDE - 4, top - below - 2)
        self.picture = QRectF(SIDE, below, width - 2 * SIDE, height - below - SIDE)

    def paint_body(self, painter: QPainter, zoom: float) -> None:
        """What rests: the edge in the colour of the category, icon, name, formula."""
        item = self._item
        height = item.geometry.size[1] * zoom
        painter.scale(1 / zoom, 1 / zoom)
        painter.fillRect(QRectF(0, 4, EDGE, height - 8), ink().colour(item.category_token))
        kind = item.node.kind
        if self.has_icon:
            icon = (kind.icon if kind else "") or "square-function"
            draw_icon(painter, SIDE, self.name.center().y() - ICON / 2, icon, item.category_token)
        role = "strong" if self.has_icon else "caption"
        draw_name(painter, self.name, shown_name(item.node), role)
        if item.geometry.formula is None or kind is None or item.geometry.picture is not None:
            return
        for size in FORMULA_SIZES:
            formula = current_theme().mathematics(kind.formula_with(item.node.properties), size)
            if formula.size.width() <= self.room.width() and formula.size.height() <= self.room.height():
                top = self.room.top() + (self.room.height() - formula.size.height()) / 2
                formula.paint(painter, self.room.left(), top + formula.baseline)
                break

    def paint_reason(self, painter: QPainter, reason: str, zoom: float) -> None:
        """What is wrong, where the numbers would stand."""
        if self.numbers:
            painter.save()
            painter.scale(1 / zoom, 1 / zoom)
            painter.setFont(font("caption"))
            painter.setPen(ink().colour("error"))
            place = self.numbers[0].united(self.numbers[-1])
            painter.drawText(place, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, reason)
            painter.restore()

    def write_numbers(self, sheet: Sheet, state: LiveState) -> None:
        """Value and gradient, each behind its chevron where there is room for it."""
        for backward, place, words in zip((False, True), self.numbers, (state.value, state.gradient), strict=False):
            free = place.width() - width_of(words.text, "number_small")
            if free >= 12:
                token = "backward" if backward else "forward"
                tip = QPointF(place.left() + 3, place.center().y())
                sheet.draw(place, partial(draw_chevron, centre=tip, size=3.0, token=token, leftward=backward))
                place = place.adjusted(12, 0, 0, 0)
            if free >= 0:
                sheet.write(place, words.text, "number_small", words.token)

    def paint_mark(self, painter: QPainter, state: LiveState, zoom: float) -> None:
        """The state as a sign in the corner, where the name leaves room: colour alone says nothing."""
        name = state_icon(state, self._item.node.flags)
        if not name or (not self.has_icon and name in ("forward", "backward")):
            return
        painter.save()
        painter.scale(1 / zoom, 1 / zoom)
        if name in ("forward", "backward"):
            draw_chevron(painter, self.mark, 3.5, name, name == "backward")
        else:
            icon, token = ICONS[name]
            draw_icon(painter, self.mark.x() - 6, self.mark.y() - 6, icon, token, 12)
        painter.restore()


def _fits(name: str, width: float) -> bool:
    return bool(latex_name(name)) or width_of(name, "strong") <= width


def draw_name(painter: QPainter, place: QRectF, name: str, role: str) -> float:
    """A symbol as mathematics, anything else as words, cut where it must be; how wide it became."""
    if symbol := latex_name(name):
        mathematics = current_theme().mathematics(symbol, 14)
        if mathematics.size.width() <= place.width():
            mathematics.paint(painter, place.left(), place.center().y() + 4.5)
            return mathematics.size.width()
    words = elided(name, role, place.width())
    draw_text(painter, place, words, role, "text")
    return width_of(words, role)
