"""The nodes of a scene: each is measured at once, and has an item when somebody first asks for it.

Of five thousand nodes a screen shows a few hundred; from afar it shows rectangles, which need no items at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.canvas.geometry import Geometry
    from app.canvas.node_item import DrawnNode


class DrawnNodes(Mapping[str, "DrawnNode"]):
    """Items by node id. To walk `values` or `items` makes them all; `made` has those that there are.

    geometries  of all nodes, in the order in which they came
    colours     tokens of their categories
    """

    def __init__(self, make: Callable[[str], DrawnNode]) -> None:
        self._make = make
        self.geometries: dict[str, Geometry] = {}
        self.colours: dict[str, str] = {}
        self.made: dict[str, DrawnNode] = {}

    def __getitem__(self, name: str) -> DrawnNode:
        found = self.made.get(name)
        if found is None:
            if name not in self.geometries:
                raise KeyError(name)
            found = self.made[name] = self._make(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.geometries

    def __iter__(self) -> Iterator[str]:
        return iter(self.geometries)

    def __len__(self) -> int:
        return len(self.geometries)

    def drop(self, name: str) -> DrawnNode | None:
        """Forget a node; its item, if it had one."""
        del self.geometries[name], self.colours[name]
        return self.made.pop(name, None)

    def clear(self) -> None:
        """Another document."""
        self.geometries.clear()
        self.colours.clear()
        self.made.clear()
