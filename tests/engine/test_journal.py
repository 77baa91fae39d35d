"""The journal: on disk at once, brought back after a crash, gone when nobody needs it."""

import errno
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from engine import journal as journal_module
from engine.journal import Journal, discard, journal_folder, recoverable

BASE = {"chainrule": 1, "id": "xor", "title": "XOR"}


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "a.journal", BASE, file="xor.json") as journal:
        yield journal


def test_a_journal_begins_with_the_document_and_goes_on_with_the_commands(journal):
    journal.append({"do": "move", "by": (1, 2.5)})
    journal.append({"undo": "move", "values": np.array([0.1, np.inf])})
    document, entries, problems = Journal.replay(journal.path)
    assert document == BASE
    assert entries == [{"do": "move", "by": [1, 2.5]}, {"undo": "move", "values": [0.1, float("inf")]}]
    assert problems == []


def test_a_command_is_in_the_file_when_append_returns(journal):
    journal.append({"n": 1})
    assert journal.path.read_bytes().endswith(b'{"n":1}\n')


def test_every_truncation_gives_the_commands_before_it(journal, tmp_path):
    for n in range(3):
        journal.append({"n": n})
    content = journal.path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(len(content)):
        (tmp_path / "cut").write_bytes(content[:cut])
        document, entries, problems = Journal.replay(tmp_path / "cut")
        whole = sum(end <= cut for end in ends)
        assert document == (BASE if whole else None)
        assert entries == [{"n": n} for n in range(whole - 1)]
        assert bool(problems) == (cut not in ends)


def test_behind_an_unreadable_line_nothing_is_played(journal):
    for n in range(3):
        journal.append({"n": n})
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([*lines[:2], b"\0\0\0\n", *lines[2:]]))
    document, entries, problems = Journal.replay(journal.path)
    assert (document, entries) == (BASE, [{"n": 0}])
    assert [(problem.fact, problem.severity) for problem in problems] == [
        ("line 3 of the journal cannot be read", "error")
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b"[" * 100_000 + b"\n", b'{"journal": 1}\n', b"\xff\n", None])
def test_what_is_no_journal_is_told(tmp_path, content):
    path = tmp_path / "b.journal"
    if content is not None:
        path.write_bytes(content)
    document, entries, problems = Journal.replay(path)
    assert (document, entries) == (None, [])
    assert all(problem.fact and problem.mend for problem in problems)
    assert problems


