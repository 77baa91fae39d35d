"""What stands between the command and the painted gallery: nothing heavy may be imported on the way."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numba", "llvmlite", "pyqtgraph", "networkx", "scipy", "sklearn", "ziamath", "onnx", "gymnasium", "torch")

PAINT = """
import json, sys
from PySide6.QtCore import QEvent, QObject
from app.cli import make_window
from app.recovery import Keeper
from app.settings import Settings

application, window = make_window(Settings(None), Keeper(keeps=False))
cards = window.gallery.cards

class Watcher(QObject):
    painted = set()
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.painted.add(watched)
        return False

watcher = Watcher()
for card in cards:
    card.installEventFilter(watcher)
window.show()
while not set(card for card in cards if not card.visibleRegion().isEmpty()) <= watcher.painted:
    application.processEvents()
print(json.dumps([len(watcher.painted), sorted(name for name in sys.modules if "." not in name)]))
window.close()
"""


def test_nothing_heavy_is_imported_before_the_gallery_is_painted(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run([sys.executable, "-c", PAINT], capture_output=True, text=True, timeout=120, check=True)
    painted, modules = json.loads(done.stdout)
    assert painted > 0
    assert [name for name in HEAVY if name in modules] == []


def test_the_command_line_alone_imports_neither_qt_nor_the_engine():
    code = "import sys, app.cli; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not {"PySide6", "numpy", "engine"} & set(done.stdout.split())
