"""Compiled kernels: each body is compiled by itself, once per precision and variant, and kept on disk."""

from __future__ import annotations

import hashlib
import types as python_types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.primitives.base import Intrinsic, Kernel, Scalar, Variant, real, whole32

# Everything but nnan and ninf: the compiler must not assume that there is no NaN, it has to stay visible.
FAST = {"contract", "reassoc", "arcp", "nsz", "afn"}
FAST_BY_DTYPE: dict[str, set[str] | bool] = {"float32": FAST, "float64": False}
# Without reassoc: it would put together the constants that an argument reduction keeps apart on purpose.
SCALAR_BY_DTYPE: dict[str, set[str] | bool] = {"float32": FAST - {"reassoc"}, "float64": False}

_addresses: dict[tuple[str, Variant, str], int] = {}
_alive: list[Any] = []  # a kernel's code lives as long as its cfunc object


def address_of(kernel: Kernel, variant: Variant, dtype: str) -> int:
    """The address of the compiled body; compiles or loads it the first time."""
    key = (kernel.name, variant, dtype)
    found = _addresses.get(key)
    if found is None:
        compiled = _compile(kernel, variant, dtype)
        _alive.append(compiled)
        found = _addresses[key] = compiled.address
    return found


def is_ready(kernel: Kernel, variant: Variant, dtype: str) -> bool:
    """Whether this process has the kernel already."""
    return (kernel.name, variant, dtype) in _addresses


def _compile(kernel: Kernel, variant: Variant, dtype: str) -> Any:
    from numba import cfunc, types

    number = types.float32 if dtype == "float32" else types.float64
    signature = types.void(
        types.CPointer(number), types.CPointer(types.int32), types.CPointer(types.int32), types.int64, types.int64
    )
    names = "_".join(f"{name.lower()}{value}" for name, value in variant)
    body = kernel.function
    if isinstance(body, str):
        module, _, word = body.partition(":")
        body = getattr(import_module(module), word)
    function = _specialise(body, dict(variant), dtype, f"{kernel.name}_{dtype}_{names}")
    with cache_folder():
        return cfunc(signature, cache=True, fastmath=FAST_BY_DTYPE[dtype], error_model="numpy")(function)


def _specialise(function: Any, constants: dict[str, int], dtype: str, name: str) -> Any:
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

    before, config.CACHE_DIR = config.CACHE_DIR, str(_folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def _folder() -> Path:
    from platformdirs import user_cache_path

    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for part in ("primitives", "machines"):
        for path in sorted((root / part).glob("*.py")):
            digest.update(path.read_bytes())
    folder = user_cache_path("chainrule") / "kernels" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder
