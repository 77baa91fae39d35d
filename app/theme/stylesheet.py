"""The style sheet of the whole application, built from a palette.

Widgets choose a variant by a dynamic property: `kind` of buttons ("primary", "quiet", "chip"), `level` of labels ("2",
"3", "caption", "title", "number" …), `panel` of frames ("surface", "raised", "canvas", "bar").
There is no rule for every QWidget: it would win over `setFont` and `setPalette`.
Views have a font size because only a change of font makes Qt measure rows anew that were added before the first paint.
"""

from __future__ import annotations

from dataclasses import asdict
from string import Template

from platformdirs import user_cache_path

from app.theme.fonts import NUMBERS
from app.theme.icons import icon_svg
from app.theme.palette import Palette

RULES = Template("""
QAbstractItemView, QTabBar, QPushButton, QToolButton, QSlider { outline: none; }
QMainWindow, QDialog, QMessageBox { background: $surface; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; border-radius: 4px; padding: 4px 8px; }

QFrame[panel="surface"] { background: $surface; }
QFrame[panel="canvas"] { background: $canvas; }
QFrame[panel="bar"] { background: $surface; border: none; border-top: 1px solid $border; }
QFrame[panel="raised"] { background: $raised; border: 1px solid $border; border-radius: 8px; }
QFrame[panel="accent"] { background: $raised; border: 1px solid $accent; border-radius: 8px; }
QFrame[panel="line"] { background: $border; border: none; max-height: 1px; }

QLabel { background: transparent; }
QLabel[level="2"] { color: $text2; }
QLabel[level="3"] { color: $text3; }
QLabel[level="caption"] { color: $text3; font-size: 11px; }
QLabel[level="strong"] { font-weight: 600; }
QLabel[level="title"] { font-size: 13px; font-weight: 600; }
QLabel[level="heading"] { font-size: 15px; font-weight: 600; }
QLabel[level="display"] { font-size: 26px; font-weight: 600; }
QLabel[level="number"] { font-family: "$numbers"; }
QLabel[level="number_small"] { font-family: "$numbers"; font-size: 11px; color: $text3; }
QLabel[level="error"] { color: $error; }
QLabel[level="warn"] { color: $warn; }
QLabel[level="key"] { color: $text2; background: $hover; border: 1px solid $border; border-radius: 4px; padding:
    1px 5px;
    font-size: 11px; }
QLabel:disabled { color: $border_strong; }

QMenuBar { background: $surface; color: $text2; border-bottom: 1px solid $border; padding: 3px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $hover; color: $text; }
QMenu { background: $raised; border: 1px solid $border; border-radius: 6px; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; margin: 0 1px; }
QMenu::item:selected { background: $selection; }
QMenu::item:disabled { color: $border_strong; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 6px; }
QMenu::indicator:checked { $image_check }
QMenu::right-arrow { $image_chevron_right width: 12px; height: 12px; }

QPushButton { background: $raised; color: $text; border: 1px solid $border; border-radius: 6px; padding: 5px 12px;
    font-weight: 500; min-height: 16px; }
QPushButton:hover { background: $hover; border-color: $border_strong; }
QPushButton:pressed { background: $border; }
QPushButton:checked { background: $selection; border-color: $accent; }
QPushButton:focus { border-color: $focus; }
QPushButton:disabled { color: $border_strong; background: $surface; border-color: $border; }
QPushButton[kind="primary"], QPushButton:default { background: $accent; color: $on_accent; border-color: $accent;
    font-weight: 600; }
QPushButton[kind="primary"]:hover, QPushButton:default:hover { background: $focus; border-color: $focus; }
QPushButton[kind="primary"]:focus { border-color: $text; }
QPushButton[kind="primary"]:disabled { background: $border; color: $text3; border-color: $border; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; color: $text2; }
QPushButton[kind="quiet"]:hover { background: $hover; color: $text; }
QPushButton[kind="quiet"]:focus { border-color: $focus; }
QPushButton[kind="chip"] { background: transparent; border-radius: 12px; padding: 3px 11px; color: $text2;
    font-weight: 400; }
QPushButton[kind="chip"]:hover { color: $text; }
QPushButton[kind="chip"]:checked { background: $selection; border-color: $accent; color: $text; }

QToolButton { background: transparent; color: $text2; border: 1px solid transparent; border-radius: 6px; padding: 4px; }
QToolButton:hover { background: $hover; color: $text; }
QToolButton:pressed { background: $border; }
QToolButton:checked { background: $selection; border-color: $accent; color: $text; }
QToolButton:focus { border-color: $focus; }
QToolButton:disabled { color: $border_strong; }
QToolButton[kind="primary"] { background: $accent; color: $on_accent; }
QToolButton[kind="primary"]:hover { background: $focus; }
QToolButton[kind="primary"]:focus { border-color: $text; }
QToolButton[kind="segment"] { border-radius: 4px; padding: 4px 10px; }
QToolButton[kind="segment"]:checked { font-weight: 600; }
QToolButton::menu-indicator { image: none; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox { background: $field; color: $text;
    border: 1px solid $border; border-radius: 4px; padding: 3px 8px; min-height: 16px;
    selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:hover, QPlainTextEdit:hover, QTextEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover {
    border-color: $border_strong; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {
    border-color: $focus; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled { color: $border_strong; }
QLineEdit, QPlainTextEdit, QTextEdit { placeholder-text-color: $text3; }
QLineEdit:read-only { color: $text2; }
QLineEdit[wrong="true"], QSpinBox[wrong="true"], QDoubleSpinBox[wrong="true"] { border-color: $error; }
QLineEdit[kind="search"] { border-radius: 6px; padding: 5px 8px 5px 2px; }
QLineEdit[kind="number"], QPlainTextEdit[kind="number"], QSpinBox, QDoubleSpinBox { font-family: "$numbers"; }
QSpinBox, QDoubleSpinBox { padding-right: 18px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { background: transparent; border: none; width: 16px; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; }
QAbstractSpinBox::up-arrow { $image_chevron_up width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { $image_chevron_down width: 10px; height: 10px; }
QComboBox { padding-right: 22px; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { $image_chevron_down width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; border-radius: 4px; padding: 3px;
    selection-background-color: $selection; selection-color: $text; }
QComboBox QAbstractItemView::item { min-height: 22px; padding: 0 6px; }

QCheckBox, QRadioButton { spacing: 8px; background: transparent; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $border_strong; border-radius: 4px; background:
    $field; }
QRadioButton::indicator { width: 14px; height: 14px; border: 1px solid $border_strong; border-radius: 8px;
    background: $field; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $text2; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $focus; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; $image_check_on_accent }
QRadioButton::indicator:checked { background: $accent; border: 4px solid $field; width: 8px; height: 8px; }
QCheckBox:disabled, QRadioButton:disabled { color: $border_strong; }

QSlider { background: transparent; }
QSlider::groove:horizontal { height: 2px; background: $border; border-radius: 1px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 1px; }
QSlider::handle:horizontal { background: $surface; border: 2px solid $accent; width: 8px; height: 8px; margin: -5px 0;
    border-radius: 6px; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { border-color: $focus; background: $selection; }
QSlider::groove:vertical { width: 2px; background: $border; border-radius: 1px; }
QSlider::add-page:vertical { background: $accent; border-radius: 1px; }
QSlider::handle:vertical { background: $surface; border: 2px solid $accent; width: 8px; height: 8px; margin: 0 -5px;
    border-radius: 6px; }
QSlider::sub-page:disabled, QSlider::add-page:disabled { background: $border; }
QSlider::handle:disabled { border-color: $border_strong; }

QProgressBar { background: $border; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; color:
    transparent; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QScrollArea, QAbstractScrollArea { border: none; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::handle:hover { background: $border_strong; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QAbstractItemView { background: $surface; alternate-background-color: $surface; border: none; gridline-color: $border;
    selection-background-color: $selection; selection-color: $text; }
QAbstractItemView::item:hover { background: $hover; }
QAbstractItemView::item:selected { background: $selection; color: $text; }
QListView, QTreeView, QTableView { font-size: 12px; }
QListView::item, QTreeView::item { padding: 4px 8px; border-radius: 4px; }
QTreeView::branch { background: transparent; }
QTreeView::branch:has-children:closed { $image_chevron_right }
QTreeView::branch:has-children:open { $image_chevron_down }
QTableView { font-family: "$numbers"; }
QTableView::item { padding: 2px 8px; }
QHeaderView { background: $surface; }
QHeaderView::section { background: $surface; color: $text3; border: none; border-bottom: 1px solid $border;
    padding: 4px 8px; font-size: 11px; font-weight: 400; text-align: left; }
QTableCornerButton::section { background: $surface; border: none; }

QTabWidget::pane { border: none; border-top: 1px solid $border; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $text2; padding: 6px 12px; border: none; border-bottom: 2px solid
    transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $focus; }

QDockWidget { color: $text; font-weight: 600; }
QDockWidget::title { background: $surface; padding: 8px 12px; border-bottom: 1px solid $border; text-align: left; }
QDockWidget > QWidget { background: $surface; }
QMainWindow::separator { background: $border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QSplitter::handle { background: $border; }
QSplitter::handle:hover { background: $accent; }
QToolBar { background: $surface; border: none; spacing: 4px; padding: 4px 8px; }
QToolBar::separator { background: $border; width: 1px; margin: 4px; }
QStatusBar { background: $surface; color: $text3; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QGroupBox { border: 1px solid $border; border-radius: 6px; margin-top: 16px; padding: 8px; }
QGroupBox::title { subcontrol-origin: margin; left: 8px; color: $text2; }
QGraphicsView { background: $canvas; border: none; }
""")


def stylesheet(palette: Palette) -> str:
    """The rules in the colours of `palette`."""
    images = {
        "image_check": image_rule("check", palette.text2),
        "image_check_on_accent": image_rule("check", palette.on_accent),
        "image_chevron_down": image_rule("chevron-down", palette.text2),
        "image_chevron_right": image_rule("chevron-right", palette.text2),
        "image_chevron_up": image_rule("chevron-up", palette.text2),
    }
    return RULES.substitute(asdict(palette), numbers=NUMBERS, field=palette.canvas, **images)


def image_rule(name: str, colour: str) -> str:
    """`image: url(...);` for an icon in `colour`; nothing where the cache cannot be written.

    Style sheets take pictures from files only, so each is kept in the user's cache under its name and colour.
    """
    path = user_cache_path("chainrule") / "icons" / f"{name}-{colour[1:].lower()}.svg"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(icon_svg(name, colour), encoding="utf-8")
    except OSError:
        return ""
    return f'image: url("{path.as_posix()}");'
