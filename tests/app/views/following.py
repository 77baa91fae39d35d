"""A view on a runner, fed as in the window: what the tests of views stand on that ask the worker for their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.editor import Editor
from app.follow import Follower
from app.runner import Runner
from app.views import View


@contextmanager
def following(qtbot: Any, kind: type[View], editor: Editor, runner: Runner, size: tuple[int, int]) -> Iterator[Any]:
    """The view on a runner that has opened the document and played nothing yet."""
    made = kind(editor, runner)
    qtbot.addWidget(made)
    made.resize(*size)
    made.show()
    follower = Follower(editor, runner, made)
    runner.snapshot_ready.connect(made.show_snapshot)
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.open(editor.document, editor.revision)
    yield made
    assert follower is not None
