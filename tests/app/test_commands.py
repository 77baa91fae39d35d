"""Commands: one table for menus, tooltips, search and the sheet of keys."""

import pytest

from app.commands import Command, Commands, key_text, tooltip


@pytest.fixture
def commands(qapp):
    return Commands()


def test_a_command_runs_tells_its_key_and_says_that_it_ran(qtbot, commands):
    done = []
    action = commands.add(Command("file.save", "Save", lambda: done.append(1), "File", ("Ctrl+S",)))
    assert action.toolTip() == "Save  (Ctrl+S)"
    with qtbot.waitSignal(commands.performed) as caught:
        commands.run("file.save")
    assert (done, caught.args) == ([1], ["file.save"])


def test_a_command_that_cannot_be_done_now_does_nothing(commands):
    done = []
    commands.add(Command("x", "X", lambda: done.append(1), enabled=lambda: False))
    commands.run("x")
    assert done == []


def test_two_commands_of_one_id_or_one_key_are_refused(commands):
    commands.add(Command("a", "A", print, shortcuts=("F",)))
    with pytest.raises(ValueError, match="taken"):
        commands.add(Command("a", "Another", print))
    with pytest.raises(ValueError, match="taken"):
        commands.add(Command("b", "B", print, shortcuts=("F",)))


def test_a_key_that_is_read_elsewhere_is_shown_and_not_bound(commands):
    action = commands.add(Command("run.play", "Play or pause", print, "Run", ("Space",), handled=True))
    assert action.shortcuts() == []
    assert action.text() == "Play or pause\tSpace"
    assert commands.title("run.play") == "Play or pause"


def test_search_finds_every_word_and_puts_beginnings_first(commands):
    for number, title in enumerate(["Paste", "Step back", "Step", "Start the tour"]):
        commands.add(Command(str(number), title, print))
    assert [command.title for command in commands.search("st")] == ["Step back", "Step", "Start the tour", "Paste"]
    assert [command.title for command in commands.search("back step")] == ["Step back"]


def test_a_checkable_command_shows_its_state(commands):
    state = [True]
    action = commands.add(Command("dark", "Dark", print, checked=lambda: state[0]))
    commands.refresh()
    assert action.isChecked()
    state[0] = False
    commands.refresh()
    assert not action.isChecked()


def test_keys_are_written_as_people_read_them():
    assert key_text("Ctrl+Shift+Right") == "Ctrl+Shift+→"
    assert key_text("Left") == "←"
    assert tooltip("Open…", "Ctrl+O") == "Open  (Ctrl+O)"
