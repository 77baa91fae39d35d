"""The line beside a view's name: whole parts, or nothing."""

import pytest
from PySide6.QtGui import QFontMetrics

from app.theme import current_theme
from app.views.caption import SEPARATOR, whole_parts

TEXT = SEPARATOR.join(["iteration 2 000", "binary cross entropy"])


@pytest.fixture
def metrics(qapp):
    return QFontMetrics(current_theme().font("caption"))


def test_a_part_that_has_no_room_is_left_away_whole(metrics):
    room = metrics.horizontalAdvance(TEXT)
    assert whole_parts(TEXT, metrics, room + 6) == TEXT
    assert whole_parts(TEXT, metrics, room - 6) == "iteration 2 000"


def test_of_a_word_cut_to_a_few_letters_nothing_is_shown(metrics):
    assert whole_parts(TEXT, metrics, 40) == ""


def test_a_single_part_ends_in_an_ellipsis(metrics):
    assert whole_parts("the folder cannot be written: no space is left", metrics, 120).endswith("…")
