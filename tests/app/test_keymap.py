"""Every key can be another one: chosen in a list, as other editors have them, remembered, and never bound twice."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.keymap import PRESETS, bound, sound, with_key

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
DEFAULTS = {"one": ("A",), "two": ("B", "Ctrl+B"), "three": ()}


def test_a_chosen_key_is_taken_from_whoever_came_with_it():
    assert bound(DEFAULTS, {"three": ("B",)}) == {"one": ("A",), "two": ("Ctrl+B",), "three": ("B",)}
    chosen, owner = with_key(DEFAULTS, {}, "three", "B")
    assert owner == "two" and bound(DEFAULTS, chosen) == {"one": ("A",), "two": ("Ctrl+B",), "three": ("B",)}
    back, owner = with_key(DEFAULTS, chosen, "two", "B")
    assert owner == "three" and bound(DEFAULTS, back)["two"] == ("B",) and bound(DEFAULTS, back)["three"] == ()


@pytest.mark.parametrize("entry", [None, [], {"one": "A"}, {"one": [3]}, {1: ["A"]}])
def test_a_damaged_choice_is_none(entry):
    assert sound(entry) == {}


@pytest.mark.parametrize("name", PRESETS)
def test_no_set_of_keys_binds_one_twice_or_names_what_is_not_there(opened, name):
    commands = opened.commands
    assert PRESETS[name].keys() <= commands.defaults.keys()
    opened.key_editor.open()
    opened.key_editor.preset.setCurrentText(name)
    opened.key_editor.preset.activated.emit(opened.key_editor.preset.currentIndex())
    keys = [key for command in commands for key in command.shortcuts]
    assert sorted(keys) == sorted(set(keys))
    for command, wanted in PRESETS[name].items():
        assert commands[command].shortcuts == wanted
    assert opened.key_editor.preset.currentText() == name


def test_a_key_is_changed_by_hand_works_on_the_canvas_and_is_remembered(opened, settings):
    canvas, editor = opened.workspace.canvas, opened.key_editor
    opened.commands.run("help.remap")
    QTest.keyClicks(editor.words, "freeze")
    assert editor.marked == "canvas.freeze"
    QTest.keyClick(editor.keys, Qt.Key.Key_G, CONTROL)
    QTest.mouseClick(editor.take, Qt.MouseButton.LeftButton)
    assert editor.told.text() == "Ctrl+G is “Freeze parameters” now. “Group into a composite” has it no more."
    assert settings["keys"] == {"canvas.freeze": ["Ctrl+G"], "canvas.group": []}
    QTest.keyClick(editor.words, Qt.Key.Key_Escape)
    canvas.setFocus()
    opened.editor.select(["hidden"])
    QTest.keyClick(canvas, Qt.Key.Key_G, CONTROL)
    assert "frozen" in opened.editor.document.graph.nodes["hidden"].flags
    assert opened.commands["canvas.freeze"].key == "Ctrl+G" and opened.commands["canvas.group"].key == ""
    editor.open()
    QTest.keyClicks(editor.words, "freeze")
    QTest.mouseClick(editor.back, Qt.MouseButton.LeftButton)
    assert opened.commands["canvas.freeze"].shortcuts == ("K",)


def test_the_key_of_the_player_stays_and_nothing_pressed_is_said(opened):
    editor = opened.key_editor
    editor.open()
    assert all(
        editor.list.topLevelItem(row).data(0, 256) != "run.play" for row in range(editor.list.topLevelItemCount())
    )
    QTest.mouseClick(editor.take, Qt.MouseButton.LeftButton)
    assert "first" in editor.told.text()
    QTest.keyClick(editor.keys, Qt.Key.Key_Space)
    QTest.mouseClick(editor.take, Qt.MouseButton.LeftButton)
    assert "stays so" in editor.told.text()
