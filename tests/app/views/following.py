"""A view on a runner, fed as in the window: what the tests of views stand on that ask the worker for their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

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


def editor_with(kind: type[View]) -> Any:
    """A fixture: the editor of a document in which only this view is open."""

    @pytest.fixture
    def editor(document: Any) -> Editor:
        document.views = [{"type": kind.kind}]
        return Editor(document)

    return editor


def answered(kind: type[View], size: tuple[int, int]) -> Any:
    """A fixture: the view on a runner that has played nothing yet, with the first answer to what it asked."""

    @pytest.fixture
    def view(qtbot: Any, editor: Editor, runner: Runner) -> Iterator[Any]:
        with following(qtbot, kind, editor, runner, size) as made:
            qtbot.waitUntil(lambda: made.answer is not None)
            yield made

    return view
