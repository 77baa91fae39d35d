"""Undo that means what I did, and a journal from which it can be brought back."""

import random

import numpy as np
import pytest

from app.editor import Editor, wire_id
from engine.document import Document
from engine.problems import ProblemError

TYPES = ("input", "dense", "scale", "multiply", "constant", "neuron", "target")


class RandomHand:
    """Makes one edit after the other; edits that the editor refuses leave no step and are simply not made."""

    def __init__(self, editor: Editor, seed: int) -> None:
        self.editor, self.chance = editor, random.Random(seed)
        self.verbs = [
            self.add, self.add, self.add, self.remove, self.bridge, self.connect, self.connect, self.connect,
            self.disconnect, self.move, self.drag, self.property, self.title, self.flag, self.frame, self.note,
            self.paste, self.duplicate, self.layout, self.insert, self.cut, self.document, self.values, self.link,
            self.rewire, self.mute,
        ]  # fmt: skip

    def edit(self) -> None:
        try:
            self.chance.choice(self.verbs)()
        except ProblemError:
            pass
        except IndexError:
            pass  # nothing there to choose from yet

    @property
    def graph(self):
        return self.editor.document.graph

    def nodes(self, most=4):
        names = list(self.graph.nodes)
        return self.chance.sample(names, min(len(names), self.chance.randint(1, most)))

    def wire(self):
        return self.chance.choice(self.graph.wires)

    def place(self):
        return self.chance.randint(-500, 500), self.chance.randint(-500, 500)

    def ports(self, side):
        found = [f"{node.id}.{port.name}" for node in self.graph for port in getattr(node.kind, side)]
        return self.chance.choice(found)

    def add(self):
        source = self.ports("outputs") if self.graph.nodes and self.chance.random() < 0.5 else None
        self.editor.add_node(self.chance.choice(TYPES), self.place(), wire_from=source)

    def remove(self):
        self.editor.remove(self.nodes(2))

    def bridge(self):
        self.editor.remove_and_reconnect(self.nodes(1))

    def connect(self):
        self.editor.connect_ports(self.ports("outputs"), self.ports("inputs"))

    def disconnect(self):
        wire = self.wire()
        self.editor.disconnect_ports(wire.source, wire.target)

    def rewire(self):
        wire = self.wire()
        self.editor.rewire(wire.source, wire.target, wire.source, self.ports("inputs"))

    def mute(self):
        wire = self.wire()
        self.editor.set_wires_muted([wire_id(wire)], not wire.muted)

    def move(self):
        self.editor.move(self.nodes(), *self.place())

    def drag(self):
        gesture, nodes = self.editor.new_gesture(), self.nodes()
        for _ in range(3):
            self.editor.move(nodes, *self.place(), gesture=gesture)

    def property(self):
        gesture = self.editor.new_gesture()
        node = self.graph.nodes[self.nodes(1)[0]]
        name = self.chance.choice(list(node.kind.properties()))
        for value in (self.chance.randint(1, 9), self.chance.randint(1, 9)):
            self.editor.set_property(node.id, name, value, gesture)

    def title(self):
        self.editor.set_title(self.nodes(1)[0], f"h {self.chance.randint(0, 9)}")

    def flag(self):
        self.editor.toggle_flag(
            self.nodes(), self.chance.choice(["muted", "bypassed", "frozen", "collapsed", "opened", "pinned"])
        )

    def frame(self):
        self.editor.add_frame(self.nodes())

    def note(self):
        self.editor.add_note(self.place(), "look here")

    def paste(self):
        self.editor.paste(self.editor.copy_text(self.nodes()), self.place(), keep_wires=self.chance.random() < 0.5)

    def duplicate(self):
        self.editor.duplicate(self.nodes(2))

    def layout(self):
        self.editor.layout(self.nodes(20))

    def insert(self):
        wire = self.wire()
        self.editor.insert_node(self.nodes(1)[0], wire.source, wire.target, (3, 4))

    def cut(self):
        self.editor.cut([wire_id(self.wire()), wire_id(self.wire())])

    def document(self):
        self.editor.set_attribute("title", f"title {self.chance.randint(0, 9)}")

    def values(self):
        key = f"{self.nodes(1)[0]}.weight"
        self.editor.set_values({key: np.full(3, self.chance.random())}, {key: np.zeros(3)})

    def link(self):
        self.editor.connect_selected(self.nodes(4))


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_random_edits_undone_and_redone_give_identical_documents(editor, seed):
    hand, states = RandomHand(editor, seed), [editor.document.to_json()]
    while editor.stack.count() < 1000:
        before = editor.stack.count()
        hand.edit()
        if len(editor.document.graph.nodes) > 60:
            editor.remove(list(editor.document.graph.nodes)[:30])
        if editor.stack.count() > before:
            del states[before + 1 :]
            states.extend([None] * (editor.stack.count() - len(states)))
            states.append(editor.document.to_json())
    final = editor.document.to_json()
    for index in range(editor.stack.count() - 1, -1, -1):
        editor.stack.undo()
        if states[index] is not None:
            assert editor.document.to_json() == states[index], editor.stack.text(index)
    assert editor.document.graph.nodes == {} and editor.document.graph.wires == []
    while editor.stack.canRedo():
        editor.stack.redo()
    assert editor.document.to_json() == final


