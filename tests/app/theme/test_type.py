"""Fonts and icons come from the package, and every one of them paints."""

import pytest
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QIcon

from app.theme import Theme
from app.theme.fonts import NUMBERS, ROLES, WORDS, load_fonts, make_font
from app.theme.icons import icon_names, icon_pixmap, icon_source


def test_both_bundled_families_are_known_to_qt(qapp):
    assert {WORDS, NUMBERS} <= set(load_fonts())


@pytest.mark.parametrize("role", ROLES)
def test_every_role_is_set_in_its_own_bundled_font(qapp, role):
    family, size, weight = ROLES[role]
    info = QFontInfo(make_font(role))
    assert info.family() == family
    assert info.pixelSize() == size
    assert info.weight() == weight


def test_no_text_is_smaller_than_eleven_pixels():
    assert min(role.size for role in ROLES.values()) >= 11


def test_every_digit_sign_and_dash_of_a_number_is_equally_wide(qapp):
    metrics = QFontMetricsF(make_font("number"))
    assert len({metrics.horizontalAdvance(sign) for sign in "0123456789+−–.e"}) == 1
    assert metrics.horizontalAdvance("1e−5->") == pytest.approx(6 * metrics.horizontalAdvance("0"))


@pytest.mark.parametrize("name", icon_names())
def test_every_icon_paints_in_the_colour_asked_for(qapp, name):
    image = icon_pixmap(name, "#FF0000", 24, 2.0).toImage()
    assert (image.width(), image.height()) == (48, 48)
    seen = [image.pixelColor(x, y) for x in range(48) for y in range(48)]
    assert any(colour.alpha() > 200 for colour in seen)
    if name != "chainrule":
        assert all(colour.green() == 0 and colour.blue() == 0 for colour in seen if colour.alpha() == 255)


def test_an_icon_carries_a_sharp_picture_for_doubled_screens(qapp):
    icon = Theme().icon("play", "text", 16)
    assert sorted(size.width() for size in icon.availableSizes(QIcon.Mode.Normal)) == [16, 32]


def test_a_button_that_cannot_be_used_shows_a_fainter_icon(qapp):
    icon = Theme().icon("square", "text", 16)
    usable, not_usable = (icon.pixmap(16, mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled))
    assert usable != not_usable


def test_an_icon_that_is_not_bundled_is_named(qapp):
    with pytest.raises(KeyError, match="unicorn"):
        icon_source("unicorn")


def test_an_icon_that_a_document_names_and_nobody_has_is_drawn_as_a_piece_of_a_puzzle(qapp):
    unknown, puzzle = (icon_pixmap(name, "#ffffff", 18, 1.0).toImage() for name in ("unicorn", "puzzle"))
    assert unknown == puzzle


def test_a_painted_icon_takes_the_colour_of_its_token(qapp):
    theme = Theme()
    image = theme.pixmap("square", "backward", 24, 4.0).toImage()
    assert image.pixelColor(image.width() // 2, 12) == QColor(theme.palette.backward)
