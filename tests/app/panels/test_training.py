"""The training panel: every number of the plan by hand, one undo step each, heard by the run without a new plan."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.follow import Follower
from app.panels.training import TrainingPanel
from engine.training import FAMILIES, optimizer_types

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


INGREDIENTS = [
    (family, name) for family, kind in FAMILIES.items() if family != "optimizer" for name in kind.family.types
]


@pytest.mark.parametrize(("family", "name"), INGREDIENTS, ids=lambda value: value)
def test_every_ingredient_of_a_plan_can_be_chosen_and_undone(panel, editor, family, name):
    rows, plain = panel.choices[family], FAMILIES[family].family.default
    choose(rows.row, name)
    chosen = editor.document.training.phases[0].choices[family]
    assert chosen.type == name and list(rows.settings) == list(chosen.kind.settings)
    assert rows.formula.isVisibleTo(rows) == bool(chosen.kind.formula)
    assert chosen.kind.help in rows.row.toolTip()
    assert all(field.help for field in chosen.kind.settings.values())
    if name != plain:
        assert editor.stack.count() == 1
        editor.stack.undo()
    assert editor.document.training.phases[0].choices[family].type == plain and rows.settings == {}


def test_a_momentum_changes_with_time_only_where_there_is_one(panel):
    assert not panel.choices["momentum_schedule"].isVisibleTo(panel)
    choose(panel.rows["optimizer"], "nesterov")
    assert panel.choices["momentum_schedule"].isVisibleTo(panel)


def test_beside_a_driver_only_what_has_a_part_in_its_step_is_offered(panel, editor):
    choose(panel.choices["penalty"].row, "l2")
    choose(panel.rows["optimizer"], "bfgs")
    shown = {family for family, rows in panel.choices.items() if rows.isVisibleTo(panel)}
    assert shown == {"optimizer", "stopping", "constraint", "averaging", "penalty"}  # the penalty waits to be taken out
    choose(panel.choices["penalty"].row, "none")
    assert not panel.choices["penalty"].isVisibleTo(panel)
    choose(panel.rows["optimizer"], "sgd")
    assert panel.choices["penalty"].isVisibleTo(panel) and panel.choices["schedule"].isVisibleTo(panel)


def test_a_form_shows_its_own_formula_and_is_forgotten_where_another_optimizer_has_no_such_form(panel, editor):
    before = panel.choices["optimizer"].formula.accessibleName()
    choose(panel.settings["form"], "text")
    assert panel.choices["optimizer"].formula.accessibleName() != before
    choose(panel.rows["optimizer"], "momentum")
    choose(panel.rows["optimizer"], "adam")
    assert editor.document.training.phases[0].optimizer.setting("form") == "paper"


def test_a_form_of_another_optimizer_is_not_carried_over(panel, editor):
    choose(panel.rows["optimizer"], "adagrad")
    choose(panel.settings["form"], "library")
    choose(panel.rows["optimizer"], "adam")
    assert editor.document.training.phases[0].optimizer.words == {"form": "paper"}


def test_a_number_of_a_schedule_reaches_the_run_without_a_new_plan(qtbot, panel, editor, runner):
    follower = Follower(editor, runner)
    choose(panel.rows["schedule"], "exponential")
    snapshots = []
    runner.snapshot_ready.connect(snapshots.append)
    runner.open(editor.document, editor.revision)
    qtbot.waitUntil(lambda: bool(snapshots), timeout=120_000)
    field = panel.choices["schedule"].settings["speed"].editor.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "0.25")
    QTest.keyClick(field, Qt.Key.Key_Return)
    address = "training.main.schedule.speed"
    qtbot.waitUntil(lambda: snapshots[-1].settings[address] == 0.25, timeout=60_000)
    assert editor.document.training.phases[0].schedule.setting("speed") == 0.25
    del follower
