"""Curves over iterations: the loss, the accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, product
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from app.theme import current_theme
from app.theme.numbers import number_text
from app.views.axes import (
    LEGEND_ROW,
    Array,
    Axes,
    LegendEntry,
    axes_in,
    legend_rows,
    padded,
    paint_legend,
    peaks,
    polygon,
)
from app.views.base import View
from app.views.entries import has_objective
from engine.composites import node_at, title_at
from engine.inlining import inlined
from engine.sideplan import metric_names

if TYPE_CHECKING:
    from app.editor import Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

MOST_DECADES = 12
ASIDE, ROOM_FOR_ENDS = 12.0, 60.0  # pixels beside the legend, and right of the lines for their numbers
SOLID, DASHED = Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine
STYLES, OF_PHASES = (SOLID, DASHED), ("text", "accent", "c_maths", "c_worlds", "c_losses")  # one after the other


@dataclass(frozen=True)
class Line:
    """One curve: where its points are in a snapshot's history, what the legend calls it, and how it is drawn."""

    probe: str
    words: str
    token: str
    style: Qt.PenStyle = SOLID


class CurvePlot(QWidget):
    """Paints lines (k, 2) of iteration and value; the last value stands at the end of each.

    limits  of the upward axis, where they are known (accuracy: 0 to 1)
    """

    def __init__(self, lines: Sequence[Line], limits: tuple[float, float] | None = None) -> None:
        super().__init__()
        self._lines, self._limits = lines, limits
        self._points: dict[str, Array] = {}
        self._now = 0
        self.decades = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        current_theme().changed.connect(self.update)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw other lines from now on."""
        self._lines = lines

    def show_points(self, history: Mapping[str, Array], now: int) -> None:
        """Other points; `now` is the iteration of the moment, which older points may run beyond after a step back."""
        self._points = {line.probe: history[line.probe] for line in self._lines if len(history.get(line.probe, ()))}
        self._now = now
        last = "; ".join(f"{line.words} {number_text(self._points[line.probe][-1, 1])}" for line in self._shown())
        self.setAccessibleName(f"Iteration {now}; {last}")

    def _shown(self) -> list[Line]:
        return [line for line in self._lines if line.probe in self._points]

    def axes(self) -> Axes:
        """Where data stand now."""
        every = np.concatenate(list(self._points.values())) if self._points else np.zeros((1, 2))
        heights = every[np.isfinite(every[:, 1]), 1]
        if self.decades:
            heights = self.up(heights[heights > 0])
        first, last = float(every[:, 0].min()), float(max(every[:, 0].max(), self._now))
        if self.decades:
            low, high = (float(heights.min()), float(heights.max())) if len(heights) else (-1.0, 0.0)
            low, high = np.floor(max(low, high - MOST_DECADES)), np.ceil(high + 0.05)
        elif self._limits is not None:
            low, high = self._limits
        else:
            low, high = (float(heights.min()), float(heights.max())) if len(heights) else (0.0, 1.0)
            low, high = padded(min(0.0, low) if low < 0.6 * high else low, high)
            low = max(low, 0.0) if heights.min(initial=0.0) >= 0 else low
        first = min(first, 0.0) if first < 0.05 * last else first
        if last <= first:
            last = first + 1
        below = QRectF(self.rect()).adjusted(0, LEGEND_ROW * len(self._legend()), 0, 0)  # curves run under no words
        axes = axes_in(below, (first, last), (float(low), float(high)), self._room_for_ends(), False, self.decades)
        return replace(axes, counts=True)  # there is no half iteration

    def _legend(self) -> list[list[LegendEntry]]:
        """What each line is, in as few rows as fit."""
        return legend_rows([(line.words, line.token, line.style) for line in self._shown()], self.width() - 2 * ASIDE)

    def _room_for_ends(self) -> float:
        """Pixels on the right for the numbers at the ends of the lines."""
        metrics = QFontMetricsF(current_theme().font("number_small"))
        texts = [number_text(float(points[-1, 1])) for points in self._points.values()]
        return max([ROOM_FOR_ENDS, *(metrics.horizontalAdvance(text) + 14 for text in texts)])

    def up(self, values: Array) -> Array:
        """Values as the upward axis bears them; nothing to draw where a logarithm has no value."""
        if not self.decades:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(values > 0, np.log10(values), np.nan))

    def show_decades(self, on: bool) -> None:
        """Let the upward axis bear powers of ten."""
        self.decades = on
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._points:
            return
        painter, axes, theme = QPainter(self), self.axes(), current_theme()
        axes.paint(painter, "iteration", "")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if axes.left < self._now < axes.right:
            painter.setPen(theme.pen("accent", 1, Qt.PenStyle.DotLine))
            painter.drawLine(axes.point(self._now, axes.bottom), axes.point(self._now, axes.top))
        painter.save()
        painter.setClipRect(axes.area.adjusted(-1, -1, 1, 1))
        for line in self._shown():
            points = self._points[line.probe]
            points = np.stack([points[:, 0], self.up(points[:, 1])], axis=1)
            kept = peaks(points[np.isfinite(points[:, 1])], max(16, int(axes.area.width())))
            painter.setPen(theme.pen(line.token, 1, line.style))
            painter.drawPolyline(polygon(axes.x(kept[:, 0]), axes.y(kept[:, 1])))
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._paint_ends(painter, axes)
        paint_legend(painter, self._legend(), QPointF(self.rect().center().x(), LEGEND_ROW / 2 + 2))

    def _paint_ends(self, painter: QPainter, axes: Axes) -> None:
        """A dot and the number at the end of each line, moved apart where they would cover each other."""
        theme = current_theme()
        metrics = QFontMetricsF(theme.font("number_small"))
        painter.setFont(theme.font("number_small"))
        places: list[tuple[float, Line, float, float]] = []
        for line in self._shown():
            x, y = (float(number) for number in self._points[line.probe][-1])
            places.append((float(self.up(np.array([y]))[0]), line, x, y))
        places = sorted((each for each in places if np.isfinite(each[0])), key=lambda each: -each[0])
        spots = [axes.point(x, min(max(height, axes.bottom), axes.top)) for height, _, x, _ in places]
        bases = apart([at.y() + metrics.ascent() / 2 - 1 for at in spots], metrics.height() - 2, axes.area.bottom())
        for at, base, (_, line, _, y) in zip(spots, bases, places, strict=True):
            painter.setPen(theme.pen("surface"))
            painter.setBrush(theme.colour(line.token))
            painter.drawEllipse(at, 3.0, 3.0)
            painter.setPen(theme.colour("text2" if line.token == "text3" else line.token))
            painter.drawText(QPointF(axes.area.right() + 8, base), number_text(y))


def apart(places: Sequence[float], step: float, last: float) -> list[float]:
    """Ascending places moved so that neighbours are a step apart and none lies beyond the last."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + step) if moved else place)
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], last - step * (len(moved) - 1 - index))
    return moved


