"""The window: gallery or workspace under one top bar. It decides who hears what, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget

from app.commands import Commands
from app.crash import CrashReporter
from app.editor import Editor
from app.files import Files
from app.follow import Follower
from app.guide import Guide
from app.menus import add_canvas_commands, add_commands, fill_menus
from app.panels.command_search import CommandSearch
from app.panels.gallery import Gallery
from app.panels.history_list import HistoryList
from app.panels.key_editor import KeyEditor
from app.panels.key_sheet import KeySheet
from app.panels.node_overlays import NodeHelp, NodeSettings
from app.panels.notice import Notice
from app.panels.overlay import Overlay
from app.panels.preparing import Preparing
from app.panels.problems import Problems
from app.panels.tour import TourBubble
from app.recovery import Keeper
from app.rooms import Rooms
from app.runner import Runner
from app.settings import Settings
from app.space_key import SpaceKey
from app.theme import current_theme
from app.top_bar import TopBar
from app.warm_up import WarmUp
from engine.document import Document
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.workspace import Workspace
    from engine.snapshot import Snapshot

SMALLEST = (848, 500)  # a screen of 1280 × 800 at 150 % has 853 × 533, one of 1920 × 1080 at 200 % 960 × 540
TABLES = (".csv", ".tsv", ".txt", ".dat")
SETTLED_MS = 60  # without a change of size, and the layout counts as done
SMALL_SCREEN = 1440  # pixels of width up to which every one is needed


class MainWindow(QMainWindow):
    """One document at a time, or the gallery.

    settings  what is remembered; keeper: where the journal of the open document lies
    """

    def __init__(self, settings: Settings, keeper: Keeper | None = None) -> None:
        super().__init__()
        self.settings, self.keeper = settings, keeper or Keeper()
        current_theme().set_scheme(settings["theme"])
        self.editor = Editor(Document(), self)
        self.runner = Runner(self)
        self.follower = Follower(self.editor, self.runner, self)
        self.files = Files(self, self.editor, settings, self.keeper)
        self.commands = Commands(self)
        self.rooms = Rooms(self)
        self.workspace: Workspace | None = None
        # Docks go on moving while they are laid out, and the graph with them.
        self._settling = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settling.timeout.connect(self._after_resizing)
        self.setWindowTitle("Chainrule")
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        self._build()
        self.guide = Guide(self)
        add_commands(self)
        fill_menus(self.top_bar.menus, self)
        self.crash = CrashReporter(self, self.notice.tell)
        self._listen()
        self._restore_geometry()
        self.space_key = SpaceKey(self)
        self.show_gallery()

    def _build(self) -> None:
        self.top_bar = TopBar()
        self.setMenuWidget(self.top_bar)
        self.pages = QStackedWidget()
        self.setCentralWidget(self.pages)
        self.gallery = Gallery(self.settings)
        self.pages.addWidget(self.gallery)
        self.command_search = CommandSearch(self, self.commands, self.files.open_preset)
        self.problems = Problems(self, self.top_bar.problems)
        self.key_sheet = KeySheet(self, self.commands)
        self.key_editor = KeyEditor(self, self.commands, self.settings)
        self.notice = Notice(self, self.rooms.over_canvas)
        self.preparing = Preparing(self, self.rooms.over_canvas)
        self.tour = TourBubble(self, self.commands, self.rooms.locate, self.rooms.whole, self.rooms.keep_clear)
        self.history_list = HistoryList(self, self.editor.stack)
        self.node_settings, self.node_help = NodeSettings(self), NodeHelp(self)
        self.overlays = tuple(self.findChildren(Overlay))

    def _listen(self) -> None:
        bar, gallery, files = self.top_bar, self.gallery, self.files
        bar.gallery_wanted.connect(self.show_gallery)
        bar.search.clicked.connect(self.command_search.toggle)
        bar.problems.clicked.connect(self.problems.toggle)
        bar.theme.clicked.connect(self.switch_theme)
        bar.hold.clicked.connect(lambda: self.commands.run("run.hold"))
        self.commands.action("run.hold").toggled.connect(bar.hold.setChecked)
        gallery.preset_chosen.connect(files.open_preset)
        gallery.file_chosen.connect(files.open_path)
        gallery.open_wanted.connect(files.open)
        gallery.empty_wanted.connect(files.new)
        gallery.recovery.wanted.connect(files.bring_back)
        gallery.recovery.dropped.connect(self._drop_lost)
        files.opened.connect(self._show_document)
        files.saved.connect(self._show_place)
        files.told.connect(self.notice.tell)
        files.weights_wanted.connect(self.runner.save_weights)
        files.weights_found.connect(self.runner.restore_weights)
        files.run_kept_in.connect(self.runner.keep_run)
        self.runner.weights_told.connect(files.tell_all)
        self.editor.problems_changed.connect(self._show_problems)
        self.editor.changed.connect(self._show_place)
        self.editor.stack.cleanChanged.connect(self._show_place)
        self.editor.stack.indexChanged.connect(self._name_undo)
        self.runner.failed.connect(self._show_failure)
        self.runner.playing_changed.connect(self._note_playing)
        self.runner.snapshot_ready.connect(self._note_numbers)
        self.runner.crashed.connect(self.crash.keep)
        self.runner.preparing.connect(self.preparing.show_progress)
        self.runner.deciding.connect(self.preparing.show_decision)
        self.preparing.stop_wanted.connect(self.runner.pause)
        self.problems.chosen.connect(self.go_to)
        self.notice.clicked.connect(self.go_to)
        self.notice.back_wanted.connect(self.runner.step_back_to_good)
        self.runner.snapshot_ready.connect(self.tour.show_snapshot)

    def appear(self) -> None:
        """Show it to a person. A small screen is filled: with a frame around it the window would be larger than that."""
        if not self.settings["geometry"] and self.screen().availableGeometry().width() <= SMALL_SCREEN:
            self.showMaximized()
        else:
            self.show()

    # pages -----------------------------------------------------------------------------------------------------------

    @property
    def has_document(self) -> bool:
        """Whether the workspace is in front."""
        return self.workspace is not None and self.pages.currentWidget() is self.workspace

    def show_gallery(self) -> None:
        """Back to the cards; the document stays open behind them."""
        self.runner.pause()
        self.tour.hide()
        self._clear_air()
        self.pages.setCurrentWidget(self.gallery)
        self.gallery.recovery.offer(self.keeper.lost())
        self.gallery.refresh()
        self._show_place()

    def _clear_air(self) -> None:
        """What floats over one page has nothing to say about the next."""
        self.notice.hide()
        self.preparing.forget()
        for overlay in self.overlays:
            overlay.close_overlay()

    def show_workspace(self) -> None:
        """Bring the open document to the front."""
        self.pages.setCurrentWidget(self._need_workspace())
        self._show_place()

    def _need_workspace(self) -> Workspace:
        """The workspace; built behind the gallery or with the first document, so that nothing waits for it before."""
        if self.workspace is None:
            from app.workspace import Workspace

            self.workspace = Workspace(self.editor, self.runner, self.settings, self.pages)
            self.pages.addWidget(self.workspace)
            self.workspace.restore(self.settings["state"])
            self.workspace.canvas.reduced_motion = bool(self.settings["reduce_motion"])
            self.workspace.canvas.formula_note.set_wanted(bool(self.settings["formula_note"]))
            self.workspace.canvas.formula_note.floating = self.rooms.floating_over_canvas
            for floating in (self.tour, self.preparing, self.notice):
                floating.placed.connect(self.workspace.canvas.formula_note.place)
            self.workspace.inspector.pages.currentChanged.connect(self.tour.place)
            self.workspace.player.kind_changed.connect(self.tour.note_step_kind)
            self.workspace.canvas.resized.connect(self._settling.start)
            self.workspace.canvas.searching.connect(self.tour.place)
            self.workspace.canvas.node_opened.connect(self.node_settings.open_for)
            self.files.saving.connect(self.workspace.desk.keep_sizes)
            self.workspace.desk.lend(self.actions())
            self.workspace.desk.filled.connect(self._settling.start)
            add_canvas_commands(self)
        return self.workspace

    def _show_document(self) -> None:
        """Another document was opened into the editor."""
        workspace = self._need_workspace()
        self._clear_air()
        self.show_workspace()
        workspace.start()
        self.problems.show_failure(None)
        if not self.editor.knows_shapes:
            self.problems.show_problems(self.editor.problems)
            self.top_bar.show_waiting()
        self.guide.open()
        workspace.canvas.show_beginning()  # as far as it knows its size: the first picture had better show the graph
        # Only a shown canvas knows its size, and only then can it fit the graph into it.
        QTimer.singleShot(0, self._after_opening)

    def _after_opening(self) -> None:
        if self.workspace is not None and self.has_document:
            self.workspace.canvas.show_beginning()
            self.workspace.canvas.tell_when_painted()
            self._settling.start()
            self.workspace.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def is_settling(self) -> bool:
        """Whether the sizes of canvas and views changed just now, and what floats over them has still to follow."""
        return self._settling.isActive()

    def _after_resizing(self) -> None:
        if self.has_document and self.workspace is not None:
            self.workspace.canvas.camera.fit_again()  # views come after the graph was fitted in, and take room from it
            self.tour.settle()

    def _show_place(self, _: object = None) -> None:
        shown = self.has_document
        title, modified = self.files.title, self.files.is_modified
        self.top_bar.problems.setVisible(shown)
        self.top_bar.hold.setVisible(shown)
        self.top_bar.show_place(self.files.chapter, title if shown else "", modified)
        self.setWindowTitle(f"{title}{'*' if modified else ''} – Chainrule" if shown else "Chainrule")
        self.commands.refresh()

    def warm_up(self) -> None:
        """Load and build what the first document will need, once the gallery has been painted."""
        WarmUp(self.runner, self, self._need_workspace)

    def _name_undo(self) -> None:
        stack = self.editor.stack
        self.commands.rename("edit.undo", f"Undo {_lower(stack.undoText())}".strip())
        self.commands.rename("edit.redo", f"Redo {_lower(stack.redoText())}".strip())
        self.commands.refresh()

    # problems --------------------------------------------------------------------------------------------------------

    def _show_problems(self, problems: list[Problem]) -> None:
        self.problems.show_problems(problems)
        self.top_bar.show_problems(self.problems.problems)

    def _show_failure(self, problem: Problem) -> None:
        self.problems.show_failure(problem)
        self.top_bar.show_problems(self.problems.problems)
        self.notice.tell(problem)

    def _note_playing(self, playing: bool) -> None:
        if playing:
            self._forget_failure()
            self.notice.hide()

    def _note_numbers(self, snapshot: Snapshot) -> None:
        """What had stopped the run is over once its cause was undone, or the run went back behind it."""
        if snapshot.problem is None and self.problems.failure is not None:
            self._forget_failure()
            if self.notice.offers_way_back:
                self.notice.hide()

    def _forget_failure(self) -> None:
        self.problems.show_failure(None)
        self.top_bar.show_problems(self.problems.problems)

    def go_to(self, problem: Problem) -> None:
        """Lead to the place of a problem: its node, or the panel in which it can be mended."""
        if self.workspace is None:
            return
        if (name := self.editor.reveal(problem.node)) is not None:
            self.editor.select({name})
            self.workspace.canvas.frame_thing(name)
            self.workspace.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        elif problem.kind == "crash":
            self.crash.show()
        elif problem.path.startswith(("training", "data")):
            self.workspace.show_panel("data" if problem.path.startswith("data") else "training")

    def attempt(self, act: object) -> None:
        """Do something that the document may refuse, and say why if it does."""
        try:
            act()  # type: ignore[operator]
        except ProblemError as error:
            self.notice.tell(error.problems[0])

    def _drop_lost(self, lost: object) -> None:
        self.keeper.drop(lost)  # type: ignore[arg-type]
        self.gallery.recovery.offer(self.keeper.lost())

    # look ------------------------------------------------------------------------------------------------------------

    def switch_theme(self) -> None:
        """Light becomes dark, dark becomes light; remembered."""
        self.set_theme("light" if current_theme().is_dark else "dark")

    def set_theme(self, scheme: str) -> None:
        """system, dark or light."""
        self.settings["theme"] = scheme
        current_theme().set_scheme(scheme)

    def switch_motion(self) -> None:
        """Let marks stand still, or travel again; remembered."""
        self.settings["reduce_motion"] = not self.settings["reduce_motion"]
        if self.workspace is not None:
            self.workspace.canvas.reduced_motion = self.settings["reduce_motion"]

    def switch_formula_note(self) -> None:
        """Show the formula beside the stepped node, or leave it to the inspector; remembered."""
        self.settings["formula_note"] = not self.settings["formula_note"]
        if self.workspace is not None:
            self.workspace.canvas.formula_note.set_wanted(self.settings["formula_note"])

    # events ----------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What floats over the window keeps its place."""
        super().resizeEvent(event)
        floating: list[Overlay | Notice | Preparing | TourBubble]
        floating = [*self.overlays, self.notice, self.preparing, self.tour]
        for part in floating:
            if part.isVisible():
                part.place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape that nobody else wanted closes the tour."""
        if event.key() == Qt.Key.Key_Escape and self.tour.isVisible():
            self.tour.stop()
        else:
            super().keyPressEvent(event)

    def import_table(self, path: Path) -> None:
        """Open the dialog through which a CSV file comes into the open document."""
        if not self.has_document or self.workspace is None:
            fact = f"“{path.name}” is a table, and no document is open that could learn from it"
            self.notice.tell(Problem(fact, "Open a document first, then drop the file again.", kind="file"))
            return
        self.workspace.show_panel("data")
        self.workspace.inspector.data_panel.import_file(path)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A document or a table may be dropped anywhere."""
        if _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        path = _dropped(event)
        if path is not None:
            event.acceptProposedAction()
            # Once the drag is over: a dialog may open, and whoever dragged waits for the answer until then.
            act = self.files.open_path if path.suffix == ".json" else self.import_table
            QTimer.singleShot(0, lambda: act(path))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask for unsaved changes, remember the window, stop the thread."""
        if not self.files.may_leave():
            event.ignore()
            return
        self.settings["geometry"] = self.saveGeometry().toHex().toStdString()
        if self.workspace is not None:
            self.settings["state"] = self.workspace.state() or self.settings["state"]  # no panel was ever shown
            self.workspace.stop()
        self.crash.uninstall()
        self.runner.close()
        self.files.close()  # last: until it has ended the thread may write the run beside the journal
        event.accept()

    def _restore_geometry(self) -> None:
        screen = self.screen().availableGeometry()
        self.resize(*start_size(screen.width(), screen.height()))
        if self.settings["geometry"]:
            self.restoreGeometry(QByteArray.fromHex(self.settings["geometry"].encode()))


def start_size(width: int, height: int) -> tuple[int, int]:
    """How large the first window is: a small screen is filled, a large one is not."""
    if width <= SMALL_SCREEN:
        return width, height
    return min(1840, round(0.94 * width)), min(1120, round(0.94 * height))


def _dropped(event: QDropEvent) -> Path | None:
    """The document or the table in hand, if it is one."""
    urls = event.mimeData().urls()
    path = Path(urls[0].toLocalFile()) if len(urls) == 1 and urls[0].isLocalFile() else None
    return path if path is not None and path.suffix.lower() in (".json", *TABLES) else None


def _lower(text: str) -> str:
    """The name of a step inside a sentence."""
    return text[:1].lower() + text[1:]
