"""Each edit: what it does, what it refuses, what its change tells."""

from dataclasses import replace

import numpy as np
import pytest

from app.editor import Editor
from app.editor.playing import CHECK_DELAY_MS
from engine.document import Document
from engine.graph import Graph
from engine.problems import ProblemError
from engine.training import Phase


def wires(editor):
    return [(wire.source, wire.target) for wire in editor.document.graph.wires]


def last_change(editor, action):
    told = []
    editor.changed.connect(told.append)
    action()
    editor.changed.disconnect(told.append)
    return told[-1]


def test_deleting_and_undoing_restores_order_and_place(chain):
    before, order = wires(chain), list(chain.document.graph.nodes)
    chain.remove(["dense_1"])
    assert chain.stack.undoText() == "Delete hidden"
    assert wires(chain) == [wire for wire in before if "dense_1" not in wire[0] + wire[1]]
    chain.stack.undo()
    assert wires(chain) == before and list(chain.document.graph.nodes) == order


def test_a_node_added_from_a_wire_is_placed_and_wired_in_one_step(chain):
    name = chain.add_node("scale", (300, 300), wire_from="dense_1.h")
    assert wires(chain)[-1][0] == "dense_1.h" and wires(chain)[-1][1].startswith(name)
    chain.stack.undo()
    assert name not in chain.document.graph.nodes


def test_a_node_added_backwards_replaces_the_wire_of_the_input(chain):
    name = chain.add_node("dense", (300, 300), wire_to="dense_2.x")
    assert [wire for wire in wires(chain) if wire[1] == "dense_2.x"] == [(f"{name}.h", "dense_2.x")]


def test_a_new_wire_replaces_the_old_one_and_undo_brings_it_back(chain):
    before = wires(chain)
    chain.connect_ports("input_1.value", "dense_2.x")
    assert ("dense_1.h", "dense_2.x") not in wires(chain)
    chain.stack.undo()
    assert wires(chain) == before


def test_a_wire_that_closes_a_cycle_is_refused_and_leaves_no_step(chain):
    with pytest.raises(ProblemError, match="cycle"):
        chain.connect_ports("dense_2.h", "dense_1.x")
    assert chain.stack.count() == 0
    assert chain.refusal("dense_2.h", "dense_1.x").kind == "cycle"


def test_deleting_with_reconnection_leads_the_input_on(chain):
    chain.remove_and_reconnect(["dense_1"])
    assert ("input_1.value", "dense_2.x") in wires(chain)


def test_a_node_dropped_on_a_wire_is_inserted_in_one_step(chain):
    before = wires(chain)
    name = chain.add_node("scale", (0, 300))
    chain.insert_node(name, "dense_1.h", "dense_2.x", (360, -300))
    kind = chain.document.graph.nodes[name].kind
    assert ("dense_1.h", f"{name}.{kind.inputs[0].name}") in wires(chain)
    assert (f"{name}.{kind.outputs[0].name}", "dense_2.x") in wires(chain)
    assert chain.document.graph.nodes[name].position == (360, 0)
    chain.stack.undo()
    assert wires(chain) == before


def test_breaking_a_port_takes_all_its_wires_in_one_step(chain):
    chain.connect_ports("input_1.value", "dense_2.x")
    chain.break_port("input_1.value")
    assert not any(source == "input_1.value" for source, _ in wires(chain))
    assert chain.stack.count() == 2


def test_a_bad_property_is_refused_with_its_place(chain):
    with pytest.raises(ProblemError) as caught:
        chain.set_property("dense_1", "units", 0)
    assert caught.value.problems[0].node == "dense_1" and caught.value.problems[0].path == "properties.units"


def test_a_number_is_told_as_a_setting_and_needs_no_new_plan(chain):
    name = chain.add_node("scale", (0, 300))
    number = next(entry for entry in chain.document.graph.nodes[name].kind.properties().values() if entry.is_number)
    change = last_change(chain, lambda: chain.set_property(name, number.name, 2.5))
    assert change.settings == {f"{name}.{number.name}": 2.5} and not change.replans
    assert last_change(chain, lambda: chain.set_property("dense_1", "units", 7)).replans
    assert not last_change(chain, lambda: chain.move(["dense_1"], 1, 1)).replans


