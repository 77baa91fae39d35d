"""The inspector: what it shows of a node, and numbers under a hand that are live and one undo step."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolButton

from app.editor import Editor
from app.follow import Follower
from app.panels.inspector import Inspector
from app.panels.inspector.curve import CurvePicture
from app.panels.inspector.document_page import training_sentences
from app.panels.inspector.formulas import FormulaSection
from app.panels.inspector.parameters import entry_symbol
from app.panels.inspector.ports import PortRow, PortTable
from app.panels.inspector.why import NodeLink, WhySection
from app.theme import current_theme
from app.theme.formula import FormulaBlock
from engine.document import Document
from engine.explain import Curve, Factor, Factors
from engine.snapshot import Equation, Explanation, Snapshot, Term, read

LEFT = Qt.MouseButton.LeftButton
WEIGHT = np.array([[0.56, 2.17, 1.12, -0.3], [-0.96, -1.69, 0.87, 0.4]])

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def editor(document):
    return Editor(document)


@pytest.fixture
def inspector(qtbot, editor):
    """Without a runner: fed by hand."""
    made = Inspector(editor)
    made.resize(384, 1400)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def live(qtbot, editor, runner):
    """With a runner that has played one iteration."""
    made = Inspector(editor, runner)
    made.follower = Follower(editor, runner)
    made.resize(384, 1600)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.snapshots = []
    runner.snapshot_ready.connect(made.snapshots.append)
    runner.snapshot_ready.connect(made.show_snapshot)
    runner.open(editor.document, editor.revision)
    runner.step("iteration")
    qtbot.waitUntil(lambda: bool(made.snapshots) and made.snapshots[-1].iteration == 1, timeout=120_000)
    return made


def snapshot(**more):
    parameters = {"hidden.weight": read(WEIGHT, "current"), "hidden.bias": read(np.full(4, 0.1), "current")}
    values = {
        "input_1.value": read(np.array([[0.0, 1.0]] * 4), "current"),
        "hidden.h": read(np.full((4, 4), 0.25), "current"),
    }
    return Snapshot(revision=more.pop("revision", 0), parameters=parameters, values=values, **more)


def texts(widget):
    QApplication.processEvents()  # what was added to a layout is shown by the event loop
    return " ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


# what is shown -------------------------------------------------------------------------------------------------------


def test_with_nothing_selected_the_document_speaks(inspector):
    said = texts(inspector)
    assert inspector.document_page.title.text() == "XOR needs a hidden layer"
    assert "Adam minimises loss: learning rate 0.0500" in said
    assert "the inputs are not standardised" in said
    assert inspector.tabs.tabText(0) == "Document"


def test_while_nothing_is_selected_the_inspector_follows_the_steps(qtbot, editor, runner):
    inspector = Inspector(editor, runner)
    qtbot.addWidget(inspector)
    runner.snapshot_ready.connect(inspector.show_snapshot)
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.open(editor.document, editor.revision)
    assert inspector.tabs.tabText(0) == "Document"
    for name in ("input_1", "target_1"):
        runner.step("node")
        qtbot.waitUntil(lambda name=name: inspector.node_page.node is not None and inspector.node_page.node.id == name)
    assert inspector.tabs.tabText(0) == "Node"
    runner.step_back("node")
    qtbot.waitUntil(lambda: inspector.node_page.node.id == "input_1")
    editor.select(["loss"])
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.step("node")
    assert inspector.node_page.node.id == "loss"
    editor.select([])
    assert inspector.tabs.tabText(0) == "Document"


def test_the_title_is_changed_in_place_and_undone(inspector, editor):
    page = inspector.document_page
    page.title.setFocus()
    page.title.selectAll()
    QTest.keyClicks(page.title, "Another")
    QTest.keyClick(page.title, Qt.Key.Key_Return)
    assert editor.document.title == "Another"
    editor.stack.undo()
    page.title.clearFocus()
    page.show_document()
    assert page.title.text() == "XOR needs a hidden layer"


def test_a_selected_node_is_named_with_its_help_its_properties_and_its_source(inspector, editor):
    editor.select(["hidden"])
    page = inspector.node_page
    said = texts(page)
    assert page.title.text() == "hidden"
    assert "Weighted sums of the features plus a bias" in said
    assert "neurons" in said
    assert "Aggarwal" in page.source.text()
    assert inspector.tabs.tabText(0) == "Node"


def test_an_input_says_what_is_done_to_the_data(inspector, editor):
    editor.select(["input_1"])
    assert "Nothing else is done to the rows: the inputs are not standardised." in texts(inspector.node_page.data)


def test_what_was_not_computed_is_a_dash_and_never_a_zero(inspector, editor):
    editor.select(["hidden"])
    inspector.show_snapshot(Snapshot(values={"hidden.h": read(np.zeros((4, 4)), "absent")}))
    row = inspector.node_page.table.rows[-1]
    assert (row.name, row.value, row.gradient) == ("h", "–", "–")


def test_ports_show_shape_value_and_gradient(inspector, editor):
    editor.select(["hidden"])
    gradients = {"hidden.weight": read(np.full((2, 4), -0.5), "current"), "hidden.h": read(np.ones((4, 4)), "earlier")}
    inspector.show_snapshot(snapshot(gradients=gradients))
    rows = {row.name: row for row in inspector.node_page.table.rows}
    assert (rows["x"].value, rows["weight"].shape, rows["weight"].gradient) == ("0.50 ± 0.50", "(2, 4)", "−0.50 ± 0")
    assert rows["weight"].gradient_token == "backward"
    assert rows["h"].gradient_token == "text3"


@pytest.mark.parametrize("width", [300, 350, 420])
def test_columns_of_ports_stand_apart_and_numbers_have_room(qtbot, width):
    table = PortTable()
    qtbot.addWidget(table)
    row = PortRow("weight", "W", "tensor", "", "a.b", "(B, 64)", "-0.0013 ± 0.021", "-6.3e-5 ± 0.0021")
    table.set_rows([row])
    table.resize(width, table.sizeHint().height())
    columns = table._columns()
    for (left, size, _), (after, _, _) in pairwise(columns):
        assert left + size + 4 <= after
    assert columns[-1][0] + columns[-1][1] <= width + 0.5
    metrics = QFontMetricsF(current_theme().font("number_small"))
    if width >= 350:
        assert all(metrics.horizontalAdvance(text) <= columns[k][1] for k, text in ((2, row.value), (3, row.gradient)))


def test_the_gradient_of_a_value_that_goes_several_ways_is_not_shown_as_one_ports(inspector, editor):
    editor.add_node("dense", (300, 300), wire_from="input_1.value")
    editor.select(["hidden"])
    inspector.show_snapshot(snapshot(gradients={"input_1.value": read(np.ones((4, 2)), "current")}))
    assert inspector.node_page.table.rows[0].gradient == "–"


def test_formulas_stand_with_their_numbers_under_each_symbol(inspector, editor):
    editor.select(["hidden"])
    terms = (
        Term("z_1", 1.25, "result"),
        Term("="),
        Term("w_{11}", None, "operand"),
        Term(r"\cdot"),
        Term("x_1", -0.5, "operand"),
    )
    explanation = Explanation("hidden", "forward", "", (Equation(terms),))
    inspector.show_snapshot(snapshot(explanation=explanation))
    section = inspector.node_page.formulas.sections["forward"]
    assert section.isVisible()
    assert "z_1 1.250 = = w_11 – · × x_1 −0.500" in section.text
    assert not inspector.node_page.formulas.sections["backward"].isVisible()


def test_of_a_node_in_time_the_formulas_say_at_which_step_they_are(inspector, editor):
    editor.select(["hidden"])
    lines = (Equation((Term("z", 1.0, "result"), Term("="), Term("x", 1.0, "operand"))),)
    section = inspector.node_page.formulas.sections["forward"]
    for title, shown in (("hidden at step 3 · unit 1", True), ("hidden · unit 1", False), ("hidden", False)):
        moment = Snapshot(explanation=Explanation("hidden", "forward", title, lines))
        inspector.show_snapshot(moment)
        assert section.title.isVisible() == shown
        assert section.title.text() == title


def test_formulas_of_another_node_are_not_shown(inspector, editor):
    editor.select(["output"])
    inspector.show_snapshot(snapshot(explanation=Explanation("hidden", "forward", "", (Equation((Term("z", 1.0),)),))))
    assert not inspector.node_page.formulas.sections["forward"].isVisible()


def test_a_pinned_node_stays_whatever_is_selected(inspector, editor):
    editor.select(["hidden"])
    QTest.mouseClick(inspector.node_page.pin, LEFT)
    editor.select(["output"])
    assert inspector.node_page.title.text() == "hidden"
    QTest.mouseClick(inspector.node_page.pin, LEFT)
    assert inspector.node_page.title.text() == "output"


def test_several_nodes_and_a_removed_one_leave_no_page_behind(inspector, editor):
    editor.select(["hidden", "output"])
    assert "2 nodes: hidden, output" in texts(inspector)
    editor.select(["hidden"])
    editor.remove(["hidden"])
    assert inspector.pages.currentWidget().widget() is inspector.document_page


def test_entries_are_named_as_in_the_textbook(editor):
    node = editor.document.graph.nodes["hidden"]
    assert entry_symbol(node, "weight", (2, 4), (0, 2)) == "w_{13}"
    assert entry_symbol(node, "weight", (12, 4), (10, 2)) == "w_{11,3}"
    assert entry_symbol(node, "bias", (1,), (0,)) == "b"


def test_parameters_without_a_port_are_named_as_in_the_formulas(editor):
    """The perceptron's stood there as `weight_1`, in letters that read like a product."""
    names = [editor.add_node(kind, (0, 0)) for kind in ("perceptron", "gru_cell")]
    perceptron, cell = (editor.document.graph.nodes[name] for name in names)
    assert entry_symbol(perceptron, "weight", (2, 1), (1, 0)) == "w_{2}"
    assert entry_symbol(cell, "recurrent", (3, 3), (0, 2)) == r"\mathrm{recurrent}_{13}"


