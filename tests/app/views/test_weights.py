"""The weights of a layer, looked at pixel by pixel."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.theme import current_theme
from app.views import WeightsView
from app.views.weights_plot import level_above
from engine.snapshot import Reading, Snapshot

KEY = "hidden.weight"


@pytest.fixture
def view(qtbot, document):
    document.views = [{"type": "weights"}]
    made = WeightsView(Editor(document))
    qtbot.addWidget(made)
    made.resize(460, 320)
    made.show()
    return made


def show(view, array, key=KEY, **others):
    readings = {key: np.asarray(array, float), **{name.replace("_", "."): each for name, each in others.items()}}
    parameters = {name: Reading(each.shape, "current", each) for name, each in readings.items()}
    view.show_snapshot(Snapshot(revision=view.editor.revision, parameters=parameters))


def colour_of(view, row, column, aside=0.0):
    """The colour in the middle of a cell, or `aside` of its size to the right of it."""
    area, _, columns = view.plot.cells()
    row, column = (column, row) if view.plot.is_turned else (row, column)
    size = area.width() / columns
    point = QPointF(area.left() + (column + 0.5 + aside) * size, area.top() + (row + 0.5) * size)
    return view.plot.grab().toImage().pixelColor(point.toPoint())


def test_positive_weights_are_blue_negative_ones_orange_and_zero_has_the_colour_of_zero(view):
    show(view, [[0.9, -0.9], [0.0, 0.5]])
    assert colour_of(view, 0, 0).blue() > colour_of(view, 0, 0).red() + 60
    assert colour_of(view, 0, 1).red() > colour_of(view, 0, 1).blue() + 60
    zero, wanted = colour_of(view, 1, 0).getRgb(), current_theme().colour("zero").getRgb()
    assert max(abs(a - b) for a, b in zip(zero, wanted, strict=True)) <= 3


def test_the_levels_stay_while_the_weights_stay_within_them(view):
    show(view, [[0.9, -0.9], [0.0, 0.5]])
    before = colour_of(view, 1, 1)
    show(view, [[0.6, -0.4], [0.0, 0.5]])
    assert view.plot.limit == 1.0
    assert colour_of(view, 1, 1) == before
    show(view, [[3.0, 0.0], [0.0, 0.5]])
    assert view.plot.limit == 5.0


def test_the_areas_of_a_hinton_diagram_are_the_numbers(view):
    show(view, [[1.0, 0.25], [-1.0, 0.0]])
    QTest.mouseClick(view.pictures.button(1), Qt.MouseButton.LeftButton)
    assert view.plot.shown_picture == "Hinton diagram"
    zero = current_theme().colour("zero")
    assert colour_of(view, 0, 0, aside=0.4) == current_theme().colour("pos")
    assert colour_of(view, 0, 1, aside=0.15) == current_theme().colour("pos")
    assert colour_of(view, 0, 1, aside=0.32) == zero  # a quarter of the area is half of the side
    assert colour_of(view, 1, 0) == current_theme().colour("neg")
    assert colour_of(view, 1, 1) == zero


def test_a_hinton_diagram_of_any_shape_is_painted(view):
    view.choose("Hinton diagram")
    for shape in ((1,), (7,), (3, 5), (64, 10), (2, 3, 4), ()):
        show(view, np.full(shape, 0.5))
        assert colour_of(view, 0, 0) == current_theme().colour("pos"), shape


def test_cells_too_small_for_areas_show_colours(view):
    show(view, np.full((250, 250), 0.5))
    view.choose("Hinton diagram")
    assert view.plot.shown_picture == "heat map"


def test_a_histogram_has_its_bars_where_the_weights_are(view):
    show(view, np.concatenate([np.full(300, 0.31), np.full(40, -0.71)]).reshape(20, 17))
    QTest.mouseClick(view.pictures.button(2), Qt.MouseButton.LeftButton)
    image = view.plot.grab().toImage()
    base = [image.pixelColor(x, view.plot.height() - 40) for x in range(view.plot.width())]
    blue = [x for x, colour in enumerate(base) if colour.blue() > colour.red() + 60]
    orange = [x for x, colour in enumerate(base) if colour.red() > colour.blue() + 60]
    assert blue and orange
    assert max(orange) < min(blue)


def test_a_weight_that_is_not_finite_is_marked_and_breaks_nothing(view):
    for picture in ("heat map", "Hinton diagram", "histogram"):
        view.choose(picture)
        show(view, [[np.nan, 0.5], [np.inf, -0.5]])
        if picture != "histogram":
            assert colour_of(view, 0, 0) == current_theme().colour("error")
        view.plot.grab()


def test_a_tall_matrix_lies_down_where_that_makes_its_cells_larger(view):
    show(view, np.zeros((64, 8)))
    assert view.plot.is_turned
    assert view.plot.axis_words == ("feature", "unit")
    area, _, columns = view.plot.cells()
    found = view.plot.entry_at(QPointF(area.left() + 9.5 * area.width() / columns, area.top() + 1))
    assert found == (9, 0)


def test_the_layer_is_chosen_in_the_head_and_kept_with_the_document(qtbot, view):
    show(view, [[0.5]], output_weight=np.array([[-0.5]]))
    assert view.key == KEY
    assert colour_of(view, 0, 0).blue() > colour_of(view, 0, 0).red()
    view.parameter.setFocus()
    QTest.keyClick(view.parameter, Qt.Key.Key_Down)
    assert view.key == "output.weight"
    assert colour_of(view, 0, 0).red() > colour_of(view, 0, 0).blue()
    view.choose("histogram")
    kept = {"type": "weights", "parameter": "output.weight", "picture": "histogram"}
    assert view.editor.document.views == [kept]
    again = WeightsView(Editor(view.editor.document.copy()))
    qtbot.addWidget(again)
    again.show_snapshot(view.snapshot)
    assert (again.key, again.plot.picture) == ("output.weight", "histogram")
    view.editor.stack.undo()
    assert view.plot.picture == "heat map"


def test_narrow_and_wide_heads_show_every_choice(qtbot, view):
    show(view, [[0.5]])
    for width in (220, 700, 300):
        view.resize(width, 260)
        qtbot.waitUntil(lambda: all(each.isVisible() for each in (view.parameter, *view.pictures.buttons())))
        spots = [each.geometry() for each in (view.parameter, *view.pictures.buttons())]
        assert all(a.right() < b.left() for a, b in pairwise(spots))
        assert view.parameter.width() >= 60, (width, spots)


def test_an_empty_view_says_why(view):
    view.show_snapshot(Snapshot())
    assert "Nothing here has weights" in view.reason
    large = {KEY: Reading((784, 512), "current")}
    view.show_snapshot(Snapshot(parameters=large))
    assert "401\u202f408 numbers" in view.reason


def test_weights_that_have_gone_are_missed_and_no_others_stand_in_for_them(view):
    show(view, [[0.9, -0.9]], output_weight=np.ones((2, 1)))
    view.parameter.setCurrentIndex(view.parameter.findData("output.weight"))
    view.parameter.activated.emit(view.parameter.currentIndex())
    show(view, [[0.9, -0.9]])
    assert view.key == "" and view.parameter.currentIndex() == -1
    assert view.reason.startswith("There is no “output · weight” now.") and "output" in view.label
    show(view, [[0.9, -0.9]], output_weight=np.ones((2, 1)))
    assert view.key == "output.weight" and view.reason == "", "undone, it is there again"
    show(view, [[0.9, -0.9]])
    view.parameter.setCurrentIndex(0)
    view.parameter.activated.emit(0)
    assert view.key == "hidden.weight" and view.reason == ""


def test_levels_are_one_two_or_five_times_a_power_of_ten():
    assert [level_above(size) for size in (0.0, 0.03, 0.2, 1.0, 1.1, 4.0, 70.0)] == [
        1.0, 0.05, pytest.approx(0.2), 1.0, 2.0, 5.0, 100.0,
    ]  # fmt: skip
    assert level_above(float("inf")) == 1.0


@pytest.mark.parametrize("width", [320, 640])
def test_a_picture_to_take_away_holds_nothing_to_press_and_says_whose_weights_they_are(qtbot, view, width):
    view.resize(width, 320)
    show(view, np.eye(3))
    qtbot.waitUntil(lambda: all(button.isVisible() for button in view.pictures.buttons()))
    spots = [button.mapTo(view, button.rect().center()) for button in view.pictures.buttons()]
    image = view.picture(1.0).toImage()
    head = image.copy(0, 0, width, view.head.height())
    assert {head.pixelColor(spot).rgb() for spot in spots if spot.y() < head.height()} <= {
        current_theme().colour("surface").rgb()
    }
    assert view.label.startswith("Weights · hidden")
    assert all(button.isVisible() for button in [*view.pictures.buttons(), view.tear_button, view.parameter])


def test_a_second_view_shows_the_next_layer_and_its_tab_says_so_before_it_is_seen(qtbot, document):
    document.views = [{"type": "weights"}, {"type": "weights", "id": "weights_2"}]
    editor = Editor(document)
    made = []
    for name in ("weights", "weights_2"):
        view = WeightsView(editor)
        view.id = name
        qtbot.addWidget(view)
        made.append(view)
    arrays = {"hidden.weight": np.ones((2, 4)), "hidden.bias": np.ones(4), "output.weight": np.ones((4, 1))}
    readings = {key: Reading(each.shape, "current", each) for key, each in arrays.items()}
    for view in made:
        view.peek(Snapshot(revision=editor.revision, parameters=readings))
    assert [view.label for view in made] == ["Weights · hidden · weight", "Weights · output · weight"]


def test_a_view_that_was_saved_is_named_by_its_weights_before_any_number_comes(qtbot, document):
    document.views = [{"type": "weights", "parameter": "output.weight"}]
    view = WeightsView(Editor(document))
    view.id = "weights"
    qtbot.addWidget(view)
    assert view.label == "Weights · output · weight"


def test_what_an_attention_looks_at_is_offered_behind_the_parameters_and_shown_for_the_first_example(view):
    shares = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.5, 0.5], [0.5, 0.5]]])
    parameters = {KEY: Reading((1, 1), "current", np.ones((1, 1)))}
    values = {
        "look.weights": Reading(shares.shape, "current", shares),
        "look.y": Reading((2, 2), "current", np.ones((2, 2))),
    }
    view.show_snapshot(Snapshot(revision=view.editor.revision, parameters=parameters, values=values))
    assert [view.parameter.itemData(place) for place in range(view.parameter.count())] == [KEY, "look.weights"]
    view.parameter.setCurrentIndex(1)
    view.parameter.activated.emit(1)
    assert view.key == "look.weights" and view.plot.limit == 1.0
    assert colour_of(view, 0, 0).blue() > colour_of(view, 0, 1).blue() - 1
    assert colour_of(view, 0, 0) != colour_of(view, 1, 0)


def test_shares_that_were_never_computed_are_not_called_too_many(view):
    values = {"look.weights": Reading((2, 3, 3), "absent", None)}
    view.show_snapshot(Snapshot(revision=view.editor.revision, values=values))
    assert "Take a step" in view.reason


@pytest.mark.parametrize(
    ("kind", "parameter", "words"),
    [
        ("competitive_learning", "prototypes", ("feature", "unit")),
        ("kohonen_map", "prototypes", ("feature", "unit")),
        ("conv1d", "weight", ("length", "filter × channel")),
        ("dense", "weight", ("unit", "feature")),
    ],
)
def test_the_axes_of_weights_are_named_as_the_layer_counts_them(view, kind, parameter, words):
    node = view.editor.add_node(kind, (0, 0))
    array = np.zeros((1, 2, 2) if kind == "conv1d" else (3, 3))
    show(view, array, key=f"{node}.{parameter}")
    assert view.key == f"{node}.{parameter}"
    assert not view.plot.is_turned
    assert view.plot.axis_words == words


def test_one_long_row_is_a_band_that_can_be_seen(view):
    show(view, np.where(np.arange(300)[:, None] < 150, 0.9, -0.9))
    area, rows, columns = view.plot.cells()
    assert (rows, columns) == (1, 300)
    assert area.height() >= 12
    assert colour_of(view, 10, 0).blue() > colour_of(view, 10, 0).red() + 60
    below = view.plot.grab().toImage().pixelColor(round(area.left() + 10), round(area.bottom() - 3))
    assert below.blue() > below.red() + 60
