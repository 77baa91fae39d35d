"""Killing the process at any moment leaves a whole document and all commands that were done."""

import os
import random
import signal
import subprocess
import sys
from itertools import islice, takewhile

import pytest

from engine.document import Document
from engine.journal import Journal, recoverable

KILLS = 50
# Imports once, and forks a worker for each folder that it is told; the workers' words and its own go to one output, each
# as one write: of a `print` that goes out in pieces a kill may leave half a line, to which the next word would be joined.
NURSERY = """
import os, sys
from pathlib import Path
from engine.document import Document
from engine.journal import Journal

def say(word):
    os.write(1, f"{word}\\n".encode())

def work(folder):
    say(os.getpid())
    document = Document(title="0", views=[{"padding": "x" * 20_000}])
    journal = Journal(folder / "a.journal", document.to_json(), file="a.json")
    done = 0
    while True:
        done += 1
        journal.append({"done": done})
        document.title = str(done)
        if done % 5 == 0:
            document.save(folder / "a.json")
            journal.append({"saved": True})
        if done % 50 == 0:
            journal.restart(document.to_json(), file="a.json")
        say(done)

for line in sys.stdin:
    worker = os.fork()
    if not worker:
        work(Path(line.rstrip()))
    os.waitpid(worker, 0)
    say("gone")
"""


@pytest.fixture
def nursery():
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # who forks has no other threads
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", NURSERY], stdin=pipe, stdout=pipe, text=True, env=alone) as process:
        yield process
        process.stdin.close()


def killed_after(lines, folder, nursery):
    """Let a worker do at least `lines` commands, kill it in the middle of the next, return how many it reported."""
    nursery.stdin.write(f"{folder}\n")
    nursery.stdin.flush()
    words = takewhile(lambda line: line != "gone\n", nursery.stdout)
    worker = int(next(words))
    reported = [int(word) for word in islice(words, lines)]
    assert len(reported) == lines, "the worker ended by itself"
    os.kill(worker, signal.SIGKILL)
    return max([*reported, *map(int, words)])


def test_fifty_kills_lose_nothing(tmp_path, nursery):
    chance = random.Random(2)
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        folder.mkdir()
        reported = killed_after(chance.randint(1, 120), folder, nursery)
        if reported >= 5:
            document = Document.load(folder / "a.json")
            assert document.problems == []
            assert reported - 5 < int(document.title) <= reported + 1
        base, entries, problems = Journal.replay(folder / "a.journal")
        assert all(problem.severity == "warning" for problem in problems)
        done = [entry["done"] for entry in entries if "done" in entry]
        start = int(base["title"])
        assert done == list(range(start + 1, start + 1 + len(done)))
        assert reported <= start + len(done) <= reported + 1
        unsaved = len(entries) - 1 - max((i for i, entry in enumerate(entries) if "saved" in entry), default=-1)
        assert [entry.entries for entry in recoverable(folder)] == ([unsaved] if unsaved else [])