def test_the_factors_of_a_gradient_are_listed_and_lead_to_their_nodes(inspector, editor):
    factors = (
        Factor("y - t", -0.597, "loss and sigmoid", "output"),
        Factor("1 - h^2", 0.28, "slope of tanh", "hidden"),
    )
    section = inspector.node_page.why
    editor.select(["hidden"])
    section.show_factors(Factors("g", factors, -0.167, -0.153, 1))
    said = texts(section)
    assert "−0.597" in said
    assert "shrinks most" in said
    assert "what all other paths add 0.0140" in said or "0.0140" in said
    buttons = {button.text(): button for button in section.findChildren(QToolButton)}
    QTest.mouseClick(buttons["loss and sigmoid"], LEFT)
    assert editor.selection == {"output"}


def test_many_lines_of_a_formula_are_folded_until_asked_for(inspector, editor):
    editor.select(["hidden"])
    lines = tuple(Equation((Term("w", float(index), "old"),)) for index in range(9))
    inspector.show_snapshot(snapshot(explanation=Explanation("hidden", "update", "", lines)))
    section = inspector.node_page.formulas.sections["update"]
    assert len(section.text.split(";")) == 4
    more = next(button for button in section.findChildren(QToolButton) if "more lines" in button.text())
    QTest.mouseClick(more, LEFT)
    assert len(section.text.split(";")) == 9


