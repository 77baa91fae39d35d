"""Board games of two players, their rules and searches: pure NumPy, no networks of their own and no learning."""

from engine.games.rules import GAMES, Game

__all__ = ["GAMES", "Game"]
