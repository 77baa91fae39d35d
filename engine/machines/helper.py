"""A process of the workshop: reads orders, a line of JSON each, compiles them, and says of each whether it is kept."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterable
from importlib import import_module

from engine.machines import store
from engine.machines.objects import is_kept
from engine.machines.workshop import KEPT, Order
from engine.primitives.base import Kernel

NICENESS = 5  # the window goes before
COLLECTED_EVERY = 100  # orders: to look for garbage while it compiles takes a tenth of the time


def answers(lines: Iterable[str]) -> Iterable[str]:
    """What is said to each order, as soon as it is done."""
    for count, line in enumerate(lines):
        if count % COLLECTED_EVERY == COLLECTED_EVERY - 1:
            gc.collect()
        file, body, kernel, variant, dtype = json.loads(line)
        order = Order(file, body, kernel, tuple((word, number) for word, number in variant), dtype)
        try:
            is_there = fulfil(order)
        except Exception:  # whatever Numba says of it: who ordered meets it again, in a process where it can be told
            is_there = False
        yield KEPT + (order.file if is_there else "")


def fulfil(order: Order) -> bool:
    """Compile and keep; whether it is there now. What this process knows under that name may be something else."""
    if not order.body:
        store.loop_address(order.kernel)
        return is_kept(order.file)
    place, _, word = order.body.partition(":")
    found = getattr(import_module(place), word, None)
    kernel = found if isinstance(found, Kernel) else Kernel(order.kernel, order.body)
    if store.order_of(kernel, order.variant, order.dtype) != order:
        return False
    store.address_of(kernel, order.variant, order.dtype)
    return is_kept(order.file)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    gc.disable()
    sys.modules["scipy"] = None  # type: ignore[assignment]  # or Numba loads all of its BLAS, which no kernel calls
    for answer in answers(sys.stdin):
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
