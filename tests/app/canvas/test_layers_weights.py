"""The weights of an opened layer: painted by sign and size, named under the mouse, changed by dragging."""

import gc
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt

from app.canvas.layer.lines import MOST_HASTY
from app.theme import current_theme
from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.conftest import Hand, make_view
from tests.app.canvas.test_numbers import holds, pixels

WEIGHTS, BIASES = [[0.9, -0.8, 0.0], [-0.7, 0.6, 0.5]], [0.1, -0.2, 0.3]
GRADIENTS = [[0.01, -0.02, 0.03], [0.04, -0.05, 0.06]]


@pytest.fixture
def numbers(snapshot_of):
    """A snapshot after a forward and a backward pass of one row."""
    return snapshot_of(
        {"dense_1.h": [[0.4, -0.3, 0.2]], "input_1.value": [[1.0, -1.0]]},
        {"dense_1.weight": GRADIENTS, "dense_1.bias": [0.5, 0.6, 0.7], "dense_1.h": [[-0.11, 0.12, -0.13]]},
        {"dense_1.weight": WEIGHTS, "dense_1.bias": BIASES},
    )


@pytest.fixture
def layer(view, numbers):
    """The hidden layer, opened, with its numbers and the mouse elsewhere."""
    Hand(view).double_click(view.canvas.area_of("dense_1").center())
    view.canvas.numbers.show(numbers)
    return view.canvas.layers["dense_1"]


def at_line(layer, index, share=0.08):
    """A point on a line, away from the numbers."""
    return layer.mapToScene(layer.lines.lines[index].pointAt(share))


def around(point, reach=3):
    return QRectF(point.x() - reach, point.y() - reach, 2 * reach, 2 * reach)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_lines_are_blue_or_orange_by_their_sign(view, layer, scheme):
    current_theme().set_scheme(scheme)
    blue, orange = current_theme().colour("pos"), current_theme().colour("neg")
    first, second = pixels(view, around(at_line(layer, 0))), pixels(view, around(at_line(layer, 1)))
    assert holds(first, blue, 60) and not holds(first, orange, 60)
    assert holds(second, orange, 60) and not holds(second, blue, 60)
    current_theme().set_scheme("system")


def test_a_line_near_zero_is_faint(view, layer):
    canvas = current_theme().colour("canvas")
    strong, faint = (pixels(view, around(at_line(layer, index))) for index in (0, 2))
    background = np.array([canvas.red(), canvas.green(), canvas.blue()])
    assert np.abs(faint - background).max() < np.abs(strong - background).max() / 2


def test_every_line_says_which_neurons_it_joins_its_weight_and_its_gradient(view, hand, layer):
    hand.move(at_line(layer, 4), button=Qt.MouseButton.NoButton)
    assert view.hint() == "data 2 → hidden 2    w = +0.600    ∂L/∂w = −0.0500"
    hand.move(view.canvas.area_of("input_1").center(), button=Qt.MouseButton.NoButton)
    assert view.hint() == "" and layer.lines.hovered == -1


def test_what_is_said_follows_the_numbers_and_the_camera(view, hand, layer, numbers, snapshot_of):
    hand.move(at_line(layer, 4), button=Qt.MouseButton.NoButton)
    view.show_snapshot(snapshot_of({}, {}, {"dense_1.weight": -np.array(WEIGHTS)}))
    view.catch_up()
    assert "w = −0.600" in view.hint()
    view.pan_by(QPointF(0, -400))
    assert "w =" not in view.hint()


def test_pressing_a_part_selects_its_layer_and_tells_its_unit(view, hand, layer, qtbot):
    view.editor.select([])
    for point, unit in ((at_line(layer, 4), 1), (layer.mapToScene(layer.plan.units.circle(2).center()), 2)):
        with qtbot.waitSignal(view.unit_touched) as told:
            hand.click(point)
        assert told.args == ["dense_1", unit] and view.editor.selection == {"dense_1"}


def test_a_neuron_says_its_value_its_gradient_and_its_bias(view, hand, layer):
    hand.move(layer.mapToScene(layer.plan.units.circle(1).center()), button=Qt.MouseButton.NoButton)
    assert view.hint().startswith("hidden 2 = −0.300") and "b = −0.200" in view.hint() and "+0.120" in view.hint()


def test_a_feature_says_its_value(view, hand, layer):
    hand.move(layer.mapToScene(layer.plan.features.circle(0).center()), button=Qt.MouseButton.NoButton)
    assert view.hint() == "data 1 = 1"


def test_before_anything_came_back_a_gradient_is_a_dash(view, hand, layer, snapshot_of):
    view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": WEIGHTS, "dense_1.bias": BIASES}))
    hand.move(at_line(layer, 0), button=Qt.MouseButton.NoButton)
    assert view.hint().endswith("∂L/∂w = –")


