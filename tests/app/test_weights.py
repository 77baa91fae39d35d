"""“Save with weights”: the file opened again goes on where the run stood."""

import numpy as np
import pytest

from engine.document import Document
from engine.weights_file import read_weights


@pytest.fixture
def saved(qtbot, opened, tmp_path):
    """XOR after 100 iterations, saved with its weights; the path."""
    path = tmp_path / "mine.json"
    opened.files.ask_save = lambda suggestion: path
    opened.runner.run(100)
    qtbot.waitUntil(lambda: snapshot(opened) is not None and snapshot(opened).iteration == 100)
    opened.commands.run("file.save_weights")
    settle(qtbot, opened)
    return path


def snapshot(window):
    return window.workspace._snapshot


def settle(qtbot, window):
    """Wait until the worker has dealt with everything sent to it."""
    with qtbot.waitSignal(window.runner.answered):
        window.runner.ask("settled", lambda session: None)


def played_on(qtbot, window):
    window.runner.run(100)
    qtbot.waitUntil(lambda: snapshot(window) is not None and snapshot(window).iteration == 200)
    return {key: reading.array.tobytes() for key, reading in snapshot(window).parameters.items()}


def test_a_file_opened_again_goes_on_as_if_it_had_never_been_closed(qtbot, opened, saved):
    assert Document.load(saved).weights == "mine.safetensors" and not opened.files.is_modified
    straight = played_on(qtbot, opened)
    opened.files.open_path(saved)
    qtbot.waitUntil(lambda: snapshot(opened) is not None and snapshot(opened).iteration == 100)
    assert played_on(qtbot, opened) == straight


def test_saving_again_keeps_the_weights_up_to_date_and_save_as_leaves_them_out(qtbot, opened, saved, tmp_path):
    played_on(qtbot, opened)
    opened.files.save()
    settle(qtbot, opened)
    assert read_weights(saved.with_suffix(".safetensors"))[0].clock["iteration"] == 200
    other = tmp_path / "other.json"
    opened.files.ask_save = lambda suggestion: other
    opened.files.save_as()
    assert Document.load(other).weights == "" and not other.with_suffix(".safetensors").exists()


def test_weights_come_back_after_a_crash_and_later_numbers_set_by_hand_count(qtbot, opened, saved):
    before = snapshot(opened).parameters["hidden.bias"].array
    opened.editor.set_values({"hidden.bias": np.full(4, 0.25)}, {"hidden.bias": before})
    journal, left = opened.keeper.journal.path, saved.parent / "left"
    left.mkdir()
    (left / journal.name).write_bytes(journal.read_bytes())
    opened.files.ask_unsaved = lambda: "discard"
    opened.keeper._folder = left
    opened.show_gallery()
    (lost,) = opened.keeper.lost()
    opened.files.bring_back(lost)
    qtbot.waitUntil(lambda: snapshot(opened) is not None and snapshot(opened).iteration == 100)
    qtbot.waitUntil(lambda: snapshot(opened).parameters["hidden.bias"].array.tolist() == [0.25] * 4)


def test_a_file_without_its_weights_opens_and_says_so(qtbot, opened, saved):
    saved.with_suffix(".safetensors").unlink()
    with qtbot.waitSignal(opened.runner.weights_told):
        opened.files.open_path(saved)
    assert "weights in “mine.safetensors” cannot be read" in opened.notice.text
    qtbot.waitUntil(lambda: snapshot(opened) is not None and snapshot(opened).iteration == 0)


def test_weights_elsewhere_than_beside_the_document_are_not_read(qtbot, opened, saved):
    saved.write_text(saved.read_text().replace('"mine.safetensors"', '"../mine.safetensors"'))
    opened.files.open_path(saved)
    assert "names no file of weights beside the document" in opened.notice.text


def test_weights_that_cannot_be_written_are_told(qtbot, opened, saved):
    saved.with_suffix(".safetensors").unlink()
    saved.with_suffix(".safetensors").mkdir()
    with qtbot.waitSignal(opened.runner.weights_told):
        opened.files.save()
    assert "“mine.safetensors” cannot be written" in opened.notice.text


def test_a_number_that_a_hand_has_set_is_saved_without_being_asked_for(qtbot, opened, tmp_path):
    before = opened.runner._worker.session.parameters["output.weight"]
    opened.editor.set_values({"output.weight": before + 1.5}, {"output.weight": before})
    opened.files.ask_save = lambda suggestion: tmp_path / "mine.json"
    assert opened.files.save()
    qtbot.waitUntil((tmp_path / "mine.safetensors").exists)
    opened.files.open_path(tmp_path / "mine.json")
    qtbot.waitUntil(lambda: held(opened) is not None and np.allclose(held(opened), before + 1.5))


def held(window):
    session = window.runner._worker.session
    return None if session is None else session.parameters.get("output.weight")
