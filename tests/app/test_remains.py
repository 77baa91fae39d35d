"""What an edit leaves of the graph before it: numbers in grey, until they are computed anew."""

import numpy as np

from app.remains import Remains, filled
from engine.snapshot import Snapshot, read


def reading(*numbers, state="current"):
    return read(np.array(numbers, float), state)


def shown(window, name):
    """Text and colour of a node's value on the canvas."""
    window.workspace.canvas.catch_up()
    words = window.workspace.canvas.canvas.nodes[name].live.state.value
    return words.text, words.token


def settled(qtbot, window):
    """Wait until the window has the numbers of its document as it is."""
    editor = window.editor
    qtbot.waitUntil(
        lambda: window.workspace._snapshot is not None and window.workspace._snapshot.revision == editor.revision
    )


def test_an_edit_greys_the_numbers_until_they_are_computed_anew(qtbot, opened):
    """Before, every node showed a dash, though a branch beside it had been added that changes nothing of it."""
    with qtbot.waitSignal(opened.runner.snapshot_ready, check_params_cb=lambda each: each.iteration == 1):
        opened.commands.run("run.iteration")
    before, colour = shown(opened, "hidden")
    assert before != "–" and colour != "text3"
    opened.editor.add_node("tanh", (300, 300), wire_from="hidden.h")
    settled(qtbot, opened)
    assert shown(opened, "hidden") == (before, "text3")
    assert shown(opened, "tanh_1") == ("–", "text3")
    opened.commands.run("run.iteration")
    qtbot.waitUntil(lambda: shown(opened, "hidden")[1] == colour)
    assert shown(opened, "tanh_1")[1] == colour


def test_back_at_the_start_nothing_is_left(qtbot, opened):
    with qtbot.waitSignal(opened.runner.snapshot_ready, check_params_cb=lambda each: each.iteration == 1):
        opened.commands.run("run.iteration")
    opened.editor.add_node("tanh", (300, 300), wire_from="hidden.h")
    settled(qtbot, opened)
    opened.commands.run("run.reset")
    qtbot.waitUntil(lambda: shown(opened, "hidden") == ("–", "text3"))


def test_only_what_still_fits_and_is_finite_stands_for_what_is_absent():
    absent = {name: reading(0.0, 0.0, state="absent") for name in ("fits", "grown", "broken", "new")}
    before = {"fits": reading(1.0, 2.0), "grown": reading(1.0), "broken": reading(1.0, np.nan), "here": reading(5.0)}
    found = filled({**absent, "here": reading(7.0)}, before)
    assert {name: each.state for name, each in found.items()} == {
        "fits": "earlier", "grown": "absent", "broken": "absent", "new": "absent", "here": "current",
    }  # fmt: skip
    assert found["fits"].array.tolist() == [1.0, 2.0] and found["here"].mean == 7.0


def test_once_all_is_computed_the_former_numbers_are_forgotten():
    remains = Remains()
    remains.filled(Snapshot(values={"a": reading(1.0)}))
    remains.note_edit()
    absent = Snapshot(values={"a": reading(0.0, state="absent")})
    assert remains.filled(absent).values["a"].state == "earlier"
    assert remains.filled(Snapshot(values={"a": reading(2.0)})).values["a"].mean == 2.0
    assert remains.filled(absent).values["a"].state == "absent"
