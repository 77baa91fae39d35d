"""On the very first start nothing is compiled yet: it begins while somebody still looks at the gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from app.library import Preset, chapters, load_preset, presets

if TYPE_CHECKING:
    from engine.document import Document


def order_first_kernels(is_wanted_elsewhere: Callable[[], bool]) -> None:
    """Have the kernels compiled that the first examples need; nothing happens without a workshop, or on later starts.

    is_wanted_elsewhere  asked before each example: then no further one is planned
    """
    from engine.compiling_ahead import compile_ahead

    def documents() -> Iterator[Document]:
        for preset in first_presets():
            if is_wanted_elsewhere():
                return
            yield load_preset(preset)

    compile_ahead(documents())


def first_presets() -> list[Preset]:
    """The first one of each chapter."""
    found: dict[str, Preset] = {}
    for preset in presets():
        found.setdefault(preset.chapter, preset)
    return [found[chapter.id] for chapter in chapters()]
