"""Which views a document asks for, each under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

USUAL_VIEWS = ("loss", "boundary")  # of a document that names none
NOTHING: list[dict[str, Any]] = [
    {"type": "none"}
]  # a document that wants no view; no entry at all means the usual ones

Entry = Mapping[str, Any]


def entries_of(views: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    """The entries of `document.views` by name: their `id`, else their type, counted from the second of a type on."""
    found: dict[str, dict[str, Any]] = {}
    for entry in views or [{"type": kind} for kind in USUAL_VIEWS]:
        kind = entry.get("type")
        if not isinstance(kind, str) or kind == "none":
            continue
        given = entry.get("id")
        name = given if isinstance(given, str) and given and given not in found else free_name(kind, found)
        found[name] = dict(entry)
    return found


def free_name(kind: str, taken: Mapping[str, object]) -> str:
    """A name for one more view of a type: `weights`, `weights_2` …"""
    if kind not in taken:
        return kind
    return next(name for name in (f"{kind}_{count}" for count in range(2, len(taken) + 3)) if name not in taken)


def listed(entries: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """The entries as a document lists them; a name is written only where the type does not say it."""
    plain = [
        {key: value for key, value in entry.items() if key != "id"} | ({} if name == entry["type"] else {"id": name})
        for name, entry in entries.items()
    ]
    return plain or [dict(entry) for entry in NOTHING]
