"""JSON text to plain values and back: limits, the place of each mistake, and the sound part of a broken text."""

from __future__ import annotations

import json
import math
import re
import reprlib
from collections.abc import Iterable
from itertools import islice
from typing import Any

from engine.problems import Problem, Severity, did_you_mean

MOST_BYTES = 64 * 2**20
MOST_LEVELS = 100
MOST_DIGITS = 15  # what every JSON reader keeps exactly, those that know only float64 included
MOST_PROBLEMS = 1000
MOST_GUESSES = 100  # a guess compares a word with all known ones, which in a hostile file would take hours
MOST_WATCHED = 2 * 2**20  # characters; of more, most are numbers, which are quickly gone through once they are parsed
MOST_RECOVERED = 8 * 2**20  # characters; reading a broken text is fifty times slower than reading a sound one

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRING_OR_BRACKET = re.compile(rf'{_STRING}|"|[\[\]{{}}]', re.DOTALL)
_TOKEN = re.compile(
    rf"[ \t\r\n]*+(?:(?P<word>true|false|null|NaN|-?Infinity)\b|(?P<string>{_STRING})"
    r"|(?P<number>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?)|(?P<mark>[\[\]{},:]))",
    re.DOTALL,
)
_QUOTED = re.compile(_STRING, re.DOTALL)
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_SPACE = re.compile(r"[ \t\r\n]*+")
_UNFINISHED = re.compile(r'(?:"[^"]*+|[-+.\w]*+)\Z')
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
_GONE = object()


class Findings:
    """Problems in the order they were found; beyond a thousand they are only counted."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._untold = 0
        self._guesses = MOST_GUESSES

    def near(self, word: str, known: Iterable[str]) -> str:
        """“Did you mean …?” for a near miss, else an empty sentence; after a hundred misses nothing is guessed."""
        self._guesses -= 1
        return did_you_mean(word[:80], islice(known, 500)) if self._guesses >= 0 else ""

    def add(self, problem: Problem) -> None:
        """Take a problem in."""
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(problem)
        else:
            self._untold += 1

    def tell(
        self, fact: str, mend: str = "", path: str = "", *, severity: Severity = "error", kind: str = "", node: str = ""
    ) -> None:
        """Take a problem in, by its fields."""
        self.add(Problem(fact, mend, path=path, node=node, severity=severity, kind=kind))

    def all(self) -> list[Problem]:
        """The problems, and one that says how many more there are."""
        rest = Problem(f"there are {self._untold} more problems", "Mend these first.", kind="more")
        return [*self._problems, rest] if self._untold else list(self._problems)


def path_text(keys: Iterable[str | int]) -> str:
    """`graph.nodes[3].title` for `("graph", "nodes", 3, "title")`; a key with other signs stands quoted in brackets."""
    path = ""
    for key in keys:
        if isinstance(key, int):
            path += f"[{key}]"
        elif _SIMPLE_KEY.fullmatch(key):
            path += f".{key}" if path else key
        else:
            path += f"[{json.dumps(key[:40], ensure_ascii=False)}]"
    return path


def said(value: object) -> str:
    """A value short enough to stand in a sentence."""
    if isinstance(value, str):
        return f"“{value[:40]}…”" if len(value) > 40 else f"“{value}”"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return reprlib.repr(value)


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
                findings.tell(*_fault(text, error.pos, "the JSON is broken"), kind="syntax")
                return None
    elif len(text) > MOST_RECOVERED:
        findings.tell(f"the file is nested deeper than {MOST_LEVELS} levels", "It is no document.", kind="depth")
        return None
    recovery = _Recovery(text, findings)
    recovery.run()
    return sweep(recovery.root, findings)


def _parsed(text: str, findings: Findings) -> Any:
    """The value of a sound text. Raises `json.JSONDecodeError`."""
    if len(text) > MOST_WATCHED:
        return sweep(json.loads(text, object_pairs_hook=_object, parse_int=_whole), findings)
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
        return _object(pairs)

    def whole(self, digits: str) -> int:
        self.is_odd = self.is_odd or len(digits) > MOST_DIGITS
        return _whole(digits)

    def real(self, digits: str) -> float:
        value = float(digits)
        self.is_odd = self.is_odd or not math.isfinite(value)
        return value

    def constant(self, name: str) -> float:
        self.is_odd = True
        return float(name)


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys it was given twice."""

    twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    result = _Object()
    for key, value in pairs:
        if key in result:
            result.twice += (key,)
        else:
            result[key] = value
    return result


def _whole(digits: str) -> int:
    # Python refuses to convert more than 4300 digits; twenty are enough to see that there are too many.
    return int(digits[:20])


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


