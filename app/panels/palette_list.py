"""The list in the palette: sections that fold, rows that are painted, formulas that are set when there is time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import (
    QByteArray,
    QEvent,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QDrag,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTreeView, QWidget

from app.theme import Mathematics, category_token, current_theme
from engine.nodes import NodeType

MIME = "application/x-chainrule-node"
TYPE, SECTION, COUNT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2
SECTION_HEIGHT, ROW_HEIGHT = 32, 30
PADDING, NAME_LEFT, FORMULA_SIZE, STAR = 12, 40, 12, 14
FAVOURITES = "Favourites"
Index = QModelIndex | QPersistentModelIndex


def short_formula(kind: type[NodeType]) -> str:
    """What a row has room for: the right side of a node type's formula."""
    latex = kind.formula.partition("=")[2].strip() or kind.formula
    # Fences that grow with a sum would be taller than the row.
    return latex.replace(r"\left", "").replace(r"\right", "")


def icon_of(kind: type[NodeType]) -> str:
    """The icon of a node type; a plain circle for one that brings none."""
    return kind.icon or "circle"


class FormulaShelf(QObject):
    """Formulas that have been set, in the colours of now; the others are set one by one when nothing else is to do."""

    def __init__(self, ready: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._ready = ready
        self._set: dict[str, Mathematics] = {}
        self._waiting: dict[str, str] = {}
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._set_next)
        current_theme().changed.connect(self.forget)

    @property
    def is_idle(self) -> bool:
        """Whether no row waits for its formula."""
        return not self._waiting

    def forget(self) -> None:
        """Set everything anew: the colours have changed."""
        self._set.clear()
        self._waiting.clear()
        self._ready()

    def formula(self, name: str, latex: str) -> Mathematics | None:
        """The formula, or None for now."""
        if name not in self._set and latex:
            self._waiting[name] = latex
            if not self._timer.isActive():
                self._timer.start()
        return self._set.get(name)

    def _set_next(self) -> None:
        name = next(iter(self._waiting), None)
        if name is None:
            return
        self._set[name] = current_theme().mathematics(self._waiting.pop(name), FORMULA_SIZE, "text3")
        self._ready()
        if self._waiting:
            self._timer.start()


