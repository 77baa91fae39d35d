"""The tour beside what it speaks of."""

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt

from app.panels.tour import FORMULA_WEIGHT, PANEL_WEIGHT, VIEW_WEIGHT, bubble_corner

ROOM = QRect(0, 0, 1280, 700)
SIZE = QSize(340, 160)


@pytest.fixture
def touring(qtbot, opened):
    """XOR with its tour on the first page."""
    opened.guide.begin()
    return opened


def count(window):
    return window.tour._count.text()


def test_the_first_page_says_where_it_is_and_what_to_press(touring):
    tour = touring.tour
    assert tour.isVisible()
    assert (tour._title.text(), count(touring)) == ("Four points", "1 of 3")
    assert tour._key.text() == "→"
    assert not tour.back.isVisible()
    assert tour.next.text() == "Step"
    tour.go_on()
    assert (tour._key.text(), tour.next.text()) == ("Space", "Play")


def test_the_button_steps_to_the_node_that_the_page_speaks_of_and_turns_the_page(qtbot, touring):
    qtbot.mouseClick(touring.tour.next, Qt.MouseButton.LeftButton)
    assert count(touring) == "2 of 3"
    qtbot.waitUntil(lambda: touring.workspace.player.lane._last is not None)
    qtbot.waitUntil(lambda: touring.workspace.player.lane._last.node == "hidden")


def test_the_key_turns_the_page_once_the_node_has_worked(qtbot, touring):
    """Before, the first press turned it: the reader was led away before there was anything to read."""
    tour, canvas = touring.tour, touring.workspace.canvas
    order = [step.node for step in touring.workspace._snapshot.steps]
    before = order.index("hidden")
    assert before >= 1
    for left in range(before, 0, -1):
        # A snapshot of the moment before may still be on its way.
        qtbot.waitUntil(lambda left=left: tour._after.text() == f"to step, {left + 1} times")
        qtbot.keyClick(canvas, Qt.Key.Key_Right)
        assert count(touring) == "1 of 3"
    qtbot.waitUntil(lambda: tour._after.text() == "to step")
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert count(touring) == "2 of 3"
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert count(touring) == "2 of 3"
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert count(touring) == "3 of 3"
    qtbot.waitUntil(lambda: touring.runner.playing)


def test_a_step_of_a_whole_phase_turns_the_page_at_once(qtbot, touring):
    touring.workspace.player.set_kind("phase")
    assert touring.tour._after.text() == "to step"
    qtbot.keyClick(touring.workspace.canvas, Qt.Key.Key_Right)
    assert count(touring) == "2 of 3"


def test_back_goes_back_and_the_last_page_ends_the_tour(qtbot, touring):
    touring.tour.go_on()
    qtbot.mouseClick(touring.tour.back, Qt.MouseButton.LeftButton)
    assert count(touring) == "1 of 3"
    touring.tour.go_on()
    touring.tour.go_on()
    assert touring.tour.next.text() == "Done"
    with qtbot.waitSignal(touring.tour.finished):
        qtbot.mouseClick(touring.tour.next, Qt.MouseButton.LeftButton)
    assert not touring.tour.isVisible()


def test_the_widest_foot_still_has_room_for_its_buttons(touring):
    """“Start anew” had lost its first and its last letter."""
    tour = touring.tour
    tour.start([{"title": "One"}, {"title": "Two", "press": "Shift+R"}], at=1)
    assert tour.next.text() == "Start anew"
    assert tour.back.isVisible()
    assert tour.next.width() >= tour.next.sizeHint().width()


def test_escape_closes_it_from_the_canvas(qtbot, touring):
    qtbot.keyClick(touring.workspace.canvas, Qt.Key.Key_Escape)
    assert not touring.tour.isVisible()


