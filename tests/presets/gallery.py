"""The presets as the tests find them: every file of the folder, by its name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.session import Session

FOLDER = Path(__file__).parents[2] / "presets"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*/*.json"))}
every_preset = pytest.mark.parametrize("name", FILES)


@cache
def _read(name: str) -> Document:
    return Document.load(FILES[name])


def preset(name: str, precision: str | None = None) -> Document:
    """A copy of its own."""
    document = _read(name).copy()
    document.precision = precision or document.precision
    return document


def played(document: Document, iterations: int = 0) -> Session:
    """A session in which forward and backward part of the iteration behind that many have been played."""
    session = Session(document)
    session.run(iterations)
    while session.next_step is not None and session.next_step.part != "update" and session.iteration == iterations:
        session.step()
    return session


def column(*numbers: float) -> np.ndarray[Any, Any]:
    """One number for each row of the batch."""
    return np.array(numbers, np.float64)[:, None]
