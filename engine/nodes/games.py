"""Board games that a network plays against itself: what it remembers of them, and the loss that it learns by.

The games are played between two iterations (`engine.drivers.games`), by the very network that is drawn: its scores of moves
and its value come back to the node that plays, by wires that close the circle.
"""

from __future__ import annotations

from typing import Any, ClassVar

from engine.games import GAMES, Game
from engine.nodes.base import Choice, Flag, NodeType, Port, Real, Whole, node_type
from engine.nodes.losses import LOSS, ExampleLoss, number_each
from engine.primitives.draws import key_of
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import B, Value, shape_text

CATEGORY = "Board games"
MOST_EDGES = 4_000_000  # of all trees that grow side by side: each takes some thirty bytes
LOG = 256  # measurements of strength that are kept; when they are full, every second one goes
MEASURED = ("won", "drawn", "lost", "beaten")
GAME = Choice("tic_tac_toe", tuple(GAMES), help="Which game is played.")
FORM = Choice(
    "flat", ("flat", "planes"),
    help="The board as one row, the mover's cells before the other's, or as two maps for convolutions.",
)  # fmt: skip


class GameNode(NodeType):
    """Something about a board game."""

    category, icon = CATEGORY, "grid-3x3"
    game = GAME

    @property
    def rules(self) -> Game:
        """The rules of the game that is chosen."""
        return GAMES[self.game]


def kept(build: Builder, name: str, shape: tuple[int, ...], number: float = 0.0) -> Value:
    """A state that only a driver reads and writes: what no call uses has no place on the tape."""
    state = build.state(name, shape, number)
    build.emit("reshape", state, shape=shape)
    return state


class Remembering(GameNode):
    """A node that plays games, remembers positions in a ring, and gives some of them, drawn anew at every iteration."""

    form = FORM
    games = Whole(32, low=1, high=1024, unit="games", help="How many games are played side by side.")
    every = Whole(
        4, low=1, high=10_000, unit="iterations", help="After how many iterations one more move is made in every game."
    )
    positions = Whole(
        64, low=1, high=4096, unit="positions",
        help="How many of the memory one iteration learns from; where there are data, as many as a batch has.",
    )  # fmt: skip
    memory = Whole(
        4096, low=1, high=65_536, unit="positions", help="How many positions are remembered; the oldest are forgotten."
    )
    symmetries = Flag(True, help="Whether turned and mirrored positions are remembered too.")
    measured_every = Whole(
        100, low=0, high=1_000_000, unit="iterations",
        help="After how many iterations its strength is measured, against every answer there is; 0: never.",
    )  # fmt: skip

    @property
    def board_shape(self) -> tuple[int, ...]:
        """The shape in which one position is handed to the network."""
        rules = self.rules
        return (2, rules.rows, rules.columns) if self.form == "planes" else (2 * rules.cells,)

    def asked(self, build: Builder) -> Value:
        """In evaluation: the positions that somebody asks about."""
        has_data = getattr(build.feeder, "dataset", None) is not None
        address = f"{build.origin.node}.asked" if has_data else "data.inputs"
        return build.source("data", address, (B, *self.board_shape), None)

    def drawn_rows(self, build: Builder) -> Value:
        """(batch) Numbers of remembered positions, each as likely as any other."""
        build.bring_rows(self.positions)
        filled = build.state("filled", ())
        kept(build, "written", ())
        draws = build.emit("random_uniform", shape=(B,), key=key_of(build, "rows"))
        # `to_whole` rounds to the nearest number, and a draw close to 1 must not become the row behind the last.
        return build.emit("to_whole", build.emit("minimum", draws * filled - 0.5, filled - 1))

    def remembered(self, build: Builder, name: str, width: int, rows: Value) -> Value:
        """Some rows of a part of the memory."""
        return build.emit("gather_rows", build.state(f"memory_{name}", (self.memory, width)), rows)

    def shaped(self, build: Builder, boards: Value) -> Value:
        """Boards in the form that is chosen."""
        return build.emit("reshape", boards, shape=(boards.shape[0], *self.board_shape))

    def strengths(self, build: Builder) -> dict[str, Value]:
        """How strong the player was when that was measured last."""
        kept(build, "strength_log", (LOG, 1 + len(MEASURED)))
        kept(build, "strength_logged", (2,))
        return {name: build.emit("reshape", build.state(f"latest_{name}", ()), shape=()) for name in MEASURED}


STRENGTH: tuple[Port, ...] = (
    Port("won", "()", help="Share of games won against a player who moves at random; exact, with every answer followed."),
    Port("drawn", "()", help="Share of games drawn against a player who moves at random."),
    Port("lost", "()", help="Share of games lost against a player who moves at random."),
    Port("beaten", "()", help="In how many final positions it has lost to any opponent: 0 is unbeatable."),
)  # fmt: skip


