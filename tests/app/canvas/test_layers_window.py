"""Opened layers in the real window: the session follows the hand, and the canvas follows the session."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt

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
    qtbot.waitUntil(lambda: page.entry.unit.number == 3)


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


def test_numbers_in_neurons_the_loss_and_the_formula_follow_a_dragged_weight(opened, hand, layer, qtbot):
    opened.runner.step("iteration")
    numbers = opened.workspace.canvas.canvas.numbers
    qtbot.waitUntil(lambda: numbers.snapshot is not None and numbers.snapshot.iteration == 1)
    before = numbers.snapshot
    line = layer.lines.lines[0]
    begin = layer.mapToScene(line.pointAt(0.5))
    hand.drag(begin, begin + QPointF(0, -60), drop=False)
    qtbot.waitUntil(lambda: numbers.snapshot.loss != before.loss)
    now = numbers.snapshot
    assert now.iteration == 1
    weight, bias = now.parameters["hidden.weight"].array, now.parameters["hidden.bias"].array
    inputs = now.values["input_1.value"].array
    assert np.allclose(now.values["hidden.h"].array, np.tanh(inputs @ weight + bias), atol=1e-5)
    assert now.values["hidden.h"].state == "current"
    hand.release(begin + QPointF(0, -60))
    opened.editor.stack.undo()
    given = before.parameters["hidden.weight"].array
    qtbot.waitUntil(lambda: np.array_equal(numbers.snapshot.parameters["hidden.weight"].array, given))


def test_the_formula_of_an_opened_layer_covers_no_neuron_and_draws_no_line_through_it(opened, hand, layer, qtbot):
    canvas = opened.workspace.canvas
    opened.tour.stop()
    canvas.fit()
    note = canvas.formula_note
    for _ in range(10):
        with qtbot.waitSignal(opened.runner.snapshot_ready):
            opened.runner.step("node")
        canvas.catch_up()
        if note.content is not None and note.content.node == "hidden":
            break
    assert note.content.node == "hidden"
    canvas.catch_up()
    circles = [layer.mapRectToScene(layer.plan.units.circle(at)) for at in range(4)]
    assert not any(note.paper.intersects(canvas.rectangle_on_screen(circle).toRectF()) for circle in circles)
    if note.paper.intersects(canvas.rectangle_on_screen(canvas.canvas.area_of("hidden")).toRectF()):
        assert not note.has_tail


def test_formula_and_tour_keep_apart(opened, qtbot):
    canvas, note = opened.workspace.canvas, opened.workspace.canvas.formula_note
    opened.tour.start(opened.editor.document.tour or [{"title": "Look", "text": "Here.", "show": "hidden"}])
    for _ in range(8):
        with qtbot.waitSignal(opened.runner.snapshot_ready):
            opened.runner.step("node")
        canvas.catch_up()
        if not note.paper.isEmpty():
            bubble = canvas.mapFromGlobal(opened.tour.mapToGlobal(opened.tour.rect().topLeft()))
            body = QRectF(bubble, opened.tour.size()).adjusted(10, 10, -10, -10)
            assert not note.paper.intersects(body)


def test_the_inspector_shows_the_last_of_many_places_of_a_drag(opened, hand, layer, qtbot):
    page, answers = opened.workspace.inspector.node_page, []
    opened.editor.select(["hidden"])
    opened.runner.step("iteration")
    numbers = opened.workspace.canvas.canvas.numbers
    qtbot.waitUntil(lambda: numbers.snapshot is not None and numbers.snapshot.iteration == 1)
    opened.runner.answered.connect(
        lambda name, answer: answers.append(answer) if hasattr(answer, "explanations") else None
    )
    weight = numbers.snapshot.parameters["hidden.weight"].array
    for share in np.linspace(0.1, 2.0, 12):
        opened.runner.set_parameter("hidden.weight", weight * share)
        opened.runner.ask("here", lambda session: None)  # so that no place of the drag is passed over
    last = (weight * np.linspace(0.1, 2.0, 12)[-1])[0, 0]

    def told():
        terms = [term for line in answers[-1].explanations[0].equations for term in line.terms] if answers else []
        return any(term.number == pytest.approx(float(last)) for term in terms if term.number is not None)

    qtbot.waitUntil(told)
    qtbot.waitUntil(lambda: not page._is_waiting and not page._is_behind)
    assert told()
