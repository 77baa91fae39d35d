"""Colours can be read, scales go through their anchors, and a switch of scheme reaches everybody."""

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel, QListWidget, QPushButton

from app.theme import DARK, LIGHT, Palette, Theme, category_token, contrast, current_theme, kind_token
from app.theme.palette import TEXT_TOKENS, channels, ink_on
from app.theme.scales import lookup_table
from engine.nodes import node_types

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("token", TEXT_TOKENS)
def test_text_can_be_read_on_a_panel(palette, token):
    assert contrast(getattr(palette, token), palette.surface) >= 4.5


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("ground", ["raised", "canvas", "selection"])
def test_words_can_be_read_on_cards_canvas_and_selected_rows(palette, ground):
    for token in ("text", "text2", "text3"):
        assert contrast(getattr(palette, token), getattr(palette, ground)) >= 4.5


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_the_label_of_the_main_button_can_be_read(palette):
    assert contrast(palette.on_accent, palette.accent) >= 4.5


def test_contrast_agrees_with_the_published_extremes():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("anchors", [DARK.diverging, LIGHT.diverging, DARK.sequential, LIGHT.sequential])
def test_a_scale_starts_ends_and_passes_through_its_anchors(anchors):
    table = lookup_table(anchors).astype(int)
    assert table.shape == (256, 3)
    assert [tuple(table[0]), tuple(table[-1])] == [channels(anchors[0]), channels(anchors[-1])]
    for place, anchor in enumerate(anchors):
        nearest = table[round(place * 255 / (len(anchors) - 1))]
        assert np.abs(nearest - channels(anchor)).max() <= 2


def test_between_two_greys_the_scale_is_even_to_the_eye():
    # OKLab's lightness of black to white is linear by construction; sRGB 99 is its published middle.
    assert lookup_table(["#000000", "#FFFFFF"])[128] == pytest.approx([100, 100, 100], abs=1)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme()


def test_positive_is_blue_negative_is_orange_and_zero_neutral(theme):
    for scheme in ("dark", "light"):
        theme.set_scheme(scheme)
        plus, minus, zero = (theme.signed_colour(value, 2.0) for value in (1.5, -1.5, 0.0))
        assert plus.blue() > plus.red() and minus.red() > minus.blue()
        assert abs(zero.red() - zero.blue()) < 30


def test_values_beyond_the_limit_take_the_ends_of_the_scale(theme):
    theme.set_scheme("dark")
    assert theme.signed_colour(99.0, 1.0) == QColor(DARK.diverging[-1])
    assert theme.signed_colour(-99.0, 1.0) == QColor(DARK.diverging[0])


def test_what_is_not_finite_has_the_colour_of_an_error(theme):
    assert theme.signed_colour(float("nan"), 1.0) == theme.colour("error")
    assert theme.signed_colour(float("inf"), 1.0) == theme.colour("error")


def test_a_limit_of_zero_paints_everything_neutral(theme):
    assert theme.signed_colour(0.0, 0.0) == theme.signed_colour(0.0, 1.0)


def test_a_switch_of_scheme_is_told_once_and_changes_the_colours(theme, qtbot):
    theme.set_scheme("dark")
    with qtbot.waitSignal(theme.changed):
        theme.set_scheme("light")
    assert not theme.is_dark
    assert theme.colour("text") == QColor(LIGHT.text)
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_scheme("light")


def test_an_unknown_scheme_is_refused_with_the_known_ones(theme):
    with pytest.raises(ValueError, match="system, dark, light"):
        theme.set_scheme("sepia")


def test_changing_a_colour_that_was_handed_out_changes_nobody_elses(theme):
    theme.colour("accent").setAlpha(0)
    assert theme.colour("accent").alpha() == 255


def test_icons_follow_the_scheme_and_forget_deleted_buttons(theme, qtbot):
    theme.set_scheme("dark")
    button = QPushButton()
    qtbot.addWidget(button)
    theme.set_icon(button, "play")
    before = button.icon().cacheKey()
    gone = QPushButton()
    theme.set_icon(gone, "pause")
    gone.deleteLater()
    del gone
    theme.set_scheme("light")
    assert button.icon().cacheKey() != before


def test_the_process_has_one_theme(qapp):
    assert current_theme() is current_theme()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_style_sheet_is_complete_and_qt_understands_it(theme, scheme, qtbot):
    theme.set_scheme(scheme)
    sheet = theme.stylesheet()
    assert "$" not in sheet
    assert sheet.count("{") == sheet.count("}")
    button = QPushButton("Step")
    qtbot.addWidget(button)
    button.setStyleSheet(sheet)
    button.setProperty("kind", "primary")
    button.ensurePolished()  # a sheet that cannot be parsed warns, and a warning of Qt fails a test here
    button.resize(80, 28)
    image = button.grab().toImage()
    assert image.pixelColor(image.width() // 2, 3) == theme.colour("accent")


def test_the_style_sheet_leaves_fonts_and_colours_set_by_code_alone(theme, qapp, qtbot):
    label = QLabel("0.849")
    qtbot.addWidget(label)
    label.setFont(theme.font("number_small"))
    label.setStyleSheet(theme.stylesheet())
    label.ensurePolished()
    assert label.font().family() == "JetBrains Mono"
    assert label.font().pixelSize() == 11


def test_rows_added_before_the_first_paint_are_as_high_as_later_ones(theme, qapp, qtbot, request):
    request.addfinalizer(lambda: qapp.setStyleSheet(""))
    qapp.setStyleSheet(theme.stylesheet())
    rows = QListWidget()
    qtbot.addWidget(rows)
    rows.addItems(["one", "two"])
    with qtbot.waitExposed(rows):
        rows.show()
    assert rows.visualItemRect(rows.item(1)).height() == rows.sizeHintForRow(1)


def test_no_other_file_of_the_app_writes_a_colour_down():
    home = ROOT / "app" / "theme" / "palette.py"
    pattern = re.compile(r"[\"']#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?[\"']")
    guilty = [path for path in (ROOT / "app").rglob("*.py") if path != home and pattern.search(path.read_text())]
    assert guilty == []


@pytest.mark.parametrize("ground", ["#000000", "#FFFFFF", "#777777", "#E5484D", "#30A46C", "#12151A"])
def test_ink_can_be_read_on_any_ground(ground):
    assert contrast(ink_on(ground), ground) >= 3  # WCAG 2.2: for large letters and for drawings


def test_categories_and_kinds_of_ports_have_their_colours():
    assert [category_token(name) for name in ("Layers", "Losses", "Elsewhere")] == ["c_layers", "c_losses", "text2"]
    assert [kind_token(name) for name in ("loss", "index", "elsewhere")] == ["k_loss", "k_index", "k_data"]


def test_dark_and_light_have_the_same_tokens():
    assert {type(DARK), type(LIGHT)} == {Palette}
    assert DARK.is_dark and not LIGHT.is_dark


def test_every_category_of_node_types_has_a_colour_of_its_own_or_of_its_kin():
    for kind in node_types().values():
        assert category_token(kind.category) != "text2", kind.category
