"""A whole preset by keys alone: from the empty canvas to a saved file that is sound and trains. No mouse, no method."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox

from app.cli import main
from engine.document import Document
from engine.session import Session

KEY = Qt.Key
NONE, CONTROL, SHIFT, ALT = (
    getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("No", "Control", "Shift", "Alt")
)


class Keyboard:
    """Presses keys wherever the keyboard is; what it reads it reads off the window."""

    def __init__(self, window, bot):
        self.window, self.bot = window, bot

    @property
    def focused(self):
        return QApplication.focusWidget()

    def press(self, key, keys=NONE, times=1):
        for _ in range(times):
            QTest.keyClick(self.focused or self.window, key, keys)

    def write(self, text, end=KEY.Key_Return):
        QTest.keyClicks(self.focused, text)
        self.press(end)

    def walk_to(self, name, most=60):
        """Tab until the field of that name has the keyboard."""
        for _ in range(most):
            if self.focused.accessibleName() == name:
                return
            self.press(KEY.Key_Tab)
        raise AssertionError(f"no Tab leads to {name}")

    def choose(self, name, wanted):
        """An entry of a box: opened, walked by arrows, taken with Enter."""
        self.walk_to(name)
        box = self.focused
        assert isinstance(box, QComboBox)
        at = box.findText(wanted)
        assert at >= 0, [box.itemText(row) for row in range(box.count())]
        self.press(KEY.Key_Down, ALT)
        for key in (KEY.Key_Home, *[KEY.Key_Down] * at, KEY.Key_Return):
            QTest.keyClick(box.view(), key)
        # Offscreen there is no window manager, which gives the keyboard back when a list closes.
        self.window.activateWindow()
        self.bot.waitUntil(lambda: self.focused is box)

    def port(self, name):
        """Tab on the canvas until a port of the selected node has the keyboard."""
        canvas = self.window.workspace.canvas
        for _ in range(12):
            if canvas.hand.port is not None and canvas.hand.port.partition(".")[2] == name:
                return
            self.press(KEY.Key_Tab)
        raise AssertionError(f"no Tab leads to the port {name}")

    def add(self, words):
        """A node through the search box; behind a port that has the keyboard it arrives wired."""
        self.press(KEY.Key_A, SHIFT)
        self.write(words)

    def add_layer(self, units, activation):
        """A dense layer with its properties, and back to the canvas."""
        self.add("dense")
        self.press(KEY.Key_I, CONTROL)
        self.walk_to("units")
        self.press(KEY.Key_A, CONTROL)
        self.write(units)
        self.choose("activation", activation)
        self.press(KEY.Key_F6)


@pytest.fixture
def keyboard(window, qtbot):
    window.activateWindow()
    window.setFocus()
    return Keyboard(window, qtbot)


def test_a_preset_is_built_wired_stepped_and_saved_by_keys_alone(qtbot, window, keyboard, tmp_path, monkeypatch):
    path = tmp_path / "by-keys.json"
    monkeypatch.setattr(window.files, "ask_save", lambda suggestion: path)  # the system's dialog has keys of its own
    keyboard.press(KEY.Key_N, CONTROL)
    qtbot.waitUntil(lambda: window.has_document and keyboard.focused is window.workspace.canvas)
    graph = window.editor.document.graph

    keyboard.press(KEY.Key_T, CONTROL | SHIFT)
    keyboard.choose("data", "XOR")
    assert window.editor.document.data["train"]["name"] == "xor"

    keyboard.press(KEY.Key_F6)
    keyboard.add("input")
    keyboard.port("value")
    keyboard.add_layer("4", "tanh")
    keyboard.port("h")
    keyboard.add_layer("1", "sigmoid")
    keyboard.port("h")
    keyboard.add("binary cross")
    keyboard.port("target")
    keyboard.add("target")
    assert [node.type for node in graph] == ["input", "dense", "dense", "binary_cross_entropy", "target"]
    assert len(graph.wires) == 4

    keyboard.press(KEY.Key_Z, CONTROL)
    keyboard.press(KEY.Key_Z, CONTROL | SHIFT)
    keyboard.press(KEY.Key_L)

    keyboard.press(KEY.Key_T, CONTROL)
    keyboard.choose("minimise", next(node.id for node in graph if node.type == "binary_cross_entropy"))
    keyboard.press(KEY.Key_F6)
    canvas = window.workspace.canvas
    keyboard.press(KEY.Key_Right)
    qtbot.waitUntil(lambda: getattr(canvas.canvas.numbers.snapshot, "last_step", None) is not None)
    keyboard.press(KEY.Key_Right, SHIFT)
    qtbot.waitUntil(lambda: canvas.canvas.numbers.snapshot.iteration == 1)
    keyboard.press(KEY.Key_S, CONTROL)
    qtbot.waitUntil(path.exists)
    assert not window.files.is_modified

    assert main(["check", str(path)]) == 0
    document = Document.load(path)
    session = Session(document)
    session.run(1)
    first = session.loss
    session.run(400)
    assert session.problem is None and session.loss < first
