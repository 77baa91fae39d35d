"""Makes a machine ready for Chainrule: `.venv`, the project in it, and the system libraries that Qt needs.

    python3 .ci/set_up.py run | test | bench

Uses only the standard library, because it runs before anything is installed. Every step looks before it acts, so it
may be run again at any time. A stamp `.venv/.ready-<purpose>` lets make skip it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

EXTRAS = {"run": "", "test": "[dev]", "bench": "[dev,bench]"}
INCLUDES = {"run": ("run",), "test": ("run", "test"), "bench": ("run", "test", "bench")}

# The Debian and Ubuntu package of every library that the Qt wheels expect from the system.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libzstd.so.1": "libzstd1",
}

# What the program loads; the other plugins of the wheel (EGL on bare screens, VNC …) may lack whatever they lack.
QT_PARTS = (
    "lib/libQt6Core.so.6",
    "lib/libQt6Gui.so.6",
    "lib/libQt6Widgets.so.6",
    "lib/libQt6Svg.so.6",
    "lib/libQt6DBus.so.6",
    "lib/libQt6XcbQpa.so.6",
    "plugins/platforms/libqoffscreen.so",
    "plugins/platforms/libqxcb.so",
    "plugins/platforms/libqwayland*.so",
    "plugins/imageformats/libqsvg.so",
)


def main(purpose: str) -> None:
    """Make everything ready for `purpose` (a key of EXTRAS); ends the process with a sentence when it cannot."""
    if sys.version_info < (3, 11):  # noqa: UP036 - runs before pip could refuse an old Python
        sys.exit(
            f"Chainrule needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 run"
        )
    make_environment()
    install_project(purpose)
    if sys.platform.startswith("linux"):
        install_system_packages(packages_for(missing_libraries()), "the window")
    for each in INCLUDES[purpose]:
        (VENV / f".ready-{each}").touch()


def make_environment() -> None:
    """Create `.venv`, unless a working one is there."""
    if PYTHON.exists() and succeeds([str(PYTHON), "-c", "import pip"]):
        return
    if not succeeds([sys.executable, "-c", "import ensurepip, venv"]):
        # Debian splits the standard library: its python3 alone cannot make an environment with pip.
        install_system_packages(["python3-venv"], "a virtual environment")
    say("Making .venv …")
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])


def install_project(purpose: str) -> None:
    """Install the project editable with the extras of `purpose`."""
    say(f"Installing what `make {purpose}` needs (the first time takes a few minutes) …")
    plain = ["--disable-pip-version-check", "--no-input"]
    command = [str(PYTHON), "-m", "pip", "install", *plain, "--editable", f"{ROOT}{EXTRAS[purpose]}"]
    if sys.stdout.isatty():
        run(command)  # pip draws how far each download is
    else:
        run_pip_in_short(command)


def missing_libraries() -> set[str]:
    """File names of the libraries that Qt wants and the dynamic linker cannot find."""
    where = subprocess.run(
        [str(PYTHON), "-c", "import PySide6, os; print(os.path.dirname(PySide6.__file__))"],
        check=True,
        capture_output=True,
        text=True,
    )
    qt = Path(where.stdout.strip()) / "Qt"
    missing: set[str] = set()
    for pattern in QT_PARTS:
        for part in qt.glob(pattern):
            listing = subprocess.run(["ldd", str(part)], capture_output=True, text=True)
            missing.update(line.split()[0] for line in listing.stdout.splitlines() if "not found" in line)
    return missing


def packages_for(libraries: Iterable[str]) -> list[str]:
    """The packages that bring `libraries`; a library without a known package is named as it is."""
    return sorted({PACKAGES.get(library, library) for library in libraries})


def install_system_packages(packages: list[str], reason: str) -> None:
    """Install `packages` when that is allowed here; otherwise end with the one command to type."""
    if not packages:
        return
    command = "apt-get install -y --no-install-recommends " + " ".join(packages)
    if shutil.which("apt-get") is None:
        sys.exit(f"For {reason} your system must bring: {' '.join(packages)} (these are Debian's names).")
    if os.geteuid() != 0:
        sys.exit(
            f"For {reason} some system packages are missing. Type this once, then try again:\n\n  sudo {command}\n"
        )
    say(f"Installing for {reason}: {' '.join(packages)} …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=environment)
    run([*command.split(), "-qq"], env=environment, stdout=subprocess.DEVNULL)


def succeeds(command: list[str]) -> bool:
    """Whether `command` can be started and ends well."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def run(command: list[str], **options: object) -> None:
    """Run `command`; ends the process with its exit code and its text when it fails."""
    done = subprocess.run(command, cwd=ROOT, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        end_of(command, done.returncode)


def run_pip_in_short(command: list[str]) -> None:
    """Run pip where nobody sees its bars: a line for each package. All that it said follows where it fails."""
    said = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if package := re.match(r"Collecting ([\w.-]+)", line):
                say(f"  {package[1]}")
            elif line.startswith("Installing collected packages"):
                say("  all are here: unpacking them …")
    if process.returncode != 0:
        print("".join(said), end="", file=sys.stderr)
        end_of(command, process.returncode)


def end_of(command: list[str], code: int) -> NoReturn:
    """End the process as a command did that failed."""
    print(f"This step failed: {' '.join(command)}", file=sys.stderr)
    sys.exit(code)


def say(sentence: str) -> None:
    """Print one line at once, even into a pipe."""
    print(sentence, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in EXTRAS:
        sys.exit(f"usage: set_up.py {' | '.join(EXTRAS)}")
    main(sys.argv[1])
