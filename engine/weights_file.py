"""Trained numbers in a file of their own: safetensors, read without trusting a byte of it.

The format: 8 bytes little-endian length, that many bytes of JSON, then the numbers one after the other. Nothing in it is
executed. Source: github.com/huggingface/safetensors, “Format”.
"""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine.problems import Problem, ProblemError
from engine.schema_files import reason, write_file

Array = np.ndarray[Any, np.dtype[Any]]
ENDING = ".safetensors"
MOST_BYTES = 2**31
MOST_HEADER = 100_000_000  # bytes, the limit of the format
MOST_AXES, LONGEST = 8, 2**40
CLOCK = ("iteration", "epoch", "within", "seed")
EDITS = "edits"  # entries of the journal that were played by then; beside the clock in what is kept in case of a crash
DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4"}
# Sound in a file of somebody else's, and nothing that a document has a place for.
FOREIGN_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "U32": 4, "I64": 8, "U64": 8}


@dataclass(frozen=True)
class Weights:
    """All that lasts of a run, as it was between two iterations.

    arrays  by address: parameters (`dense_1.weight`), states of optimizers and of nodes
    clock   iteration, epoch, iterations of this epoch (`within`) and the seed that the start was drawn from; what is
            kept in case of a crash also counts `edits`
    """

    arrays: Mapping[str, Array]
    clock: Mapping[str, int]


def write_weights(path: Path, weights: Weights) -> None:
    """Write the file at once, whole or not at all. Raises `ProblemError`."""
    header: dict[str, Any] = {"__metadata__": {"format": "chainrule 1"}}
    header["__metadata__"] |= {name: str(time) for name, time in weights.clock.items()}
    parts, place = [], 0
    for name, array in weights.arrays.items():
        code = next(code for code, dtype in DTYPES.items() if array.dtype == np.dtype(dtype))
        parts.append(np.ascontiguousarray(array, DTYPES[code]).tobytes())
        header[name] = {
            "dtype": code, "shape": list(array.shape), "data_offsets": [place, place + len(parts[-1])],
        }  # fmt: skip
        place += len(parts[-1])
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    write_file(path, struct.pack("<Q", len(text)) + text + b"".join(parts))


def weights_beside(document: Path, name: str) -> Path:
    """The file that a document calls its weights. Raises `ProblemError` for a name that leads elsewhere."""
    if Path(name).name != name or Path(name).suffix != ENDING:
        fact = f"“{name[:80]}” names no file of weights beside the document"
        raise ProblemError(Problem(fact, f"It is a name without a folder, ending in {ENDING}.", kind="weights"))
    return document.parent / name