@node_type
class SelfPlay(Remembering):
    """Plays against itself by tree search, and remembers what the search found and how the games ended."""

    name, title, icon = "self_play", "self-play", "gamepad-2"
    formula = r"\pi_a \propto N_a^{1/\tau}"
    source = "Aggarwal 2023, §11.7, eq. 11.28, and §11.8.1; Silver et al. 2017 and 2018: AlphaGo Zero, AlphaZero"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "logits", "(batch, moves)", symbol="z", late=True, optional=True,
            help="The network's scores of the moves, which say where the search looks first. Free: all are alike.",
        ),
        Port(
            "value", "(batch, 1)", symbol="v", late=True, optional=True,
            help="What the network expects for whose turn it is, −1 to 1. Free: a random game to its end says it.",
        ),
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("board", "(batch, …)", symbol="s", help="Positions: the stones of whose turn it is, then the other's."),
        Port("policy", "(batch, moves)", kind="target", symbol=r"\pi", help="How often the search tried each move."),
        Port("result", "(batch, 1)", kind="target", symbol="z", help="How the game ended for whose turn it was."),
        *STRENGTH,
    )  # fmt: skip
    simulations = Whole(
        24, low=1, high=2000, unit="simulations", help="How many positions are searched for every move."
    )
    exploration = Real(
        1.5, low=0.0, high=100.0, symbol="K",
        help="How much likely and seldom tried moves are favoured. 0: K = 1/√ΣN, as in AlphaGo.",
    )  # fmt: skip
    temperature = Real(
        1.0, low=0.0, high=10.0, symbol=r"\tau", help="How evenly moves are drawn by visits; 0: the most visited."
    )
    opening = Whole(
        9,
        low=0,
        high=100,
        unit="moves",
        help="How many moves of a game are drawn; behind them the most visited is made.",
    )
    noise = Real(0.25, low=0.0, high=1.0, help="Share of random chances at the root, so that every move is tried.")
    concentration = Real(
        1.0,
        low=0.001,
        high=100.0,
        help="Of the Dirichlet distribution of these: the smaller, the more falls on few moves.",
    )
    rollouts = Real(
        0.0,
        low=0.0,
        high=1.0,
        symbol=r"\beta",
        help="Share of a random game's end in the worth of a new position (AlphaGo: ½).",
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        for name in ("exploration", "temperature", "noise", "concentration", "rollouts"):
            build.setting(name, getattr(self, name))
        moves = self.rules.moves
        if self.games * self.simulations * moves > MOST_EDGES:
            fact = f"{self.games} games with {self.simulations} simulations each are more than fit into memory at once"
            raise ProblemError(Problem(fact, "Take fewer of either.", path="properties.games", kind="size"))
        if not build.training:
            asked = self.asked(build)
            policy = build.source("data", f"{build.origin.node}.policy", (B, moves), None)
            result = build.source("data", f"{build.origin.node}.result", (B, 1), None)
            unknown = {name: build.constant(0.0) for name in MEASURED}
            return {"board": asked, "policy": policy, "result": result, **unknown}
        rules, rows = self.rules, self.drawn_rows(build)
        kept(build, "boards", (self.games, rules.cells))
        kept(build, "lines", (self.games, rules.plies, 1 + moves))
        return {
            "board": self.shaped(build, self.remembered(build, "board", 2 * rules.cells, rows)),
            "policy": self.remembered(build, "policy", moves, rows),
            "result": self.remembered(build, "result", 1, rows),
            **self.strengths(build),
        }


@node_type
class AlphaZeroLoss(ExampleLoss):
    """The value's squared error beside the cross-entropy of the policy with what the search found."""

    name, title = "alphazero_loss", "AlphaZero loss"
    formula = r"L = (v - z)^2 - \sum_a \pi_a \ln p_a"
    source = "Aggarwal 2023, eq. 11.29, without ½; its λ‖W‖² is an L2 penalty of the training"
    inputs = (
        Port("logits", "(batch, moves)", symbol="y", help="One score per move: the loss holds the softmax itself."),
        Port("value", "(batch, 1)", symbol="v"),
        Port("policy", "(batch, moves)", kind="target", symbol=r"\pi", help="Chances of the moves; together 1."),
        Port("result", "(batch, 1)", kind="target", symbol="z", help="How the game ended for whose turn it was, −1 to 1."),
    )  # fmt: skip
    outputs = (
        LOSS,
        Port("value_loss", "()", help="The mean of (v − z)²."),
        Port("policy_loss", "()", help="The mean of −Σ π ln p."),
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        logits, policy = values["logits"], values["policy"]
        if logits.rank != 2 or logits.shape != policy.shape or policy.kind != "real":
            fact = f"scores of shape {shape_text(logits.shape)} meet chances of shape {shape_text(policy.shape)}"
            raise shape_mismatch(fact, "Give the policy head as many units as there are moves.", port="policy")
        likely = build.emit("sum", policy * build.emit("log_softmax", logits), axes=(1,))
        error = number_each(build, values["value"], likely, "value") - number_each(
            build, values["result"], likely, "result"
        )
        value_loss, policy_loss = self.reduce(build, error * error), self.reduce(build, -likely)
        return {"loss": value_loss + policy_loss, "value_loss": value_loss, "policy_loss": policy_loss}