# numbers under a hand ------------------------------------------------------------------------------------------------


def test_every_parameter_of_a_small_layer_has_its_row(inspector, editor):
    editor.select(["hidden"])
    inspector.show_snapshot(snapshot())
    rows = inspector.node_page.parameters.rows
    assert len(rows) == 12
    assert rows["hidden.weight", (1, 1)].text_field.number == -1.69


def test_many_parameters_are_a_heat_map_with_one_entry_to_edit(qtbot, inspector, editor):
    big = np.linspace(-1, 1, 40 * 20).reshape(40, 20)
    editor.select(["hidden"])
    inspector.show_snapshot(Snapshot(parameters={"hidden.weight": read(big, "current")}))
    section = inspector.node_page.parameters
    assert section.rows == {}
    picture = section.maps["hidden.weight"]
    qtbot.waitUntil(lambda: picture.isVisible() and picture.height() == picture.sizeHint().height())
    image = picture.grab().toImage()
    assert image.pixelColor(40, 12).red() > image.pixelColor(40, 12).blue()
    below = image.pixelColor(image.width() - 20, image.height() - 12)
    assert below.blue() > below.red()
    width, height = picture._cell()
    QTest.mouseClick(picture, LEFT, pos=QPoint(int(3.5 * width), int(2.5 * height)))
    assert picture.place == (2, 3)
    QTest.keyClick(picture, Qt.Key.Key_Right)
    assert picture.place == (2, 4)
    field = section._chosen["hidden.weight"].text_field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0.5")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert section._arrays["hidden.weight"][2, 4] == 0.5
    assert editor.stack.undoText() == "Set hidden · weight"


