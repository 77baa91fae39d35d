"""The first page, by keys and clicks."""

import pytest
from PySide6.QtCore import QSizeF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QPushButton

from app import library
from app.library import layer_widths, parameter_count, size_text
from app.panels import gallery as gallery_module
from app.panels.cards import Card, SideRow, two_lines
from app.panels.chips import CHIPS
from app.panels.gallery import Gallery
from app.panels.thumbnails import thumbnail
from app.theme import current_theme


@pytest.fixture
def gallery(qtbot, shelf, settings):
    made = Gallery(settings)
    qtbot.addWidget(made)
    made.resize(1280, 760)
    made.show()
    qtbot.waitExposed(made)
    made.refresh()
    return made


def titles(gallery):
    return [card.preset.title for card in gallery.cards]


def row(gallery, text):
    return next(each for each in gallery.findChildren(SideRow) if each.text() == text)


def chip(gallery, text):
    return next(each for each in gallery.findChildren(QPushButton) if each.text() == text)


def test_every_preset_has_a_card_in_the_order_of_the_chapters(gallery):
    assert titles(gallery) == ["A ladder", "Two moons", "XOR needs a hidden layer"]
    assert all(card.isVisible() for card in gallery.cards)


@pytest.fixture
def hasty(qtbot, shelf, settings, monkeypatch):
    """A gallery that has made a single card so far."""
    monkeypatch.setattr(gallery_module, "FIRST_CARDS", 1)
    made = Gallery(settings)
    qtbot.addWidget(made)
    made.show()
    assert len(made.findChildren(Card)) == 1
    return made


def test_cards_out_of_sight_come_by_themselves_behind_the_first_picture(qtbot, hasty):
    qtbot.waitUntil(lambda: len(hasty.findChildren(Card)) == 3)
    first, *others = hasty.cards
    qtbot.waitUntil(lambda: all(card.accessibleName() for card in others))
    assert {card.height() for card in others} == {first.height()}


def test_a_search_finds_what_has_no_card_yet(hasty):
    hasty.search.setText("moons")
    assert titles(hasty) == ["Two moons"]


def test_the_questions_and_titles_of_all_presets_fit_on_their_cards(qapp):
    theme = current_theme()
    room = 280 - 2 * 14
    for preset in library.presets():
        assert QFontMetricsF(theme.font("title")).horizontalAdvance(preset.title) <= room, preset.id
        metrics = QFontMetricsF(theme.font("body"))
        lines = two_lines(preset.question, metrics, room)
        assert " ".join(lines) == preset.question
        assert all(metrics.horizontalAdvance(line) <= room for line in lines), preset.id


def test_a_click_on_a_chapter_shows_only_its_cards(qtbot, gallery):
    qtbot.mouseClick(row(gallery, "Neural network basics"), Qt.MouseButton.LeftButton)
    assert titles(gallery) == ["Two moons", "XOR needs a hidden layer"]
    qtbot.mouseClick(row(gallery, "All examples"), Qt.MouseButton.LeftButton)
    assert len(titles(gallery)) == 3


def test_chapters_say_how_many_examples_they_hold(gallery):
    assert row(gallery, "Neural network basics").accessibleName() == "Neural network basics, 2 examples"


def test_slash_goes_to_the_search_and_typing_filters(qtbot, gallery):
    qtbot.keyClick(gallery.cards[0], "/")
    assert gallery.search.hasFocus()
    qtbot.keyClicks(gallery.search, "neuron not")
    assert titles(gallery) == ["Two moons", "XOR needs a hidden layer"]
    qtbot.keyClicks(gallery.search, " xor")
    assert titles(gallery) == ["XOR needs a hidden layer"]


def test_enter_in_the_search_opens_the_first_card(qtbot, gallery):
    qtbot.keyClicks(gallery.search, "moons")
    with qtbot.waitSignal(gallery.preset_chosen) as caught:
        qtbot.keyClick(gallery.search, Qt.Key.Key_Return)
    assert caught.args == ["moons"]


def test_a_search_without_a_match_says_so(qtbot, gallery):
    qtbot.keyClicks(gallery.search, "zebra")
    assert titles(gallery) == []
    assert "zebra" in gallery._none.text()
    assert gallery._none.isVisible()


def test_escape_empties_the_search(qtbot, gallery):
    qtbot.keyClicks(gallery.search, "moons")
    qtbot.keyClick(gallery.search, Qt.Key.Key_Escape)
    assert len(titles(gallery)) == 3


def test_arrows_walk_the_cards_and_enter_opens(qtbot, gallery):
    assert gallery.cards[0].hasFocus()
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Right)
    assert gallery.cards[1].hasFocus()
    qtbot.keyClick(gallery.cards[1], Qt.Key.Key_Left)
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Left)
    assert gallery.cards[0].hasFocus()
    with qtbot.waitSignal(gallery.preset_chosen) as caught:
        qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Return)
    assert caught.args == ["ladder"]


def test_down_goes_one_row_down_when_cards_stand_in_one_column(qtbot, gallery, monkeypatch):
    monkeypatch.setattr("app.panels.gallery.NARROWEST_CARD", 500)
    gallery.resize(1024, 760)
    qtbot.waitUntil(lambda: gallery._columns == 1)
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Down)
    assert gallery.cards[1].hasFocus()


