"""The training plan: what is made small, by which optimizer, with how many rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.panels.fields.choices import ChoiceRows
from app.panels.fields.properties import PropertyRow
from app.panels.fields.section import Section, words
from engine.nodes.base import Choice, Property, Whole
from engine.problems import Problem, ProblemError
from engine.training import FAMILIES, Chosen, Phase, Training

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

PLAN: dict[str, Property] = {
    "batch_size": Whole(0, low=0, high=10**7, unit="rows, 0 for all", help="How many rows make one iteration."),
    "order": Choice("shuffled", ("shuffled", "sequential"), help="Drawn anew each epoch, or as the data have them."),
    "last_batch": Choice("short", ("short", "drop", "wrap"), help="What becomes of rows left over at an epoch's end."),
    "turns": Choice(
        "together",
        ("together", "in_turn"),
        help="Several phases: all of them in every iteration, or one after the other.",
    ),
    "seed": Whole(0, high=2**31 - 1, help="Another seed starts from other parameters and draws another order."),
}
PRECISION = Choice("float32", ("float32", "float64"), help="float32 is fast; float64 is exact enough to check by hand.")
PRECISION.name = "precision"
for _name, _field in PLAN.items():
    _field.name = _name


class TrainingPanel(QWidget):
    """Every number of the plan; drags are heard at once by the run and are one undo step."""

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._phase = 0
        self.rows: dict[str, PropertyRow] = {}
        self.choices: dict[str, ChoiceRows] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.objective = Section("Objective")
        self.optimizer = self._make_choices("Optimizer", "optimizer")
        self.schedules = self._make_choices("Over time", "schedule", "momentum_schedule", "stopping")
        self.refinements = self._make_choices("Around the step", "penalty", "clipping", "constraint", "averaging")
        self.batches = Section("Batches")
        self.arithmetic = Section("Arithmetic")
        for section in (
            self.objective, self.optimizer, self.schedules, self.refinements, self.batches, self.arithmetic,
        ):  # fmt: skip
            column.addWidget(section)
        column.addStretch(1)
        self._make_rows()
        editor.changed.connect(self._follow)
        self.show_training()

    # building --------------------------------------------------------------------------------------------------------

    def _make_choices(self, title: str, *families: str) -> Section:
        section = Section(title)
        for family in families:
            part = ChoiceRows(FAMILIES[family], partial(self._set_choice, family), self._editor.new_gesture)
            self.choices[family], self.rows[family] = part, part.row
            section.body.addWidget(part)
        return section

    def _make_rows(self) -> None:
        self._goal = Choice("", self._goals, help="The node whose output is made small.")
        self._goal.name = "minimise"
        self._which = Choice("1", self._phases, help="Each phase has its own objective, parameters and optimizer.")
        self._which.name = "phase"
        self._add(self._which, self.objective.body, self._choose_phase)
        self._add(self._goal, self.objective.body, self._set_goal)
        self._no_loss: QLabel = words(
            "There is no loss on the canvas yet: place one and wire the prediction to it.", "3"
        )
        self.objective.body.addWidget(self._no_loss)
        for field in PLAN.values():
            self._add(field, self.batches.body, self._set_plan)
        self._add(PRECISION, self.arithmetic.body, self._set_precision)

    def _add(self, field: Property, place: QVBoxLayout, apply: Callable[[str, Any, int], None]) -> None:
        row = PropertyRow(field, field.default, apply, self._editor.new_gesture)
        row.reset_asked.connect(lambda name: apply(name, field.default, self._editor.new_gesture()))
        self.rows[field.name] = row
        place.addWidget(row)

    def _goals(self) -> tuple[str, ...]:
        """Losses first, then whatever else might be made small."""
        nodes = list(self._editor.document.graph)
        return ("", *(self._losses() or [node.id for node in nodes if node.kind and node.kind.outputs]))

    def _losses(self) -> list[str]:
        nodes = self._editor.document.graph
        return [node.id for node in nodes if node.kind and any(port.kind == "loss" for port in node.kind.outputs)]

    def _phases(self) -> tuple[str, ...]:
        return tuple(str(index + 1) for index in range(max(1, len(self._training.phases))))

    @property
    def settings(self) -> dict[str, PropertyRow]:
        """The rows of the optimizer's settings."""
        return self.choices["optimizer"].settings

    # showing ---------------------------------------------------------------------------------------------------------

    @property
    def _training(self) -> Training:
        return self._editor.document.training

    @property
    def _current(self) -> Phase:
        phases = self._training.phases
        return phases[min(self._phase, len(phases) - 1)] if phases else Phase()

    def _follow(self, change: Change) -> None:
        if change.touches("training", "document", "node_added", "node_removed", "title"):
            self.show_training()

    def show_training(self) -> None:
        """The plan as the document has it."""
        training, phase, document = self._training, self._current, self._editor.document
        self.rows["phase"].setVisible(len(training.phases) > 1)
        self.rows["phase"].refill({number: f"{number} of {len(training.phases)}" for number in self._phases()})
        self.rows["phase"].show_value(str(min(self._phase, max(0, len(training.phases) - 1)) + 1))
        graph = document.graph
        goals = dict.fromkeys([*self._goals(), phase.objective])
        self.rows["minimise"].name.setText("maximise" if phase.maximise else "minimise")
        self.rows["minimise"].refill(
            {name: graph.nodes[name].name if name in graph.nodes else name or "nothing" for name in goals}
        )
        self.rows["minimise"].show_value(phase.objective)
        self._no_loss.setVisible(not self._losses())
        for family, chosen in phase.choices.items():
            self.choices[family].show_chosen(chosen)
            # What has no part beside a driver is out of the way, unless it waits to be taken out.
            self.choices[family].setVisible(phase.takes_part(family) or not chosen.is_default)
        if "momentum" not in phase.optimizer.kind.settings:
            self.choices["momentum_schedule"].hide()
        for name in PLAN:
            self.rows[name].show_value(getattr(training, name))
        self.rows["precision"].show_value(document.precision)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Nothing here changes by training."""

    # editing ---------------------------------------------------------------------------------------------------------

    def _set_phase(self, phase: Phase, gesture: int) -> None:
        phases = list(self._training.phases) or [phase]
        phases[min(self._phase, len(phases) - 1)] = phase
        self._editor.set_training(replace(self._training, phases=tuple(phases)), gesture)

    def _choose_phase(self, name: str, value: Any, gesture: int) -> None:
        self._phase = int(value) - 1
        self.show_training()

    def _set_goal(self, name: str, value: Any, gesture: int) -> None:
        goal = {"maximise": value} if self._current.maximise else {"minimise": value}
        self._set_phase(replace(self._current, **goal), gesture)

    def _set_choice(self, family: str, chosen: Chosen, gesture: int) -> None:
        changed: dict[str, Any] = {family: chosen}
        self._set_phase(replace(self._current, **changed), gesture)

    def _set_plan(self, name: str, value: Any, gesture: int) -> None:
        if value is None:
            raise ProblemError(Problem(f"“{name}” needs a number", kind="property"))
        self._editor.set_training(replace(self._training, **{name: value}), gesture)

    def _set_precision(self, name: str, value: Any, gesture: int) -> None:
        self._editor.set_attribute("precision", value)
