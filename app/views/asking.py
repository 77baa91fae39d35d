"""Views whose numbers an analysis computes: asked of the worker every now and then, never so often that training waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtWidgets import QWidget

from app.views.base import View
from app.views.choices import choice
from app.views.entries import has_objective
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.session import Session
    from engine.snapshot import Snapshot

BETWEEN_MS = 100  # ten pictures a second, fewer where one costs more than a tenth of that
SPARED = 10  # of the worker's time at most one part in so many
NO_LOSS = "There is no loss to differentiate yet. Place one, wire it, and choose it under Training."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one question brought: what was found, or why there is nothing, and what it cost."""

    question: int
    seconds: float
    found: Any = None
    problem: Problem | None = None


def answer(session: Session, measure: Callable[[Session], object], question: int) -> Answer:
    """Ask the session, in the worker's thread."""
    begun = time.perf_counter()
    found, problem = None, None
    try:
        found = measure(session)
    except ProblemError as error:
        problem = error.problems[0]
    return Answer(question=question, seconds=time.perf_counter() - begun, found=found, problem=problem)


class AskingView(View):
    """Asks with every snapshot, but not before the last answer, and after a dear one not for a while.

    Subclasses say what to `measure` (a function for the worker's thread) and paint it in `fill`.
    """

    first: ClassVar[str] = "Measuring the first iteration."

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.answer: Answer | None = None
        self._asked = 0
        self._is_due = self._is_waiting = False
        self._since = QElapsedTimer()
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._put)
        if runner is not None:
            runner.answered.connect(self._take)

    # for subclasses --------------------------------------------------------------------------------------------------

    def measure(self) -> Callable[[Session], object]:
        """What to ask for now: a function that touches nothing of the view."""
        raise TypeError(f"{type(self).__name__} does not say what it asks")

    def fill(self, found: Any) -> str:
        """Paint what was found (None: nothing yet, or a problem); why there is nothing to see, if so."""
        raise TypeError(f"{type(self).__name__} does not say what it shows")

    # asking ----------------------------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is on its way, or will be asked for."""
        return self._is_waiting or self._is_due

    def feed(self, snapshot: Snapshot) -> str:
        """Have this moment measured; what was measured last stays meanwhile."""
        if not has_objective(self.editor.document):
            return NO_LOSS
        self.ask_again()
        return self.reason_of_answer()

    def ask_again(self) -> None:
        """What is shown is not what is wanted any more."""
        self._is_due = self.runner is not None
        self._put()

    def _put(self) -> None:
        if not self._is_due or self._is_waiting or self.runner is None:
            return
        cost = self.answer.seconds if self.answer is not None else 0.0
        rest = max(BETWEEN_MS, int(1000 * SPARED * cost)) - self._since.elapsed() if self._since.isValid() else 0
        if rest > 0:
            if not self._later.isActive():
                self._later.start(rest)
            return
        self._is_due, self._is_waiting = False, True
        self._asked += 1
        self._since.start()
        measure, question = self.measure(), self._asked
        self.runner.ask(self._question, lambda session: answer(session, measure, question))

    @property
    def _question(self) -> str:
        """What its questions are called: each view's otherwise, also where two of one kind are open."""
        return f"{self.title} · {self.id}"

    def _take(self, name: str, found: object) -> None:
        if name == self._question and isinstance(found, Answer) and found.question == self._asked and self._is_waiting:
            self._is_waiting = False
            self.show_answer(found)
            self._put()

    def document_changed(self, change: Change) -> None:
        """What was asked of the former graph is not answered any more; the next snapshot asks anew."""
        self._is_waiting = False
        if "reset" in change.kinds:
            self.answer, self._is_due = None, False
            if self._body is not None:
                self.fill(None)
        elif self.snapshot is not None and not change.replans:
            self._is_due = self.runner is not None
            QTimer.singleShot(0, self, self._put)

    # showing ---------------------------------------------------------------------------------------------------------

    def show_answer(self, found: Answer) -> None:
        """Paint what was measured, or say why there is nothing."""
        self.answer = found
        self.set_reason(self.reason_of_answer())
        self._say()

    def reason_of_answer(self) -> str:
        """Paint the last answer again; why there is nothing to see, if so."""
        if self.answer is None:
            return self.first
        reason = self.fill(self.answer.found)
        return str(self.answer.problem) if self.answer.problem is not None else reason

    def describe(self, snapshot: Snapshot) -> str:
        """Of which iteration it is, where that is another one."""
        measured = getattr(self.answer.found, "iteration", None) if self.answer is not None else None
        return f"measured at {measured}" if measured is not None and measured != snapshot.iteration else ""


class AskingOneOf(AskingView):
    """A view that asks for one of several things, chosen in its head; the document remembers which.

    words    what can be chosen: what the box says, by the word that the document keeps
    setting  the name that the document keeps it under
    asks     the box's name and help
    step     what a choice is called among the steps of the document
    """

    words: ClassVar[dict[str, str]]
    setting: ClassVar[str]
    asks: ClassVar[tuple[str, str]]
    step: ClassVar[str]

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.box = choice(*self.asks, self._choose)
        for word, said in self.words.items():
            self.box.addItem(said, word)
        self.add_tool(self.box)
        self._recall()

    @property
    def chosen(self) -> str:
        """The word of what is chosen."""
        return str(self.box.currentData())

    def _choose(self, _: int) -> None:
        self.remember(self.step, **{self.setting: self.chosen})
        self.ask_again()

    def _recall(self) -> None:
        self.box.setCurrentIndex(max(0, self.box.findData(str(self.settings.get(self.setting, "")))))

    def recall(self) -> None:
        """What the document remembers."""
        before = self.chosen
        self._recall()
        if self.chosen != before and self.snapshot is not None:
            self.ask_again()
