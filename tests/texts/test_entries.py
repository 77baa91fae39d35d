"""Every entry with worked numbers is named by a test that plays them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.texts.entries import MEASURED, WORKED

TESTS = Path(__file__).parents[1]


def marks(node: ast.AST) -> Iterator[str]:
    """The entries that the markers in a piece of code name."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.text":
            for entry in call.args:
                assert isinstance(entry, ast.Constant) and isinstance(entry.value, str), ast.unparse(call)
                yield entry.value


def marked() -> dict[str, list[str]]:
    """By entry, the tests that play its numbers."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "pytest.mark.text" not in source:
            continue
        for statement in ast.parse(source).body:
            name = statement.name if isinstance(statement, ast.FunctionDef) else "everything"
            decorated = statement.decorator_list if isinstance(statement, ast.FunctionDef) else [statement]
            for part in decorated:
                for entry in marks(part):
                    found.setdefault(entry, []).append(f"{path.stem}::{name}")
    return found


MARKED = marked()


@pytest.mark.parametrize("entry", WORKED)
def test_a_test_plays_the_numbers_of(entry):
    assert MARKED.get(entry), f"mark the test of it with @pytest.mark.text({entry!r})"


def test_marks_name_entries_as_file_and_name():
    assert all(re.fullmatch(r"0[1-8]:[a-z0-9]+(-[a-z0-9]+)*", entry) for entry in MARKED)
    assert len(set(WORKED)) == len(WORKED) and not set(WORKED) & set(MEASURED)
