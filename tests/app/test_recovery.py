"""What a crash leaves behind is offered and brought back with its history."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from app.recovery import Keeper
from app.run_keeper import edits_before
from engine.document import Document
from engine.weights_file import read_weights


@pytest.fixture
def crashed(opened, tmp_path):
    """The folder of journals as a killed process leaves it: a copy made in the middle of the work."""
    opened.editor.set_title("hidden", "first layer")
    opened.editor.move(["hidden"], 40, 0)
    journal = opened.keeper.journal.path
    folder = tmp_path / "left"
    folder.mkdir()
    (folder / journal.name).write_bytes(journal.read_bytes())
    return folder


def start_again(window, folder):
    """The same window as after a new start: another folder of journals."""
    window.files.ask_unsaved = lambda: "discard"
    window.keeper._folder = folder
    window.show_gallery()


def button(window, text):
    found = window.gallery.recovery.findChildren(QPushButton)
    return next(each for each in found if each.text() == text and each.isVisible())


def test_work_is_offered_and_comes_back_with_its_history(qtbot, opened, crashed):
    start_again(opened, crashed)
    assert opened.gallery.recovery.isVisible()
    qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    graph = opened.editor.document.graph
    assert (graph.nodes["hidden"].title, graph.nodes["hidden"].position[0]) == ("first layer", 280)
    assert opened.files.is_modified
    opened.editor.stack.undo()
    assert opened.editor.document.graph.nodes["hidden"].position[0] == 240
    opened.editor.stack.undo()
    assert opened.editor.document.graph.nodes["hidden"].title == "hidden"


def test_work_that_came_back_is_kept_on(qtbot, opened, crashed):
    start_again(opened, crashed)
    qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    opened.editor.set_title("output", "last layer")
    (journal,) = crashed.iterdir()
    assert "last layer" in journal.read_text()


def test_work_that_is_not_wanted_goes(qtbot, opened, crashed):
    start_again(opened, crashed)
    qtbot.mouseClick(button(opened, "Discard"), Qt.MouseButton.LeftButton)
    assert not opened.gallery.recovery.isVisible()
    assert list(crashed.iterdir()) == []


def test_nothing_is_offered_after_a_proper_end(qtbot, opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    opened.files.ask_unsaved = lambda: "discard"
    opened.close()
    assert Keeper(tmp_path / "journals").lost() == []


def test_the_document_in_hand_is_not_offered_to_a_second_window(opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    assert Keeper(tmp_path / "journals").lost() == []


def test_saving_starts_the_journal_anew(opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    opened.files.save_to(tmp_path / "mine.json")
    lines = opened.keeper.journal.path.read_text().splitlines()
    assert len(lines) == 1
    opened.editor.stack.undo()
    assert len(opened.keeper.journal.path.read_text().splitlines()) == 2


def test_a_keeper_for_pictures_writes_nothing(tmp_path):
    keeper = Keeper(tmp_path / "none", keeps=False)
    assert keeper.begin(Document(), None) is None
    assert keeper.lost() == []
    assert not (tmp_path / "none").exists()


def test_a_journal_that_cannot_be_read_is_told(qtbot, opened, crashed):
    start_again(opened, crashed)
    (journal,) = crashed.iterdir()
    journal.write_text("nonsense\n")
    qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    assert opened.notice.isVisible()
    assert opened.editor.document.id == "xor"


def test_a_run_that_crashed_goes_on_where_it_stood_with_what_the_hand_had_set(qtbot, opened, tmp_path):
    runner, keeper = opened.runner, opened.keeper
    opened.editor.set_title("hidden", "first layer")
    runner.run(50)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 50) as caught:
        pass
    trained = {key: reading.array for key, reading in caught.args[0].parameters.items()}
    weight = trained["output.weight"] + 1.0
    opened.editor.set_values({"output.weight": weight}, {"output.weight": trained["output.weight"]})
    settled(qtbot, runner)
    qtbot.waitUntil(lambda: np.allclose(kept(keeper.run).get("output.weight", 0.0), weight))
    folder = tmp_path / "left"
    folder.mkdir()
    for path in (keeper.journal.path, keeper.run):
        (folder / path.name).write_bytes(path.read_bytes())
    start_again(opened, folder)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.iteration == 50) as caught:
        qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
    found = caught.args[0].parameters
    np.testing.assert_allclose(found["output.weight"].array, weight, rtol=1e-6)
    np.testing.assert_allclose(found["hidden.weight"].array, trained["hidden.weight"], rtol=1e-6)
    assert opened.editor.document.graph.nodes["hidden"].title == "first layer"


@pytest.fixture
def halfway(qtbot, opened, tmp_path):
    """A function that takes what a crash would leave: the run as it was first kept, the journal as it is by then."""
    opened.editor.set_title("hidden", "first layer")
    opened.runner.run(50)
    qtbot.waitUntil(opened.keeper.run.exists)
    folder = tmp_path / "left"
    folder.mkdir()
    (folder / opened.keeper.run.name).write_bytes(opened.keeper.run.read_bytes())

    def crash():
        (folder / opened.keeper.journal.path.name).write_bytes(opened.keeper.journal.path.read_bytes())
        start_again(opened, folder)
        with qtbot.waitSignal(opened.runner.snapshot_ready, check_params_cb=lambda each: each.iteration == 50):
            qtbot.mouseClick(button(opened, "Bring back"), Qt.MouseButton.LeftButton)
        settled(qtbot, opened.runner)

    return crash


def test_a_number_set_after_the_run_was_last_kept_comes_back(qtbot, opened, halfway):
    """Before, the older run was laid over it, and it was lost."""
    before = opened.runner._worker.session.parameters["output.weight"]
    opened.editor.set_values({"output.weight": before + 1.0}, {"output.weight": before})
    halfway()
    np.testing.assert_allclose(opened.runner._worker.session.parameters["output.weight"], before + 1.0, rtol=1e-6)


def test_a_layer_added_after_the_run_was_last_kept_comes_back_without_a_warning(qtbot, opened, halfway):
    """Before, its weights were said to start anew, though they came back as they were."""
    before = dict(opened.runner._worker.session.parameters)
    opened.editor.add_node("dense", (300, 300), wire_from="hidden.h")
    opened.editor.remove(["output"])
    opened.editor.stack.undo()
    settled(qtbot, opened.runner)
    drawn = dict(opened.runner._worker.session.parameters)
    assert set(drawn) > set(before)
    halfway()
    assert opened.notice.isHidden()
    found = opened.runner._worker.session.parameters
    assert {key: array.tolist() for key, array in found.items()} == {
        key: array.tolist() for key, array in drawn.items()
    }


def test_after_saving_the_kept_run_counts_edits_from_the_saved_document(qtbot, opened, tmp_path):
    opened.editor.set_title("hidden", "first layer")
    opened.runner.run(5)
    qtbot.waitUntil(opened.keeper.run.exists)
    qtbot.waitUntil(lambda: edits_before(opened.keeper.run) == 1)
    opened.files.save_to(tmp_path / "mine.json")
    qtbot.waitUntil(lambda: edits_before(opened.keeper.run) == 0)
    opened.editor.set_title("hidden", "other layer")
    opened.runner.run(5)
    qtbot.waitUntil(lambda: edits_before(opened.keeper.run) == 1)


def kept(path):
    """The numbers of the run in a file, none while there is no such file."""
    return read_weights(path)[0].arrays if path.exists() else {}


def settled(qtbot, runner):
    with qtbot.waitSignal(runner.answered, check_params_cb=lambda name, _: name == "settled"):
        runner.ask("settled", lambda session: None)


def test_a_proper_end_leaves_no_run_behind_and_a_run_without_its_journal_goes(qtbot, opened, tmp_path):
    opened.runner.run(3)
    qtbot.waitUntil(opened.keeper.run.exists)
    folder = opened.keeper.journal.path.parent
    orphan = folder / "20260101-000000-0.journal.safetensors"
    orphan.write_bytes(b"")
    opened.show_gallery()
    assert not orphan.exists()
    opened.files.ask_unsaved = lambda: "discard"
    opened.close()
    assert list(folder.iterdir()) == []


def test_a_run_that_was_paused_is_kept_at_once(qtbot, opened):
    """Two seconds later a hand may have set a number of it, which belongs to the others as they were then."""
    opened.runner.play()
    qtbot.waitUntil(opened.keeper.run.exists)
    qtbot.waitUntil(lambda: opened.runner.playing)
    opened.runner.pause()
    settled(qtbot, opened.runner)
    settled(qtbot, opened.runner)  # a file is written between two messages
    trained = opened.runner._worker.session.parameters["hidden.weight"]
    np.testing.assert_array_equal(kept(opened.keeper.run)["hidden.weight"], trained)