@pytest.mark.parametrize("seed", range(3))
def test_a_journal_of_random_edits_with_undo_and_redo_rebuilds_document_and_history(editor, book, seed):
    editor.journal = book
    _work(editor, seed, 300)
    twin = Editor(Document())
    assert twin.replay(book.entries) == []
    assert twin.document.to_json() == editor.document.to_json()
    assert (twin.stack.count(), twin.stack.index()) == (editor.stack.count(), editor.stack.index())
    twin.stack.setIndex(0)
    assert twin.document.graph.nodes == {}


@pytest.mark.parametrize("seed", range(3))
def test_a_journal_begun_in_the_middle_rebuilds_what_follows_though_older_edits_are_undone(editor, book, seed):
    _work(editor, seed, 60)
    base = Document.from_json(editor.document.to_json())
    editor.journal = book
    _work(editor, seed + 100, 200, undoing=0.5)
    twin = Editor(base)
    assert twin.replay(book.entries) == []
    assert twin.document.to_json() == editor.document.to_json()


def _work(editor, seed, edits, undoing=0.25):
    hand, chance = RandomHand(editor, seed), random.Random(seed)
    for _ in range(edits):
        if chance.random() < undoing:
            editor.stack.setIndex(max(0, editor.stack.index() - chance.randint(1, 3)))
        elif chance.random() < 0.2:
            editor.stack.redo()
        elif chance.random() < 0.05:
            editor.mark_saved()
        else:
            hand.edit()


def test_a_journal_that_breaks_off_brings_back_what_came_before(chain, book):
    chain.journal = book
    chain.set_title("dense_1", "first")
    chain.set_title("dense_1", "second")
    twin = Editor(Document.from_json({**chain.document.to_json()}))
    twin.document.graph.nodes["dense_1"].title = "hidden"
    problems = twin.replay([book.entries[0], {"do": "set_title", "delta": {"nodes": 3}}, book.entries[1]])
    assert twin.document.graph.nodes["dense_1"].title == "first"
    assert len(problems) == 1 and "entry 2" in problems[0].fact


def test_the_steps_of_one_drag_are_one_entry_and_two_drags_are_two(chain):
    start = chain.document.graph.nodes["dense_1"].position
    for _ in range(2):
        gesture = chain.new_gesture()
        for _ in range(5):
            chain.move(["dense_1"], 4, 0, gesture)
    assert chain.stack.count() == 2
    chain.stack.undo()
    assert chain.document.graph.nodes["dense_1"].position == (start[0] + 20, start[1])


def test_an_edit_that_changes_nothing_leaves_no_step(chain):
    chain.move(["dense_1"], 0, 0)
    chain.set_title("dense_1", "hidden")
    chain.set_attribute("title", chain.document.title)
    assert chain.stack.count() == 0


def test_every_edit_is_told_exactly_once(chain):
    told = []
    chain.changed.connect(told.append)
    chain.remove(["dense_1", "dense_2"])
    chain.stack.undo()
    chain.stack.redo()
    assert [sorted(change.kinds) for change in told] == [
        ["node_removed", "wire_removed"], ["node_added", "wire_added"], ["node_removed", "wire_removed"],
    ]  # fmt: skip