def test_the_bubble_stays_inside_and_off_its_target(qtbot, touring):
    for size in ((1024, 640), (1280, 800), (1920, 1080)):
        touring.resize(*size)
        qtbot.waitUntil(lambda size=size: touring.width() == size[0])
        touring.workspace.canvas.fit()
        touring.tour.place()
        bubble = touring.tour.geometry().adjusted(10, 10, -10, -10)
        assert touring.rect().contains(bubble)
        assert not bubble.intersects(touring.rooms.locate("hidden"))


def test_at_an_edge_there_is_often_just_room_enough():
    """In steps from the upper left corner it covered the foot of a node, with pixels to spare below."""
    node, others = QRect(500, 300, 90, 90), [(QRect(0, 0, 1280, 539), 20.0)]
    corner = bubble_corner(SIZE, node, ROOM, others)
    assert corner.y() == ROOM.bottom() - SIZE.height()


def test_a_click_on_its_cross_closes_it(qtbot, touring):
    qtbot.mouseClick(touring.tour.close_button, Qt.MouseButton.LeftButton)
    assert not touring.tour.isVisible()


def test_a_node_that_bears_the_name_of_a_view_is_meant_first(touring):
    node, view = touring.rooms.locate("loss"), touring.workspace.locate_panel("loss")
    assert node != view
    assert touring.workspace.canvas.rect().contains(touring.workspace.canvas.mapFrom(touring, node.center()))


def test_a_document_without_a_tour_shows_none(qtbot, opened):
    opened.files.open_preset("moons")
    assert not opened.tour.isVisible()
    opened.commands.refresh()
    assert not opened.commands.action("help.tour").isEnabled()


def test_pages_that_make_no_sense_do_no_harm(opened):
    opened.tour.start([{"title": 3, "press": ["x"], "show": None}, {"press": "Ctrl+Alt+Nonsense", "show": "nowhere"}])
    assert opened.tour.isVisible()
    opened.tour.go_on()
    opened.tour.go_on()
    assert not opened.tour.isVisible()


def test_a_bubble_stands_where_it_covers_least():
    target = QRect(400, 300, 100, 80)
    right = bubble_corner(SIZE, target, ROOM)
    assert right.x() >= target.right()
    below = bubble_corner(SIZE, target, ROOM, [(QRect(520, 250, 300, 130), 6), (QRect(60, 250, 320, 130), 6)])
    assert below.y() >= target.bottom()


