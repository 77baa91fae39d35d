"""Views docked, torn off, closed and opened again by hand, saved with the document and brought back."""

import json

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.theme import current_theme
from app.views import VIEWS
from engine.document import Document

BOTTOM, RIGHT = Qt.DockWidgetArea.BottomDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea


@pytest.fixture
def desk(qtbot, opened):
    opened.resize(1600, 900)
    found = opened.workspace.desk
    qtbot.waitUntil(lambda: found.docks["loss"].is_seen and found.docks["boundary"].is_seen)
    return found


def press(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def tear_off(qtbot, desk, name):
    steps = desk._editor.stack.count()
    press(desk.docks[name].view.tear_button)
    qtbot.waitUntil(lambda: desk._editor.stack.count() == steps + 1)
    return desk.docks[name]


def entry(desk, name):
    return desk.entries[name]


def test_views_stand_side_by_side_under_the_canvas(qtbot, desk):
    loss, boundary = desk.docks["loss"], desk.docks["boundary"]
    qtbot.waitUntil(lambda: abs(loss.width() - boundary.width()) <= 2)
    assert loss.y() == boundary.y() > desk.centralWidget().y()
    assert not any("place" in each for each in desk.entries.values())


def test_in_a_narrow_window_views_share_a_tab_bar_and_part_again_in_a_wide_one(qtbot, opened, desk):
    desk.open("weights")
    qtbot.waitUntil(lambda: not desk.tabifiedDockWidgets(desk.docks["weights"]))
    opened.resize(1280, 800)
    qtbot.waitUntil(lambda: desk.tabifiedDockWidgets(desk.docks["weights"]) == [desk.docks["boundary"]])
    qtbot.waitUntil(lambda: desk.docks["loss"].width() >= 270)
    opened.resize(1600, 900)
    qtbot.waitUntil(lambda: not desk.tabifiedDockWidgets(desk.docks["weights"]))


def test_tearing_off_is_a_step_that_is_named_taken_back_and_done_again(qtbot, opened, desk):
    dock = tear_off(qtbot, desk, "loss")
    assert dock.isWindow() and dock.isVisible()
    assert opened.commands.title("edit.undo") == "Undo tear off the loss view"
    opened.editor.stack.undo()
    assert not desk.docks["loss"].isFloating()
    opened.editor.stack.redo()
    assert desk.docks["loss"].isFloating() and desk.docks["loss"].isVisible()


def test_a_torn_off_view_goes_on_being_fed_and_painted_in_the_scheme(qtbot, opened, desk):
    dock = tear_off(qtbot, desk, "loss")
    with qtbot.waitSignal(opened.runner.snapshot_ready):
        opened.runner.step("iteration")
    qtbot.waitUntil(lambda: dock.view.snapshot is not None and dock.view.snapshot.iteration == 1)
    opened.set_theme("light")
    wanted = current_theme().colour("surface").rgb()
    assert dock.grab().toImage().pixelColor(3, dock.height() - 3).rgb() == wanted


def test_keys_of_the_player_work_in_a_torn_off_view(qtbot, opened, desk):
    dock = tear_off(qtbot, desk, "loss")
    dock.activateWindow()
    qtbot.waitUntil(dock.isActiveWindow)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None and QApplication.focusWidget().window() is dock)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: opened.workspace.player.lane._last is not None)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: opened.runner.playing)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not opened.runner.playing)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not desk.docks["loss"].isFloating())


def test_putting_back_is_a_step_too(qtbot, opened, desk):
    tear_off(qtbot, desk, "boundary")
    press(desk.docks["boundary"].view.tear_button)
    qtbot.waitUntil(lambda: opened.commands.title("edit.undo") == "Undo put back the decision boundary view")
    assert not desk.docks["boundary"].isFloating()
    assert entry(desk, "boundary")["place"]["side"] == "bottom"


def test_a_torn_off_view_goes_with_its_page_and_comes_with_it(qtbot, opened, desk):
    dock = tear_off(qtbot, desk, "loss")
    opened.show_gallery()
    assert not dock.isVisible()
    opened.show_workspace()
    assert dock.isVisible()
    opened.editor.mark_saved()
    opened.files.open_preset("moons")
    assert not any(each.isFloating() for each in desk.docks.values())