@pytest.mark.parametrize("way", [QPointF(0, -30), QPointF(30, 0)])
def test_dragging_a_line_up_or_right_raises_its_weight_live_in_one_named_step(view, hand, layer, way):
    told, point = [], at_line(layer, 1)
    view.parameter_dragged.connect(lambda key, array: told.append((key, array)))
    hand.drag(point, point + way, steps=6)
    assert len(told) >= 4 and {key for key, _ in told} == {"dense_1.weight"}
    after = told[-1][1]
    assert after[0, 1] == pytest.approx(-0.8 + 0.3, abs=0.03)
    changed = np.array(WEIGHTS) != after
    assert changed.sum() == 1 and changed[0, 1]
    assert view.editor.stack.count() == 2 and view.editor.stack.undoText() == "Set dense_1 · weight"


def test_the_step_sets_the_value_and_undo_sets_the_old_one(view, hand, layer):
    values, point = [], at_line(layer, 0)
    view.editor.values_set.connect(values.append)
    hand.drag(point, point + QPointF(0, -20))
    view.editor.stack.undo()
    assert values[0]["dense_1.weight"][0, 0] > 1.0
    assert np.array_equal(values[1]["dense_1.weight"], WEIGHTS)


def test_esc_gives_the_weight_its_value_back_and_leaves_no_step(view, hand, layer):
    told, point = [], at_line(layer, 0)
    view.parameter_dragged.connect(lambda key, array: told.append(array))
    hand.drag(point, point + QPointF(0, -20), drop=False)
    hand.key(Qt.Key.Key_Escape)
    assert np.array_equal(told[-1], WEIGHTS) and view.editor.stack.count() == 1


def test_a_bias_is_dragged_at_its_neuron(view, hand, layer):
    told, point = [], layer.mapToScene(layer.plan.units.circle(2).center())
    view.parameter_dragged.connect(lambda key, array: told.append((key, array)))
    hand.drag(point, point + QPointF(0, 25))
    key, after = told[-1]
    assert key == "dense_1.bias" and after[2] == pytest.approx(0.3 - 0.25, abs=0.03)
    assert list(after[:2]) == BIASES[:2] and view.editor.stack.undoText() == "Set dense_1 · bias"


def test_up_changes_the_weight_that_was_clicked(view, hand, layer):
    told = []
    view.parameter_dragged.connect(lambda key, array: told.append(array))
    hand.click(at_line(layer, 5))
    assert layer.lines.focused == 5
    hand.key(Qt.Key.Key_Up)
    assert told[-1][1, 2] == pytest.approx(0.5 + 0.1)


def test_a_layer_without_bias_shows_none_and_gives_none_the_focus(view, layer, snapshot_of, hand):
    view.editor.set_property("dense_1", "use_bias", False)
    layer = view.canvas.layers["dense_1"]
    assert layer.plan.bias == "" and layer.focused == ("", -1)
    point = layer.mapToScene(layer.plan.units.circle(0).center())
    hand.drag(point, point + QPointF(0, 40))
    assert view.editor.stack.undoText() == "Move hidden"


def test_the_number_on_a_line_is_a_handle_too(view, hand, layer):
    hand.click(layer.mapToScene(layer.lines.middle(3)))
    assert layer.lines.focused == 3


def test_before_any_number_is_known_a_line_only_moves_its_layer(view, hand):
    hand.double_click(view.canvas.area_of("dense_1").center())
    layer = view.canvas.layers["dense_1"]
    before = view.canvas.graph.nodes["dense_1"].position
    hand.drag(at_line(layer, 0), at_line(layer, 0) + QPointF(50, 50))
    assert view.canvas.graph.nodes["dense_1"].position != before


def test_the_header_moves_the_layer(view, hand, layer):
    before = view.canvas.graph.nodes["dense_1"].position
    hand.drag(hand.node("dense_1"), hand.node("dense_1") + QPointF(0, 40))
    assert view.canvas.graph.nodes["dense_1"].position != before


def test_a_weight_from_a_parameter_node_is_dragged_there(qtbot, snapshot_of):
    graph = Graph()
    graph.add("input", shape=[2])
    graph.add("parameter", shape=[2, 3], position=(0, 300))
    graph.add("dense", units=3, position=(280, 0))
    graph.connect("input_1.value", "dense_1.x")
    graph.connect("parameter_1.value", "dense_1.weight")
    view = make_view(qtbot, Document(graph, data="xor"))
    hand = Hand(view)
    hand.double_click(view.canvas.area_of("dense_1").center())
    view.canvas.numbers.show(snapshot_of({}, {}, {"parameter_1.value": WEIGHTS}))
    layer, told = view.canvas.layers["dense_1"], []
    view.parameter_dragged.connect(lambda key, array: told.append(key))
    hand.drag(at_line(layer, 0), at_line(layer, 0) + QPointF(0, 20))
    assert set(told) == {"parameter_1.value"}


def test_numbers_of_an_older_graph_are_grey(view, layer, numbers):
    numbers.revision = 0
    view.canvas.numbers.expire()
    view.canvas.numbers.refresh()
    assert layer.numbers.words("values", 0).token == "text3"


