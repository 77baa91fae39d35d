"""Formulas become ink; half-typed ones become words; nothing becomes an exception."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter

from app.panels.palette_list import short_formula
from app.theme import Theme, typesetting
from app.theme.formula import FormulaBlock, FormulaLayout, Term
from app.theme.mathematics import SetMathematics, plain_text
from app.theme.typesetting import outlines
from engine.nodes import node_types
from tests.engine.explaining import is_mathematics

CHAIN = [
    Term(r"\frac{\partial L}{\partial h_3}", "−0.546", "neg", "incoming"),
    Term(r"\cdot", "×", "text3"),
    Term(r"(1 - h_3^2)", "0.280", "pos", "local"),
    Term("=", "=", "text3"),
    Term(r"\frac{\partial L}{\partial z_3}", "−0.153", "neg", "outgoing"),
]


@pytest.fixture
def theme(qapp) -> Theme:
    theme = Theme()
    theme.set_scheme("dark")
    return theme


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Iterator[Path]:
    """A user's cache of its own, and nothing set before."""
    monkeypatch.setattr(typesetting, "user_cache_path", lambda name: tmp_path)
    typesetting.folder.cache_clear()
    outlines.cache_clear()
    yield tmp_path
    typesetting.folder.cache_clear()


def ink(paint) -> list[QColor]:
    """The colours of every pixel that `paint(painter)` covered entirely."""
    image = QImage(400, 120, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.scale(2, 2)
    paint(painter)
    painter.end()
    seen = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return [colour for colour in seen if colour.alpha() == 255]


@pytest.mark.parametrize(
    "latex",
    [
        r"z = xW + b",
        r"h = \varphi(xW + b)",
        r"L = -\left[t \ln \hat{y} + (1 - t)\ln(1 - \hat{y})\right]",
        r"\frac{\partial L}{\partial h_3}",
        r"\sum_i x_i",
        r"y = \tanh x",
        r"\sqrt{x^2 + \epsilon}",
        r"\max(0, x)",
    ],
)
def test_a_formula_is_set_in_the_colour_of_its_token(theme, latex):
    mathematics = theme.mathematics(latex, 13, "backward")
    assert isinstance(mathematics, SetMathematics)
    assert 0 < mathematics.baseline <= mathematics.size.height()
    colours = ink(lambda painter: mathematics.paint(painter, 2, 40))
    assert colours
    assert all(colour == theme.colour("backward") for colour in colours)


def test_letters_stand_on_the_baseline(theme):
    mathematics = theme.mathematics("x", 20)
    image = QImage(40, 40, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    mathematics.paint(painter, 5, 30)
    painter.end()
    rows = [y for y in range(40) if any(image.pixelColor(x, y).alpha() > 128 for x in range(40))]
    assert rows[-1] in (29, 30)


def test_a_larger_size_makes_a_larger_formula(theme):
    small, large = (theme.mathematics("x^2", size).size for size in (13, 26))
    assert large.height() == pytest.approx(2 * small.height(), rel=0.1)


def test_the_same_formula_is_set_only_once(theme):
    assert theme.mathematics("a+b", 13, "text") is theme.mathematics("a+b", 13, "text")


def test_the_colours_of_another_scheme_set_it_anew(theme):
    dark = theme.mathematics("a+b", 13, "text")
    theme.set_scheme("light")
    assert theme.mathematics("a+b", 13, "text") is not dark


@pytest.mark.parametrize("latex", [r"\frac{a}{", r"\left(", "", "   ", r"\nosuchcommand{x}", "x_{", "^", "a" * 5000])
def test_latex_that_cannot_be_set_falls_back_without_an_error(theme, latex):
    mathematics = theme.mathematics(latex)
    assert mathematics.size.width() > 0
    ink(lambda painter: mathematics.paint(painter, 2, 40))


def test_the_formulas_of_all_node_types_and_the_symbols_of_their_ports_are_mathematics():
    kinds = node_types().values()
    formulas = {latex for kind in kinds for latex in (kind.formula, short_formula(kind)) if latex}
    symbols = {port.symbol for kind in kinds for port in (*kind.inputs, *kind.outputs) if port.symbol}
    assert len(formulas) > 300
    assert not [latex for latex in formulas | symbols if not is_mathematics(latex)]


@given(st.text(alphabet="\\{}^_&$#%abfrcx0129 +-=lti", max_size=30))
def test_no_text_whatever_raises(qapp, latex):
    assert Theme().mathematics(latex).size.height() > 0


def test_a_screen_reader_hears_words_instead_of_braces():
    assert plain_text(r"\frac{\partial L}{\partial h_3} \cdot x") == "∂ L / ∂ h_3 · x"


def test_every_number_stands_in_the_middle_under_its_symbol(theme):
    layout = FormulaLayout(CHAIN, theme)
    (row,) = layout.rows
    assert [column.term for column in row.columns] == CHAIN
    assert row.symbol_baseline < row.number_baseline < row.caption_baseline < row.height
    wanted = {theme.colour(token).rgb() for token in ("text", "neg", "pos", "text3")}
    assert wanted <= {colour.rgb() for colour in ink(lambda painter: layout.paint(painter, QPointF(0, 0)))}


def test_a_formula_too_wide_for_its_panel_breaks_before_a_relation(theme):
    layout = FormulaLayout(CHAIN, theme)
    widest = layout.width
    layout.arrange(widest - 1)
    assert [row.columns[0].term.latex for row in layout.rows] == [CHAIN[0].latex, "="]
    assert layout.width < widest


def test_a_formula_narrower_than_its_widest_term_puts_one_term_in_a_row(theme):
    layout = FormulaLayout(CHAIN, theme)
    layout.arrange(1)
    assert len(layout.rows) == len(CHAIN)
    assert layout.width == layout.narrowest


def test_no_row_begins_with_a_comma_or_a_closing_bracket(theme):
    terms = [
        Term(latex)
        for latex in ("u_1", "=", r"\mathrm{right\ class}", "(", "z_1", ",", "z_2", ",", "z_3", ",", "t", ")")
    ]
    layout = FormulaLayout(terms, theme)
    for room in range(60, int(layout.width) + 1, 7):
        layout.arrange(room)
        assert [column.term.latex for row in layout.rows for column in row.columns] == [term.latex for term in terms]
        assert not any(row.columns[0].term.latex in (",", ")") for row in layout.rows)


def test_a_narrow_block_asks_for_more_height(theme, qtbot):
    block = FormulaBlock(CHAIN)
    qtbot.addWidget(block)
    wide = block.sizeHint().width()
    assert block.heightForWidth(wide // 2) > block.heightForWidth(wide)


def test_a_block_says_its_formula_to_a_screen_reader(theme, qtbot):
    block = FormulaBlock([Term("z", "0.41"), Term("=", "=")])
    qtbot.addWidget(block)
    assert block.accessibleName() == "z 0.41 = ="


def test_a_block_without_terms_takes_no_room(theme, qtbot):
    block = FormulaBlock()
    qtbot.addWidget(block)
    assert block.sizeHint().height() == 0
    block.grab()


@pytest.mark.parametrize(
    "latex", [r"\left(\sum_i w_i x_i\right)", r"\left[\prod_j x_j\right]", r"\left\{\bigcup_i\right\}"]
)
def test_a_bracket_around_a_large_sign_is_as_tall_as_the_sign(theme, latex):
    inside = latex.partition("(" if "(" in latex else "[" if "[" in latex else r"\{")[2].partition(r"\right")[0]
    assert theme.mathematics(latex, 20).size.height() < 1.6 * theme.mathematics(inside, 20).size.height()


def test_outlines_are_kept_for_the_next_start(cache):
    first = outlines("a + b_{kept}")
    (kept,) = cache.glob("formulas/*/*.svg")
    assert kept.read_text() == first
    outlines.cache_clear()
    kept.write_text(first.replace("<path", "<path "))
    assert outlines("a + b_{kept}") == first.replace("<path", "<path ")


@pytest.mark.parametrize("damage", ["", "<svg", '<svg viewBox="0 0 1 1">', "\0"])
def test_damaged_outlines_are_set_anew(cache, damage):
    first = outlines("a + b_{damaged}")
    (kept,) = cache.glob("formulas/*/*.svg")
    kept.write_text(damage)
    outlines.cache_clear()
    assert outlines("a + b_{damaged}") == first == kept.read_text()


def test_a_cache_that_cannot_be_written_is_no_error(cache):
    (cache / "formulas").write_text("in the way")
    assert outlines("a + b_{unwritten}").startswith("<svg")
