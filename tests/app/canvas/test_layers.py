"""Opening a layer into its neurons: gestures, the room it takes, and what is remembered."""

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtWidgets import QApplication

from app.canvas.layer.item import LayerItem
from app.canvas.layer.room import close_gap, make_room
from app.canvas.node_item import NodeItem
from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.conftest import Hand, make_view


def places(view):
    return {name: view.canvas.graph.nodes[name].position for name in view.canvas.graph.nodes}


def overlaps(view):
    areas = {name: view.canvas.area_of(name) for name in view.canvas.nodes}
    return [(a, b) for a in areas for b in areas if a < b and areas[a].intersects(areas[b])]


def free_spot(view, name):
    """A place within the frame of an opened layer where nothing can be taken hold of."""
    return view.canvas.area_of(name).bottomRight() - QPointF(12, 12)


def opened_texts(document):
    return [entry["id"] for entry in document.to_json()["graph"]["nodes"] if "opened" in entry.get("flags", ())]


def test_a_double_click_opens_a_layer_and_another_one_closes_it(view, hand):
    hand.double_click(view.canvas.area_of("dense_1").center())
    assert "opened" in view.canvas.graph.nodes["dense_1"].flags
    assert isinstance(view.canvas.nodes["dense_1"], LayerItem)
    assert len(view.canvas.layers["dense_1"].lines.lines) == 2 * 3
    hand.double_click(free_spot(view, "dense_1"))
    assert not view.canvas.graph.nodes["dense_1"].flags and isinstance(view.canvas.nodes["dense_1"], NodeItem)
    assert not view.canvas.layers


def test_opening_is_one_named_step_that_undo_takes_back_with_every_place(view, hand):
    before = places(view)
    hand.double_click(view.canvas.area_of("dense_1").center())
    opened = places(view)
    assert view.editor.stack.count() == 1 and view.editor.stack.undoText() == "Open hidden"
    assert opened != before and not overlaps(view)
    view.editor.stack.undo()
    assert places(view) == before and not view.canvas.layers
    view.editor.stack.redo()
    assert places(view) == opened and "dense_1" in view.canvas.layers


def test_what_stood_to_the_right_makes_room_and_returns_at_the_closing(view, hand):
    before = places(view)
    hand.double_click(view.canvas.area_of("dense_1").center())
    assert view.canvas.area_of("dense_2").left() > view.canvas.area_of("dense_1").right()
    hand.double_click(free_spot(view, "dense_1"))
    assert places(view) == before


def test_who_was_moved_by_hand_in_the_meantime_stays_there(view, hand):
    before = places(view)
    hand.double_click(view.canvas.area_of("dense_1").center())
    grip, no_guides = hand.node("target_1"), Qt.KeyboardModifier.AltModifier
    hand.press(grip)
    for away in (QPointF(20, 45), QPointF(40, 90)):
        hand.move(grip + away, modifiers=no_guides)
    hand.release(grip + QPointF(40, 90), modifiers=no_guides)
    moved = places(view)["target_1"]
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_O)
    assert places(view) == before | {"target_1": moved}


def test_nobody_returns_to_where_somebody_else_stands_now(view, hand):
    hand.double_click(view.canvas.area_of("dense_1").center())
    opened = places(view)
    view.editor.add_note((600.0, 40.0), "new here")
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_O)
    assert places(view)["dense_2"] == opened["dense_2"]


@pytest.mark.parametrize("key", [Qt.Key.Key_O, Qt.Key.Key_Return])
def test_a_key_opens_and_closes_the_selected_layer(view, hand, key):
    hand.click(hand.node("dense_1"))
    hand.key(key)
    assert "dense_1" in view.canvas.layers
    hand.key(key)
    assert not view.canvas.layers


def test_the_context_menu_opens_several_layers_in_one_step(view):
    view.editor.select(["dense_1", "dense_2"])
    view.open_menu(view.canvas.area_of("dense_1").center())
    next(action for action in view.menu.actions() if action.text().startswith("Open or close")).trigger()
    assert set(view.canvas.layers) == {"dense_1", "dense_2"} and view.editor.stack.count() == 1
    assert not overlaps(view)


def test_the_chevron_in_the_header_closes(view, hand):
    hand.double_click(view.canvas.area_of("dense_1").center())
    item = view.canvas.nodes["dense_1"]
    hand.click(item.pos() + item.geometry.fold.center())
    assert not view.canvas.layers


def test_folding_an_opened_layer_closes_it(view, hand):
    hand.double_click(view.canvas.area_of("dense_1").center())
    hand.key(Qt.Key.Key_H)
    assert view.canvas.graph.nodes["dense_1"].flags == {"collapsed"} and not view.canvas.layers


def test_what_is_no_layer_says_why_it_does_not_open(view, hand):
    hand.click(hand.node("target_1"))
    hand.key(Qt.Key.Key_O)
    assert "layer" in view.hint() and view.editor.stack.count() == 0


def test_a_double_click_on_another_node_still_tells_whoever_shows_it(view, hand, qtbot):
    with qtbot.waitSignal(view.node_opened) as told:
        hand.double_click(view.canvas.area_of("input_1").center())
    assert told.args == ["input_1"]


def test_the_document_remembers_which_layers_are_open(view, hand, qtbot):
    hand.double_click(view.canvas.area_of("dense_1").center())
    assert opened_texts(view.editor.document) == ["dense_1"]
    again = Document.from_json(view.editor.document.to_json())
    assert not again.problems
    assert "dense_1" in make_view(qtbot, again).canvas.layers


def test_an_opened_layer_is_brought_wholly_into_view(qtbot):
    graph = Graph()
    graph.add("input", shape=[2])
    graph.add("dense", units=24, position=(280, 0))
    graph.connect("input_1.value", "dense_1.x")
    view = make_view(qtbot, Document(graph, data="xor"))
    Hand(view).double_click(view.canvas.area_of("dense_1").center())
    assert view.visible_area().contains(view.canvas.area_of("dense_1"))


def test_the_layer_is_not_planned_anew_when_it_opens(view, hand):
    changes = []
    view.editor.changed.connect(changes.append)
    hand.double_click(view.canvas.area_of("dense_1").center())
    assert [change.replans for change in changes] == [False]


def test_more_units_are_drawn_as_soon_as_there_are_more(view, hand, qtbot):
    hand.double_click(view.canvas.area_of("dense_1").center())
    with qtbot.waitSignal(view.editor.problems_changed):
        view.editor.set_property("dense_1", "units", 7)
    assert len(view.canvas.layers["dense_1"].plan.units.centres) == 7
    assert len(view.canvas.layers["dense_1"].lines.lines) == 2 * 7


def test_lines_of_the_next_layer_begin_at_the_neurons_of_the_one_before(view, hand):
    for name in ("dense_1", "dense_2"):
        view.editor.select([name])
        hand.key(Qt.Key.Key_O)
    first, second = view.canvas.layers["dense_1"], view.canvas.layers["dense_2"]
    assert second.plan.before == "dense_1" and second.plan.features is None
    begins = [second.mapToScene(line.p1()) for line in second.lines.lines]
    circles = [first.plan.units.circle(at).translated(first.pos()).adjusted(-2, -2, 2, 2) for at in range(3)]
    assert all(circle.contains(begin) for circle, begin in zip(circles, begins, strict=True))
    assert view.canvas.wires["dense_1.h>dense_2.x"].replaced


def test_lines_follow_when_the_layer_before_is_moved(view, hand):
    view.editor.select(["dense_1", "dense_2"])
    hand.key(Qt.Key.Key_O)
    second = view.canvas.layers["dense_2"]
    begin = second.mapToScene(second.lines.lines[0].p1())
    hand.drag(hand.node("dense_1"), hand.node("dense_1") - QPointF(0, 60), modifiers=Qt.KeyboardModifier.AltModifier)
    view.editor.move(["dense_1"], 0, -30)
    assert second.mapToScene(second.lines.lines[0].p1()).y() < begin.y() - 20


def test_when_the_layer_before_closes_the_next_shows_its_features_again(view, hand):
    view.editor.select(["dense_1", "dense_2"])
    hand.key(Qt.Key.Key_O)
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_O)
    second = view.canvas.layers["dense_2"]
    assert second.plan.before == "" and len(second.plan.features.centres) == 3 and not overlaps(view)
    assert not view.canvas.wires["dense_1.h>dense_2.x"].replaced


