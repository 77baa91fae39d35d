"""A hand on mouse and keyboard over the canvas of the real window; places are points of the scene."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


class Hand:
    """Presses, drags and types as a person does, by events that Qt delivers."""

    def __init__(self, view):
        self.view = view

    def _send(self, kind, point, button, held, modifiers):
        position = QPointF(self.view.mapFromScene(point))
        event = QMouseEvent(kind, position, self.view.viewport().mapToGlobal(position), button, held, modifiers)
        QApplication.sendEvent(self.view.viewport(), event)

    def press(self, point, button=LEFT, modifiers=NONE):
        self._send(QEvent.Type.MouseButtonPress, point, button, button, modifiers)

    def move(self, point, button=LEFT, modifiers=NONE):
        self._send(QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton, button, modifiers)

    def release(self, point, button=LEFT, modifiers=NONE):
        self._send(QEvent.Type.MouseButtonRelease, point, button, Qt.MouseButton.NoButton, modifiers)

    def click(self, point, button=LEFT, modifiers=NONE):
        self.press(point, button, modifiers)
        self.release(point, button, modifiers)

    def double_click(self, point):
        self.click(point)
        self._send(QEvent.Type.MouseButtonDblClick, point, LEFT, LEFT, NONE)
        self.release(point)

    def drag(self, begin, end, button=LEFT, modifiers=NONE, steps=4, drop=True):
        """From one point to another; without `drop` the button stays down."""
        self.press(begin, button, modifiers)
        for at in range(1, steps + 1):
            self.move(begin + (end - begin) * (at / steps), button, modifiers)
        if drop:
            self.release(end, button, modifiers)

    def key(self, key, modifiers=NONE, widget=None):
        QTest.keyClick(widget or self.view, key, modifiers)

    def type(self, widget, text, end=Qt.Key.Key_Return):
        """Text into a field, and the key that ends it."""
        for letter in text:
            if letter.isascii():
                QTest.keyClick(widget, letter)
            else:  # QTest knows no key for it, and aborts
                QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, 0, NONE, letter))
        QTest.keyClick(widget, end)

    def node(self, name):
        """A point in the header of a node, away from ports and fields."""
        item = self.view.canvas.nodes[name]
        area = self.view.canvas.area_of(name)
        return item.centre if item.geometry.circle is not None else area.topLeft() + QPointF(50, 14)

    def ports(self, inputs):
        """Places of all input ports, or of all output ports."""
        items = self.view.canvas.nodes.values()
        return [item.pos() + port.point for item in items for port in item.ports if port.is_input == inputs]

    def fields(self):
        """Places of the numbers that can be dragged on nodes."""
        items = self.view.canvas.nodes.values()
        return [item.pos() + row.box.center() for item in items for row in item.geometry.fields if row.text is not None]
