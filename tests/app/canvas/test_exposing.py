"""What a composite shows of its inside, and what it is called: by key, by menu, in the inspector."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.panels.inspector import Inspector
from engine.composites import composite_of
from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.conftest import Hand, make_view
from tests.app.hand import CONTROL


def two_blocks():
    """Two uses of one residual block, one after the other."""
    graph = Graph()
    x, a, b = (
        graph.add("input", shape=(4,), position=(0, 0)), graph.add("residual_block", position=(300, 0)),
        graph.add("residual_block", position=(600, 0)),
    )  # fmt: skip
    graph.connect(x, a)
    graph.connect(a, b)
    return Document(graph)


@pytest.fixture
def blocks(qtbot):
    return make_view(qtbot, two_blocks())


@pytest.fixture
def over_blocks(blocks):
    return Hand(blocks)


def choose(view, text):
    action = next(action for action in view.menu.actions() if action.text().startswith(text))
    view.menu.setActiveAction(action)
    QTest.keyClick(view.menu, Qt.Key.Key_Return)


def use(view, name):
    return view.editor.document.graph.nodes[name]


def test_a_property_within_is_shown_at_the_uses_and_each_has_its_own_value(blocks, over_blocks):
    before = blocks.editor.document.to_json()
    blocks.editor.enter("residual_block_1")
    over_blocks.click(over_blocks.node("first"))
    over_blocks.key(Qt.Key.Key_E, CONTROL)
    choose(blocks, "activation")
    assert blocks.editor.stack.count() == 1
    assert blocks.editor.stack.undoText().startswith("Show activation of first layer on ")
    outer = blocks.editor.exposed_as("first", "activation")
    blocks.editor.leave()
    blocks.editor.set_property("residual_block_2", outer, "tanh")
    assert "tanh" not in use(blocks, "residual_block_1").properties.values()
    assert use(blocks, "residual_block_2").properties[outer] == "tanh"
    assert composite_of(use(blocks, "residual_block_2")).kind.properties()[outer].default != "tanh"
    again = Document.from_json(blocks.editor.document.to_json())
    assert again.graph.nodes["residual_block_2"].properties[outer] == "tanh"
    blocks.editor.stack.undo()
    blocks.editor.stack.undo()
    assert blocks.editor.document.to_json() == before


def test_kept_within_again_it_has_the_value_of_the_use_that_was_entered(blocks, over_blocks):
    blocks.editor.enter("residual_block_1")
    blocks.editor.toggle_exposed("first", "activation")
    outer = blocks.editor.exposed_as("first", "activation")
    blocks.editor.leave()
    blocks.editor.set_property("residual_block_2", outer, "tanh")
    shown = blocks.editor.document.to_json()
    blocks.editor.enter("residual_block_2")
    over_blocks.click(over_blocks.node("first"))
    over_blocks.key(Qt.Key.Key_E, CONTROL)
    choose(blocks, "activation")
    assert blocks.editor.exposed_as("first", "activation") == ""
    assert blocks.editor.shown.graph.nodes["first"].properties["activation"] == "tanh"
    assert all(outer not in use(blocks, name).properties for name in ("residual_block_1", "residual_block_2"))
    blocks.editor.stack.undo()
    assert blocks.editor.document.to_json() == shown


def test_at_the_top_nothing_can_be_shown_and_that_is_said(blocks, over_blocks):
    over_blocks.click(over_blocks.node("residual_block_1"))
    over_blocks.key(Qt.Key.Key_E, CONTROL)
    assert "within a composite" in blocks.hint()
    assert blocks.editor.stack.count() == 0


def test_a_composite_is_renamed_where_it_stands_and_from_within(blocks, over_blocks):
    over_blocks.click(over_blocks.node("residual_block_1"))
    over_blocks.key(Qt.Key.Key_F2, CONTROL)
    over_blocks.type("a shortcut")
    assert use(blocks, "residual_block_2").kind.title == "a shortcut"
    assert blocks.editor.stack.undoText().startswith("Rename the composite ")
    assert "a shortcut" in [kind.title for kind in blocks.editor.placeable.values()]
    over_blocks.key(Qt.Key.Key_Return)
    over_blocks.key(Qt.Key.Key_F2, CONTROL)
    over_blocks.type("a way around")
    assert use(blocks, "residual_block_1").kind.title == "a way around"
    blocks.editor.stack.undo()
    blocks.editor.stack.undo()
    assert use(blocks, "residual_block_1").kind.title not in ("a shortcut", "a way around")


def test_the_inspector_has_an_eye_for_every_property_within_and_the_name_outside(qtbot):
    editor = Editor(two_blocks())
    made = Inspector(editor)
    made.resize(384, 1200)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    editor.select(["residual_block_1"])
    page = made.node_page
    assert not page.eyes and page.definition.text() == use_title(editor)
    page.definition.selectAll()
    QTest.keyClicks(page.definition, "my block")
    QTest.keyClick(page.definition, Qt.Key.Key_Return)
    assert use_title(editor) == "my block"
    editor.enter("residual_block_1")
    editor.select(["first"])
    assert not page.eyes["activation"].isChecked()
    QTest.mouseClick(page.eyes["activation"], Qt.MouseButton.LeftButton)
    assert editor.exposed_as("first", "activation") and page.eyes["activation"].isChecked()
    assert "keep it within" in page.eyes["activation"].toolTip()
    QTest.mouseClick(page.eyes["activation"], Qt.MouseButton.LeftButton)
    assert not editor.exposed_as("first", "activation") and editor.stack.count() == 3


def use_title(editor):
    return editor.document.graph.nodes["residual_block_1"].kind.title
