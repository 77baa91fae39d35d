"""Compiled kernels: each body is compiled by itself, once per precision and variant, and kept on disk."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from engine.machines import objects
from engine.machines.fingerprint import fingerprint
from engine.machines.workshop import Order, current_workshop
from engine.primitives.base import Kernel, Variant

_addresses: dict[tuple[str, Variant, str], int] = {}
_loops: dict[str, int] = {}
_alive: list[Any] = []  # a kernel's code lives as long as its cfunc object


def address_of(kernel: Kernel, variant: Variant, dtype: str) -> int:
    """The address of the compiled body; linked from disk or compiled the first time."""
    key = (kernel.name, variant, dtype)
    found = _addresses.get(key)
    if found is None:
        order = order_of(kernel, variant, dtype)
        found = objects.linked(order.file) or _made(order) or _compiled(kernel, variant, dtype)
        _addresses[key] = found
    return found


def _name(kernel: Kernel, variant: Variant, dtype: str) -> str:
    return "_".join([kernel.name, dtype, *(f"{word.lower()}{value}" for word, value in variant)])


def order_of(kernel: Kernel, variant: Variant, dtype: str) -> Order:
    """What to tell a workshop that is to compile this kernel."""
    function = kernel.function
    body = function if isinstance(function, str) else f"{function.__module__}:{function.__name__}"
    return Order(f"{_name(kernel, variant, dtype)}-{fingerprint(kernel)}", body, kernel.name, variant, dtype)


def loop_order(name: str) -> Order:
    """What to tell a workshop that is to compile a native loop."""
    return Order(f"loop_{name}", kernel=name)


def announce(orders: Iterable[Order], *, urgent: bool) -> None:
    """Tell a workshop, if there is one, what will be asked for in this order; it begins with what was never compiled."""
    workshop = current_workshop()
    if workshop is not None:
        workshop.ask([order for order in orders if not objects.is_kept(order.file)], urgent=urgent)


def addresses_of(bodies: Sequence[tuple[Kernel, Variant]], dtype: str) -> list[int]:
    """The addresses of several: what was compiled on a former start is linked at once, the rest is made side by side."""
    missing = list(dict.fromkeys(body for body in bodies if not is_ready(*body, dtype)))
    if missing:
        announce([order_of(*body, dtype) for body in missing], urgent=True)
        link_kept((), missing, dtype)
    return [address_of(*body, dtype) for body in bodies]


def link_kept(loops: Iterable[str], bodies: Iterable[tuple[Kernel, Variant]], dtype: str) -> None:
    """Have all of these at once that were compiled on a former start; the others are compiled when they are asked for."""
    words = {loop_order(name).file: name for name in loops}
    keys = {order_of(kernel, variant, dtype).file: (kernel.name, variant, dtype) for kernel, variant in bodies}
    for file, address in objects.linked_together([*words, *keys]).items():
        if file in words:
            _loops[words[file]] = address
        else:
            _addresses[keys[file]] = address


def _made(order: Order) -> int | None:
    """The address of what the workshop compiled, if there is one and it could."""
    workshop = current_workshop()
    return objects.linked(order.file) if workshop is not None and workshop.make(order) else None


def loop_address(name: str) -> int:
    """The address of one of the native loops in `engine.machines.player`; linked from disk or compiled."""
    found = _loops.get(name)
    if found is None:
        order = loop_order(name)
        found = _loops[name] = objects.linked(order.file) or _made(order) or _compiled_loop(name)
    return found


@cache
def native_loop(name: str, arguments: int) -> Any:
    """A native loop that returns a whole number; called through ctypes, which lets go of the interpreter's lock meanwhile."""
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * arguments)(loop_address(name))


@cache
def brief_kernel(kernel: Kernel, dtype: str) -> Any:
    """A kernel as a function of the addresses of arena, integers and instruction, start and stop.

    It keeps the interpreter's lock, for what takes some microseconds: whoever takes the lock meanwhile keeps it for longer.
    """
    return ctypes.PYFUNCTYPE(None, *[ctypes.c_int64] * 5)(address_of(kernel, (), dtype))


def is_loop_ready(name: str) -> bool:
    """Whether this process has the native loop already."""
    return name in _loops


def _compiled_loop(name: str) -> int:
    loop = getattr(import_module("engine.machines.player"), name).compiled
    _keep(loop, loop_order(name).file)
    address: int = loop.address
    return address


def is_ready(kernel: Kernel, variant: Variant, dtype: str) -> bool:
    """Whether this process has the kernel already."""
    return (kernel.name, variant, dtype) in _addresses


def _compiled(kernel: Kernel, variant: Variant, dtype: str) -> int:
    from numba import cfunc

    from engine.machines.compiling import described, sealed_module

    told = described(kernel, variant, dtype, _name(kernel, variant, dtype))
    if objects.KEEPS:
        file = order_of(kernel, variant, dtype).file
        found = objects.compiled(file, file, sealed_module(told, file))
        if found is not None:
            return found
    function, signature, options = told
    with cache_folder():
        # Where objects are kept Numba's own cache would be in the way: what comes out of it is handed out no more.
        compiled = cfunc(signature, cache=not objects.KEEPS, **options)(function)
    _alive.append(compiled)
    address: int = compiled.address
    return address


def _keep(compiled: Any, name: str) -> None:
    """Hold on to a compiled function, and write its object down while the compiler still hands it out."""
    _alive.append(compiled)
    library = compiled._library
    try:
        code = library._get_compiled_object()
    except RuntimeError:  # it came out of Numba's own cache, which serves as well
        return
    objects.keep(name, compiled.native_name, code)


@contextmanager
def cache_folder() -> Iterator[None]:
    """Let Numba keep what is compiled within in our folder, which is named after the sources: an edit empties it."""
    from numba import config

    before, config.CACHE_DIR = config.CACHE_DIR, str(objects.folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before
