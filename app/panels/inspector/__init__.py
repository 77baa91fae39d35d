"""The inspector in the right dock, and the parts that the panels for training and data share with it."""

from app.panels.inspector.inspector import Inspector

__all__ = ["Inspector"]
