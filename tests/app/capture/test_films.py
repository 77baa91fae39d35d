"""Films: recorded on a session of their own, read back frame by frame."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageSequence

from app.capture.film import Plan, Recorder, theme_colours
from app.capture.gif import GifWriter, Index, chosen
from app.capture.studio import Studio
from app.theme import current_theme
from engine.problems import ProblemError


def frames_of(path):
    with Image.open(path) as film:
        return [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in ImageSequence.Iterator(film)]


def local_tables(content: bytes) -> tuple[int, int]:
    """How many frames a GIF has, and how many of them bring a palette of their own."""

    def behind_blocks(at: int) -> int:
        while content[at]:
            at += content[at] + 1
        return at + 1

    at, frames, tables = 13 + 3 * (2 << (content[10] & 7)), 0, 0
    while content[at] != 0x3B:
        if content[at] == 0x21:
            at = behind_blocks(at + 2)
        else:
            flags = content[at + 9]
            frames, tables = frames + 1, tables + (flags >> 7)
            at = behind_blocks(at + 11 + (3 * (2 << (flags & 7)) if flags >> 7 else 0))
    return frames, tables


@pytest.fixture
def studio(document):
    with Studio(document, "canvas", (420, 260)) as made:
        yield made


def record(qtbot, studio, plan, path, scale=1.0):
    recorder = Recorder(studio.subject, studio.runner, plan, path, scale)
    with qtbot.waitSignal(recorder.finished):
        recorder.start()
    return recorder


# the writer ----------------------------------------------------------------------------------------------------------


def test_a_gif_keeps_the_theme_and_what_covers_much_exactly_and_has_one_palette(qapp):
    generator = np.random.default_rng(0)
    exact = theme_colours()
    writer = GifWriter((120, 80), 10, exact)
    token = int("".join(f"{channel:02x}" for channel in exact[3]), 16)
    for shift in range(5):
        frame = np.full((80, 120), 0x123456, np.uint32)
        frame[:, shift : shift + 3] = token
        frame[40:, :] = generator.integers(0, 1 << 24, (40, 120), dtype=np.uint32)
        writer.add(frame)
    content = writer.encode()
    writer.close()
    with Image.open(io.BytesIO(content)) as film:
        film.seek(4)
        shown = film.convert("RGB")
    assert shown.getpixel((100, 10)) == (0x12, 0x34, 0x56)
    assert shown.getpixel((5, 10)) == tuple(int(channel) for channel in exact[3])
    assert local_tables(content) == (5, 0)


def test_frames_alike_are_one_that_stands_longer(qapp):
    writer = GifWriter((20, 20), 12, theme_colours())
    for colour in (1, 2, 2, 2, 3):
        writer.add(np.full((20, 20), colour, np.uint32))
    with Image.open(io.BytesIO(writer.encode())) as film:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
    writer.close()
    assert durations == [80, 250, 1090]
    assert sum(durations) == 420 + 1000  # five frames at twelve a second, and the last stands for one more


def test_the_nearest_colour_is_found(qapp):
    index = Index(np.array([0x000000, 0xFF0000, 0x00FF00], np.uint32))
    assert index.of(np.array([[0x100000, 0xE01010], [0x00FF00, 0x0000FF]], np.uint32)).tolist() == [[0, 1], [2, 0]]


def test_few_colours_are_kept_and_many_are_stood_for():
    few = np.array([1, 2, 3], np.uint32)
    assert chosen(few, np.ones(3), 8).tolist() == [1, 2, 3]
    many = np.arange(0, 1 << 24, 4099, dtype=np.uint32)
    assert 8 < len(np.unique(chosen(many, np.ones(len(many)), 16))) <= 16


# plans ---------------------------------------------------------------------------------------------------------------


def test_frames_lie_evenly_over_the_span_from_its_start_to_its_end():
    assert Plan("iteration", 100, 5).places == [0, 25, 50, 75, 100]
    assert Plan("node", 3, 60).places == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("plan", "scale", "words"),
    [
        (Plan(frames=1), 1.0, "a film of 1 frames"),
        (Plan(span=9000, frames=3000), 1.0, "from 2 to 2000 frames"),
        (Plan(rate=0), 1.0, "a GIF cannot show 0 frames a second"),
        (Plan(rate=100), 1.0, "a GIF cannot show 100 frames a second"),
        (Plan(), 8.0, "too many for a film"),
        (Plan(span=9000, frames=2000), 4.0, "need too much memory"),
    ],
)
def test_films_that_cannot_be_made_are_told_before_the_first_frame(studio, tmp_path, plan, scale, words):
    with pytest.raises(ProblemError) as caught:
        Recorder(studio.subject, studio.runner, plan, tmp_path / "film.gif", scale)
    assert words in str(caught.value)


# recording -----------------------------------------------------------------------------------------------------------


def test_a_film_has_the_frames_the_size_and_the_delays_asked_for(qtbot, studio, tmp_path):
    record(qtbot, studio, Plan("node", 8, 9, 20.0), tmp_path / "film.gif")
    frames = frames_of(tmp_path / "film.gif")
    assert len(frames) == 9
    assert {picture.shape for picture, _ in frames} == {(260, 420, 3)}
    assert [delay for _, delay in frames] == [50] * 8 + [1050]
    canvas = current_theme().colour("canvas")
    for (before, _), (after, _) in itertools.pairwise(frames):
        assert (before != after).any()
        assert tuple(after[1, 1]) == (canvas.red(), canvas.green(), canvas.blue())


def test_the_same_film_twice_is_the_same_file(qtbot, document, tmp_path):
    for name in ("one.gif", "two.gif"):
        with Studio(document, "canvas", (300, 200)) as studio:
            record(qtbot, studio, Plan("iteration", 40, 4), tmp_path / name)
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()


def test_a_seed_makes_another_film(qtbot, document, tmp_path):
    contents = []
    for seed in (None, 7):
        with Studio(document, "canvas", (300, 200)) as studio:
            record(qtbot, studio, Plan("iteration", 2, 2, seed=seed), tmp_path / "film.gif")
        contents.append((tmp_path / "film.gif").read_bytes())
    assert contents[0] != contents[1]


def test_a_film_of_a_view_waits_for_the_answers_of_each_frame(qtbot, document, tmp_path):
    with Studio(document, "boundary", (360, 260)) as studio:
        record(qtbot, studio, Plan("iteration", 60, 3), tmp_path / "film.gif")
    frames = [picture for picture, _ in frames_of(tmp_path / "film.gif")]
    assert len(frames) == 3
    inside = [picture[60:200, 80:180] for picture in frames]
    assert all((before != after).mean() > 0.2 for before, after in itertools.pairwise(inside))


def test_progress_counts_every_frame_taken_and_encoded(qtbot, studio, tmp_path):
    recorder = Recorder(studio.subject, studio.runner, Plan("iteration", 5, 6), tmp_path / "film.gif")
    told = []
    recorder.progressed.connect(lambda done, every: told.append((done, every)))
    with qtbot.waitSignal(recorder.finished):
        recorder.start()
    assert told[:6] == [(done, 12) for done in range(1, 7)]
    assert {every for _, every in told} == {12}


def test_a_film_that_is_given_up_leaves_no_file(qtbot, studio, tmp_path):
    recorder = Recorder(studio.subject, studio.runner, Plan("iteration", 500, 50), tmp_path / "film.gif")
    recorder.progressed.connect(lambda done, every: recorder.cancel() if done == 3 else None)
    with qtbot.waitSignal(recorder.canceled):
        recorder.start()
    studio.runner.close()
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_given_up_while_it_is_encoded_leaves_the_old_file(qtbot, studio, tmp_path):
    (tmp_path / "film.gif").write_bytes(b"the old one")
    recorder = Recorder(studio.subject, studio.runner, Plan("iteration", 6, 7), tmp_path / "film.gif")
    recorder.progressed.connect(lambda done, every: recorder.cancel() if done == 7 else None)
    with qtbot.waitSignal(recorder.canceled):
        recorder.start()
    studio.runner.close()
    assert (tmp_path / "film.gif").read_bytes() == b"the old one"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_run_that_diverges_ends_the_film_with_the_reason(qtbot, document, tmp_path):
    with Studio(document, "canvas", (300, 200)) as studio:
        for key, shape in (("hidden.weight", (2, 4)), ("output.weight", (4, 1))):
            studio.runner.set_parameter(key, np.full(shape, 3e38))
        recorder = Recorder(studio.subject, studio.runner, Plan("iteration", 40, 5), tmp_path / "film.gif")
        with qtbot.waitSignal(recorder.failed) as caught:
            recorder.start()
    assert caught.args[0].kind == "finite"
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_cannot_run_says_why(qtbot, document, tmp_path):
    for node in ("input_1", "output", "target_1", "loss"):
        document.graph.remove(node)
    with Studio(document, "canvas", (300, 200)) as studio:
        recorder = Recorder(studio.subject, studio.runner, Plan("iteration", 4, 5), tmp_path / "film.gif")
        with qtbot.waitSignal(recorder.failed) as caught:
            recorder.start()
    assert str(caught.args[0])
    assert list(tmp_path.iterdir()) == []