def test_a_click_on_a_card_opens_it(qtbot, gallery):
    with qtbot.waitSignal(gallery.preset_chosen) as caught:
        qtbot.mouseClick(gallery.cards[2], Qt.MouseButton.LeftButton)
    assert caught.args == ["xor"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("With a tour", ["XOR needs a hidden layer"]),
        ("Step by step", ["XOR needs a hidden layer"]),
        ("Textbook numbers", ["A ladder"]),
        ("Under 20 parameters", ["A ladder", "Two moons", "XOR needs a hidden layer"]),
    ],
)
def test_a_chip_leaves_the_cards_that_have_its_mark(qtbot, gallery, name, expected):
    qtbot.mouseClick(chip(gallery, name), Qt.MouseButton.LeftButton)
    assert titles(gallery) == expected


@pytest.mark.parametrize(
    ("preset", "marks"),
    [
        ("digits-mlp", {"Images"}),
        ("char-model", {"Text"}),
        ("in-any-order", {"Text"}),
        ("hopfield-letters", {"Images", "No gradient"}),
        ("perceptron", {"No gradient"}),
        ("xor", set()),
    ],
)
def test_a_preset_is_marked_by_what_it_is_about_and_by_whether_it_follows_a_gradient(preset, marks):
    found = library.find_preset(preset)
    assert found is not None
    assert {name for name in ("Images", "Text", "No gradient") if CHIPS[name](found)} == marks


def test_recent_files_are_listed_and_open_with_a_click(qtbot, gallery, settings, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text("{}")
    settings.remember(path)
    gallery.refresh()
    recent = row(gallery, "mine.json")
    with qtbot.waitSignal(gallery.file_chosen) as caught:
        qtbot.mouseClick(recent, Qt.MouseButton.LeftButton)
    assert caught.args == [path.resolve()]


def test_a_recent_file_that_is_gone_is_not_offered(gallery, settings, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text("{}")
    settings.remember(path)
    path.unlink()
    gallery.refresh()
    assert "mine.json" not in [each.text() for each in gallery.findChildren(SideRow) if each.isVisible()]


def test_cards_stand_three_across_in_a_small_window_and_four_in_a_large_one(gallery):
    tops = {card.mapTo(gallery, card.rect().topLeft()).y() for card in gallery.cards}
    assert gallery._columns == 3 and len(tops) == 1
    gallery.resize(1840, 1000)
    assert gallery._columns == 4
    tops = {card.mapTo(gallery, card.rect().topLeft()).y() for card in gallery.cards}
    assert len(tops) == 1


def test_a_bar_to_scroll_with_is_there_only_where_cards_do_not_fit(qtbot, gallery):
    bar = gallery._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() == 0)
    gallery.resize(1280, 300)
    qtbot.waitUntil(lambda: bar.maximum() > 0)


def test_no_card_is_cut_off_at_the_right(qtbot, gallery):
    def rightmost():
        return max(card.mapTo(gallery, card.rect().topRight()).x() for card in gallery.cards)

    def head():
        shown = [part for part in gallery.findChildren(QPushButton) if part.isVisible()]
        return max(part.mapTo(gallery, part.rect().topRight()).x() for part in shown)

    for width in (1024, 1280, 1920, 900):
        gallery.resize(width, 760)
        qtbot.waitUntil(lambda width=width: rightmost() <= width - 10)
        qtbot.waitUntil(lambda width=width: head() <= width - 10)


def test_a_narrow_gallery_leaves_out_the_last_chips_but_not_the_chosen_one(qtbot, gallery):
    assert chip(gallery, "No gradient").isVisible()
    qtbot.mouseClick(chip(gallery, "Text"), Qt.MouseButton.LeftButton)
    gallery.resize(900, 760)
    qtbot.waitUntil(lambda: not chip(gallery, "No gradient").isVisible())
    assert chip(gallery, "All").isVisible() and chip(gallery, "Text").isVisible()
    qtbot.mouseClick(chip(gallery, "All"), Qt.MouseButton.LeftButton)
    assert not chip(gallery, "Text").isVisible()
    gallery.resize(1280, 760)
    qtbot.waitUntil(lambda: chip(gallery, "No gradient").isVisible())


def test_the_size_of_a_layered_network_is_told_by_its_widths(shelf):
    xor = library.find_preset("xor").json
    assert size_text(xor) == "2-4-1"
    assert parameter_count(xor) == 2 * 4 + 4 + 4 + 1
    assert layer_widths(xor)["hidden"] == 4


def test_of_two_folders_each_preset_is_its_own(request):
    """What was read of the shipped XOR once was shown in place of the shelf's."""
    shipped = library.find_preset("xor")
    assert shipped.parameters == 2 * 3 + 3 + 3 + 1
    request.getfixturevalue("shelf")
    own = library.find_preset("xor")
    assert (own.chapter, own.parameters) == (shipped.chapter, 2 * 4 + 4 + 4 + 1)


def test_a_preset_that_makes_no_sense_still_has_a_card(qtbot, shelf, settings):
    (shelf / "basics" / "odd.json").write_text('{"graph": {"nodes": [7, {"id": 3}], "wires": "none"}, "data": 5}')
    library.presets.cache_clear()
    library.chapters.cache_clear()
    made = Gallery(settings)
    qtbot.addWidget(made)
    made.resize(1280, 760)
    made.show()
    made.grab()
    assert "odd" in [card.preset.title for card in made.cards]


def test_thumbnails_of_all_presets_are_drawn_and_differ_from_an_empty_picture(qapp):
    for preset in library.presets():
        picture = thumbnail(preset.json, QSizeF(240, 110), 1.0).toImage()
        colours = {picture.pixel(x, y) for x in range(0, 240, 3) for y in range(0, 110, 3)}
        assert len(colours) > 2, preset.id


def test_a_card_says_to_screen_readers_what_it_is(gallery):
    card = gallery.findChildren(Card)[-1]
    assert card.accessibleName() == "XOR needs a hidden layer. Why can one neuron not do it?"
