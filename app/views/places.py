"""Where views stand: as a document keeps it, and how rectangles on a side become rows, columns and tabs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Rect = tuple[float, float, float, float]  # left, top, width, height

SIDES = ("left", "top", "right", "bottom")
WHOLE: Rect = (0.0, 0.0, 1.0, 1.0)
ROOM_FOR_VIEW = 280  # pixels of width a view wants before it shares a tab bar
SLACK = 0.02  # of a side: hairlines and tab bars lie between neighbours
LEAST_IN_SIGHT = (120.0, 40.0)  # of a window's head, or nobody could take hold of it
FARTHEST, LARGEST = 100_000, 20_000  # pixels that a screen may be away, or a window large


@dataclass(frozen=True)
class Place:
    """Where one view stands.

    side    of the canvas on which it is docked; rect: in parts of that side; views of one rect share a tab bar
    share   how much of the height (width, at the left and right) the side takes
    front   whether it is the one that shows on its tab bar
    window  left, top, width, height in pixels of the desktop where it is torn off, else None
    """

    side: str = "bottom"
    rect: Rect = WHOLE
    share: float = 0.31
    front: bool = True
    window: tuple[int, int, int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """As a document keeps it."""
        if self.window is not None:
            return {"window": list(self.window)}
        kept: dict[str, Any] = {"side": self.side, "rect": list(self.rect), "share": self.share}
        return kept if self.front else {**kept, "front": False}

    @classmethod
    def from_json(cls, value: object) -> Place | None:
        """Out of a document; None for what is no place."""
        if not isinstance(value, Mapping):
            return None
        window = _numbers(value.get("window"), FARTHEST)
        if window is not None and 1 <= window[2] <= LARGEST and 1 <= window[3] <= LARGEST:
            return cls(window=(round(window[0]), round(window[1]), round(window[2]), round(window[3])))
        rect, share, side = _numbers(value.get("rect"), 1.0), value.get("share"), value.get("side")
        if rect is None or side not in SIDES or min(rect) < 0 or rect[2] <= 0 or rect[3] <= 0:
            return None
        share = share if isinstance(share, int | float) and 0 < share < 1 else cls.share
        return cls(str(side), rect, float(share), value.get("front") is not False)


def _numbers(value: object, most: float) -> Rect | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    numbers = [float(each) for each in value if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) != 4 or not all(math.isfinite(each) and abs(each) <= most for each in numbers):
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]


# rows, columns and tabs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A part of a side: views that share a tab bar, or parts beside (`across`) or below each other."""

    rect: Rect
    names: tuple[str, ...] = ()
    parts: tuple[Block, ...] = ()
    across: bool = True

    @property
    def first(self) -> str:
        """The view in the upper left corner."""
        return self.names[0] if self.names else self.parts[0].first

    @property
    def shape(self) -> object:
        """Who stands beside, below and behind whom, without sizes."""
        return frozenset(self.names) if self.names else (self.across, tuple(part.shape for part in self.parts))


def divide(rects: Mapping[str, Rect]) -> Block:
    """The cuts that lead to these rectangles; those that no cut parts share a tab bar.

    rects  name -> rectangle, at least one, in one unit of length
    """
    box = bounds(rects.values())
    for across in (True, False):
        groups = _part(rects, across)
        if len(groups) > 1:
            return Block(box, parts=tuple(divide(group) for group in groups), across=across)
    return Block(box, names=tuple(rects))


def _part(rects: Mapping[str, Rect], across: bool) -> list[dict[str, Rect]]:
    """Groups of rectangles between which a straight line passes, from left to right or from top to bottom."""
    begin, length = (0, 2) if across else (1, 3)
    groups: list[dict[str, Rect]] = []
    reach = -math.inf
    for name, rect in sorted(rects.items(), key=lambda each: each[1][begin]):
        if not groups or rect[begin] >= reach - SLACK:
            groups.append({})
        groups[-1][name] = rect
        reach = max(reach, rect[begin] + rect[length])
    # Within a group the order of the document holds: it is the order of the tabs.
    return [{name: rect for name, rect in rects.items() if name in group} for group in groups]


