"""Words beside their neighbours."""

import numpy as np

from engine.datasets import load


def pairs(**options):
    data = load({"name": "word_pairs", **options})
    names = data.class_names
    return data, [(names[a], names[b]) for a, b in zip(data.inputs.argmax(axis=1), data.targets, strict=True)]


def test_each_word_stands_beside_every_word_of_its_window():
    data, found = pairs(window=1)
    assert found[:4] == [("cook", "cuts"), ("cuts", "cook"), ("cuts", "bread"), ("bread", "cuts")]
    assert data.inputs.shape == (len(found), len(data.class_names)) and (data.inputs.sum(axis=1) == 1).all()


def test_neighbourhood_goes_both_ways_and_a_wider_window_holds_the_narrower_one():
    for window in (1, 2, 3):
        found = sorted(pairs(window=window)[1])
        assert found == sorted((b, a) for a, b in found)
    assert set(pairs(window=1)[1]) < set(pairs(window=2)[1])


def test_frequent_words_can_stay():
    assert "the" not in pairs()[0].class_names
    assert ("the", "cook") in pairs(without_frequent=False, window=1)[1]


def test_the_word_can_be_asked_from_its_neighbour():
    (there, _), (back, _) = pairs(), pairs(asked="word")
    np.testing.assert_array_equal(there.inputs.argmax(axis=1), back.targets)
    np.testing.assert_array_equal(back.inputs.argmax(axis=1), there.targets)
