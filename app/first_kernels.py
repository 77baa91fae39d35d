"""On the very first start nothing is compiled yet: it begins while somebody still looks at the gallery."""

from __future__ import annotations

from collections.abc import Callable

from app.library import Preset, chapters, load_preset, presets


def order_first_kernels(is_wanted_elsewhere: Callable[[], bool]) -> None:
    """Have the kernels compiled that the first examples need; nothing happens without a workshop, or on later starts.

    is_wanted_elsewhere  asked before each example: then no further one is planned
    """
    from engine.machines import objects
    from engine.machines.store import loop_order
    from engine.machines.workshop import current_workshop
    from engine.session import Session

    if current_workshop() is None or objects.is_kept(loop_order("iterate").file):
        return
    for preset in first_presets():
        if is_wanted_elsewhere():
            return
        Session(load_preset(preset)).playback.machine.announce()


def order_loops() -> None:
    """Have the native loops compiled, where they never were: helpers get ready while a document is planned."""
    from engine.machines.store import announce, loop_order

    announce([loop_order("play"), loop_order("iterate")], urgent=True)


def first_presets() -> list[Preset]:
    """The first one of each chapter."""
    found: dict[str, Preset] = {}
    for preset in presets():
        found.setdefault(preset.chapter, preset)
    return [found[chapter.id] for chapter in chapters()]
