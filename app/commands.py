"""Every command of the window in one place: menus, tooltips, the command search and the sheet of keys read it here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from app.keymap import Keys, bound
from app.theme import current_theme


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can do.

    shortcuts  Qt's words for keys; the first is the one that is shown
    menu       the menu it stands in; empty: only the command search knows it
    submenu    a menu within that one
    handled    the keys are read elsewhere (canvas, player): shown here, not bound twice
    """

    id: str
    title: str
    run: Callable[[], object]
    menu: str = ""
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    enabled: Callable[[], bool] | None = None
    checked: Callable[[], bool] | None = None
    handled: bool = False
    separated: bool = False  # a line above it in its menu
    submenu: str = ""
    fixed: bool = False  # its keys cannot be changed

    @property
    def key(self) -> str:
        """The key as people read it: `Ctrl+K`, `→`; empty where there is none."""
        return key_text(self.shortcuts[0]) if self.shortcuts else ""


ARROWS = {"Right": "→", "Left": "←", "Up": "↑", "Down": "↓", "Return": "Enter", "Escape": "Esc", "Del": "Delete"}


def key_text(shortcut: str) -> str:
    """A shortcut with arrows instead of words, in the words of the system."""
    text = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    head, plus, last = text.rpartition("+")
    return f"{head}{plus}{ARROWS.get(last, last)}"


class Commands(QObject):
    """The commands by id, each with its QAction."""

    performed = Signal(str)
    rebound = Signal()  # commands have other keys now

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.defaults: dict[str, Keys] = {}  # the keys that commands came with
        self._commands: dict[str, Command] = {}
        self._actions: dict[str, QAction] = {}

    def add(self, command: Command) -> QAction:
        """Take a command in. Two of one id, or two that bind one key, are a mistake of the programmer."""
        bound = {key for other in self if not other.handled for key in other.shortcuts}
        if command.id in self._commands or (not command.handled and bound & set(command.shortcuts)):
            raise ValueError(f"the command {command.id!r} or one of its keys {command.shortcuts} is taken")
        action = QAction(_menu_text(command, command.title), self)
        action.setObjectName(command.id)
        action.setCheckable(command.checked is not None)
        if not command.handled:
            action.setShortcuts([QKeySequence(shortcut) for shortcut in command.shortcuts])
        action.setToolTip(tooltip(command.title, command.key))
        action.triggered.connect(lambda: self._perform(command))
        self._commands[command.id], self._actions[command.id] = command, action
        self.defaults[command.id] = command.shortcuts
        return action

    def rebind(self, chosen: Mapping[str, Sequence[str]]) -> None:
        """Give commands the keys that a person chose (by id), and the others those they came with."""
        for name, keys in bound(self.defaults, chosen).items():
            command, action = self._commands[name], self._actions[name]
            if keys == command.shortcuts or command.fixed:
                continue
            title = self.title(name)
            self._commands[name] = replace(command, shortcuts=keys)
            if not command.handled:
                action.setShortcuts([QKeySequence(key) for key in keys])
            self.rename(name, title)
        self.rebound.emit()

    def _perform(self, command: Command) -> None:
        command.run()
        self.refresh()
        self.performed.emit(command.id)

    def run(self, command_id: str) -> None:
        """Do it, if it can be done now."""
        self.refresh()
        self._actions[command_id].trigger()

    def action(self, command_id: str) -> QAction:
        """The action of a command, for whoever shows it: its icon is drawn now, not while the window starts."""
        command, action = self._commands[command_id], self._actions[command_id]
        if command.icon and command.checked is None and action.icon().isNull():
            current_theme().set_icon(action, command.icon)
        return action

    def is_enabled(self, command_id: str) -> bool:
        """Whether it could be done when that was last asked."""
        return self._actions[command_id].isEnabled()

    def title(self, command_id: str) -> str:
        """What a command is called at the moment."""
        return self._actions[command_id].text().partition("\t")[0].replace("&", "")

    def rename(self, command_id: str, title: str) -> None:
        """Say what the command would do now: “Undo Set units”."""
        action = self._actions[command_id]
        action.setText(_menu_text(self._commands[command_id], title))
        action.setToolTip(tooltip(title, self._commands[command_id].key))

    def tooltip(self, command_id: str) -> str:
        """Title and key of a command."""
        return self._actions[command_id].toolTip()

    def refresh(self) -> None:
        """Ask every command whether it can be done, and whether it is on."""
        for command_id, command in self._commands.items():
            action = self._actions[command_id]
            if command.enabled is not None:
                action.setEnabled(command.enabled())
            if command.checked is not None:
                action.setChecked(command.checked())

    def search(self, text: str) -> list[Command]:
        """Commands whose title holds every word, best first: those that begin so, then in their order."""
        words = text.lower().split()
        found = [command for command in self if all(word in self._hay(command) for word in words)]
        start = words[0] if words else ""
        return sorted(found, key=lambda command: not self.title(command.id).lower().startswith(start))

    def _hay(self, command: Command) -> str:
        return f"{self.title(command.id)} {command.menu} {command.key}".lower()

    def __getitem__(self, command_id: str) -> Command:
        return self._commands[command_id]

    def __iter__(self) -> Iterator[Command]:
        return iter(list(self._commands.values()))


def _menu_text(command: Command, title: str) -> str:
    """Qt writes only bound keys into a menu; what stands behind a tab goes to the same column."""
    return f"{title}\t{command.key}" if command.handled and command.key else title


def tooltip(title: str, key: str) -> str:
    """What a control says of itself: `Play  (Space)`."""
    plain = title.replace("&", "").removesuffix("…")
    return f"{plain}  ({key})" if key else plain