def test_without_a_target_it_stands_in_the_lower_middle():
    corner = bubble_corner(SIZE, None, ROOM)
    assert corner == QPoint(ROOM.center().x() - SIZE.width() // 2, ROOM.bottom() - SIZE.height())


def test_where_nothing_beside_its_target_is_free_it_stands_in_a_gap():
    target = QRect(400, 300, 100, 80)
    around = [QRect(60, 180, 320, 400), QRect(520, 180, 320, 400), QRect(380, 60, 140, 230), QRect(380, 400, 140, 200)]
    corner = bubble_corner(SIZE, target, ROOM, [(each, 6) for each in around])
    bubble = QRect(corner, SIZE).adjusted(10, 10, -10, -10)
    assert ROOM.contains(bubble)
    assert not any(bubble.intersects(each) for each in (target, *around))


def test_a_view_that_shows_something_is_worth_more_than_an_empty_one(qtbot, touring):
    def weight(name):
        place = touring.rooms._from_workspace(touring.workspace.locate_panel(name))
        return next(weight for rect, weight in touring.rooms.keep_clear() if rect == place)

    assert weight("loss") == PANEL_WEIGHT
    touring.runner.step("iteration")
    qtbot.waitUntil(lambda: touring.workspace.views["loss"].reason == "")
    assert weight("loss") == VIEW_WEIGHT


def test_a_bubble_leaves_the_formulas_of_a_node_in_sight(touring):
    """Its first page lay over them at 1280 × 800."""

    def weight():
        return next(weight for rect, weight in touring.rooms.keep_clear() if rect == inspector)

    inspector = touring.rooms._from_workspace(touring.workspace.locate_panel("inspector"))
    assert touring.editor.selection == {"hidden"} and weight() == FORMULA_WEIGHT
    assert not touring.tour.geometry().adjusted(10, 10, -10, -10).intersects(inspector)
    touring.workspace.inspector.show_tab("data")
    assert weight() == PANEL_WEIGHT


def test_on_a_small_canvas_the_bubble_stands_beside_the_graph(qtbot, touring):
    """Before, it stood at its node, and the formula of the step had to cover two others."""
    canvas = touring.rooms._from_workspace(touring.workspace.locate_panel("canvas"))
    nodes = [touring.rooms.locate(name) for name in touring.editor.document.graph.nodes]
    touring.tour.start([{"title": "Its price", "show": "loss"}])
    bubble = touring.tour.geometry().adjusted(10, 10, -10, -10)
    assert canvas.intersected(bubble).height() < bubble.height() / 4
    assert not any(bubble.intersects(each) for each in nodes)
    touring.resize(1920, 1080)
    qtbot.waitUntil(lambda: touring.width() == 1920)
    touring.grab()
    touring.tour.place()
    canvas = touring.rooms._from_workspace(touring.workspace.locate_panel("canvas"))
    assert canvas.contains(touring.tour.geometry().center())


class FirstSight(QObject):
    """Whether a window is still being laid out when its bubble is first painted within it."""

    def __init__(self, window):
        super().__init__(window)
        self.window, self.was_settling = window, None
        window.tour.installEventFilter(self)

    def eventFilter(self, tour, event):
        in_sight = tour.geometry().intersects(self.window.rect())
        if event.type() == QEvent.Type.Paint and in_sight and self.was_settling is None:
            self.was_settling = self.window.is_settling
        return False


def test_the_bubble_comes_once_the_window_is_laid_out(qtbot, window):
    """Before, it was painted somewhere and jumped a moment later, by 40 pixels or across the canvas."""
    first = FirstSight(window)
    window.files.open_preset("xor")
    qtbot.waitUntil(lambda: first.was_settling is not None)
    assert not first.was_settling


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_the_bubble_leaves_the_map_and_the_zoom_alone(qtbot, touring, size):
    """Before, it lay over a third of the map in the picture of the README."""
    canvas = touring.workspace.canvas
    touring.resize(*size)
    qtbot.waitUntil(lambda: touring.width() == size[0] and not touring.is_settling)
    for target in ("boundary", "loss", "player", "hidden"):
        touring.tour.start([{"title": "Where?", "text": "Words " * 30, "show": target}])
        bubble = touring.tour.geometry().adjusted(10, 10, -10, -10)
        assert not any(
            QRectF(canvas.mapFrom(touring, bubble.topLeft()), bubble.size()).intersects(corner)
            for corner in canvas.corners()
        )


def test_the_bubble_makes_room_for_the_search_box(qtbot, touring):
    """Before, it lay over the list of nodes that one wants to choose from."""
    canvas, tour = touring.workspace.canvas, touring.tour
    qtbot.waitUntil(lambda: not touring.is_settling)
    middle = tour.geometry().center()
    before = tour.pos()
    canvas.open_search(canvas.mapToScene(canvas.mapFrom(touring, middle)))
    box = QRect(canvas.search.mapTo(touring, QPoint(0, 0)), canvas.search.size())
    assert not tour.geometry().adjusted(10, 10, -10, -10).intersects(box)
    canvas.search.close_box()
    assert tour.pos() == before


@pytest.mark.parametrize("press", ["step", "step back", "play", "reset", "iteration", "epoch", "phase", "Shift+R"])
def test_whatever_a_page_asks_for_its_last_row_has_the_room_it_needs(touring, press):
    """Before, “to play or pause” lost its end."""
    touring.tour.start([{"title": "First"}, {"title": "Then", "press": press, "show": "hidden"}, {"title": "Last"}])
    touring.tour.go_on()
    touring.tour._say_presses(12 if press == "step" else 1)
    touring.tour.layout().activate()
    assert touring.tour._after.text()
    short = touring.tour._after.sizeHint().width() - touring.tour._after.width()
    assert short <= 0
