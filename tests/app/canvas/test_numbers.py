"""What a snapshot makes visible: numbers, states, weights as handles; pixels, not only fields."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from app.canvas import CanvasView
from app.canvas.geometry import measure
from app.canvas.live import zoom_of
from app.canvas.readings import strip_of, words_of
from app.canvas.wiring import Wiring
from app.editor import Editor
from app.theme import current_theme
from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from engine.snapshot import Reading, read
from tests.app.canvas.conftest import make_view, neuron_document


def pixels(view, area):
    """The colours of a part of the scene as painted: (height, width, 3)."""
    return numbers_of(view.grab(view.rectangle_on_screen(area)))


def numbers_of(picture):
    """The colours of a picture: (height, width, 3)."""
    image = picture.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)


def holds(picture, colour, tolerance=24, least=3):
    """Whether a colour appears in a picture."""
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    return int((np.abs(picture - wanted).max(axis=2) <= tolerance).sum()) >= least


def line(view, name, which):
    item = view.canvas.nodes[name]
    return getattr(item.geometry, which).translated(item.pos())


def test_before_anything_was_computed_there_is_a_dash_and_never_a_zero(view):
    state = view.canvas.nodes["dense_1"].live.state
    assert state.value.text == "–" and state.gradient.text == "–"


def test_a_scalar_shows_its_number_and_an_array_its_mean_and_extremes(view, snapshot_of):
    view.show_snapshot(snapshot_of({"dense_2.h": [[0.849]], "dense_1.h": [[0.0, 1.0, 0.5]]}, {"dense_2.h": [[-0.153]]}))
    assert view.canvas.nodes["dense_2"].live.state.value.text == "0.849"
    assert view.canvas.nodes["dense_2"].live.state.gradient.text == "−0.153"
    assert "±" in view.canvas.nodes["dense_1"].live.state.value.text


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_backward_step_paints_the_border_and_the_gradient_in_its_colour(view, snapshot_of, scheme):
    current_theme().set_scheme(scheme)
    colour = current_theme().colour("backward")
    area = view.canvas.area_of("dense_1").adjusted(-8, -8, 8, 8)
    view.show_snapshot(snapshot_of({"dense_1.h": [[0.1, 0.2, 0.3]]}))
    before = pixels(view, area)
    view.canvas.numbers.show(snapshot_of({}, {"dense_1.h": [[0.1, -0.2, 0.3]]}, step=("dense_1", "backward")))
    after = pixels(view, area)
    count = [
        int((np.abs(p - [colour.red(), colour.green(), colour.blue()]).max(axis=2) < 24).sum()) for p in (before, after)
    ]
    assert count[1] > count[0] + 80
    current_theme().set_scheme("system")


def test_marks_stand_on_the_wires_of_the_step_just_played(view, snapshot_of):
    view.canvas.numbers.show(snapshot_of(step=("dense_1", "forward")))
    view.canvas.numbers.show(snapshot_of(step=("dense_2", "forward")))
    wire = view.canvas.wires["dense_1.h>dense_2.x"]
    assert wire.phase == "forward" and view.canvas.wires["input_1.value>dense_1.x"].phase == ""
    assert holds(pixels(view, wire.path.boundingRect().adjusted(20, -6, -20, 6)), current_theme().colour("forward"))


def test_a_metric_reads_a_value_and_hands_no_derivative_back(qtbot):
    """Chevrons travelled from the accuracy to the layer as they did from the loss."""
    graph = Graph()
    graph.add("dense", id="h", units=1)
    for kind, name in (("input", "x"), ("target", "t"), ("squared_error", "loss"), ("accuracy", "hits")):
        graph.add(kind, id=name)
    for ends in (
        "x.value h.x",
        "h.h loss.prediction",
        "h.h hits.prediction",
        "t.value loss.target",
        "t.value hits.target",
    ):
        graph.connect(*ends.split())
    document = Document(graph, data="xor", training={"loss": "loss", "batch_size": 1})
    view, session = make_view(qtbot, document), Session(document)
    lit = {}
    for _ in range(len(session.steps) + 1):
        view.canvas.numbers.show(replace(session.snapshot(), revision=10**6))
        if session.last_step is not None:
            wires = {name for name, wire in view.canvas.wires.items() if wire.phase}
            lit[session.last_step.part, session.last_step.node] = wires
        session.step()
    assert lit["backward", "h"] == {"h.h>loss.prediction"}
    assert lit["forward", "hits"] == {"h.h>hits.prediction", "t.value>hits.target"}


def test_nothing_moves_once_the_marks_have_arrived(view, snapshot_of, qtbot):
    view.reduced_motion = False
    view.canvas.numbers.show(snapshot_of(step=("dense_1", "forward")))
    view.canvas.numbers.show(snapshot_of(step=("dense_2", "forward")))
    animation = view.canvas.marks.animation
    with qtbot.waitSignal(animation.finished):
        assert animation.state() == animation.State.Running
    assert animation.state() == animation.State.Stopped


def test_heat_strips_keep_their_level_while_numbers_shrink(view, snapshot_of):
    view.show_snapshot(snapshot_of({}, {}, {"dense_1.weight": [[3.0, -4.0, 1.0], [0.0, 1.0, 2.0]]}))
    assert view.canvas.nodes["dense_1"].live.state.strip.level == 5.0
    view.canvas.numbers.show(snapshot_of({}, {}, {"dense_1.weight": [[0.3, -0.4, 0.1], [0.0, 0.1, 0.2]]}))
    strip = view.canvas.nodes["dense_1"].live.state.strip
    assert strip.level == 5.0 and (strip.minimum, strip.maximum) == (-0.4, 0.3)


def test_positive_weights_are_blue_and_negative_ones_orange(view, snapshot_of):
    view.show_snapshot(snapshot_of({}, {}, {"dense_1.weight": [[5.0, -5.0, 5.0], [5.0, -5.0, 5.0]]}))
    item = view.canvas.nodes["dense_1"]
    picture = item.geometry.picture.translated(item.pos())
    theme = current_theme()
    left = pixels(view, picture.adjusted(4, 4, -picture.width() * 0.75, -4))
    assert holds(left, theme.signed_colour(1.0, 1.0), least=50)
    middle = pixels(view, picture.adjusted(picture.width() * 0.4, 4, -picture.width() * 0.4, -4))
    assert holds(middle, theme.signed_colour(-1.0, 1.0), least=50)


def test_a_number_that_is_not_finite_is_shown_as_such_in_the_colour_of_errors(view, snapshot_of):
    view.show_snapshot(snapshot_of({"dense_2.h": [[float("nan")]]}, problem=SimpleNamespace(node="dense_2")))
    state = view.canvas.nodes["dense_2"].live.state
    assert state.value.text == "NaN" and state.born
    assert holds(
        pixels(view, view.canvas.area_of("dense_2").adjusted(-2, -2, 2, 2)), current_theme().colour("error"), least=50
    )


def test_numbers_of_an_older_graph_turn_grey_until_they_are_computed_again(view, snapshot_of):
    view.show_snapshot(snapshot_of({"dense_2.h": [[0.5]]}, revision=view.editor.revision))
    view.editor.set_property("dense_1", "units", 5)
    assert view.canvas.nodes["dense_2"].live.state.stale
    assert view.canvas.nodes["dense_2"].live.state.value.token == "text3"
    view.canvas.numbers.show(snapshot_of({"dense_2.h": [[0.6]]}, revision=view.editor.revision))
    assert not view.canvas.nodes["dense_2"].live.state.stale


def test_a_faulty_node_says_why(view, qtbot):
    with qtbot.waitSignal(view.editor.problems_changed, timeout=20000):
        view.editor.set_property("dense_2", "features", 64)
    assert "3 features meet a layer for 64" in view.canvas.nodes["dense_2"].live.state.reason


def test_many_snapshots_within_a_frame_are_one_repaint(view, snapshot_of, qtbot):
    shown = []
    show = view.canvas.numbers.show
    view.canvas.numbers.show = lambda snapshot: (shown.append(snapshot), show(snapshot))
    for number in range(20):
        view.show_snapshot(snapshot_of({"dense_2.h": [[float(number)]]}, iteration=number))
    qtbot.waitUntil(lambda: view.canvas.nodes["dense_2"].live.state.value.text == "19")
    assert len(shown) <= 4


WEIGHTS = {"neuron_1.weight": [[0.56], [-0.96]], "neuron_1.bias": [0.13]}


def test_a_neuron_shows_value_bias_and_gradient_and_its_wires_their_weights(neurons, snapshot_of):
    neurons.show_snapshot(snapshot_of({"neuron_1.h": [[0.849]]}, {"neuron_1.weight": [[-0.1], [0.2]]}, WEIGHTS))
    state = neurons.canvas.nodes["neuron_1"].live.state
    assert (state.value.text, state.bias.text) == ("0.849", "+0.13")
    label = neurons.canvas.labels["input_1.value>neuron_1.x"]
    assert (label.words.text, label.gradient.text) == ("+0.56", "−0.100")
    area = label.sceneBoundingRect()
    assert holds(pixels(neurons, area), QColor(current_theme().colour("pos")), tolerance=40)


def test_a_weight_is_dragged_up_live_and_becomes_one_step(neurons, hand_on_neurons, snapshot_of):
    neurons.show_snapshot(snapshot_of({}, {}, WEIGHTS))
    dragged = []
    neurons.parameter_dragged.connect(lambda key, array: dragged.append((key, array.copy())))
    place = hand_on_neurons.label("input_2.value>neuron_1.x")
    hand_on_neurons.drag(place, place - QPointF(0, 50))
    assert dragged and dragged[-1][0] == "neuron_1.weight"
    np.testing.assert_allclose(dragged[-1][1], [[0.56], [-0.46]])
    assert neurons.editor.stack.count() == 1
    values = []
    neurons.editor.values_set.connect(values.append)
    neurons.editor.stack.undo()
    np.testing.assert_allclose(values[0]["neuron_1.weight"], [[0.56], [-0.96]])


def test_a_weight_dragged_sideways_changes_too_and_keeps_the_focus(neurons, hand_on_neurons, snapshot_of):
    neurons.show_snapshot(snapshot_of({}, {}, WEIGHTS))
    dragged = []
    neurons.parameter_dragged.connect(lambda key, array: dragged.append(array.copy()))
    place = hand_on_neurons.label("input_2.value>neuron_1.x")
    hand_on_neurons.drag(place, place + QPointF(50, 0))
    np.testing.assert_allclose(dragged[-1], [[0.56], [-0.46]])
    labels = neurons.canvas.labels
    assert labels["input_2.value>neuron_1.x"].focused
    assert not labels["input_1.value>neuron_1.x"].focused
    assert neurons.canvas.nodes["neuron_1"].live.state.focused == ""
    hand_on_neurons.key(Qt.Key.Key_Up)
    assert dragged[-1][0] == 0.56 and dragged[-1][1] != -0.96


def test_esc_gives_a_dragged_weight_its_former_value(neurons, hand_on_neurons, snapshot_of):
    neurons.show_snapshot(snapshot_of({}, {}, WEIGHTS))
    dragged = []
    neurons.parameter_dragged.connect(lambda key, array: dragged.append(array.copy()))
    place = hand_on_neurons.label("input_1.value>neuron_1.x")
    hand_on_neurons.press(place)
    hand_on_neurons.move(place - QPointF(0, 30))
    hand_on_neurons.key(Qt.Key.Key_Escape)
    np.testing.assert_allclose(dragged[-1], [[0.56], [-0.96]])
    assert neurons.editor.stack.count() == 0


def test_arrows_change_the_focused_weight(neurons, hand_on_neurons, snapshot_of):
    neurons.show_snapshot(snapshot_of({}, {}, WEIGHTS))
    hand_on_neurons.click(hand_on_neurons.label("input_2.value>neuron_1.x"))
    hand_on_neurons.key(Qt.Key.Key_Up)
    assert neurons.editor.stack.undoText() == "Set neuron_1 · weight"


def test_weight_labels_cover_neither_each_other_nor_a_neuron(neurons, snapshot_of, qtbot):
    neurons.show_snapshot(snapshot_of({}, WEIGHTS, WEIGHTS))
    with qtbot.waitSignal(neurons.canvas.arranged):
        neurons.editor.move(["neuron_1"], 4, 0)
    one, other = (label.sceneBoundingRect() for label in neurons.canvas.labels.values())
    assert not one.intersects(other)
    assert not any(
        one.intersects(neurons.canvas.nodes[n].geometry.circle.translated(neurons.canvas.nodes[n].pos()))
        for n in neurons.canvas.nodes
    )


def test_a_shorter_number_leaves_nothing_of_a_longer_one_behind(neurons, snapshot_of):
    """Even where a frame for something else is painted between the new number and Qt's own request for its place."""
    slopes = {"neuron_1.weight": [[-0.0000123], [0.000456]]}
    neurons.canvas.numbers.show(snapshot_of({}, slopes, WEIGHTS))
    QApplication.processEvents()
    before = neurons.canvas.labels["input_1.value>neuron_1.x"].sceneBoundingRect()
    assert holds(screen_of(neurons, before), QColor(current_theme().colour("backward")), tolerance=60)
    neurons.canvas.numbers.show(snapshot_of({}, {"neuron_1.weight": [[0.0], [0.0]]}, WEIGHTS, iteration=2))
    neurons.viewport().repaint(QRect(neurons.viewport().rect().center(), QSize(2, 2)))
    QApplication.processEvents()
    after = neurons.canvas.labels["input_1.value>neuron_1.x"].sceneBoundingRect()
    left = QRectF(before.topLeft(), QPointF(after.left() - 1, before.bottom()))
    assert left.width() > 10
    assert not holds(screen_of(neurons, left), QColor(current_theme().colour("backward")), tolerance=60)