def test_a_weight_too_large_to_copy_is_told_by_its_numbers(inspector, editor):
    editor.select(["hidden"])
    large = read(np.linspace(0, 1, 400 * 300).reshape(400, 300), "current")
    assert large.array is None
    inspector.show_snapshot(Snapshot(parameters={"hidden.weight": large}))
    assert "weight (400, 300): 0 to +1, 0.50 ± 0.29; too many to show each." in texts(inspector.node_page.parameters)


def test_a_dragged_weight_is_live_and_one_undo_step(qtbot, live, editor, runner):
    editor.select(["hidden"])
    rows = live.node_page.parameters.rows
    qtbot.waitUntil(lambda: len(rows) == 12 or len(live.node_page.parameters.rows) == 12)
    row = live.node_page.parameters.rows["hidden.weight", (0, 0)]
    before = live.snapshots[-1].parameters["hidden.weight"].array.copy()
    slider = row.slider
    at = QPoint(round(slider._x(slider.scale.place(before[0, 0]))), 12)
    QTest.mousePress(slider, LEFT, pos=at)
    for way in (4, 9, 15):
        QTest.mouseMove(slider, at + QPoint(way, 0))
    dragged = slider._number
    assert dragged > before[0, 0]
    qtbot.waitUntil(lambda: live.snapshots[-1].parameters["hidden.weight"].array[0, 0] == np.float32(dragged))
    assert editor.stack.count() == 0
    QTest.mouseRelease(slider, LEFT, pos=at + QPoint(15, 0))
    assert editor.stack.count() == 1
    editor.stack.undo()
    qtbot.waitUntil(lambda: np.array_equal(live.snapshots[-1].parameters["hidden.weight"].array, before))
    editor.stack.redo()
    qtbot.waitUntil(lambda: live.snapshots[-1].parameters["hidden.weight"].array[0, 0] == np.float32(dragged))


def test_a_drag_taken_back_leaves_no_step(live, editor, qtbot):
    editor.select(["hidden"])
    qtbot.waitUntil(lambda: bool(live.node_page.parameters.rows))
    slider = next(iter(live.node_page.parameters.rows.values())).slider
    QTest.mousePress(slider, LEFT, pos=QPoint(30, 12))
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert editor.stack.count() == 0


def test_freezing_is_a_flag_of_the_node(inspector, editor):
    editor.select(["hidden"])
    inspector.show_snapshot(snapshot())
    QTest.mouseClick(inspector.node_page.parameters.freeze, LEFT)
    assert "frozen" in editor.document.graph.nodes["hidden"].flags
    editor.stack.undo()
    assert not inspector.node_page.parameters.freeze.isChecked()


def test_a_property_is_typed_reset_and_undone(inspector, editor):
    editor.select(["hidden"])
    row = inspector.node_page.property_row("units")
    row.editor.setFocus()
    row.editor.selectAll()
    QTest.keyClicks(row.editor, "7")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert editor.document.graph.nodes["hidden"].properties["units"] == 7
    editor.stack.undo()
    assert row.editor.number == 4
    editor.set_property("hidden", "units", 9)
    QTest.mouseClick(row.reset, LEFT)
    assert "units" not in editor.document.graph.nodes["hidden"].properties


def test_all_defaults_are_one_undo_step(inspector, editor):
    editor.select(["hidden"])
    before = dict(editor.document.graph.nodes["hidden"].properties)
    QTest.mouseClick(inspector.node_page.defaults, LEFT)
    assert editor.document.graph.nodes["hidden"].properties == {}
    assert editor.stack.count() == 1
    editor.stack.undo()
    assert editor.document.graph.nodes["hidden"].properties == before


def test_the_run_explains_the_row_and_the_unit_that_were_chosen(qtbot, live, editor):
    editor.select(["hidden"])
    page = live.node_page
    forward = page.formulas.sections["forward"]
    qtbot.waitUntil(lambda: forward.isVisible() and bool(forward.text), timeout=60_000)
    assert page.entry.isVisible()
    first = forward.text
    page.entry.unit.setFocus()
    QTest.keyClick(page.entry.unit, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: forward.text != first, timeout=20_000)
    assert page.what.isVisible()
    assert page.why.isVisible()
    image = page.curve.grab().toImage()
    curve = current_theme().colour("text")
    found = sum(image.pixelColor(x, y) == curve for x in range(image.width()) for y in range(image.height()))
    assert found > 20


