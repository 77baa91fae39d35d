"""Losses over sequences, over words drawn as negatives, and over examples that count more or less."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.nodes.base import Choice, Flag, Port, Whole, node_type
from engine.nodes.losses import CLASS, LOSS, SCORES, Loss, TermLoss, number_each, sum_of_all
from engine.nodes.time import LENGTHS, one_length_each
from engine.primitives.losses import by_row
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

IMPOSSIBLE = -1e30  # the logarithm of a chance of 0, finite: differences of it with itself are 0 and not NaN
MOST_MOMENTS = 200


@node_type
class NegativeSampling(TermLoss):
    """How surprised sigmoids are that words belong together, and that drawn words do not."""

    name, title = "negative_sampling", "negative sampling"
    formula = r"L = -\frac{1}{n}\sum_i \ln \sigma(s^+_i) - \frac{1}{n}\sum_{i,k} \ln \sigma(-s^-_{ik})"
    source = "Mikolov et al. 2013; Aggarwal 2023, eqs 3.47 and 3.48"
    inputs = (
        Port("positive", "(batch, pairs)", symbol="s^+", help="Scores of words that occur together."),
        Port("negative", "(batch, draws)", symbol="s^-", help="Scores of words drawn by chance."),
    )
    over = Choice("examples", ("elements", "examples"), help=TermLoss.over.help)

    def lower(self, build: Builder, **values: Any) -> Value:
        positive = self.reduce(build, build.emit("softplus", -values["positive"]))
        return positive + self.reduce(build, build.emit("softplus", values["negative"]))


@node_type
class WeightedCrossEntropy(Loss):
    """The softmax cross-entropy of examples that count more or less: masked ones with 0, a bag's as often as drawn."""

    name, title = "weighted_cross_entropy", "weighted cross-entropy"
    formula = r"L = -\frac{1}{\sum w}\sum_i w_i \ln p_{i t_i}"
    source = "Aggarwal 2023, §10.3: labelled nodes alone; §5.5.1: bags"
    inputs = (
        SCORES,
        CLASS,
        Port("weight", "(batch)", symbol="w", help="How much each example counts; 0 leaves it out."),
    )
    reduction = Choice(
        "mean", ("mean", "sum", "examples"),
        help="The sum divided by that of the weights, the sum itself, or the sum divided by the number of examples.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        scores, target = values["logits"], values["target"]
        by_row(scores, target)
        name = "class_cross_entropy" if target.kind == "whole" else "softmax_cross_entropy"
        terms = build.emit(name, scores, target)
        weight = number_each(build, values["weight"], terms, "weight")
        weighted = weight * terms
        if self.reduction == "examples":
            return build.emit("mean", weighted, axes=tuple(range(weighted.rank)))
        total = sum_of_all(build, weighted)
        if self.reduction == "sum":
            return total
        counted = sum_of_all(build, weight)
        return total / build.emit("where", counted, counted, 1.0)  # where nothing counts, 0 and not 0/0


@node_type
class CTC(TermLoss):
    """How surprised a sequence of softmaxes is by a shorter text, over all ways to spread the text over the moments."""

    name, title, icon = "ctc", "CTC", "route"
    formula = r"L = -\ln \sum_{\pi \to t} \prod_{\tau} p_\tau(\pi_\tau)"
    source = "Graves et al. 2006: connectionist temporal classification; named in Aggarwal 2023, §8.7.9"
    inputs = (
        Port("logits", "(batch, time, classes)", symbol="z", help="One score per class and moment, the blank among them."),
        Port("target", "(batch, letters)", kind="target", symbol="t", help="Class numbers; −1 or the blank where a text ends."),
        LENGTHS,
    )  # fmt: skip
    outputs = (
        LOSS,
        Port("alpha", "(batch, time, states)", symbol=r"\alpha", help="The chance of each way begun so far."),
    )
    blank = Whole(0, low=0, high=65535, help="The number of the class that says nothing.")
    scores_are = Choice(
        "logits", ("logits", "log_probabilities"), help="Scores before the softmax, or logarithms of probabilities."
    )
    repeats = Flag(
        True,
        help="Whether a label that goes on is one letter, so that a doubled letter needs a blank between, as in the paper; "
        "otherwise every label of a path is a letter of its own.",
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        logits: Value = values["logits"]
        moments, classes = self._sizes(logits)
        letters = self._letters(build, values["target"], logits, classes)
        chances = build.emit("log_softmax", logits) if self.scores_are == "logits" else logits
        lattice = Lattice(build, letters, self.blank, self.repeats)
        steps = lattice.forward(chances, moments, self._lengths(build, values.get("lengths"), logits))
        terms = lattice.surprise(steps[-1])
        rows = [build.emit("reshape", step, shape=(step.shape[0], 1, step.shape[1])) for step in steps]
        alpha = build.emit("exp", rows[0] if moments == 1 else build.emit("concat", *rows, axis=1))
        return {"loss": self.reduce(build, terms), "alpha": alpha}

    def _sizes(self, logits: Value) -> tuple[int, int]:
        moments, classes = logits.shape[1:] if logits.rank == 3 else (None, None)
        if logits.kind != "real" or not isinstance(moments, int) or not isinstance(classes, int):
            fact = f"scores of shape {shape_text(logits.shape)} are no sequence"
            raise shape_mismatch(fact, "Give (batch, time, classes).", port="logits")
        if moments > MOST_MOMENTS:
            fact = f"{moments} moments are more than {MOST_MOMENTS}"
            raise shape_mismatch(fact, "Cut the sequence into shorter ones.", port="logits")
        if self.blank >= classes:
            fact = f"there are {classes} classes, and the blank is number {self.blank}"
            mend = f"Set “blank” to 0 to {classes - 1}."
            raise ProblemError(Problem(fact, mend, path="properties.blank", kind="property"))
        return moments, classes

    def _lengths(self, build: Builder, lengths: Value | None, logits: Value) -> Value | None:
        """How many moments each sequence has, as a column; None: all of them."""
        if one_length_each(lengths) is None or lengths is None:
            return None
        if lengths.shape[0] != logits.shape[0]:
            fact = f"{shape_text(lengths.shape)} lengths meet sequences of shape {shape_text(logits.shape)}"
            raise shape_mismatch(fact, "Give one length for each sequence.", port="lengths")
        real = build.emit("to_real", lengths) if lengths.kind == "whole" else lengths
        return build.emit("reshape", real, shape=(lengths.shape[0], 1))

    def _letters(self, build: Builder, target: Value, logits: Value, classes: int) -> Value:
        """A column per class for each letter; zeros behind the end of a text."""
        if target.rank != 2 or target.shape[0] != logits.shape[0]:
            fact = f"scores of shape {shape_text(logits.shape)} meet texts of shape {shape_text(target.shape)}"
            raise shape_mismatch(fact, "Give one row of class numbers for each sequence.", port="target")
        numbers = build.emit("to_real", target) if target.kind == "whole" else target
        known = np.arange(classes, dtype=np.float64)
        known[self.blank] = -1.0  # the blank is no letter
        table = build.source("constant", f"{build.origin.node}.letters", (classes,), known)
        columns = build.emit("equal", build.emit("reshape", numbers, shape=(*target.shape, 1)), table)
        return columns * build.emit("at_least", table, 0.0)


class Lattice:
    """All ways through a text, with blanks between its letters: states, which of them follow, and where a text ends."""

    def __init__(self, build: Builder, letters: Value, blank: int, repeats: bool) -> None:
        self.build, self.letters, self.repeats = build, letters, repeats
        rows, count, classes = letters.shape
        assert isinstance(count, int) and isinstance(classes, int)
        self.rows, self.count, self.classes = rows, count, classes
        self.states = 2 * self.count + 1
        nothing = np.zeros(self.classes)
        nothing[blank] = 1.0
        self.blank = build.source("constant", f"{build.origin.node}.nothing", nothing.shape, nothing)

    def forward(self, chances: Value, moments: int, lengths: Value | None = None) -> list[Value]:
        """ln α (batch, states) at each moment; behind the end of a sequence it stays as it was."""
        emit = self.build.emit
        seen = emit("batch_matmul", chances, self._between(self.letters, self.blank), transpose_b=True)
        start = np.full(self.states, IMPOSSIBLE)
        start[:2] = 0.0
        alpha = self._moment(seen, 0) + self._constant("start", start)
        steps, skip = [alpha], self._skip()
        stay = None if self.repeats else self._constant("stay", np.where(np.arange(self.states) % 2, IMPOSSIBLE, 0.0))
        for moment in range(1, moments):
            ways = [alpha if stay is None else alpha + stay, self._later(alpha, 1)]
            if self.states > 2:
                ways.append(self._later(alpha, 2) + skip)
            stacked = emit("concat", *[emit("reshape", way, shape=(*way.shape, 1)) for way in ways], axis=2)
            following = emit("log_sum_exp", stacked) + self._moment(seen, moment)
            if lengths is not None:
                goes_on = emit("broadcast", emit("greater", lengths, float(moment)), shape=following.shape)
                following = emit("where", goes_on, following, alpha)
            alpha = following
            steps.append(alpha)
        return steps

    def surprise(self, last: Value) -> Value:
        """−ln of the chance of all whole ways; infinite where the text needs more moments than there are."""
        emit = self.build.emit
        length = emit(
            "sum", emit("reshape", self.letters, shape=(self.rows, self.count * self.classes)), axes=(1,), keep=True
        )
        beyond = 2 * length - self._constant("places", np.arange(self.states, dtype=np.float64))
        ends = emit("equal", beyond, 0.0) + emit("equal", beyond, 1.0)
        terms = -emit("log_sum_exp", last + (1 - ends) * IMPOSSIBLE)
        return emit("where", emit("greater", terms, -IMPOSSIBLE / 10), float("inf"), terms)

    def _constant(self, name: str, table: Any) -> Value:
        return self.build.source("constant", f"{self.build.origin.node}.{name}", table.shape, table)

    def _moment(self, seen: Value, moment: int) -> Value:
        part = self.build.emit("slice", seen, axis=1, start=moment, stop=moment + 1)
        return self.build.emit("reshape", part, shape=(self.rows, self.states))

    def _filled(self, width: int) -> Value:
        return self.build.emit("broadcast", self.build.constant(IMPOSSIBLE), shape=(self.rows, width))

    def _later(self, alpha: Value, by: int) -> Value:
        """Each state sees the one so many before it."""
        kept = self.build.emit("slice", alpha, axis=1, start=0, stop=self.states - by)
        return self.build.emit("concat", self._filled(by), kept, axis=1)

    def _between(self, entries: Value, filler: Value) -> Value:
        """A filler before, between and behind the entries of axis 1, each a row of numbers."""
        emit, width = self.build.emit, entries.shape[2]
        one = emit("broadcast", filler, shape=(self.rows, 1, width))
        each = emit("broadcast", filler, shape=(self.rows, self.count, width))
        both = emit("concat", entries, each, axis=2)
        return emit("concat", one, emit("reshape", both, shape=(self.rows, self.states - 1, width)), axis=1)

    def _skip(self) -> Value:
        """0 where a letter may follow the letter before it without a blank between, else an impossible logarithm."""
        emit = self.build.emit
        costs = self._filled(1)
        if self.count > 1:
            before = emit("slice", self.letters, axis=1, start=0, stop=self.count - 1)
            after = emit("slice", self.letters, axis=1, start=1, stop=self.count)
            same = emit("sum", before * after, axes=(2,)) * (IMPOSSIBLE if self.repeats else 0.0)
            costs = emit("concat", costs, same, axis=1)
        table = emit("reshape", costs, shape=(self.rows, self.count, 1))
        filled = self._between(table, self.build.constant(IMPOSSIBLE))
        return emit("reshape", filled, shape=(self.rows, self.states))
