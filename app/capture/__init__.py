"""Pictures and films as files: of the canvas, of a view, of the window; with and without a display."""

from app.capture.limits import FILMS, PICTURES

__all__ = ["FILMS", "PICTURES"]
