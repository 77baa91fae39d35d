"""Attention: what is asked is compared with every key, and the values are mixed as these answer."""

from __future__ import annotations

import math
from typing import Any, ClassVar, cast

import numpy as np

from engine.initialisers import INITIALISERS
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.cells import LEAST_DEVIATION, layer_normalised
from engine.nodes.data import start_of
from engine.nodes.embeddings import steps_of
from engine.nodes.layers import features_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

SCORES = ("scaled_dot", "dot", "general", "additive")
FORBIDDEN = -1e9  # a score whose weight is exactly 0 in both precisions, and whose derivative is finite
QUERY = Port("query", "(batch, time, features)", symbol="Q", help="One vector for each answer, or a single one.")
MASK = Port(
    "mask", "(batch, keys)", symbol="m", optional=True, help="1 where a key may be looked at, 0 where it is padding."
)
WEIGHTS = Port("weights", "(batch, time, keys)", symbol="A", help="How much of each value an answer takes.")
SEQUENCE = Port("x", "(batch, time, features)", symbol="H")
INITIALISER = Choice("glorot_uniform", tuple(INITIALISERS), help="How the matrices start.")


def masked(build: Builder, scores: Value, mask: Value | None, causal: bool) -> Value:
    """Scores (…, time, keys), those of forbidden keys set so low that softmax makes them 0."""
    queries, keys = scores.shape[-2:]
    if causal:
        assert isinstance(queries, int) and isinstance(keys, int)
        ahead = np.triu(np.full((queries, keys), FORBIDDEN), keys - queries + 1)
        scores = scores + build.source("constant", f"{build.origin.node}.ahead", ahead.shape, ahead)
    if mask is not None:
        if mask.shape != (scores.shape[0], keys):
            raise shape_mismatch(
                f"a mask of shape {shape_text(mask.shape)} meets {keys} keys",
                f"One number is needed for each key: (batch, {keys}).",
                port="mask",
            )
        closed = build.emit("reshape", (1 - mask) * FORBIDDEN, shape=(mask.shape[0], *[1] * (scores.rank - 2), keys))
        scores = scores + closed
    return scores


def projected(build: Builder, x: Value, name: str, units: int, initialiser: str, initial: Any = None) -> Value:
    """x W with a matrix of the current node."""
    return x @ build.parameter(name, *start_of((features_of(x), units), initial, initialiser))


