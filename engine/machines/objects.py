"""Machine code on disk: kernels compiled once are linked by llvmlite, in milliseconds and without importing Numba.

One file a kernel, named after it and the fingerprint of its sources, in a folder named after what all of them depend on.
A file is a line of JSON (the symbol to call, the digest of the rest) and the object. It is written beside and renamed, so
two processes may share the folder; a damaged file is compiled anew. Only ELF objects whose undefined symbols are all known
are kept: linking any other would end the process.
"""

from __future__ import annotations

import contextlib
import ctypes.util
import hashlib
import importlib.metadata
import json
import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from engine.machines.processor import processor

# What the C library and its mathematics bring along in every process.
KNOWN_SYMBOLS = frozenset(
    {"", "memset", "memcpy", "memmove", "exp", "exp2", "expm1", "log", "log1p", "log2", "pow", "sin", "cos", "tan", "tanh",
     "sinh", "cosh", "atan", "atan2", "sqrt", "fmod", "floor", "ceil", "erf", "erfc", "fma"}
)  # fmt: skip
KEEPS = sys.platform == "linux"  # elsewhere objects are of another kind, and Numba's own cache serves
KEPT_FOLDERS = 4  # of former versions
CODE, SEALED = ".kernel", ".sealed"  # a kernel's object, and the sealed module it was made of, see `sealing`

_alive: list[Any] = []  # code lives as long as the engine that linked it


def home() -> Path:
    """Where compiled code of all versions lies; not there before the first one is compiled."""
    from platformdirs import user_cache_path

    return user_cache_path("chainrule") / "kernels"


@cache
def folder() -> Path:
    """Where compiled code lies, made where it is not there: named after processor, compiler, and how they are used."""
    digest = hashlib.sha256("\n".join([*processor(), *_versions()]).encode())
    root = Path(__file__).parents[1]
    for name in ("compiling", "player", "intrinsics", "objects", "sealing", "../tape"):
        digest.update((root / "machines" / f"{name}.py").read_bytes())
    place = home() / digest.hexdigest()[:16]
    if place.is_dir():
        with contextlib.suppress(OSError):
            os.utime(place)  # as long as it is of use it is none of the old ones, though nothing new comes into it
    else:
        place.mkdir(parents=True, exist_ok=True)
        former = sorted((path for path in home().iterdir() if path != place), key=lambda path: path.stat().st_mtime)
        for path in former[:-KEPT_FOLDERS]:
            shutil.rmtree(path, ignore_errors=True)
    return place


def _versions() -> list[str]:
    return [importlib.metadata.version("numba"), importlib.metadata.version("llvmlite"), sys.version]


def keep(name: str, symbol: str, code: bytes) -> None:
    """Write an object down, if it is one that can be linked without Numba. A full or read-only disk is no error."""
    if KEEPS and undefined_symbols(code) <= KNOWN_SYMBOLS:
        _write(name, CODE, symbol, code)


def _write(name: str, suffix: str, symbol: str, content: bytes) -> None:
    head = json.dumps({"symbol": symbol, "sha256": hashlib.sha256(content).hexdigest()}).encode()
    try:
        with tempfile.NamedTemporaryFile(dir=folder(), prefix=name, suffix=".part", delete=False) as file:
            file.write(head + b"\n" + content)
        os.replace(file.name, folder() / (name + suffix))
    except OSError:
        return


def compiled(name: str, symbol: str, module: str) -> int | None:
    """The address of a function of a sealed module, made code here and now; code and module are written down.

    None for code that calls what is not known here: only Numba can link it.
    """
    from llvmlite import binding

    from engine.machines.inlining import target_machine

    _target_machine()  # which begins with LLVM
    machine = target_machine(*processor())
    parsed = binding.parse_assembly(module)
    sealed = parsed.as_bitcode()  # before the code generator leaves its marks
    code = machine.emit_object(parsed)
    keep(name, symbol, code)
    if undefined_symbols(code) - KNOWN_SYMBOLS:
        return None
    _write(name, SEALED, symbol, sealed)
    return _link([(symbol, code)])[0]


def is_kept(name: str) -> bool:
    """Whether there is a file of that kernel, damaged or not."""
    return (folder() / f"{name}.kernel").is_file()


def linked(name: str) -> int | None:
    """The address of a kernel that was kept, linked into this process; None where there is none, or a damaged one."""
    return linked_together([name]).get(name)


def linked_together(names: Iterable[str]) -> dict[str, int]:
    """The addresses of those of some kernels that were kept.

    To let memory be executed takes many times as long as all else about a kernel, and happens once for all of them.
    """
    found = {name: kept for name in names if (kept := read(name, CODE)) is not None}
    addresses = _link(found.values()) if found else []
    return dict(zip(found, addresses, strict=True))


def touch(name: str) -> None:
    """Note that a kept object was of use."""
    with contextlib.suppress(OSError):
        os.utime(folder() / (name + CODE))


def forget_old(prefix: str, kept: int) -> None:
    """Of the objects whose names begin so, leave those that were of use last."""
    with contextlib.suppress(OSError):
        found = sorted(folder().glob(f"{prefix}*{CODE}"), key=lambda path: path.stat().st_mtime)
        for path in found[:-kept]:
            path.unlink(missing_ok=True)


def read(name: str, suffix: str) -> tuple[str, bytes] | None:
    """Symbol and content of a file that was written down; None where there is none, or a damaged one."""
    try:
        head, _, content = (folder() / (name + suffix)).read_bytes().partition(b"\n")
        said = json.loads(head)
        return (said["symbol"], content) if said["sha256"] == hashlib.sha256(content).hexdigest() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _link(kept: Iterable[tuple[str, bytes]]) -> list[int]:
    """The addresses of some symbols, each in an object of its own."""
    from llvmlite import binding

    linker = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
    symbols = []
    for symbol, code in kept:
        linker.add_object_file(binding.ObjectFileRef.from_data(code))
        symbols.append(symbol)
    linker.finalize_object()
    _alive.append(linker)
    return [linker.get_function_address(symbol) for symbol in symbols]


@cache
def _target_machine() -> Any:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    mathematics = ctypes.util.find_library("m")
    if mathematics:
        binding.load_library_permanently(mathematics)
    return binding.Target.from_default_triple().create_target_machine(jit=True)


def undefined_symbols(code: bytes) -> set[str]:
    """Names that a linker would have to find elsewhere: the undefined entries of a 64-bit ELF object's symbol table.

    For any other kind of object the answer is a name that is never known.
    """
    if code[:6] != b"\x7fELF\x02\x01":
        return {"not a 64-bit ELF object"}
    (sections_at,) = struct.unpack_from("<Q", code, 40)
    size, count = struct.unpack_from("<HH", code, 58)
    headers = [struct.unpack_from("<IIQQQQIIQQ", code, sections_at + size * k) for k in range(count)]
    names = set()
    for _, kind, _, _, offset, length, link, _, _, entry in headers:
        if kind != 2:  # the symbol table
            continue
        strings = headers[link][4]
        for at in range(offset, offset + length, entry):
            name, _, _, section = struct.unpack_from("<IBBH", code, at)
            if section == 0:
                begin = strings + name
                names.add(code[begin : code.index(b"\0", begin)].decode())
    return names