def test_muting_and_bypassing_exclude_each_other(chain):
    chain.toggle_flag(["dense_1"], "muted")
    chain.toggle_flag(["dense_1"], "bypassed")
    assert chain.document.graph.nodes["dense_1"].flags == {"bypassed"}
    chain.toggle_flag(["dense_1"], "bypassed")
    assert chain.document.graph.nodes["dense_1"].flags == frozenset()


def test_copies_travel_between_documents_as_text_under_new_ids(chain):
    other = Editor(Document())
    other.add_node("dense", (0, 0))
    created = other.paste(chain.copy_text(["dense_1", "dense_2"]), (100, 50))
    assert created == ["dense_2", "dense_3"] and other.selection == set(created)
    assert wires(other) == [("dense_2.h", "dense_3.x")]
    assert other.document.graph.nodes["dense_2"].title == "hidden"
    assert other.stack.undoText() == "Paste 2 nodes"


def test_pasting_with_incoming_wires_draws_them_again(chain):
    text = chain.copy_text(["dense_2"])
    (plain,) = chain.paste(text, (0, 400))
    (wired,) = chain.paste(text, (0, 600), keep_wires=True)
    assert not any(target == f"{plain}.x" for _, target in wires(chain))
    assert ("dense_1.h", f"{wired}.x") in wires(chain)


@pytest.mark.parametrize(
    "text", ["", "hello", "[1]", '{"chainrule_clipboard": 1, "nodes": [{}]}', "[" * 100_000, "NaN"]
)
def test_foreign_text_on_the_clipboard_is_refused_in_words(chain, text):
    with pytest.raises(ProblemError, match="clipboard"):
        chain.paste(text, (0, 0))
    assert chain.stack.count() == 0


def test_a_node_lies_in_one_frame_at_most_and_moves_with_it(chain):
    chain.add_frame(["dense_1", "dense_2"])
    frame = chain.add_frame(["dense_2"], "output layer")
    assert chain.document.graph.frames["frame_1"].nodes == ("dense_1",)
    before = chain.document.graph.nodes["dense_2"].position
    chain.move([frame], 10, 20)
    assert chain.document.graph.nodes["dense_2"].position == (before[0] + 10, before[1] + 20)


def test_connecting_the_selection_wires_it_from_left_to_right(editor):
    first = editor.add_node("input", (0, 0), properties={"shape": [2]})
    second, third = editor.add_node("dense", (200, 0)), editor.add_node("dense", (400, 0))
    editor.connect_selected([third, first, second])
    assert wires(editor) == [(f"{first}.value", f"{second}.x"), (f"{second}.h", f"{third}.x")]


def test_values_set_by_hand_are_one_step_that_holds_both_arrays(chain, qtbot):
    before, after = np.zeros((2, 4)), np.ones((2, 4))
    with qtbot.waitSignal(chain.values_set) as done:
        chain.set_values({"dense_1.weight": after}, {"dense_1.weight": before})
    np.testing.assert_array_equal(done.args[0]["dense_1.weight"], after)
    with qtbot.waitSignal(chain.values_set) as undone:
        chain.stack.undo()
    np.testing.assert_array_equal(undone.args[0]["dense_1.weight"], before)


def test_a_revived_node_gets_the_values_it_had(chain, qtbot):
    weight = np.arange(8.0).reshape(2, 4)
    chain.values_of = lambda ids: {"dense_1.weight": weight} if "dense_1" in ids else {}
    chain.remove(["dense_1"])
    with qtbot.waitSignal(chain.values_set) as revived:
        chain.stack.undo()
    np.testing.assert_array_equal(revived.args[0]["dense_1.weight"], weight)


def test_problems_are_worked_out_after_an_edit(chain, qtbot):
    with qtbot.waitSignal(chain.problems_changed):
        chain.set_property("dense_1", "units", 7)


def test_what_no_problem_can_come_of_is_not_checked_again(chain, qtbot):
    with qtbot.waitSignal(chain.problems_changed):
        chain.check()
    with qtbot.assertNotEmitted(chain.problems_changed, wait=4 * CHECK_DELAY_MS):
        chain.move(["dense_1"], 10, 0)
        chain.add_note((0, 0), "Read")
    with qtbot.waitSignal(chain.problems_changed):
        chain.remove(["dense_1"])


