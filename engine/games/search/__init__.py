"""Looking ahead: exactly, by minimax, and by sampling, as a tree that grows where it is promising."""

from engine.games.search.minimax import AlphaBeta, Solution, is_solvable, look_ahead, solved
from engine.games.search.trees import Settings, Trees

__all__ = ["AlphaBeta", "Settings", "Solution", "Trees", "is_solvable", "look_ahead", "solved"]
