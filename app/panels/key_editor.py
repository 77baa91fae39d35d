"""Giving commands other keys: one by one, or all as another editor has them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.commands import Commands, key_text
from app.keymap import PRESETS, Keys, sound, with_key
from app.panels.overlay import Overlay
from app.settings import Settings

SIZE = (620, 560)
OWN = "Your own"


class KeyEditor(Overlay):
    """A list of all commands with their keys; what is pressed in the field becomes the first key of the marked one."""

    def __init__(self, window: QWidget, commands: Commands, settings: Settings) -> None:
        super().__init__(window)
        self._commands, self._settings = commands, settings
        self.told = QLabel()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(10)
        title = QLabel("Change keys")
        title.setProperty("level", "heading")
        self.preset = QComboBox()
        self.preset.setAccessibleName("Keys as in")
        self.preset.addItems([*PRESETS, OWN])
        self.preset.activated.connect(self._take_preset)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(QLabel("Keys as in"))
        head.addWidget(self.preset)
        self.words = QLineEdit(placeholderText="Find a command")
        self.words.setAccessibleName("Find a command")
        self.words.textChanged.connect(self._fill)
        self.list = QTreeWidget()
        self.list.setHeaderLabels(["Command", "Keys"])
        self.list.setRootIsDecorated(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.list.currentItemChanged.connect(lambda *_: self.told.clear())
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        self.keys.setAccessibleName("New key")
        self.take, self.back = QPushButton("Set this key"), QPushButton("As it came")
        self.take.clicked.connect(self._take)
        self.back.clicked.connect(self._take_back)
        row = QHBoxLayout()
        row.addWidget(QLabel("Press a key:"))
        row.addWidget(self.keys)
        row.addWidget(self.take)
        row.addWidget(self.back)
        self.told.setProperty("level", "2")
        self.told.setWordWrap(True)
        column.addLayout(head)
        column.addWidget(self.words)
        column.addWidget(self.list)
        column.addLayout(row)
        column.addWidget(self.told)

    def open(self) -> None:
        """Filled anew: commands can come and go."""
        self.words.clear()
        self.told.clear()
        self._fill()
        super().open()

    def place(self) -> None:
        """In the middle."""
        window = self.parentWidget()
        width, height = min(SIZE[0], window.width() - 32), min(SIZE[1], window.height() - 32)
        self.setGeometry(QRect((window.width() - width) // 2, (window.height() - height) // 2, width, height))

    def take_focus(self) -> None:
        """Typing finds a command."""
        self.words.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def marked(self) -> str:
        """The id of the command that a key would go to; empty where none is marked."""
        item = self.list.currentItem()
        return str(item.data(0, Qt.ItemDataRole.UserRole)) if item is not None else ""

    def _fill(self) -> None:
        marked = self.marked
        self.list.clear()
        for command in self._commands.search(self.words.text()):
            if not command.fixed:
                keys = "   ".join(key_text(key) for key in command.shortcuts)
                item = QTreeWidgetItem([self._commands.title(command.id).removesuffix("…"), keys])
                item.setData(0, Qt.ItemDataRole.UserRole, command.id)
                self.list.addTopLevelItem(item)
                if command.id == marked:
                    self.list.setCurrentItem(item)
        if not self.marked and (first := self.list.topLevelItem(0)) is not None:
            self.list.setCurrentItem(first)
        chosen = sound(self._settings["keys"])
        self.preset.setCurrentText(next((name for name, table in PRESETS.items() if table == chosen), OWN))

    def _take(self) -> None:
        key = self.keys.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        if not key or not self.marked:
            self.told.setText("Press the new key in the field first.")
            return
        name = self.marked
        if any(key in command.shortcuts for command in self._commands if command.fixed):
            self.told.setText(f"{key_text(key)} plays and pauses in every player, and stays so.")
            return
        chosen, owner = with_key(self._commands.defaults, sound(self._settings["keys"]), name, key)
        self._choose(chosen)
        lost = f" “{self._commands.title(owner)}” has it no more." if owner else ""
        self.told.setText(f"{key_text(key)} is “{self._commands.title(name)}” now.{lost}")
        self.keys.clear()

    def _take_back(self) -> None:
        chosen = sound(self._settings["keys"])
        chosen.pop(self.marked, None)
        self._choose(chosen)

    def _take_preset(self, _: int) -> None:
        if self.preset.currentText() in PRESETS:
            self._choose(PRESETS[self.preset.currentText()])

    def _choose(self, chosen: Mapping[str, Keys]) -> None:
        self._settings["keys"] = {name: list(keys) for name, keys in chosen.items()}
        self._commands.rebind(chosen)
        self._fill()
