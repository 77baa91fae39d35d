"""What floats over the window keeps apart: formula note, tour bubble, the line about kernels, and messages."""

import pytest
from PySide6.QtCore import QRect, Qt

from engine.problems import Problem


def note_in(window):
    """The paper of the formula note in the coordinates of the window."""
    canvas = window.workspace.canvas
    paper = canvas.formula_note.paper.toRect()
    return QRect(canvas.mapTo(window, paper.topLeft()), paper.size())


@pytest.mark.parametrize("node", ["hidden", "output", "loss"])
def test_the_formula_makes_room_for_whatever_is_told(qtbot, opened, node):
    note = opened.workspace.canvas.formula_note
    while note.content is None or note.content.node != node:
        with qtbot.waitSignal(opened.runner.snapshot_ready):
            qtbot.keyClick(opened.workspace.canvas, Qt.Key.Key_Right)
        opened.workspace.canvas.catch_up()
    assert not note_in(opened).isEmpty()
    opened.preparing.show_progress(3, 25)
    qtbot.waitUntil(opened.preparing.isVisible)
    assert not note_in(opened).intersects(opened.preparing.geometry())
    opened.preparing.forget()
    opened.notice.tell(Problem("something did not happen", "Do it otherwise."))
    assert not note_in(opened).intersects(opened.notice.geometry())
