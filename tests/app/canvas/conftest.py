from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.canvas import CanvasView, SearchBox
from app.editor import Editor
from engine.document import Document
from engine.graph import Graph
from engine.snapshot import read
from tests.app.hand import Hand as AnyHand

LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier


class Hand(AnyHand):
    """A hand over one canvas alone, which also finds its ports and labels by name."""

    def type(self, text, enter=True):
        """Text into whatever has the focus."""
        widget = QApplication.focusWidget()
        QTest.keyClicks(widget, text)
        if enter:
            QTest.keyClick(widget, Qt.Key.Key_Return)

    def port(self, address):
        item = self.view.canvas.nodes[address.partition(".")[0]]
        return item.pos() + item.port(address).point

    def label(self, wire):
        return self.view.canvas.labels[wire].pos()


def reading(numbers, state="current"):
    return read(np.array(numbers, float), state)


@pytest.fixture
def snapshot_of():
    """Makes a snapshot by hand: values, gradients and parameters as nested lists by address."""

    def make(
        values=(), gradients=(), parameters=(), *, step=None, iteration=1, revision=10**6, problem=None, previous=()
    ):
        tables = [
            {key: reading(n) for key, n in dict(table).items()} for table in (values, gradients, parameters, previous)
        ]
        last = SimpleNamespace(index=1, node=step[0], part=step[1], phase="main") if step else None
        return SimpleNamespace(
            revision=revision, iteration=iteration, epoch=0, last_step=last, next_step=None, steps=(), values=tables[0],
            gradients=tables[1], parameters=tables[2], previous_parameters=tables[3], problem=problem,
            explanation=None, stepped=None,
        )  # fmt: skip

    return make


def drawn_document():
    graph = Graph()
    graph.add("input", title="data", shape=[2], position=(0, 0))
    graph.add("dense", title="hidden", units=3, activation="tanh", position=(280, 0))
    graph.add("dense", title="output", units=1, activation="sigmoid", position=(580, 0))
    graph.add("target", title="wanted", shape=[1], position=(580, 260))
    graph.connect("input_1.value", "dense_1.x")
    graph.connect("dense_1.h", "dense_2.x")
    return Document(graph, data="xor")


def neuron_document():
    graph = Graph()
    graph.add("input", title="x_1", columns=[0], position=(0, 0))
    graph.add("input", title="x_2", columns=[1], position=(0, 160))
    graph.add("neuron", title="h", activation="tanh", position=(260, 60))
    graph.connect("input_1.value", "neuron_1.x")
    graph.connect("input_2.value", "neuron_1.x")
    return Document(graph, data="xor")


def make_view(qtbot, document):
    SearchBox.recent.clear()
    view = CanvasView(Editor(document))
    qtbot.addWidget(view)
    view.reduced_motion = True
    view.resize(1100, 700)
    view.show()
    qtbot.waitExposed(view)
    view.activateWindow()
    view.setFocus()
    with qtbot.waitSignal(view.editor.problems_changed, timeout=20000):
        view.editor.check()
    view.zoom_by(1 / view.zoom)
    view.centre_at(view.canvas.content_area().center())
    return view


@pytest.fixture
def view(qtbot):
    """A canvas at full size: data -> hidden -> output, and a target with a free output."""
    return make_view(qtbot, drawn_document())


@pytest.fixture
def neurons(qtbot):
    """A canvas with one neuron of two inputs."""
    return make_view(qtbot, neuron_document())


@pytest.fixture
def hand(view):
    return Hand(view)


@pytest.fixture
def hand_on_neurons(neurons):
    return Hand(neurons)
