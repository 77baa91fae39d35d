"""The colours, by meaning. No other file writes a colour down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """One colour per meaning, as `#RRGGBB`; `diverging` and `sequential` anchor the two scales.

    Text, states, signs, phases and kinds of wire (TEXT_TOKENS) keep a contrast of 4.5 on `surface`.
    """

    is_dark: bool
    canvas: str  # canvas background
    surface: str  # panels
    raised: str  # nodes, cards, menus
    hover: str  # hovered row
    border: str  # hairlines, node border
    border_strong: str  # hovered border, handles
    grid: str  # canvas grid dots
    text: str  # first level
    text2: str  # second level
    text3: str  # third level, captions
    accent: str  # selection, primary button, tour
    on_accent: str  # text on accent
    focus: str  # focus ring
    selection: str  # selected row
    success: str  # all well
    warn: str  # warning
    error: str  # error
    pos: str  # positive value
    neg: str  # negative value
    zero: str  # zero
    forward: str  # forward phase: dots, chevron right
    backward: str  # backward phase: chevrons left
    update: str  # update phase: squares
    k_data: str  # port/wire: data
    k_parameter: str  # port/wire: parameter
    k_target: str  # port/wire: target
    k_loss: str  # port/wire: loss
    k_index: str  # port/wire: index
    c_data: str  # node kind: data
    c_parameters: str  # node kind: parameters
    c_maths: str  # node kind: maths
    c_layers: str  # node kind: layers
    c_activations: str  # node kind: activations
    c_images: str  # node kind: images
    c_sequences: str  # node kind: sequences
    c_attention: str  # node kind: attention
    c_losses: str  # node kind: losses
    c_worlds: str  # node kind: worlds
    diverging: tuple[str, ...]  # signed values, from negative over zero to positive
    sequential: tuple[str, ...]  # unsigned values, from small to large


DARK = Palette(
    is_dark=True,
    canvas="#12151A",
    surface="#181C22",
    raised="#20252D",
    hover="#272D36",
    border="#2F3742",
    border_strong="#677587",
    grid="#232932",
    text="#E9EDF2",
    text2="#AEB8C5",
    text3="#8995A5",
    accent="#A79BFF",
    on_accent="#15122B",
    focus="#C9C1FF",
    selection="#272842",
    success="#5CCB8F",
    warn="#F2C14E",
    error="#FF7A70",
    pos="#62ADFF",
    neg="#FF9B4A",
    zero="#2C333D",
    forward="#4BDBA0",
    backward="#DF74E3",
    update="#E8DB5A",
    k_data="#9FB0C4",
    k_parameter="#D0B878",
    k_target="#92C29A",
    k_loss="#E49AA4",
    k_index="#B9A6D9",
    c_data="#85BCDE",
    c_parameters="#C5B37D",
    c_maths="#78C3C7",
    c_layers="#B1ADE2",
    c_activations="#92C29B",
    c_images="#CDA4CF",
    c_sequences="#B0BB85",
    c_attention="#9AB5E5",
    c_losses="#E0A1A6",
    c_worlds="#DAA887",
    diverging=("#FFC48C", "#FF9B4A", "#B8682B", "#69452D", "#2C333D", "#29507A", "#347CC4", "#62ADFF", "#A3CFFF"),
    sequential=("#12161F", "#272E4C", "#2C5374", "#388090", "#60AFA5", "#96D4B8", "#D7F1D1"),
)

LIGHT = Palette(
    is_dark=False,
    canvas="#F3F5F7",
    surface="#FBFCFD",
    raised="#FFFFFF",
    hover="#EFF2F5",
    border="#D5DBE2",
    border_strong="#7F8B99",
    grid="#E2E7EC",
    text="#171C23",
    text2="#465261",
    text3="#616D7B",
    accent="#5B48CF",
    on_accent="#FFFFFF",
    focus="#5B48CF",
    selection="#EFEDFC",
    success="#1B7A48",
    warn="#8A6100",
    error="#C0261C",
    pos="#1766BE",
    neg="#AD4F06",
    zero="#E6EAEE",
    forward="#007D50",
    backward="#9D15A4",
    update="#776800",
    k_data="#566779",
    k_parameter="#7C6420",
    k_target="#377045",
    k_loss="#A44352",
    k_index="#6C559B",
    c_data="#236B8F",
    c_parameters="#76611B",
    c_maths="#007277",
    c_layers="#615A94",
    c_activations="#397247",
    c_images="#7D507F",
    c_sequences="#5F6A29",
    c_attention="#466397",
    c_losses="#8F4C53",
    c_worlds="#8A542D",
    diverging=("#7A3300", "#AD4F06", "#DD8A45", "#F0C39B", "#E6EAEE", "#A9CBEE", "#5C9ADB", "#1766BE", "#0A3E7C"),
    sequential=("#F3F9F1", "#C3E8D7", "#86CAC0", "#51A0AD", "#3A6F92", "#34436D", "#1F2441"),
)


TEXT_TOKENS = [
    "text",
    "text2",
    "text3",
    "accent",
    "focus",
    "success",
    "warn",
    "error",
    "pos",
    "neg",
    "forward",
    "backward",
    "update",
    "k_data",
    "k_parameter",
    "k_target",
    "k_loss",
    "k_index",
]
"""Tokens that colour text or a thin mark that must be read."""


# Categories that bear the colour of their kin: eleven colours can be told apart, twenty cannot.
KIN = {
    "arrays": "maths", "comparisons": "maths", "random": "worlds", "time": "sequences", "memory": "attention",
    "geometry": "images", "graphs": "data", "normalisation": "layers", "metrics": "losses", "learning rules": "layers",
    "composites": "layers", "board games": "worlds",
}  # fmt: skip


def category_token(category: str) -> str:
    """The token for a category of node types ("Layers", "Maths" …); `text2` for one without a colour or kin."""
    word = category.lower()
    token = f"c_{KIN.get(word, word)}"
    return token if token in Palette.__dataclass_fields__ else "text2"


def kind_token(kind: str) -> str:
    """The token for a kind of port ("data", "parameter", "target", "loss", "index"); others look like data."""
    token = f"k_{kind.lower()}"
    return token if token in Palette.__dataclass_fields__ else "k_data"


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of `#RRGGBB`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def contrast(first: str, second: str) -> float:
    """How well two colours can be told apart: 1 (equal) to 21. Source: WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((relative_luminance(first), relative_luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(ground: str) -> str:
    """The text colour, of the dark scheme's and the light one's, that stands out more from a ground."""
    return max((DARK.text, LIGHT.text), key=lambda text: contrast(text, ground))


def relative_luminance(colour: str) -> float:
    """Brightness as seen, 0 (black) to 1 (white). Source: WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
