"""One JSON object being read: every key with its check, and values as JSON has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from engine.problems import Problem, Severity
from engine.schema_findings import Findings, path_text, said

FARTHEST = 1e7  # pixels; beyond it a canvas drawn with float32 transforms flickers

T = TypeVar("T")
_ABSENT = object()


class Fields:
    """One JSON object being read: each key is taken with its check, and what nobody took is kept as `extra`."""

    def __init__(self, value: Mapping[str, Any], path: str, findings: Findings) -> None:
        self._value, self.path, self.findings = value, path, findings
        self._taken: list[str] = []

    def at(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def tell(self, key: str, fact: str, mend: str = "", *, severity: Severity = "error", kind: str = "type") -> None:
        """Report a problem of a key."""
        self.findings.tell(fact, mend, self.at(key), severity=severity, kind=kind)

    def take(
        self, key: str, fits: Callable[[Any], bool], default: T, wanted: str, severity: Severity = "error"
    ) -> Any | T:
        """The value of a key; the default where the key is absent, or (told) where the value is unfit."""
        self._taken.append(key)
        value = self._value.get(key, _ABSENT)
        if value is _ABSENT:
            return default
        if fits(value):
            return value
        mend = f"{said(default)} stands in its place." if isinstance(default, str) and default else "It is left out."
        self.tell(key, f"“{key}” needs {wanted}, not {said(value)}", mend, severity=severity)
        return default

    def text(self, key: str, default: str = "", severity: Severity = "warning") -> str:
        """A text."""
        return str(self.take(key, _is_text, default, "text", severity))

    def name(self, key: str, whose: str, mend: str = "It is left out.") -> str | None:
        """A text that must be there; None (told) where it is not."""
        if key not in self._value:
            self._taken.append(key)
            self.tell(key, f"this {whose} has no “{key}”", mend, kind="missing")
            return None
        found: str | None = self.take(key, _is_text, None, "text")
        return found

    def flag(self, key: str) -> bool:
        """True or false; false where absent."""
        return bool(self.take(key, _is_flag, False, "true or false"))

    def entries(self, key: str) -> list[tuple[str, Any]]:
        """The entries of a list, each with its path."""
        values: list[Any] = self.take(key, _is_list, [], "a list")
        return [(f"{self.at(key)}[{index}]", value) for index, value in enumerate(values)]

    def inner(self, key: str) -> dict[str, Any]:
        """An object as it is."""
        return dict(self.take(key, _is_object, {}, "an object in braces"))

    def objects(self, key: str) -> list[dict[str, Any]]:
        """The objects of a list; what is none is told and left out."""
        return [value for path, value in self.entries(key) if self._is_kept(path, value, _is_object, "an object")]

    def texts(self, key: str) -> list[str]:
        """The texts of a list; what is none is told and left out."""
        return [value for path, value in self.entries(key) if self._is_kept(path, value, _is_text, "a text")]

    def pair(self, key: str, default: tuple[float, float]) -> tuple[float, float]:
        """Two numbers: pixels."""
        value = self.take(key, _is_pair, default, f"two numbers of at most {FARTHEST:,.0f} pixels", "warning")
        return value[0], value[1]

    def names(self) -> list[str]:
        """All keys, in their order."""
        return list(self._value)

    def extra(self) -> dict[str, Any]:
        """The keys that nobody took, kept and told."""
        if not self._value.keys() - self._taken:
            return {}
        rest = {key: value for key, value in self._value.items() if key not in self._taken}
        for key in rest:
            mend = self.findings.near(key, self._taken) or "It is kept as it is."
            path = f"{self.path}{path_text([key])}" if path_text([key]).startswith("[") else self.at(key)
            self.findings.tell(f"the key {said(key)} is not known", mend, path, severity="warning", kind="unknown")
        return rest

    def _is_kept(self, path: str, value: object, fits: Callable[[Any], bool], wanted: str) -> bool:
        if fits(value):
            return True
        self.findings.tell(f"{wanted} belongs here, not {said(value)}", "It is left out.", path, kind="type")
        return False


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def is_whole(value: object) -> bool:
    """Whether a value is a whole number that 32 bits hold."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_coordinate(entry) for entry in value)


def _is_coordinate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FARTHEST


def shortened(problem: Problem, longest: int = 300) -> Problem:
    """The same problem with a fact and a path that fit a list, however long the value or key that they quote."""
    if len(problem.fact) <= longest and len(problem.path) <= longest:
        return problem
    return replace(problem, fact=_cut(problem.fact, longest), path=_cut(problem.path, longest))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def plain(value: Any) -> Any:
    """A value as JSON has it: tuples and arrays as lists, NumPy's numbers as Python's."""
    if value is None or isinstance(value, str | bool):
        return value
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return value
