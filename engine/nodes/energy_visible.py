"""What the visible side of a restricted Boltzmann machine may be: yes and no, real numbers, ratings, counts of words."""

from __future__ import annotations

from engine.primitives.draws import key_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value

KINDS = ("binary", "Gaussian", "ratings", "counts")


class VisibleUnits:
    """Units of 0 and 1.

    factor  what hidden biases are multiplied by, row by row, as a column; None: by 1
    """

    factor: Value | None = None

    def __init__(self, build: Builder) -> None:
        self.build = build

    def seen(self, visible: Value) -> Value:
        """What the hidden units are told of the visible side."""
        return visible

    def pushed(self, visible: Value) -> Value:
        """Of what the slope of the visible bias is the mean."""
        return visible

    def answer(self, pulls: Value, bias: Value) -> Value:
        """What is expected of each unit, by the hidden side's pulls."""
        return self.build.emit("sigmoid", pulls + bias)

    def limited(self, answer: Value) -> Value:
        """The answer without units that no example tells anything of."""
        return answer

    def drawn(self, answer: Value, name: str) -> Value:
        """Units drawn by what is expected of them; another draw for each name."""
        key = key_of(self.build, name)
        return self.build.emit("random_bernoulli", answer, shape=answer.shape, key=key)

    def own(self, visible: Value, bias: Value) -> Value:
        """−E of the visible side by itself, as a column."""
        return self.build.emit("sum", visible * bias, axes=(1,), keep=True)


class GaussianUnits(VisibleUnits):
    """Real numbers: normal, with a deviation that is set, around a mean that the hidden units move."""

    def __init__(self, build: Builder, deviation: Value) -> None:
        super().__init__(build)
        self.deviation = deviation

    def seen(self, visible: Value) -> Value:
        return visible / self.deviation

    def pushed(self, visible: Value) -> Value:
        return visible / (self.deviation * self.deviation)

    def answer(self, pulls: Value, bias: Value) -> Value:
        return self.deviation * pulls + bias

    def drawn(self, answer: Value, name: str) -> Value:
        noise = self.build.emit("random_normal", shape=answer.shape, key=key_of(self.build, name))
        return answer + self.deviation * noise

    def own(self, visible: Value, bias: Value) -> Value:
        apart = (visible - bias) / self.deviation
        return -0.5 * self.build.emit("sum", apart * apart, axes=(1,), keep=True)


class RatingUnits(VisibleUnits):
    """Groups of columns of which one is 1: a rating of an item. All 0: the item is not rated, and teaches nothing."""

    def __init__(self, build: Builder, levels: int, x: Value) -> None:
        super().__init__(build)
        width = x.shape[1]
        assert isinstance(width, int)
        if width % levels:
            raise shape_mismatch(
                f"{width} columns make no ratings of {levels} levels", f"Give each item {levels} columns.", port="x"
            )
        self.shape = (x.shape[0], width // levels, levels)
        self.rated = build.emit("sum", build.emit("reshape", x, shape=self.shape), axes=(2,), keep=True)

    def answer(self, pulls: Value, bias: Value) -> Value:
        scores = pulls + bias
        groups = (scores.shape[0], *self.shape[1:])
        shares = self.build.emit("softmax", self.build.emit("reshape", scores, shape=groups))
        return self.build.emit("reshape", shares, shape=scores.shape)

    def limited(self, answer: Value) -> Value:
        if answer.shape[0] != self.shape[0]:  # persistent chains rate everything
            return answer
        known = self.build.emit("reshape", answer, shape=self.shape) * self.rated
        return self.build.emit("reshape", known, shape=answer.shape)

    def drawn(self, answer: Value, name: str) -> Value:
        emit, groups = self.build.emit, (answer.shape[0], *self.shape[1:])
        noise = emit("random_gumbel", shape=groups, key=key_of(self.build, name))
        scores = emit("log", emit("reshape", answer, shape=groups)) + noise
        chosen = emit("one_hot", emit("argmax", scores), classes=self.shape[2])
        return self.limited(emit("reshape", chosen, shape=answer.shape))


class CountUnits(VisibleUnits):
    """How often each word stands in a document: as many softmax units as it has words, all of one weight."""

    def __init__(self, build: Builder, x: Value, each_word: bool) -> None:
        super().__init__(build)
        self.words = build.emit("sum", x, axes=(1,), keep=True)
        self.factor = self.words if each_word else None

    def answer(self, pulls: Value, bias: Value) -> Value:
        return self.words * self.build.emit("softmax", pulls + bias)

    def drawn(self, answer: Value, name: str) -> Value:
        return answer  # a document of expected counts stands for one that is drawn word by word