class CurveView(View):
    """A view of curves; which ones is all that subclasses say. A button gives the upward axis powers of ten."""

    lines: ClassVar[tuple[Line, ...]] = ()
    limits: ClassVar[tuple[float, float] | None] = None

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.decades = QToolButton()
        self.decades.setText("log")
        self.decades.setCheckable(True)
        self.decades.setFixedHeight(22)
        self.decades.setToolTip("Powers of ten upwards: small losses can be told apart")
        self.decades.setStyleSheet("QToolButton { font-size: 11px; padding: 0 5px; border-radius: 4px; }")
        self.decades.toggled.connect(self._show_decades)
        self.decades.clicked.connect(lambda on: self.remember("Change the loss axis", log=on))
        if self.limits is None:  # a share from 0 to 1 needs no powers of ten
            self.add_tool(self.decades)

    def make_body(self) -> QWidget:
        """The plot."""
        return CurvePlot(self.lines, self.limits)

    def _show_decades(self, on: bool) -> None:
        body = self.body
        assert isinstance(body, CurvePlot)
        body.show_decades(on)

    def recall(self) -> None:
        """Powers of ten or not."""
        self.decades.setChecked(self.settings.get("log") is True)

    def feed(self, snapshot: Snapshot) -> str:
        """The histories that are there."""
        body = self.body
        assert isinstance(body, CurvePlot)
        history, lines = self.history_of(snapshot), self.lines_now()
        body.show_lines(lines)
        body.show_points(history, snapshot.iteration)
        found = any(len(history.get(line.probe, ())) for line in lines)
        return "" if found else self.missing(snapshot)

    def lines_now(self) -> Sequence[Line]:
        """What this document has curves of."""
        return self.lines

    def history_of(self, snapshot: Snapshot) -> Mapping[str, Array]:
        """What of the history this view draws."""
        return snapshot.history

    def missing(self, snapshot: Snapshot) -> str:
        """Why there are no points."""
        return "A point comes with every iteration. Press Shift+→ for one, or Space to play."


