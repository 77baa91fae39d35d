"""JSON text to plain values and back, within the limits of what a document can hold."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from engine.schema_findings import Findings, path_text, said
from engine.schema_recovery import MOST_LEVELS, STRING, Recovery, fault, object_of, whole_of

MOST_BYTES = 64 * 2**20
MOST_DIGITS = 15  # what every JSON reader keeps exactly, those that know only float64 included
MOST_WATCHED = 2 * 2**20  # characters; of more, most are numbers, which are quickly gone through once they are parsed
MOST_RECOVERED = 8 * 2**20  # characters; reading a broken text is fifty times slower than reading a sound one

_QUOTED = re.compile(STRING, re.DOTALL)
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_GONE = object()


# text to value ---------------------------------------------------------------------------------------------------


def read_text(text: str, findings: Findings) -> Any:
    """The value a JSON text stands for, free of all that a document cannot hold; None where nothing could be read.

    A text that breaks off or holds a mistake gives what stands before it. Left out, each with a problem: numbers that
    are not finite or have more than 15 digits, second keys of one name, levels below the hundredth. Never raises.
    """
    if not text.strip():
        findings.tell("the file is empty", "Open another file, or a copy of this one.", kind="syntax")
        return None
    if not _is_deeper_than(text, MOST_LEVELS):
        try:
            return _parsed(text, findings)
        except json.JSONDecodeError as error:
            if len(text) > MOST_RECOVERED:
                findings.tell(*fault(text, error.pos, "the JSON is broken"), kind="syntax")
                return None
    elif len(text) > MOST_RECOVERED:
        findings.tell(f"the file is nested deeper than {MOST_LEVELS} levels", "It is no document.", kind="depth")
        return None
    recovery = Recovery(text, findings)
    recovery.run()
    return sweep(recovery.root, findings)


def _parsed(text: str, findings: Findings) -> Any:
    """The value of a sound text. Raises `json.JSONDecodeError`."""
    if len(text) > MOST_WATCHED:
        return sweep(json.loads(text, object_pairs_hook=object_of, parse_int=whole_of), findings)
    watch = _Watch()
    value = json.loads(
        text,
        object_pairs_hook=watch.object,
        parse_int=watch.whole,
        parse_float=watch.real,
        parse_constant=watch.constant,
    )
    # A lone surrogate is either written as an escape, or cannot be encoded.
    is_odd = watch.is_odd or "\\u" in text or not (text.isascii() or _is_encodable(text))
    return sweep(value, findings) if is_odd else value


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Watch:
    """Sees while a text is parsed whether it holds anything that no document can: nearly none does, and then the value
    need not be gone through again."""

    def __init__(self) -> None:
        self.is_odd = False

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self.is_odd = True
        return object_of(pairs)

    def whole(self, digits: str) -> int:
        self.is_odd = self.is_odd or len(digits) > MOST_DIGITS
        return whole_of(digits)

    def real(self, digits: str) -> float:
        value = float(digits)
        self.is_odd = self.is_odd or not math.isfinite(value)
        return value

    def constant(self, name: str) -> float:
        self.is_odd = True
        return float(name)


def _is_deeper_than(text: str, levels: int) -> bool:
    """Whether brackets are nested deeper; in broken texts it may be twice as deep before that is seen."""
    if text.count("[") + text.count("{") <= levels:
        return False
    # Taking out the innermost pairs again and again runs in C: a loop over the brackets takes seconds for a large file.
    brackets = _QUOTED.sub("", text).encode(errors="replace").translate(_SQUARE, _NO_BRACKET)
    for _ in range(levels):
        if b"[]" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return b"[]" in brackets or brackets.count(b"[") > levels


# what a document can hold ------------------------------------------------------------------------------------------


def sweep(value: Any, findings: Findings) -> Any:
    """A copy of a parsed value in which every leaf is text, yes/no, null or a finite number of at most 15 digits.

    What is none of these is told with its path and left out of an object; in a list null stands in its place.
    """
    clean = _Sweep(findings).clean(value)
    return None if clean is _GONE else clean


class _Sweep:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._keys: list[str | int] = []

    def clean(self, value: Any) -> Any:
        if isinstance(value, dict | list | tuple):
            if len(self._keys) >= MOST_LEVELS:
                return self._refuse(f"nested deeper than {MOST_LEVELS} levels", "Write it flatter.", "depth")
            return self._object(value) if isinstance(value, dict) else self._list(value)
        if isinstance(value, str):
            return value if value.isascii() else self._text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value)
        return self._refuse(f"{said(value)} cannot stand in a document", "", "type")

    def _object(self, value: dict[Any, Any]) -> dict[str, Any]:
        for key in getattr(value, "twice", ()):
            fact = f"the key {said(key)} stands here twice"
            self._tell(fact, "The first one is kept: delete or rename the other.", "duplicate", (key,))
        clean: dict[str, Any] = {}
        for key, entry in value.items():
            self._keys.append(str(key))
            if not isinstance(key, str):
                self._refuse(f"the key {said(key)} is no text", "", "type")
            elif (kept := self.clean(entry)) is not _GONE:
                clean[self._text(key)] = kept
            self._keys.pop()
        return clean

    def _list(self, value: list[Any] | tuple[Any, ...]) -> list[Any]:
        if _are_sound_numbers(value):
            return list(value)
        clean: list[Any] = []
        self._keys.append(0)
        for index, entry in enumerate(value):
            self._keys[-1] = index
            kept = self.clean(entry)
            clean.append(None if kept is _GONE else kept)
        self._keys.pop()
        return clean

    def _number(self, value: int | float) -> Any:
        if isinstance(value, int):
            if -(10**MOST_DIGITS) < value < 10**MOST_DIGITS:
                return value
            return self._refuse(f"a whole number of more than {MOST_DIGITS} digits", "Write a smaller one.", "number")
        if math.isfinite(value):
            return value
        name = "NaN (not a number)" if math.isnan(value) else "an infinite number"
        return self._refuse(f"{name} cannot stand in a document", "Write a finite number.", "number")

    def _text(self, value: str) -> str:
        try:
            value.encode()
        except UnicodeEncodeError:
            mend = "The sign � stands in its place: type the text again."
            self._tell("this text holds half a character (a lone surrogate)", mend, "text")
            return value.encode(errors="surrogatepass").decode(errors="replace")
        return value

    def _refuse(self, fact: str, mend: str, kind: str) -> object:
        self._tell(fact, f"{mend} It is left out.".strip(), kind)
        return _GONE

    def _tell(self, fact: str, mend: str, kind: str, below: tuple[str | int, ...] = ()) -> None:
        self._findings.tell(fact, mend, path_text((*self._keys, *below)), kind=kind)


def _are_sound_numbers(values: list[Any] | tuple[Any, ...]) -> bool:
    """A quick yes for what most of a large file consists of."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return all(map(math.isfinite, values))
    return kinds == {int} and min(values) > -(10**MOST_DIGITS) and max(values) < 10**MOST_DIGITS


# value to text -----------------------------------------------------------------------------------------------------


def write_text(value: Any, width: int = 120) -> str:
    """JSON that people can read and compare: what fits stands on one line, lists of numbers always do.

    Raises `ValueError` for a number that is not finite and `TypeError` for what is not JSON.
    """
    return _laid_out(value, "", width) + "\n"


def _laid_out(value: Any, margin: str, width: int) -> str:
    line = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(line) + len(margin) <= width or not isinstance(value, dict | list) or not _holds_containers(value):
        return line
    inner = margin + " "
    if isinstance(value, dict):
        rows = [f"{json.dumps(k, ensure_ascii=False)}: {_laid_out(v, inner, width)}" for k, v in value.items()]
        return "{" + f",\n{inner}".join(rows) + "}"
    return f"[\n{inner}" + f",\n{inner}".join(_laid_out(entry, inner, width) for entry in value) + f"\n{margin}]"


def _holds_containers(value: dict[str, Any] | list[Any]) -> bool:
    return isinstance(value, dict) or any(isinstance(entry, dict | list) for entry in value)