def _fault(text: str, position: int, expected: str) -> tuple[str, str]:
    """Fact and mend of the first place that cannot be read."""
    position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
    line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
    place = f"line {line}, column {column}"
    if _UNFINISHED.match(text, position):
        mend = "It was not written or copied completely: look for another copy. What stands before is opened."
        return f"the file breaks off at {place}", mend
    before = "What stands before it is opened." if text[:position].strip() else ""
    mend = f"Correct that place in a text editor. {before}".rstrip()
    line_left = text[position:].partition("\n")[0].rstrip()
    found = line_left[:12] + ("…" if len(line_left) > 12 else "")
    return f"{place}: {expected} (found {said(found)})", mend


class _Recovery:
    """Reads a text as far as it is sound, without recursion; what lies deeper than allowed is left out."""

    def __init__(self, text: str, findings: Findings) -> None:
        self.text, self.findings, self.position = text, findings, 0
        self.root: Any = None
        self._open: list[Any] = []
        self._keys: list[str | int] = []  # one for each open container: where the next value goes
        self._next = self._value

    def run(self) -> None:
        """Read until the end or the first fault."""
        while self._open or self.position == 0:
            token = _TOKEN.match(self.text, self.position)
            # Digits at the very end may be half a number, and half a number is a wrong number.
            if token is None or (token["number"] and token.end() == len(self.text)):
                return self._stop("this is no JSON")
            refused = self._next(token)
            if refused:
                return self._stop(refused)
        if self.text[self.position :].strip():
            self._stop("the text goes on after its end")

    def _stop(self, expected: str) -> None:
        fact, mend = _fault(self.text, self.position, expected)
        self.findings.tell(fact, mend, path_text(key for key in self._keys if key != ""), kind="syntax")

    def _value(self, token: re.Match[str]) -> str:
        mark = token["mark"]
        if mark in ("[", "{"):
            return self._enter(token)
        if mark:
            return "a value is missing"
        try:
            value = json.loads(token[0], parse_int=_whole)
        except json.JSONDecodeError:
            return "this text has a sign that JSON does not allow"
        self.position = token.end()
        self._put(value)
        return ""

    def _enter(self, token: re.Match[str]) -> str:
        if len(self._open) == MOST_LEVELS:
            return self._skip(token.end() - 1)
        container: Any = [] if token["mark"] == "[" else _Object()
        self.position = token.end()
        self._put(container)
        self._open.append(container)
        self._keys.append(0 if token["mark"] == "[" else "")
        self._next = self._first
        return ""

    def _put(self, value: Any) -> None:
        self._next = self._after
        if not self._open:
            self.root = value
        elif isinstance(parent := self._open[-1], list):
            parent.append(value)
        elif (key := self._keys[-1]) in parent:
            parent.twice += (key,)
        else:
            parent[key] = value

    def _first(self, token: re.Match[str]) -> str:
        if token["mark"] in ("]", "}"):
            return self._after(token)
        return self._value(token) if isinstance(self._open[-1], list) else self._key(token)

    def _key(self, token: re.Match[str]) -> str:
        if not token["string"]:
            return "a key in quotation marks is missing"
        try:
            self._keys[-1] = json.loads(token["string"])
        except json.JSONDecodeError:
            return "this key has a sign that JSON does not allow"
        self.position, self._next = token.end(), self._colon
        return ""

    def _colon(self, token: re.Match[str]) -> str:
        if token["mark"] != ":":
            return "a colon is missing"
        self.position, self._next = token.end(), self._value
        return ""

    def _after(self, token: re.Match[str]) -> str:
        is_list = isinstance(self._open[-1], list)
        if token["mark"] == ",":
            self._next = self._value if is_list else self._key
            if is_list:
                self._keys[-1] = len(self._open[-1])
        elif token["mark"] == ("]" if is_list else "}"):
            self._open.pop()
            self._keys.pop()
            self._next = self._after
        else:
            return f"a comma or {']' if is_list else '}'} is missing"
        self.position = token.end()
        return ""

    def _skip(self, start: int) -> str:
        self._too_deep()
        depth = 0
        for match in _STRING_OR_BRACKET.finditer(self.text, start):
            depth += (match[0] in ("[", "{")) - (match[0] in ("]", "}"))
            if depth == 0:
                self.position = match.end()
                self._put(None)
                return ""
        self.position = len(self.text)
        return "a bracket is never closed"

    def _too_deep(self) -> None:
        mend = "What lies deeper is left out: write it flatter."
        self.findings.tell(f"nested deeper than {MOST_LEVELS} levels", mend, path_text(self._keys), kind="depth")


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
