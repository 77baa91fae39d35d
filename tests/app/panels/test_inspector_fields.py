"""Sliders and fields under a real mouse and real keys: what is heard, and when a gesture begins and ends."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from app.panels.fields.numbers import Field, Scale, Slider, parse, plain
from app.panels.fields.properties import PropertyRow, TableEdit, parsed, value_text
from engine.nodes import node_types
from engine.nodes.base import Choice, Dimensions, Flag, Numbers, Real, Text, Whole
from engine.problems import ProblemError

LEFT = Qt.MouseButton.LeftButton


class Ear:
    """Writes down what a slider or a field says."""

    def __init__(self, part):
        self.heard = []
        part.began.connect(lambda: self.heard.append("began"))
        part.moved.connect(lambda number: self.heard.append(number))
        part.ended.connect(lambda number: self.heard.append(("ended", number)))


@pytest.fixture
def slider(qtbot):
    made = Slider(Scale(-1, 1), 0.0, signed=True)
    made.resize(212, 24)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def field(qtbot):
    made = Field(0.25, -10, 10)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.setFocus()
    return made


def drag(widget, start, *ways, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.mousePress(widget, LEFT, modifier, start)
    for way in ways:
        QTest.mouseMove(widget, start + QPoint(way, 0))


def test_a_drag_is_one_gesture_with_every_place_on_the_way(slider):
    ear = Ear(slider)
    drag(slider, QPoint(106, 12), 20, 50)
    QTest.mouseRelease(slider, LEFT, pos=QPoint(156, 12))
    assert ear.heard == ["began", pytest.approx(0.2), pytest.approx(0.5), ("ended", pytest.approx(0.5))]


def test_a_press_beside_the_knob_moves_it_there(slider):
    ear = Ear(slider)
    QTest.mouseClick(slider, LEFT, pos=QPoint(6, 12))
    assert ear.heard == ["began", -1.0, ("ended", -1.0)]


def test_escape_takes_a_drag_back(slider):
    ear = Ear(slider)
    drag(slider, QPoint(106, 12), 40)
    QTest.keyClick(slider, Qt.Key.Key_Escape)
    assert ear.heard[-2:] == [0.0, ("ended", 0.0)]
    QTest.mouseMove(slider, QPoint(190, 12))
    assert ear.heard[-1] == ("ended", 0.0)


def test_arrow_keys_move_by_a_hundredth_of_the_way(slider):
    ear = Ear(slider)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert ear.heard == ["began", pytest.approx(0.02), ("ended", pytest.approx(0.02))]


def test_a_snapshot_does_not_pull_the_number_out_of_a_hand(slider):
    drag(slider, QPoint(106, 12), 40)
    assert slider.is_dragged


def test_a_logarithmic_scale_gives_each_decade_the_same_way_and_reaches_zero():
    scale = Scale(0, 10, logarithmic=True)
    assert scale.place(0.1) - scale.place(0.01) == pytest.approx(scale.place(1) - scale.place(0.1))
    assert (scale.number(0.0), scale.number(1.0)) == (0.0, 10.0)
    assert scale.number(scale.place(0.03)) == pytest.approx(0.03)


def test_enter_takes_what_was_typed_and_leaves_the_exact_number(field):
    ear = Ear(field)
    field.selectAll()
    QTest.keyClicks(field, "0,123456")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert ear.heard == ["began", 0.123456, ("ended", 0.123456)]
    assert field.text() == "0.123456"


def test_a_number_outside_the_limits_is_refused_with_the_limits(field):
    ear, reasons = Ear(field), []
    field.refused.connect(reasons.append)
    field.selectAll()
    QTest.keyClicks(field, "11")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert ear.heard == []
    assert reasons == ["Choose a number from −10 to 10."]
    assert field.property("wrong") == "true"
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.number == 0.25
    assert field.property("wrong") == "false"


def test_arrows_in_a_field_nudge_by_its_last_place(field):
    ear = Ear(field)
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert ear.heard == ["began", pytest.approx(0.251), ("ended", pytest.approx(0.251))]
    QTest.keyClick(field, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert field.number == pytest.approx(0.24)


@pytest.mark.parametrize(
    ("text", "number"), [("1/3", 1 / 3), ("−2", -2), ("1e-3", 0.001), ("", None), ("two", None), ("1/0", None)]
)
def test_people_type_numbers_in_many_ways(text, number):
    assert parse(text) == (pytest.approx(number) if number is not None else None)


def test_numbers_of_a_column_have_the_same_places():
    assert [plain(number) for number in (0.5, -0.29221, 3, 12.3456)] == ["0.500", "−0.292", "3", "12.346"]


class Taken:
    def __init__(self):
        self.calls = []

    def __call__(self, name, value, gesture):
        self.calls.append((name, value, gesture))


def row_of(qtbot, field, value, **details):
    field.name = "thing"
    taken, gestures = Taken(), iter(range(1, 100))
    row = PropertyRow(field, value, taken, lambda: next(gestures), **details)
    qtbot.addWidget(row)
    with qtbot.waitExposed(row):
        row.show()
    return row, taken


def test_a_drag_of_a_real_property_is_one_gesture(qtbot):
    row, taken = row_of(qtbot, Real(0.5, low=0, high=1), 0.5)
    slider = row.editor.slider
    drag(slider, QPoint(slider.width() // 2, 12), 10, 20)
    QTest.mouseRelease(slider, LEFT)
    assert len(taken.calls) == 2
    assert {gesture for _, _, gesture in taken.calls} == {1}


def test_what_is_not_live_is_taken_when_the_hand_lets_go(qtbot):
    row, taken = row_of(qtbot, Real(0.5, low=0, high=1), 0.5, live=False)
    slider = row.editor.slider
    drag(slider, QPoint(slider.width() // 2, 12), 10, 20)
    assert taken.calls == []
    QTest.mouseRelease(slider, LEFT)
    assert len(taken.calls) == 1


def test_a_whole_number_may_be_emptied_where_the_default_is_none(qtbot):
    row, taken = row_of(qtbot, Whole(None, low=1, high=9), 4)
    row.editor.setFocus()
    row.editor.selectAll()
    QTest.keyClick(row.editor, Qt.Key.Key_Backspace)
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert taken.calls == [("thing", None, 1)]


def test_a_flag_and_a_choice_are_taken_at_once(qtbot):
    row, taken = row_of(qtbot, Flag(False), False)
    QTest.mouseClick(row.editor, LEFT, pos=QPoint(8, row.editor.height() // 2))
    assert taken.calls == [("thing", True, 1)]
    row, taken = row_of(qtbot, Choice("tanh", ("tanh", "leaky_relu")), "tanh")
    row.editor.setFocus()
    QTest.keyClick(row.editor, Qt.Key.Key_Down)
    assert taken.calls == [("thing", "leaky_relu", 1)]


def test_a_list_that_cannot_be_read_is_refused_with_an_example(qtbot):
    row, taken = row_of(qtbot, Dimensions(None), None)
    QTest.keyClicks(row.editor, "two by two")
    QTest.keyClick(row.editor, Qt.Key.Key_Return)
    assert taken.calls == []
    assert "8, 8" in row.problem.text()
    assert not row.problem.isHidden()


NONSENSE = (
    "abc",
    "1e999",
    "-1e999, 2",
    "nan",
    "[NaN]",
    "[1e999]",
    "[" * 4000,
    "[1, [2], 3]",
    "(2,",
    '"',
    "1000000000000",
    "9" * 600,
)
TYPED = {
    type(field): field
    for kind in node_types().values()
    for field in kind.properties().values()
    if not isinstance(field, Choice | Flag | Text)
}


@pytest.mark.parametrize("field", TYPED.values(), ids=[kind.__name__ for kind in TYPED])
def test_nonsense_in_a_property_of_any_kind_is_told_in_a_sentence(qtbot, field):
    """`1e999` and a long row of brackets went through to a crash report."""
    heard = []
    row = PropertyRow(field, field.default, lambda name, value, gesture: heard.append(value), lambda: 1)
    qtbot.addWidget(row)
    entry = row.findChild(TableEdit) or row.findChild(QLineEdit)
    for text in NONSENSE:
        heard.clear()
        entry.setText(text)
        if isinstance(entry, TableEdit):
            entry.taken.emit()
        else:
            entry.setModified(True)
            entry.returnPressed.emit()
            entry.editingFinished.emit()
        assert heard or not row.problem.isHidden(), text
        assert all(value is None or np.isfinite(value).all() for value in heard if not isinstance(value, str)), text


def test_a_refusal_of_the_document_stands_under_the_row(qtbot):
    field = Whole(3, low=1, high=5)
    row, _ = row_of(qtbot, field, 3)
    row._apply = lambda *_: (_ for _ in ()).throw(ProblemError(*field.refuse("it is taken", "Wait.").problems))
    row.editor.setFocus()
    QTest.keyClick(row.editor, Qt.Key.Key_Up)
    assert row.problem.text() == "It is taken. Wait."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Dimensions(None), (8, 8)), (Numbers(None), [[0.5, -1], [2, 3]]), (Numbers(None), 0.25), (Text(), "a, b"),
        (Dimensions(None), None), (Numbers(None), None),
    ],
)  # fmt: skip
def test_what_a_line_shows_reads_back_as_the_same_value(field, value):
    text = value_text(field, value, empty="")
    assert field.check(parsed(field, text)) == value
