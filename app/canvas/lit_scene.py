"""What stands out on the canvas while something is done with it: the selection, ports, wires about to be cut."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject

from app.canvas.resting_scene import RestingScene


class LitScene(RestingScene):
    """Lights what it is told to; a node that has no item yet is lit as soon as it gets one."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.lit: frozenset[str] | None = None  # ports that would take the wire being pulled

    def show_selection(self, selection: set[str]) -> None:
        """Exactly these are selected: nodes, wires, frames, notes and dots."""
        for name in selection | self.selected:
            if (node := self.nodes.made.get(name)) is not None:
                if node.live.state.selected != (name in selection):
                    node.show_state(selected=name in selection)
            elif (wire := self.wires.get(name)) is not None:
                wire.show_as(selected=name in selection)
            elif (dot := self.dots.get(name)) is not None:
                dot.selected = name in selection
                self.disturb(dot.reach)
        self.selected = set(selection)
        for table in (self.frames, self.notes):
            for name, item in table.items():
                item.show_selected(name in selection)
        self.overview.relight()

    def preview(self, look: str, names: Iterable[str]) -> None:
        """Show which wires something is about to happen to, by a look of theirs (`doomed`, `hovered`)."""
        meant = set(names)
        for name, item in self.wires.items():
            item.show_as(**{look: name in meant})

    def light_run(self, source: str) -> None:
        """Light every wire that carries the value of an output, all at once; an empty address: none."""
        for name, item in self.wires.items():
            if item.hovered or item.wire.source == source:
                self.wires[name].show_as(hovered=item.wire.source == source)

    def light_focus(self, address: str | None) -> None:
        """Ring the port that the keyboard is at."""
        own = (address or "").partition(".")[0]
        before = [name for name, item in self.nodes.made.items() if item.live.state.ringed is not None]
        for name in dict.fromkeys([*before, own]):
            if name in self.nodes:
                self.nodes[name].show_state(ringed=frozenset({str(address)}) if name == own else None)

    def light_ports(self, lit: frozenset[str] | None) -> None:
        """While a wire is pulled: light the ports that would take it; None: no wire is pulled any more."""
        self.lit = lit
        for item in self.nodes.made.values():
            if item.live.state.lit != lit:
                item.show_state(lit=lit)
