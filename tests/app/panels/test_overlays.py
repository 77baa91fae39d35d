"""Command search, list of problems, sheet of keys."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel

from app.panels.problems import ProblemRow
from engine.problems import Problem

CONTROL = Qt.KeyboardModifier.ControlModifier


def entries(window):
    search = window.command_search
    return [search.list.item(row).text() for row in range(search.list.count())]


def test_control_k_finds_a_command_and_enter_does_it(qtbot, opened):
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_K, CONTROL)
    field = opened.command_search.field
    assert field.hasFocus()
    qtbot.keyClicks(field, "step an it")
    assert entries(opened)[0] == "Step an iteration"
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert not opened.command_search.isVisible()
    qtbot.waitUntil(lambda: opened.workspace.player.counters["iteration"].text == "1")


def test_arrows_walk_the_list_and_leave_the_player_alone(qtbot, opened):
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_K, CONTROL)
    search = opened.command_search
    qtbot.keyClicks(search.field, "step")
    qtbot.keyClick(search.field, Qt.Key.Key_Down)
    assert search.list.currentRow() == 1
    qtbot.keyClick(search.field, Qt.Key.Key_Up)
    assert search.list.currentRow() == 0
    qtbot.keyClick(search.field, Qt.Key.Key_Right)
    assert opened.workspace.player.lane._last is None


def test_escape_closes_and_gives_the_keyboard_back(qtbot, opened):
    canvas = opened.workspace.canvas
    qtbot.keyClick(canvas, Qt.Key.Key_K, CONTROL)
    qtbot.keyClick(opened.command_search.field, Qt.Key.Key_Escape)
    assert not opened.command_search.isVisible()
    assert QApplication.focusWidget() is canvas


def test_a_press_elsewhere_closes_it(qtbot, opened):
    opened.command_search.open()
    qtbot.mouseClick(opened.workspace.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, 400))
    assert not opened.command_search.isVisible()


def test_presets_are_found_too(qtbot, opened):
    qtbot.mouseClick(opened.top_bar.search, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(opened.command_search.field, "moons")
    assert entries(opened) == ["Two moons"]
    qtbot.keyClick(opened.command_search.field, Qt.Key.Key_Return)
    assert opened.editor.document.id == "moons"


def test_what_is_not_found_is_said(qtbot, opened):
    opened.command_search.open()
    qtbot.keyClicks(opened.command_search.field, "zzz")
    assert entries(opened) == ["Nothing is called that"]
    qtbot.keyClick(opened.command_search.field, Qt.Key.Key_Return)
    assert opened.command_search.isVisible()


def test_what_cannot_be_done_now_is_listed_and_not_done(qtbot, window):
    window.command_search.open()
    qtbot.keyClicks(window.command_search.field, "return to the start")
    item = window.command_search.list.item(0)
    assert item.text() == "Return to the start"
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled


def test_the_question_mark_shows_every_key(qtbot, opened):
    qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Question)
    assert opened.key_sheet.isVisible()
    shown = {label.text() for label in opened.key_sheet.findChildren(QLabel)}
    assert {"Space", "→", "Ctrl+K", "Undo", "Fit all", "Select with a loop", "Ctrl + Alt + drag"} <= shown
    assert opened.rect().contains(opened.key_sheet.geometry())
    qtbot.keyClick(opened.key_sheet, Qt.Key.Key_Escape)
    assert not opened.key_sheet.isVisible()


def test_in_a_small_window_the_keys_scroll_instead_of_being_cut(qtbot, opened):
    """On a projector of 1280 × 800 at 150 % every line had lost its feet, and most their ends."""
    opened.resize(853, 533)
    sheet = opened.key_sheet
    sheet.open()
    written = sheet._area.widget()
    qtbot.waitUntil(lambda: written.width() > 0)
    assert opened.rect().contains(sheet.geometry())
    assert written.height() >= written.sizeHint().height() > sheet.height()
    assert written.width() >= written.sizeHint().width()
    qtbot.keyClick(sheet._area, Qt.Key.Key_Down)
    assert sheet._area.verticalScrollBar().value() > 0
    qtbot.keyClick(sheet._area, Qt.Key.Key_Escape)
    assert not sheet.isVisible()


def test_problems_are_listed_errors_first_and_in_full(qtbot, opened):
    warning = Problem("an unknown key “foo” was kept", path="graph.nodes[3]", severity="warning")
    error = Problem("32 features meet a layer for 64", "Set “features” to 32.", node="hidden", port="x")
    opened.problems.show_problems([warning, error])
    opened.problems.open()
    rows = [row for row in opened.problems.findChildren(ProblemRow) if row.isVisible()]
    assert [row.problem for row in rows] == [error, warning]
    assert rows[0].accessibleName() == str(error)
    assert all(row.height() >= 40 for row in rows)
    assert opened.rect().contains(opened.problems.geometry())


def test_the_counter_in_the_bar_opens_and_closes_the_list(qtbot, opened):
    qtbot.mouseClick(opened.top_bar.problems, Qt.MouseButton.LeftButton)
    assert opened.problems.isVisible()
    qtbot.mouseClick(opened.top_bar.problems, Qt.MouseButton.LeftButton)
    assert not opened.problems.isVisible()


def test_a_hundred_problems_fit_the_window_and_scroll(qtbot, opened):
    many = [Problem(f"mistake {number}", "Mend it.", node="hidden", kind=str(number)) for number in range(100)]
    opened.problems.show_problems(many)
    opened.problems.open()
    assert opened.rect().contains(opened.problems.geometry())


def test_one_of_them_closes_the_other(opened):
    opened.command_search.open()
    opened.key_sheet.open()
    assert opened.key_sheet.isVisible() and not opened.command_search.isVisible()
    opened.key_sheet.close_overlay()
    assert not opened.command_search.isVisible()


def test_from_a_view_in_a_window_of_its_own_the_search_takes_the_keyboard_to_the_main_window(qtbot, opened):
    view = opened.workspace.views["loss"]
    qtbot.mouseClick(view.tear_button, Qt.MouseButton.LeftButton)
    torn = view.window()
    assert torn is not opened
    torn.activateWindow()
    qtbot.waitUntil(torn.isActiveWindow)
    qtbot.keyClick(view, Qt.Key.Key_K, CONTROL)
    qtbot.waitUntil(opened.command_search.field.hasFocus)
    assert opened.isActiveWindow()
