"""Scenes and their captions."""

import numpy as np

from engine.datasets import load
from engine.datasets.scenes import WORDS


def told(**options):
    """Each scene as its cells, (rows, columns, colours and shapes), with its caption as words."""
    data = load({"name": "scenes", **options})
    cells = data.inputs[:, :9, :5].reshape(-1, 3, 3, 5)
    return data, cells, [[WORDS[word] for word in caption] for caption in data.targets.argmax(axis=2)]


def test_a_caption_says_what_is_there_and_how_it_lies():
    _, cells, captions = told(samples=300, seed=4)
    for cell, (colour, shape, relation, other_colour, other_shape) in zip(cells, captions, strict=True):
        (row, column), (other_row, other_column) = np.argwhere(cell.any(axis=2))
        assert [WORDS[part] for part in np.flatnonzero(cell[row, column])] == [colour, shape]
        assert [WORDS[part] for part in np.flatnonzero(cell[other_row, other_column])] == [other_colour, other_shape]
        assert relation == ("beside" if row == other_row else "above")
        assert (row == other_row) != (column == other_column)


def test_the_word_before_the_first_begins_and_the_others_are_the_captions_own():
    data, _, _ = told(samples=50)
    before = data.inputs[:, 9:].argmax(axis=2)
    assert (before[:, 0] == len(WORDS)).all()
    np.testing.assert_array_equal(before[:, 1:], data.targets.argmax(axis=2)[:, :-1])
    assert (data.inputs[:, 9:].sum(axis=2) == 1).all() and not data.inputs[:, :9, 5:].any()


def test_every_kind_of_scene_comes():
    _, _, captions = told(samples=400)
    assert {caption[2] for caption in captions} == {"above", "beside"}
    assert {tuple(caption[:2]) for caption in captions} == {(c, s) for c in WORDS[:3] for s in WORDS[3:5]}