def test_no_window_outlives_the_main_one(qtbot, opened, desk):
    dock = tear_off(qtbot, desk, "loss")
    opened.files.ask_unsaved = lambda: "discard"
    opened.close()
    assert not dock.isVisible()


def test_closing_the_window_of_a_view_puts_it_away_and_undo_brings_it_back(qtbot, opened, desk, monkeypatch):
    dock = tear_off(qtbot, desk, "loss")
    monkeypatch.setattr(QCloseEvent, "spontaneous", lambda self: True)
    dock.close()
    assert "loss" not in desk.docks
    monkeypatch.undo()
    opened.editor.stack.undo()
    assert desk.docks["loss"].isFloating() and desk.docks["loss"].isVisible()


def test_the_cross_in_the_head_closes_a_view(qtbot, opened, desk):
    press(desk.docks["boundary"].view.close_button)
    assert list(desk.docks) == ["loss"]
    assert opened.commands.title("edit.undo") == "Undo close the decision boundary view"
    press(desk.docks["loss"].view.close_button)
    assert opened.editor.document.views == [{"type": "none"}]
    opened.editor.stack.undo()
    opened.editor.stack.undo()
    assert list(desk.docks) == ["loss", "boundary"]


def test_arrangement_and_settings_are_saved_and_come_back(qtbot, opened, desk, tmp_path):
    desk.open("weights")
    desk.open("weights")
    press(desk.docks["weights_2"].view.pictures.button(2))
    press(desk.docks["loss"].view.decades)
    desk.addDockWidget(RIGHT, desk.docks["boundary"])
    desk._settle()
    dock = tear_off(qtbot, desk, "weights")
    dock.setGeometry(QRect(40, 50, 500, 360))
    path = tmp_path / "mine.json"
    assert opened.files.save_to(path)
    saved = {name: each.get("place") for name, each in desk.entries.items()}
    opened.files.open_preset("moons")
    assert list(desk.docks) == ["loss", "boundary"]
    opened.files.open_path(path)
    assert list(desk.docks) == ["loss", "boundary", "weights", "weights_2"]
    assert desk.docks["weights"].geometry() == QRect(40, 50, 500, 360)
    assert desk.dockWidgetArea(desk.docks["boundary"]) == RIGHT
    assert desk.docks["weights_2"].view.shown_as == "histogram"
    assert desk.docks["weights"].view.shown_as == "heat map"
    assert desk.docks["loss"].view.decades.isChecked()
    assert opened.files.save_to(path)
    again = {name: each.get("place") for name, each in desk.entries.items()}
    assert again["weights"] == saved["weights"]
    assert again["boundary"]["side"] == "right"
    assert not opened.files.is_modified


def test_what_is_left_as_it_was_writes_no_places_into_the_document(opened, desk, tmp_path):
    opened.files.save_to(tmp_path / "plain.json")
    assert Document.load(tmp_path / "plain.json").views == opened.editor.document.views
    assert "place" not in (tmp_path / "plain.json").read_text()


