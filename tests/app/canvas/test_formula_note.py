"""The formula beside the stepped node: what it says, where it stands, when it is silent."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtTest import QTest

from app.canvas.formula_note import MOST_ROWS, WIDEST, Content, telling
from app.canvas.ink import width_of
from app.canvas.note_place import best_place, tail_ends
from app.theme.formula import is_sum, terms_of
from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from engine.snapshot import Equation, Explanation, Term
from tests.app.canvas.conftest import Hand, make_view

SLOW = 10_000  # milliseconds


def training_document():
    graph = Graph()
    graph.add("input", id="x", shape=[2], position=(0, 0))
    graph.add("neuron", id="h", activation="tanh", position=(260, 0))
    graph.add("target", id="t", shape=[1], position=(260, 300))
    graph.add("binary_cross_entropy", id="loss", position=(520, 0))
    graph.add("neuron", id="y", activation="sigmoid", position=(390, 160))
    for source, target in (("x.value", "h.x"), ("h.h", "y.x"), ("y.h", "loss.prediction"), ("t.value", "loss.target")):
        graph.connect(source, target)
    return Document(graph, data="xor", training={"loss": "loss", "batch_size": 1, "seed": 3})


@pytest.fixture
def session():
    return Session(training_document())


@pytest.fixture
def trained(qtbot):
    return make_view(qtbot, training_document())


def play_to(session, node, part):
    """Step until a node has done a part of its work."""
    for _ in session.steps:
        session.step("node")
        if (session.last_step.node, session.last_step.part) == (node, part):
            return replace(session.snapshot(), revision=10**6)
    raise AssertionError(f"no step is {part} of {node}")


def show(view, snapshot):
    view.show_snapshot(snapshot)
    view.catch_up()


def test_the_stepped_node_shows_its_formula_with_the_numbers_of_this_step(trained, session):
    snapshot = play_to(session, "h", "backward")
    show(trained, snapshot)
    note = trained.formula_note
    assert note.isVisible()
    assert note.content.node == "h"
    (line,) = note.content.lines
    assert [term.caption for term in line if term.caption] == ["incoming", "local", "outgoing"]
    local = next(term for term in line if term.caption == "local")
    assert local.latex.startswith("(1 -")  # a sum that is multiplied stands in brackets
    assert note.accessibleName().startswith("∂ L/∂ h ")


def test_it_is_as_wide_as_what_it_says_of_the_rest(trained, session):
    """Under a single symbol the words ended in “1 more in the”."""
    snapshot = play_to(session, "h", "backward")
    told = Explanation("h", "backward", equations=(Equation((Term("x", 1.0, "incoming"),)),) * 2)
    show(trained, replace(snapshot, explanation=None, stepped=told))
    note = trained.formula_note
    assert note.content.more == 1
    assert note.paper.width() > width_of("1 more in the inspector", "caption")


def test_on_a_canvas_that_it_would_fill_it_is_silent(trained, session):
    """At 1280 × 800 and 150 % nothing of the graph was left to be seen."""
    show(trained, play_to(session, "h", "forward"))
    assert trained.formula_note.isVisible()
    trained.resize(360, 240)
    trained.fit()
    assert not trained.formula_note.isVisible()
    trained.resize(1100, 700)
    trained.fit()
    assert trained.formula_note.isVisible()


def test_forward_shows_the_sum_and_the_activation(trained, session):
    show(trained, play_to(session, "h", "forward"))
    assert [line[0].latex for line in trained.formula_note.content.lines] == ["z", "h"]


def test_it_covers_no_node_where_there_is_free_room(trained, session):
    for part in ("forward", "backward"):
        for node in ("h", "y", "loss"):
            show(trained, play_to(session, node, part))
            paper = trained.formula_note.paper
            nodes = [trained.rectangle_on_screen(trained.canvas.area_of(name)) for name in trained.canvas.nodes]
            assert not any(paper.intersects(QRectF(rect).adjusted(1, 1, -1, -1)) for rect in nodes), (node, part)
            assert QRectF(trained.viewport().rect()).contains(paper)


def test_it_stays_beside_its_node_while_the_view_moves(trained, session):
    show(trained, play_to(session, "h", "forward"))
    note = trained.formula_note
    before = note.paper.topLeft() - trained.mapFromScene(trained.canvas.area_of("h").topLeft())
    trained.pan_by(QPointF(24, -12))
    after = note.paper.topLeft() - trained.mapFromScene(trained.canvas.area_of("h").topLeft())
    assert (after - before).manhattanLength() < 3


def test_it_grows_with_the_zoom_and_never_shrinks_below_full_size(trained, session):
    show(trained, play_to(session, "h", "forward"))
    note = trained.formula_note
    full = note.paper.height()
    trained.zoom_by(1.5)
    assert note.paper.height() == pytest.approx(1.5 * full)
    trained.zoom_by(0.5 / trained.zoom)
    assert note.paper.height() == full
    trained.zoom_by(0.1 / trained.zoom)
    assert note.isHidden()


def test_a_node_out_of_sight_takes_its_formula_along(trained, session):
    show(trained, play_to(session, "h", "forward"))
    trained.pan_by(QPointF(9000, 0))
    assert trained.formula_note.isHidden()
    trained.pan_by(QPointF(-9000, 0))
    assert trained.formula_note.isVisible()


def test_steps_that_follow_too_fast_to_be_read_show_nothing_until_they_end(qtbot, trained, session, monkeypatch):
    note = trained.formula_note
    monkeypatch.setattr("app.canvas.formula_note.READABLE_MS", SLOW)
    shown = [play_to(session, "h", "forward"), play_to(session, "y", "forward"), play_to(session, "loss", "forward")]
    note.show_snapshot(shown[0])
    assert note.isVisible()
    for snapshot in shown[1:]:
        note.show_snapshot(snapshot)
        assert note.isHidden()
    qtbot.waitUntil(note.isVisible)
    assert note.content.node == "loss"


def test_the_same_moment_told_twice_does_not_flicker(trained, session):
    snapshot = play_to(session, "h", "forward")
    show(trained, snapshot)
    picture = trained.formula_note.grab()
    trained.formula_note.show_snapshot(replace(snapshot, rate=1.0))
    assert trained.formula_note.isVisible()
    assert trained.formula_note.grab().toImage() == picture.toImage()


def test_switched_off_it_is_gone_and_switched_on_it_is_back(trained, session):
    show(trained, play_to(session, "h", "forward"))
    trained.formula_note.set_wanted(False)
    assert trained.formula_note.isHidden()
    show(trained, play_to(session, "y", "forward"))
    assert trained.formula_note.isHidden()
    trained.formula_note.set_wanted(True)
    assert trained.formula_note.isVisible()
    assert trained.formula_note.content.node == "y"


def test_before_the_first_step_and_for_a_node_that_is_gone_it_says_nothing(qtbot, trained, session):
    show(trained, replace(session.snapshot(), revision=10**6))
    assert trained.formula_note.isHidden()
    show(trained, play_to(session, "h", "forward"))
    trained.editor.select(["h"])
    QTest.keyClick(trained, Qt.Key.Key_Delete)
    qtbot.waitUntil(trained.formula_note.isHidden)


def test_where_the_inspector_looks_elsewhere_the_step_is_still_explained(trained, session):
    snapshot = play_to(session, "h", "forward")
    elsewhere = session.explain(next(step for step in session.steps if step.node == "loss"))
    show(trained, replace(snapshot, explanation=elsewhere, stepped=snapshot.explanation))
    assert trained.formula_note.content.node == "h"


def test_a_note_moves_only_where_that_is_worth_it():
    own, room = QRectF(400, 300, 80, 80), QRectF(0, 0, 1000, 700)
    first = best_place(own, (200, 80), room, [])
    assert first.top() > own.bottom()
    below = (QRectF(300, 390, 300, 200), 1.0)
    assert best_place(own, (200, 80), room, [below]).bottom() < own.top()
    above = best_place(own, (200, 80), room, [], offset=(-60.0, -110.0))
    assert above.topLeft() == QPointF(340, 190)  # below would do as well, but it stands here already


@pytest.mark.parametrize(
    ("box", "begin", "end"),
    [
        (QRectF(0, 200, 100, 40), QPointF(50, 200), QPointF(50, 100)),
        (QRectF(0, -100, 100, 40), QPointF(50, -60), QPointF(50, 0)),
        (QRectF(200, 0, 60, 100), QPointF(200, 50), QPointF(100, 50)),
        (QRectF(-200, 0, 60, 100), QPointF(-140, 50), QPointF(0, 50)),
        (QRectF(200, 200, 60, 60), QPointF(208, 200), QPointF(100, 100)),
    ],
)
def test_the_line_runs_from_the_paper_to_the_node(box, begin, end):
    assert tail_ends(box, QRectF(0, 0, 100, 100)) == (begin, end)


def test_factors_of_one_and_means_are_told_only_where_there_is_nothing_else():
    one = Equation((Term("a", 1.0, "incoming"), Term("1", 1.0, "local")))
    mean = Equation((Term("L", 1.0, "result"),), "mean over the batch")
    real = Equation((Term("a", 1.0, "incoming"), Term("x", 2.0, "local")))
    assert telling((one, mean, real), 2) == [real]
    assert telling((one, mean), 2) == (one, mean)


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("1 - h^2", True),
        ("a + b", True),
        ("-x", False),
        ("(1 - h)", False),
        (r"\frac{1 - t}{y}", False),
        ("x^-", False),
    ],
)
def test_only_a_sum_is_set_in_brackets(latex, expected):
    assert is_sum(latex) is expected


def test_a_long_formula_is_cut_so_that_the_drawing_stays_in_sight(trained):
    plus = Term("+", None, "operator")
    products = [part for number in range(40) for part in (Term(f"w_{{{number}}}", 0.5), plus)][:-1]
    equation = Equation((Term("z", 6.0, "outgoing"), Term("=", None, "operator"), *products))
    note = trained.formula_note
    note._take(Content("h", "forward", (tuple(terms_of(equation)),)))
    (layout,) = note._layouts
    assert [len(layout.rows), layout.rows[-1].columns[-1].term.latex] == [MOST_ROWS, r"\cdots"]
    assert layout.rows[-1].columns[-2].term.latex == "+"
    assert layout.width <= WIDEST
    assert note._rest == "in full in the inspector"


def test_a_wire_that_is_pulled_is_seen_where_the_note_stands(trained, session):
    """Before, the wire went behind the note and its end could not be seen."""
    show(trained, play_to(session, "y", "forward"))
    area, hand = trained.formula_note.paper.toRect(), Hand(trained)

    def is_seen():
        whole, canvas = (widget.grab(area).toImage() for widget in (trained, trained.viewport()))
        return whole.convertToFormat(canvas.format()) == canvas

    assert not is_seen()
    hand.press(hand.port("y.h"))
    hand.move(trained.mapToScene(area.center()))
    assert is_seen()
    trained.cancel()
    assert not is_seen()
