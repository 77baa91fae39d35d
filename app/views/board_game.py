"""A board game in the window: play against what learns, and see what it thinks of every move."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.views.asking import AskingView
from app.views.board_game_plot import BoardGamePlot
from app.views.choices import choice
from engine.analysis.playing import game_of, look, players_of

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.analysis.playing import Look
    from engine.session import Session
    from engine.snapshot import Snapshot

SIMULATIONS = 100  # of a search that is made for the picture alone
NO_GAME = "Nothing here plays. Place a node from “Board games” to play against."
ORDER = ("network", "search", "search value", "table", "tried", "exact")
WORDS = {
    "network": "what the network says", "search": "how the search shares its visits", "search value": "Q: the search's average",
    "table": "the table's values", "tried": "how often the table tried it", "exact": "exact, by minimax",
}  # fmt: skip


class BoardGameView(AskingView):
    """A click plays a move, and the player answers; the right button takes the last move back."""

    kind, title, icon, several = "board_game", "Board game", "gamepad-2", True
    first = "Setting up the board."

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(editor, runner, parent)
        self.moves: list[tuple[int, ...]] = []  # the boards that were played through; empty: where the node stands
        self._answers_for = 0  # the side that it plays: 1, −1, or 0 where only a hand moves
        self.node = ""
        self._offered: tuple[str, ...] = ()
        self.shows = choice("What the cells tell", "What the cells tell of every move", self._choose, letters=9)
        self.add_tool(self.shows)
        self.answers_button = self._tool("bot", "It answers your moves", self._toggle_answers)
        self.answers_button.setCheckable(True)
        self.answers_button.setChecked(True)
        self.move_button = self._tool("play", "Let it make the next move", self.let_it_move)
        self.new_button = self._tool("rotate-ccw", "New game", self.start_anew)
        for button in (self.answers_button, self.move_button, self.new_button):
            self.add_tool(button)

    def make_body(self) -> QWidget:
        """The board."""
        plot = BoardGamePlot()
        plot.played.connect(self.play)
        plot.taken_back.connect(self.take_back)
        return plot

    @property
    def plot(self) -> BoardGamePlot:
        """The body."""
        body = self.body
        assert isinstance(body, BoardGamePlot)
        return body

    # asking ----------------------------------------------------------------------------------------------------------

    @property
    def board(self) -> tuple[int, ...] | None:
        """The board in hand; None: that which the node stands at."""
        return self.moves[-1] if self.moves else None

    def measure(self) -> Callable[[Session], object]:
        """The position in hand, as the node that was chosen sees it."""
        node, board, wanted = self.node, self.board, str(self.settings.get("of", ""))

        def ask(session: Session) -> Look:
            known = players_of(session)
            chosen = next((name for name in (wanted, node, *known) if name in known), "")
            return look(session, chosen, board, SIMULATIONS)

        return ask

    def feed(self, snapshot: Snapshot) -> str:
        """Ask again: the network is another one."""
        graph = self.editor.document.graph
        if not any(node.kind is not None and node.kind.category == "Board games" for node in graph):
            return NO_GAME
        self.ask_again()
        return self.reason_of_answer()

    def fill(self, found: Any) -> str:
        """Paint the position, and let the player answer where it is its turn."""
        seen: Look | None = found
        if seen is None:
            self.plot.show_look(None, "")
            return ""
        if self.board is not None and seen.board != self.board:
            return ""  # a move was made since it was asked
        self.node = seen.node
        self._offer(seen)
        self.plot.show_look(seen, str(self.shows.currentData() or ""))
        if self._answers_for == seen.mover and not seen.is_over and seen.choice is not None and not self._is_due:
            self._make(seen, seen.choice)
        return ""

    def _offer(self, seen: Look) -> None:
        known = tuple(name for name in ORDER if name in seen.measures)
        if not known or known == self._offered:  # where the game is over there is nothing to tell of moves
            return
        self._offered = known
        before = self.settings.get("shows") or self.shows.currentData()
        self.shows.clear()
        for name in known:
            self.shows.addItem(name, name)
            self.shows.setItemData(self.shows.count() - 1, WORDS[name], Qt.ItemDataRole.ToolTipRole)
        self.shows.setCurrentIndex(max(0, self.shows.findData(before)))

    # playing ---------------------------------------------------------------------------------------------------------

    @property
    def seen(self) -> Look | None:
        """The position that is painted."""
        return self.plot.look

    def play(self, move: int) -> None:
        """A hand makes a move; the other side is the player's, if it answers."""
        seen = self.seen
        if seen is None or seen.is_over or seen.landing[move] < 0:
            return
        self._answers_for = -seen.mover if self.answers_button.isChecked() else 0
        self._make(seen, move)

    def let_it_move(self) -> None:
        """The player makes the next move, and a hand plays the other side."""
        seen = self.seen
        if seen is not None and seen.choice is not None and not seen.is_over:
            self._answers_for = seen.mover if self.answers_button.isChecked() else 0
            self._make(seen, seen.choice)

    def _make(self, seen: Look, move: int) -> None:
        if not self.moves:
            self.moves.append(seen.board)
        board = list(seen.board)
        board[seen.landing[move]] = seen.mover
        self.moves.append(tuple(board))
        self._ask_at_once()

    def take_back(self) -> None:
        """Undo the last move, and where it was an answer the one before it too."""
        seen = self.seen
        if len(self.moves) < 2 or seen is None:
            return
        self.moves.pop()
        if self._answers_for and seen.mover == -self._answers_for and len(self.moves) > 1 and not seen.is_over:
            self.moves.pop()
        self._answers_for = 0
        self._ask_at_once()

    def start_anew(self) -> None:
        """Back to where the node stands."""
        self.moves, self._answers_for = [], 0
        self._ask_at_once()

    def _ask_at_once(self) -> None:
        self._since.invalidate()
        self._is_waiting = False
        self.ask_again()

    def _toggle_answers(self) -> None:
        self._answers_for = 0

    # settings --------------------------------------------------------------------------------------------------------

    def _choose(self, _: int) -> None:
        self.remember("Choose what the cells tell", shows=self.shows.currentData())
        self._paint_again()

    def recall(self) -> None:
        """What the document remembers."""
        self.shows.setCurrentIndex(max(0, self.shows.findData(self.settings.get("shows"))))
        self._paint_again()

    def _paint_again(self) -> None:
        self.plot.show_look(self.seen, str(self.shows.currentData() or ""))

    def document_changed(self, change: Change) -> None:
        """Another document: another board."""
        if "reset" in change.kinds or change.replans:
            self._forget_another_game()
        super().document_changed(change)

    def _forget_another_game(self) -> None:
        seen = self.plot.look if self._body is not None else None
        if seen is None or game_of(self.editor.document.graph, self.node) is not seen.game:
            self.moves, self._answers_for, self._offered = [], 0, ()

    def describe(self, snapshot: Snapshot) -> str:
        """How to play."""
        return super().describe(snapshot) or "click plays, right button takes back"
