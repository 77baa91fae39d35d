"""Chainrule's engine: graphs, differentiation, tapes and machines; it knows no window.

The names below are its public face for notebooks, loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.document import Document
    from engine.graph import Graph
    from engine.problems import Problem, ProblemError
    from engine.session import Session

__all__ = ["Document", "Graph", "Problem", "ProblemError", "Session"]
_HOMES = {
    "Document": "document",
    "Graph": "graph",
    "Problem": "problems",
    "ProblemError": "problems",
    "Session": "session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(f"engine.{_HOMES[name]}"), name)
