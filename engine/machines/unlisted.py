"""Primitives that only machines play: nobody draws or differentiates them, and none is found by its name."""

from __future__ import annotations

from typing import Any, cast

from engine.primitives.base import Kernel, Primitive
from engine.values import PrimitiveLike


def unlisted(name: str, formula: str, body: Kernel, **facts: Any) -> PrimitiveLike:
    """A primitive without an entry in the table of primitives.

    facts  what else `Primitive` is told: its shape rule at the least
    """
    return cast(PrimitiveLike, Primitive(name=name, formula=formula, body=body, **facts))
