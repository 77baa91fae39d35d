"""The numbers on the canvas: takes snapshots, gives every node, wire and weight what concerns it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QTimer

from app.canvas.live import DASH
from app.canvas.node_item import DrawnNode
from app.canvas.readings import is_finite, scalar_of, strip_of, words_of
from app.editor.scopes import local
from engine.grouping import BORDER
from engine.snapshot import Reading

if TYPE_CHECKING:
    from app.canvas.scene import CanvasScene


AT_A_TIME = 12  # nodes that take new numbers at one frame while the graph runs at speed
CATCH_UP_MS = 60  # after the last snapshot


class NumbersOnCanvas:
    """Remembers the last snapshot and what of it each node shows; only differences are painted."""

    def __init__(self, scene: CanvasScene) -> None:
        self._scene = scene
        self.snapshot: Any = None
        self.focus_index = 0  # which entry of the focused parameter ↑ and ↓ change
        self._expired_at = -1  # revision of the last edit that asked for a new plan
        self._turn = 0  # the node in view that is next to show its numbers
        self._rest = QTimer(scene, singleShot=True, interval=CATCH_UP_MS)
        self._rest.timeout.connect(self.catch_up)
        self._seen: dict[str, tuple] = {}
        self._reasons: dict[str, str] = {}
        self._phased: set[str] = set()  # wires drawn in the colour of the step just played
        self._marked: tuple[str, str] | None = None  # node and part whose wires carry marks

    def clear(self) -> None:
        """Another document: nothing was computed yet."""
        self.snapshot, self._expired_at = None, -1
        self._seen.clear()
        self._phased.clear()
        self._marked = None

    def expire(self) -> None:
        """The graph was edited: what is shown belongs to an older one."""
        self._expired_at = self._scene.editor.revision

    def repaint(self) -> None:
        """The theme has changed: pictures take other colours."""
        self._seen.clear()
        self.refresh()

    def show(self, snapshot: Any) -> None:
        """Show a snapshot; one of an older document is not shown."""
        previous, self.snapshot = self.snapshot, snapshot
        if self._scene.detailed:
            self.refresh(self._next_in_turn(previous))
        else:
            steps = [entry.last_step for entry in (previous, snapshot) if entry is not None and entry.last_step]
            self.refresh({step.node for step in steps})
        self._mark(previous, snapshot)

    def _next_in_turn(self, previous: Any) -> list[str]:
        """The nodes in view; at speed only so many at a time, each a few frames later than the one before.

        Where steps are watched, or nothing follows, all show the same moment.
        """
        seen = self._scene.seen()
        runs = previous is not None and self.snapshot.iteration - previous.iteration > 1
        if not runs or len(seen) <= AT_A_TIME or not self._scene.backdrops:
            self._rest.stop()
            return seen
        self._rest.start()
        self._turn = self._turn + AT_A_TIME if self._turn + AT_A_TIME < len(seen) else 0
        return seen[self._turn : self._turn + AT_A_TIME]

    def catch_up(self) -> None:
        """Let every node in view show the newest snapshot now."""
        if self._rest.isActive():
            self._rest.stop()
            self.refresh(self._scene.seen())

    @property
    def stale(self) -> bool:
        """Whether the numbers shown belong to an older graph."""
        return self.snapshot is not None and self.snapshot.revision < self._expired_at

    def refresh(self, names: Iterable[str] | None = None) -> None:
        """Bring nodes up to date: all, or those named."""
        self._reasons = {}
        for problem in self._scene.editor.problems_here:
            if problem.severity == "error":
                self._reasons.setdefault(problem.node, problem.fact)
        names = self._concerned() if names is None else self._worth_showing(names)
        stale = self.stale
        for name in names:
            if name in self._scene.nodes:
                self._show_node(self._scene.nodes[name], stale)
        self._show_weights(names)
        if not self._scene.detailed and names:
            self._scene.overview.relight(names)

    def _concerned(self) -> dict[str, None]:
        """The nodes that may look different: those in view, and others with a fault now or before."""
        if self.snapshot is None and not self._seen:
            seen = []
        elif not self._scene.backdrops:
            return dict.fromkeys(self._scene.nodes)
        else:
            seen = self._scene.seen() if self._scene.detailed else []
        focus = (self._scene.editor.focus or "").partition(".")[0]
        made = self._scene.nodes.made.items()
        faulty = [name for name, item in made if item.live.state.reason or item.live.state.phase]
        return dict.fromkeys([*seen, *faulty, *self._reasons, focus])

    def _worth_showing(self, names: Iterable[str]) -> dict[str, None]:
        """Of some nodes those that have items, or ought to have one now: a node out of sight waits until it is seen."""
        step = self.snapshot.last_step if self.snapshot is not None else None
        shown = {*self._scene.nodes.made, *self._reasons, *([step.node] if step is not None else [])}
        if self._scene.detailed:
            shown.update(self._scene.seen())
        return {name: None for name in names if name in shown}

    def _show_node(self, item: DrawnNode, stale: bool) -> None:
        name, snapshot = item.node_id, self.snapshot
        address = item.value_key
        readings = (None,) * 5 if snapshot is None else (
            snapshot.values.get(address) or snapshot.parameters.get(address), snapshot.gradients.get(address),
            snapshot.parameters.get(f"{name}.bias"), self._picture(item), snapshot.previous_parameters.get(address),
        )  # fmt: skip
        step = snapshot.last_step if snapshot is not None else None
        phase = step.part if step is not None and step.node == name else ""
        problem = snapshot.problem if snapshot is not None else None
        born = (problem is not None and problem.node == name) or not is_finite(readings[0])
        reason, focus = self._reasons.get(name, ""), self._scene.editor.focus or ""
        focused = focus.partition(".")[2] if focus.partition(".")[0] == name else ""
        if item.geometry.circle is not None:
            focused = ""  # its weights stand on the wires, and have the ring there
        signature = (*readings, phase, born, reason, focused, stale, item.geometry)
        seen = self._seen.get(name)
        if (
            seen is not None
            and len(seen) == len(signature)
            and all(a is b or _equal(a, b) for a, b in zip(seen, signature, strict=True))
        ):
            return
        self._seen[name] = signature
        value, gradient, bias, picture, before = readings
        strip = strip_of(picture, item.level)
        item.level = strip.level if strip else item.level
        words, updated = words_of(value), None
        if phase == "update" and (old := scalar_of(before)) is not None and words.value is not None:
            updated = (old, words.value)
        item.show_state(
            value=_greyed(words, stale),
            gradient=_greyed(words_of(gradient, signed=True, token="backward"), stale),
            bias=_greyed(words_of(bias, signed=True, digits=2), stale) if bias is not None else None,
            strip=strip, phase=phase, updated=updated, stale=stale, born=born, reason=reason, focused=focused,
        )  # fmt: skip

    def _picture(self, item: DrawnNode) -> Any:
        key = item.picture_key
        return self.snapshot.parameters.get(key) or self.snapshot.values.get(key)

    def _show_weights(self, names: Iterable[str] | None) -> None:
        if not self._scene.detailed:
            return
        focus = self._scene.editor.focus
        for layer in self._scene.layers.values():
            layer.show_focus(focus, self.focus_index)
            layer.show_snapshot(self.snapshot, self.stale)
        for label in self._scene.labels.values():
            label.show_focus(label.place.key == focus and label.place.start == self.focus_index)
        if self.snapshot is None:
            for label in self._scene.labels.values():
                label.show_numbers({}, {})
            return
        for label in self._scene.labels.values():
            if names is not None and label.wire.wire.target_node not in names:
                continue
            weight = label.show_numbers(self.snapshot.parameters, self.snapshot.gradients)
            label.wire.show_as(weight=weight)

    # marks on the wires of the step just played ----------------------------------------------------------------------

    def _mark(self, previous: Any, snapshot: Any) -> None:
        step = snapshot.last_step
        if previous is not None and _moment(previous) == _moment(snapshot):
            return
        self._marked = (step.node, step.part) if step is not None and step.part in ("forward", "backward") else None
        # At speed the marks would be a flicker: they travel only when steps are watched one by one.
        watched = previous is not None and snapshot.iteration - previous.iteration <= 1
        self._scene.marks.travel(self._marked_paths() if watched else [], step.part if step else "", moving=True)
        chosen = {wire.wire_id for wire in self._marked_wires()} if watched else set()
        for name in self._phased - chosen:
            if name in self._scene.wires:
                self._scene.wires[name].show_as(phase="")
        for name in chosen:
            self._scene.wires[name].show_as(phase=step.part)
        for name in self._phased | chosen:
            if name in self._scene.labels:
                self._scene.labels[name].update()
        self._phased = chosen

    def _marked_wires(self) -> list[Any]:
        if self._marked is None:
            return []
        node, part = self._marked
        at = self._scene.wires_at(node)
        if part == "forward":
            return [w for w in at if w.wire.target_node == node]
        senders = self._senders()
        return [w for w in at if w.wire.source_node == node and w.wire.target_node in senders]

    def _senders(self) -> set[str]:
        """The nodes that hand a derivative back in the phase of the last step: a metric reads a value and sends nothing."""
        editor, steps, last = self._scene.editor, self.snapshot.steps, self.snapshot.last_step
        going_back = {
            local(step.node, editor.prefix) for step in steps if (step.part, step.phase) == (last.part, last.phase)
        }
        ways_out = {name for name, node in self._scene.graph.nodes.items() if node.type in BORDER}
        return {name for name in going_back if name} | ways_out

    def _marked_paths(self) -> list[Any]:
        return [wire.path for wire in self._marked_wires() if not wire.wire.muted]

    def follow_marks(self) -> None:
        """Wires have moved under their marks."""
        if self._marked is not None:
            self._scene.marks.follow(self._marked_paths(), self._marked[1])


def _moment(snapshot: Any) -> tuple:
    step = snapshot.last_step
    return (snapshot.iteration, *((step.index, step.node, step.part) if step is not None else ()))


def _equal(one: Any, other: Any) -> bool:
    """Whether two parts of a signature show alike; a reading of the same numbers is a new object in every snapshot."""
    if isinstance(one, str | bool):
        return one == other
    if not isinstance(one, Reading) or not isinstance(other, Reading) or one[2] is None or other[2] is None:
        return False
    return (one[:2], one[3:]) == (other[:2], other[3:]) and np.array_equal(one[2], other[2])


def _greyed(words: Any, stale: bool) -> Any:
    return replace(words, token="text3") if stale and words is not DASH else words
