"""What a kernel's code depends on, in one short word: its file is named after it, so an edit of one touches no other."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from engine.primitives.base import Intrinsic, Kernel, Scalar

LENGTH = 16  # hexadecimal digits


@cache
def fingerprint(kernel: Kernel) -> str:
    """Sixteen digits that change with the body, the functions it calls and the numbers it reads.

    A body that lies in a module of its own (its name is `module:name`) changes with that file and all of ours it imports.
    """
    function = kernel.function
    parts = _files(function.partition(":")[0]) if isinstance(function, str) else _parts(function)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:LENGTH]


_IMPORTED = re.compile(r"^\s*from (engine(?:\.\w+)+) import", re.MULTILINE)
_ROOT = Path(__file__).parents[2]


@cache
def _files(module: str) -> list[str]:
    """The texts of a module and of the machines' and primitives' modules that it leans on, in the order they are met."""
    met = {module: (_ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")}
    waiting = [module]
    for name in waiting:  # grows while it is walked
        for other in _IMPORTED.findall(met[name]):
            path = _ROOT / (other.replace(".", "/") + ".py")
            if other not in met and other.startswith(("engine.machines.", "engine.primitives.")) and path.is_file():
                met[other] = path.read_text(encoding="utf-8")
                waiting.append(other)
    return list(met.values())


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
