"""The real window by gestures: gallery, opening, keys, saving, dropping, closing."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from app.panels.problems import ProblemRow
from app.theme import current_theme
from app.window import SMALLEST
from engine.problems import Problem, ProblemError
from tests.app.hand import Hand
from tests.app.shown import iteration, last_step


def press(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def edit(window):
    window.editor.set_title("hidden", "first layer")


def test_the_program_opens_on_the_gallery(window):
    assert window.pages.currentWidget() is window.gallery
    assert not window.top_bar.crumbs.isVisible()
    assert window.workspace is None


def test_a_workspace_that_is_built_behind_the_gallery_leaves_the_sizes_of_panels_as_they_were(qtbot, window, settings):
    settings["state"] = remembered = '{"palette": [true, 321]}'
    window.warm_up()
    qtbot.waitUntil(lambda: window.workspace is not None)
    assert not window.has_document and window.workspace._widths["palette"] == 321
    window.close()
    assert settings["state"] == remembered


def test_a_click_on_a_card_opens_the_document_with_its_tour(qtbot, window):
    with qtbot.waitSignal(window.runner.snapshot_ready):
        press(qtbot, window.gallery.cards[2])
    assert window.editor.document.id == "xor"
    assert window.has_document
    assert window.top_bar.crumbs.title == "XOR needs a hidden layer"
    assert window.windowTitle() == "XOR needs a hidden layer – Chainrule"
    assert window.tour.isVisible()


def test_the_breadcrumb_leads_back_to_the_gallery_and_the_document_stays(qtbot, opened):
    press(qtbot, opened.top_bar.crumbs.gallery)
    assert opened.pages.currentWidget() is opened.gallery
    assert opened.editor.document.id == "xor"


def test_an_empty_canvas_is_one_click_away(qtbot, window):
    button = next(each for each in window.gallery.findChildren(QPushButton) if each.text() == "Empty canvas")
    press(qtbot, button)
    assert window.has_document
    assert list(window.editor.document.graph.nodes) == []
    assert window.top_bar.crumbs.title == "Untitled"


def test_opening_another_document_forgets_the_numbers_of_the_former(qtbot, opened):
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: iteration(opened) == 1)
    with qtbot.waitSignal(opened.runner.snapshot_ready) as caught:
        opened.files.open_preset("moons")
    assert caught.args[0].iteration == 0
    qtbot.waitUntil(lambda: opened.workspace.player.counters["iteration"].text == "0")


@pytest.mark.parametrize("size", [(1280, 800), (1800, 1015)])
def test_opening_shows_the_whole_graph_once_the_views_have_their_room(qtbot, window, size):
    window.resize(*size)
    window.files.open_preset("xor")
    canvas = window.workspace.canvas

    def shows_all():
        return all(canvas.visible_area().contains(canvas.canvas.area_of(name)) for name in canvas.canvas.nodes)

    with qtbot.waitSignal(window._settling.timeout):
        pass
    qtbot.waitUntil(shows_all)
    canvas.pan_by(QPointF(40, 0))
    before = canvas.visible_area().center()
    with qtbot.waitSignal(window._settling.timeout):
        window.workspace.toggle_panel("views")
    assert abs(canvas.visible_area().center().x() - before.x()) < 40


def test_a_click_on_the_empty_canvas_turns_from_the_node_just_stepped_to_the_document(qtbot, opened):
    inspector, canvas = opened.workspace.inspector, opened.workspace.canvas
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: inspector.tabs.tabText(0) == "Node")
    Hand(canvas).click(canvas.mapToScene(QPoint(30, 30)))
    assert inspector.tabs.tabText(0) == "Document"


def test_undo_names_the_step_in_the_menu_and_takes_it_back(qtbot, opened):
    edit(opened)
    assert opened.commands.title("edit.undo").lower().startswith("undo ")
    assert len(opened.commands.title("edit.undo")) > len("undo ")
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert opened.editor.document.graph.nodes["hidden"].title == "hidden"


def test_every_menu_lists_commands_with_their_keys(opened):
    for menu in opened.top_bar.menus.actions():
        menu.menu().aboutToShow.emit()
        assert not menu.menu().isEmpty()
    view = next(entry.menu() for entry in opened.top_bar.menus.actions() if entry.text() == "View")
    assert any("\tL" in action.text() for action in view.actions())


def test_every_menu_fits_on_a_small_screen_and_views_have_one_of_their_own(opened):
    for entry in opened.top_bar.menus.actions():
        menu = entry.menu()
        menu.aboutToShow.emit()
        menu.aboutToShow.emit()  # opened a second time
        assert menu.sizeHint().height() < 640
        assert len([action for action in menu.actions() if action.text() == "Views of the network"]) == (
            entry.text() == "View"
        )
    view = next(entry.menu() for entry in opened.top_bar.menus.actions() if entry.text() == "View")
    views = next(action.menu() for action in view.actions() if action.text() == "Views of the network")
    words = [action.text() for action in views.actions()]
    assert any(text.startswith("View: loss") for text in words) and any("anew" in text for text in words)
    next(action for action in views.actions() if action.text().startswith("View: accuracy")).trigger()
    assert opened.workspace.desk.of_kind("accuracy")


def test_an_edit_reaches_the_engine_and_keeps_the_weights(qtbot, opened):
    snapshots = []
    opened.runner.snapshot_ready.connect(snapshots.append)
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: bool(snapshots) and snapshots[-1].iteration == 1)
    before = snapshots[-1].parameters["output.weight"].array
    opened.editor.add_node("dense", (300, 300), wire_from="hidden.h")
    qtbot.waitUntil(lambda: "dense_1.weight" in snapshots[-1].parameters)
    assert np.array_equal(snapshots[-1].parameters["output.weight"].array, before)


def test_moving_a_node_plans_nothing_and_shows_go_on(qtbot, opened):
    opened.runner.play()
    qtbot.waitUntil(lambda: iteration(opened) > 5)
    for _ in range(5):
        opened.editor.move(["hidden"], 4, 0)
    start = iteration(opened)
    qtbot.waitUntil(lambda: iteration(opened) > start)
    assert opened.runner.playing


def test_a_removed_and_revived_node_gets_its_values_back(qtbot, opened):
    snapshots = []
    opened.runner.snapshot_ready.connect(snapshots.append)
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: bool(snapshots) and snapshots[-1].iteration == 1)
    before = snapshots[-1].parameters["hidden.weight"].array
    opened.editor.remove(["hidden"])
    opened.editor.stack.undo()
    qtbot.waitUntil(lambda: snapshots[-1].revision == opened.editor.revision)
    assert np.array_equal(snapshots[-1].parameters["hidden.weight"].array, before)


def test_a_problem_is_counted_listed_and_leads_to_its_node(qtbot, opened):
    opened.editor.disconnect_ports("hidden.h", "output.x")
    qtbot.waitUntil(lambda: "problem" in opened.top_bar.problems.text() and "No" not in opened.top_bar.problems.text())
    press(qtbot, opened.top_bar.problems)
    assert opened.problems.isVisible()
    row = next(each for each in opened.problems.findChildren(ProblemRow) if each.problem.node == "output")
    press(qtbot, row)
    assert opened.editor.selection == {"output"}
    assert not opened.problems.isVisible()


def test_a_run_that_fails_says_why_over_the_canvas(qtbot, opened):
    opened.runner.failed.emit(Problem("exp became infinite", "Lower the learning rate.", node="hidden"))
    assert opened.notice.isVisible()
    assert "Lower the learning rate" in opened.notice.text
    press(qtbot, opened.notice)
    assert opened.editor.selection == {"hidden"}


def test_playing_an_empty_canvas_says_what_to_do(qtbot, window):
    window.files.new()
    window.workspace.canvas.setFocus()
    qtbot.keyClick(window.workspace.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.notice.isVisible())
    assert not window.runner.playing


def test_an_error_of_our_own_ends_in_a_report_that_can_be_copied(qtbot, opened):
    opened.crash._hook(ValueError, ValueError("a slip"), None)
    qtbot.waitUntil(lambda: opened.crash._dialog is not None and opened.crash._dialog.isVisible())
    dialog = opened.crash._dialog
    press(qtbot, dialog.copy)
    assert "a slip" in QApplication.clipboard().text()
    assert "Chainrule" in QApplication.clipboard().text()
    dialog.accept()
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: last_step(opened) == 0)


def test_a_refusal_that_nobody_caught_is_told_and_is_no_crash(qtbot, opened):
    error = ProblemError(Problem("that cannot be", "Do something else."))
    opened.crash._hook(type(error), error, None)
    qtbot.waitUntil(lambda: opened.notice.isVisible())
    assert opened.crash.last_report == ""


def test_the_theme_switch_is_remembered(qtbot, window, settings):
    was_dark = current_theme().is_dark
    press(qtbot, window.top_bar.theme)
    assert current_theme().is_dark is not was_dark
    assert json.loads(settings._path.read_text())["theme"] == ("light" if was_dark else "dark")


@pytest.mark.parametrize(("width", "height"), [(1024, 640), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_off(qtbot, opened, width, height):
    opened.resize(width, height)
    opened.grab()
    bars = (opened.top_bar, opened.workspace.player)
    for label in [label for bar in bars for label in bar.findChildren(QLabel)]:
        if label.isVisible() and label.text():
            assert label.mapTo(opened, label.rect().topRight()).x() <= width, label.text()
            assert label.width() >= label.minimumSizeHint().width() - 1, label.text()


def test_the_views_of_the_document_stand_under_the_canvas_and_can_be_added(opened):
    opened.grab()
    docks = opened.workspace.docks
    assert docks["loss"].isVisible()
    assert docks["boundary"].isVisible()
    assert "accuracy" not in docks
    opened.commands.run("views.accuracy")
    assert opened.workspace.docks["accuracy"].isVisible()
    assert [entry["type"] for entry in opened.editor.document.views] == ["loss", "boundary", "accuracy"]
    opened.editor.stack.undo()
    assert "accuracy" not in opened.workspace.docks


def test_in_the_smallest_window_every_menu_can_be_opened(qtbot, opened):
    """Graph, Run and Help had gone behind a button of one pixel."""
    opened.resize(*SMALLEST)
    qtbot.waitUntil(lambda: opened.width() == SMALLEST[0])
    opened.grab()
    bar = opened.top_bar
    places = [bar.menus.actionGeometry(entry) for entry in bar.menus.actions()]
    assert all(bar.menus.rect().contains(place) for place in places)
    assert bar.crumbs.isVisible() and len(bar.crumbs.title) >= 4
    opened.resize(1920, 1080)
    opened.grab()
    assert bar.search._words.isVisible() and bar.crumbs.title == "XOR needs a hidden layer"


def test_a_page_of_the_tour_selects_the_node_it_speaks_of(opened):
    opened.guide.begin()
    assert opened.editor.selection == {"hidden"}


def test_panels_have_their_widths_and_can_be_put_away(opened):
    opened.resize(1920, 1080)
    opened.grab()
    docks = opened.workspace.docks
    assert abs(docks["palette"].width() - 240) <= 2
    assert abs(docks["inspector"].width() - 384) <= 2
    opened.commands.run("view.palette")
    assert not docks["palette"].isVisible()
    assert not opened.commands.action("view.palette").isChecked()
    opened.commands.run("view.palette")
    assert docks["palette"].isVisible()


def test_on_a_small_screen_at_200_percent_the_graph_has_the_room_of_the_palette(qtbot, window):
    assert window.minimumWidth() <= 960 and window.minimumHeight() <= 540
    window.resize(960, 540)
    window.show()
    window.files.open_preset("xor")
    qtbot.waitUntil(lambda: window.workspace is not None and window.workspace.isVisible())
    assert not window.workspace.is_shown("palette")
    window.workspace.toggle_panel("palette")
    assert window.workspace.is_shown("palette")


def test_the_formula_beside_the_stepped_node_is_switched_off_for_good(qtbot, opened):
    opened.runner.step("node")
    note = opened.workspace.canvas.formula_note
    qtbot.waitUntil(note.isVisible)
    opened.commands.run("view.formula")
    assert note.isHidden()
    assert opened.settings["formula_note"] is False
    opened.commands.run("view.formula")
    assert note.isVisible()


def test_after_a_divergence_the_notice_leads_back_to_the_last_good_step(qtbot, opened):
    notice = opened.notice
    opened.runner.failed.emit(Problem("the loss is missing", "Place one."))
    assert notice.back.isHidden()
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: iteration(opened) == 1)
    opened.runner.set_parameter("output.weight", np.full((4, 1), 3e38))
    opened.runner.set_parameter("hidden.weight", np.full((2, 4), 3e38))
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: notice.isVisible() and notice.back.isVisible())
    assert notice.geometry().contains(notice.mapTo(opened, notice.back.geometry().bottomRight()))
    press(qtbot, notice.back)
    assert notice.isHidden()
    qtbot.waitUntil(lambda: opened.problems.problems == [])
    assert opened.workspace.canvas.canvas.numbers.snapshot.problem is None
    assert iteration(opened) <= 1
    assert opened.top_bar.problems.text().strip() == "No problems"


def test_a_failure_leaves_the_list_once_its_cause_is_undone(qtbot, opened):
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: iteration(opened) == 1)
    snapshot = opened.workspace.canvas.canvas.numbers.snapshot
    before = {key: np.array(snapshot.parameters[key].array) for key in ("output.weight", "hidden.weight")}
    opened.editor.set_values({key: np.full(array.shape, 3e38) for key, array in before.items()}, before)
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: opened.notice.isVisible() and len(opened.problems.problems) == 1)
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: opened.problems.problems == [])
    assert opened.notice.isHidden()


def test_an_optimizer_that_takes_long_is_counted_and_can_be_stopped(qtbot, opened):
    opened.runner.deciding.emit(12, 650)
    assert opened.preparing.isVisible()
    assert opened.preparing.findChild(QLabel).text() == "Looking for the step: 12 of 650 looks at the loss"
    with qtbot.waitSignal(opened.preparing.stop_wanted):
        press(qtbot, opened.preparing.stop)
    opened.runner.deciding.emit(3, 0)
    assert opened.preparing.text == "Looking for the step: 3 looks at the loss"
    opened.runner.deciding.emit(0, 0)
    qtbot.waitUntil(lambda: not opened.preparing.isVisible())
    opened.runner.preparing.emit(0, 2)
    assert opened.preparing.stop.isHidden()  # kernels are compiled in any case
    opened.runner.preparing.emit(2, 2)


def test_a_linked_copy_learns_with_its_original(qtbot, opened):
    """Alt+D: the weights become nodes with the numbers they had, and both layers read them."""
    canvas = opened.workspace.canvas

    def numbers(address):
        found = opened.workspace._snapshot.parameters.get(address)
        return None if found is None else found.array.tolist()

    qtbot.waitUntil(lambda: numbers("hidden.weight") is not None)
    before = numbers("hidden.weight")
    opened.editor.select(["hidden"])
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_D, Qt.KeyboardModifier.AltModifier)
    (copy,) = opened.editor.selection
    qtbot.waitUntil(lambda: numbers("parameter_1.value") == before)
    assert {wire.target for wire in opened.editor.document.graph.wires if wire.source == "parameter_1.value"} == {
        "hidden.weight", f"{copy}.weight",
    }  # fmt: skip
    opened.commands.run("edit.undo")
    qtbot.waitUntil(lambda: numbers("hidden.weight") == before)