@node_type
class Attention(NodeType):
    """Compares each query with every key and mixes the values by what softmax makes of the scores."""

    name, category, icon = "attention", "Attention", "scan-search"
    formula = r"A = \mathrm{softmax}\left(s(Q, K)\right),\quad Y = A V"
    source = "Aggarwal 2023, §12.2.3 to §12.2.5; Luong et al. 2015, Bahdanau et al. 2015, Vaswani et al. 2017"
    inputs = (
        QUERY,
        Port("key", "(batch, keys, features)", symbol="K", help="What the queries are compared with."),
        Port("value", "(batch, keys, features)", symbol="V", optional=True, help="What is mixed. Free: the keys."),
        MASK,
    )
    outputs = (Port("y", "(batch, time, features)", symbol="Y"), WEIGHTS)
    score = Choice(
        "scaled_dot", SCORES,
        help="Inner product over √features, plain inner product, one through a matrix, or a small layer (additive).",
    )  # fmt: skip
    causal = Flag(False, help="Whether an answer looks only at its own step and those before it.")
    units = Whole(8, low=1, high=4096, unit="units", help="Of the small layer, where the score is additive.")
    initialiser = INITIALISER
    initial_weight = Numbers(None, help="The matrix of a general or additive score to start from.")
    initial_vector = Numbers(None, help="The vector of an additive score to start from.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        query, key, mask = values["query"], values["key"], values["mask"]
        keys = steps_of(key, "key")
        value: Value = values["value"] if values["value"] is not None else key
        if steps_of(value, "value") != keys:
            raise shape_mismatch(
                f"{keys} keys have {value.shape[1]} values", "There must be one value for each key.", port="value"
            )
        single = query.rank == 2
        asked = build.emit("reshape", query, shape=(query.shape[0], 1, query.shape[1])) if single else query
        steps_of(asked, "query")
        scores = masked(build, self._scores(build, asked, key), mask, self.causal)
        weights = build.emit("softmax", scores)
        y = build.emit("batch_matmul", weights, value)
        if single:
            y = build.emit("reshape", y, shape=(y.shape[0], y.shape[2]))
            weights = build.emit("reshape", weights, shape=(y.shape[0], keys))
        return {"y": y, "weights": weights}

    def _scores(self, build: Builder, query: Value, key: Value) -> Value:
        width, depth = features_of(query), features_of(key)
        if self.score == "additive":
            return self._additive(build, query, key)
        if self.score == "general":
            query = projected(build, query, "weight", depth, self.initialiser, self.initial_weight)
        elif width != depth:
            raise shape_mismatch(
                f"queries of {width} features meet keys of {depth}",
                "Set “score” to general or additive, which fit any, or make the widths agree.",
                port="key",
            )
        scores = build.emit("batch_matmul", query, key, transpose_b=True)
        return scores * (1.0 / math.sqrt(depth)) if self.score == "scaled_dot" else scores

    def _additive(self, build: Builder, query: Value, key: Value) -> Value:
        """v · tanh(W [key; query]): the matrix in two parts, so that each key and query is multiplied once."""
        depth, width = features_of(key), features_of(query)
        shape = (depth + width, self.units)
        weight = build.parameter("weight", *start_of(shape, self.initial_weight, self.initialiser))
        of_keys = key @ build.emit("slice", weight, axis=0, start=0, stop=depth)
        of_queries = query @ build.emit("slice", weight, axis=0, start=depth, stop=depth + width)
        batch, steps, keys = key.shape[0], query.shape[1], key.shape[1]
        beside = build.emit("reshape", of_keys, shape=(batch, 1, keys, self.units))
        above = build.emit("reshape", of_queries, shape=(batch, steps, 1, self.units))
        vector = build.parameter("vector", *start_of((self.units, 1), self._column(), self.initialiser))
        scores = build.emit("tanh", above + beside) @ vector
        return build.emit("reshape", scores, shape=(batch, steps, keys))

    def _column(self) -> Any:
        numbers = self.initial_vector
        return None if numbers is None else np.asarray(numbers, float).reshape(-1, 1)


def many_heads(
    build: Builder, query: Value, key: Value, value: Value, mask: Value | None, *, heads: int, width: int,
    causal: bool, initialiser: str, prefix: str = "",
) -> tuple[Value, Value]:  # fmt: skip
    """Scaled dot-product attention in several heads of `width` features side by side, mixed into the query's width."""
    total = heads * width
    q = in_heads(build, projected(build, query, f"{prefix}query_weight", total, initialiser), heads)
    k = in_heads(build, projected(build, key, f"{prefix}key_weight", total, initialiser), heads)
    v = in_heads(build, projected(build, value, f"{prefix}value_weight", total, initialiser), heads)
    scores = build.emit("batch_matmul", q, k, transpose_b=True) * (1.0 / math.sqrt(width))
    weights = build.emit("softmax", masked(build, scores, mask, causal))
    mixed = build.emit("permute", build.emit("batch_matmul", weights, v), axes=(0, 2, 1, 3))
    side_by_side = build.emit("reshape", mixed, shape=(*query.shape[:2], total))
    return projected(build, side_by_side, f"{prefix}output_weight", features_of(query), initialiser), weights


def in_heads(build: Builder, x: Value, heads: int) -> Value:
    """(batch, time, heads · width) as (batch, heads, time, width)."""
    batch, steps, total = x.shape
    assert isinstance(total, int)
    parts = build.emit("reshape", x, shape=(batch, steps, heads, total // heads))
    return build.emit("permute", parts, axes=(0, 2, 1, 3))


class ManyHeads(NodeType):
    """What nodes of several attention heads can be told."""

    category, icon = "Attention", "layers"
    heads = Whole(2, low=1, high=64, unit="heads", help="How many attentions run side by side.")
    width = Whole(
        None, low=1, high=1024, unit="features",
        help="Features of each head; those of the sequence divided by the heads where it is not said.",
    )  # fmt: skip
    causal = Flag(False, help="Whether a step looks only at itself and those before it.")
    initialiser = INITIALISER

    def head_width(self, x: Value) -> int:
        """Features of each head. Raises `ShapeMismatch` where the sequence cannot be divided."""
        features, width = features_of(x), cast("int | None", self.width)
        if width is not None:
            return width
        if features % self.heads:
            raise shape_mismatch(
                f"{features} features cannot be shared out among {self.heads} heads",
                "Choose a divisor of the features, or set “width”.",
            )
        return features // int(self.heads)

    def attend(
        self, build: Builder, query: Value, key: Value, value: Value, mask: Value | None, *, causal: bool, prefix: str
    ) -> tuple[Value, Value]:
        """`many_heads` with the properties of this node."""
        return many_heads(
            build, query, key, value, mask, heads=self.heads, width=self.head_width(query), causal=causal,
            initialiser=self.initialiser, prefix=prefix,
        )  # fmt: skip


@node_type
class MultiHeadAttention(ManyHeads):
    """Several attentions side by side, each with its own view of queries, keys and values."""

    name, title = "multi_head_attention", "multi-head attention"
    formula = r"Y = [A_1 V_1, \dots, A_k V_k]\,W_o,\quad A_i = \mathrm{softmax}\left(Q_i K_i^\top / \sqrt{q}\right)"
    source = "Aggarwal 2023, §12.2.5; Vaswani et al. 2017, §3.2.2"
    inputs = (
        QUERY,
        Port("key", "(batch, keys, features)", symbol="K", optional=True, help="Free: the queries: self-attention."),
        Port("value", "(batch, keys, features)", symbol="V", optional=True, help="Free: the keys."),
        MASK,
    )
    outputs = (
        Port("y", "(batch, time, features)", symbol="Y"),
        Port("weights", "(batch, heads, time, keys)", symbol="A", help=WEIGHTS.help),
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        query = values["query"]
        key = values["key"] if values["key"] is not None else query
        value = values["value"] if values["value"] is not None else key
        for port, sequence in (("query", query), ("key", key), ("value", value)):
            steps_of(sequence, port)
        y, weights = self.attend(build, query, key, value, values["mask"], causal=self.causal, prefix="")
        return {"y": y, "weights": weights}


class TransformerBlock(ManyHeads):
    """Attention and a small network for each step, each added to what came in and layer-normalised."""

    outputs: ClassVar[tuple[Port, ...]] = (
        Port("y", "(batch, time, features)", symbol="H"),
        Port("weights", "(batch, heads, time, keys)", symbol="A", help=WEIGHTS.help),
    )
    hidden = Whole(
        None, low=1, high=65536, unit="units", help="Units inside the small network; four times the features if empty."
    )
    activation = Choice("relu", ("relu", "gelu", "tanh"), help="What bends the small network.")
    norm = Choice("after", ("after", "before"), help="Normalised after what is added (the text), or before each part.")
    use_bias = Flag(True, help="Whether the small network has biases (the text's has none).")
    epsilon = Real(
        LEAST_DEVIATION, low=0.0, high=1.0, symbol=r"\varepsilon", help="Added to the variance under the root."
    )

    def normal(self, build: Builder, x: Value, name: str) -> Value:
        """Layer normalisation with a gain and a shift of its own."""
        return layer_normalised(build, x, self.epsilon, f"{name}_")

    def added(self, build: Builder, x: Value, part: Value, name: str) -> Value:
        """What came in plus what a part made of it."""
        return self.normal(build, x + part, name) if self.norm == "after" else x + part

    def before(self, build: Builder, x: Value, name: str) -> Value:
        """What a part is handed."""
        return self.normal(build, x, name) if self.norm == "before" else x

    def each_step_alone(self, build: Builder, x: Value) -> Value:
        """The small network, the same at every step."""
        features = features_of(x)
        inner = projected(
            build, self.before(build, x, "network"), "in_weight", self.hidden or 4 * features, "he_normal"
        )
        if self.use_bias:
            inner = inner + build.parameter("in_bias", (inner.shape[-1],), INITIALISERS["zeros"])
        outer = projected(build, build.apply(self.activation, inner), "out_weight", features, self.initialiser)
        if self.use_bias:
            outer = outer + build.parameter("out_bias", (features,), INITIALISERS["zeros"])
        return self.added(build, x, outer, "network")

    def attended(
        self, build: Builder, x: Value, memory: Value | None, mask: Value | None, name: str, causal: bool
    ) -> tuple[Value, Value]:
        """Attention to the sequence itself, or to a memory, added to what came in."""
        query = self.before(build, x, name)
        key = query if memory is None else memory
        part, weights = self.attend(build, query, key, key, mask, causal=causal, prefix=f"{name}_")
        return self.added(build, x, part, name), weights


@node_type
class TransformerEncoder(TransformerBlock):
    """A transformer block: every step looks at all others, then a small network works on each."""

    name, title = "transformer_encoder", "transformer encoder"
    formula = r"H' = \mathrm{norm}(H + \mathrm{attend}(H)),\quad Y = \mathrm{norm}(H' + \varphi(H' W_1) W_2)"
    source = "Aggarwal 2023, §12.2.5; Vaswani et al. 2017"
    inputs: ClassVar[tuple[Port, ...]] = (SEQUENCE, MASK)

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x: Value = values["x"]
        steps_of(x, "x")
        mixed, weights = self.attended(build, x, None, values["mask"], "self", self.causal)
        return {"y": self.each_step_alone(build, mixed), "weights": weights}


@node_type
class TransformerDecoder(TransformerBlock):
    """A transformer block that looks back at its own steps, then at what an encoder made of another sequence."""

    name, title = "transformer_decoder", "transformer decoder"
    formula = (
        r"H' = \mathrm{norm}(H + \mathrm{attend}(H)),\; H'' = \mathrm{norm}(H' + \mathrm{attend}(H', M)),\;"
        r" Y = \mathrm{norm}(H'' + \varphi(H'' W_1) W_2)"
    )
    source = "Aggarwal 2023, §12.2.5; Vaswani et al. 2017"
    inputs: ClassVar[tuple[Port, ...]] = (
        SEQUENCE,
        Port("memory", "(batch, keys, features)", symbol="M", help="What an encoder made of the other sequence."),
        MASK,
    )
    causal = Flag(True, help="Whether a step looks only at itself and those before it in its own sequence.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x, memory = values["x"], values["memory"]
        steps_of(x, "x")
        steps_of(memory, "memory")
        own, _ = self.attended(build, x, None, None, "self", self.causal)
        mixed, weights = self.attended(build, own, memory, values["mask"], "cross", False)
        return {"y": self.each_step_alone(build, mixed), "weights": weights}
