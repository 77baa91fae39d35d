"""Kernels compiled before a plan asks for them, for a window that does not know what a kernel is.

Imports happen where they are needed: a window begins with `compile_apart`, long before it needs sessions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.document import Document
    from engine.session import Session

LOOPS = ("play", "iterate")  # what every document is played by


def compile_apart() -> None:
    """Let processes of their own compile from now on: this one would keep a window waiting meanwhile.

    Where nothing was ever compiled the first of them begins at once, while the window is built.
    """
    from engine.machines.objects import home
    from engine.machines.workshop import open_workshop

    open_workshop()
    if not home().is_dir():
        from engine.machines.store import announce, loop_order

        announce([loop_order(LOOPS[0])], urgent=True)


def compile_ahead(documents: Iterable[Document]) -> None:
    """Have the kernels of documents compiled; none is asked for without `compile_apart`, or on later starts."""
    from engine.machines import objects
    from engine.machines.store import loop_order
    from engine.machines.workshop import current_workshop
    from engine.session import Session

    if current_workshop() is None or objects.is_kept(loop_order("iterate").file):
        return
    for document in documents:
        Session(document).playback.machine.announce()


def link_loops() -> None:
    """Have the native loops, where a former start compiled them: LLVM gets ready with what is linked first."""
    from engine.machines.store import link_kept

    link_kept(LOOPS, (), "float32")


def order_loops() -> bool:
    """Have the native loops compiled, where they never were: helpers get ready while a document is planned.

    Whether this is such a very first start.
    """
    from engine.machines import objects
    from engine.machines.store import announce, loop_order

    loops = [loop_order(name) for name in LOOPS]
    announce(loops, urgent=True)
    return not all(objects.is_kept(loop.file) for loop in loops)


def order_kernels(session: Session) -> None:
    """Have all kernels of a session compiled that never were, those of the first steps first, which games come before."""
    players = session.playback.drivers.players
    session.playback.machine.announce(urgent=True, before=players.machines, first=players.orders)
