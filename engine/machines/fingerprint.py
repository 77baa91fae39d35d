"""What a kernel's code depends on, in one short word: its file is named after it, so an edit of one touches no other."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from engine.primitives.base import Intrinsic, Kernel, Scalar

LENGTH = 16  # hexadecimal digits


@cache
def fingerprint(kernel: Kernel) -> str:
    """Sixteen digits that change with the body, the functions it calls and the numbers it reads.

    A body that lies in a module of the machine (its name is `module:name`) changes with any of the machine's files.
    """
    parts = [_of_machine()] if isinstance(kernel.function, str) else _parts(kernel.function)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:LENGTH]


@cache
def _of_machine() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _parts(function: Any) -> list[str]:
    code = function.__code__
    parts = [code.co_code.hex(), repr(code.co_consts), repr(code.co_names)]
    for word in code.co_names:
        entry = function.__globals__.get(word)
        if isinstance(entry, Scalar):
            parts += [word, *_parts(entry.float32), *_parts(entry.float64)]
        elif isinstance(entry, Intrinsic):
            parts += [word, entry.name]
        elif isinstance(entry, FunctionType):
            parts += [word, entry.__qualname__]
        elif isinstance(entry, int | float | tuple):
            parts += [word, repr(entry)]
    return parts