def test_opening_and_closing_in_any_order_returns_to_the_start(view, hand):
    before = places(view)
    for name in ("dense_2", "dense_1", "dense_2", "dense_1"):
        view.editor.select([name])
        hand.key(Qt.Key.Key_O)
        QApplication.processEvents()
        assert not overlaps(view)
    while view.editor.stack.canUndo():
        view.editor.stack.undo()
    assert places(view) == before


def test_removing_an_opened_layer_takes_its_lines_away_and_undo_brings_them_back(view, hand):
    hand.double_click(view.canvas.area_of("dense_1").center())
    view.editor.select(["dense_1"])
    hand.key(Qt.Key.Key_Delete)
    assert not view.canvas.layers
    view.editor.stack.undo()
    assert len(view.canvas.layers["dense_1"].lines.lines) == 6


def test_a_layer_that_nothing_feeds_opens_into_its_neurons_alone(qtbot):
    graph = Graph()
    graph.add("dense", units=3)
    view = make_view(qtbot, Document(graph))
    Hand(view).double_click(view.canvas.area_of("dense_1").center())
    layer = view.canvas.layers["dense_1"]
    assert len(layer.plan.units.centres) == 3 and layer.plan.features is None and not layer.lines.lines


AREAS = {"grows": QRectF(0, 0, 100, 100), "right": QRectF(150, 0, 50, 50), "under": QRectF(0, 130, 80, 40)}


def test_what_is_to_the_right_moves_right_and_what_is_in_the_way_moves_down():
    offsets = make_room(AREAS, "grows", QRectF(0, 0, 180, 200))
    assert offsets == {"right": QPointF(80, 0), "under": QPointF(0, 94)}


def test_what_is_pushed_pushes_what_it_meets():
    areas = AREAS | {"deeper": QRectF(10, 190, 50, 50), "aside": QRectF(-200, 130, 50, 50)}
    offsets = make_room(areas, "grows", QRectF(0, 0, 100, 200))
    assert set(offsets) == {"under", "deeper"}
    moved = {name: areas[name].translated(offset) for name, offset in offsets.items()}
    assert not moved["under"].intersects(moved["deeper"])


def test_what_is_to_the_right_comes_back_as_far_as_nothing_else_is_in_the_way():
    shrunk = AREAS | {"grows": QRectF(0, 0, 60, 60)}
    assert close_gap(shrunk, "grows", AREAS["grows"]) == {"right": QPointF(-40, 0)}
    assert close_gap(shrunk | {"under": QRectF(0, 40, 110, 40)}, "grows", AREAS["grows"]) == {"right": QPointF(-16, 0)}


def test_a_layer_that_was_open_when_the_document_was_read_gives_its_room_back(view, hand, qtbot):
    hand.double_click(view.canvas.area_of("dense_1").center())
    again = make_view(qtbot, Document.from_json(view.editor.document.to_json()))
    gap = again.canvas.area_of("dense_2").left() - again.canvas.area_of("dense_1").right()
    Hand(again).double_click(free_spot(again, "dense_1"))
    assert again.canvas.area_of("dense_2").left() - again.canvas.area_of("dense_1").right() == pytest.approx(gap)


def test_an_opened_layer_is_large_enough_to_be_read(view, hand):
    view.zoom_by(0.5 / view.zoom)
    view.centre_at(view.canvas.area_of("dense_1").center())
    hand.double_click(view.canvas.area_of("dense_1").center())
    assert view.zoom > 0.6


def test_what_shrinks_moves_nothing():
    assert make_room(AREAS, "grows", QRectF(0, 0, 50, 50)) == {}


def test_a_layer_out_of_sight_that_opens_and_moves_at_once_stands_where_the_document_has_it(view):
    editor, scene = view.editor, view.canvas
    editor.open(editor.document.copy())
    name = next(node.id for node in editor.document.graph if node.type == "dense")
    assert name not in scene.nodes.made  # nobody has looked at it yet
    across, down = editor.document.graph.nodes[name].position
    editor.set_flag([name], "opened", True, {name: (across, down - 126)})
    assert scene.nodes[name].pos().toTuple() == (across, down - 126)
    assert scene.area_of(name).topLeft().toTuple() == (across, down - 126)
