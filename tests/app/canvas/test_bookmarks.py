"""A teacher's stations: kept with Ctrl and a digit, gone to with the digit, saved with the document."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.canvas.bookmarks import found_in
from engine.document import Document
from tests.app.hand import CONTROL


def seen(view):
    zoom, centre = view.camera.place
    return pytest.approx((zoom, centre.x(), centre.y()), abs=2.0)


def place(view):
    zoom, centre = view.camera.place
    return zoom, centre.x(), centre.y()


def test_a_digit_leads_back_to_what_was_seen_with_its_zoom(view, hand):
    view.zoom_by(1.5)
    view.centre_at(QPointF(300, 80))
    kept = seen(view)
    hand.key(Qt.Key.Key_3, CONTROL)
    assert "press 3" in view.hint() and view.editor.stack.undoText() == "Keep bookmark 3"
    view.fit()
    assert place(view) != kept
    hand.key(Qt.Key.Key_3)
    assert place(view) == kept and view.editor.stack.count() == 1, "going is no step"
    hand.key(Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    assert place(view) != kept, "Shift+F leads back to where one was"


def test_a_bookmark_within_a_composite_leads_into_it_and_is_saved_with_the_document(view, hand):
    view.editor.group(["dense_1", "dense_2"])
    view.editor.enter("block_1")
    hand.key(Qt.Key.Key_1, CONTROL)
    view.editor.leave()
    hand.key(Qt.Key.Key_2, CONTROL)
    again = Document.from_json(view.editor.document.to_json())
    assert set(found_in(again.bookmarks)) == {1, 2} and not again.problems
    hand.key(Qt.Key.Key_1)
    assert view.editor.path == ("block_1",)
    hand.key(Qt.Key.Key_2)
    assert view.editor.path == ()
    view.editor.stack.undo()
    assert set(found_in(view.editor.document.bookmarks)) == {1}


def test_where_nothing_was_kept_the_key_says_how(view, hand):
    before = view.editor.document.to_json()
    hand.key(Qt.Key.Key_7)
    assert "there is no bookmark 7" in view.hint() and "Ctrl+7" in view.hint()
    assert view.editor.document.to_json() == before and "bookmarks" not in before


def test_the_menu_lists_what_is_kept(view, hand):
    hand.key(Qt.Key.Key_5, CONTROL)
    view.zoom_by(0.5)
    hand.key(Qt.Key.Key_B)
    texts = [action.text() for action in view.menu.actions() if not action.isSeparator()]
    assert texts[0] == "Bookmark 5\t5" and texts[1] == "Bookmark 1\tCtrl+1" and len(texts) == 10
    view.menu.setActiveAction(next(action for action in view.menu.actions() if action.text() == texts[0]))
    QTest.keyClick(view.menu, Qt.Key.Key_Return)
    assert view.zoom == pytest.approx(1.0)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"number": 12, "zoom": 1, "centre": [0, 0], "path": []},
        {"number": 1, "zoom": "x", "centre": [0, 0], "path": []},
        {"number": 1, "zoom": 1, "centre": [0], "path": []},
        {"number": 1, "zoom": 1, "centre": [0, 0], "path": [3]},
    ],
)
def test_a_damaged_bookmark_is_none(entry):
    assert found_in([entry]) == {}
