"""The first page: chapters on the left, a card for every preset, search, recent files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.library import chapters, presets
from app.panels.cards import Card, SideRow, card_height
from app.panels.chips import Chips
from app.panels.rehearsal import Rehearsal, Scene
from app.recovery import RecoveryBanner
from app.settings import Settings
from app.theme import current_theme

SIDE_WIDTH, NARROW_SIDE = 264, 232
TITLE, SHORT_TITLE = "What would you like to see?", "Examples"
ROOM_FOR_WORDS = 1060  # pixels of the window from which there is room for more than what can be pressed
ROOM_FOR_SIDE = 1200  # pixels of the window from which the chapters have room for their whole names
NARROWEST, NARROWEST_CARD = 800, 280
MOST_COLUMNS = 4
FIRST_CARDS = 40  # of a large screen; the others come when these have been painted
CARDS_AT_ONCE, DRESSED_AT_ONCE = 12, 6
LATER_MS = 150  # after it is shown

STEPS = {Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Up: (-1, 0)}


class Gallery(QFrame):
    """Everything that can be opened, and an empty canvas."""

    preset_chosen = Signal(str)
    file_chosen = Signal(object)  # a Path
    open_wanted = Signal()
    empty_wanted = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._chapter = ""
        self._waiting = list(presets())  # that have no card yet
        self._every: list[Card] = []
        self._shown: list[Card] = []
        self._columns, self._card_height = MOST_COLUMNS, 0
        self._left_to_do: Iterator[bool] = iter(())
        self._later = QTimer(self, interval=0)
        self._later.timeout.connect(self._do_some)
        self.rehearsal = Rehearsal(self)
        self.rehearsal.shown.connect(self._show_scene)
        self._watched: Card | None = None
        self.setProperty("panel", "canvas")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._make_side())
        row.addWidget(self._make_main(), 1)
        self.setMinimumWidth(NARROWEST)  # what the layout asks for is what there is room for at the present width

    # building --------------------------------------------------------------------------------------------------------

    def _make_side(self) -> QWidget:
        side = QFrame()
        side.setObjectName("side")
        side.setProperty("panel", "surface")
        side.setFixedWidth(NARROW_SIDE)
        self._side = side
        column = QVBoxLayout(side)
        column.setContentsMargins(8, 16, 8, 12)
        column.setSpacing(2)
        self._rows = QButtonGroup(self)
        every = SideRow("All examples", "sparkles", len(presets()))
        column.addWidget(self._chapter_row(every, ""))
        every.setChecked(True)
        column.addWidget(_section("Chapters"))
        for chapter in chapters():
            count = sum(preset.chapter == chapter.id for preset in presets())
            column.addWidget(self._chapter_row(SideRow(chapter.title, chapter.icon, count), chapter.id))
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        column.addStretch(1)
        return side

    def _chapter_row(self, row: SideRow, chapter: str) -> SideRow:
        row.setCheckable(True)
        self._rows.addButton(row)
        row.clicked.connect(lambda: self.show_chapter(chapter))
        return row

    def _make_main(self) -> QWidget:
        main = QWidget()
        column = QVBoxLayout(main)
        column.setContentsMargins(28, 28, 0, 0)
        column.setSpacing(16)
        column.addLayout(self._make_head())
        self.recovery = RecoveryBanner()
        holder = QHBoxLayout()
        holder.setContentsMargins(0, 0, 28, 0)
        holder.addWidget(self.recovery)
        column.addLayout(holder)
        self._chips = Chips()
        self._chips.chosen.connect(self._choose)
        column.addWidget(self._chips)
        column.addWidget(self._make_cards(), 1)
        return main

    def _make_head(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(4)
        self._title = QLabel(TITLE)
        self._title.setProperty("level", "display")
        words.addWidget(self._title)
        self._sentence = QWidget()
        self._sentence.setLayout(_sentence("Open a card, press", "Space", "and change anything."))
        words.addWidget(self._sentence)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 28, 0)
        head.setSpacing(12)
        head.addLayout(words)
        head.addStretch(1)
        head.addWidget(self._make_search(), 2)
        head.addWidget(_button("Open", "folder-open", "", "Open a document  (Ctrl+O)", self.open_wanted.emit))
        empty = _button("Empty canvas", "plus", "primary", "Start with nothing  (Ctrl+N)", self.empty_wanted.emit)
        head.addWidget(empty)
        return head

    def _make_search(self) -> QLineEdit:
        self.search = QLineEdit()
        self.search.setProperty("kind", "search")
        self.search.setPlaceholderText(f"Search {len(presets())} examples")
        self.search.setToolTip("Search titles, questions, chapters and node types  (/)")
        self.search.setAccessibleName("Search examples")
        self.search.setMinimumWidth(140)
        self.search.setMaximumWidth(360)
        self.search.setClearButtonEnabled(True)
        glass = self.search.addAction(current_theme().icon("search", "text3"), QLineEdit.ActionPosition.LeadingPosition)
        current_theme().set_icon(glass, "search", "text3")
        self.search.textChanged.connect(self._choose)
        self.search.returnPressed.connect(self._open_first)
        return self.search

    def _make_cards(self) -> QScrollArea:
        self._scroll = CardArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        self._grid = QGridLayout(body)
        self._grid.setContentsMargins(0, 2, 28, 24)
        self._grid.setSpacing(16)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._none = QLabel(self)
        self._none.hide()
        self._none.setProperty("level", "2")
        self._none.setTextFormat(Qt.TextFormat.PlainText)
        self._scroll.setWidget(body)
        return self._scroll

    def _add_cards(self, count: int) -> None:
        """Make cards for the presets that come next; they are shown by `_fill`."""
        now, self._waiting = self._waiting[:count], self._waiting[count:]
        for preset in now:
            card = Card(preset, self._scroll.widget())
            card.hide()
            card.clicked.connect(lambda _=False, card=card: self.preset_chosen.emit(card.preset.id))
            card.looked_at.connect(partial(self._look, card))
            if self._card_height:
                card.setFixedHeight(self._card_height)
            self._every.append(card)

    @property
    def cards(self) -> list[Card]:
        """Those that are shown, in the order of reading."""
        if self._waiting:
            self._add_cards(len(self._waiting))
            self._fill()
        return self._shown

    # choosing --------------------------------------------------------------------------------------------------------

    def show_chapter(self, chapter: str) -> None:
        """Only the cards of one chapter; an empty id shows all."""
        self._chapter = chapter
        self._choose()

    def refresh(self) -> None:
        """Show the recent files of now, and put the keyboard on the first card."""
        while (item := self._recent.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().deleteLater()
        paths = self._settings.recent
        if paths:
            self._recent.addWidget(_section("Recent files"))
        for path in paths:
            row = SideRow(path.name, "file", None, _when(path))
            row.setToolTip(str(path))
            row.clicked.connect(lambda _=False, path=path: self.file_chosen.emit(path))
            self._recent.addWidget(row)
        self._focus_first()

    def _focus_first(self) -> None:
        if self._shown and not self.search.hasFocus():
            self._shown[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose(self) -> None:
        """Show the cards of another chapter, mark or word."""
        self._add_cards(len(self._waiting))
        self._fill()

    def _fill(self) -> None:
        words = self.search.text()
        self._shown = [
            card
            for card in self._every
            if self._chapter in ("", card.preset.chapter)
            and self._chips.has(card.preset)
            and card.preset.matches(words)
        ]
        self._clear()  # a layout would ask all cards for their size whenever one of them comes or goes
        chosen_cards = set(self._shown)
        for card in self._every:
            card.setVisible(card in chosen_cards)
        self._none.setText(f"Nothing here matches “{words}”." if words else "No example here has that mark.")
        self._arrange()

    def _clear(self) -> None:
        while self._grid.takeAt(0) is not None:
            pass

    def _arrange(self) -> None:
        self._clear()
        self._none.setVisible(not self._shown)
        if not self._shown:
            self._grid.addWidget(self._none, 0, 0, 1, self._columns)
        for index, card in enumerate(self._shown):
            self._grid.addWidget(card, index // self._columns, index % self._columns)
        for column in range(MOST_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)
            self._grid.setColumnMinimumWidth(column, NARROWEST_CARD - 20 if column < self._columns else 0)

    def showEvent(self, event: QShowEvent) -> None:
        """The cards that are out of sight come, and get their words, when those in sight have been painted."""
        super().showEvent(event)
        if not self._every:
            self._add_cards(FIRST_CARDS)
            self._fill()
            self._grid.activate()  # the first picture comes before the event that would do it
            self._focus_first()
        self._left_to_do = self._rest_of_cards()
        QTimer.singleShot(LATER_MS, self, self._later.start)

    def _do_some(self) -> None:
        """A little of it between two events, so that nobody notices."""
        if next(self._left_to_do, None) is None:
            self._later.stop()

    def _rest_of_cards(self) -> Iterator[bool]:
        while self._waiting:
            self._add_cards(CARDS_AT_ONCE)
            if not self._waiting:
                self._fill()
            yield True
        for number, card in enumerate(self._every):
            card.dress()
            card.preset.look_up()
            if number % DRESSED_AT_ONCE == 0:
                yield True

    def _open_first(self) -> None:
        if self.cards:
            self.preset_chosen.emit(self.cards[0].preset.id)

    # live pictures ---------------------------------------------------------------------------------------------------

    def _look(self, card: Card, begins: bool) -> None:
        """Let the card that is looked at play, unless nothing is to move."""
        if begins and not self._settings["reduce_motion"]:
            self._rest()
            self._watched = card
            self.rehearsal.start(card.preset)
        elif not begins and card is self._watched:
            self._rest()

    def _rest(self) -> None:
        self.rehearsal.stop()
        if self._watched is not None:
            self._watched.show_scene(None)
            self._watched = None

    def _show_scene(self, scene: Scene) -> None:
        if self._watched is not None:
            self._watched.show_scene(scene)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing plays where nobody sees it."""
        super().hideEvent(event)
        self._rest()

    # keys and size ---------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as fit, at most four."""
        super().resizeEvent(event)
        side = SIDE_WIDTH if self.width() >= ROOM_FOR_SIDE else NARROW_SIDE
        self._side.setFixedWidth(side)
        self._sentence.setVisible(self.width() >= ROOM_FOR_WORDS)
        self._title.setText(TITLE if self.width() >= ROOM_FOR_WORDS else SHORT_TITLE)
        width = self.width() - side - 56
        self._chips.fit(width)
        columns = max(1, min(MOST_COLUMNS, width // NARROWEST_CARD))
        if columns != self._columns:
            self._columns = columns
            self._arrange()
        gaps = self._grid.spacing() * (columns - 1)
        # A layout with heights that hang on widths asks for too much of a scroll area, and gets a bar for nothing.
        self._card_height = card_height((width - gaps) // columns)
        for card in self._every:
            card.setFixedHeight(self._card_height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk the cards, / goes to the search, Escape empties it."""
        key = Qt.Key(event.key())
        if key in STEPS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self._walk(*STEPS[key])
        elif event.text() == "/":
            self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.search.selectAll()
        elif key == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
        else:
            super().keyPressEvent(event)

    def _walk(self, rows: int, columns: int) -> None:
        focused = next((index for index, card in enumerate(self.cards) if card.hasFocus()), None)
        if not self.cards:
            return
        target = 0 if focused is None else focused + rows * self._columns + columns
        if 0 <= target < len(self.cards):
            self.cards[target].setFocus(Qt.FocusReason.TabFocusReason)
            self._scroll.ensureWidgetVisible(self.cards[target], 0, 24)
        elif self.search.hasFocus() or focused is None:
            self.cards[0].setFocus(Qt.FocusReason.TabFocusReason)


class CardArea(QScrollArea):
    """Scrolls by wheel and by focus; arrows are for walking from card to card."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left to the gallery."""
        event.ignore()


def _section(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("level", "caption")
    label.setFont(current_theme().font("caption_strong"))
    label.setContentsMargins(12, 20, 0, 6)
    return label


def _sentence(before: str, key: str, after: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for text, level in ((before, "2"), (key, "key"), (after, "2")):
        label = QLabel(text)
        label.setProperty("level", level)
        row.addWidget(label)
    row.addStretch(1)
    return row


def _button(text: str, icon: str, kind: str, tip: str, act: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", kind)
    button.setToolTip(tip)
    button.setMinimumHeight(32)
    current_theme().set_icon(button, icon, "on_accent" if kind == "primary" else "text2")
    button.clicked.connect(act)
    return button


def _when(path: Path) -> str:
    """When a file was last written, in words."""
    written = datetime.fromtimestamp(path.stat().st_mtime)
    days = (datetime.now().date() - written.date()).days
    if days < 1:
        return f"today, {written:%H:%M}"
    return "yesterday" if days == 1 else f"{written:%A}" if days < 7 else f"{written:%d %B %Y}".lstrip("0")