def test_whoever_hears_of_another_document_finds_its_shapes_and_problems_known(chain, qtbot):
    known = []
    chain.changed.connect(lambda _: known.append((dict(chain.shapes), list(chain.problems))))
    graph = Graph()
    graph.add("parameter", shape=[2, 3])
    graph.add("tanh")
    graph.connect("parameter_1.value", "tanh_1.x")
    with qtbot.waitSignal(chain.problems_changed) as told:
        chain.open(Document(graph))
    shapes, problems = known[0]
    assert shapes["tanh_1.h"] == (2, 3) and problems == told.args[0]


def test_selection_forgets_what_is_gone_and_is_no_step(chain):
    chain.select(["dense_1", "dense_2", "nobody"])
    assert chain.selection == {"dense_1", "dense_2"} and chain.stack.count() == 0
    chain.remove(["dense_1"])
    assert chain.selection == {"dense_2"}


def with_numbers(editor):
    """An editor that knows the numbers of the layers, as a run tells them."""
    numbers = {"dense_1.weight": np.ones((2, 4)), "dense_1.bias": np.zeros(4), "dense_2.weight": np.full((4, 1), 3.0)}
    editor.values_of = lambda ids: {key: array for key, array in numbers.items() if key.partition(".")[0] in set(ids)}
    return editor


def test_a_linked_copy_shares_the_parameters_which_become_nodes_in_one_step(chain):
    before, order = wires(chain), list(chain.document.graph.nodes)
    told = []
    chain.values_set.connect(told.append)
    (copy,) = with_numbers(chain).duplicate_linked(["dense_1"])
    assert chain.stack.undoText() == "Duplicate hidden with shared parameters" and chain.stack.count() == 1
    made = {wire: wires(chain).count(wire) for wire in wires(chain) if "parameter" in wire[0]}
    assert made == {
        ("parameter_1.value", "dense_1.weight"): 1, ("parameter_1.value", f"{copy}.weight"): 1,
        ("parameter_2.value", "dense_1.bias"): 1, ("parameter_2.value", f"{copy}.bias"): 1,
    }  # fmt: skip
    nodes = chain.document.graph.nodes
    assert nodes["parameter_1"].properties["shape"] == (2, 4) and nodes["parameter_1"].title == "hidden weight"
    assert nodes["parameter_2"].properties["initial"] == 0.0
    assert set(told[-1]) == {"parameter_1.value", "parameter_2.value"} and told[-1]["parameter_1.value"].sum() == 8
    assert chain.selection == {copy} and not [wire for wire in wires(chain) if wire[1] == f"{copy}.x"]
    chain.stack.undo()
    assert wires(chain) == before and list(chain.document.graph.nodes) == order
    assert {"dense_1.weight", "dense_1.bias"} <= set(told[-1])


@pytest.mark.parametrize(
    ("named", "later"),
    [
        (("dense_1",), ("parameter_1", "parameter_2")),
        (("dense_2", "dense_1.weight"), ("dense_2", "parameter_1.value")),
    ],
)
def test_a_phase_that_names_a_node_goes_on_with_the_parameters_that_it_gave_away(chain, named, later):
    """Before, it named a node without parameters, and trained nothing of them."""
    phase = Phase(minimise="binary_cross_entropy_1", parameters=named)
    chain.set_training(replace(chain.document.training, phases=(phase,)))
    with_numbers(chain).duplicate_linked(["dense_1"])
    assert chain.document.training.phases[0].parameters == later
    chain.check_now()
    assert not [problem for problem in chain.problems if "phases" in problem.path]
    chain.stack.undo()
    assert chain.document.training.phases[0].parameters == named


def test_what_is_shared_already_is_shared_with_one_more(chain):
    (first,) = with_numbers(chain).duplicate_linked(["dense_1"])
    (second,) = chain.duplicate_linked([first])
    assert [wire[1] for wire in wires(chain) if wire[0] == "parameter_1.value"] == [
        "dense_1.weight", f"{first}.weight", f"{second}.weight",
    ]  # fmt: skip
    assert sum(node.type == "parameter" for node in chain.document.graph) == 2


def test_copies_that_are_linked_together_keep_the_wire_between_them(chain):
    first, second = with_numbers(chain).duplicate_linked(["dense_1", "dense_2"])
    assert (f"{first}.h", f"{second}.x") in wires(chain)
    assert ("parameter_3.value", f"{second}.weight") in wires(chain)


def test_nodes_without_parameters_have_nothing_to_share(chain):
    with pytest.raises(ProblemError, match="parameters to share"):
        with_numbers(chain).duplicate_linked(["binary_cross_entropy_1"])
    assert chain.stack.count() == 0
