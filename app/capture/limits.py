"""What a picture or a film may be: formats, sizes, counts. Whatever lies outside is told as a Problem, before any work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.problems import Problem, ProblemError

PICTURES = (".png", ".svg", ".jpg", ".jpeg")
FILMS = (".gif",)
SMALLEST_SIDE, LARGEST_SIDE = 16, 16_384  # pixels
MOST_PIXELS, MOST_FILM_PIXELS = 64_000_000, 4_000_000
SCALES = (0.25, 8.0)
MOST_FRAMES = 2000
MOST_FILM_MEMORY = 600_000_000  # pixels of all frames together: the encoder holds each as one byte
RATES = (1, 50)  # frames a second: a GIF counts hundredths, and programs that show it take less than two for ten


def is_film(path: Path) -> bool:
    """Whether a file of that name holds a film."""
    return path.suffix.lower() in FILMS


def check_name(path: Path, formats: Sequence[str] = (*PICTURES, *FILMS)) -> None:
    """Raises `ProblemError` for a name that says no format that can be written."""
    if path.suffix.lower() not in formats:
        fact = f"nothing can be drawn as “{path.suffix or path.name}”"
        listed = f"{', '.join(formats[:-1])} or {formats[-1]}" if len(formats) > 1 else formats[0]
        raise ProblemError(Problem(fact, f"Let the name end in {listed}.", path=str(path), kind="file"))


def check_folder(path: Path) -> None:
    """Make the folder of a file. Raises `ProblemError` where there cannot be one, or nothing can be put into it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(path.parent, os.W_OK) else "the folder cannot be written to"
        reason = "a folder has that name" if path.is_dir() else reason
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason:
        fact = f"“{path.name}” cannot be written: {reason.lower()}"
        raise ProblemError(Problem(fact, "Choose another folder or another name.", path=str(path), kind="file"))


def check_size(width: int, height: int, scale: float = 1.0, film: bool = False) -> None:
    """Raises `ProblemError` for a size that no picture (or film) can have; `scale` is in pixels per unit of it."""
    if not SCALES[0] <= scale <= SCALES[1]:
        mend = f"Choose a scale from {SCALES[0]:g} to {SCALES[1]:g}."
        raise ProblemError(Problem(f"a scale of {scale:g} cannot be drawn", mend, kind="limit"))
    sides = round(width * scale), round(height * scale)
    size = f"{sides[0]} × {sides[1]} pixels"
    if min(sides) < SMALLEST_SIDE or max(sides) > LARGEST_SIDE:
        mend = f"Choose a width and a height from {SMALLEST_SIDE} to {LARGEST_SIDE} pixels."
        raise ProblemError(Problem(f"{size} is no size for a picture", mend, kind="limit"))
    most = MOST_FILM_PIXELS if film else MOST_PIXELS
    if sides[0] * sides[1] > most:
        what = "film" if film else "picture"
        mend = f"Choose a smaller size or scale: {most // 1_000_000} million pixels are the most for a {what}."
        raise ProblemError(Problem(f"{size} are too many for a {what}", mend, kind="limit"))


def check_film(frames: int, rate: float, pixels: int = 0) -> None:
    """Raises `ProblemError` for a number of frames, or of frames a second, that a film cannot have.

    pixels  of one frame
    """
    if not 2 <= frames <= MOST_FRAMES:
        mend = f"Choose from 2 to {MOST_FRAMES} frames."
        raise ProblemError(Problem(f"a film of {frames} frames cannot be made", mend, kind="limit"))
    if not RATES[0] <= rate <= RATES[1]:
        mend = f"Choose from {RATES[0]} to {RATES[1]} frames a second."
        raise ProblemError(Problem(f"a GIF cannot show {rate:g} frames a second", mend, kind="limit"))
    if frames * pixels > MOST_FILM_MEMORY:
        mend = f"Choose at most {MOST_FILM_MEMORY // pixels} frames, or a smaller size."
        raise ProblemError(Problem(f"{frames} frames of this size need too much memory", mend, kind="limit"))
