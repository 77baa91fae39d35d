"""The theme in force: one object that answers every question about the look, and says when the answers change."""

from __future__ import annotations

import math
import weakref
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from app.theme.fonts import load_fonts, make_font
from app.theme.icons import icon_pixmap, make_icon
from app.theme.mathematics import Mathematics, set_mathematics
from app.theme.palette import DARK, LIGHT, Palette
from app.theme.scales import STEPS, lookup_table
from app.theme.stylesheet import stylesheet

SCHEMES = ("system", "dark", "light")


class Space(NamedTuple):
    """Distances in device-independent pixels, all on a grid of 4."""

    tiny: int = 4
    small: int = 8
    panel: int = 12
    node: int = 16
    large: int = 24
    huge: int = 32


class Radius(NamedTuple):
    """Roundness of corners, in device-independent pixels."""

    field: int = 4
    button: int = 6
    node: int = 8


class HasIcon(Protocol):
    """A button or an action."""

    def setIcon(self, icon: QIcon, /) -> None:
        """Show `icon`."""


class Theme(QObject):
    """Colours, fonts, icons, scales and mathematics of the scheme in force (dark or light).

    Follows the system until `set_scheme` says otherwise. `changed` comes after a switch; whoever painted with a
    colour of the theme paints again. Colours are named by the tokens of Palette.
    """

    changed = Signal()
    space = Space()
    radius = Radius()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        load_fonts()
        self._scheme = "system"
        self._icons: list[tuple[weakref.ref[HasIcon], str, str, float]] = []
        self._application: QApplication | None = None
        self._palette = self._wanted()
        self._take(self._palette)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)

    # --- the scheme

    @property
    def scheme(self) -> str:
        """What was asked for: "dark", "light" or "system"."""
        return self._scheme

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are in force."""
        return self._palette.is_dark

    @property
    def palette(self) -> Palette:
        """The colours in force, as text."""
        return self._palette

    def set_scheme(self, scheme: str) -> None:
        """Use the "dark" or "light" colours, or those of the "system"; ValueError for anything else."""
        if scheme not in SCHEMES:
            raise ValueError(f"a scheme is one of {', '.join(SCHEMES)}, not {scheme!r}")
        self._scheme = scheme
        self._follow()

    def _follow(self) -> None:
        """Take the colours that are wanted now, and tell everybody if they are others."""
        wanted = self._wanted()
        if wanted is self._palette:
            return
        self._take(wanted)
        self._dress()
        self._repaint_icons()
        self.changed.emit()

    def _wanted(self) -> Palette:
        if self._scheme != "system":
            return LIGHT if self._scheme == "light" else DARK
        # A system that does not say (Unknown) gets dark, the scheme the pictures were drawn in.
        return LIGHT if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK

    def _take(self, palette: Palette) -> None:
        self._palette = palette
        self.diverging: NDArray[np.uint8] = lookup_table(palette.diverging)
        self.sequential: NDArray[np.uint8] = lookup_table(palette.sequential)

    # --- colours

    def colour(self, token: str, alpha: float = 1.0) -> QColor:
        """The colour of `token`, a fresh copy; `alpha` from 0 (unseen) to 1."""
        colour = QColor(getattr(self._palette, token))
        colour.setAlphaF(alpha)
        return colour

    def pen(self, token: str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
        """A cosmetic pen: `width` device-independent pixels at every zoom."""
        pen = QPen(self.colour(token), width, style)
        pen.setCosmetic(True)
        return pen

    def signed_colour(self, value: float, limit: float) -> QColor:
        """The diverging scale at `value`; its ends stand for -limit and +limit. Not finite: the colour `error`."""
        if not math.isfinite(value):
            return self.colour("error")
        share = max(-1.0, min(1.0, value / limit)) if limit > 0 else 0.0
        red, green, blue = (int(channel) for channel in self.diverging[round((share + 1) / 2 * (STEPS - 1))])
        return QColor(red, green, blue)

    # --- type, icons, mathematics

    def font(self, role: str) -> QFont:
        """The font for a role: title, body, strong, caption, number, number_small, formula … (`fonts.ROLES`)."""
        return make_font(role)

    def icon(self, name: str, token: str = "text2", size: float = 16) -> QIcon:
        """A Lucide icon in the colours of now; see `set_icon` for one that follows the scheme."""
        return make_icon(name, getattr(self._palette, token), self._palette.border_strong, size)

    def pixmap(self, name: str, token: str = "text2", size: float = 16, ratio: float | None = None) -> QPixmap:
        """A Lucide icon to paint, `size` device-independent pixels wide, for the sharpest screen or for `ratio`."""
        if ratio is None:
            ratio = max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
        return icon_pixmap(name, getattr(self._palette, token), size, ratio)

    def set_icon(self, target: HasIcon, name: str, token: str = "text2", size: float = 16) -> None:
        """Give a button or an action an icon, now and after every change of scheme."""
        self._icons = [entry for entry in self._icons if entry[0]() not in (None, target)]
        self._icons.append((weakref.ref(target), name, token, size))
        target.setIcon(self.icon(name, token, size))

    def _repaint_icons(self) -> None:
        for reference, name, token, size in self._icons:
            target = reference()
            if target is not None and isValid(target):
                target.setIcon(self.icon(name, token, size))

    def mathematics(self, latex: str, size: float = 13, token: str = "text") -> Mathematics:
        """A formula ready to paint; LaTeX that cannot be set comes back as plain text, never as an error."""
        return set_mathematics(latex, float(size), getattr(self._palette, token))

    # --- the whole application

    def stylesheet(self) -> str:
        """The style sheet of the whole application in the colours of now."""
        return stylesheet(self._palette)

    def apply(self, application: QApplication) -> None:
        """Dress the application: style, palette, font, style sheet and icon; again after every change of scheme."""
        self._application = application
        application.setStyle("Fusion")
        application.setFont(self.font("body"))
        application.setWindowIcon(make_icon("chainrule", self._palette.text, self._palette.text, 64))
        self._dress()

    def _dress(self) -> None:
        if self._application is not None:
            self._application.setPalette(self._qt_palette())
            self._application.setStyleSheet(self.stylesheet())

    def _qt_palette(self) -> QPalette:
        """For what no style sheet reaches: native dialogs, pyqtgraph's widgets, selections in text."""
        palette = QPalette()
        role = QPalette.ColorRole
        for target, token in {
            role.Window: "surface",
            role.WindowText: "text",
            role.Base: "canvas",
            role.AlternateBase: "surface",
            role.Text: "text",
            role.Button: "raised",
            role.ButtonText: "text",
            role.BrightText: "error",
            role.Highlight: "accent",
            role.HighlightedText: "on_accent",
            role.Link: "accent",
            role.ToolTipBase: "raised",
            role.ToolTipText: "text",
            role.PlaceholderText: "text3",
            role.Mid: "border",
            role.Dark: "border",
            role.Light: "hover",
        }.items():
            palette.setColor(target, self.colour(token))
        for target in (role.WindowText, role.Text, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, target, self.colour("border_strong"))
        return palette


def current_theme() -> Theme:
    """The theme of this process, made on first use; a QApplication must be there."""
    global _theme
    if _theme is None or not isValid(_theme):
        application = QApplication.instance()
        assert application is not None, "current_theme() needs a QApplication"
        _theme = Theme(application)
    return _theme


_theme: Theme | None = None
