"""A maximum over windows played as one: who wins, and where it stood."""

from __future__ import annotations

from engine.matching import Match, Uses
from engine.values import Call


def winners(call: Call, uses: Uses) -> Match | None:
    """The numbers at the places that were just chosen in the same maps; the places are stored too, derivatives want them."""
    x, places = call.operands
    choice = places.call
    if choice is None or choice.primitive.name != "window_choice" or choice.operands[0] is not x:
        return None
    if choice.origin != call.origin or any(
        uses.place[reader.result.index] < uses.place[call.result.index] for reader in uses.readers[places.index]
    ):
        return None
    return Match("window_best", (x, places), (), (choice,), choice.attributes)
