"""A document too large to be checked while somebody waits: the canvas comes first, shapes and problems when they stand."""

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF

from app.canvas import CanvasView
from app.canvas.expected import ExpectedShapes
from app.canvas.geometry import measure
from app.canvas.long_curve import long_curves, paths_within
from app.canvas.routes import curved, path_of
from app.canvas.wiring import Wiring
from app.editor import Editor
from app.editor.playing import MOST_AT_ONCE
from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.test_backdrop import picture
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


def test_of_a_replayed_journal_everybody_is_told_once(qtbot, editor):
    document, entries = large_document(towers=3), []
    editor.open(document.copy())
    editor.journal = SimpleNamespace(append=entries.append)
    editor.move(["dense_0"], 50, 0)
    editor.set_property("dense_1", "units", 5)
    editor.remove(["tanh_2"])
    values = np.ones((2, 8))
    editor.set_values({"dense_0.weight": values}, {"dense_0.weight": 0 * values})
    editor.stack.undo()
    editor.stack.redo()
    twin, changes, told = Editor(document), [], []
    twin.changed.connect(changes.append)
    twin.values_set.connect(told.append)
    assert twin.replay(entries) == []
    (change,) = changes
    assert change.replans and change.touches("moved") and change.touches("node_removed")
    assert {"dense_0", "dense_1", "tanh_2"} <= change.ids
    assert np.array_equal(told[0]["dense_0.weight"], values) and len(told) == 1
    assert twin.document.graph.nodes == editor.document.graph.nodes


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
    assert not editor.knows_shapes and "Checking" in window.top_bar.problems.text()
    with qtbot.waitSignal(editor.problems_changed):
        pass
    assert editor.shapes["tanh_3.h"][-1] == 8 and "1 problem" in window.top_bar.problems.text()
    assert "tanh_7" in {problem.node for problem in window.problems.problems}
    qtbot.waitUntil(lambda: canvas.canvas.reshaping.is_done)
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


@pytest.mark.parametrize("end", [(4000.0, 70.0), (9000.0, -12000.0), (2000.0, 5000.0), (-6000.0, 400.0)])
def test_the_pieces_of_a_long_wire_lie_on_its_curve(end):
    run = curved(100.0, 50.0, *end)
    (curve,) = long_curves([run])
    share = np.linspace(0, 1, len(curve.pieces) + 1)
    whole = np.array([path_of([run]).pointAtPercent(share).toTuple() for share in (0, 1)])
    assert np.allclose([curve.pieces[0, 0], curve.pieces[-1, 3]], whole)
    assert np.array_equal(curve.pieces[1:, 0], curve.pieces[:-1, 3])
    handles = np.array([(100, 50), (100 + run.bend, 50), (end[0] - run.bend, end[1]), end])[:, :, None]
    for at, half in enumerate((share[:-1] + share[1:]) / 2):
        weights = [(1 - half) ** 3, 3 * half * (1 - half) ** 2, 3 * half**2 * (1 - half), half**3]
        middle = np.array([1, 3, 3, 1]) / 8 @ curve.pieces[at]
        assert np.allclose(middle, np.tensordot(weights, handles[:, :, 0], 1))


def test_of_a_long_wire_only_what_comes_near_is_painted():
    (curve,) = long_curves([curved(0.0, 0.0, 50_000.0, 20_000.0)])
    (path,) = paths_within([curve], [QRectF(24_000, 9_000, 2000, 2000)])
    assert 0 < path.boundingRect().width() < 8000
    assert paths_within([curve], [QRectF(-900, 15_000, 100, 100)])[0].isEmpty()


def test_what_is_panned_into_view_looks_as_if_all_had_been_painted_anew(qtbot):
    view = CanvasView(Editor(large_document(towers=150)))
    qtbot.addWidget(view)
    view.resize(1000, 700)
    view.show()
    qtbot.waitExposed(view)
    view.zoom_by(1 / view.zoom)
    for place in (QPointF(300, 20_000), QPointF(200, 500)):
        view.centre_at(place)
        for step in (QPointF(-37, 11), QPointF(90, 60), QPointF(5, -130)):
            view.pan_by(step)
            kept = picture(view)
            view.backdrop.forget()
            # Qt itself rounds a curve a little otherwise where another part of it is clipped away.
            assert np.abs(kept - picture(view)).max() < 16


def test_the_runner_hears_later_what_was_said_while_it_was_held(qtbot, runner, document):
    runner.hold()
    runner.open(document, 0)
    with qtbot.assertNotEmitted(runner.snapshot_ready, wait=100):
        pass
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.release()
