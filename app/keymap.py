"""Which keys do what: what a person chose goes before what commands came with; sets of keys as other editors have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Keys = tuple[str, ...]

#: Keys by command, where they differ from those that commands come with.
PRESETS: dict[str, dict[str, Keys]] = {
    "Chainrule": {},
    "Blender": {
        "canvas.delete": ("X", "Delete", "Backspace"),
        "canvas.reconnect": ("Ctrl+X", "Ctrl+Delete"),
        "canvas.cut": ("Ctrl+Shift+X",),
        "canvas.frame": ("Ctrl+J", "C"),
        "canvas.select_before": ("L",),
        "canvas.select_behind": ("Shift+L",),
        "canvas.layout": ("Ctrl+L",),
        "canvas.fit": (".", "F"),
        "edit.find": ("F3", "Ctrl+K"),
    },
    "ComfyUI": {
        "canvas.mute": ("Ctrl+M",),
        "canvas.bypass": ("Ctrl+B",),
        "canvas.fold": ("Alt+C",),
        "canvas.frame": ("Ctrl+G",),
        "canvas.group": ("Ctrl+Shift+E",),
        "canvas.fit": (".", "F"),
        "edit.paint": ("Ctrl+Shift+B",),
    },
    "Unreal": {
        "canvas.align_top": ("Shift+W",),
        "canvas.align_left": ("Shift+A",),
        "canvas.align_bottom": ("Shift+S",),
        "canvas.align_right": ("Shift+D",),
        "canvas.search": ("Ctrl+Space",),
        "canvas.swap": ("Ctrl+Shift+R",),
    },
    "Houdini": {
        "canvas.fit_all": ("H", "Home"),
        "canvas.fit": ("G", "F"),
        "canvas.fold": ("Shift+H",),
        "canvas.note": ("Shift+P",),
        "canvas.frame": ("Shift+O",),
        "canvas.minimap": ("O",),
        "canvas.open": ("I",),
        "canvas.bypass": ("B",),
        "canvas.bookmarks": ("Shift+B",),
    },
}


def sound(chosen: Any) -> dict[str, Keys]:
    """What was chosen, as far as a settings file says so in the right form."""
    entries = chosen.items() if isinstance(chosen, Mapping) else ()
    return {
        name: tuple(keys)
        for name, keys in entries
        if isinstance(name, str) and isinstance(keys, list | tuple) and all(isinstance(key, str) for key in keys)
    }


def bound(defaults: Mapping[str, Keys], chosen: Mapping[str, Sequence[str]]) -> dict[str, Keys]:
    """The keys of every command. One that is chosen for a command is taken from all that only came with it."""
    taken = {key for name, keys in chosen.items() if name in defaults for key in keys}
    return {
        name: tuple(chosen[name]) if name in chosen else tuple([key for key in keys if key not in taken])
        for name, keys in defaults.items()
    }


def with_key(
    defaults: Mapping[str, Keys], chosen: Mapping[str, Sequence[str]], name: str, key: str
) -> tuple[dict[str, Keys], str]:
    """The choice once a key belongs to one command, as its first; and the command that had it, empty where none had."""
    now = bound(defaults, chosen)
    owner = next((other for other, keys in now.items() if key in keys and other != name), "")
    later = {other: tuple(keys) for other, keys in chosen.items()}
    if owner:
        later[owner] = tuple([each for each in now[owner] if each != key])
    later[name] = (key, *[each for each in now[name][1:] if each != key])
    return {other: keys for other, keys in later.items() if keys != defaults.get(other)}, owner
