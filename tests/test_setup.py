"""The promises of the set-up that can be checked without a fresh machine."""

import importlib.resources
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    specification = importlib.util.spec_from_file_location("set_up", ROOT / ".ci" / "set_up.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_runtime_dependency_has_a_range_and_a_reason():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [") + 1
    block = [line.strip() for line in lines[start : lines.index("]", start)]]
    reasons, requirements = block[0::2], block[1::2]
    assert all(reason.startswith("# ") for reason in reasons)
    assert all(re.search(r'>=[\d.]+,<[\d.]+",$', requirement) for requirement in requirements)


def test_the_version_is_written_in_one_place_only():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "app/__init__.py"


@pytest.mark.parametrize("package", ["presets", "resources"])
def test_what_travels_in_the_wheel_is_found_through_importlib(package):
    assert importlib.resources.files(package).is_dir()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_every_bundled_font_and_icon_set_brings_its_licence():
    notices = (ROOT / "THIRD-PARTY-NOTICES.md").read_text()
    licences = sorted((ROOT / "resources" / "licences").iterdir())
    assert licences
    for licence in licences:
        assert f"resources/licences/{licence.name}" in notices


def test_missing_libraries_become_the_packages_that_bring_them(set_up):
    assert set_up.packages_for({"libEGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"}) == [
        "libegl1",
        "libglib2.0-0",
    ]


def test_without_root_the_one_command_to_type_is_printed(set_up, monkeypatch):
    monkeypatch.setattr(set_up.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(set_up.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SystemExit) as ended:
        set_up.install_system_packages(["libegl1"], "the window")
    assert "sudo apt-get install -y --no-install-recommends libegl1" in str(ended.value)


FETCHES = """
print("Obtaining file:///here")
print("Collecting numpy<3,>=2.0 (from chainrule==0.1.0)")
print("  Downloading numpy-2.3.whl (16.6 MB)")
print("Collecting PySide6-Essentials<6.12")
print("Installing collected packages: numpy, PySide6-Essentials")
"""


def test_pip_tells_of_each_package_where_nobody_sees_its_bars(set_up, capfd):
    set_up.run_pip_in_short([sys.executable, "-c", FETCHES])
    numpy, qt, last = capfd.readouterr().out.splitlines()
    assert (numpy, qt) == ("  numpy", "  PySide6-Essentials")
    assert "unpacking" in last


def test_all_that_pip_said_follows_where_it_fails(set_up, capfd):
    with pytest.raises(SystemExit) as ended:
        set_up.run_pip_in_short([sys.executable, "-c", f"{FETCHES}print('no such wheel'); raise SystemExit(2)"])
    assert ended.value.code == 2
    told = capfd.readouterr().err
    assert "Downloading numpy" in told and "no such wheel" in told and "This step failed" in told


def test_an_unknown_purpose_is_answered_with_the_known_ones():
    answer = subprocess.run([sys.executable, ROOT / ".ci" / "set_up.py", "walk"], capture_output=True, text=True)
    assert answer.returncode == 1
    assert "run | test | bench" in answer.stderr


def test_ci_hands_on_the_exit_code_of_make(tmp_path):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_text((ROOT / ".ci" / "run").read_text())
    (tmp_path / "Makefile").write_text("test:\n\t@echo '1 failed'; exit 3\n")
    answer = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode != 0
    assert answer.stdout.rstrip().endswith("1 failed")


def test_the_page_for_developers_names_files_that_are_there():
    page = (ROOT / "DEVELOPERS.md").read_text()
    named = set(re.findall(r"`((?:engine|app|tests|presets)/[\w/.]*)`", page))
    assert len(named) > 18
    assert not [name for name in named if not (ROOT / name).exists()]
