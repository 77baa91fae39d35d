"""Every operation that the source texts name stands under a name of ours: the list is kept beside this file."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.datasets import describe
from engine.initialisers import INITIALISERS
from engine.nodes import node_types
from engine.training import FAMILIES, Training


class Operation(NamedTuple):
    """An operation as its text calls it, and our names for it."""

    part: str
    name: str
    ours: tuple[str, ...]


def operations() -> list[Operation]:
    text = Path(__file__).with_name("catalogue_operations.txt").read_text("utf-8")
    lines = [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]
    return [Operation(part, name, tuple(ours.split())) for part, name, ours in lines]


OPERATIONS = operations()


def is_there(name: str) -> bool:
    """Whether something is registered under this name."""
    family, _, rest = name.rpartition(":")
    word, _, entry = rest.partition(".")
    if family == "":
        kind = node_types().get(word)
        return kind is not None and (not entry or entry in kind.properties() or kind.input(entry) is not None)
    if family == "initialiser":
        return word in INITIALISERS
    if family == "analysis":
        return hasattr(import_module(f"engine.analysis.{word}"), entry)
    if family == "data":
        return word in describe("iris").options
    if family == "training":
        return word in Training.__dataclass_fields__
    kinds = FAMILIES[family].family.types
    return word in kinds and (not entry or entry in kinds[word].settings)


@pytest.mark.parametrize("part", dict.fromkeys(operation.part for operation in OPERATIONS))
def test_every_operation_has_a_name_of_ours_that_is_registered(part):
    named = {
        f"{operation.name}: {name}" for operation in OPERATIONS if operation.part == part for name in operation.ours
    }
    assert [name for name in sorted(named) if not is_there(name.split(": ")[-1])] == []


def test_nothing_is_missing():
    assert [operation.name for operation in OPERATIONS if not operation.ours or "missing" in operation.ours] == []


def test_no_operation_stands_twice_in_one_part():
    assert len({(operation.part, operation.name) for operation in OPERATIONS}) == len(OPERATIONS)
