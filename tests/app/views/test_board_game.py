"""The board in the window: what is thought of every move, and a game by mouse against what has just been learned."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.editor import Editor
from app.follow import Follower
from app.views.board_game import NO_GAME, BoardGameView
from engine.analysis.playing import look
from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.drivers.test_games import self_play_document

TREE = {"start": "X..|OOX|...", "simulations": 20, "rollouts": 0.0}


def showing(document: Document) -> Document:
    document.views = [{"type": "board_game"}]
    return document


@pytest.fixture
def make(qtbot, runner):
    """The view of a document on a runner that has played nothing yet; wide enough for the search."""
    kept = []

    def made(document: Document) -> BoardGameView:
        editor = Editor(showing(document))
        view = BoardGameView(editor, runner)
        qtbot.addWidget(view)
        view.resize(760, 420)
        view.show()
        kept.append(Follower(editor, runner, view))
        runner.snapshot_ready.connect(view.show_snapshot)
        with qtbot.waitSignal(runner.snapshot_ready):
            runner.open(editor.document, editor.revision)
        return view

    return made


def of_one(type_: str, **properties) -> Document:
    graph = Graph()
    graph.add(type_, "node", **properties)
    return Document(graph, training={"seed": 0})


def click(view: BoardGameView, cell: int, button=Qt.MouseButton.LeftButton) -> None:
    QTest.mouseClick(view.plot, button, Qt.KeyboardModifier.NoModifier, view.plot.cell(cell).center().toPoint())


def wait_for_board(qtbot, view: BoardGameView, stones: int) -> None:
    qtbot.waitUntil(
        lambda: view.seen is not None and np.count_nonzero(view.seen.board) == stones and not view.is_waiting
    )


def is_answered(view: BoardGameView, stones: int) -> bool:
    look = view.seen
    if look is None or view.is_waiting or np.count_nonzero(look.board) <= stones:
        return False
    return bool(look.is_over or look.mover == 1)


def test_the_cells_tell_what_the_network_says(qtbot, make):
    view = make(self_play_document())
    qtbot.waitUntil(lambda: view.seen is not None)
    expected = look(Session(self_play_document()), "play").measures["network"]
    assert view.plot.measure == "network"
    assert [view.plot.text_of(move) for move in range(9)] == [f"{100 * chance:.0f} %" for chance in expected]
    assert view.plot.words.startswith("X to move · the network expects")


def test_a_click_plays_and_the_player_answers_until_the_game_is_over(qtbot, make):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    stones = 0
    while not view.seen.is_over:
        move = next(cell for cell in (4, 0, 2, 6, 8, 1, 3, 5, 7) if view.seen.landing[cell] >= 0)
        click(view, move)
        qtbot.waitUntil(partial(is_answered, view, stones))
        stones = np.count_nonzero(view.seen.board)
        assert view.seen.board[move] == 1
    assert view.plot.words in ("X has won", "O has won", "drawn")
    assert view.plot.move_at(view.plot.cell(0).center()) is None


def test_the_right_button_takes_a_move_and_its_answer_back(qtbot, make):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    click(view, 0)
    wait_for_board(qtbot, view, 2)
    click(view, 8, Qt.MouseButton.RightButton)
    wait_for_board(qtbot, view, 0)
    assert view.seen.board == (0,) * 9


def test_where_it_does_not_answer_a_hand_plays_both_sides(qtbot, make):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    QTest.mouseClick(view.answers_button, Qt.MouseButton.LeftButton)
    for stones, cell in enumerate((0, 3, 1, 4, 2), 1):
        click(view, cell)
        wait_for_board(qtbot, view, stones)
    assert view.plot.words == "X has won"
    click(view, 8)
    assert view.moves[-1].count(0) == 4
    QTest.mouseClick(view.new_button, Qt.MouseButton.LeftButton)
    wait_for_board(qtbot, view, 0)


def test_it_can_be_asked_to_begin_and_then_answers_as_x(qtbot, make):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    QTest.mouseClick(view.move_button, Qt.MouseButton.LeftButton)
    wait_for_board(qtbot, view, 1)
    free = view.seen.board.index(0)
    click(view, free)
    wait_for_board(qtbot, view, 3)
    assert view.seen.board[free] == -1


def test_playing_leaves_training_as_it_was(qtbot, make, runner):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    click(view, 4)
    wait_for_board(qtbot, view, 2)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 9) as caught:
        runner.run(9)
    other = Session(self_play_document())
    other.run(9)
    for name, array in other.parameters.items():
        assert caught.args[0].parameters[name].array.tobytes() == array.tobytes()


def test_a_growing_tree_is_listed_by_visits_with_replies_below(qtbot, make, runner):
    view = make(of_one("tree_search", **TREE))
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 4):
        runner.run(4)
    qtbot.waitUntil(lambda: view.seen is not None and view.seen.iteration == 4)
    session = Session(of_one("tree_search", **TREE))
    session.run(4)
    visits = session.value("node.visits")
    rows = view.plot.tree.rows(view.seen, 30)
    assert view.plot.has_tree
    first = [row.branch.visits for row in rows if row.depth == 0]
    assert first == sorted(visits[list(view.seen.game.is_legal(np.array([view.seen.board]))[0])], reverse=True)
    assert sum(first) == 80 and {row.letter for row in rows if row.depth == 1} == {"O"}


def test_minimax_shows_exact_values_and_the_choice_is_remembered(qtbot, make):
    view = make(of_one("minimax", start="X.O|...|..."))
    qtbot.waitUntil(lambda: view.seen is not None)
    assert view.plot.measure == "exact"
    assert [view.plot.text_of(move) for move in range(9)] == [
        "", "−0.81", "", "+0.81", "0", "0", "+0.81", "0", "+0.81",
    ]  # fmt: skip
    assert view.plot.words == "X to move"


def test_what_the_cells_tell_is_chosen_in_the_head(qtbot, make):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    view.shows.setFocus()
    QTest.keyClick(view.shows, Qt.Key.Key_Down)
    assert view.plot.measure == "search" and view.editor.document.views == [{"type": "board_game", "shows": "search"}]
    view.editor.stack.undo()
    assert view.plot.measure == "network"


def test_stones_drop_and_a_column_can_be_clicked_anywhere(qtbot, make):
    view = make(of_one("tree_search", game="connect_three", simulations=2))
    wait_for_board(qtbot, view, 0)
    QTest.mouseClick(view.answers_button, Qt.MouseButton.LeftButton)
    click(view, 1)
    wait_for_board(qtbot, view, 1)
    assert view.seen.board[13] == 1
    assert view.plot.move_at(view.plot.cell(1).center()) == 1


def test_measured_strength_is_told_in_a_line(qtbot, make, runner):
    view = make(self_play_document(measured_every=4))
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 10):
        runner.run(10)
    qtbot.waitUntil(lambda: view.seen is not None and view.seen.iteration == 10)
    assert view.seen.strength[:, 0].tolist() == [0, 4, 8] and view.plot.has_log
    assert "ways to beat it · against random moves" in view.plot.strength_words


def test_a_document_without_games_says_what_to_place(qtbot, make, document):
    view = make(document)
    qtbot.waitUntil(lambda: view.reason == NO_GAME)


def test_clicks_beside_the_board_do_nothing(qtbot, make):
    view = make(self_play_document())
    wait_for_board(qtbot, view, 0)
    QTest.mouseClick(
        view.plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(view.plot.width() - 3, 3)
    )
    assert view.moves == []