def test_a_weight_stands_on_its_wire_from_the_first_frame(qtbot):
    view = CanvasView(Editor(neuron_document()))
    qtbot.addWidget(view)
    for name, label in view.canvas.labels.items():
        path = view.canvas.wires[name].path
        assert not path.isEmpty() and path.boundingRect().adjusted(-1, -1, 1, 1).contains(label.pos())


def screen_of(view, area):
    """What stands on the screen, and not what a fresh painting would show."""
    place = view.rectangle_on_screen(area)
    corner = view.viewport().mapTo(view, place.topLeft())
    return numbers_of(view.screen().grabWindow(view.winId(), corner.x(), corner.y(), place.width(), place.height()))


def test_on_a_fine_screen_text_is_shown_from_the_same_zoom(qapp):
    pixmap = QPixmap(40, 40)
    pixmap.setDevicePixelRatio(2.0)
    painter = QPainter(pixmap)
    painter.scale(0.8, 0.8)
    assert abs(zoom_of(painter) - 0.8) < 1e-9
    painter.end()


def test_a_picture_holds_the_newest_numbers_even_after_a_frame_that_was_dear(view, snapshot_of):
    view.show_snapshot(snapshot_of({"dense_2.h": [[1.0]]}))
    view._cost_ms = 10_000
    view.show_snapshot(snapshot_of({"dense_2.h": [[2.0]]}))
    assert view._frame.interval() <= 250
    view.catch_up()
    assert float(view.canvas.numbers.snapshot.values["dense_2.h"].array[0, 0]) == 2.0


