"""Room for what grows: what lies to the right moves right, what is in the way above and below moves away."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF

GAP = 24.0  # pixels that stay free above and below


def make_room(areas: Mapping[str, QRectF], name: str, after: QRectF) -> dict[str, QPointF]:
    """How far everything else moves (those that do) when one thing takes the place `after`; what shrinks moves nothing.

    Nothing that stood apart overlaps afterwards: the right half of the plane moves as one, and what is pushed up or down
    pushes what it meets.
    """
    before = areas[name]
    across = max(0.0, after.right() - before.right())
    offsets = {
        other: QPointF(across, 0.0)
        for other, area in areas.items()
        if across and other != name and area.left() >= before.right() - 1
    }
    others = {other: area for other, area in areas.items() if other != name and other not in offsets}
    for upwards in (True, False):
        offsets |= _pushed(others, before, after, upwards)
    return offsets


def close_gap(areas: Mapping[str, QRectF], name: str, before: QRectF) -> dict[str, QPointF]:
    """How far all that lies to the right moves back when one thing has shrunk from `before` to where it is in `areas`."""
    behind = {other: area for other, area in areas.items() if other != name and area.left() >= before.right() - 1}
    free = before.right() - areas[name].right()
    for area in behind.values():
        level = area.adjusted(0, -GAP, 0, GAP)
        for other, fixed in areas.items():
            beside = fixed.top() < level.bottom() and fixed.bottom() > level.top()
            if other not in behind and other != name and beside:
                free = min(free, area.left() - fixed.right() - GAP)
    return {other: QPointF(-free, 0.0) for other in behind} if free > 0 else {}


def _pushed(others: Mapping[str, QRectF], before: QRectF, after: QRectF, upwards: bool) -> dict[str, QPointF]:
    """What lies on one side of the middle, from the nearest outwards, moved clear of what has moved already."""
    middle = before.center().y()
    side = {name: area for name, area in others.items() if (area.center().y() < middle) == upwards}
    order = sorted(side, key=lambda name: -side[name].bottom() if upwards else side[name].top())
    pushing, offsets = [after], {}
    for name in order:
        area = side[name]
        for other in pushing:
            if area.intersects(other.adjusted(0, -GAP + 1, 0, GAP - 1)):
                down = other.top() - GAP - area.bottom() if upwards else other.bottom() + GAP - area.top()
                area = area.translated(0, down)
        if area != side[name]:
            offsets[name] = QPointF(0.0, area.top() - side[name].top())
            pushing.append(area)
    return offsets
