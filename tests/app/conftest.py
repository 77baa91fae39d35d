"""What the tests of the window share: a document that trains, a theme, a runner that is always closed."""

import gc
import json

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import library
from app.recovery import Keeper
from app.runner import Runner
from app.settings import Settings
from app.theme import current_theme
from app.window import MainWindow
from engine.document import Document
from engine.graph import Graph

PATIENCE_MS = 60_000  # kernels compile on first use, and the machine may be busy; nobody waits longer than needed


class PatientBot(QtBot):
    """Waits for what has to happen, not for a time that a slow machine misses, and keeps what it was given.

    pytest-qt holds widgets weakly. A window in a cycle of garbage then died of a collection that its own painting set off
    after the test had returned, and the process with it: the paint engine was gone under the painter.
    """

    def __init__(self, request):
        super().__init__(request)
        self._kept = []

    def addWidget(self, widget, **options):
        self._kept.append(widget)
        super().addWidget(widget, **options)

    def waitUntil(self, callback, *, timeout=PATIENCE_MS):
        return super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal, *, timeout=PATIENCE_MS, **options):
        return super().waitSignal(signal, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp, request):
    return PatientBot(request)


@pytest.fixture(autouse=True, scope="module")
def collection_between_files(qapp):
    """What the tests of a file leave behind goes when all of them are done, and Qt has deleted what it was to delete."""
    yield
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


@pytest.fixture(autouse=True)
def no_collection_within_tests(request, monkeypatch):
    """Windows of former tests are not collected in the middle of another's waiting: a worker died of it now and then."""
    if request.module.__name__.endswith("test_collection"):
        rare = gc.get_threshold()
        gc.set_threshold(700, 10, 10)  # as Python has it where a window is
        yield
        gc.set_threshold(*rare)
        return
    monkeypatch.setattr("app.collection.EVERY_MS", 10**8)
    gc.disable()
    yield
    gc.disable()


@pytest.fixture(scope="session")
def dressed(qapp):
    """The application in its style sheet: putting it on again styles every widget that is still about anew."""
    found = current_theme()
    found.apply(qapp)
    return found


@pytest.fixture(autouse=True)
def theme(dressed):
    dressed.set_scheme("dark")
    return dressed


@pytest.fixture
def document():
    """XOR by four tanh units: ten steps an iteration."""
    graph = Graph()
    x = graph.add("input", id="input_1", shape=(2,), position=(0, 0))
    hidden = graph.add("dense", id="hidden", title="hidden", units=4, activation="tanh", position=(240, 0))
    output = graph.add("dense", id="output", title="output", units=1, activation="sigmoid", position=(520, 0))
    target = graph.add("target", id="target_1", shape=(1,), position=(520, 240))
    loss = graph.add("binary_cross_entropy", id="loss", title="loss", position=(800, 0))
    graph.connect(x, hidden)
    graph.connect(hidden, output)
    graph.connect(output, loss["prediction"])
    graph.connect(target, loss["target"])
    training = {"loss": "loss", "optimizer": {"type": "adam", "learning_rate": 0.05}, "batch_size": 4, "seed": 0}
    return Document(graph, "xor", training, id="xor", title="XOR needs a hidden layer")


@pytest.fixture
def runner(qapp):
    """A runner whose thread does not outlive the test."""
    made = Runner()
    yield made
    made.close()
    assert not made.is_alive


@pytest.fixture
def shelf(tmp_path, monkeypatch, document):
    """A gallery of three presets in two chapters, one with a tour."""
    folder = tmp_path / "presets"
    (folder / "basics").mkdir(parents=True)
    (folder / "backpropagation").mkdir()
    contents = {
        "default": "xor",
        "chapters": [
            {"id": "backpropagation", "title": "The chain rule, by hand", "icon": "square-function"},
            {"id": "basics", "title": "Neural network basics", "icon": "network", "presets": ["moons", "xor"]},
        ],
    }
    (folder / "chapters.json").write_text(json.dumps(contents), encoding="utf-8")
    document.question = "Why can one neuron not do it?"
    document.tour = [
        {"title": "Four points", "text": "Two of each kind.", "show": "hidden", "press": "Right"},
        {"title": "Let it run", "text": "Watch the loss.", "show": "player", "press": "Space"},
        {"title": "Done", "text": "Now change something.", "show": "canvas"},
    ]
    document.save(folder / "basics" / "xor.json")
    moons = document.copy()
    moons.id, moons.title, moons.tour, moons.data = "moons", "Two moons", [], {"train": {"name": "moons"}}
    moons.save(folder / "basics" / "moons.json")
    graph = Graph()
    graph.add("input", id="x", shape=(1,))
    graph.add("dense", id="line", units=1)
    graph.connect("x", "line")
    ladder = Document(graph, id="ladder", title="A ladder", question="What is multiplied?", references=["a book"])
    ladder.save(folder / "backpropagation" / "ladder.json")
    monkeypatch.setattr(library, "files", lambda package: folder)
    caches = (library.presets, library.chapters, library._contents)
    for cache in caches:
        cache.cache_clear()
    yield folder
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "settings.json")


@pytest.fixture
def window(qtbot, shelf, settings, tmp_path):
    """The real window on the gallery, with a home of its own; it is closed whatever the test left in it."""
    made = MainWindow(settings, Keeper(tmp_path / "journals"))
    reports = []
    made.runner.crashed.connect(reports.append)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    yield made
    assert not reports, reports[0]
    made.files.ask_unsaved = lambda: "discard"
    made.close()
    assert not made.runner.is_alive
    made.deleteLater()


@pytest.fixture
def opened(qtbot, window):
    """The window with XOR open and its first snapshot shown, the tour put away."""
    with qtbot.waitSignal(window.runner.snapshot_ready):
        window.files.open_preset("xor")
    window.tour.stop()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is window.workspace.canvas)
    return window
