"""Node types dropped from the palette, and documents that are not quite sound."""

from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent

from app.canvas import CanvasView
from app.editor import Editor
from engine.document import Document

COPY, LEFT, NONE = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def held(name):
    data = QMimeData()
    data.setData("application/x-chainrule-node", name.encode())
    return data


def drop(view, name, point):
    """What Qt sends while something is dragged in and dropped (it reaches the view by way of its viewport)."""
    data, place = held(name), view.mapFromScene(point)
    enter = QDragEnterEvent(place, COPY, data, LEFT, NONE)
    view.dragEnterEvent(enter)
    if enter.isAccepted():
        view.dragMoveEvent(QDragMoveEvent(place, COPY, data, LEFT, NONE))
        view.dropEvent(QDropEvent(QPointF(place), COPY, data, LEFT, NONE))
    return enter.isAccepted()


def wires(view):
    return {(wire.source, wire.target) for wire in view.canvas.graph.wires}


def test_a_type_dropped_on_the_canvas_becomes_a_node_there(view):
    assert drop(view, "scale", QPointF(100, 420))
    assert view.editor.selection == {"scale_1"}
    assert view.canvas.area_of("scale_1").contains(QPointF(100, 440))


def test_a_type_dropped_on_a_wire_is_inserted_in_one_step(view):
    before = wires(view)
    drop(view, "scale", view.canvas.wires["dense_1.h>dense_2.x"].path.pointAtPercent(0.5))
    assert wires(view) == before - {("dense_1.h", "dense_2.x")} | {
        ("dense_1.h", "scale_1.x"),
        ("scale_1.y", "dense_2.x"),
    }
    assert view.editor.stack.count() == 1
    view.editor.stack.undo()
    assert wires(view) == before


def test_files_and_unknown_types_are_left_to_the_window(view):
    assert not drop(view, "no such type", QPointF(100, 420))


def test_a_node_of_an_unknown_type_is_drawn_with_its_wires_and_can_be_deleted(qtbot):
    document = Document.from_json(
        {
            "chainrule": 1, "id": "odd", "data": {"train": {"name": "xor"}},
            "graph": {
                "nodes": [
                    {"id": "input_1", "type": "input", "position": [0, 0]},
                    {"id": "mystery_1", "type": "mystery", "position": [260, 0], "properties": {"depth": 3}},
                ],
                "wires": [{"from": "input_1.value", "to": "mystery_1.x"}],
            },
        }
    )  # fmt: skip
    view = CanvasView(Editor(document))
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    qtbot.waitExposed(view)
    with qtbot.waitSignal(view.editor.problems_changed, timeout=20000):
        view.editor.check()
    assert "mystery" in view.canvas.nodes["mystery_1"].live.state.reason
    assert not view.grab().toImage().isNull()
    view.editor.remove(["mystery_1"])
    assert view.canvas.wires == {}
    view.editor.stack.undo()
    assert view.editor.document.graph.nodes["mystery_1"].properties == {"depth": 3}


def test_another_document_replaces_everything_on_the_canvas(view):
    view.editor.open(Document())
    assert view.canvas.nodes == {} and view.canvas.wires == {} and not view.editor.stack.canUndo()
    view.fit()
    assert view.zoom == 1.0
