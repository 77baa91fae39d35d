"""LaTeX in, outlines out. ziamath sets a formula once; its SVG is kept in the user's cache for every later start.

Importing ziamath and setting the first two dozen formulas takes longer than all else between a click and the first step.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import warnings
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

from platformdirs import user_cache_path

LONGEST = 2000  # characters
SIZE = 24.0  # pixels at which every formula is set; painting scales it
TALLEST = 40 * SIZE  # what is taller was set wrongly
INK = "ink"  # stands where the colour belongs that a formula is painted in
SETTERS = ("ziamath", "ziafont", "latex2mathml")
# Signs of which ziamath forgets the height where it measures how tall a bracket around them has to be.
LARGE_SIGNS = frozenset("∑∏∐∫∬∭∮⋂⋃⋀⋁⨁⨂")
MOST_KEPT = 4000


@lru_cache(maxsize=2048)
def outlines(latex: str) -> str:
    """The formula as SVG of `SIZE` in `INK`. Raises whatever the setters raise for LaTeX they do not understand."""
    if not latex.strip() or len(latex) > LONGEST:
        raise ValueError("nothing to set, or too much")
    name = hashlib.sha256(latex.encode()).hexdigest()[:32]
    kept = recall(name)
    if kept is None:
        kept = typeset(latex)
        keep(name, kept)
    return kept


def typeset(latex: str) -> str:
    """Set a formula, whatever is kept of it."""
    ziamath = setter()
    # SVG 1.x: Qt's renderer does not know the <symbol> of version 2, and paints nothing.
    ziamath.config.svg2 = False
    formula = ElementTree.fromstring(ziamath.tex.tex2mml(latex))
    formula.set("mathcolor", INK)
    for sign in formula.iter(re.sub(r"math$", "mo", formula.tag)):
        if sign.text in LARGE_SIGNS:
            sign.set("stretchy", "false")
    svg = str(ziamath.Math(formula, size=SIZE).svg())
    if max(view_box(svg)[2:]) > TALLEST * max(1.0, len(latex) / 40):
        raise ValueError("set too large to be right")
    return svg


@cache
def setter() -> ModuleType:
    """ziamath, imported with the first formula; takes about 0.2 s."""
    with warnings.catch_warnings():
        # It reads its fonts in a way that Python has deprecated: where warnings are errors it could not be imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        import ziamath.tex
    return ziamath


def view_box(svg: str) -> tuple[float, float, float, float]:
    """Left, top, width and height. Raises ValueError where there is none."""
    found = re.search(r'viewBox="([^"]*)"', svg)
    left, top, width, height = (float(number) for number in (found[1] if found else "").split())
    return left, top, width, height


# what is kept --------------------------------------------------------------------------------------------------------


@cache
def folder() -> Path:
    """Where outlines lie: its name changes with this source and with the setters that are installed."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in SETTERS:
        # Their versions would cost an import of importlib.metadata; an update writes the file anew.
        spec = find_spec(name)
        written = os.stat(spec.origin).st_mtime_ns if spec is not None and spec.origin else 0
        digest.update(f"{name} {written}".encode())
    return user_cache_path("chainrule") / "formulas" / digest.hexdigest()[:16]


def recall(name: str) -> str | None:
    """What was kept under a name; None where nothing was, or something damaged."""
    try:
        svg = (folder() / f"{name}.svg").read_text(encoding="utf-8")
        view_box(svg)
    except (OSError, ValueError):
        return None
    return svg if svg.endswith("</svg>") else None


def keep(name: str, svg: str) -> None:
    """Write outlines down; a full or read-only disk is no error, and two processes may do it at once."""
    try:
        place = folder()
        place.mkdir(parents=True, exist_ok=True)
        if len(os.listdir(place)) >= MOST_KEPT:
            return
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=place, suffix=".part", delete=False) as file:
            file.write(svg)
        os.replace(file.name, place / f"{name}.svg")
    except OSError:
        return
