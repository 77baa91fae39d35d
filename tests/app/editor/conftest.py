import pytest

from app.editor import Editor
from engine.document import Document


@pytest.fixture
def editor(qapp):
    """An editor of an empty document."""
    return Editor(Document())


@pytest.fixture
def chain(editor):
    """data -> hidden -> output, and a loss with its target; the history is empty."""
    data = editor.add_node("input", (0, 0), title="data", properties={"shape": [2]})
    hidden = editor.add_node("dense", (240, 0), wire_from=f"{data}.value", title="hidden")
    output = editor.add_node("dense", (480, 0), wire_from=f"{hidden}.h", title="output", properties={"units": 1})
    target = editor.add_node("target", (480, 240), title="wanted", properties={"shape": [1]})
    loss = editor.add_node("binary_cross_entropy", (720, 0), wire_from=f"{output}.h", title="loss")
    editor.connect_ports(f"{target}.value", f"{loss}.target")
    editor.stack.clear()
    return editor


class Book:
    """A journal in memory that takes only what JSON can say."""

    def __init__(self):
        self.entries = []

    def append(self, entry):
        import json

        self.entries.append(json.loads(json.dumps(entry, allow_nan=False)))


@pytest.fixture
def book():
    return Book()
