"""A file is whole at every moment: replaced at once, or left as it was."""

import errno
import os
import stat

import pytest

from engine import schema_files
from engine.document import Document
from engine.problems import ProblemError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.json"
    Document(title="old").save(path)
    return path


def refusal(document: Document, path) -> str:
    with pytest.raises(ProblemError) as caught:
        document.save(path)
    (problem,) = caught.value.problems
    assert problem.mend
    return problem.fact


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_when_the_disk_fails_the_old_file_stays_and_nothing_lies_about(path, monkeypatch, call):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(schema_files.os, call, fail)
    assert refusal(Document(title="new"), path) == "“a.json” cannot be written: no space left on device"
    monkeypatch.undo()
    assert Document.load(path).title == "old"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.json"]


def test_the_content_is_on_the_disk_before_the_name_changes(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(schema_files.os, "fsync", lambda descriptor: (calls.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(schema_files.os, "replace", lambda old, new: (calls.append("rename"), replace(old, new)))
    Document(title="new").save(path)
    assert calls == ["fsync", "rename", "fsync"][: len(calls)]
    assert "rename" in calls
    assert Document.load(path).title == "new"


def test_permissions_stay(path):
    path.chmod(0o640)
    Document(title="new").save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_usual_permissions(path):
    plain = path.with_name("plain.txt")
    plain.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_a_symbolic_link_stays_one(path):
    link = path.with_name("link.json")
    link.symlink_to(path)
    Document(title="new").save(link)
    assert link.is_symlink()
    assert Document.load(path).title == "new"


@pytest.mark.parametrize("name", ["missing/a.json", "a\0b.json", "x" * 300, "folder"])
def test_a_place_that_cannot_be_written_is_told(tmp_path, name):
    (tmp_path / "folder").mkdir()
    assert "cannot be written" in refusal(Document(), tmp_path / name)


def test_what_no_file_can_hold_is_refused_with_its_place(path):
    document = Document(title="new", views=[{"zoom": float("nan")}])
    assert refusal(document, path) == "NaN (not a number) cannot stand in a document"
    assert Document.load(path).title == "old"


def test_after_saving_only_what_the_file_still_holds_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"chainrule": 1, "title": 3, "future": 1, "covers": [1]}')
    document = Document.load(tmp_path / "a.json")
    assert [problem.path for problem in document.check()] == ["title", "covers[0]", "future"]
    document.save(tmp_path / "b.json")
    assert [problem.path for problem in document.check()] == ["future"]
