"""Composites in the editor: entered and left, edited inside, grouped and unpacked; each edit is one named step."""

import json

import numpy as np
import pytest

from app.editor import Editor
from engine.composites import composite_of
from engine.document import Document
from engine.graph import Graph
from engine.problems import ProblemError


def blocks():
    """Two uses of a residual block between an input and a loss."""
    graph = Graph()
    x, a, b = graph.add("input", shape=(4,)), graph.add("residual_block"), graph.add("residual_block")
    target, loss = graph.add("target", shape=(4,)), graph.add("mean_squared_error")
    graph.connect(x, a)
    graph.connect(a, b)
    graph.connect(b, loss["prediction"])
    graph.connect(target, loss["target"])
    data = {"inputs": [[1.0, 2, 3, 4]], "targets": [[1.0, 2, 3, 4]], "task": "regression"}
    return Document(graph, data, {"loss": loss})


@pytest.fixture
def editor(qtbot):
    made = Editor(blocks())
    made.check_now()
    return made


def state(editor):
    return editor.document.to_json()


def test_what_is_seen_inside_is_the_definition_with_the_shapes_of_the_use_that_was_entered(editor):
    editor.enter("residual_block_2")
    assert editor.path == ("residual_block_2",) and editor.prefix == "residual_block_2/"
    assert set(editor.shown.graph.nodes) == {"x", "first", "second", "sum", "bend", "y"}
    assert editor.shapes["first.h"] == editor._all_shapes["residual_block_2/first.h"]
    editor.leave()
    assert editor.path == () and editor.selection == {"residual_block_2"}
    assert editor.shown is editor.document
    editor.enter("input_1")
    assert editor.path == ()


def test_an_edit_inside_is_one_named_step_of_the_definition_and_reaches_all_its_uses(editor):
    before = state(editor)
    editor.enter("residual_block_1")
    editor.set_property("first", "activation", "tanh")
    assert editor.stack.undoText() == "Set activation of first layer" and editor.stack.count() == 1
    for use in ("residual_block_1", "residual_block_2"):
        inside = composite_of(editor.document.graph.nodes[use]).graph
        assert inside.nodes["first"].properties["activation"] == "tanh"
    after = state(editor)
    editor.stack.undo()
    assert state(editor) == before and editor.path == ("residual_block_1",)
    editor.leave()
    editor.stack.redo()
    assert state(editor) == after and editor.path == ("residual_block_1",)  # where it can be seen


def test_inside_nodes_are_added_wired_moved_and_removed_as_anywhere(editor):
    editor.enter("residual_block_1")
    told = []
    editor.changed.connect(told.append)
    name = editor.add_node("tanh", (900, 0))
    editor.connect_ports("bend.h", f"{name}.x")
    editor.move([name], 24, 0)
    editor.set_title(name, "again")
    assert editor.shown.graph.nodes[name].title == "again"
    assert [sorted(change.kinds) for change in told] == [["node_added"], ["wire_added"], ["moved"], ["title"]]
    assert [change.replans for change in told] == [True, True, False, False]
    assert told[1].ids == {f"bend.h>{name}.x"}
    editor.remove([name])
    assert name not in editor.shown.graph.nodes
    for _ in range(5):
        editor.stack.undo()
    assert state(editor) == state(Editor(blocks()))


def test_a_drag_inside_is_one_step(editor):
    editor.enter("residual_block_1")
    gesture = editor.new_gesture()
    for _ in range(5):
        editor.move(["first"], 3, 0, gesture)
    assert editor.stack.count() == 1


def test_with_a_port_its_wires_outside_go_in_the_same_step(editor):
    before = state(editor)
    editor.enter("residual_block_1")
    editor.remove(["x"])
    assert composite_of(editor.document.graph.nodes["residual_block_1"]).kind.inputs == ()
    assert [wire.target for wire in editor.document.graph.wires] == [
        "mean_squared_error_1.prediction", "mean_squared_error_1.target",
    ]  # fmt: skip
    assert editor.stack.count() == 1
    editor.stack.undo()
    assert state(editor) == before


