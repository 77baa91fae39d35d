"""What of a graph is in view: at first, while steps are played, and when something is to be seen."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.canvas import CanvasView
from app.canvas.camera import READABLE, WHOLE
from app.editor import Editor
from engine.document import Document
from engine.graph import Graph


@pytest.fixture
def long_chain(qtbot):
    """Twelve nodes in a row, in a window that shows a few of them."""
    graph = Graph()
    graph.add("input", "x", shape=(2,), position=(0, 0))
    for at in range(1, 12):
        graph.add("tanh", f"n{at}", position=(320 * at, 0))
        graph.connect("x" if at == 1 else f"n{at - 1}", f"n{at}")
    made = CanvasView(Editor(Document(graph)))
    qtbot.addWidget(made)
    made.resize(760, 480)
    made.show()
    qtbot.waitExposed(made)
    return made


def seen(view, name):
    place = view.rectangle_on_screen(view.canvas.area_of(name))
    return view.viewport().rect().contains(place) and not place.intersects(view.minimap.geometry())


def test_a_wide_graph_opens_at_its_beginning_so_that_it_can_be_read(long_chain):
    assert long_chain.zoom == READABLE
    assert seen(long_chain, "x") and seen(long_chain, "n1") and not seen(long_chain, "n11")
    before = long_chain.visible_area().left()
    long_chain.resize(900, 480)
    long_chain.camera.fit_again()
    assert abs(long_chain.visible_area().left() - before) < 4, "the same is shown in a window of another size"
    QTest.keyClick(long_chain, Qt.Key.Key_Home)
    assert seen(long_chain, "x") and seen(long_chain, "n11")


def test_a_graph_whose_blocks_can_be_told_apart_opens_whole(long_chain):
    """At 1280 × 800 two examples of three opened cropped at their inputs."""
    long_chain.resize(1300, 480)
    long_chain.show_beginning()
    assert WHOLE <= long_chain.zoom < READABLE
    assert seen(long_chain, "x") and seen(long_chain, "n11")


def test_the_camera_follows_single_steps_and_nothing_else(long_chain, snapshot_of, qtbot):
    steps = [SimpleNamespace(index=at, node=f"n{at}" if at else "x", part="forward", phase="main") for at in range(12)]

    def show(step, iteration=1):
        found = snapshot_of({}, {}, {}, iteration=iteration)
        found.last_step = step
        long_chain.show_snapshot(found)
        long_chain.catch_up()

    show(steps[0])
    for step in steps[1:7]:
        show(step)
        qtbot.waitUntil(lambda step=step: seen(long_chain, step.node))
    assert not seen(long_chain, "x")
    before = long_chain.visible_area()
    show(steps[11], iteration=2)  # a whole iteration
    long_chain.follows_steps = False  # it plays
    show(steps[10], iteration=2)
    qtbot.wait(0)
    assert long_chain.visible_area() == before
    long_chain.reduced_motion = long_chain.follows_steps = True
    show(steps[9], iteration=2)
    assert seen(long_chain, "n9"), "at once, where motion is reduced"


def test_what_is_revealed_lies_below_no_corner_and_what_is_seen_moves_nothing(long_chain):
    map_, node = long_chain.minimap.geometry(), long_chain.canvas.area_of("n2")
    long_chain.camera.pan_by(long_chain.mapToScene(map_.center()) - node.center())
    assert not seen(long_chain, "n2")
    long_chain.camera.reveal(node)
    assert seen(long_chain, "n2")
    moved = long_chain.visible_area()
    long_chain.camera.reveal(node)
    assert long_chain.visible_area() == moved
