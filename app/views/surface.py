"""The loss over two parameters, live: contours, the optimizer's path, and a point that can be taken in hand."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.views.base import View
from app.views.entries import Entry, entry_title, first_and_last, has_objective
from app.views.surface_axes import PARTS, AxesPopup
from app.views.surface_plot import SurfacePlot
from app.views.survey import Look, Survey

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.analysis.surface import Part
    from engine.snapshot import Snapshot

QUESTION = "loss surface"
BETWEEN_MS, PIECE_MS, GIVE_UP_MS = 100, 25, 3000  # ten pictures a second; the pieces of one follow more quickly
LONGEST_PATH, ROOM_FOR_ICON = 400, 250
OVER = {"train": "", "batch": "over this batch", "test": "over the test rows"}
NO_LOSS = "There is no loss yet. Place one, wire the prediction and the target to it, and choose it under Training."
TOO_FEW = "A loss surface needs two parameters, and this network has fewer. Add a layer, or a parameter node."


class LossSurfaceView(View):
    """Asks the runner for the surface, a piece at a time; path and point come with every snapshot."""

    kind, title, icon = "surface", "Loss surface", "mountain"
    several = True

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.look: Look | None = None
        self.pair: tuple[Entry, Entry] | None = None
        self.part: Part = "train"
        self._wanted: object = None  # what the document asked for when the axes were last found
        self._survey: Survey | None = None
        self._last_moment: object = None
        self._path: deque[tuple[int, float, float]] = deque(maxlen=LONGEST_PATH)
        self._before: dict[str, np.ndarray] = {}
        self._after: dict[str, np.ndarray] = {}
        self._is_due = self._is_waiting = False
        self._since, self._begun = QElapsedTimer(), QElapsedTimer()  # the last question; the first one of a picture
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._put)
        self.axes_button = self._tool("sliders-horizontal", "Choose the two parameters …", self._choose)
        self.add_tool(self.axes_button)
        self.popup: AxesPopup | None = None
        if runner is not None:
            runner.answered.connect(self._take)

    def make_body(self) -> QWidget:
        """The plot."""
        plot = SurfacePlot()
        plot.drag_began.connect(self._begin)
        plot.dragged.connect(self._drag)
        plot.drag_ended.connect(self._end)
        plot.has_field = self._saved_field()
        return plot

    @property
    def plot(self) -> SurfacePlot:
        """The body."""
        body = self.body
        assert isinstance(body, SurfacePlot)
        return body

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The icon gives way where the name would be cut."""
        super().resizeEvent(event)
        self._icon.setVisible(self.width() >= ROOM_FOR_ICON)

    # showing ---------------------------------------------------------------------------------------------------------

    def feed(self, snapshot: Snapshot) -> str:
        """Let path and point follow at once, and ask for the surface of this moment."""
        reason = self._missing(snapshot)
        if reason:
            return reason
        assert self.pair is not None
        self._follow_point(snapshot)
        self._is_due = True
        self._put()
        if self.look is not None and self.look.problem is not None:
            return str(self.look.problem)
        return "" if self.plot.surface is not None else "Drawing the first surface."

    @property
    def is_waiting(self) -> bool:
        """Whether a piece of the surface is on its way, or will be asked for."""
        return self._is_waiting or self._is_due

    def _missing(self, snapshot: Snapshot) -> str:
        if not has_objective(self.editor.document):
            return NO_LOSS
        if self.pair is None or not all(entry.fits(snapshot.parameters) for entry in self.pair):
            saved = self._saved()
            fits = saved is not None and all(entry.fits(snapshot.parameters) for entry in saved)
            self.part = self._saved_part()
            self._wanted = saved, self.part
            self._look_at(saved if fits else first_and_last(snapshot.parameters, self._varying_feature()))
        return TOO_FEW if self.pair is None else ""

    def _varying_feature(self) -> int:
        data, _ = self.editor.document.load_data()
        if data is None or data.inputs.ndim != 2 or not len(data.inputs):
            return 0
        spread = np.ptp(data.inputs, axis=0)
        return int(np.argmax(spread > 0.5 * spread.max()))

    def _look_at(self, pair: tuple[Entry, Entry] | None) -> None:
        """Take other axes."""
        self.pair, self.look = pair, None
        self._path.clear()
        self._survey = Survey(*pair, part=self.part) if pair is not None else None
        self._is_waiting = False
        if self._body is not None:
            self.plot.show_surface(None, ("", ""))
            self.plot.show_point(None, (float("nan"), float("nan")))
            self.plot.show_path(np.zeros((0, 2)))

    def _follow_point(self, snapshot: Snapshot) -> None:
        """Another place on the path. A hand has set it where no step was played."""
        place = self._place(snapshot)
        if place is None:
            return
        while self._path and self._path[-1][0] > snapshot.iteration:
            self._path.pop()
        moved = not self._path or self._path[-1][1:] != place
        moment = snapshot.iteration, snapshot.last_step
        if moved and self._path and (moment == self._last_moment or self.plot.is_held):
            self._path.append((snapshot.iteration, np.nan, np.nan))
        self._last_moment = moment
        if moved:
            self._path.append((snapshot.iteration, *place))
        self.plot.show_path(np.array([entry[1:] for entry in self._path]).reshape(-1, 2))

    def _place(self, snapshot: Snapshot) -> tuple[float, float] | None:
        assert self.pair is not None
        numbers = []
        for entry in self.pair:
            array = snapshot.parameters[entry.key].array
            if array is None:  # too large to be in every snapshot: the answers bring it
                return (self.look.point.x, self.look.point.y) if self.look and self.look.point else None
            numbers.append(float(array[entry.place]))
        return numbers[0], numbers[1]

    def describe(self, snapshot: Snapshot) -> str:
        """Of which moment and of which rows the picture is, and how far it lies from the truth."""
        look = self.look
        if look is None or look.surface is None or self.pair is None:
            return ""
        count = f"{look.surface.iteration:,}".replace(",", "\u202f")
        drawn = "" if look.surface.iteration == snapshot.iteration else f"drawn at {count}"
        rows = f"first {look.rows[0]} of {look.rows[1]} rows" if look.rows[0] < look.rows[1] else OVER[look.part]
        return " · ".join(part for part in (self.plot.gap_text, drawn, rows) if part)

    # asking ----------------------------------------------------------------------------------------------------------

    @property
    def _question(self) -> str:
        """Of questions of one name only the last counts, so every view has its own."""
        return f"{QUESTION} · {self.id}"

    def _put(self) -> None:
        """Put the question, unless the last one is on its way or was put too shortly ago."""
        if self.runner is None or self._survey is None or not self._is_due:
            return
        waited = self._since.elapsed() if self._since.isValid() else GIVE_UP_MS
        is_whole = self.look is None or self.look.surface is None or self.look.is_whole
        wait = PIECE_MS - waited
        if self._is_waiting and waited < GIVE_UP_MS:
            wait = GIVE_UP_MS - waited
        elif is_whole and self._begun.isValid():
            wait = max(wait, BETWEEN_MS - self._begun.elapsed())
        if wait > 0:
            if not self._later.isActive():
                self._later.start(max(1, int(wait)))
            return
        self._is_waiting = True
        self._is_due = False
        self._since.start()
        if is_whole:
            self._begun.start()
        survey, held = self._survey, self._body is not None and self.plot.is_held
        fine = not self.runner.playing and not held
        self.runner.ask(self._question, lambda session: survey.look(session, fine, held))

    def _take(self, name: str, answer: object) -> None:
        if name != self._question or not isinstance(answer, Look) or self._survey is None:
            return
        if (answer.entries, answer.part) != (self.pair, self.part):
            return
        self._is_waiting = False
        self._later.stop()
        self.show_look(answer)
        if answer.problem is None and not answer.is_done and self.isVisible():
            self._is_due = True
        self._put()

    def show_look(self, look: Look) -> None:
        """Show an answer."""
        self.look = look
        if look.problem is not None:
            self.set_reason(str(look.problem))
            return
        if look.surface is not None and self.snapshot is not None:
            self.plot.show_surface(look.surface, self._names(self.snapshot))
            self.set_reason("")
        self.plot.show_point(look.point, look.gradient)
        self._say()

    def _names(self, snapshot: Snapshot) -> tuple[str, str]:
        assert self.pair is not None
        document = self.editor.document
        first, second = (entry_title(document, each, snapshot.parameters[each.key].shape) for each in self.pair)
        return first, second

    # the two parameters ----------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        if self.snapshot is None or self.pair is None:
            return
        if self.popup is None:
            self.popup = AxesPopup(self)
            self.popup.chosen.connect(self.choose)
            self.popup.rows_chosen.connect(self.choose_rows)
            self.popup.field_chosen.connect(self.choose_field)
        self.popup.show_look(self.part, self.plot.has_field)
        self.popup.open_under(self.axes_button, self.editor.document, self.snapshot.parameters, self.pair)

    def choose(self, first: Entry, second: Entry) -> None:
        """Look at these two from now on; the document remembers them."""
        if (first, second) == self.pair:
            return
        self._look_at((first, second))
        self.remember("Choose the axes of the loss surface", axes=[first.to_json(), second.to_json()])
        self._wanted = self._saved(), self.part
        if self.snapshot is not None:
            self.show_snapshot(self.snapshot)

    def choose_rows(self, part: Part) -> None:
        """Draw the loss over these rows from now on; the document remembers it."""
        if part == self.part:
            return
        self.part = part
        self._look_at(self.pair)
        self.remember("Choose the rows of the loss surface", rows=part)
        self._wanted = self._saved(), self.part
        if self.snapshot is not None:
            self.show_snapshot(self.snapshot)

    def choose_field(self, on: bool) -> None:
        """Show arrows downhill everywhere, or only at the point; the document remembers it."""
        self.plot.has_field = on
        self.remember("Show the slopes of the loss surface" if on else "Hide the slopes of the loss surface", slopes=on)

    def _saved_part(self) -> Part:
        found = self.settings.get("rows")
        return cast("Part", found) if isinstance(found, str) and found in PARTS else "train"

    def _saved_field(self) -> bool:
        return self.settings.get("slopes") is not False

    def _saved(self) -> tuple[Entry, Entry] | None:
        """What the document remembers."""
        axes = self.settings.get("axes")
        if isinstance(axes, list) and len(axes) == 2:
            first, second = (Entry.from_json(each) for each in axes)
            if first is not None and second is not None and first != second:
                return first, second
        return None

    def document_changed(self, change: Change) -> None:
        """Another document: nothing of the former one stays."""
        if "reset" in change.kinds:
            self._look_at(None)
        self._is_waiting = False  # an answer to what is older than the edit never arrives

    def recall(self) -> None:
        """Other axes, unless they are the ones that are drawn; the next snapshot finds them."""
        self.plot.has_field = self._saved_field()
        if (self._saved(), self._saved_part()) != self._wanted:
            self._look_at(None)

    # by hand ---------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        assert self.pair is not None
        self._before = self._arrays()
        self._after = {}

    def _arrays(self) -> dict[str, np.ndarray]:
        """Copies of the parameters that the two numbers belong to, as last seen."""
        if self.snapshot is None or self.pair is None:
            return {}
        found = {entry.key: self.snapshot.parameters[entry.key].array for entry in self.pair}
        return {key: array.copy() for key, array in found.items() if array is not None}

    def _drag(self, x: float, y: float) -> None:
        arrays = self._arrays()
        if self.runner is None or self.pair is None:
            return
        for entry, number in zip(self.pair, (x, y), strict=True):
            if entry.key in arrays:
                arrays[entry.key][entry.place] = number
        self._after = arrays
        for key, array in arrays.items():
            self.runner.set_parameter(key, array.copy())

    def _end(self, taken_back: bool) -> None:
        if not self._after or self.runner is None:
            return
        if taken_back:
            for key, array in self._before.items():
                self.runner.set_parameter(key, array)
        else:
            self.editor.set_values(self._after, self._before)
        self._before, self._after = {}, {}
