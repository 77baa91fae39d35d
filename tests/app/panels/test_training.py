"""The training panel: every number of the plan by hand, one undo step each, heard by the run without a new plan."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.follow import Follower
from app.panels.training import TrainingPanel
from engine.training import optimizer_types

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def editor(document):
    return Editor(document)


@pytest.fixture
def panel(qtbot, editor):
    made = TrainingPanel(editor)
    made.resize(384, 800)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def choose(row, value):
    row.editor.setFocus()
    row.editor.setCurrentIndex(row.editor.findData(value))
    row.editor.activated.emit(row.editor.currentIndex())


def test_the_panel_shows_the_plan_of_the_document(panel):
    assert panel.rows["optimizer"].editor.currentText() == "Adam"
    assert panel.settings["learning_rate"].editor.field.number == 0.05
    assert panel.rows["minimise"].editor.currentText() == "loss"
    assert panel.rows["batch_size"].editor.number == 4


@pytest.mark.parametrize("name", list(optimizer_types()))
def test_every_optimizer_can_be_chosen_and_brings_its_formula_and_its_settings(panel, editor, name):
    choose(panel.rows["optimizer"], name)
    assert editor.document.training.phases[0].optimizer.type == name
    assert list(panel.settings) == list(optimizer_types()[name].settings)
    assert panel.choices["optimizer"].formula.sizeHint().width() > 40


def test_another_optimizer_keeps_the_rate_that_was_found(panel, editor):
    choose(panel.rows["optimizer"], "momentum")
    assert editor.document.training.phases[0].optimizer.setting("learning_rate") == 0.05
    editor.stack.undo()
    assert editor.document.training.phases[0].optimizer.type == "adam"


def test_a_dragged_rate_is_one_undo_step(panel, editor):
    slider = panel.settings["learning_rate"].editor.slider
    QTest.mousePress(slider, LEFT, pos=QPoint(slider.width() // 2, 12))
    for way in (5, 12, 20):
        QTest.mouseMove(slider, QPoint(slider.width() // 2 + way, 12))
    QTest.mouseRelease(slider, LEFT, pos=QPoint(slider.width() // 2 + 20, 12))
    assert editor.stack.count() == 1
    assert editor.document.training.phases[0].optimizer.setting("learning_rate") != 0.05
    editor.stack.undo()
    assert panel.settings["learning_rate"].editor.field.number == 0.05


def test_a_dragged_rate_reaches_the_run_without_a_new_plan(qtbot, panel, editor, runner):
    follower = Follower(editor, runner)
    snapshots = []
    runner.snapshot_ready.connect(snapshots.append)
    runner.open(editor.document, editor.revision)
    qtbot.waitUntil(lambda: bool(snapshots), timeout=120_000)
    field = panel.settings["learning_rate"].editor.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0.3")
    QTest.keyClick(field, Qt.Key.Key_Return)
    settings = lambda: [number for name, number in snapshots[-1].settings.items() if name.endswith("learning_rate")]  # noqa: E731
    qtbot.waitUntil(lambda: settings() == [pytest.approx(0.3)])
    assert follower is not None


def test_batch_order_last_batch_seed_and_precision_are_edits(panel, editor):
    choose(panel.rows["order"], "sequential")
    choose(panel.rows["last_batch"], "drop")
    choose(panel.rows["precision"], "float64")
    for name, number in (("batch_size", "2"), ("seed", "11")):
        field = panel.rows[name].editor
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, number)
        QTest.keyClick(field, Qt.Key.Key_Return)
    training = editor.document.training
    assert (training.order, training.last_batch, training.batch_size, training.seed) == ("sequential", "drop", 2, 11)
    assert editor.document.precision == "float64"
    assert editor.stack.count() == 5


def test_without_a_loss_the_panel_says_what_to_do(panel, editor):
    editor.remove(["loss"])
    assert panel._no_loss.isVisibleTo(panel)
