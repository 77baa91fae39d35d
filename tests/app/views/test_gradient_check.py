"""The gradient check in the window: asked for, planted, called off, read."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.views import GradientCheckView
from app.views import gradient_check as module
from app.views.gradient_check import Run, ratio_text
from engine.analysis.gradient_check import gradient_check
from engine.session import Session
from tests.app.views.following import editor_with, following

editor = editor_with(GradientCheckView)


@pytest.fixture
def view(qtbot, editor, runner):
    """The view on a runner that has played nothing yet."""
    with following(qtbot, GradientCheckView, editor, runner, (560, 360)) as made:
        yield made


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def row(view, place):
    return [view.table.item(place, column).text() for column in range(view.table.columnCount())]


def test_a_sound_network_passes_and_every_derivative_is_listed_twice(qtbot, view):
    press(view.button)
    qtbot.waitUntil(lambda: view.found is not None)
    assert view.table.rowCount() == 17
    assert view.words.text().startswith("All 17 derivatives agree. The largest ρ is ")
    name, exact, estimate, ratio, mark = row(view, 0)
    assert name.startswith(("hidden ", "output "))
    assert exact == estimate
    assert "e−" in ratio
    assert mark == "✓"
    assert view.button.text() == "Check"


def test_a_planted_mistake_is_found_in_the_layers_before_it(qtbot, view):
    view.planted.setFocus()
    assert view.rule.isHidden()
    while view.planted.currentData() != "hidden":
        QTest.keyClick(view.planted, Qt.Key.Key_Down)
    assert view.rule.isVisible()
    press(view.button)
    qtbot.waitUntil(lambda: view.found is not None)
    assert "12 of 17 derivatives are wrong: in hidden." in view.words.text()
    assert row(view, 0)[-1] == "✗"
    assert row(view, 0)[3] == "0.33"  # a factor of two
    sound = [row(view, place)[0] for place in range(17) if row(view, place)[-1] == "✓"]
    assert all(name.startswith("output") for name in sound)
    place = view.table.visualItemRect(view.table.item(0, 0)).center()
    QTest.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert view.editor.selection == {"hidden"}


def test_a_check_goes_on_in_pieces_and_can_be_called_off(qtbot, view, monkeypatch):
    monkeypatch.setattr(module, "PIECE_SECONDS", 0.0)
    said = []

    def lose_patience(*_):
        said.append(view.words.text())
        if len(said) == 3:  # here, not later: a busy machine answers all the rest before anybody looks again
            press(view.button)

    view.runner.answered.connect(lose_patience)
    press(view.button)
    assert view.button.text() == "Cancel"
    qtbot.waitUntil(lambda: len(said) >= 3)
    assert view.words.text() == "Cancelled. Nothing was changed."
    with qtbot.waitSignal(view.runner.snapshot_ready):
        view.runner.step("node")
    assert view.found is None
    assert view.button.text() == "Check"


def test_an_edit_calls_a_check_off(qtbot, view, editor, monkeypatch):
    monkeypatch.setattr(module, "PIECE_SECONDS", 0.0)
    press(view.button)
    editor.set_property("hidden", "units", 5)
    assert not view.is_running
    assert "Check again" in view.words.text()
    press(view.button)
    qtbot.waitUntil(lambda: view.found is not None)
    assert view.table.rowCount() == 21


def test_a_check_leaves_training_as_it_was(qtbot, view, runner):
    runner.run(5)
    press(view.button)
    qtbot.waitUntil(lambda: view.found is not None)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 6) as caught:
        runner.step("iteration")
    other = Session(view.editor.document)
    other.run(6)
    for name, array in other.parameters.items():
        assert caught.args[0].parameters[name].array.tobytes() == array.tobytes()


def test_a_moved_node_calls_nothing_off(qtbot, view, editor, monkeypatch):
    monkeypatch.setattr(module, "PIECE_SECONDS", 0.0)
    press(view.button)
    editor.move(["hidden"], 24, 0)
    assert view.is_running
    qtbot.waitUntil(lambda: view.found is not None)
    assert len(view.found.report.entries) == 17


def test_a_check_in_pieces_finds_what_a_whole_one_does(document, monkeypatch):
    monkeypatch.setattr(module, "PIECE_SECONDS", 0.0)
    session, run = Session(document), Run("hidden", "reversed")
    pieces = [run.go_on(session)]
    while pieces[-1].report is None:
        pieces.append(run.go_on(session))
    assert [piece.done for piece in pieces] == list(range(1, 18))
    assert pieces[-1].report == gradient_check(session, planted="hidden", rule="reversed")


def test_without_a_loss_it_says_so(qtbot, view, editor):
    editor.remove(["loss"])
    view.show_snapshot(view.snapshot)
    assert "no loss" in view.reason


@pytest.mark.parametrize(("ratio", "text"), [(0.0, "0"), (2.13e-9, "2.1e−9"), (1 / 3, "0.33"), (1e-6, "1.0e−6")])
def test_small_ratios_are_powers_of_ten(ratio, text):
    assert ratio_text(ratio) == text


def test_in_little_room_every_number_of_the_table_is_in_sight(qtbot, view):
    view.resize(320, 360)
    while view.planted.currentData() != "hidden":
        QTest.keyClick(view.planted, Qt.Key.Key_Down)
    press(view.button)
    qtbot.waitUntil(lambda: view.found is not None)
    table = view.table
    assert view.rule.geometry().right() <= view.body.width()
    assert table.columnViewportPosition(4) + table.columnWidth(4) <= table.viewport().width()
    assert table.columnWidth(0) >= 40, [table.columnWidth(k) for k in range(5)]