def test_a_composite_is_refused_within_itself(editor):
    editor.enter("residual_block_1")
    with pytest.raises(ProblemError, match="would contain itself"):
        editor.add_node("residual_block", (0, 0))
    assert editor.stack.count() == 0
    name = editor.add_node("squeeze_excitation", (0, 0))
    assert "squeeze_excitation" in editor.document.composites
    assert composite_of(editor.shown.graph.nodes[name]).id == "squeeze_excitation"
    editor.enter(name)
    with pytest.raises(ProblemError, match="would contain itself"):
        editor.add_node("residual_block", (0, 0))
    editor.stack.undo()
    assert editor.path == ("residual_block_1",) and "squeeze_excitation" not in editor.document.composites


def test_grouping_is_one_step_that_keeps_numbers_and_the_training_plan(editor):
    before = state(editor)
    values = {"residual_block_1/first.weight": np.ones((4, 8)), "residual_block_2/first.weight": np.zeros((4, 8))}
    editor.values_of = lambda ids: {
        key: array for key, array in values.items() if any(key.startswith(f"{name}/") for name in ids)
    }
    told = []
    editor.values_set.connect(told.append)
    use = editor.group(["residual_block_2", "mean_squared_error_1"])
    assert use == "block_1" and editor.selection == {"block_1"} and editor.stack.undoText() == "Group 2 nodes"
    assert editor.document.training.phases[0].minimise == "block_1/mean_squared_error_1"
    assert list(told[-1]) == ["block_1/residual_block_2/first.weight"]
    editor.enter("block_1")
    editor.enter("residual_block_2")
    assert editor.prefix == "block_1/residual_block_2/"
    editor.stack.undo()
    assert state(editor) == before and editor.path == ()
    assert list(told[-1]) == ["residual_block_2/first.weight"]
    editor.stack.redo()
    editor.expand("block_1")
    assert editor.selection == {"residual_block_2", "mean_squared_error_1"}
    assert editor.document.training.phases[0].minimise == "mean_squared_error_1"
    assert editor.stack.undoText() == "Unpack block_1"


def test_grouping_inside_happens_in_every_use(editor):
    editor.enter("residual_block_1")
    editor.group(["first", "second"])
    assert set(editor.shown.graph.nodes) == {"x", "sum", "bend", "y", "block_1"}
    editor.check_now()
    assert editor.problems == []
    assert "residual_block_2/block_1/first.h" in editor._all_shapes
    editor.stack.undo()
    assert state(editor) == state(Editor(blocks()))


def test_a_problem_inside_stands_at_the_use_and_at_the_node(editor):
    editor.enter("residual_block_1")
    editor.set_property("second", "units", 3)
    editor.check_now()
    assert [problem.node for problem in editor.problems_here] == ["sum"]
    editor.leave()
    assert {problem.node for problem in editor.problems_here} >= {"residual_block_1"}
    assert editor.reveal(editor.problems[0].node) == "sum" and editor.path == ("residual_block_1",)
    assert editor.reveal("nowhere/at_all") is None


def test_the_journal_brings_edits_of_definitions_back(editor):
    entries = []
    editor.journal = type("Kept", (), {"append": lambda self, entry: entries.append(json.loads(json.dumps(entry)))})()
    editor.add_node("lstm_layer", (0, 400))
    editor.enter("residual_block_1")
    editor.set_property("first", "units", 5)
    editor.stack.undo()
    editor.stack.redo()
    editor.group(["first", "second"])
    editor.leave()
    editor.group(["residual_block_1", "residual_block_2"])
    again = Editor(blocks())
    assert again.replay(entries) == []
    assert state(again) == state(editor)
    while again.stack.canUndo():
        again.stack.undo()
    assert state(again) == state(Editor(blocks()))


def test_uses_are_copied_with_their_definitions_into_another_document(editor, qtbot):
    text = editor.copy_text(["residual_block_1"])
    other = Editor(Document())
    (name,) = other.paste(text, (0, 0))
    assert name == "residual_block_1" and other.document.composites.keys() == {"residual_block"}
    assert other.document.graph.nodes[name].kind is other.document.composites["residual_block"].kind
    other.enter(name)
    other.set_property("first", "units", 3)
    other.leave()
    (name,) = other.paste(text, (0, 200))
    assert composite_of(other.document.graph.nodes[name]).id == "residual_block_1"  # of another content by now
    assert other.document.check() is not None
    (same,) = other.paste(text, (0, 400))
    assert composite_of(other.document.graph.nodes[same]).graph.nodes["first"].properties["units"] == 8