class PaletteDelegate(QStyledItemDelegate):
    """Paints a section's head or a row: icon, name, formula, and a star under the mouse."""

    def __init__(self, tree: PaletteTree) -> None:
        super().__init__(tree)
        self._tree = tree
        self.shelf = FormulaShelf(tree.viewport().update, tree)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT if index.data(TYPE) else SECTION_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        kind = index.data(TYPE)
        if kind is None:
            self._paint_section(painter, option, index)
        else:
            self._paint_row(painter, option, index, kind)
        painter.restore()

    def _paint_section(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, area = current_theme(), option.rect
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(area, theme.colour("hover"))
        chevron = "chevron-down" if self._tree.isExpanded(index) else "chevron-right"
        middle = area.top() + (area.height() - 14) // 2
        painter.drawPixmap(area.left() + PADDING - 2, middle, theme.pixmap(chevron, "text3", 14))
        words = area.adjusted(PADDING + 16, 0, -PADDING, 0)
        painter.setFont(theme.font("strong"))
        painter.setPen(theme.colour("text"))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, index.data())
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text3"))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, str(index.data(COUNT)))

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, index: Index, kind: type[NodeType]) -> None:
        theme, area = current_theme(), option.rect
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected) and self._tree.hasFocus()
        if hovered or chosen:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.pen("focus") if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection" if chosen else "hover"))
            painter.drawRoundedRect(area.adjusted(4, 1, -5, -2), theme.radius.field, theme.radius.field)
        icon = theme.pixmap(icon_of(kind), category_token(kind.category), 16)
        painter.drawPixmap(area.left() + PADDING + 2, area.top() + (area.height() - 16) // 2, icon)
        right = area.right() - PADDING
        favourite = kind.name in self._tree.favourites
        if hovered:
            star = theme.pixmap("star", "accent" if favourite else "text3", STAR)
            painter.drawPixmap(self._tree.star_area(area).topLeft(), star)
            right -= STAR + 8
        words = kind.title or kind.name
        metrics = QFontMetricsF(theme.font("body"))
        room = right - area.left() - NAME_LEFT
        formula = self.shelf.formula(kind.name, short_formula(kind))
        if formula is not None and metrics.horizontalAdvance(words) + 12 + formula.size.width() <= room:
            formula.paint(painter, right - formula.size.width(), baseline(formula, area))
        painter.setFont(theme.font("body"))
        painter.setPen(theme.colour("text"))
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(
            area.adjusted(NAME_LEFT, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown
        )


def baseline(formula: Mathematics, area: QRect) -> float:
    """Where a formula's line stands in a row: beside the name's, higher where limits hang below it."""
    words = area.center().y() + 4.5
    below = formula.size.height() - formula.baseline
    return min(words, area.bottom() - below) if formula.size.height() > area.height() - 8 else words


class PaletteTree(QTreeView):
    """Sections and rows; Enter, a double click or a drag takes a row away."""

    chosen = Signal(str)
    starred = Signal(str)
    left_upwards = Signal()  # ↑ on the first row: back to the search field

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.favourites: list[str] = []
        self._folded: set[str] = {"Images", "Sequences", "Attention", "Worlds", "Board games"}
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(delegate := PaletteDelegate(self))
        self.shelf = delegate.shelf
        self._searching = False
        self.setHeaderHidden(True)
        self.setIndentation(0)
        self.setRootIsDecorated(False)
        self.setMouseTracking(True)
        self.setExpandsOnDoubleClick(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Node types")
        self.expanded.connect(lambda index: self._remember(index, True))
        self.collapsed.connect(lambda index: self._remember(index, False))
        current_theme().changed.connect(self.viewport().update)

    # contents --------------------------------------------------------------------------------------------------------

    def show_sections(self, sections: Iterable[tuple[str, list[type[NodeType]]]], searching: bool = False) -> None:
        """Show these sections; all of them unfolded while somebody searches."""
        self._searching = True  # folding by the program is not remembered
        self._model.clear()
        for title, kinds in sections:
            head = QStandardItem(title)
            head.setData(title, SECTION)
            head.setData(len(kinds), COUNT)
            head.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            head.setAccessibleText(f"{title}, {len(kinds)} node types")
            for kind in kinds:
                head.appendRow(self._row(kind))
            self._model.appendRow(head)
            self.setExpanded(head.index(), searching or title not in self._folded)
        self._searching = searching

    def _row(self, kind: type[NodeType]) -> QStandardItem:
        row = QStandardItem(kind.title or kind.name)
        row.setData(kind, TYPE)
        row.setToolTip(self._tooltip(kind))
        row.setAccessibleText(f"{kind.title or kind.name}: {kind.help()}")
        row.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled)
        return row

    def _tooltip(self, kind: type[NodeType]) -> str:
        colour = current_theme().palette.text3
        source = f"<br><span style='color:{colour}'>{kind.source}</span>" if kind.source else ""
        keys = f"<br><span style='color:{colour}'>Drag it onto the canvas, or press Enter · * marks a favourite</span>"
        return f"<b>{kind.title or kind.name}</b><br>{kind.help()}{source}{keys}"

    def rows(self) -> list[QModelIndex]:
        """The rows of node types in the order shown, folded ones too."""
        heads = [self._model.index(row, 0) for row in range(self._model.rowCount())]
        return [self._model.index(row, 0, head) for head in heads for row in range(self._model.rowCount(head))]

    def sections(self) -> dict[str, QModelIndex]:
        """The heads by title."""
        heads = [self._model.index(row, 0) for row in range(self._model.rowCount())]
        return {head.data(SECTION): head for head in heads}

    def _remember(self, index: QModelIndex, is_open: bool) -> None:
        if self._searching:
            return
        title = index.data(SECTION)
        self._folded = self._folded - {title} if is_open else self._folded | {title}

    def star_area(self, row: QRect) -> QRect:
        """Where the star of a row stands."""
        return QRect(row.right() - PADDING - STAR, row.top() + (row.height() - STAR) // 2, STAR, STAR)

    # hands -----------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        kind = index.data(TYPE) if index.isValid() else None
        is_left = event.button() == Qt.MouseButton.LeftButton
        if is_left and index.isValid() and kind is None:
            self.setCurrentIndex(index)
            self.setExpanded(index, not self.isExpanded(index))
            return
        if is_left and kind is not None and self._on_star(index, event):
            self.starred.emit(kind.name)
            return
        super().mousePressEvent(event)

    def _on_star(self, index: QModelIndex, event: QMouseEvent) -> bool:
        return self.star_area(self.visualRect(index)).adjusted(-4, -8, 8, 8).contains(event.position().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        kind = index.data(TYPE) if index.isValid() else None
        if kind is None:
            self.mousePressEvent(event)
        elif not self._on_star(index, event):
            self.chosen.emit(kind.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        kind = index.data(TYPE) if index.isValid() else None
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            if kind is None:
                self.setExpanded(index, not self.isExpanded(index))
            else:
                self.chosen.emit(kind.name)
        elif event.text() == "*" and kind is not None:
            self.starred.emit(kind.name)
        elif event.key() == Qt.Key.Key_Up and not self.indexAbove(index).isValid():
            self.left_upwards.emit()
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """The star follows the mouse."""
        if event.type() in (QEvent.Type.HoverMove, QEvent.Type.Leave):
            self.viewport().update()
        return super().viewportEvent(event)

    def startDrag(self, actions: Qt.DropAction) -> None:
        index = self.currentIndex()
        kind = index.data(TYPE) if index.isValid() else None
        if kind is None:
            return
        drag = QDrag(self)
        mime = QMimeData()
        mime.setData(MIME, QByteArray(kind.name.encode()))
        mime.setText(kind.title or kind.name)
        drag.setMimeData(mime)
        drag.setPixmap(ghost(kind, self.devicePixelRatioF()))
        drag.exec(Qt.DropAction.CopyAction)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say it when nothing fits the search."""
        super().paintEvent(event)
        if self._model.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(current_theme().colour("text3"))
            painter.setFont(current_theme().font("body"))
            area = self.viewport().rect().adjusted(PADDING, 16, -PADDING, 0)
            flags = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
            painter.drawText(area, flags, "No node type has these words in its name, section or description.")


def ghost(kind: type[NodeType], ratio: float) -> QPixmap:
    """What hangs at the cursor during a drag: the node's head."""
    theme = current_theme()
    words = kind.title or kind.name
    width = round(QFontMetricsF(theme.font("strong")).horizontalAdvance(words)) + 48
    pixmap = QPixmap(round(width * ratio), round(30 * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme.pen("accent"))
    painter.setBrush(theme.colour("raised"))
    painter.drawRoundedRect(QRect(0, 0, width - 1, 29), theme.radius.node, theme.radius.node)
    painter.drawPixmap(10, 8, theme.pixmap(icon_of(kind), category_token(kind.category), 14, ratio))
    painter.setFont(theme.font("strong"))
    painter.setPen(theme.colour("text"))
    painter.drawText(QRect(32, 0, width - 40, 29), Qt.AlignmentFlag.AlignVCenter, words)
    painter.end()
    return pixmap
