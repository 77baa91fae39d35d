"""The palette: searched, starred, folded, placed by keys, dragged by hand; formulas only when there is time."""

import subprocess
import sys

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDrag
from PySide6.QtTest import QTest

from app.editor import Editor
from app.panels.palette import Palette
from app.panels.palette_list import FAVOURITES, MIME, TYPE
from app.settings import Settings
from app.theme.icons import icon_names
from engine.composite_library import library
from engine.document import Document
from engine.nodes import node_types


@pytest.fixture
def palette(qtbot):
    made = Palette(Editor(Document()))
    made.resize(240, 900)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def names(palette):
    return [row.data(TYPE).name for row in palette.tree.rows()]


def middle_of(palette, name):
    row = next(row for row in palette.tree.rows() if row.data(TYPE).name == name)
    return palette.tree.visualRect(row).center()


def test_every_node_type_has_a_row_in_the_section_of_its_category(palette):
    assert sorted(names(palette)) == sorted({**node_types(), **library()})
    for title, head in palette.tree.sections().items():
        assert {head.model().index(i, 0, head).data(TYPE).category for i in range(head.model().rowCount(head))} == {
            title
        }


def test_typing_leaves_the_rows_that_have_all_the_words_and_enter_places_the_first(palette):
    palette.focus_search()
    QTest.keyClicks(palette.search, "dense")
    assert names(palette)[0] == "dense"
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    graph = palette._editor.document.graph
    assert [node.type for node in graph] == ["dense"]
    assert palette._editor.selection == set(graph.nodes)
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert sorted(names(palette)) == sorted({**node_types(), **library()})


def test_a_search_that_finds_nothing_leaves_no_section_and_places_nothing(palette):
    QTest.keyClicks(palette.search, "no such thing")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.tree.sections() == {}
    assert not palette._editor.document.graph.nodes


def test_the_arrow_leads_from_the_search_into_the_list_and_back(palette, qtbot):
    palette.focus_search()
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.tree.currentIndex().data(TYPE) is not None
    QTest.keyClick(palette.tree, Qt.Key.Key_Up)
    QTest.keyClick(palette.tree, Qt.Key.Key_Up)
    assert palette.focusWidget() is palette.search


def test_a_double_click_places_a_node_where_the_window_says_and_never_on_another(palette):
    palette.place_for = lambda: (100.0, 50.0)
    viewport = palette.tree.viewport()
    for _ in range(2):
        QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=middle_of(palette, "dense"))
    places = [node.position for node in palette._editor.document.graph]
    assert places[0] == (100.0, 50.0)
    assert len(set(places)) == 2


def test_a_click_on_a_heading_folds_its_section(palette):
    head = palette.tree.sections()["Layers"]
    QTest.mouseClick(palette.tree.viewport(), Qt.MouseButton.LeftButton, pos=palette.tree.visualRect(head).center())
    assert not palette.tree.isExpanded(palette.tree.sections()["Layers"])
    palette.search.setText("dense")
    assert palette.tree.isExpanded(palette.tree.sections()["Layers"])
    palette.search.clear()
    assert not palette.tree.isExpanded(palette.tree.sections()["Layers"])


def test_a_star_makes_a_favourite_that_is_there_at_the_next_start(palette, qtbot, tmp_path):
    palette._settings = Settings(tmp_path / "settings.json")
    row = next(row for row in palette.tree.rows() if row.data(TYPE).name == "dense")
    star = palette.tree.star_area(palette.tree.visualRect(row)).center()
    QTest.mouseClick(palette.tree.viewport(), Qt.MouseButton.LeftButton, pos=star)
    assert FAVOURITES in palette.tree.sections()
    again = Palette(Editor(Document()), settings=Settings(tmp_path / "settings.json"))
    qtbot.addWidget(again)
    assert names(again)[0] == "dense"
    again.toggle_favourite("dense")
    assert FAVOURITES not in again.tree.sections()


def test_a_drag_carries_the_name_of_the_node_type(palette, monkeypatch):
    carried = []
    monkeypatch.setattr(QDrag, "exec", lambda drag, *_: carried.append(bytes(drag.mimeData().data(MIME)).decode()))
    viewport, start = palette.tree.viewport(), middle_of(palette, "target")
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(viewport, start + QPoint(12 * step, 0))
    assert carried == ["target"]


def test_formulas_are_set_one_by_one_after_the_first_paint(palette, qtbot):
    qtbot.waitUntil(lambda: palette.tree.shelf.is_idle)
    formula = palette.tree.shelf.formula("scale", "unused")
    assert formula is not None
    assert formula.size.width() > 10


def test_neither_building_nor_painting_imports_ziamath():
    program = (
        "from PySide6.QtWidgets import QApplication; app = QApplication([])\n"
        "from app.editor import Editor; from app.panels.palette import Palette; from engine.document import Document\n"
        "import sys; panel = Palette(Editor(Document())); panel.show(); panel.grab()\n"
        "assert 'ziamath' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_every_type_of_node_names_an_icon_that_is_there():
    unknown = {name: kind.icon for name, kind in node_types().items() if kind.icon and kind.icon not in icon_names()}
    assert unknown == {}
