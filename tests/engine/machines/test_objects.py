"""Kernels kept on disk: linked without the compiler, never trusted blindly, shared between processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

from engine.machines import objects
from engine.machines.fingerprint import fingerprint
from engine.primitives.base import Kernel, real
from engine.primitives.elementary import exp_of, log_of

ROOT = Path(__file__).resolve().parents[3]
PLAY = """
import sys
from engine import Document, Graph, Session
from tests.engine.documents import xor_document

def valley():
    graph = Graph()
    x, y = graph.add("parameter", shape=(5,), initial=3.0), graph.add("square")
    loss = graph.add("mean", over="all")
    graph.connect(x, y)
    graph.connect(y, loss)
    return Document(graph, {}, {"loss": loss.id, "optimizer": {"type": "sgd", "learning_rate": 0.01}})

session = Session({"XOR": xor_document, "valley": valley}[sys.argv[1]]())
session.prepare()
session.step("epoch")
session.run(50)
print(repr(session.loss), "numba" in sys.modules)
"""


def playing(cache: Path, document: str) -> subprocess.Popen[str]:
    """A process that plays XOR, or a valley, which has few kernels, and little ones."""
    environment = {"XDG_CACHE_HOME": str(cache), "PATH": "/usr/bin:/bin", "HOME": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", PLAY, document], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def played(cache: Path, document: str = "XOR") -> tuple[str, bool]:
    """Loss after 51 iterations in a process of its own, and whether that had to load the compiler."""
    loss, compiled = playing(cache, document).communicate()[0].split()
    return loss, compiled == "True"


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> tuple[Path, str]:
    """A cache that one process has filled, and the loss it came to."""
    place = tmp_path_factory.mktemp("cache")
    loss, compiled = played(place)
    assert compiled, "an empty cache needs the compiler"
    return place, loss


def kernels_in(cache: Path) -> list[Path]:
    return sorted(cache.glob("chainrule/kernels/*/*.kernel"))


def test_a_second_process_links_the_same_code_without_the_compiler(cache):
    place, loss = cache
    assert len(kernels_in(place)) > 10
    assert played(place) == (loss, False)


def test_a_damaged_file_is_compiled_anew_and_not_linked(cache):
    place, loss = cache
    damaged = kernels_in(place)[3]
    good = damaged.read_bytes()
    for bad in (good[:-100], b"", b"{}\n" + good, good.replace(b"ELF", b"EVE", 1)):
        damaged.write_bytes(bad)
        assert played(place)[0] == loss


def test_two_processes_may_fill_one_cache_at_once(tmp_path):
    both = [playing(tmp_path, "valley") for _ in range(2)]
    answers = [process.communicate()[0].split()[0] for process in both]
    assert answers[0] == answers[1]
    assert not list(tmp_path.glob("chainrule/kernels/*/*.part"))
    assert played(tmp_path, "valley") == (answers[0], False)


def test_of_former_versions_those_stay_that_were_of_use_last(monkeypatch, tmp_path):
    monkeypatch.setattr(objects, "home", lambda: tmp_path)
    used = objects.folder.__wrapped__()
    others = [tmp_path / str(number) for number in range(objects.KEPT_FOLDERS)]
    for number, folder in enumerate([used, *others]):
        folder.mkdir(exist_ok=True)
        os.utime(folder, (number, number))
    assert objects.folder.__wrapped__() == used
    monkeypatch.setattr(objects, "_versions", lambda: ["another"])
    new = objects.folder.__wrapped__()
    assert set(tmp_path.iterdir()) == {used, new, *others[1:]}


def test_an_object_with_unknown_symbols_is_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(objects, "folder", lambda: tmp_path)
    objects.keep("strange", "strange", b"no object at all")
    assert list(tmp_path.iterdir()) == []
    assert objects.undefined_symbols(b"no object at all")


def test_a_file_tells_its_symbol_and_its_digest(cache):
    head = json.loads(kernels_in(cache[0])[0].read_bytes().partition(b"\n")[0])
    assert set(head) == {"symbol", "sha256"} and len(head["sha256"]) == 64


def test_a_kernel_is_named_after_its_own_sources_alone():
    def body(arena, integers, instruction, start, stop):
        arena[0] = exp_of(arena[0]) * real(1)

    def other(arena, integers, instruction, start, stop):
        arena[0] = exp_of(arena[0]) * real(2)

    first, second = fingerprint(Kernel("one", body)), fingerprint(Kernel("one", other))
    assert first != second
    assert first == fingerprint(Kernel("two", body))
    called = FunctionType(body.__code__, {**globals(), "exp_of": log_of})
    assert fingerprint(Kernel("one", called)) != first
