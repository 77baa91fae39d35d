"""Opened layers in the real window: the session follows the hand, and the canvas follows the session."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from tests.app.hand import Hand


@pytest.fixture
def hand(opened):
    """The window with XOR, its hidden layer opened by double click, its numbers shown."""
    return Hand(opened.workspace.canvas)


@pytest.fixture
def layer(opened, hand, qtbot):
    canvas = opened.workspace.canvas
    hand.double_click(canvas.canvas.area_of("hidden").center())
    item = canvas.canvas.layers["hidden"]
    qtbot.waitUntil(lambda: item.numbers.weights is not None)
    return item


def session_weight(window, qtbot):
    """The hidden weights as the session holds them."""
    told = []
    window.runner.answered.connect(lambda name, answer: told.append(answer) if name == "weights" else None)
    window.runner.ask("weights", lambda session: tuple(np.ravel(session.parameters["hidden.weight"]).tolist()))
    qtbot.waitUntil(lambda: bool(told))
    return np.array(told[0])


def test_a_dragged_line_changes_the_network_and_the_boundary_with_it(opened, hand, layer, qtbot):
    before = session_weight(opened, qtbot)
    point = layer.mapToScene(layer.lines.lines[1].pointAt(0.1))
    hand.drag(point, point + QPointF(0, -40))
    qtbot.waitUntil(lambda: not np.array_equal(layer.numbers.weights.numbers, before))
    after = session_weight(opened, qtbot)
    assert after[1] > before[1] + 0.2 and np.array_equal(np.delete(after, 1), np.delete(before, 1))
    opened.editor.stack.undo()
    qtbot.waitUntil(lambda: np.allclose(layer.numbers.weights.numbers, before, atol=1e-6))


def test_neurons_show_value_and_gradient_once_they_are_there(opened, layer, qtbot):
    assert layer.numbers.values is None and layer.numbers.gradients is None
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: layer.numbers.gradients is not None)
    assert layer.numbers.values is not None and layer.numbers.weight_gradients is not None


def test_the_inspector_follows_the_neuron_that_was_clicked(opened, hand, layer, qtbot):
    opened.runner.step("iteration")
    qtbot.waitUntil(lambda: layer.numbers.values is not None)
    hand.click(layer.mapToScene(layer.plan.units.circle(2).center()))
    page = opened.workspace.inspector.node_page
    qtbot.waitUntil(lambda: page.unit.number == 3)


def test_training_goes_on_while_a_layer_is_open_and_its_lines_follow(opened, hand, layer, qtbot):
    before = layer.numbers.weights.numbers.copy()
    opened.runner.play()
    qtbot.waitUntil(lambda: not np.array_equal(layer.numbers.weights.numbers, before))
    opened.runner.pause()


def test_opening_leaves_the_run_where_it_is(opened, hand, layer, qtbot):
    opened.runner.step("iteration")
    canvas = opened.workspace.canvas
    qtbot.waitUntil(lambda: canvas.canvas.numbers.snapshot.iteration == 1)
    hand.click(hand.node("output"))
    hand.key(Qt.Key.Key_O)
    opened.runner.step("node")
    qtbot.waitUntil(lambda: canvas.canvas.numbers.snapshot.last_step.part == "forward")
    assert canvas.canvas.numbers.snapshot.iteration == 1 and not canvas.canvas.numbers.stale


def test_which_layers_are_open_comes_back_with_the_file(opened, layer, tmp_path):
    path = tmp_path / "open.json"
    opened.editor.document.save(path)
    nodes = json.loads(path.read_text(encoding="utf-8"))["graph"]["nodes"]
    assert [node["id"] for node in nodes if "opened" in node.get("flags", ())] == ["hidden"]
    opened.editor.mark_saved()
    opened.files.open_path(path)
    assert set(opened.workspace.canvas.canvas.layers) == {"hidden"}


def test_the_menu_has_the_command(opened, layer):
    opened.commands.action("canvas.open").trigger()
    assert not opened.workspace.canvas.canvas.layers
