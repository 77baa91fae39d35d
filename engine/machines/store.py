"""Compiled kernels: each body is compiled by itself, once per precision and variant, and kept on disk."""

from __future__ import annotations

import ctypes
import types as python_types
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from engine.machines import objects
from engine.machines.fingerprint import fingerprint
from engine.machines.workshop import Order, current_workshop
from engine.primitives.base import Intrinsic, Kernel, Scalar, Variant, real, whole32

# Not nnan and ninf: the compiler must not assume that there is no NaN, it has to stay visible. Not arcp and afn: they
# let it divide by a product with the reciprocal in a vector and truly in the remainder of a loop, so that the bits of
# a number would depend on where the work is split.
FAST = {"contract", "reassoc", "nsz"}
FAST_BY_DTYPE: dict[str, set[str] | bool] = {"float32": FAST, "float64": False}
# Without reassoc: it would put together the constants that an argument reduction keeps apart on purpose.
SCALAR_BY_DTYPE: dict[str, set[str] | bool] = {"float32": FAST - {"reassoc"}, "float64": False}

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
    from numba import cfunc, types

    name = _name(kernel, variant, dtype)
    number = types.float32 if dtype == "float32" else types.float64
    signature = types.void(
        types.CPointer(number), types.CPointer(types.int32), types.CPointer(types.int32), types.int64, types.int64
    )
    body, constants = kernel.function, dict[str, Any](variant)
    if isinstance(body, str):
        place, _, word = body.partition(":")
        module = import_module(place)
        body = getattr(module, word)
        constants.update(module.names_of(constants))
    function = _specialise(body, constants, dtype, name)
    if ("ONE", 1) in variant:
        function = _for_one_output(function, dtype, name)
    options = {"fastmath": FAST_BY_DTYPE[dtype], "error_model": "numpy"}
    if objects.KEEPS:
        from engine.machines.processor import fuses
        from engine.machines.sealing import sealed

        # Not by Numba's name, which counts what a process has compiled: whoever else compiles it comes to the same file.
        file = order_of(kernel, variant, dtype).file
        symbol, text = _optimised(function, signature, options)
        text = sealed(text.replace(f"@{symbol}(", f'@"{file}"('), fuses=fuses())
        found = objects.compiled(file, file, text)
        if found is not None:
            return found
    with cache_folder():
        # Where objects are kept Numba's own cache would be in the way: what comes out of it is handed out no more.
        compiled = cfunc(signature, cache=not objects.KEEPS, **options)(function)
    _alive.append(compiled)
    address: int = compiled.address
    return address


def _optimised(function: Any, signature: Any, options: dict[str, Any]) -> tuple[str, str]:
    """The symbol to call, and the text of the module as Numba would hand it to the code generator."""
    from numba.core.ccallback import CFunc
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.sigutils import normalize_signature

    with global_compiler_lock:
        # What `cfunc` does, up to the point where a library is made code.
        unfinished: Any = CFunc(function, normalize_signature(signature), locals={}, options=options)
        result = unfinished._compile_uncached()
        library = result.library
        for other in dict.fromkeys(library._linking_libraries):
            library._final_module.link_in(other._get_module_for_linking(), preserve=True)
        library._optimize_final_module()
        return result.fndesc.llvm_cfunc_wrapper_name, str(library._final_module)


def _for_one_output(function: Any, dtype: str, name: str) -> Any:
    """The same body for outputs [0, 1) alone: its loops fold away."""
    from numba import njit

    body = njit(forceinline=True, fastmath=FAST_BY_DTYPE[dtype], error_model="numpy")(function)

    def one(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
        body(arena, integers, instruction, 0, 1)

    one.__qualname__ = name
    return one


def _keep(compiled: Any, name: str) -> None:
    """Hold on to a compiled function, and write its object down while the compiler still hands it out."""
    _alive.append(compiled)
    library = compiled._library
    try:
        code = library._get_compiled_object()
    except RuntimeError:  # it came out of Numba's own cache, which serves as well
        return
    objects.keep(name, compiled.native_name, code)


def _specialise(function: Any, constants: dict[str, Any], dtype: str, name: str) -> Any:
    """The same function with its globals put in for this precision: literals, scalar functions, variant constants."""
    from numba import types

    from engine.machines import intrinsics

    namespace = dict(function.__globals__)
    for word in function.__code__.co_names:
        entry = namespace.get(word)
        if entry is real:
            namespace[word] = types.float32 if dtype == "float32" else types.float64
        elif entry is whole32:
            namespace[word] = types.int32
        elif isinstance(entry, Scalar):
            namespace[word] = _scalar(entry, dtype)
        elif isinstance(entry, Intrinsic):
            namespace[word] = getattr(intrinsics, entry.name)
    namespace.update(constants)
    twin = python_types.FunctionType(function.__code__, namespace, name, function.__defaults__)
    twin.__qualname__ = name  # Numba's cache tells functions apart by this name
    twin.__module__ = function.__module__
    return twin


@cache
def _scalar(entry: Scalar, dtype: str) -> Any:
    from numba import njit

    function = entry.float32 if dtype == "float32" else entry.float64
    twin = _specialise(function, {}, dtype, f"{function.__name__}_{dtype}")
    return njit(forceinline=True, fastmath=SCALAR_BY_DTYPE[dtype], error_model="numpy")(twin)


@contextmanager
def cache_folder() -> Iterator[None]:
    """Let Numba keep what is compiled within in our folder, which is named after the sources: an edit empties it."""
    from numba import config

    before, config.CACHE_DIR = config.CACHE_DIR, str(objects.folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before