def test_before_a_batch_was_drawn_nobody_is_offered_its_rows(inspector, editor):
    """“row 1 of 4” stood there for a batch of 64."""
    editor.select(["hidden"])
    for state, offered in (("absent", False), ("current", True)):
        inspector.show_snapshot(replace(snapshot(), values={"hidden.h": read(np.zeros((4, 4)), state)}))
        choice = inspector.node_page.entry
        assert choice.row.isVisible() == offered
        assert choice.unit.isVisible()


def test_rows_that_go_by_leave_the_blocks_of_the_formulas_where_they_are(qtbot):
    """Each row has a symbol of its own: building the blocks anew left the section blank in every third frame."""
    section = FormulaSection("forward")
    qtbot.addWidget(section)
    for row in (1, 2):
        line = Equation((Term("x_1", 0.5, "result"), Term("="), Term(f"X_{{{row},1}}", 0.5, "operand")))
        section.show_explanation(Explanation("x", "forward", equations=(line,)), now=True)
        blocks = section.findChildren(FormulaBlock)
        assert len(blocks) == 1
        assert f"X_{row},1" in section.text
        if row == 1:
            first = blocks
    assert blocks == first


def test_the_name_of_a_curve_is_set_as_mathematics(qtbot, monkeypatch):
    asked = []
    theme = current_theme()
    setting = theme.mathematics
    monkeypatch.setattr(theme, "mathematics", lambda latex, *more: asked.append(latex) or setting(latex, *more))
    picture = CurvePicture()
    qtbot.addWidget(picture)
    xs = np.linspace(-4, 4, 9)
    picture.show_curve(Curve(xs, np.tanh(xs), 1 - np.tanh(xs) ** 2, 0.5, 0.46, 0.79, "z", r"\hat y_1"))
    picture.grab()
    assert asked == [r"\hat y_1"]


def test_a_name_that_is_a_symbol_is_set_as_on_the_canvas(inspector, editor):
    page = inspector.node_page
    for title, is_symbol in (("h3", True), (r"\hat y", True), ("hidden layer", False)):
        editor.set_title("hidden", title)
        editor.select(["hidden"])
        assert page.title.text() == title
        assert (page.symbol.isVisible(), page.title.isVisible()) == (is_symbol, not is_symbol)


def test_another_document_forgets_the_node(inspector, editor, document):
    editor.select(["hidden"])
    inspector.show_snapshot(snapshot())
    editor.open(document.copy())
    assert inspector.pages.currentWidget().widget() is inspector.document_page
    assert inspector.node_page.node is None


def test_no_page_is_cut_off_in_the_narrowest_inspector(inspector, editor):
    inspector.resize(inspector.minimumWidth(), 900)
    for name in editor.document.graph.nodes:
        editor.select([name])
        QApplication.processEvents()
        area = inspector.pages.currentWidget()
        assert area.widget().width() <= area.viewport().width(), name


def test_a_document_that_learns_by_a_rule_is_not_said_to_learn_nothing():
    document = Document.load(ROOT / "presets" / "basics" / "perceptron.json")
    (sentence,) = training_sentences(document.training, document)
    assert sentence.endswith("learns by its own rule, without a loss.")


def test_a_factor_of_many_words_does_not_widen_the_panel(qtbot):
    section = WhySection()
    qtbot.addWidget(section)
    words = "weight into the judge of the numbers that the forger has made of noise"
    section.show_factors(
        Factors("g", (Factor("x", 0.5, words, "judge"), Factor("y", -0.1, words, "judge")), -0.05, -0.05, 1)
    )
    section.resize(340, 200)
    section.show()
    assert section.minimumSizeHint().width() <= 340
    (first, _) = section.findChildren(NodeLink)
    qtbot.waitUntil(lambda: first.width() < first.fontMetrics().horizontalAdvance(words))
    assert words in first.toolTip()


def test_a_node_that_was_computed_is_never_said_not_to_be_while_its_formulas_are_on_their_way(qtbot, live, editor):
    editor.select(["output"])
    formulas = live.node_page.formulas
    assert not formulas._waiting.isVisible()
    qtbot.waitUntil(lambda: formulas.sections["forward"].isVisible())
    editor.select(["hidden"])
    assert formulas.is_empty
    assert not formulas._waiting.isVisible()
    qtbot.waitUntil(lambda: not formulas.is_empty)
