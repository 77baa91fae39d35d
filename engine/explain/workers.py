"""Gradients of several workers that are waited for: gathered one by one, and one step with the last of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.explain.live import Entry
from engine.explain.printing import CLOSE, EQUALS, MINUS, OPEN, PLUS, TIMES, number_term
from engine.snapshot import Equation, Term
from engine.values import Call, Value

if TYPE_CHECKING:
    from engine.explain.update import Update


def gathered(update: Update, call: Call, value: Value, entry: Entry) -> list[Equation]:
    """What has come together so far, and what it does to the parameter."""
    _, slope, sum_, rate, here, workers = call.operands
    name, done, all_ = update.symbol(value, entry), update.new(here, ()), update.number(workers)
    old = number_term(name, update.before(call, value, entry), "old")
    new = number_term(name, update.after(call, value, entry), "new")
    before, mine = number_term("G", update.old(sum_, entry), "state"), update.gradient(slope, value, entry)
    if done is not None and all_ is not None and done < all_:
        now = number_term("G", update.new(sum_, entry), "state")
        caption = f"worker {done:g} of {all_:g}"
        return [
            Equation((before, PLUS, mine, EQUALS, now), caption),
            Equation((old, EQUALS, new), "waits for the others"),
        ]
    share = (update.rate(rate), Term("/"), number_term("k", all_, "operand"))
    return [
        Equation((old, MINUS, *share, TIMES, OPEN, before, PLUS, mine, CLOSE, EQUALS, new), "all workers are there")
    ]
