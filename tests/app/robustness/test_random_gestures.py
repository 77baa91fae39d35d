"""Random gestures on the real window: document, canvas and runner agree after each, and every step can be undone.

`make test` plays a few hundred. CHAINRULE_GESTURES=10000 plays so many for each seed of CHAINRULE_SEEDS (“1,2,3”).
"""

import os
import queue
import random
import sys
import traceback

import pytest
from PySide6.QtWidgets import QApplication

from app.library import find_preset
from tests.app.robustness.agreement import (
    check_file,
    check_history,
    check_journal,
    check_runner,
    check_scene,
    check_told,
    facts_of,
    text_of,
)
from tests.app.robustness.gestures import PRESETS, Person

GESTURES = int(os.environ.get("CHAINRULE_GESTURES", "70"))
SEEDS = [int(seed) for seed in os.environ.get("CHAINRULE_SEEDS", "1,2,3").split(",")]
CHAPTER = 35  # gestures on one document, at least; then its history is played to both ends and another preset opened
PATIENCE_S = 60


class Playing:
    """One person on one window, with what was heard meanwhile."""

    def __init__(self, window, seed, qtbot, qtlog, monkeypatch):
        self.window, self.qtbot, self.qtlog = window, qtbot, qtlog
        self.random = random.Random(seed)
        self.errors, self.snapshots, self.diary, self.texts = [], [], [], {}
        self.count, self.waited, self.checks = 0, 1, 0
        monkeypatch.setattr(sys, "excepthook", self._hook)
        window.files.ask_unsaved = lambda: "discard"
        window.runner.snapshot_ready.connect(self._take)
        window.runner.crashed.connect(self.errors.append)
        self.failures = []
        window.runner.failed.connect(self.failures.append)
        window.editor._checking.setInterval(0)
        window.editor.problems_changed.connect(self._count_check)
        window.editor.stack.indexChanged.connect(self._forget)

    def _hook(self, kind, error, trace):
        self.errors.append("".join(traceback.format_exception(kind, error, trace)))

    def _count_check(self, _):
        self.checks += 1

    def _take(self, snapshot):
        revision = self.window.editor.revision
        if snapshot.revision != revision:
            self.errors.append(f"a snapshot of revision {snapshot.revision} arrived at {revision}")
        self.snapshots = [snapshot]

    def open(self, preset):
        self.window.files.open_preset(preset)
        self.window.tour.stop()
        self.window.workspace.canvas.reduced_motion = True
        self.person = Person(self.window, self.random)
        self.diary = [f"open {preset}"]
        self.settle()
        self.person.view.setFocus()
        self.base, self.texts = text_of(self.window.editor.document), {}

    def play(self):
        """One gesture, or several in a row that nobody waits between."""
        self.waited = self.random.choice((1, 1, 1, 2, 4))
        for _ in range(self.waited):
            QApplication.processEvents()
            self.diary.append(str(self.person.play()))
            self.count += 1
        self.settle()
        self.remember()

    def settle(self):
        """Wait until window and worker have heard of everything, and compare them."""
        editor, scene = self.window.editor, self.window.workspace.canvas.canvas
        checks = self.checks
        editor.check()
        # One listener for the whole game: connecting one anew thousands of times sometimes fails in PySide.
        self.qtbot.waitUntil(lambda: self.checks > checks)
        facts = self._ask_worker()
        if facts.held is None and facts.session_document is not None:
            self.qtbot.waitUntil(lambda: bool(self.snapshots) and self.snapshots[0].revision == editor.revision)
        for _ in range(3):  # what the worker had posted, and what that posts in turn
            QApplication.processEvents()
        assert not self.errors, self.errors[0]
        assert not self.window.crash.last_report, self.window.crash.last_report
        warnings = [record.message for record in self.qtlog.records if not record.ignored]
        assert not warnings, warnings
        check_scene(editor, scene)
        check_runner(editor, facts)
        check_told(self.window, facts)
        self.check_failures(facts)

    def check_failures(self, facts):
        """Nothing is told that is not so: a failure is why the document cannot run, or a number that is not finite."""
        held = None if facts.held is None else facts.held.fact
        heard, self.failures = self.failures, []
        if heard and held is None:
            strange = [problem for problem in heard[-1:] if problem.kind not in ("finite", "empty")]
            assert not strange or self.waited > 1, f"told without need: {strange[0]}"

    def _ask_worker(self):
        answers = queue.SimpleQueue()
        self.window.runner._send(lambda worker: answers.put(facts_of(worker)))
        return answers.get(timeout=PATIENCE_S)

    def _forget(self, index):
        """The history went back: what was ahead may be overwritten before anybody looks again."""
        self.texts = {step: text for step, text in self.texts.items() if step <= index}

    def remember(self):
        """The document at this step of the history."""
        editor = self.window.editor
        self.texts[editor.stack.index()] = text_of(editor.document)

    def finish(self):
        """The history to both ends, the journal and the file."""
        editor = self.window.editor
        check_file(editor)
        check_history(editor, self.base, dict(self.texts))
        self.settle()
        check_journal(editor, self.window.keeper.journal.path)


@pytest.fixture
def shelf():
    """The real gallery: the presets are what people play with."""
    assert all(find_preset(name) is not None for name in PRESETS)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_gestures_leave_document_canvas_and_runner_agreed(window, seed, qtbot, qtlog, monkeypatch):
    playing = Playing(window, seed, qtbot, qtlog, monkeypatch)
    try:
        while playing.count < GESTURES:
            playing.open(playing.random.choice(PRESETS))
            until = playing.count + CHAPTER
            while playing.count < until:
                playing.play()
            playing.finish()
    except Exception as error:
        story = "\n  ".join(playing.diary[:1] + playing.diary[-12:])
        raise AssertionError(f"seed {seed}, gesture {playing.count}: {error}\n  {story}") from error
