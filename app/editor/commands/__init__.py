"""What can be done to a document, one file a family.

Each function works an edit out on a draft and returns its name for the menu with its `Delta`; it raises `ProblemError`
where the edit cannot be made, so that nothing unsound ever reaches the history.
"""

from __future__ import annotations

from app.editor.delta import Delta

Command = tuple[str, Delta]

__all__ = ["Command", "Delta"]
