"""The document as Qt sees it: edits with undo, clipboard, automatic layout, journal."""

from app.editor.change import Change
from app.editor.delta import wire_id
from app.editor.editor import Editor

__all__ = ["Change", "Editor", "wire_id"]
