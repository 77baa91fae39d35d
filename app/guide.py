"""Which page of a tour is shown: that of an example begins, that of one's own work goes on where it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.window import MainWindow

REMEMBERED = 60  # documents
OVER = -1  # in the place of a page: it was closed, or read to its end


class Guide(QObject):
    """Starts the tour of the document that was opened, shows what its pages speak of, and remembers where it stands."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.tour.page_shown.connect(self._show_page)
        window.tour.finished.connect(lambda: self._remember(OVER))
        window.files.saved.connect(self._remember_under_its_name)

    def begin(self) -> None:
        """From its first page."""
        self._window.tour.start(self._window.editor.document.tour)

    def open(self) -> None:
        """Show the tour of a document that was opened, unless it was left for good."""
        window = self._window
        found = window.settings["tours"].get(self._key, 0) if window.files.preset is None else 0
        page = found if isinstance(found, int) else 0
        if page == OVER:
            window.tour.hide()
        else:
            window.tour.start(window.editor.document.tour, page, when_settled=True)

    @property
    def _key(self) -> str:
        """The file; of what was never saved, as after a crash, the name that it bears in itself."""
        path = self._window.files.path
        return str(path.resolve()) if path is not None else self._window.editor.document.id

    def _remember(self, page: int) -> None:
        settings, key = self._window.settings, self._key
        others = {name: at for name, at in settings["tours"].items() if name != key}
        settings["tours"] = dict([*others.items(), (key, page)][-REMEMBERED:])

    def _remember_under_its_name(self) -> None:
        if self._window.editor.document.tour:
            self._remember(self._window.tour.page if self._window.tour.isVisible() else OVER)

    def _show_page(self, page: dict[str, object]) -> None:
        """Bring into sight what a page speaks of; a node is selected, so that its formula is read."""
        window = self._window
        self._remember(window.tour.page)
        name = str(page.get("show") or "").partition(".")[0]
        if window.workspace is None or not name:
            return
        if name in window.editor.shown.graph.nodes:
            window.editor.select([name])
            window.workspace.canvas.bring_into_view()
        else:
            window.workspace.show_panel(name)
