"""What a phase of training chooses (an optimizer, a schedule, a penalty …): its name, its formula, its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.fields.properties import PropertyRow, readable
from app.panels.fields.section import Symbol, clear, words
from engine.nodes.base import Choice, Property
from engine.problems import ProblemError
from engine.training import Chosen

Take = Callable[[Chosen, int], None]  # the choice as it is now, the gesture's number


class ChoiceRows(QWidget):
    """A row to choose from a family, and under it what the chosen one is and can be told.

    take         called with the choice after each change; may raise ProblemError
    new_gesture  a fresh number for the changes that are one undo step
    """

    def __init__(self, family: type[Chosen], take: Take, new_gesture: Callable[[], int]) -> None:
        super().__init__()
        self._family, self._take, self._new_gesture = family.family, take, new_gesture
        self._chosen = family()
        self._shown_type = ""
        self.settings: dict[str, PropertyRow] = {}
        field = Choice(self._family.default, lambda: tuple(self._family.types), help=self._family.help)
        field.name = self._family.name
        column = self._column = QVBoxLayout(self)
        column.setSpacing(8)
        self.row = PropertyRow(field, field.default, self._choose, new_gesture, label=self._family.label)
        self.row.reset_asked.connect(lambda name: self._choose(name, field.default, new_gesture()))
        self.formula, self.help, self.source = Symbol(""), words("", "2"), words("", "3")
        self._place = QVBoxLayout()
        self._place.setSpacing(6)
        for part in (self.row, self.formula, self.help):
            column.addWidget(part)
        column.addLayout(self._place)
        column.addWidget(self.source)

    def show_chosen(self, chosen: Chosen) -> None:
        """The choice as the document has it."""
        kind, self._chosen = chosen.kind, chosen
        self.row.refill({name: each.title for name, each in self._family.types.items()})
        self.row.show_value(chosen.type)
        self.formula.set_latex(chosen.formula)
        self.help.setText(kind.help)
        self.source.setText(kind.source)
        is_plain = not kind.formula  # a choice of nothing needs no words
        self._column.setContentsMargins(0, 0, 0, 0 if is_plain else 8)
        self.formula.setVisible(not is_plain)
        self.help.setVisible(not is_plain)
        self.source.setVisible(bool(kind.source))
        self.row.setToolTip(f"{self._family.help} {readable(kind.title).capitalize()}: {kind.help}")
        if self._shown_type != chosen.type:
            self._shown_type = chosen.type
            self._make_settings(chosen)
        for name, row in self.settings.items():
            row.show_value(chosen.setting(name))

    def _make_settings(self, chosen: Chosen) -> None:
        clear(self._place)
        self.settings = {}
        for name, field in chosen.kind.settings.items():
            row = PropertyRow(field, chosen.setting(name), self._set, self._new_gesture)
            row.reset_asked.connect(self._reset)
            self.settings[name] = row
            self._place.addWidget(row)

    def _choose(self, name: str, value: str, gesture: int) -> None:
        # What both know keeps its number: a rate that was found stays found.
        known = self._family.types[value].settings
        kept = {key: entry for key, entry in self._chosen.settings.items() if key in known and _fits(known[key], entry)}
        self._take(replace(self._chosen, type=value, settings=kept), gesture)

    def _set(self, name: str, value: object, gesture: int) -> None:
        self._take(replace(self._chosen, settings={**self._chosen.settings, name: value}), gesture)

    def _reset(self, name: str) -> None:
        kept = {key: entry for key, entry in self._chosen.settings.items() if key != name}
        self._take(replace(self._chosen, settings=kept), self._new_gesture())


def _fits(field: Property, value: object) -> bool:
    """Whether a setting of one ingredient may stand in another: forms of the same name offer different words."""
    try:
        field.check(value)
    except ProblemError:
        return False
    return True
