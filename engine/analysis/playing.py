"""What a node that plays thinks of a position: its network, its search, its table, and what is exactly true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.drivers.players import View
from engine.games import Game
from engine.games.rules import Array
from engine.games.search import Trees, is_solvable, solved
from engine.nodes.games import GameNode
from engine.nodes.games_search import FromPosition, MinimaxValues
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from engine.graph import Graph
    from engine.session import Session

MOST_BRANCHES = 6  # of a position
DEEPEST = 3
FEWEST_VISITS = 2  # of a branch whose own branches are told


@dataclass(frozen=True)
class Branch:
    """An edge of a search tree: what the search knows of a move, and what follows it."""

    move: int
    visits: float
    mean: float
    prior: float
    bonus: float
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class Look:
    """A position as a node that plays sees it.

    board     1 for X, −1 for O, 0 for free cells; landing: the cell that each move fills
    measures  by name one number for each move, NaN where there is none; chances are those named in `shares`
    choice    the move that it would make; None where the game is over
    value     what its network expects for whose turn it is; None where it has none
    strength  (measurements, 5): iteration, shares of games won, drawn and lost, and how many ways there are to beat it
    """

    iteration: int
    node: str
    game: Game
    board: tuple[int, ...]
    mover: int
    winner: int
    is_over: bool
    landing: tuple[int, ...]
    measures: dict[str, tuple[float, ...]]
    shares: tuple[str, ...]
    choice: int | None
    value: float | None
    branches: tuple[Branch, ...]
    strength: Array


def players_of(session: Session) -> list[str]:
    """The nodes that think about positions, in the order of the drawing."""
    return [node.id for node in session.document.graph if node.kind is not None and issubclass(node.kind, GameNode)]


def game_of(graph: Graph, node: str) -> Game | None:
    """Which game a node plays; None where it plays none, or does not say which soundly."""
    found = graph.nodes.get(node)
    if found is None or found.kind is None or not issubclass(found.kind, GameNode):
        return None
    sound, _ = found.kind.check_properties(found.properties)
    settings = found.kind(sound)
    return settings.rules if isinstance(settings, GameNode) else None


def look(session: Session, node: str, board: tuple[int, ...] | None = None, simulations: int = 100) -> Look:
    """What a node thinks of a board, or of that which it stands at. Raises `ProblemError` where it does not play.

    simulations  how many its search makes for this, where it searches; a tree that grows by itself is shown as it is
    """
    found = session.document.graph.nodes.get(node)
    if found is None or found.kind is None or not issubclass(found.kind, GameNode):
        fact = "nothing here plays a board game" if not node else f"“{node}” does not play"
        raise ProblemError(Problem(fact, "Place a node from “Board games”.", kind="unknown"))
    sound, problems = found.kind.check_properties(found.properties)
    if problems:
        raise ProblemError(*problems)
    settings = found.kind(sound)
    assert isinstance(settings, GameNode)
    game = settings.rules
    start = settings.board if isinstance(settings, FromPosition) else game.start()
    boards = start if board is None or len(board) != game.cells else np.array([board], np.int8)
    player = session.playback.drivers.players.of(node)
    view = View()
    if player is not None and not game.is_over(boards)[0]:
        view = player.look(session.playback.machine, boards, simulations)
    measures = _exact(game, settings, boards) | view.measures
    log = player.log(session.playback.machine) if player is not None else np.zeros((0, 5))
    return _told(session.iteration, node, game, boards, view, measures, log)


def _exact(game: Game, settings: GameNode, boards: Array) -> dict[str, Array]:
    """What minimax says of every move, where the game can be solved."""
    if not is_solvable(game) or game.is_over(boards)[0]:
        return {}
    solution = solved(game.name, settings.discount if isinstance(settings, MinimaxValues) else 1.0)
    return {"exact": solution.move_values(boards)[0]}


def _told(
    iteration: int, node: str, game: Game, boards: Array, view: View, measures: dict[str, Array], log: Array
) -> Look:
    is_over, legal = bool(game.is_over(boards)[0]), game.is_legal(boards)[0]
    shown = {name: np.where(legal & (not is_over), numbers, np.nan) for name, numbers in measures.items()}
    choice = view.choice
    if choice is None and not is_over and "exact" in shown:
        choice = int(np.nanargmax(shown["exact"]))
    return Look(
        iteration, node, game, tuple(map(int, boards[0])), int(game.mover(boards)[0]), int(game.winner(boards)[0]), is_over,
        _landing(game, boards), {name: tuple(map(float, numbers)) for name, numbers in shown.items()}, view.shares,
        choice if not is_over else None, view.value, branches_of(view.trees) if view.trees is not None else (), log,
    )  # fmt: skip


def _landing(game: Game, boards: Array) -> tuple[int, ...]:
    legal = np.flatnonzero(game.is_legal(boards)[0])
    cells = np.full(game.moves, -1)
    after = game.play(np.repeat(boards, len(legal), axis=0), legal)
    cells[legal] = (after != boards).argmax(axis=1) if len(legal) else []
    return tuple(map(int, cells))


def branches_of(trees: Trees, game: int = 0, place: int = 0, depth: int = DEEPEST) -> tuple[Branch, ...]:
    """The edges of a position that were tried, the most visited first; of all of them at the root."""
    games, at = np.array([game]), np.array([place])
    visits, prior = trees.visits[game, place], trees.prior[game, place]
    mean, bonus = trees.means(games, at)[0], trees.bonus(games, at)[0]
    tried = np.flatnonzero(visits if depth < DEEPEST else trees.game.is_legal(trees.boards[games, at])[0])
    order = sorted(tried.tolist(), key=lambda move: (-visits[move], -prior[move]))
    return tuple([
        Branch(
            move, float(visits[move]), float(mean[move]), float(prior[move]), float(bonus[move]),
            branches_of(trees, game, int(trees.child[game, place, move]), depth - 1)
            if depth > 1 and visits[move] >= FEWEST_VISITS else (),
        )
        for move in order[:MOST_BRANCHES if depth < DEEPEST else None]
    ])  # fmt: skip
