"""What a person may choose about the canvas, and a look at a port without wiring anything."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QToolTip

from app.canvas.routes import STYLES
from app.habits import SWITCHES

NONE = Qt.KeyboardModifier.NoModifier


def hold(view, kind):
    QApplication.sendEvent(view, QKeyEvent(kind, Qt.Key.Key_V, NONE, "v"))


def test_held_v_shows_value_and_gradient_of_the_port_under_the_mouse(view, hand, snapshot_of):
    values = {"dense_1.h": [[0.5, -0.25, 1.0]]}
    view.show_snapshot(snapshot_of(values, {"dense_1.h": np.full((1, 3), 0.125)}, step=("dense_1", "forward")))
    hand.move(hand.port("dense_1.h"), Qt.MouseButton.NoButton)
    hold(view, QEvent.Type.KeyPress)
    assert view.peek.isVisible() and view.peek.head.text() == "dense_1 · h  (1, 3)"
    assert "0.5" in view.peek.value.text() and "0.125" in view.peek.gradient.text()
    assert view.rect().contains(view.peek.geometry())
    hand.move(hand.port("dense_2.x"), Qt.MouseButton.NoButton)
    assert view.peek.isVisible() and "0.5" in view.peek.value.text(), "what comes in is what came out"
    hand.move(QPointF(-100, 400), Qt.MouseButton.NoButton)
    assert not view.peek.isVisible()
    hold(view, QEvent.Type.KeyRelease)
    hand.move(hand.port("dense_1.h"), Qt.MouseButton.NoButton)
    assert not view.peek.isVisible() and not view.editor.stack.count()


def test_before_anything_was_computed_there_is_a_dash(view, hand):
    hand.move(hand.port("dense_1.h"), Qt.MouseButton.NoButton)
    hold(view, QEvent.Type.KeyPress)
    assert view.peek.value.text() == "value\n–" and view.peek.gradient.text() == "gradient\n–"


def test_the_tip_of_a_port_says_between_which_numbers_its_value_lies(view, hand, snapshot_of):
    view.show_snapshot(snapshot_of({"dense_1.h": [[0.5, -0.25, 1.0]]}, step=("dense_1", "forward")))
    place = view.mapFromScene(hand.port("dense_1.h"))
    port = view.viewport()
    QApplication.sendEvent(port, QHelpEvent(QEvent.Type.ToolTip, place, port.mapToGlobal(place)))
    assert "from −0.250 to 1" in QToolTip.text()


@pytest.mark.parametrize("name", SWITCHES)
def test_a_habit_is_chosen_in_the_menu_found_by_ctrl_k_and_remembered(opened, settings, name):
    assert not getattr(opened.workspace.canvas, name)
    assert any(found.id == f"habit.{name}" for found in opened.commands.search(SWITCHES[name]))
    opened.commands.run(f"habit.{name}")
    assert getattr(opened.workspace.canvas, name) and settings[name] is True
    opened.commands.run(f"habit.{name}")
    assert not getattr(opened.workspace.canvas, name) and settings[name] is False


def test_a_style_of_wires_is_chosen_and_remembered(opened, settings):
    for style in reversed(STYLES):
        opened.commands.run(f"habit.wires_{style}")
        assert opened.workspace.canvas.canvas.wire_style == settings["wire_style"] == style


def test_with_the_grid_a_dragged_node_stands_on_it(view, hand):
    view.snap_to_grid = True
    hand.drag(hand.node("dense_1"), hand.node("dense_1") + QPointF(37, 311))
    assert all(place % 24 == 0 for place in view.canvas.graph.nodes["dense_1"].position)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_node_put_into_a_wire_makes_room_where_that_is_wanted(view, hand, wanted):
    view.makes_room = wanted
    name, before = view.editor.add_node("scale", (300, 300)), view.canvas.area_of("dense_2")
    middle = view.canvas.wires["dense_1.h>dense_2.x"].path.pointAtPercent(0.5)
    hand.drag(hand.node(name), hand.node(name) + middle - view.canvas.area_of(name).center())
    assert view.editor.stack.undoText() == ("Make room" if wanted else "Insert scale_1")
    assert (view.canvas.area_of("dense_2") != before) is wanted
    assert not wanted or not view.canvas.area_of("dense_2").intersects(view.canvas.area_of(name))
