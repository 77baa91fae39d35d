"""Without a screen the program says so instead of letting Qt end it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.display import has_display


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_without_any_variable_there_is_no_display():
    assert not has_display()


def test_a_stale_x_display_counts_as_none(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":9876")
    assert not has_display()


def test_a_wayland_socket_counts_and_a_stale_name_does_not(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert not has_display()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-0"))
        assert has_display()


def test_make_can_ask_by_exit_code():
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "DISPLAY": ":9876"}
    assert subprocess.run([sys.executable, "-m", "app.display"], cwd=root, env=environment).returncode == 1
