"""Whether a window can be opened here. Asked before Qt starts, because Qt answers "no" by ending the process.

`python -m app.display` exits with 0 if there is a display and with 1 if not.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path


def has_display() -> bool:
    """True when a screen answers: always on Windows and macOS, elsewhere when an X or Wayland server does."""
    if not sys.platform.startswith("linux"):
        return True
    return wayland_answers() or x_answers()


def wayland_answers() -> bool:
    """Whether the socket that WAYLAND_DISPLAY names is there."""
    name = os.environ.get("WAYLAND_DISPLAY", "")
    return bool(name) and (Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name).is_socket()


def x_answers() -> bool:
    """Whether the X server that DISPLAY names lets us in; a stale DISPLAY (closed ssh, other user) counts as none."""
    if not os.environ.get("DISPLAY"):
        return False
    name = ctypes.util.find_library("xcb")
    if name is None:
        return False
    xcb = ctypes.CDLL(name)
    xcb.xcb_connect.restype = ctypes.c_void_p
    for function in (xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        function.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = bool(xcb.xcb_connection_has_error(connection) == 0)
    xcb.xcb_disconnect(connection)
    return answers


if __name__ == "__main__":
    sys.exit(0 if has_display() else 1)