def test_an_array_of_nothing_but_zeros_is_drawn_in_the_colour_of_zero():
    strip = strip_of(Reading((1, 3), "current", np.zeros((1, 3)), 0.0, 0.0, 0.0, 0.0), 0.0)
    assert strip is not None and strip.image.pixelColor(0, 0) == strip.image.pixelColor(2, 0)
    assert strip_of(Reading((1, 2), "current", np.array([[0.0, 0.3]]), 0.0, 0.3, 0.15, 0.15), strip.level).level == 0.5


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((32, 1, 8, 8), (35, 17)),  # eight examples of one map each, in two rows of four
        ((4, 8, 8, 8), (35, 17)),  # the eight maps of the first example
        ((5, 2, 3, 3), (7, 3)),
    ],
)
def test_pictures_stand_side_by_side_as_pictures(shape, size):
    images = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    strip = strip_of(read(images, "current"), 0.0)
    assert (strip.image.width(), strip.image.height()) == size
    assert (strip.minimum, strip.maximum) == (-1.0, 1.0)


def cells(strip):
    return [
        [strip.image.pixelColor(x, y).name() for x in range(strip.image.width())] for y in range(strip.image.height())
    ]


def test_rows_are_drawn_as_rows_and_a_transpose_looks_turned():
    table = np.array([[1.0, 2.0], [3.0, 4.0], [-5.0, 0.0]])
    tall, wide = (strip_of(read(each, "current"), 0.0) for each in (table, np.ascontiguousarray(table.T)))
    assert [list(column) for column in zip(*cells(tall), strict=True)] == cells(wide)
    assert (tall.image.width(), tall.image.height()) == (2, 3)
    assert tall.breadth < wide.breadth == 1.0


