"""Nodes and frames take a colour of a small palette, from the context menu or by a command; it is kept with the document."""

from PySide6.QtCore import QPointF, Qt

from app.canvas.actions import ENTRIES, attempt
from app.canvas.colours import COLOURS, known
from app.canvas.node_item import colour_of
from engine.document import Document


def colours_in(menu):
    return next(action.menu() for action in menu.actions() if action.text() == "Colour")


def test_a_node_takes_a_colour_from_the_menu_in_one_step_and_nothing_is_computed_anew(view, hand):
    told = []
    view.editor.changed.connect(told.append)
    before = view.grab().toImage()
    hand.click(hand.node("dense_1"), Qt.MouseButton.RightButton)
    next(action for action in colours_in(view.menu).actions() if action.text() == "Red").trigger()
    view.menu.hide()
    assert view.canvas.graph.nodes["dense_1"].colour == "c_losses" and view.editor.stack.undoText() == "Colour hidden"
    assert told[-1].kinds == {"colour"} and not told[-1].replans
    assert colour_of(view.canvas.graph.nodes["dense_1"]) == "c_losses" and view.grab().toImage() != before
    view.editor.stack.undo()
    assert not view.canvas.graph.nodes["dense_1"].colour


def test_colours_are_saved_and_copied_and_one_that_is_not_known_is_none(view, tmp_path):
    frame = view.editor.add_frame(["dense_1"], "first")
    view.editor.set_colour(["dense_2", frame], "c_data")
    path = tmp_path / "coloured.json"
    view.editor.document.save(path)
    graph = Document.load(path).graph
    assert graph.nodes["dense_2"].colour == graph.frames[frame].colour == "c_data"
    (copy,) = view.editor.duplicate(["dense_2"])
    assert view.canvas.graph.nodes[copy].colour == "c_data"
    assert known("c_data") and not known("javascript")


def test_every_colour_is_a_command_and_without_a_selection_that_is_said(view):
    entries = [entry for entry in ENTRIES if entry.name.startswith("colour_")]
    assert len(entries) == len(COLOURS)
    view.editor.select([])
    attempt(view, entries[1].run)
    assert "nothing is selected" in view.hint()
    view.open_menu(QPointF(-900, -900))
    assert not colours_in(view.menu).isEnabled()
    view.menu.hide()
