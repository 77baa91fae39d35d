"""The data: which set, with which options, what it looks like, and every sentence about what is done to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from app.panels.data_preview import DataPreview, preparation_of
from app.panels.fields.properties import PropertyRow
from app.panels.fields.section import Section, clear, words
from engine.datasets import Dataset, DatasetType, describe, names
from engine.nodes.base import Choice

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.panels.data_import import DataImport
    from app.runner import Runner
    from engine.snapshot import Snapshot

PART = "train"
MOST_TYPED = 1000  # rows that still stand in a field
TYPED_ROWS = 200  # of the set before, when somebody begins to type values


class DataPanel(QWidget):
    """One data set for the document. Every choice is one undo step; nothing is done to the rows without a sentence."""

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._options_of = ""
        self.rows: dict[str, PropertyRow] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.set, self.options = Section("Data set"), Section("Options")
        self.preparation, self.look = Section("Preparation"), Section("Preview")
        for section in (self.set, self.look, self.options, self.preparation):
            column.addWidget(section)
        column.addStretch(1)
        self._make_choice()
        self.preview = DataPreview()
        self.look.body.addWidget(self.preview)
        self._option_rows, self._preparing_rows, self._sentences = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        self._problems = QVBoxLayout()
        for rows in (self._option_rows, self._preparing_rows):
            rows.setSpacing(6)
        self.options.body.addLayout(self._option_rows)
        self.preparation.body.addLayout(self._preparing_rows)
        self.preparation.body.addLayout(self._sentences)
        self.look.body.addLayout(self._problems)
        editor.changed.connect(self._follow)
        self.show_data()

    def _make_choice(self) -> None:
        self._kind = Choice("xor", lambda: tuple(names()), help="What the network learns from.")
        self._kind.name = "data"
        self.choice = PropertyRow(self._kind, "xor", self._choose, self._editor.new_gesture)
        self.choice.refill(
            {name: describe(name).title for name in sorted(names(), key=lambda each: describe(each).title)}
        )
        self.choice.reset.hide()
        self.set.body.addWidget(self.choice)
        self.help, self.source = words("", "2"), words("", "3")
        self.set.body.addWidget(self.help)
        self.set.body.addWidget(self.source)
        self.open = QPushButton("Import a table …")
        self.open.setToolTip("A CSV file; it can also be dropped on the window")
        self.open.clicked.connect(self.choose_file)
        self.set.body.addWidget(self.open)

    # showing ---------------------------------------------------------------------------------------------------------

    def _spec(self) -> dict[str, Any]:
        spec = self._editor.document.data.get(PART)
        if isinstance(spec, str):
            return {"name": spec}
        found = dict(spec) if isinstance(spec, dict) else {}
        if found and "name" not in found:
            found["name"] = "file" if "path" in found else "values"
        return found

    @property
    def kind(self) -> DatasetType | None:
        """The data set of the document."""
        name = self._spec().get("name")
        return describe(name) if name in names() else None

    def _follow(self, change: Change) -> None:
        if change.touches("data"):
            self.show_data()

    def show_data(self) -> None:
        """The data as the document has them."""
        kind, spec = self.kind, self._spec()
        self.choice.show_value(spec.get("name"))
        self.choice.reset.hide()
        self.help.setText(kind.help if kind else "No data are chosen: the inputs are 0.")
        notes = spec.get("notes")
        source = str(notes[0]) if isinstance(notes, list) and notes else kind.source if kind else ""
        self.source.setText(source)
        self.source.setVisible(bool(source))
        self._show_options(kind, spec)
        dataset, problems = self._editor.document.load_data()
        clear(self._problems)
        for problem in problems:
            text = f"{problem.fact.rstrip('.')}. {problem.mend}".strip()
            self._problems.addWidget(words(text[:1].upper() + text[1:], "error"))
        self.preview.show_data(dataset)
        self._show_sentences(dataset)

    def _show_options(self, kind: DatasetType | None, spec: dict[str, Any]) -> None:
        name = kind.name if kind else ""
        if name != self._options_of:
            self._options_of = name
            self._build_options(kind)
        for option, row in self.rows.items():
            assert kind is not None
            value = spec.get(option, kind.options[option].default)
            row.show_value(
                tuple(value) if isinstance(value, list) and option.endswith(("names", "features", "rows")) else value
            )
        typed = [len(entry) for entry in (spec.get("inputs"), spec.get("targets")) if isinstance(entry, list)]
        for option in ("inputs", "targets"):
            if option in self.rows and name == "values":  # thousands of rows are looked at above, and typed nowhere
                self.rows[option].setVisible(max(typed, default=0) <= MOST_TYPED)
        self.options.setVisible(bool(kind and kind.own))
        self.preparation.setVisible(kind is not None)

    def _build_options(self, kind: DatasetType | None) -> None:
        clear(self._option_rows)
        clear(self._preparing_rows)
        self.rows = {}
        for name, option in (kind.options if kind else {}).items():
            assert kind is not None
            if name == "notes":  # read among the sentences below, and not typed
                continue
            # Drawing points anew at each pixel of a drag would plan anew each time: taken when the hand lets go.
            row = PropertyRow(option, option.default, self._set_option, self._editor.new_gesture, live=False)
            row.reset_asked.connect(self._reset_option)
            self.rows[name] = row
            (self._option_rows if name in kind.own else self._preparing_rows).addWidget(row)

    def _show_sentences(self, dataset: Dataset | None) -> None:
        clear(self._sentences)
        if dataset is None:
            return
        for sentence in preparation_of(dataset):
            self._sentences.addWidget(words(sentence, "2"))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Nothing here changes by training."""

    # editing ---------------------------------------------------------------------------------------------------------

    def _set(self, spec: dict[str, Any]) -> None:
        self._editor.set_data({**self._editor.document.data, PART: spec})

    def _choose(self, _: str, name: Any, gesture: int) -> None:
        if name == "values":
            self._set(self._as_typed())
        elif name == "file":
            self.choose_file()
            self.choice.show_value(self._spec().get("name"))
        else:
            known, spec = describe(name).options, self._spec()
            shared = ("standardise", "test_fraction", "split_seed", "folds", "fold")
            kept: dict[str, Any] = {key: spec[key] for key in shared if key in spec and key in known}
            self._set({"name": name, **kept})

    def _as_typed(self) -> dict[str, Any]:
        """The rows of now as values to type over: an empty table would stop everything."""
        dataset, _ = self._editor.document.load_data()
        if dataset is None:
            return {"name": "values", "inputs": [[0, 0], [0, 1], [1, 0], [1, 1]], "targets": [0, 1, 1, 0]}
        inputs = dataset.inputs[:TYPED_ROWS].reshape(len(dataset.inputs[:TYPED_ROWS]), -1)
        return {"name": "values", "inputs": plain(inputs), "targets": plain(dataset.targets[:TYPED_ROWS])}

    def _set_option(self, name: str, value: Any, gesture: int) -> None:
        self._set({**self._spec(), name: list(value) if isinstance(value, tuple) else value})

    def _reset_option(self, name: str) -> None:
        self._set({key: value for key, value in self._spec().items() if key != name})

    def choose_file(self) -> None:
        """Ask for a table, and import it."""
        folder = self._editor.document.folder
        path, _ = QFileDialog.getOpenFileName(
            self, "Open a table", str(folder or Path.home()), "Tables (*.csv *.tsv *.txt *.dat);;All files (*)"
        )
        if path:
            self.import_file(Path(path))

    def import_file(self, path: Path) -> DataImport:
        """Open the dialog that shows how a table is understood, and asks about every doubt."""
        from app.panels.data_import import DataImport

        dialog = DataImport(self._editor, path, self.window())
        dialog.open()
        return dialog


def plain(array: Any) -> list[Any]:
    """Numbers as JSON says them, whole ones without a point."""
    if array.ndim > 1:
        return [plain(row) for row in array]
    return [int(number) if number == int(number) else float(f"{number:.7g}") for number in array]