def test_a_journal_in_use_is_not_offered_and_one_left_behind_is(tmp_path):
    script = """
import sys
from engine.journal import Journal
from pathlib import Path
journal = Journal.begin({"title": "XOR"}, file="xor.json", folder=Path(sys.argv[1]))
journal.append({"n": 1})
journal.append({"n": 2})
print(journal.path, flush=True)
sys.stdin.read()
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        path = owner.stdout.readline().strip()
        assert recoverable(tmp_path) == []
    finally:
        owner.kill()
        owner.communicate()
    (found,) = recoverable(tmp_path)
    assert (str(found.path), found.file, found.title, found.entries) == (path, "xor.json", "XOR", 2)
    discard(found.path)
    assert recoverable(tmp_path) == []


def test_what_was_saved_needs_no_recovery(tmp_path, journal):
    journal.append({"n": 1})
    journal.append({"saved": True})
    journal.close()
    assert recoverable(tmp_path) == []
    with Journal(journal.path) as again:
        again.append({"n": 2})
    assert [entry.entries for entry in recoverable(tmp_path)] == [1]


def test_a_recovered_document_that_was_not_saved_is_offered_again(tmp_path):
    Journal(tmp_path / "a.journal", BASE, unsaved=True).close()
    assert [entry.entries for entry in recoverable(tmp_path)] == [0]


def test_the_latest_journal_is_offered_first(tmp_path):
    for number, name in enumerate(["b", "a", "c"]):
        with Journal(tmp_path / f"{name}.journal", BASE) as journal:
            journal.append({"n": 1})
        os.utime(journal.path, (number, number))
    assert [entry.path.stem for entry in recoverable(tmp_path)] == ["c", "a", "b"]


def test_a_folder_that_is_not_there_offers_nothing(tmp_path):
    assert recoverable(tmp_path / "none") == []


def test_restarting_forgets_the_commands_and_keeps_the_new_document(tmp_path, journal):
    journal.append({"n": 1})
    journal.restart(BASE | {"title": "new"}, file="new.json")
    journal.append({"n": 2})
    document, entries, problems = Journal.replay(journal.path)
    assert (document, entries, problems) == (BASE | {"title": "new"}, [{"n": 2}], [])
    assert [path.name for path in tmp_path.iterdir()] == ["a.journal"]
    journal.close()
    assert recoverable(tmp_path)[0].file == "new.json"


def test_going_on_with_a_journal_drops_a_line_that_broke_off(journal):
    journal.append({"n": 1})
    journal.close()
    with open(journal.path, "ab") as file:
        file.write(b'{"n": 2')
    with Journal(journal.path) as again:
        again.append({"n": 3})
    assert Journal.replay(journal.path)[1:] == ([{"n": 1}, {"n": 3}], [])


def test_discarding_leaves_nothing(tmp_path, journal):
    journal.append({"n": 1})
    journal.discard()
    assert list(tmp_path.iterdir()) == []


def test_commands_reach_the_disk_by_themselves_and_together(tmp_path):
    synced = threading.Event()
    sizes = []

    def sync(descriptor):
        sizes.append(os.fstat(descriptor).st_size)
        synced.set()

    with Journal(tmp_path / "a.journal", BASE, interval=0.05, sync=sync) as journal:
        journal.append({"n": 1})
        assert synced.wait(30)
    assert sizes == [journal.path.stat().st_size]


def test_closing_brings_what_is_left_to_the_disk_without_waiting(tmp_path):
    sizes = []
    journal = Journal(
        tmp_path / "a.journal", BASE, interval=3600, sync=lambda descriptor: sizes.append(os.fstat(descriptor).st_size)
    )
    for n in range(100):
        journal.append({"n": n})
    journal.close()
    assert sizes == [journal.path.stat().st_size]
    assert not any(thread.name == "journal" for thread in threading.enumerate())


def test_a_full_disk_is_told_and_spoils_nothing(journal, monkeypatch):
    journal.append({"n": 1})

    def half_a_line(file, entry):
        file.write(b'{"n"')
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journal_module, "_write_line", half_a_line)
    journal.append({"n": 2})
    monkeypatch.undo()
    journal.append({"n": 3})
    assert journal.problem is not None
    assert journal.problem.fact == "changes can no longer be kept for recovery: no space left on device"
    assert Journal.replay(journal.path)[1] == [{"n": 1}]
    journal.restart(BASE)
    journal.append({"n": 4})
    assert journal.problem is None
    assert Journal.replay(journal.path)[1:] == ([{"n": 4}], [])


def test_a_disk_that_cannot_be_synced_is_told(tmp_path):
    def fail(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    journal = Journal(tmp_path / "a.journal", BASE, interval=3600, sync=fail)
    journal.append({"n": 1})
    journal.close()
    assert journal.problem is not None
    assert "input/output error" in journal.problem.fact


def test_without_a_place_to_write_work_goes_on_with_a_warning(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "a.journal", BASE)
    journal.append({"n": 1})
    journal.close()
    journal.discard()
    assert journal.problem is not None
    assert journal.problem.severity == "warning"


def test_journals_lie_beside_the_state_of_the_user():
    folder = journal_folder()
    assert folder.name == "journals"
    assert "chainrule" in folder.parts
    with Journal.begin(BASE) as journal:
        assert journal.path.parent == folder
        assert json.loads(journal.path.read_bytes())["document"] == BASE
        journal.discard()
