"""What is remembered between two starts, and what happens when it cannot be."""

import json

import pytest

from app.settings import RECENT_FILES, Settings


def test_a_setting_is_there_again_at_the_next_start(tmp_path):
    Settings(tmp_path / "s.json")["theme"] = "light"
    assert Settings(tmp_path / "s.json")["theme"] == "light"


def test_recent_files_are_few_without_doubles_and_the_last_comes_first(tmp_path):
    settings = Settings(tmp_path / "s.json")
    paths = [tmp_path / f"{number}.json" for number in range(RECENT_FILES + 3)]
    for path in paths:
        path.write_text("{}")
        settings.remember(path)
    settings.remember(paths[-2])
    assert len(settings.recent) == RECENT_FILES
    assert settings.recent[:2] == [paths[-2].resolve(), paths[-1].resolve()]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"theme": 3, "recent": "x"}', "\x00"])
def test_a_damaged_file_gives_the_defaults(tmp_path, content):
    (tmp_path / "s.json").write_text(content)
    settings = Settings(tmp_path / "s.json")
    assert (settings["theme"], settings.recent) == ("system", [])


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings(tmp_path / "file" / "s.json")
    settings["theme"] = "dark"
    assert settings["theme"] == "dark"


def test_without_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Settings(None)["theme"] = "dark"
    assert list(tmp_path.iterdir()) == []


def test_only_known_settings_are_kept(tmp_path):
    settings = Settings(tmp_path / "s.json")
    with pytest.raises(KeyError):
        settings["colour"] = "red"
    settings["theme"] = "dark"
    assert "colour" not in json.loads((tmp_path / "s.json").read_text())
