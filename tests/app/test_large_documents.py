"""A document too large to be checked while somebody waits: the canvas comes first, shapes and problems when they stand."""

import pytest
from PySide6.QtCore import QPointF

from app.canvas.expected import ExpectedShapes
from app.canvas.geometry import measure
from app.canvas.wiring import Wiring
from app.editor import Editor
from app.editor.editor import MOST_AT_ONCE
from engine.document import Document
from engine.graph import Graph
from tests.app.hand import Hand


def large_document(towers=MOST_AT_ONCE // 2):
    """Towers of a layer and its activation on one input."""
    graph = Graph()
    graph.add("input", position=(0, 0))
    for at in range(towers):
        graph.add("dense", f"dense_{at}", units=8, position=(300, 200 * at))
        graph.add("tanh", f"tanh_{at}", position=(600, 200 * at))
        graph.connect("input_1", f"dense_{at}")
        graph.connect(f"dense_{at}", f"tanh_{at}")
    return Document(graph, "moons", id="large")


class Checker:
    """Takes questions and answers them when it is told to."""

    def __init__(self, editor):
        self.editor, self.asked = editor, []
        editor.check_aside = lambda document, revision: self.asked.append((document.copy(), revision))

    def answer(self, which=-1):
        document, revision = self.asked[which]
        found = Editor(document)
        found.check_now()
        self.editor.take_findings(revision, found.shapes, found.problems)


@pytest.fixture
def editor(qapp):
    return Editor(Document())


@pytest.fixture
def checker(editor):
    return Checker(editor)


def test_a_large_document_is_open_before_its_shapes_are_known(editor, checker):
    editor.open(large_document())
    assert editor.shapes == {} and not editor.knows_shapes
    assert [revision for _, revision in checker.asked] == [editor.revision]
    checker.answer()
    assert editor.knows_shapes and editor.shapes["tanh_3.h"][-1] == 8


def test_a_small_document_knows_its_shapes_at_once(editor, checker):
    editor.open(large_document(towers=2))
    assert editor.shapes["tanh_1.h"][-1] == 8 and not checker.asked


def test_an_answer_for_a_document_that_was_edited_since_is_refused(qtbot, editor, checker):
    editor.open(large_document())
    editor.disconnect_ports("dense_0.h", "tanh_0.x")
    checker.answer()
    assert not editor.knows_shapes
    qtbot.waitUntil(lambda: len(checker.asked) == 2)
    with qtbot.waitSignal(editor.problems_changed):
        checker.answer()
    assert "tanh_0.h" not in editor.shapes and any(problem.node == "tanh_0" for problem in editor.problems)


def test_an_answer_still_counts_after_a_mere_move(editor, checker):
    editor.open(large_document())
    editor.move(["dense_0"], 50, 0)
    checker.answer()
    assert editor.knows_shapes


def test_nobody_is_asked_twice_about_the_same_document(qtbot, editor, checker):
    editor.open(large_document())
    editor.move(["dense_0"], 50, 0)
    with qtbot.assertNotEmitted(editor.problems_changed, wait=100):
        pass
    assert len(checker.asked) == 1


def test_nodes_take_the_size_beforehand_that_they_have_once_shapes_are_known(qapp):
    document = large_document(towers=3)
    wiring = Wiring(document.graph)
    editor = Editor(document)
    editor.check_now()
    expected = ExpectedShapes(wiring)
    for node in document.graph:
        assert measure(wiring, node, expected) is measure(wiring, node, editor.shapes), node.id


def test_the_window_opens_a_large_file_and_learns_its_shapes_and_problems_later(qtbot, window, tmp_path):
    document = large_document()
    document.graph.disconnect("dense_7.h", "tanh_7.x")
    document.save(tmp_path / "large.json")
    window.files.open_path(tmp_path / "large.json")
    editor, canvas = window.editor, window.workspace.canvas
    assert not editor.knows_shapes
    with qtbot.waitSignal(editor.problems_changed):
        pass
    assert editor.shapes["tanh_3.h"][-1] == 8
    assert "tanh_7" in {problem.node for problem in window.problems.problems}
    qtbot.waitUntil(lambda: not canvas.canvas._unshaped)
    with qtbot.waitSignal(window.runner.snapshot_ready):
        pass


def test_only_what_comes_into_sight_has_items_and_shows_what_is_selected(qtbot, window, tmp_path):
    large_document().save(tmp_path / "large.json")
    with qtbot.waitSignal(window.runner.snapshot_ready):
        window.files.open_path(tmp_path / "large.json")
    view = window.workspace.canvas
    view.select_all()
    assert len(view.canvas.nodes.made) < 100
    view.zoom_by(1 / view.zoom)
    view.centre_at(view.canvas.area_of("tanh_90").center())
    view.viewport().repaint()
    assert 0 < len(view.canvas.nodes.made) < 200
    assert view.canvas.nodes.made["tanh_90"].live.state.selected
    hand = Hand(view)
    hand.click(view.canvas.area_of("dense_91").topLeft() + QPointF(60, 14))
    assert view.editor.selection == {"dense_91"} and not view.canvas.nodes.made["tanh_90"].live.state.selected


def test_the_runner_hears_later_what_was_said_while_it_was_held(qtbot, runner, document):
    runner.hold()
    runner.open(document, 0)
    with qtbot.assertNotEmitted(runner.snapshot_ready, wait=100):
        pass
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.release()
