"""Running up to a node, standing still at one, and edits that wait."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

CONTROL = Qt.KeyboardModifier.ControlModifier


def stepped(window):
    snapshot = window.workspace.canvas.canvas.numbers.snapshot
    return (snapshot.last_step.node, snapshot.last_step.part) if snapshot and snapshot.last_step else None


def test_ctrl_f10_runs_to_the_selected_node_and_on_to_where_it_comes_next(qtbot, opened):
    canvas = opened.workspace.canvas
    opened.editor.select(["output"])
    QTest.keyClick(canvas, Qt.Key.Key_F10, CONTROL)
    qtbot.waitUntil(lambda: stepped(opened) == ("output", "forward"))
    QTest.keyClick(canvas, Qt.Key.Key_F10, CONTROL)
    qtbot.waitUntil(lambda: stepped(opened) == ("output", "backward"))
    opened.editor.select([])
    QTest.keyClick(canvas, Qt.Key.Key_F10, CONTROL)
    assert "one node" in canvas.hint()


def test_f9_stops_the_run_at_a_node_and_lets_it_run_again(qtbot, opened):
    canvas = opened.workspace.canvas
    opened.editor.select(["hidden"])
    QTest.keyClick(canvas, Qt.Key.Key_F9)
    assert canvas.canvas.nodes["hidden"].live.state.stops and not opened.editor.stack.count()
    for speed in (None, 1000.0):
        opened.runner.set_speed(speed)
        before = stepped(opened)
        opened.runner.play()
        qtbot.waitUntil(lambda before=before: stepped(opened) not in (None, before) and stepped(opened)[0] == "hidden")
        qtbot.waitUntil(lambda: not opened.runner.playing)
    QTest.keyClick(canvas, Qt.Key.Key_F9)
    assert not canvas.canvas.nodes["hidden"].live.state.stops
    opened.runner.set_speed(None)
    opened.runner.play()
    qtbot.waitUntil(lambda: canvas.canvas.numbers.snapshot.iteration > 3)
    opened.runner.pause()


def test_held_edits_wait_until_they_are_let_go(qtbot, opened):
    QTest.mouseClick(opened.top_bar.hold, Qt.MouseButton.LeftButton)
    assert opened.top_bar.hold.isChecked() and opened.follower.holds
    heard = []
    opened.runner.snapshot_ready.connect(heard.append)
    opened.editor.set_property("hidden", "units", 7)
    revision = opened.editor.revision
    assert opened.workspace.canvas.canvas.numbers.stale
    opened.runner.step("node")
    qtbot.waitUntil(lambda: bool(heard))
    assert all(snapshot.revision < revision for snapshot in heard)
    with qtbot.waitSignal(opened.runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.revision == revision):
        opened.commands.run("run.hold")
    assert not opened.workspace.canvas.canvas.numbers.stale
    assert not opened.follower.holds and not opened.top_bar.hold.isChecked()
