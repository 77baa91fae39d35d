"""The palette: every node type with a word and a formula, to search, to star, to drag onto the canvas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.panels.palette_list import FAVOURITES, TYPE, PaletteTree
from app.settings import Settings
from app.theme import current_theme
from engine.composite_library import kept, offer_own
from engine.nodes import NodeType

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner

WIDTH = 240
STEP = 24.0  # a second node of the same kind must not lie exactly on the first
ORDER = (
    "Data", "Parameters", "Maths", "Layers", "Activations", "Arrays", "Comparisons", "Images", "Normalisation",
    "Sequences", "Attention", "Random", "Losses", "Metrics", "Worlds", "Board games",
)  # fmt: skip


class Palette(QFrame):
    """Search field and sections of node types.

    place_for  asked where a node goes that is chosen with Enter or a double click; the window says the canvas's middle
    settings   where favourites are kept; without it they last as long as the window
    """

    def __init__(
        self, editor: Editor, runner: Runner | None = None, settings: Settings | None = None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._editor = editor
        self._settings = settings or Settings(None)
        offer_own(self._settings["composites"])
        self.place_for: Callable[[], tuple[float, float]] = self._beside_the_rest
        self.setProperty("panel", "surface")
        self.setMinimumWidth(180)
        self.search = SearchField()
        self.tree = PaletteTree()
        self._shown: list[type[NodeType]] = []
        self.tree.favourites = self._favourites()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setContentsMargins(12, 0, 12, 0)
        row.addWidget(self.search)
        column.addLayout(row)
        column.addWidget(self.tree, 1)
        self.search.textChanged.connect(self._show)
        self.search.taken.connect(self._place_first)
        self.search.left_downwards.connect(self._enter_list)
        self.tree.chosen.connect(self.place)
        self.tree.starred.connect(self.toggle_favourite)
        self.tree.left_upwards.connect(self.focus_search)
        editor.changed.connect(self._follow)
        self._show()

    def _follow(self, change: Change) -> None:
        """Composites of the document come and go, and are called otherwise; a document opened rarely has any."""
        if not change.touches("composites") and not (self._editor.path and change.touches("title")):
            return
        if list(self._editor.placeable.values()) != self._shown:
            self._show()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 600)

    # contents --------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        words, placeable = self.search.text().lower().split(), self._editor.placeable
        self._shown = list(placeable.values())
        self.tree.show_sections(sections(placeable, words, self.tree.favourites), searching=bool(words))
        if words and (rows := self.tree.rows()):
            self.tree.setCurrentIndex(rows[0])

    def _favourites(self) -> list[str]:
        return [name for name in self._settings["favourites"] if isinstance(name, str)]

    def toggle_favourite(self, name: str) -> None:
        """Star a node type, or take its star away."""
        kept = self._favourites()
        self._settings["favourites"] = [each for each in kept if each != name] if name in kept else [*kept, name]
        self.tree.favourites = self._favourites()
        self._show()

    def keep_composite(self, name: str) -> None:
        """Offer a composite of the document in every document from now on."""
        self._keep(kept(self._editor.document.graph, name, self._settings["composites"]))

    def drop_composite(self, title: str) -> None:
        """Offer a kept composite no more; documents that use it have it in themselves."""
        written = self._settings["composites"]
        self._keep({key: entry for key, entry in written.items() if entry.get("title", key) != title})

    def _keep(self, written: dict[str, Any]) -> None:
        self._settings["composites"] = written
        offer_own(written)
        self._show()

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    # placing ---------------------------------------------------------------------------------------------------------

    def place(self, name: str) -> None:
        """Place a node of that type in the middle of the canvas, and select it."""
        x, y = self.place_for()
        taken = {node.position for node in self._editor.shown.graph}
        while (x, y) in taken:
            x, y = x + STEP, y + STEP
        self._editor.select([self._editor.add_node(name, (x, y))])

    def _beside_the_rest(self) -> tuple[float, float]:
        places = [node.position for node in self._editor.shown.graph]
        return (max(x for x, _ in places) + 240.0, places[-1][1]) if places else (0.0, 0.0)

    def _place_first(self) -> None:
        rows = self.tree.rows()
        if self.search.text().strip() and rows:
            self.place(rows[0].data(TYPE).name)

    def _enter_list(self) -> None:
        if not self.tree.currentIndex().isValid() and (rows := self.tree.rows()):
            self.tree.setCurrentIndex(rows[0])
        self.tree.setFocus(Qt.FocusReason.TabFocusReason)


class SearchField(QLineEdit):
    """The search field with its key in it. ↓ leads into the list, Enter takes the first row, Escape empties it."""

    taken = Signal()
    left_downwards = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "search")
        self.setPlaceholderText("Search nodes")
        self.setAccessibleName("Search nodes")
        self._icon = QAction(self)
        current_theme().set_icon(self._icon, "search", "text3", 16)
        self.addAction(self._icon, QLineEdit.ActionPosition.LeadingPosition)
        self._key = QLabel("Tab", self)
        self._key.setProperty("level", "key")
        self._key.setToolTip("Tab on the canvas searches where the cursor is")
        self.setTextMargins(0, 0, 36, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = self._key.sizeHint()
        self._key.setGeometry(
            self.width() - size.width() - 6, (self.height() - size.height()) // 2, size.width(), size.height()
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left_downwards.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.taken.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


def sections(
    types: Mapping[str, type[NodeType]], words: list[str], favourites: list[str]
) -> list[tuple[str, list[type[NodeType]]]]:
    """Favourites and the categories in their order, with the node types that have all the words; none is empty."""
    starred = [types[name] for name in favourites if name in types]
    found = [(FAVOURITES, starred)] if not words else []
    categories = dict.fromkeys([*ORDER, *(kind.category for kind in types.values())])
    found += [(title, [kind for kind in types.values() if kind.category == title]) for title in categories]
    matching = [(title, [kind for kind in kinds if matches(kind, words)]) for title, kinds in found]
    return [(title, best_first(kinds, words)) for title, kinds in matching if kinds]


def matches(kind: type[NodeType], words: list[str]) -> bool:
    """Whether every word stands in the title, the name, the category or the help."""
    hay = f"{kind.title} {kind.name} {kind.category} {kind.help()}".lower()
    return all(word in hay for word in words)


def best_first(kinds: list[type[NodeType]], words: list[str]) -> list[type[NodeType]]:
    """Types whose title begins with the first word before the others."""
    return sorted(kinds, key=lambda kind: not kind.title.lower().startswith(words[0])) if words else kinds
