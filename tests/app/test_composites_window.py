"""Composites in the real window: numbers live on when nodes are grouped, and inside everything is as outside."""

import numpy as np
from PySide6.QtCore import QPointF, Qt

from engine.problems import Problem
from tests.app.hand import CONTROL, SHIFT, Hand


def hand_on(window):
    canvas = window.workspace.canvas
    canvas.setFocus()
    return Hand(canvas)


def parameters(qtbot, window, wanted):
    """The parameters of the session as soon as it has the one wanted."""
    found = []

    def is_there():
        window.runner.ask("test", lambda session: session.parameters)
        return bool(found) and wanted in found[-1]

    window.runner.answered.connect(lambda name, answer: found.append(answer) if name == "test" else None)
    qtbot.waitUntil(is_there, timeout=20000)
    count = len(found)
    qtbot.waitUntil(lambda: is_there() and len(found) > count, timeout=20000)  # what was sent with the edit came first
    return found[-1]


def group(window):
    window.editor.select(["hidden", "output"])
    hand_on(window).key(Qt.Key.Key_G, CONTROL)


def test_grouped_while_it_learns_the_network_goes_on_with_the_numbers_it_had(qtbot, opened):
    with qtbot.waitSignal(opened.runner.snapshot_ready):
        opened.runner.step("iteration")
    qtbot.waitUntil(lambda: opened.follower._snapshot is not None and opened.follower._snapshot.iteration == 1)
    before = parameters(qtbot, opened, "hidden.weight")
    group(opened)
    after = parameters(qtbot, opened, "block_1/hidden.weight")
    for name in ("hidden.weight", "hidden.bias", "output.weight", "output.bias"):
        np.testing.assert_array_equal(after[f"block_1/{name}"], before[name])
    opened.editor.stack.undo()
    again = parameters(qtbot, opened, "hidden.weight")
    for name in ("hidden.weight", "output.bias"):
        np.testing.assert_array_equal(again[name], before[name])
    assert opened.problems.failure is None and not opened.notice.isVisible()


def test_a_step_inside_lights_the_use_outside_and_the_node_inside(qtbot, opened):
    group(opened)
    canvas = opened.workspace.canvas

    def last_step():
        snapshot = canvas.canvas.numbers.snapshot
        return snapshot.last_step if snapshot is not None else None

    def step_to(node):
        for _ in range(6):
            before = last_step()
            opened.runner.step("node")
            qtbot.waitUntil(lambda before=before: last_step() != before)  # grouping brings a snapshot of its own
            canvas.catch_up()
            if last_step().node == node:
                return True
        return False

    assert step_to("block_1")
    assert canvas.canvas.nodes["block_1"].live.state.phase == "forward"
    opened.editor.enter("block_1")
    canvas.catch_up()
    assert canvas.canvas.nodes["hidden"].live.state.phase == "forward"
    assert canvas.canvas.nodes["hidden"].live.state.value.text != "–"
    assert step_to("output")


def test_inside_the_inspector_has_formulas_and_weights_of_the_use_that_was_entered(qtbot, opened):
    group(opened)
    with qtbot.waitSignal(opened.runner.snapshot_ready):
        opened.runner.step("iteration")
    opened.editor.enter("block_1")
    opened.editor.select(["hidden"])
    page = opened.workspace.inspector.node_page
    qtbot.waitUntil(lambda: not page.formulas.is_empty, timeout=20000)
    assert "hidden.weight" in page.parameters._arrays
    page.parameters._begin("hidden.weight")
    page.parameters._move("hidden.weight", (0, 0), 0.75)
    page.parameters._end("hidden.weight")
    assert opened.editor.stack.undoText().startswith("Set")
    assert parameters(qtbot, opened, "block_1/hidden.weight")["block_1/hidden.weight"][0, 0] == np.float32(0.75)
    opened.editor.stack.undo()
    assert parameters(qtbot, opened, "block_1/hidden.weight")["block_1/hidden.weight"][0, 0] != np.float32(0.75)


def test_a_problem_leads_to_its_node_within(opened):
    group(opened)
    opened.go_to(Problem("something", node="block_1/output"))
    assert opened.editor.path == ("block_1",) and opened.editor.selection == {"output"}


def test_a_composite_is_placed_from_the_palette_and_opened_by_hand(qtbot, opened):
    opened.workspace.palette_panel.place("residual_block")
    assert "residual_block_1" in opened.workspace.canvas.canvas.nodes
    hand = hand_on(opened)
    canvas = opened.workspace.canvas
    canvas.frame_thing("residual_block_1")
    area = canvas.canvas.area_of("residual_block_1")
    hand.double_click(area.topLeft() + QPointF(area.width() / 2, area.height() - 6))
    assert opened.editor.path == ("residual_block_1",) and canvas.breadcrumbs.isVisible()
    hand.key(Qt.Key.Key_Escape)
    assert opened.editor.path == ()
    hand.key(Qt.Key.Key_U, CONTROL | SHIFT)
    assert "first" in opened.editor.document.graph.nodes and opened.editor.stack.undoText().startswith("Unpack")


def test_saved_from_within_the_whole_document_is_saved(opened, tmp_path):
    group(opened)
    opened.editor.enter("block_1")
    assert opened.files.save_to(tmp_path / "kept.json")
    text = (tmp_path / "kept.json").read_text("utf-8")
    assert '"binary_cross_entropy"' in text and '"block"' in text


def test_the_commands_stand_in_the_menu_and_the_search(opened):
    assert opened.commands["canvas.group"].key == "Ctrl+G" and opened.commands["canvas.group"].menu == "Graph"
    titles = [command.title for command in opened.commands.search("composite")]
    assert titles == [
        "Group into a composite", "Unpack the composite", "Leave the composite", "Show properties on the composite…",
        "Rename the composite", "Keep the composite in the palette", "Take the composite out of the palette",
    ]  # fmt: skip


def test_a_composite_that_is_kept_is_offered_in_every_document_until_it_is_taken_out(qtbot, opened):
    group(opened)
    opened.editor.rename_composite("block", "Two layers")
    opened.commands.run("canvas.keep_composite")
    assert list(opened.settings["composites"]) == ["two_layers"]
    assert "palette of every document" in opened.workspace.canvas.hint()
    opened.files.ask_unsaved = lambda: "discard"
    with qtbot.waitSignal(opened.runner.snapshot_ready):
        opened.files.open_preset("moons")
    assert "two_layers" in opened.editor.placeable and "block" not in opened.editor.placeable
    palette = opened.workspace.palette_panel
    palette.place("two_layers")
    use = opened.editor.document.graph.nodes[next(iter(opened.editor.selection))]
    assert use.kind.title == "Two layers" and {"hidden", "output"} <= set(use.kind.composite.graph.nodes)
    opened.commands.run("canvas.drop_composite")
    assert opened.settings["composites"] == {} and "two_layers" in opened.editor.document.composites
    opened.editor.stack.undo()
    assert "two_layers" not in opened.editor.placeable