def test_a_divider_that_was_dragged_stays_and_is_saved_though_it_is_no_step(qtbot, opened, desk, tmp_path):
    loss, steps = desk.docks["loss"], opened.editor.stack.count()
    qtbot.waitUntil(lambda: loss.y() > 0)
    edge = QPoint(desk.width() // 2, loss.y() - 1)
    before = loss.height()
    QTest.mousePress(desk, Qt.MouseButton.LeftButton, pos=edge)
    QTest.mouseMove(desk, edge - QPoint(0, 60))
    qtbot.waitUntil(lambda: loss.height() > before + 40)
    QTest.mouseRelease(desk, Qt.MouseButton.LeftButton, pos=edge - QPoint(0, 60))
    assert opened.editor.stack.count() == steps
    opened.files.save_to(tmp_path / "high.json")
    share = json.loads((tmp_path / "high.json").read_text())["views"][0]["place"]["share"]
    assert share == pytest.approx(loss.height() / desk.height(), abs=0.02)
    height = loss.height()
    opened.files.open_preset("moons")
    opened.files.open_path(tmp_path / "high.json")
    qtbot.waitUntil(lambda: abs(desk.docks["loss"].height() - height) <= 4)


def test_the_arrangement_can_be_made_anew(qtbot, opened, desk):
    tear_off(qtbot, desk, "loss")
    opened.commands.run("views.anew")
    assert not desk.docks["loss"].isFloating()
    assert not any("place" in each for each in desk.entries.values())
    opened.editor.stack.undo()
    assert desk.docks["loss"].isFloating()


def test_two_views_of_weights_look_at_different_layers(qtbot, opened, desk):
    opened.commands.run("views.weights")
    opened.commands.run("views.weights.more")
    one, other = (desk.docks[name].view for name in ("weights", "weights_2"))
    for name in ("weights", "weights_2"):
        desk.bring(name)
        qtbot.waitUntil(lambda name=name: desk.docks[name].view.key != "")
    assert (one.key, other.key) == ("hidden.weight", "output.weight")
    assert desk.docks["weights_2"].windowTitle() != desk.docks["weights"].windowTitle()
    other.parameter.setCurrentIndex(other.parameter.findData("hidden.weight"))
    other.parameter.activated.emit(other.parameter.currentIndex())
    assert (one.key, other.key) == ("hidden.weight", "hidden.weight")
    opened.editor.stack.undo()
    assert (one.key, other.key) == ("hidden.weight", "output.weight")


def test_a_view_behind_another_on_their_tab_bar_is_not_fed_until_it_shows(qtbot, opened, desk):
    desk.tabifyDockWidget(desk.docks["loss"], desk.docks["boundary"])
    desk.docks["boundary"].raise_()
    qtbot.waitUntil(lambda: not desk.docks["loss"].is_seen and desk.docks["boundary"].is_seen)
    with qtbot.waitSignal(opened.runner.snapshot_ready):
        opened.runner.step("iteration")
    qtbot.waitUntil(lambda: desk.docks["boundary"].view.snapshot.iteration == 1)
    assert desk.docks["loss"].view.snapshot.iteration == 0
    desk.docks["loss"].raise_()
    qtbot.waitUntil(lambda: desk.docks["loss"].view.snapshot.iteration == 1)


def test_a_view_is_dragged_by_its_head(qtbot, opened, desk):
    head = desk.docks["loss"].view.head
    grip = QPoint(12, head.height() // 2)
    QTest.mousePress(head, Qt.MouseButton.LeftButton, pos=grip)
    for step in range(1, 9):
        QTest.mouseMove(head, grip - QPoint(0, 40 * step))
    QTest.mouseRelease(head, Qt.MouseButton.LeftButton, pos=grip)
    qtbot.waitUntil(lambda: opened.editor.stack.count() == 1)
    assert desk.docks["loss"].isFloating()


@pytest.mark.parametrize(
    "place", ["everywhere", {"side": "bottom", "rect": [0, 0, "wide", 1]}, {"window": [1e9, 0, 10, 10]}, {"rect": []}]
)
def test_a_place_that_makes_no_sense_is_passed_over(qtbot, opened, desk, tmp_path, place):
    document = opened.editor.document.copy()
    document.views = [{"type": "loss", "place": place}, {"type": "boundary"}, {"type": "of the future"}]
    document.save(tmp_path / "odd.json")
    opened.files.open_path(tmp_path / "odd.json")
    assert list(desk.docks) == ["loss", "boundary"]
    assert not any(dock.isFloating() for dock in desk.docks.values())
    desk.close_view("loss")
    assert [each["type"] for each in opened.editor.document.views] == ["boundary", "of the future"]


def test_a_window_saved_on_a_screen_that_is_gone_comes_back_onto_this_one(qtbot, opened, desk, tmp_path):
    document = opened.editor.document.copy()
    document.views = [{"type": "loss", "place": {"window": [9000, 5000, 500, 400]}}]
    document.save(tmp_path / "far.json")
    opened.files.open_path(tmp_path / "far.json")
    screen = QApplication.primaryScreen().availableGeometry()
    assert screen.contains(desk.docks["loss"].geometry())


def test_every_type_of_view_knows_its_name():
    assert {name: kind.kind for name, kind in VIEWS.items()} == {name: name for name in VIEWS}


def test_a_torn_off_view_stays_in_front_of_the_window_it_comes_from(qtbot, opened, desk):
    dock = tear_off(qtbot, desk, "loss")
    assert dock.windowHandle().transientParent() is opened.windowHandle()
    opened.show_gallery()
    opened.show_workspace()
    assert dock.isVisible()
    assert dock.windowHandle().transientParent() is opened.windowHandle()
