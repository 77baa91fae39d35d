"""Work aside: the window answers meanwhile, and what was begun last counts."""

import threading

import numpy as np
import pytest

from app.aside import Aside


@pytest.fixture
def aside(qapp):
    return Aside()


def test_the_end_is_told_on_the_thread_that_waits(qtbot, aside):
    seen = []
    aside.begin(lambda: seen.append(threading.get_ident()), lambda: seen.append(threading.get_ident()))
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen[0] != seen[1] == threading.get_ident()
    assert not aside.is_busy


def test_what_was_forgotten_or_overtaken_is_not_told(qtbot, aside):
    gate, told = threading.Event(), []
    aside.begin(gate.wait, lambda: told.append("first"))
    aside.begin(lambda: None, lambda: told.append("second"))
    qtbot.waitUntil(lambda: told == ["second"])
    aside.begin(gate.wait, lambda: told.append("third"))
    aside.forget()
    gate.set()
    aside.begin(lambda: None, lambda: told.append("fourth"))
    qtbot.waitUntil(lambda: told == ["second", "fourth"])


def test_work_that_fails_ends_too(qtbot, aside, capsys):
    told = []
    aside.begin(lambda: 1 / 0, lambda: told.append("end"))
    qtbot.waitUntil(lambda: told == ["end"])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_document_with_a_long_table_opens_once_that_is_read_and_the_window_answers_meanwhile(
    qtbot, window, document, tmp_path, monkeypatch
):
    rows = np.random.default_rng(0).normal(size=(4000, 3))
    lines = [",".join(f"{number:.6f}" for number in row) for row in rows]
    (tmp_path / "long.csv").write_text("a,b,y\n" + "\n".join(lines))
    document.data = {"train": {"name": "file", "path": "long.csv", "task": "regression"}}
    document.save(tmp_path / "with table.json")
    readers = set()
    from engine.datasets import files

    read = files._read
    monkeypatch.setattr(files, "_read", lambda *given: (readers.add(threading.current_thread()), read(*given))[1])
    assert window.files.open_path(tmp_path / "with table.json")
    assert not window.has_document
    assert "“long.csv” is being read" in window.notice.text
    qtbot.waitUntil(lambda: window.has_document)
    assert window.editor.document.load_data()[0].inputs.shape == (4000, 2)
    with qtbot.waitSignal(window.runner.snapshot_ready):
        window.runner.step("node")
    window.editor.set_data({"train": {**document.data["train"], "test_fraction": 0.1}})
    window.editor.check_now()
    assert threading.main_thread() not in readers