def test_a_library_composite_is_placed_with_its_definitions_and_taken_back_whole(editor):
    before = state(editor)
    name = editor.add_node("encoder_block", (0, 300))
    assert name == "encoder_block_1"
    assert {"encoder_block", "attention_head"} <= editor.document.composites.keys()
    editor.stack.undo()
    assert state(editor) == before
    assert "encoder_block" in editor.placeable and "dense" in editor.placeable


def test_another_document_is_seen_from_its_top(editor):
    editor.enter("residual_block_1")
    editor.open(blocks())
    assert editor.path == () and editor.shown is editor.document


def test_a_wire_inside_that_does_not_fit_the_use_is_refused_with_both_shapes(editor):
    editor.enter("residual_block_1")
    name = editor.add_node("dense", (0, 500))
    editor.set_property(name, "units", 3)
    editor.connect_ports("x.value", f"{name}.x")
    assert editor.refusal("bend.h", f"{name}.x") is None
    problem = editor.refusal(f"{name}.h", "sum.x")
    assert problem is not None and problem.kind == "shape" and "(batch, 3)" in problem.fact
    assert editor.refusal("bend.h", "sum.x").kind == "cycle"


def test_a_port_inside_is_renamed_and_wires_and_numbers_outside_follow(editor):
    editor.enter("residual_block_1")
    editor.set_title("x", "signal")
    assert editor.stack.undoText() == "Rename x" and editor.stack.count() == 1 and editor.selection == {"signal"}
    assert {wire.source for wire in editor.shown.graph.wires if "signal" in wire.source} == {"signal.value"}
    ends = {wire.target for wire in editor.document.graph.wires}
    assert {"residual_block_1.signal", "residual_block_2.signal"} <= ends
    editor.check_now()
    assert editor.problems == []
    after = state(editor)
    editor.stack.undo()
    assert state(editor) == state(Editor(blocks()))
    editor.stack.redo()
    assert state(editor) == after
    editor.set_title("signal", "The signal that comes in")  # no word: that is a title
    assert editor.shown.graph.nodes["signal"].title == "The signal that comes in"
    editor.set_title("y", "signal")  # taken
    assert "y" in editor.shown.graph.nodes


def test_a_number_at_a_port_follows_its_new_name_in_uses_within_other_composites(editor):
    editor.enter("residual_block_1")
    name = editor.add_node("port_in", (0, 300))
    assert name == "port_in_1"  # there is an x already
    editor.set_property(name, "default", 2.0)
    editor.leave()
    editor.set_property("residual_block_1", "port_in_1", 3.0)
    editor.group(["residual_block_1", "residual_block_2"])
    editor.enter("block_1")
    editor.enter("residual_block_1")
    editor.set_title("port_in_1", "factor")
    editor.leave()
    assert editor.shown.graph.nodes["residual_block_1"].properties["factor"] == 3.0
    assert editor.shown.graph.nodes["residual_block_1"].kind.input("factor").default == 2.0
    assert {wire.target for wire in editor.shown.graph.wires} == {"residual_block_1.x", "residual_block_2.x", "y.value"}


def test_the_first_ports_of_a_composite_are_called_by_letters(editor):
    editor.enter("residual_block_1")
    editor.remove(["x", "y"])
    assert editor.add_node("port_in", (0, 0)) == "x" and editor.add_node("port_out", (900, 0)) == "y"


def test_what_is_seen_inside_knows_definitions_that_came_since(editor):
    editor.enter("residual_block_1")
    assert "lstm_layer" not in editor.shown.graph.composites
    editor.add_node("lstm_layer", (0, 600))
    assert "lstm_layer" in editor.shown.graph.composites
    editor.stack.undo()
    assert "lstm_layer" not in editor.shown.graph.composites