def bounds(rects: Iterable[Rect]) -> Rect:
    """The smallest rectangle around all."""
    every = list(rects)
    left, top = min(rect[0] for rect in every), min(rect[1] for rect in every)
    right, bottom = max(rect[0] + rect[2] for rect in every), max(rect[1] + rect[3] for rect in every)
    return left, top, right - left, bottom - top


def parts_of(rects: Mapping[str, Rect]) -> dict[str, Rect]:
    """Rectangles in pixels as parts of the one around them, three digits each."""
    left, top, width, height = bounds(rects.values())
    return {
        name: (
            round((rect[0] - left) / (width or 1.0), 3),
            round((rect[1] - top) / (height or 1.0), 3),
            round(rect[2] / (width or 1.0), 3),
            round(rect[3] / (height or 1.0), 3),
        )
        for name, rect in rects.items()
    }


def outline(places: Mapping[str, Place]) -> object:
    """Who is docked where beside whom, and who is torn off: what an undo brings back."""
    sides = {side: {name: place for name, place in docked(places).items() if place.side == side} for side in SIDES}
    shapes = {side: divide({name: each.rect for name, each in on.items()}).shape for side, on in sides.items() if on}
    return shapes, frozenset(name for name, place in places.items() if place.window is not None)


def docked(places: Mapping[str, Place]) -> dict[str, Place]:
    """Those that are not torn off."""
    return {name: place for name, place in places.items() if place.window is None}


def side_by_side(names: Sequence[str], width: float) -> dict[str, Place]:
    """The usual arrangement: beside each other under the canvas; where there is no room, the last ones share tabs."""
    count = max(1, min(len(names), int(width // ROOM_FOR_VIEW)))
    places: dict[str, Place] = {}
    for index, name in enumerate(names):
        column = min(index, count - 1)
        rect = (round(column / count, 3), 0.0, round(1 / count, 3), 1.0)
        places[name] = Place(rect=rect, front=index <= count - 1)
    return places


def joined(places: Mapping[str, Place], name: str, width: float) -> dict[str, Place]:
    """A view more in an arrangement made by hand: the widest of those at the bottom gives half, or a tab."""
    bottom = {other: place for other, place in docked(places).items() if place.side == "bottom"}
    if not bottom:
        return {**places, name: Place()}
    host = max(bottom, key=lambda other: (bottom[other].rect[2], bottom[other].rect[0]))
    rect = bottom[host].rect
    behind = [other for other, place in bottom.items() if place.rect == rect]
    if rect[2] * width < 2 * ROOM_FOR_VIEW:
        hidden = {other: replace(places[other], front=False) for other in behind}
        return {**places, **hidden, name: replace(bottom[host], front=True)}
    half = round(rect[2] / 2, 3)
    kept = {other: replace(places[other], rect=(rect[0], rect[1], half, rect[3])) for other in behind}
    return {**places, **kept, name: replace(bottom[host], rect=(round(rect[0] + half, 3), rect[1], half, rect[3]))}


# windows -------------------------------------------------------------------------------------------------------------


def in_sight(window: tuple[int, int, int, int], screens: Sequence[Rect]) -> tuple[int, int, int, int]:
    """A window as it is where its head can be reached on a screen, else moved onto the first one; never larger."""
    left, top, width, height = window
    for x, y, across, down in screens:
        seen = min(left + width, x + across) - max(left, x)
        if seen >= min(LEAST_IN_SIGHT[0], width) and y <= top <= y + down - LEAST_IN_SIGHT[1]:
            return window
    if not screens:
        return window
    x, y, across, down = screens[0]
    width, height = min(width, int(across)), min(height, int(down))
    left = round(min(max(left, x), x + across - width))
    top = round(min(max(top, y), y + down - height))
    return left, top, width, height
