"""What rests is painted once and copied: after whatever happens, the copy is what painting everything anew would give."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt

from app.canvas.figures import Stack, visible_part
from app.canvas.numbers import AT_A_TIME
from app.canvas.places import Areas, Runs
from app.canvas.routes import curved, path_of


def picture(view):
    """What the canvas shows, as bytes a pixel."""
    image = view.grab().toImage().convertToFormat(view.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].astype(int)


def is_as_painted_anew(view):
    kept = picture(view)
    view.backdrop.forget()
    return int((np.abs(kept - picture(view)) > 2).sum()) == 0


@pytest.fixture
def playing(view, snapshot_of):
    """The canvas with numbers on it, painted once."""
    view.show_snapshot(snapshot_of({"dense_2.h": [[0.5]], "dense_1.h": [[0.1, 0.2, -0.3]]}, {"dense_2.h": [[-0.25]]}))
    picture(view)
    return view


EDITS = {
    "a node moves": lambda view: view.editor.move(["dense_1"], 37, 21),
    "a node lies over another": lambda view: view.editor.move(["dense_1"], 150, 30),
    "a node goes": lambda view: view.editor.remove(["dense_1"]),
    "a node comes": lambda view: view.editor.add_node("tanh", (40, 260)),
    "a node is folded": lambda view: view.editor.set_flag(["dense_1"], "collapsed", True),
    "a node is muted": lambda view: view.editor.set_flag(["dense_2"], "muted", True),
    "a wire goes": lambda view: view.editor.disconnect_ports("dense_1.h", "dense_2.x"),
    "a wire is muted": lambda view: view.editor.set_wires_muted(["dense_1.h>dense_2.x"], True),
    "a node is selected": lambda view: view.editor.select(["dense_1"]),
    "a wire is selected": lambda view: view.editor.select(["dense_1.h>dense_2.x"]),
    "a frame is drawn": lambda view: view.editor.add_frame(["dense_1", "dense_2"], "Layers"),
    "a note is stuck on": lambda view: view.editor.add_note((60, 60), "Read $x$"),
    "the view is panned": lambda view: view.pan_by(QPointF(-31, 17)),
    "the view is zoomed": lambda view: view.zoom_by(0.6),
    "the view is zoomed and panned": lambda view: (view.zoom_by(0.7), picture(view), view.pan_by(QPointF(13, -40))),
    "an edit is undone": lambda view: (view.editor.move(["dense_1"], 90, 0), picture(view), view.editor.stack.undo()),
    "the mouse points at a node": lambda view: view.canvas.nodes["dense_1"].show_state(hovered=True),
    "a wire is about to be cut": lambda view: view.canvas.preview("doomed", ["dense_1.h>dense_2.x"]),
    "nothing is left": lambda view: (view.select_all(), view.editor.remove(view.editor.selection)),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_the_copy_follows_when(playing, edit):
    EDITS[edit](playing)
    assert is_as_painted_anew(playing)


def test_the_copy_follows_new_numbers_and_the_step_just_played(playing, snapshot_of):
    for step, number in enumerate((0.25, -7.5, 1e-9)):
        before = picture(playing)
        playing.canvas.numbers.show(
            snapshot_of({"dense_2.h": [[number]], "dense_1.h": [[number, 1.0, 2.0]]}, step=("dense_1", "forward"))
        )
        assert (picture(playing) != before).any(), step
        assert is_as_painted_anew(playing)


def test_a_pulled_wire_fades_where_it_was_and_comes_back(playing, hand):
    hand.press(hand.port("dense_2.x"))
    hand.move(QPointF(400, 300))
    assert playing.canvas.wires["dense_1.h>dense_2.x"].faded
    hand.key(Qt.Key.Key_Escape)
    assert not playing.canvas.wires["dense_1.h>dense_2.x"].faded
    assert is_as_painted_anew(playing)


def test_figures_under_another_node_are_not_seen(playing, snapshot_of):
    playing.editor.move(["dense_1"], *(QPointF(280, 0) - playing.canvas.nodes["dense_1"].pos()).toTuple())
    playing.editor.move(
        ["dense_2"], *(playing.canvas.nodes["dense_1"].pos() - playing.canvas.nodes["dense_2"].pos()).toTuple()
    )
    items = playing.canvas.resting_within([QRectF(-1e5, -1e5, 2e5, 2e5)])
    under, over = (playing.canvas.nodes[name] for name in ("dense_1", "dense_2"))
    assert items.index(under) < items.index(over)
    covers = Stack(items).covers["dense_1"]
    assert covers == [over.geometry.body.translated(over.pos())]
    assert "dense_2" not in Stack(items).covers


def test_what_is_left_of_an_area_beneath_covers():
    area = QRectF(10, 10, 100, 20)
    assert visible_part(area, []) is area
    assert visible_part(area, [QRectF(0, 50, 10, 10)]) is area
    assert visible_part(area, [QRectF(0, 0, 200, 200)]) is None
    assert visible_part(area, [QRectF(0, 20, 200, 200)]) == QRectF(10, 10, 100, 10)
    assert visible_part(area, [QRectF(0, 0, 200, 15)]) == QRectF(10, 15, 100, 15)
    path = visible_part(area, [QRectF(50, 0, 10, 100)])
    assert path.contains(QPointF(20, 20)) and not path.contains(QPointF(55, 20)) and path.contains(QPointF(90, 20))


def test_places_are_found_in_the_order_in_which_they_came():
    areas = Areas()
    areas.place({"a": (0, 0, 10, 10), "b": (5, 5, 20, 20), "c": (100, 100, 110, 110)})
    assert areas.within([QRectF(6, 6, 1, 1)]) == ["a", "b"]
    assert areas.whole == QRectF(0, 0, 110, 110)
    areas.place({"a": (200, 200, 210, 210)})
    areas.drop(["b"])
    assert areas.within([QRectF(0, 0, 300, 300)]) == ["a", "c"] and areas.names == ["a", "c"]


@pytest.mark.parametrize("end", [(900, 700), (-400, 50), (60, 10), (4000, -2500)])
def test_a_wire_is_found_wherever_it_runs(end):
    run = curved(10, 20, *end)
    runs, path = Runs(), path_of([run])
    runs.place({"wire": [run]})
    for share in np.linspace(0, 1, 101):
        point = path.pointAtPercent(float(share))
        assert runs.within([QRectF(point.x() - 1, point.y() - 1, 2, 2)]) == ["wire"], share
    middle = path.pointAtPercent(0.5)
    assert not runs.within([QRectF(middle.x(), middle.y() + 4000, 5, 5)])


def test_at_speed_nodes_take_turns_and_all_agree_in_the_end(view, snapshot_of, qtbot):
    names = [str(view.editor.add_node("scale", (40 * at, 30 * at + 300))) for at in range(2 * AT_A_TIME)]
    view.fit()
    assert view.canvas.detailed
    for moment in (1, 100, 200):
        snapshot = snapshot_of({f"{name}.y": [[float(moment)]] for name in names})
        snapshot.iteration = moment
        view.canvas.numbers.show(snapshot)
    shown = {view.canvas.nodes[name].live.state.value.text for name in names}
    assert len(shown) > 1
    qtbot.waitUntil(lambda: {view.canvas.nodes[name].live.state.value.text for name in names} == {"200"})
