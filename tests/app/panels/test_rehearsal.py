"""Cards that play while they are looked at: by pointer and keyboard, on a real session."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSizeF, Qt
from PySide6.QtTest import QTest

from app import library
from app.panels.gallery import Gallery
from app.panels.rehearsal import CYCLES, PLANE, Rehearsal, sampled, stepped, trained
from app.panels.thumbnails import thumbnail
from engine.problems import ProblemError
from engine.session import Session

SIZE = QSizeF(260, 110)


@pytest.fixture
def gallery(qtbot, shelf, settings):
    made = Gallery(settings)
    qtbot.addWidget(made)
    made.resize(1280, 760)
    made.show()
    qtbot.waitExposed(made)
    made.refresh()
    hover(made.search)
    made._rest()  # Qt may believe the pointer to be where the last test left it
    yield made
    made.rehearsal.wait()


@pytest.fixture
def rehearsal(qapp):
    made = Rehearsal()
    yield made
    made.wait()


def pixels(picture):
    image = picture.toImage()
    return np.array(image.constBits()).reshape(image.height(), -1)[:, : 4 * image.width()].copy()


def hover(widget):
    QTest.mouseMove(widget.window(), widget.mapTo(widget.window(), QPoint(30, 30)))


def card(gallery, preset_id):
    return next(each for each in gallery.cards if each.preset.id == preset_id)


# looking -------------------------------------------------------------------------------------------------------------


def test_a_card_plays_under_the_pointer_and_rests_when_it_leaves(qtbot, gallery):
    moons, xor = card(gallery, "moons"), card(gallery, "xor")
    at_rest = pixels(xor.grab())
    hover(xor)
    qtbot.waitUntil(lambda: xor.scene is not None and xor.scene.iteration > 3)
    assert (pixels(xor.grab()) != at_rest).any()
    assert moons.scene is None
    hover(gallery.search)
    assert xor.scene is None and not gallery.rehearsal.is_on


def test_only_the_card_that_is_looked_at_plays(qtbot, gallery):
    moons, xor = card(gallery, "moons"), card(gallery, "xor")
    hover(xor)
    qtbot.waitUntil(lambda: xor.scene is not None)
    hover(moons)
    qtbot.waitUntil(lambda: moons.scene is not None)
    assert xor.scene is None


def test_a_card_plays_when_the_keyboard_comes_to_it_but_not_by_itself(qtbot, gallery):
    assert gallery.cards[0].hasFocus() and not gallery.rehearsal.is_on
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: gallery.cards[1].scene is not None)
    qtbot.keyClick(gallery.cards[1], Qt.Key.Key_Left)
    assert gallery.cards[1].scene is None


def test_with_reduced_motion_nothing_moves(qtbot, gallery, settings):
    settings["reduce_motion"] = True
    hover(card(gallery, "xor"))
    assert not gallery.rehearsal.is_on
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Right)
    assert not gallery.rehearsal.is_on


def test_a_pointer_that_passes_by_stirs_nothing(gallery):
    for each in gallery.cards:
        hover(each)
    hover(gallery.search)
    assert not gallery.rehearsal.is_on
    assert gallery.rehearsal._thread is None


def test_nothing_plays_behind_an_open_document(qtbot, window):
    each = window.gallery.cards[-1]
    hover(each)
    qtbot.waitUntil(lambda: each.scene is not None)
    with qtbot.waitSignal(window.runner.snapshot_ready):
        qtbot.mouseClick(each, Qt.MouseButton.LeftButton)
    assert not window.gallery.rehearsal.is_on and each.scene is None
    window.gallery.rehearsal.wait()


def test_a_preset_that_cannot_run_leaves_its_card_as_it_is(qtbot, shelf, rehearsal):
    broken = library.Preset("broken", "basics", lambda: {"graph": {"nodes": [{"id": "a", "type": "dense"}]}})
    shown = []
    rehearsal.shown.connect(shown.append)
    rehearsal.start(broken)
    qtbot.waitUntil(lambda: rehearsal._thread is not None)
    rehearsal._thread.join()
    assert shown == []


def test_the_thread_ends_with_the_picture_in_hand(qtbot, shelf, rehearsal):
    with qtbot.waitSignal(rehearsal.shown):
        rehearsal.start(library.find_preset("xor"))
    thread = rehearsal._thread
    rehearsal.stop()
    thread.join()
    assert not thread.is_alive()


# what is shown -------------------------------------------------------------------------------------------------------


def test_a_training_goes_the_further_the_longer_it_lasts(shelf, monkeypatch):
    monkeypatch.setattr("app.panels.rehearsal.SLICE_S", 60.0)  # however busy the machine is
    preset = library.find_preset("xor")
    scenes = list(trained(Session(library.load_preset(preset)), preset))
    steps = [after.iteration - before.iteration for before, after in itertools.pairwise(scenes)]
    assert scenes[0].iteration == 0 and steps[:5] == [1, 1, 1, 1, 1] and steps[-1] > 50
    assert scenes[0].answers.shape == (PLANE, PLANE, 1)
    assert (scenes[0].answers != scenes[-1].answers).any()
    assert scenes[-1].curve[0, 1] > scenes[-1].curve[-1, 1]
    assert set(scenes[0].weights) == {"hidden", "output"}


def test_the_prediction_lies_where_the_points_are_drawn(shelf):
    preset = library.find_preset("xor")
    data = library.dataset_of(preset.json["data"])
    inputs = sampled(data).reshape(PLANE, PLANE, 2)
    low, high = inputs[0, 0], inputs[-1, -1]
    share = (0 - low) / (high - low)  # of the point (0, 0), as the picture has its margins
    assert np.allclose(share, 0.16)
    assert inputs[0, 1, 0] > inputs[0, 0, 0]  # the first feature runs along the columns


def test_a_graph_is_stepped_through_with_its_numbers(qapp):
    preset = library.find_preset("ten-node-graph")
    session = Session(library.load_preset(preset))
    scenes = list(stepped(session))
    assert len(scenes) == CYCLES * len(session.steps) + 1
    assert [scene.part for scene in scenes[1:]].count("backward") > 5
    assert len(scenes[1].values) < len(scenes[12].values)
    assert all(scene.number is not None for scene in scenes[1:] if scene.part == "forward")


def test_the_pictures_of_all_presets_move(qapp):
    for preset in library.presets():
        session = Session(library.load_preset(preset))
        learns = bool(library.layers_of(preset.json))
        scenes = itertools.islice(trained(session, preset) if learns else stepped(session), 1, 8)
        rest = pixels(thumbnail(preset.json, SIZE, 1.0))
        first = pixels(thumbnail(preset.json, SIZE, 1.0, next(scenes)))
        assert (first != rest).any(), preset.id
        later = (pixels(thumbnail(preset.json, SIZE, 1.0, scene)) for scene in scenes)
        moved = next((picture for picture in later if (picture != first).any()), first)
        assert (moved != rest).any(), preset.id
        assert moved is not first or len(session.steps) == 1, preset.id  # of one step there is but one picture


def test_a_scene_of_another_shape_than_the_file_is_drawn_all_the_same(shelf):
    preset = library.find_preset("xor")
    session = Session(library.load_preset(preset))
    scene = next(trained(session, preset))
    odd = {"hidden": np.ones((7, 3)), "output": np.full((4, 1), np.nan)}
    for answers in (None, np.full((PLANE, PLANE, 1), np.nan), np.full((PLANE, PLANE, 3), np.inf)):
        changed = type(scene)(scene.iteration, answers, weights=odd, curve=np.array([[0.0, np.nan]]))
        assert not thumbnail(preset.json, SIZE, 1.0, changed).isNull()


def test_a_problem_in_playing_is_no_crash(shelf, monkeypatch):
    preset = library.find_preset("xor")
    session = Session(library.load_preset(preset))
    monkeypatch.setattr(session, "predict", lambda inputs: (_ for _ in ()).throw(ProblemError()))
    assert next(trained(session, preset)).answers is None