def read_weights(path: Path) -> tuple[Weights, list[Problem]]:
    """What a file holds, and what of it is left out. Raises `ProblemError` where the file is no sound safetensors file.

    Numbers come back bit for bit, NaN and infinities too.
    """
    content = _content(path)
    if len(content) < 8:
        _refuse(path, f"it has {len(content)} bytes, fewer than the length of a header")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(MOST_HEADER, len(content) - 8):
        _refuse(path, f"its header claims {length:,} bytes, and {len(content) - 8:,} follow")
    header = _header(path, content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    numbers = memoryview(content)[8 + length :]
    arrays, foreign = _arrays(path, header, numbers)
    problems = []
    if foreign:
        fact = f"“{path.name}” holds numbers of kinds that no document uses: {listed(foreign)}"
        problems.append(Problem(fact, "They are left out.", severity="warning", kind="weights"))
    return Weights(arrays, _clock(path, metadata)), problems


def fitting_weights(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> tuple[dict[str, Array], list[Problem]]:
    """Of what a file holds, what a graph has a place for, in its precision; and sentences about the rest.

    wanted  an array of the right shape and kind for each address
    """
    alike = {name: array for name, array in found.items() if name in wanted}
    shaped = {name for name, array in alike.items() if array.shape == wanted[name].shape}
    fitting = {name for name in shaped if (alike[name].dtype.kind == "f") == (wanted[name].dtype.kind == "f")}
    problems = []

    def tell(names: list[str], fact: str, mend: str) -> None:
        if names:
            problems.append(Problem(f"{fact}: {listed(names)}", mend, severity="warning", kind="weights"))

    shapes = [f"{name} {alike[name].shape} there, {wanted[name].shape} here" for name in alike if name not in fitting]
    tell(shapes, "some saved weights no longer fit the graph", "They are skipped; these parts start anew.")
    tell([name for name in wanted if name not in found], "some weights were not saved", "These parts start anew.")
    tell(
        [name for name in found if name not in wanted], "some saved weights belong to nothing here", "They are skipped."
    )
    rounded = [name for name in fitting if alike[name].dtype.itemsize > wanted[name].dtype.itemsize]
    tell(sorted(rounded), "some saved weights are more precise than this document", "They are rounded.")
    with np.errstate(over="ignore"):
        return {name: alike[name].astype(wanted[name].dtype) for name in alike if name in fitting}, problems


def listed(names: list[str]) -> str:
    """Names in a sentence, the first five of them."""
    shown = ", ".join(f"“{name[:80]}”" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _content(path: Path) -> bytes:
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                _refuse(path, "it is no file")
            if status.st_size > MOST_BYTES:
                _refuse(path, f"it has {status.st_size / 2**30:.1f} GB, and 2 GB are read at the most")
            return file.read()
    except (OSError, ValueError) as error:
        _refuse(path, reason(error))


def _header(path: Path, text: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name stands there twice")
        return dict(pairs)

    try:
        header = json.loads(text.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        _refuse(path, f"its header cannot be read ({str(error)[:80]})")
    if not isinstance(header, dict):
        _refuse(path, "its header is no list of names")
    return header


def _arrays(path: Path, header: Mapping[str, Any], numbers: memoryview) -> tuple[dict[str, Array], list[str]]:
    """Arrays by name, and the names of those whose kind is of no use here. They lie without a gap and fill the file."""
    arrays: dict[str, Array] = {}
    foreign: list[str] = []
    spans: list[tuple[int, int]] = []
    for name, entry in header.items():
        shape, span, dtype = _entry(path, name, entry)
        spans.append(span)
        if span[1] > len(numbers):
            _refuse(path, f"“{name[:80]}” ends at byte {span[1]:,}, and there are {len(numbers):,}")
        if dtype in DTYPES:
            flat = np.frombuffer(numbers[span[0] : span[1]], DTYPES[dtype])
            arrays[name] = flat.astype(flat.dtype.newbyteorder("="), copy=True).reshape(shape)
        else:
            foreign.append(name)
    place = 0
    for begin, end in sorted(spans):
        if begin != place:
            _refuse(path, f"its arrays overlap or leave a gap at byte {place:,}")
        place = end
    if place != len(numbers):
        _refuse(path, f"{len(numbers) - place:,} bytes behind the last array belong to nothing")
    return arrays, foreign


def _entry(path: Path, name: str, entry: Any) -> tuple[tuple[int, ...], tuple[int, int], str]:
    """Shape, first and last byte, and kind of one array, checked against each other."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end], **rest} if not rest:
            pass
        case _:
            _refuse(path, f"“{name[:80]}” does not say what it is")
    if not all(type(number) is int and 0 <= number <= LONGEST for number in (*shape, begin, end)):
        _refuse(path, f"“{name[:80]}” has a length or a place that is no whole number in range")
    width = np.dtype(DTYPES[dtype]).itemsize if dtype in DTYPES else FOREIGN_BYTES.get(dtype, 0)
    if not width:
        _refuse(path, f"“{name[:80]}” is of the unknown kind “{dtype[:20]}”")
    if len(shape) > MOST_AXES or end - begin != math.prod(shape) * width:
        _refuse(path, f"“{name[:80]}” has another shape than its {end - begin:,} bytes")
    return tuple(shape), (begin, end), dtype


def _clock(path: Path, metadata: Any) -> dict[str, int]:
    """The time of the run; 0 where a file of another program says nothing."""
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        _refuse(path, "its “__metadata__” holds something other than texts")
    texts = {name: metadata.get(name, "0") for name in (*CLOCK, *((EDITS,) if EDITS in metadata else ()))}
    for name, text in texts.items():
        if not (text.isascii() and text.isdigit() and len(text) <= 15):
            _refuse(path, f"its {name} is “{text[:20]}”, which is no time")
    return {name: int(text) for name, text in texts.items()}


def _refuse(path: Path, why: str) -> NoReturn:
    fact = f"the weights in “{path.name}” cannot be read: {why}"
    mend = "The document opens with fresh weights; save with weights again, or put the file back."
    raise ProblemError(Problem(fact, mend, kind="weights"))
