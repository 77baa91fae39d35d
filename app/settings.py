"""What the program remembers between two starts: theme, recent files, window, the one JSON file they are kept in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RECENT_FILES = 8
DEFAULTS: dict[str, Any] = {
    "theme": "system",  # system | dark | light
    "reduce_motion": False,
    "formula_note": True,  # beside the stepped node
    "wire_style": "curved",  # curved | straight | angled
    "snap_to_grid": False,
    "wheel_pans": False,
    "makes_room": False,  # a node that is put into a wire
    "keys": {},  # a command's keys that are not those it came with, by its id
    "recent": [],
    "favourites": [],
    "tours": {},  # the page on which the tour of a document was left, by file or else by id
    "composites": {},  # kept in the palette, by id, as a document writes them
    "geometry": "",
    "state": "",
}


class Settings:
    """Settings in memory, written through to a file at every change.

    path  the JSON file, or None to keep nothing (pictures and tests)
    A file that is damaged or cannot be written never stands in the way: the defaults hold.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values = dict(DEFAULTS) | _read(path)

    @classmethod
    def of_user(cls) -> Settings:
        """The settings of the person who started the program."""
        from platformdirs import user_config_path

        return cls(user_config_path("chainrule", appauthor=False) / "settings.json")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in DEFAULTS:
            raise KeyError(name)
        if self._values[name] != value:
            self._values[name] = value
            self._write()

    @property
    def recent(self) -> list[Path]:
        """Files opened or saved lately that still exist, the last one first."""
        paths = (Path(entry) for entry in self._values["recent"] if isinstance(entry, str))
        return [path for path in paths if path.is_file()]

    def remember(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        entries = [str(path.resolve()), *_texts(self._values["recent"])]
        self["recent"] = list(dict.fromkeys(entries))[:RECENT_FILES]

    def _write(self) -> None:
        if self._path is None:
            return
        scratch = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps(self._values, indent=1), encoding="utf-8")
            scratch.replace(self._path)
        except OSError:
            return  # a read-only home costs the memory of the recent files, nothing more


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if name in DEFAULTS and type(value) is type(DEFAULTS[name])}


def _texts(entries: Iterable[Any]) -> list[str]:
    return [entry for entry in entries if isinstance(entry, str)]
