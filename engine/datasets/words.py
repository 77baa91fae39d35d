"""Words and the words that stand near them."""

from __future__ import annotations

import numpy as np

from engine.datasets.options import Choice, Flag, Whole
from engine.datasets.registry import Table, dataset

SENTENCES = (
    "the cook cuts the bread and the cheese. the cook eats the bread with soup. "
    "the soup needs salt and the bread needs cheese. salt and cheese make the soup good for the cook. "
    "the sailor sees the ship on the waves. the ship rides the waves in the wind. "
    "the wind lifts the sail of the ship. the sailor turns the sail in the wind and the waves lift the ship. "
    "the singer hears the drum and the flute. the drum beats a tune for the singer. "
    "the flute plays the tune with the drum. the singer hums the tune while the flute plays. "
)
FREQUENT = frozenset(("the", "and", "a", "of", "in", "on", "with", "for", "while"))


def _sentences(without_frequent: bool) -> list[list[str]]:
    split = [sentence.split() for sentence in SENTENCES.split(".")]
    kept = [[word for word in words if not (without_frequent and word in FREQUENT)] for words in split]
    return [words for words in kept if words]


@dataset(
    "word_pairs",
    title="Words and their neighbours",
    help="Every word of a few sentences beside every word that stands near it: what skip-gram learns from.",
    task="classes",
    matter="text",
    source="Sentences written for this program; pairs as in Mikolov et al. 2013 and Aggarwal 2023, §3.6",
    options={
        "window": Whole(2, low=1, high=10, unit="words", help="How far to either side a word counts as a neighbour."),
        "without_frequent": Flag(
            True, help="Leave out words like “the”: then neighbours are words that say something."
        ),
        "asked": Choice(
            "neighbour", ("neighbour", "word"), help="The neighbour from the word (skip-gram), or the word from it."
        ),
    },
)
def word_pairs(window: int, without_frequent: bool, asked: str) -> Table:
    """One row for each pair: inputs (pairs, words) with a 1 at the given word, target the index of the other.

    Words are counted in the order in which they first appear.
    """
    sentences = _sentences(without_frequent)
    words = tuple(dict.fromkeys(word for sentence in sentences for word in sentence))
    index = {word: place for place, word in enumerate(words)}
    pairs = [
        (index[word], index[near])
        for sentence in sentences
        for place, word in enumerate(sentence)
        for other, near in enumerate(sentence)
        if other != place and abs(other - place) <= window
    ]
    given, wanted = np.array(pairs, np.int64).T if asked == "neighbour" else np.array(pairs, np.int64).T[::-1]
    said = (
        f"{len(pairs)} pairs of words that stand at most {window} apart in {len(sentences)} sentences, "
        f"{len(words)} different words" + (", frequent ones left out." if without_frequent else ".")
    )
    return Table(np.eye(len(words))[given], wanted, words, ("neighbour",), "classes", words, preparation=(said,))
