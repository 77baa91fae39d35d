"""The command line: what it prints, what it writes, how it exits."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtGui import QImage

from app import __version__
from app.capture.command import plan_of
from app.cli import main, told
from app.display import has_display
from engine.problems import Problem
from engine.session import Session
from engine.weights_file import write_weights

ROOT = Path(__file__).resolve().parents[2]


def chainrule(*arguments, **environment):
    """Run the program as a person would, without a screen."""
    variables = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    variables |= {"PYTHONPATH": str(ROOT)} | environment
    variables.pop("QT_QPA_PLATFORM", None)
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def sound(tmp_path, document):
    path = tmp_path / "sound.json"
    document.save(path)
    return path


@pytest.fixture
def damaged(tmp_path, sound):
    path = tmp_path / "damaged.json"
    path.write_text(sound.read_text().replace('"tanh"', '"tahn"'))
    return path


# check ---------------------------------------------------------------------------------------------------------------


def test_check_of_a_sound_file_exits_with_0(capsys, sound):
    assert main(["check", str(sound)]) == 0
    assert capsys.readouterr().out == f"{sound}: no problems\n"


def test_check_names_every_problem_of_every_file(capsys, sound, damaged):
    assert main(["check", str(damaged), str(sound)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{damaged}: error: graph.nodes[1].properties.activation: ")
    assert "Did you mean “tanh”?" in lines[0]
    assert lines[-1] == f"{sound}: no problems"


def test_check_of_a_file_that_is_not_there_says_so(capsys, tmp_path):
    assert main(["check", str(tmp_path / "nowhere.json")]) == 1
    assert "there is no file and no preset" in capsys.readouterr().out


def test_a_preset_can_be_named_by_its_id(capsys, shelf):
    assert main(["check", "moons"]) == 0
    assert main(["check", "mons"]) == 1
    assert "Did you mean “moons”?" in capsys.readouterr().out


def test_a_problem_is_told_with_its_path_once():
    problem = Problem("a value is missing", "Write one.", path="graph.nodes[3]")
    assert told(problem) == "graph.nodes[3]: a value is missing. Write one."
    assert told(problem.at(node="hidden")) == "graph.nodes[3]: hidden: a value is missing. Write one."


# profile -------------------------------------------------------------------------------------------------------------


def test_profile_prints_a_line_for_every_instruction_and_sums(capsys, sound):
    assert main(["profile", str(sound)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("kernel")
    assert "ns as an iteration" in printed
    assert "by node: " in printed


def test_profile_of_a_file_with_errors_tells_them(capsys, damaged):
    assert main(["profile", str(damaged)]) == 1
    assert "Did you mean “tanh”?" in capsys.readouterr().out


# run -----------------------------------------------------------------------------------------------------------------


def test_run_trains_and_prints_what_came_of_it(capsys, sound):
    assert main(["run", str(sound), "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "iterations: 3\n" in out
    assert "epochs: 3\n" in out
    assert "loss (training): 0." in out


def test_the_seed_changes_the_result_and_the_same_seed_repeats_it(capsys, sound):
    results = []
    for seed in ("1", "1", "2"):
        main(["run", str(sound), "--epochs", "3", "--seed", seed])
        results.append(capsys.readouterr().out)
    assert results[0] == results[1] != results[2]


@pytest.fixture
def trained(tmp_path, document):
    """A document with the weights of 50 iterations beside it."""
    session = Session(document)
    session.run(50)
    write_weights(tmp_path / "trained.safetensors", session.weights)
    document.weights = "trained.safetensors"
    document.save(tmp_path / "trained.json")
    return tmp_path / "trained.json"


def test_run_goes_on_from_the_weights_saved_beside_the_file(capsys, trained, document):
    assert main(["run", str(trained), "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "goes on from trained.safetensors at iteration 50" in out
    session = Session(document)
    session.run(53)
    assert f"loss (training): {session.evaluate('train')['loss']:.6g}\n" in out
    assert "iterations: 53\n" in out


@pytest.mark.parametrize("option", [["--fresh"], ["--seed", "0"]])
def test_run_begins_anew_when_asked_to(capsys, trained, option):
    assert main(["run", str(trained), "--epochs", "3", *option]) == 0
    assert "iterations: 3\n" in capsys.readouterr().out


def test_weights_that_are_gone_are_told_and_the_run_begins_at_the_start(capsys, trained):
    trained.with_suffix(".safetensors").unlink()
    assert main(["run", str(trained), "--epochs", "3"]) == 0
    out = capsys.readouterr().out
    assert "trained.safetensors" in out
    assert "iterations: 3\n" in out


def test_run_exits_with_1_when_the_document_expects_otherwise(capsys, tmp_path, document):
    document.expects = [{"what": "loss", "after": 5, "below": 1e-9}]
    document.save(tmp_path / "hopeful.json")
    assert main(["run", str(tmp_path / "hopeful.json"), "--epochs", "5"]) == 1
    assert "expected below 1e-09" in capsys.readouterr().out


def test_run_exits_with_0_when_the_document_keeps_its_word(tmp_path, document):
    document.expects = [{"what": "loss", "after": 5, "below": 10}]
    document.save(tmp_path / "modest.json")
    assert main(["run", str(tmp_path / "modest.json"), "--epochs", "5"]) == 0


def test_run_of_a_file_with_errors_tells_them(capsys, damaged):
    assert main(["run", str(damaged), "--epochs", "3"]) == 1
    assert "tahn" in capsys.readouterr().out


def test_progress_is_drawn_on_a_terminal(capsys, monkeypatch, sound):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["run", str(sound), "--epochs", "4"]) == 0
    assert "█" in capsys.readouterr().err


# windows -------------------------------------------------------------------------------------------------------------


def test_render_draws_the_window_in_the_size_and_theme_asked_for(tmp_path, sound):
    for theme, is_dark in (("dark", True), ("light", False)):
        out = tmp_path / "pictures" / f"{theme}.png"
        options = ["--out", out, "--size", "1100x700", "--theme", theme, "--iterations", "20", "--step", "3"]
        done = chainrule("render", sound, *options)
        assert done.returncode == 0, done.stderr
        picture = QImage(str(out))
        assert (picture.width(), picture.height()) == (1100, 700)
        assert (picture.pixelColor(1090, 690).lightness() < 128) == is_dark
        assert "Traceback" not in done.stderr


def test_render_draws_the_gallery_too(tmp_path):
    done = chainrule("render", "gallery", "--out", tmp_path / "gallery.png")
    assert done.returncode == 0, done.stderr
    assert QImage(str(tmp_path / "gallery.png")).width() == 1280


@pytest.mark.parametrize("part", [["--canvas"], ["--view", "boundary"]])
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_render_draws_the_canvas_or_a_view_alone_in_any_size(capsys, tmp_path, sound, part, suffix):
    out = tmp_path / f"part.{suffix}"
    options = [
        "--out",
        str(out),
        "--size",
        "333x222",
        "--scale",
        "2",
        "--epochs",
        "2",
        "--iterations",
        "3",
        "--steps",
        "1",
    ]
    assert main(["render", str(sound), *part, *options]) == 0
    assert capsys.readouterr().out == f"{out}: 666×444\n"
    picture = QImage(str(out))
    assert (picture.width(), picture.height()) == (666, 444)
    assert len({picture.pixel(x, 200) for x in range(666)}) > 5


@pytest.mark.parametrize(
    ("options", "frames", "words"),
    [
        (["--canvas", "--steps", "6"], 7, "7 frames, 0.6 s"),
        (["--canvas", "--iterations", "50", "--frames", "5", "--fps", "25"], 5, "5 frames, 0.2 s"),
        (["--view", "loss", "--epochs", "9", "--frames", "4"], 4, "4 frames, 0.3 s"),
    ],
)
def test_render_records_a_film(capsys, tmp_path, sound, options, frames, words):
    out = tmp_path / "film.gif"
    assert main(["render", str(sound), "--out", str(out), "--size", "320x240", *options]) == 0
    assert words in capsys.readouterr().out
    with Image.open(out) as film:
        assert (film.size, getattr(film, "n_frames", 1)) == ((320, 240), frames)


def test_a_film_of_the_whole_window_shows_its_views_in_step(tmp_path, sound):
    out = tmp_path / "film.gif"
    done = chainrule("render", sound, "--out", out, "--size", "1000x640", "--iterations", "40", "--frames", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(out) as film:
        assert (film.size, getattr(film, "n_frames", 1)) == ((1000, 640), 3)


def test_the_finest_unit_that_is_named_is_the_one_a_film_shows():
    given = {"frames": None, "fps": 10.0, "epochs": 2, "iterations": 3, "steps": 0}
    plan = plan_of(argparse.Namespace(**given))
    assert (plan.unit, plan.span, plan.epochs, plan.iterations) == ("iteration", 3, 2, 0)
    plan = plan_of(argparse.Namespace(**given | {"steps": 7}))
    assert (plan.unit, plan.span, plan.epochs, plan.iterations) == ("node", 7, 2, 3)
    plan = plan_of(argparse.Namespace(**given | {"iterations": 0}))
    assert (plan.unit, plan.span, plan.epochs, plan.iterations) == ("epoch", 2, 0, 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "5x5"], "5 × 5 pixels is no size for a picture"),
        (["--size", "800x500"], "the window cannot be drawn 800 × 500"),
        (["--size", "0x0", "--canvas"], "0 × 0 pixels is no size"),
        (["--size", "1000000x10", "--canvas"], "1000000 × 10 pixels is no size"),
        (["--scale", "99", "--canvas"], "a scale of 99 cannot be drawn"),
        (["--view", "boundry"], "Did you mean “boundary”?"),
        (["--out", "x.mp4"], "nothing can be drawn as “.mp4”"),
        (["--out", "x.gif", "--canvas", "--frames", "1"], "a film of 1 frames cannot be made"),
        (["--out", "x.gif", "--canvas", "--fps", "400"], "a GIF cannot show 400 frames a second"),
    ],
)
def test_what_cannot_be_drawn_is_told_as_a_sentence_and_nothing_is_written(
    capsys, monkeypatch, tmp_path, sound, options, words
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["render", str(sound), "--out", "x.png", *options]) == 1
    assert words in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == before


def test_a_picture_of_what_is_sound_says_what_is_missing_in_it(capsys, tmp_path, sound):
    """Before, it said nothing, and of a broken file only that its canvas was empty."""
    value = json.loads(sound.read_text(encoding="utf-8"))
    value["graph"]["nodes"][-1]["type"] = "densse"
    partly, broken = tmp_path / "partly.json", tmp_path / "broken.json"
    partly.write_text(json.dumps(value), encoding="utf-8")
    broken.write_text("hello\nworld", encoding="utf-8")
    assert main(["render", str(partly), "--canvas", "--out", str(tmp_path / "x.png")]) == 0
    assert "no node type is called “densse”" in capsys.readouterr().err
    assert main(["render", str(broken), "--canvas", "--out", str(tmp_path / "y.png")]) == 1
    assert "this is no JSON (found “hello”). Correct that place in a text editor.\n" in capsys.readouterr().err


def test_a_folder_is_told_as_one(capsys, tmp_path):
    assert main(["check", str(tmp_path)]) == 1
    assert f"“{tmp_path}” is a folder" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--out", "x.gif"], ["--out", "x.png", "--canvas"]])
def test_the_gallery_neither_plays_nor_has_a_canvas(capsys, monkeypatch, tmp_path, options):
    monkeypatch.chdir(tmp_path)
    assert main(["render", "gallery", *options]) == 1
    assert "the gallery" in capsys.readouterr().out


def test_render_into_a_place_that_cannot_be_written_says_so(tmp_path, sound):
    (tmp_path / "file").write_text("")
    done = chainrule("render", sound, "--out", tmp_path / "file" / "x.png")
    assert done.returncode == 1
    assert "cannot be written" in done.stdout
    done = chainrule("render", sound, "--out", tmp_path / "x.docx")
    assert done.returncode == 1
    assert ".png" in done.stdout


def test_first_light_plays_the_default_preset_and_prints_the_loss(tmp_path):
    done = chainrule("first-light", "--out", tmp_path / "first.png")
    assert done.returncode == 0, done.stderr
    assert "loss 0.0" in done.stdout
    assert QImage(str(tmp_path / "first.png")).width() == 1280


def test_without_a_display_the_window_says_what_to_do(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    if not has_display():  # Windows and macOS always have one
        done = chainrule()
        assert done.returncode == 1
        assert "first-light" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "xor"],
        ["render", "xor", "--out", "x.png", "--size", "big"],
        ["render", "xor", "--out", "x.png", "--canvas", "--view", "loss"],
        ["render", "xor", "--out", "x.gif", "--frames", "no"],
        ["run", "xor", "--epochs", "0"],
        ["run", "xor", "--epochs", "many"],
        ["check"],
    ],
)
def test_arguments_that_make_no_sense_are_told_and_nothing_happens(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: chainrule" in capsys.readouterr().err


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"Chainrule {__version__}\n"
