"""Colours, type, icons, spacing and mathematics: everything about the look is named here once and read everywhere."""

from app.theme.mathematics import Mathematics
from app.theme.palette import DARK, LIGHT, Palette, category_token, contrast, kind_token
from app.theme.theme import Radius, Space, Theme, current_theme

__all__ = [
    "DARK",
    "LIGHT",
    "Mathematics",
    "Palette",
    "Radius",
    "Space",
    "Theme",
    "category_token",
    "contrast",
    "current_theme",
    "kind_token",
]
