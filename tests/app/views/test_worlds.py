"""Mazes, arms and scores, looked at pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app.editor import Editor
from app.theme import current_theme
from app.views import ArmsView, CartsView, MazeView, ScoreCurve
from app.views.maze import best
from app.views.maze_plot import ink
from engine import Document, Graph
from engine.snapshot import Reading, Snapshot

MAZE = "S.#/.CG"


def made(qtbot, kind, document, name=""):
    view = kind(Editor(document))
    view.id = name or kind.kind
    qtbot.addWidget(view)
    view.resize(460, 320)
    view.show()
    return view


def walked(**more) -> Document:
    graph = Graph()
    world, table = (
        graph.add("grid_world", "world", layout=MAZE),
        graph.add("parameter", "table", shape=(6, 4), title="Q"),
    )
    layer = graph.add("dense", "layer", units=4, use_bias=False)
    graph.connect(world, layer["x"])
    graph.connect(table, layer["weight"])
    return Document(graph, views=[{"type": "maze", **more}])


def snapshot_of(view, parameters=None, values=None, history=None):
    def readings(arrays):
        return {key: Reading(np.shape(array), "current", np.asarray(array, float)) for key, array in arrays.items()}

    return Snapshot(
        revision=view.editor.revision, parameters=readings(parameters or {}), values=readings(values or {}),
        history=history or {},
    )  # fmt: skip


def colour_at(plot, point: QPointF):
    return plot.grab().toImage().pixelColor(point.toPoint())


def near(one, other) -> bool:
    return max(abs(a - b) for a, b in zip(one.getRgb(), other.getRgb(), strict=True)) <= 4


TABLE = [[1.0, 4.0, 2.0, 0.0], [-2.0, -4.0, -2.0, -3.0], [0] * 4, [0] * 4, [0] * 4, [0] * 4]


def test_cells_have_the_colour_of_their_best_action_and_walls_and_cliffs_their_own(qtbot):
    view = made(qtbot, MazeView, walked())
    view.show_snapshot(snapshot_of(view, {"table.value": TABLE}, {"world.state": np.eye(6)[[3]]}))
    theme, plot = current_theme(), view.plot
    beside = [plot.cell(place).bottomLeft() + QPointF(4, -4) for place in range(6)]
    assert near(colour_at(plot, beside[0]), theme.signed_colour(4.0, 4.0))
    assert near(colour_at(plot, beside[1]), theme.signed_colour(-2.0, 4.0))
    assert near(colour_at(plot, beside[2]), theme.colour("border_strong"))
    assert near(colour_at(plot, beside[3]), theme.signed_colour(0.0, 4.0))
    at = plot.cell(3).topRight() + QPointF(-10, 10)
    assert near(colour_at(plot, at), theme.colour("forward"))  # the game stands there


def test_an_arrow_leads_where_no_other_action_is_worth_more(qtbot):
    chosen = best(np.array(TABLE))
    assert np.flatnonzero(chosen[0]).tolist() == [1]
    assert np.flatnonzero(chosen[1]).tolist() == [0, 2]
    assert not chosen[2:].any()
    view = made(qtbot, MazeView, walked())
    view.show_snapshot(snapshot_of(view, {"table.value": TABLE}, {"world.state": np.eye(6)[[3]]}))
    area = view.plot.cell(0)
    middle = area.center() - QPointF(0, area.height() * 0.16)
    assert near(colour_at(view.plot, middle), ink(current_theme().signed_colour(4.0, 4.0)))


def test_the_table_that_is_chosen_is_remembered_by_the_document(qtbot):
    document = walked()
    document.graph.add("dense", "critic", units=1, use_bias=False, title="V")
    document.graph.connect("world.state", "critic.x")
    view = made(qtbot, MazeView, document)
    view.show_snapshot(snapshot_of(view, {"table.value": TABLE, "critic.weight": np.arange(6.0)[:, None]}))
    assert [view.of.itemText(place) for place in range(view.of.count())] == ["Q", "V"]
    view.of.setCurrentIndex(1)
    view.of.activated.emit(1)
    assert view.editor.document.views == [{"type": "maze", "of": "critic.weight"}]
    assert view.plot.worth().tolist() == [0, 1, 2, 3, 4, 5]


def test_without_a_maze_the_view_says_what_is_missing(qtbot):
    view = made(qtbot, MazeView, Document(Graph()))
    view.show_snapshot(snapshot_of(view))
    assert view.reason.startswith("There is no maze here")


def pulled() -> Document:
    graph = Graph()
    world, known = graph.add("bandit", "world", means=[1.0, -1.0]), graph.add("arm_statistics", "known")
    bound = graph.add("upper_bound", "bound")
    moved, choice = graph.add("take_action", "moved"), graph.add("argmax", "choice")
    for source, target in (
        (world["state"], known["world"]), (world["state"], moved["world"]), (bound["bound"], choice["x"]),
        (choice, moved["action"]), (choice, known["action"]), (moved["reward"], known["reward"]),
    ):  # fmt: skip
        graph.connect(source, target)
    for port in ("mean", "deviation", "count"):
        graph.connect(known[port], bound[port])
    return Document(graph, views=[{"type": "arms"}])


def test_bars_are_the_means_so_far_and_lines_the_truth(qtbot):
    view = made(qtbot, ArmsView, pulled())
    believed = {"known.mean": [[0.5, -0.5]], "known.count": [[3.0, 2.0]], "bound.bound": [[1.5, 0.25]]}
    view.show_snapshot(snapshot_of(view, values={**believed, "world.means": [[1.0, -1.0]], "choice.index": [0.0]}))
    plot, theme = view.plot, current_theme()
    assert plot.arms.chosen == 0 and plot.arms.bound.tolist() == [1.5, 0.25]
    assert plot.bar(0).top() == pytest.approx(plot.height_of(0.5)) and plot.bar(1).bottom() == plot.height_of(-0.5)
    assert near(colour_at(plot, plot.bar(0).bottomLeft() + QPointF(3, -4)), theme.colour("pos"))
    truth = QPointF(plot.bar(0).left() - 2, plot.height_of(1.0))
    assert near(colour_at(plot, truth), theme.colour("update"))


def test_arms_that_must_be_tried_first_do_not_stretch_the_scale(qtbot):
    view = made(qtbot, ArmsView, pulled())
    believed = {"known.mean": [[0.5, 0.0]], "known.count": [[3.0, 0.0]], "bound.bound": [[1.5, 1e6]]}
    view.show_snapshot(snapshot_of(view, values=believed))
    assert view.plot.limits[1] < 2


def test_a_score_has_a_line_for_each_node_that_draws_one(qtbot):
    graph = Graph()
    graph.add("score", "one", title="clever", curve="gain")
    graph.add("score", "other", title="simple", curve="gain")
    graph.add("score", "silent", every=False)
    view = made(qtbot, ScoreCurve, Document(graph, views=[{"type": "score"}]))
    curve = np.array([[0.0, 1.0], [1.0, 2.5]])
    view.show_snapshot(snapshot_of(view, history={"one.curve": curve, "other.curve": 2 * curve}))
    assert view.body.accessibleName() == "Iteration 0; clever 2.500; simple 5"
    assert "paid a game" in view.subtitle.toolTip()
    empty = made(qtbot, ScoreCurve, Document(Graph()))
    empty.show_snapshot(snapshot_of(empty))
    assert empty.reason.startswith("Scores are kept by a score node")


@pytest.mark.parametrize(("units", "state"), [("m and rad", [1.2, 0, np.radians(6), 0]), ("shares", [0.5, 0, 0.5, 0])])
def test_a_cart_stands_and_its_pole_leans_as_the_state_says(qtbot, units, state):
    graph = Graph()
    graph.add("cart_pole", "cart", games=2, units=units)
    view = made(qtbot, CartsView, Document(graph, views=[{"type": "carts"}]))
    view.show_snapshot(snapshot_of(view, values={"cart.state": [state, [0, 0, 0, 0]]}))
    plot = view.body
    right, area = plot.cart(0), plot.track(0)
    assert right.x() == pytest.approx(area.center().x() + 0.5 * (area.width() / 2 - 24))
    lean = plot.tip(0) - right
    assert np.degrees(np.arctan2(lean.x(), -lean.y())) == pytest.approx(6.0)
    assert plot.tip(1).x() == plot.cart(1).x() == pytest.approx(area.center().x())
    assert near(colour_at(plot, plot.cart(1) + QPointF(10, 0)), current_theme().colour("c_worlds"))
    assert near(colour_at(plot, plot.cart(1) - QPointF(0, 30)), current_theme().colour("pos"))
