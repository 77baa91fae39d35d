"""Prototypes that stand for classes: learning vector quantisation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.initialisers import INITIALISERS, Initialiser
from engine.nodes.base import Choice, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.prototypes import DISTANCE, PROTOTYPES, STARTS, batch_mean, mean_over_rows, pull, rows_of_features
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

FAR = 1e30  # farther than any prototype: what does not take part in a comparison


def at_labelled_examples(build: Builder, width: int, classes: int) -> Initialiser:
    """A start at training rows of each prototype's class; normal where there are none that fit."""
    examples, answers = build.examples, build.answers

    def start(shape: tuple[int, ...], draw: np.random.Generator) -> Any:
        rows = None if examples is None or answers is None else (examples(), answers())
        if rows is None or rows[0].ndim != 2 or rows[0].shape[1] != width:
            return draw.standard_normal(shape)
        labels, each = class_numbers(rows[1]), shape[0] // classes
        found = draw.standard_normal(shape)
        for group in range(classes):
            members = np.flatnonzero(labels == group)
            if members.size:
                chosen = draw.choice(members, each, replace=each > members.size)
                found[group * each : (group + 1) * each] = rows[0][chosen]
        return found

    return start


def class_numbers(targets: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Class numbers of targets: as they are, by the column of a 1, or 1 for a yes and 0 for a no."""
    if targets.dtype.kind in "iu":
        return targets.reshape(-1)
    return targets.argmax(axis=1) if targets.shape[1] > 1 else (targets[:, 0] > 0).astype(np.int64)


@node_type
class LearningVectorQuantisation(NodeType):
    """Prototypes that belong to classes: the nearest one moves towards an example of its class, and away from others."""

    name, category, icon = "learning_vector_quantisation", "Learning rules", "crosshair"
    title = "learning vector quantisation"
    formula = r"W_p \leftarrow W_p \pm \alpha\,(x - W_p),\quad p = \arg\min_u \lVert x - W_u \rVert"
    source = "Kohonen 1990: LVQ1 and LVQ2.1"
    measures = ("error",)
    inputs = (
        Port("x", "(batch, features)", symbol="x"),
        Port(
            "target", "(batch), (batch, 1) or (batch, classes)", kind="target", symbol="t",
            help="Class numbers; yes and no (1 and 0, or −1); or one column for each class.",
        ),
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "scores", "(batch, classes)", symbol="v", help="Minus the distance to the nearest prototype of each class."
        ),
        Port("prediction", "(batch)", kind="index", symbol=r"\hat y", help="The class of the nearest prototype."),
        DISTANCE,
        Port("error", "()", symbol="E", help="The share of examples that are given another class."),
        PROTOTYPES,
    )
    classes = Whole(2, low=2, high=1024, unit="classes", help="How many classes there are.")
    each = Whole(1, low=1, high=1024, unit="prototypes", help="How many prototypes stand for a class.")
    form = Choice(
        "LVQ1", ("LVQ1", "LVQ2.1"),
        help="LVQ1 moves the nearest one. LVQ2.1 moves two, the right one nearer and the wrong one away, where the example "
        "lies between them.",
    )  # fmt: skip
    learning_rate = Real(0.1, low=0.0, high=1.0, symbol=r"\alpha", help="The share of the way that a prototype moves.")
    window = Real(0.3, low=0.0, high=1.0, help="Of LVQ2.1: how wide “between” is; 1 takes every example.")
    start = Choice("examples", STARTS, help="Where prototypes start: at training rows of their class, or drawn.")
    initial_prototypes = Numbers(None, help="Prototypes to start from, class by class, units × features.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, x = build.emit, values["x"]
        width, units = rows_of_features(x), self.classes * self.each
        prototypes = self._prototypes(build, units, width)
        distance = emit("sqrt", emit("square_distance", x, prototypes))
        blocks = emit("reshape", -distance, shape=(x.shape[0], self.classes, self.each))
        scores = emit("max", blocks, axes=(2,))
        prediction = emit("argmax", scores)
        wanted = self._wanted(build, values["target"], x)
        said = emit("one_hot", prediction, classes=self.classes)
        owner = np.repeat(np.eye(self.classes), self.each, axis=1)
        owners = build.source("constant", f"{build.origin.node}.owners", owner.shape, owner)
        mine = wanted @ owners  # 1 for the prototypes of the example's class
        build.learn(lambda: self._learn(build, x, prototypes, distance, mine))
        right = emit("sum", wanted * said, axes=(1,))
        return {
            "scores": scores, "prediction": prediction, "distance": distance,
            "error": 1.0 - mean_over_rows(build, right), "prototypes": prototypes,
        }  # fmt: skip

    def _prototypes(self, build: Builder, units: int, width: int) -> Value:
        if self.initial_prototypes is None and self.start == "examples":
            start = at_labelled_examples(build, width, self.classes)
            return build.parameter("prototypes", (units, width), start)
        drawn = self.start if self.start in INITIALISERS else "normal"
        return build.parameter("prototypes", *start_of((units, width), self.initial_prototypes, drawn))

    def _wanted(self, build: Builder, target: Value, x: Value) -> Value:
        """A column for each class. Raises `ShapeMismatch` where the targets are no classes, or too many."""
        if target.kind == "whole" and target.rank == 1:
            if build.classes is not None and build.classes > self.classes:
                fact = f"the data has {build.classes} classes, and there are prototypes for {self.classes}"
                raise shape_mismatch(fact, f"Set “classes” to {build.classes}.", port="target")
            return build.emit("one_hot", target, classes=self.classes)
        if target.kind == "real" and target.shape == (x.shape[0], self.classes) and self.classes > 1:
            return target
        if target.kind == "real" and target.shape == (x.shape[0], 1) and self.classes == 2:
            yes = build.emit("greater", target, 0.0)
            return build.emit("concat", 1.0 - yes, yes, axis=1)
        fact = f"targets of shape {shape_text(target.shape)} meet {self.classes} classes"
        raise shape_mismatch(fact, "Give class numbers, or a column for each class.", port="target")

    def _learn(self, build: Builder, x: Value, prototypes: Value, distance: Value, mine: Value) -> None:
        emit, units = build.emit, self.classes * self.each
        near = emit("one_hot", emit("argmax", -distance), classes=units)
        strength = near * (2.0 * mine - 1.0)
        if self.form == "LVQ2.1":
            strength = self._between(build, distance, mine, units)
        rate = build.setting("learning_rate", self.learning_rate)
        emit("add_to", prototypes, rate * batch_mean(build, x, pull(build, x, prototypes, strength)))

    def _between(self, build: Builder, distance: Value, mine: Value, units: int) -> Value:
        """+1 at the nearest right and −1 at the nearest wrong prototype, where both are the nearest and about as near."""
        emit = build.emit
        marks, lengths = [], []
        for others in (mine, 1.0 - mine):
            place = emit("argmax", -emit("where", others, distance, FAR))
            marks.append(emit("one_hot", place, classes=units))
            lengths.append(emit("sum", marks[-1] * distance, axes=(1,), keep=True))
        longer, shorter = emit("maximum", *lengths), emit("minimum", *lengths)
        two = emit("greater", 1.5, emit("sum", emit("greater", longer, distance), axes=(1,), keep=True))
        window = build.setting("window", self.window)
        inside = emit("at_least", shorter * (1.0 + window), longer * (1.0 - window))
        return (two * inside) * (marks[0] - marks[1])