def test_means_stand_for_a_batch(view, layer, snapshot_of):
    view.canvas.numbers.show(snapshot_of({"dense_1.h": [[0.0, 1.0, 2.0], [1.0, 1.0, 4.0]]}))
    assert layer.numbers.words("values", 2).text == "3 ± 1"


def test_a_weight_that_is_not_finite_is_in_the_colour_of_errors(view, layer, snapshot_of):
    broken = np.array(WEIGHTS)
    broken[0, 0] = np.nan
    view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": broken, "dense_1.bias": BIASES}))
    assert holds(pixels(view, around(at_line(layer, 0))), current_theme().colour("error"), 60)


def test_seen_from_afar_a_layer_shows_its_weights_as_a_picture_without_handles(view, hand, layer):
    view.zoom_by(0.35 / view.zoom)
    view.centre_at(view.canvas.area_of("dense_1").center())
    assert view.hit(at_line(layer, 0, 0.5)).kind == "node"
    picture = pixels(view, view.canvas.area_of("dense_1"))
    assert holds(picture, current_theme().colour("pos"), 40, 20)
    assert holds(picture, current_theme().colour("neg"), 40, 20)


def wide_view(qtbot, features, units):
    graph = Graph()
    graph.add("input", shape=[features])
    graph.add("dense", units=units, position=(280, 0))
    graph.connect("input_1.value", "dense_1.x")
    view = make_view(qtbot, Document(graph))
    Hand(view).double_click(view.canvas.area_of("dense_1").center())
    return view


def test_64_times_64_weights_are_lines_of_one_item_each_found_under_the_mouse(qtbot, snapshot_of):
    view = wide_view(qtbot, 64, 64)
    layer = view.canvas.layers["dense_1"]
    view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": np.random.default_rng(0).normal(size=(64, 64))}))
    assert len(layer.lines.lines) == 64 * 64
    for index in (0, 63, 64 * 63, 64 * 64 - 1):
        assert layer.part_at(at_line(layer, index, 0.03), 6, 1.0) == ("line", index)


def test_of_very_many_lines_the_strongest_are_drawn_while_numbers_change_and_all_at_rest(qtbot, snapshot_of):
    view = wide_view(qtbot, 64, 64)
    lines = view.canvas.layers["dense_1"].lines
    for seed in range(3):
        weights = np.random.default_rng(seed).normal(size=(64, 64))
        view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": weights}))
    assert len(lines.drawn) == MOST_HASTY
    qtbot.waitUntil(lambda: len(lines.drawn) > 2 * MOST_HASTY)


def test_a_layer_that_closes_before_all_its_lines_are_drawn_leaves_nothing_behind(qtbot, snapshot_of):
    view = wide_view(qtbot, 64, 64)
    timer = view.canvas.layers["dense_1"].lines.rest
    for seed in range(2):
        weights = np.random.default_rng(seed).normal(size=(64, 64))
        view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": weights}))
    with qtbot.waitSignal(timer.timeout):
        Hand(view).key(Qt.Key.Key_O)
        gc.collect()
    assert not view.canvas.layers


def test_above_64_the_weights_are_a_matrix_in_which_every_cell_is_a_handle(qtbot, snapshot_of):
    view = wide_view(qtbot, 80, 20)
    layer, hand, told = view.canvas.layers["dense_1"], Hand(view), []
    weights = np.full((80, 20), -0.5)
    weights[7, 3] = 0.5
    view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": weights}))
    assert not layer.lines.lines and layer.plan.matrix is not None
    cell = layer.mapToScene(layer.matrix.middle(7 * 20 + 3))
    assert holds(pixels(view, around(cell, 2)), current_theme().colour("pos"), 40)
    assert holds(pixels(view, around(cell + QPointF(0, 40), 2)), current_theme().colour("neg"), 40)
    view.parameter_dragged.connect(lambda key, array: told.append(array))
    hand.drag(cell, cell + QPointF(0, -20))
    assert told[-1][7, 3] == pytest.approx(0.7, abs=0.03) and (told[-1] == -0.5).sum() == 80 * 20 - 1
    assert layer.matrix.focused == 7 * 20 + 3
    hand.move(cell + QPointF(0, 40), button=Qt.MouseButton.NoButton)
    assert layer.matrix.hovered != layer.matrix.focused and "w = −0.500" in view.hint()


def test_a_matrix_too_large_to_be_sent_says_so_in_place_of_a_picture(qtbot, snapshot_of):
    view = wide_view(qtbot, 300, 300)
    layer = view.canvas.layers["dense_1"]
    large = SimpleNamespace(array=None, state="current", shape=(300, 300), minimum=-1.0, maximum=1.0, mean=0.0)
    snapshot = snapshot_of()
    snapshot.parameters["dense_1.weight"] = large
    view.canvas.numbers.show(snapshot)
    assert layer.matrix.at(layer.plan.matrix.center()) == -1 and "too many" in layer.matrix.words