def test_sequences_stand_side_by_side_with_a_row_for_every_time():
    sequences = np.linspace(-1, 1, 3 * 4 * 2).reshape(3, 4, 2)
    strip = strip_of(read(sequences, "current"), 1.0)
    first = strip_of(read(sequences[0], "current"), 1.0)
    assert (strip.image.width(), strip.image.height()) == (8, 4)  # two features each, and a gap between
    assert [row[:2] for row in cells(strip)] == cells(first)
    assert {row[2] for row in cells(strip)} == {current_theme().colour("raised").name()}
    many = strip_of(read(np.zeros((9, 12, 40)), "current"), 0.0)
    assert (many.image.width(), many.image.height()) == (40, 12)


def test_what_is_finer_than_the_pixels_is_averaged_and_its_true_extremes_are_told():
    table = np.zeros((200, 2))
    table[100, 1] = 7.0
    strip = strip_of(read(table, "current"), 0.0)
    assert strip.image.height() == 64
    assert (strip.minimum, strip.maximum) == (0.0, 7.0)


def test_a_vector_of_a_few_numbers_says_them_and_a_longer_one_has_a_strip():
    assert words_of(read(np.array([1.5, -0.25]), "current")).text == "1.50 −0.25"
    assert words_of(read(np.arange(9.0), "current")).text.startswith("4 ± ")
    strip = strip_of(read(np.arange(9.0), "current"), 0.0)
    assert (strip.image.width(), strip.image.height()) == (9, 1)
    graph = Graph()
    for name, numbers in (("short", [1, 2, 3]), ("long", [1, 2, 3, 4, 5, 6])):
        graph.add("constant", name, value=numbers)
    shapes = {"short.value": (3,), "long.value": (6,)}
    shown = {name: measure(Wiring(graph), node, shapes).pictured for name, node in graph.nodes.items()}
    assert shown == {"short": "", "long": "value"}


def test_a_weight_that_is_no_parameter_leaves_the_picture_to_the_value():
    graph = Graph()
    rows, edges = graph.add("constant", "numbers", value=[[1, 0], [0, 1], [1, 1]]), graph.add("edges", "edges")
    heard, dense = graph.add("neighbours", "heard"), graph.add("dense", "layer")
    graph.connect(rows, heard["h"])
    graph.connect(edges["source"], heard["source"])
    graph.connect(edges["target"], heard["target"])
    graph.connect(heard, dense)
    shapes = {"heard.m": (3, 2), "layer.h": (3, 4)}
    pictured = {name: measure(Wiring(graph), graph.nodes[name], shapes).pictured for name in ("heard", "layer")}
    assert pictured == {"heard": "m", "layer": "weight"}
