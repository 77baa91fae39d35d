"""The sound part of a JSON text that breaks off or holds a mistake, and where that mistake is."""

from __future__ import annotations

import json
import re
from typing import Any

from engine.schema_findings import Findings, path_text, said

MOST_LEVELS = 100

STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_STRING_OR_BRACKET = re.compile(rf'{STRING}|"|[\[\]{{}}]', re.DOTALL)
_TOKEN = re.compile(
    rf"[ \t\r\n]*+(?:(?P<word>true|false|null|NaN|-?Infinity)\b|(?P<string>{STRING})"
    r"|(?P<number>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?)|(?P<mark>[\[\]{},:]))",
    re.DOTALL,
)
_SPACE = re.compile(r"[ \t\r\n]*+")
_UNFINISHED = re.compile(r'(?:"[^"]*+|[-+.\w]*+)\Z')


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which keys it was given twice."""

    twice: tuple[str, ...] = ()


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; the first of two entries under one key stays."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    result = JsonObject()
    for key, value in pairs:
        if key in result:
            result.twice += (key,)
        else:
            result[key] = value
    return result


def whole_of(digits: str) -> int:
    """A whole number, or its first digits."""
    # Python refuses to convert more than 4300 digits; twenty are enough to see that there are too many.
    return int(digits[:20])


def fault(text: str, position: int, expected: str) -> tuple[str, str]:
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


class Recovery:
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
        fact, mend = fault(self.text, self.position, expected)
        self.findings.tell(fact, mend, path_text(key for key in self._keys if key != ""), kind="syntax")

    def _value(self, token: re.Match[str]) -> str:
        mark = token["mark"]
        if mark in ("[", "{"):
            return self._enter(token)
        if mark:
            return "a value is missing"
        try:
            value = json.loads(token[0], parse_int=whole_of)
        except json.JSONDecodeError:
            return "this text has a sign that JSON does not allow"
        self.position = token.end()
        self._put(value)
        return ""

    def _enter(self, token: re.Match[str]) -> str:
        if len(self._open) == MOST_LEVELS:
            return self._skip(token.end() - 1)
        container: Any = [] if token["mark"] == "[" else JsonObject()
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
