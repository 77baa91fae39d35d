"""Making a composite of nodes, drawing a use out again, renaming a definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import counted, node_of, taken_ids
from app.editor.delta import draft_of
from engine.grouping import Moved, expanded, grouped

if TYPE_CHECKING:
    from engine.document import Document


def group(document: Document, ids: Sequence[str]) -> tuple[Moved, Command]:
    """Put nodes into a new composite. Returns where everything went, and the command."""
    draft = draft_of(document.graph)
    moved = grouped(draft, ids, taken=taken_ids(draft))
    chosen = list(moved.nodes)
    return moved, (counted(document.graph, chosen, "Group"), Delta.between(document.graph, draft))


def expand(document: Document, use: str) -> tuple[Moved, Command]:
    """Draw the inside of a use in its place. Returns where everything went, and the command."""
    draft, name = draft_of(document.graph), node_of(document.graph, use).name
    moved = expanded(draft, use, taken=taken_ids(draft))
    return moved, (f"Unpack {name}", Delta.between(document.graph, draft))
