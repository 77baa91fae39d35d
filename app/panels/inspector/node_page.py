"""Everything about one node: formulas with numbers, ports, parameters, properties, data, reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.panels.fields.properties import PropertyRow, readable
from app.panels.fields.section import PADDING, Section, Symbol, clear, link, tool, words
from app.panels.inspector.curve import CurvePicture
from app.panels.inspector.document_page import data_sentences
from app.panels.inspector.entry_choice import EntryChoice
from app.panels.inspector.formulas import Formulas
from app.panels.inspector.parameters import ParametersSection
from app.panels.inspector.ports import PortTable, rows_of
from app.panels.inspector.questions import Answer, Subject, about
from app.panels.inspector.why import WhySection
from app.theme import category_token, current_theme
from app.theme.mathematics import latex_name
from engine.composites import composite_of
from engine.grouping import BORDER
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.graph import Node
    from engine.snapshot import Snapshot

QUESTION = "inspector"
ASK_AGAIN_MS, GIVE_UP_MS = 120, 1000
SYMBOL_SIZE = 15  # of a name that is a symbol, as on the canvas
DATA_TYPES = {"input", "target"}


class NodePage(QWidget):
    """The page of one node. Row and unit say which entry of a batch and a layer the formulas follow."""

    pinned = Signal(bool)
    data_asked = Signal()

    def __init__(self, editor: Editor, runner: Runner | None) -> None:
        super().__init__()
        self._editor, self._runner = editor, runner
        self._subject: Subject | None = None
        self._snapshot: Snapshot | None = None
        self._asked = QElapsedTimer()
        self._is_waiting = False
        self._is_behind = False  # numbers came that nobody has asked about yet
        self._asking = QTimer(self, singleShot=True, interval=0)  # once the runner knows of the edit
        self._asking.timeout.connect(self._catch_up)
        self._property_rows: dict[str, PropertyRow] = {}
        self.eyes: dict[str, QToolButton] = {}
        self._signature: object = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._make_head())
        self.formulas = Formulas()
        self.inside = Section("Inside")
        self._inside_words = words("", "2")
        self.definition = QLineEdit()
        self.definition.setAccessibleName("Name of the composite")
        self.definition.setToolTip("Name of the composite, in the palette and at all its uses (Ctrl+F2 on the canvas)")
        self.definition.editingFinished.connect(self._rename_definition)
        self.inside.body.addWidget(self.definition)
        self.inside.body.addWidget(self._inside_words)
        self.inside.hide()
        self.table = PortTable()
        self.ports = Section("Ports")
        self.ports.body.addWidget(self.table)
        self.parameters = ParametersSection(editor, runner)
        self.properties = self._make_properties()
        self.data = self._make_data()
        self.why = WhySection()
        self.curve = CurvePicture()
        self.what = Section("What does this do?")
        self.what.body.addWidget(self.curve)
        self.what.hide()
        self.why.node_asked.connect(lambda name: self._editor.select([self._editor.reveal(name) or name]))
        self.reference = self._make_reference()
        for part in (
            self.formulas, self.inside, self.ports, self.parameters, self.properties, self.data, self.why, self.what,
            self.reference,
        ):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)
        current_theme().changed.connect(self._paint_icons)
        if runner is not None:
            runner.answered.connect(self._take_answer)
            runner.playing_changed.connect(self._catch_up)

    # building --------------------------------------------------------------------------------------------------------

    def _make_head(self) -> QWidget:
        head = QWidget()
        column = QVBoxLayout(head)
        column.setContentsMargins(PADDING + 4, 10, PADDING, 10)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.icon = QLabel()
        self.title, self.symbol = words("", "title", wrap=False), Symbol("", SYMBOL_SIZE)
        self.type = words("", "caption", wrap=False)
        self.pin = tool("pin", "Keep showing this node, whatever is selected")
        self.pin.setCheckable(True)
        self.pin.clicked.connect(self.pinned)
        row.addWidget(self.icon)
        row.addWidget(self.title)
        row.addWidget(self.symbol)
        row.addWidget(self.type)
        row.addStretch(1)
        row.addWidget(self.pin)
        self.help = words("", "2")
        column.addLayout(row)
        column.addWidget(self.help)
        self.entry = EntryChoice()
        self.entry.chosen.connect(self._choose_entry)
        column.addWidget(self.entry)
        return head

    def _make_properties(self) -> Section:
        section = Section("Properties")
        self.defaults = link("defaults", "Give every property its default", "rotate-ccw")
        self.defaults.clicked.connect(self._reset_all)
        section.aside.addWidget(self.defaults)
        return section

    def _make_data(self) -> Section:
        section = Section("Data")
        button = link("Change data …", "Turn to the tab Data")
        button.clicked.connect(self.data_asked)
        section.aside.addWidget(button)
        return section

    def _make_reference(self) -> QWidget:
        section = Section("")
        row = QHBoxLayout()
        self._book, self.source = QLabel(), words("", "2")
        self._book.setFixedWidth(18)
        row.addWidget(self._book, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.source, 1)
        section.body.addLayout(row)
        return section

    def _paint_icons(self) -> None:
        theme, node = current_theme(), self.node
        self._book.setPixmap(theme.pixmap("book-open", "text3", 14))
        kind = node.kind if node else None
        token = category_token(kind.category) if kind else "error"
        self.icon.setPixmap(theme.pixmap((kind.icon or "circle") if kind else "circle-help", token, 18))

    # the node --------------------------------------------------------------------------------------------------------

    @property
    def node(self) -> Node | None:
        """The node shown, as the document has it now."""
        return self._editor.shown.graph.nodes.get(self._subject.node) if self._subject else None

    def show_node(self, name: str) -> None:
        """Look at another node."""
        if self._subject is None or self._subject.node != name:
            self._subject = Subject(name)
            self._is_waiting = False
            self.formulas.clear() if self._runner is not None else self.formulas.show_explanations((), "")
            self.why.hide()
            self.what.hide()
            self._focus()
        self.show_document()

    def show_document(self) -> None:
        """What the document says of the node: after a look at another one, and after every edit."""
        node = self.node
        if node is None:
            return
        kind = node.kind
        self.title.setText(node.name)
        self.symbol.set_latex(latex_name(node.name))
        self.title.setHidden(bool(latex_name(node.name)))
        self.symbol.setVisible(self.title.isHidden())
        self.type.setText(kind.title if kind else node.type)
        self.help.setText(kind.help() if kind else "This version knows no node type of that name; it is kept as it is.")
        self._paint_icons()
        self.parameters.set_node(node)
        self._show_inside(node)
        self._show_properties(node)
        self.reference.setVisible(bool(kind and kind.source))
        self.source.setText(kind.source if kind else "")
        self.data.setVisible(node.type in DATA_TYPES)
        if node.type in DATA_TYPES:
            clear(self.data.body)
            for sentence in data_sentences(self._editor.document):
                self.data.body.addWidget(words(sentence, "2"))
        self.ports.setVisible(kind is not None)
        self.table.set_rows(rows_of(self._editor.shown.graph, node, kind) if kind else [])
        if self._snapshot is not None:
            self.show_snapshot(self._snapshot)
        else:
            self.table.show_snapshot(None, self._editor.shapes, set())
            self.entry.hide()

    def _show_inside(self, node: Node) -> None:
        """A composite has no formula of its own: its nodes have."""
        composite = composite_of(node)
        self.formulas.setVisible(composite is None)
        self.inside.setVisible(composite is not None)
        if composite is not None:
            if not self.definition.hasFocus():
                self.definition.setText(composite.name)
            count = len(composite.graph.nodes)
            self._inside_words.setText(
                f"A graph of {count} node{'s' if count != 1 else ''}. Go in with a double click or Enter, and out with U."
            )

    def _rename_definition(self) -> None:
        composite = composite_of(self.node) if self.node is not None else None
        if composite is not None and self.definition.text() != composite.name:
            self._editor.rename_composite(composite.id, self.definition.text())

    def forget(self) -> None:
        """Another document: nothing of the former one counts."""
        self._subject, self._snapshot, self._signature = None, None, None
        self.parameters.set_node(None)

    # numbers ---------------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """The numbers of another moment."""
        self._snapshot = snapshot
        node, subject = self.node, self._subject
        if node is None or subject is None:
            return
        graph = self._editor.shown.graph
        counts: dict[str, int] = {}
        for wire in graph.wires:
            counts[wire.source] = counts.get(wire.source, 0) + 1
        shared = {
            row.address for row in self.table.rows if counts.get(row.address, 0) > 1 and not self._is_own(row.address)
        }
        self.table.show_snapshot(snapshot, self._editor.shapes, shared)
        self.parameters.show_snapshot(snapshot)
        self._show_entry(snapshot)
        explanation = snapshot.explanation
        is_first = self._runner is None or self.formulas.is_empty  # the answer has more, and comes a little later
        if is_first and explanation is not None and explanation.node == subject.node:
            self.formulas.show_explanations((explanation,), explanation.part, node.name)
        self._ask()

    def _is_own(self, address: str) -> bool:
        return self._subject is not None and address.partition(".")[0] == self._subject.node

    def _show_entry(self, snapshot: Snapshot) -> None:
        rows = units = 1
        for row in reversed(self.table.rows):
            reading = snapshot.values.get(row.address)
            if reading is not None and self._is_own(row.address):
                drawn = reading.state != "absent"  # before, nobody knows how many rows there will be
                rows = reading.shape[0] if reading.shape and drawn else 1
                units = reading.shape[-1] if len(reading.shape) > 1 else 1
        self.entry.show_counts(rows, units)
        has_formula = self.node is not None and composite_of(self.node) is None
        self.entry.setVisible(has_formula and (rows > 1 or units > 1))

    def _choose_entry(self) -> None:
        if self._subject is not None:
            self._subject = Subject(self._subject.node, *self.entry.entry)
            self._is_waiting = False
            self._focus()
            self._ask()

    def follow_unit(self, node: str, unit: int) -> None:
        """Let the formulas follow another unit of the node that is shown."""
        if self._subject is not None and self._subject.node == node and self._subject.unit != unit:
            self._subject = Subject(node, self._subject.row, unit)
            self._is_waiting = False
            self._focus()
            self._ask()

    def _focus(self) -> None:
        if self._subject is not None and self._runner is not None:
            self._runner.focus(f"{self._editor.prefix}{self._subject.node}", self._subject.row, self._subject.unit)
        if self._subject is not None:
            self.entry.show_entry(self._subject.row, self._subject.unit)

    @property
    def _asked_of(self) -> Subject:
        """The subject by its name in the whole document."""
        assert self._subject is not None
        return Subject(f"{self._editor.prefix}{self._subject.node}", self._subject.row, self._subject.unit)

    def _ask(self) -> None:
        """Ask the session for the formulas; not again while an answer is on its way, nor more often than one can read."""
        if self._runner is None or self._subject is None:
            return
        waited = self._asked.elapsed() if self._asked.isValid() else GIVE_UP_MS
        self._is_behind = True
        if self._is_waiting and waited < GIVE_UP_MS:
            return
        if self._runner.playing and waited < ASK_AGAIN_MS:
            return
        self._is_waiting, self._is_behind = True, False
        self._asked.start()
        self._runner.ask(QUESTION, about(self._asked_of))

    def _catch_up(self, playing: bool = False) -> None:
        """Ask for the numbers that came while it was too early to ask for them."""
        if self._is_behind and not playing:
            self._ask()

    def _take_answer(self, name: str, answer: object) -> None:
        if name != QUESTION or not isinstance(answer, Answer):
            return
        self._is_waiting = False
        self._catch_up()
        if self._subject is None or answer.subject != self._asked_of:
            return
        last = self._snapshot.last_step if self._snapshot is not None else None
        now = last.part if last is not None and last.node == self._subject.node else ""
        node = self.node
        self.formulas.show_explanations(answer.explanations, now, node.name if node is not None else "")
        self.why.show_factors(answer.factors)
        self.what.setVisible(answer.curve is not None)
        if answer.curve is not None:
            self.curve.show_curve(answer.curve)

    # properties ------------------------------------------------------------------------------------------------------

    def _show_properties(self, node: Node) -> None:
        kind = node.kind
        fields = kind.properties() if kind else {}
        signature = (node.id, kind, self._editor.path)
        if signature != self._signature:
            self._signature = signature
            clear(self.properties.body)
            self._property_rows, self.eyes = {}, {}
            for name, field in fields.items():
                value = node.properties.get(name, field.default)
                row = PropertyRow(field, value, self._set_property, self._editor.new_gesture)
                row.reset_asked.connect(self._reset)
                self._property_rows[name] = row
                self.properties.body.addWidget(row)
                if self._editor.path and node.type not in BORDER:
                    row.add_tool(self._make_eye(node.id, name))
        wired = {wire.target_port for wire in self._editor.shown.graph.wires_into(node.id)}
        for name, row in self._property_rows.items():
            row.show_value(node.properties.get(name, fields[name].default))
            row.setVisible(name not in wired)
            if name in self.eyes:
                self._show_eye(self.eyes[name], name, self._editor.exposed_as(node.id, name))
        self.properties.setVisible(bool(fields))
        self.defaults.setVisible(
            any(node.properties.get(name, field.default) != field.default for name, field in fields.items())
        )

    def _make_eye(self, node: str, name: str) -> QToolButton:
        """Within a composite: whether a property is shown at its uses, where each has its own value."""
        eye = self.eyes[name] = tool("eye-off", "")
        eye.setCheckable(True)
        eye.clicked.connect(lambda: self._editor.toggle_exposed(node, name))
        return eye

    def _show_eye(self, eye: QToolButton, name: str, outer: str) -> None:
        words = readable(name)
        shown = f"Every use has its own {words}" + (f", as {readable(outer)}" if outer not in ("", name) else "")
        eye.setToolTip(f"{shown}: keep it within" if outer else f"Show {words} on every use of this composite")
        eye.setAccessibleName(eye.toolTip())
        eye.setChecked(bool(outer))
        current_theme().set_icon(eye, "eye" if outer else "eye-off", "accent" if outer else "text3", 14)

    def property_row(self, name: str) -> PropertyRow:
        """The row of a property. Raises KeyError."""
        return self._property_rows[name]

    def _set_property(self, name: str, value: object, gesture: int) -> None:
        if self._subject is not None:
            self._editor.set_property(self._subject.node, name, value, gesture)

    def _reset(self, name: str) -> None:
        if self._subject is None:
            return
        try:
            self._editor.reset_property(self._subject.node, name)
        except ProblemError as error:
            self._property_rows[name].refuse(error.problems[0])

    def _reset_all(self) -> None:
        node = self.node
        if node is None:
            return
        self._editor.stack.beginMacro(f"Reset {node.name} to its defaults")
        for name in list(node.properties):
            self._editor.reset_property(node.id, name)
        self._editor.stack.endMacro()

    def follow(self, change: Change) -> None:
        """An edit: show what it did, unless it only moved things."""
        self._is_behind = self._is_behind or self._is_waiting
        self._is_waiting = False  # an answer about the document as it was is not handed on
        self._asking.start()
        if self.node is not None and change.kinds - {"moved", "frame", "note", "views"}:
            self.show_document()
