"""Which file is open: new, open, save, save as, recent ones, and the question before unsaved changes are dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.aside import Aside
from app.library import Preset, chapter_title, find_preset, load_preset
from app.recovery import Keeper
from app.run_keeper import edits_before
from app.settings import Settings
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.editor import Editor
    from engine.document import Document
    from engine.journal import Recoverable

WEIGHTS = ".safetensors"  # as engine.weights_file has it, which need not be loaded for the gallery
FILTER = "Chainrule documents (*.json);;All files (*)"


class Files(QObject):
    """Opens documents into the editor and writes them out.

    ask_open, ask_save   answer with a path or None; ask_unsaved with "save", "discard" or "cancel"
    """

    opened = Signal()  # the editor has another document
    saving = Signal()  # what is no step and yet is kept may be written into the document now
    saved = Signal()
    told = Signal(object)  # a Problem
    weights_wanted = Signal(object)  # the path to write the run's numbers to
    run_kept_in = Signal(
        object, int
    )  # the path for the run's numbers in case of a crash, or None; since which revision
    weights_found = Signal(object)  # the path of those that the document was saved with

    def __init__(self, window: QWidget, editor: Editor, settings: Settings, keeper: Keeper) -> None:
        super().__init__(window)
        self._window, self._editor, self._settings, self._keeper = window, editor, settings, keeper
        self._reading = Aside(self)
        self.path: Path | None = None
        self.preset: Preset | None = None
        self.ask_open: Callable[[], Path | None] = self._ask_open
        self.ask_save: Callable[[Path], Path | None] = self._ask_save
        self.ask_unsaved: Callable[[], str] = self._ask_unsaved

    @property
    def is_modified(self) -> bool:
        """Whether something would be lost."""
        return not self._editor.stack.isClean()

    @property
    def title(self) -> str:
        """What the document is called."""
        document = self._editor.document
        return document.title or (self.path.stem if self.path else "Untitled")

    @property
    def chapter(self) -> str:
        """Where it comes from: a chapter of the gallery, or the file's name."""
        if self.path is not None:
            return self.path.name if self._editor.document.title else ""
        return chapter_title(self.preset.chapter) if self.preset is not None else ""

    # opening ---------------------------------------------------------------------------------------------------------

    def new(self) -> bool:
        """An empty document; False if the person would rather keep the present one."""
        from engine.document import Document

        return self.may_leave() and self._show(Document(), None, None)

    def open_preset(self, preset_id: str) -> bool:
        """A document of the gallery."""
        preset = find_preset(preset_id)
        if preset is None:
            self.told.emit(Problem(f"no preset is called “{preset_id}”", "Choose one of the gallery.", kind="unknown"))
            return False
        return self.may_leave() and self._show(load_preset(preset), None, preset)

    def open_path(self, path: Path) -> bool:
        """A file. What is wrong inside it goes to the list of problems; the sound part opens."""
        from engine.document import Document

        if not self.may_leave():
            return False
        if not path.is_file():
            fact = f"“{path.name}” is a folder" if path.is_dir() else f"there is no file “{path.name}”"
            self.told.emit(Problem(fact, "Look whether it was moved or renamed.", kind="file"))
            return False
        document = Document.load(path)
        self._settings.remember(path)
        return self._show_when_read(document, path)

    def _show_when_read(self, document: Document, path: Path) -> bool:
        """Show a document; one with a long table once that is read, which is done elsewhere."""
        from engine.datasets.files import long_table

        tables = [name for name in (long_table(spec, document.folder) for spec in document.data.values()) if name]
        if not tables:
            return self._show(document, path, None)
        mend = "The document opens once that is done."
        self.told.emit(Problem(f"“{tables[0]}” is being read", mend, severity="warning", kind="waiting"))
        self._reading.begin(document.load_data, lambda: self._show(document, path, None))
        return True

    def open(self) -> bool:
        """Ask for a file and open it."""
        path = self.ask_open()
        return path is not None and self.open_path(path)

    def bring_back(self, lost: Recoverable) -> bool:
        """Open what a crash left in a journal, with its history; the changes count as unsaved."""
        if not self.may_leave():
            return False
        found = self._keeper.resume(lost)
        if found is None:
            fact = f"the journal of “{lost.title}” cannot be read"
            self.told.emit(Problem(fact, "What was saved is not touched.", kind="journal"))
            return False
        self.path, self.preset = found.path, None
        self._editor.journal = None
        self._editor.open(found.document)
        self._bring_weights()  # before the edits that followed the saving: what a hand set since counts
        self._editor.journal = self._keeper.journal
        problems = [*self._replay(found.entries), *found.problems]
        self._keep_run(len(found.entries))
        self.opened.emit()
        self.tell_all(problems)
        return True

    def _replay(self, entries: list[dict[str, Any]]) -> list[Problem]:
        """Play a journal, and let the run go on where its kept numbers belong: later edits follow them as they did."""
        run = self._keeper.run
        if run is None or not run.is_file():
            return self._editor.replay(entries)
        seen = edits_before(run)
        problems = self._editor.replay(entries[:seen])
        self.weights_found.emit(run)
        return problems or self._editor.replay(entries[len(entries[:seen]) :])

    def _keep_run(self, entries: int = 0) -> None:
        """Have the run kept beside a journal of so many entries."""
        self.run_kept_in.emit(self._keeper.run, self._editor.revision - entries)

    def _show(self, document: Document, path: Path | None, preset: Preset | None) -> bool:
        self._reading.forget()
        self.path, self.preset = path, preset
        self._editor.journal = None
        self._editor.open(document)
        self._editor.journal = self._keeper.begin(document, path)
        self.opened.emit()
        self._bring_weights()
        self._keep_run()
        return True

    def _bring_weights(self) -> None:
        """Have the run go on where it stood when the document was saved with its weights."""
        name = self._editor.document.weights
        if not name or self.path is None:
            return
        from engine.weights_file import weights_beside

        try:
            self.weights_found.emit(weights_beside(self.path, name))
        except ProblemError as error:
            self.tell_all(error.problems)

    # saving ----------------------------------------------------------------------------------------------------------

    def save(self) -> bool:
        """Write to the file it came from; ask for a name where it came from none. Whether it was written.

        A document that was saved with its weights keeps them up to date; numbers that a hand has set are in no other place.
        """
        with_weights = bool(self._editor.document.weights) or self._has_numbers_by_hand
        return self.save_to(self.path, with_weights) if self.path is not None else self.save_as(with_weights)

    @property
    def _has_numbers_by_hand(self) -> bool:
        """Whether a hand set numbers of the run, which only a file of weights can hold."""
        stack = self._editor.stack
        return any(getattr(stack.command(index), "family", "") == "set_values" for index in range(stack.index()))

    def save_as(self, with_weights: bool = False) -> bool:
        """Ask for a name and write."""
        with_weights = with_weights or self._has_numbers_by_hand
        path = self.ask_save(self.path or Path(f"{self._editor.document.id}.json"))
        return path is not None and self.save_to(path if path.suffix else path.with_suffix(".json"), with_weights)

    def save_with_weights(self) -> bool:
        """Write the document, and the run's numbers beside it: opened again, it goes on where it stands."""
        return self.save_to(self.path, True) if self.path is not None else self.save_as(True)

    def save_to(self, path: Path, with_weights: bool = False) -> bool:
        """Write to a file; a reason why not is told."""
        self.saving.emit()
        document = self._editor.document
        before, document.weights = document.weights, path.with_suffix(WEIGHTS).name if with_weights else ""
        try:
            document.save(path)
        except ProblemError as error:
            document.weights = before
            self.tell_all(error.problems)
            return False
        if with_weights:
            self.weights_wanted.emit(path.with_suffix(WEIGHTS))
        self.path, self.preset = path, None
        self._editor.mark_saved()
        self._editor.journal = self._keeper.saved(self._editor.document, path)
        self._keep_run()
        self._settings.remember(path)
        self.saved.emit()
        return True

    def tell_all(self, problems: Iterable[Problem]) -> None:
        """Pass on what was met; the first stays in sight."""
        for problem in reversed(list(problems)):
            self.told.emit(problem)

    def may_leave(self) -> bool:
        """Ask what to do with unsaved changes, if there are any; whether to go on."""
        if not self.is_modified:
            return True
        answer = self.ask_unsaved()
        return self.save() if answer == "save" else answer == "discard"

    def close(self) -> None:
        """Nothing is open any more: no journal has to be kept."""
        self._reading.forget()
        self._editor.journal = None
        self._keeper.end()

    # asking ----------------------------------------------------------------------------------------------------------

    def _ask_open(self) -> Path | None:
        chosen, _ = QFileDialog.getOpenFileName(self._window, "Open a document", str(self._folder()), FILTER)
        return Path(chosen) if chosen else None

    def _ask_save(self, suggestion: Path) -> Path | None:
        start = suggestion if suggestion.is_absolute() else self._folder() / suggestion
        dialog = QFileDialog(self._window, "Save the document", str(start.parent), FILTER)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # Added by the dialog, so that it asks before the file that is really meant is written over.
        dialog.setDefaultSuffix("json")
        dialog.selectFile(start.name)
        return Path(dialog.selectedFiles()[0]) if dialog.exec() else None

    def _ask_unsaved(self) -> str:
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Unsaved changes")
        box.setText(f"Keep the changes to “{self.title}”?")
        box.setInformativeText("They are lost if you discard them.")
        button = QMessageBox.StandardButton
        box.setStandardButtons(button.Save | button.Discard | button.Cancel)
        box.setDefaultButton(button.Save)
        return {button.Save: "save", button.Discard: "discard"}.get(button(box.exec()), "cancel")

    def _folder(self) -> Path:
        recent = self._settings.recent
        return self.path.parent if self.path else recent[0].parent if recent else Path.home()