class LossCurve(CurveView):
    """The loss of every batch, and over all training and test rows."""

    kind, title, icon = "loss", "Loss", "chart-line"
    lines = (
        Line("loss.batch", "this batch", "text3"),
        Line("loss.training", "all training rows", "text"),
        Line("loss.test", "test rows", "accent", DASHED),
        Line("mistakes.training", "mistakes among all training rows", "text"),
        Line("mistakes.test", "mistakes among test rows", "accent", DASHED),
    )

    def history_of(self, snapshot: Snapshot) -> Mapping[str, Array]:
        """Losses; where a learning rule needs none, the mistakes or the rule's own measure stand in for them."""
        wanted = "mistakes." if self._counts_mistakes() else "loss."
        return {probe: points for probe, points in snapshot.history.items() if probe.startswith(wanted)}

    def lines_now(self) -> Sequence[Line]:
        """Where several phases learn, the loss of each of them, by the name of its node."""
        document = self.editor.document
        losses = [node_at(document.graph, phase.objective.partition(".")[0]) for phase in document.training.phases]
        names = [node.name for node in losses if node is not None]
        if len(set(names)) < len(names):  # five losses called “loss” are told apart by who brings them down
            phases = document.training.phases
            names = [phase.name for phase, node in zip(phases, losses, strict=True) if node is not None]
        if len(names) < 2:
            return self.lines
        return [
            Line(f"loss.batch.{index}" if index else "loss.batch", name, token_of_phase, style)
            for index, (name, (style, token_of_phase)) in enumerate(zip(names, cycle(product(STYLES, OF_PHASES))))
        ]

    def _has_loss(self) -> bool:
        return has_objective(self.editor.document, first_only=True)

    def _counts_mistakes(self) -> bool:
        return not self._has_loss() and any(node.type == "mistakes" for node in self.editor.document.graph)

    def _measure(self, snapshot: Snapshot) -> str:
        """What a learning rule brings down, as `node.port`; empty where there is a loss or no such rule."""
        nodes = [] if self._has_loss() or self._counts_mistakes() else list(self.editor.document.graph)
        ports = [f"{node.id}.{port}" for node in nodes if node.kind is not None for port in node.kind.measures]
        return next((address for address in ports if address in snapshot.values), "")

    def describe(self, snapshot: Snapshot) -> str:
        """Which loss."""
        measure = self._measure(snapshot)
        self.rename("Mistakes" if self._counts_mistakes() else measure.partition(".")[2].capitalize() or self.title)
        if measure:
            return self.editor.document.graph.nodes[measure.partition(".")[0]].name
        if self.lines_now() is not self.lines:
            return "one for each phase"
        phases = self.editor.document.training.phases
        node = node_at(self.editor.document.graph, phases[0].objective.partition(".")[0]) if phases else None
        if node is None or node.kind is None:
            return ""
        is_sum = node.properties.get("reduction") == "sum"
        return f"{node.kind.title}, summed over the rows of each" if is_sum else node.kind.title

    def missing(self, snapshot: Snapshot) -> str:
        """No loss, or no step yet."""
        if self._counts_mistakes():
            return "Mistakes are counted after each iteration. Press Shift+→ for one, or Space to play."
        if self._measure(snapshot):
            return "It is measured after each iteration. Press Shift+→ for one, or Space to play."
        if not self._has_loss():
            return "There is no loss yet. Place one, wire the prediction and the target to it, and choose it under Training."
        return super().missing(snapshot)


class AccuracyCurve(CurveView):
    """The share of right answers over all training and test rows."""

    kind, title, icon = "accuracy", "Accuracy", "trending-up"
    limits = (0.0, 1.0)
    lines = (
        Line("accuracy.training", "training rows", "text"),
        Line("accuracy.test", "test rows", "accent", DASHED),
    )

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self._names: dict[str, str] = {}
        self._named_at = -1  # the editor's revision

    def lines_now(self) -> Sequence[Line]:
        """Where several accuracies are placed, the lines of each of them, by the name of its node."""
        names = self._accuracies()
        if len(names) < 2:
            return self.lines
        graph = self.editor.document.graph
        return [
            Line(f"{name}.{part}", f"{title_at(graph, node)}, {rows}", token_of_node, style)
            for (node, name), token_of_node in zip(names.items(), cycle(OF_PHASES))
            for part, rows, style in (("training", "training rows", SOLID), ("test", "test rows", DASHED))
        ]

    def _accuracies(self) -> dict[str, str]:
        """What the curve of each accuracy is called, by its node, those within composites too."""
        if self._named_at != self.editor.revision:
            graph = inlined(self.editor.document).graph
            self._names = {id: name for id, name in metric_names(graph).items() if graph.nodes[id].type == "accuracy"}
            self._named_at = self.editor.revision
        return self._names

    def missing(self, snapshot: Snapshot) -> str:
        """No accuracy node, or nothing measured yet."""
        if not self._accuracies():
            return "Accuracy needs an accuracy node. Place one and wire the prediction and the target to it."
        return "Accuracy is measured while training plays. Press Space."
