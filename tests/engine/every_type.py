"""A document around a node of any type, told what it needs so that it trains."""

from __future__ import annotations

from typing import Any

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types

# What the three features between the dense layers have to be for some node types, and what these have to be told.
BEFORE: dict[str, tuple[str, dict[str, Any]]] = {
    "batched_matmul": ("reshape", {"shape": [1, 3]}),
    "spatial_softmax": ("reshape", {"shape": [1, 3]}),
    "to_real": ("argmax", {}),
    "ctc": ("reshape", {"shape": [1, 1]}),
    "conv1d": ("reshape", {"shape": [1, 3]}),
    **{
        name: ("reshape", {"shape": [1, 1, 3]})
        for name in (
            "conv2d", "transposed_conv2d", "max_pool", "average_pool", "global_pool", "upsample", "max_unpool",
            "local_response_normalisation", "patches", "stochastic_pool",
        )
    },
    **{
        name: ("reshape", {"shape": [3, 1]})
        for name in (
            "attention", "multi_head_attention", "transformer_encoder", "transformer_decoder", "positional_encoding",
        )
    },
    "affine_grid": ("dense", {"units": 6}),
    "bilinear_sampler": ("dense", {"units": 2}),
    "bilinear_sampler.x": ("reshape", {"shape": [1, 1, 2]}),
    "bilinear_sampler.grid": ("reshape", {"shape": [1, 1, 2]}),
    "content_addressing.memory": ("reshape", {"shape": [1, 3]}),
    "conv3d": ("reshape", {"shape": [1, 1, 1, 3]}),
    "glimpse.x": ("reshape", {"shape": [1, 1, 3]}),
    "glimpse.place": ("slice", {"stop": 2}),
    "solve": ("reshape", {"shape": [1, 1]}),
    "inverse": ("reshape", {"shape": [1, 1]}),
    "memory_read.memory": ("reshape", {"shape": [1, 3]}),
    "memory_read.head": ("slice", {"stop": 1}),
    "memory_write.memory": ("reshape", {"shape": [1, 3]}),
    "memory_write.head": ("slice", {"stop": 1}),
    **{f"{name}.{port}": ("argmax", {}) for name in ("neighbours", "edge_softmax", "degree_normalisation")
       for port in ("source", "target")},
    "edge_softmax.score": ("slice", {"stop": 1}),
}  # fmt: skip
# Features before a node type, where they are not 3 (1 before a loss).
UNITS = {"solve": 1, "inverse": 1, "curriculum": 1, "running_mean": 1, "feature_scaling": 2, "length_mask": 1}
FREE = {"discounted_sum.factor", "epsilon_greedy.epsilon"}  # single numbers, which stay at their default
WHOLE = {"batch_size": 4, "order": "sequential"}  # a graph: every row stands in its place
FITTING: dict[str, dict[str, Any]] = {
    **{name: {"heads": 1} for name in ("multi_head_attention", "transformer_encoder", "transformer_decoder")},
    "batched_matmul": {"transpose_b": True},
    "maxout": {"pieces": 3},
    "delay": {"shape": [1]},
    "rollout": {"steps": 3},
    "until_next_time": {"shape": [4, 3]},
    "max_pool": {"window": [1, 2]},
    "average_pool": {"window": [1, 2]},
    "stochastic_pool": {"window": [1, 2]},
    "patches": {"size": 1},
}


def document_around(name: str) -> Document:
    """A node of that type between dense layers, and a number behind it to be minimised."""
    kind = node_types()[name]
    graph = Graph()
    x, node, target = graph.add("input"), graph.add(name, **FITTING.get(name, {})), graph.add("target")
    if kind.category == "Worlds" or name == "rollout":
        return document_in_a_world(name, graph)
    narrow = kind.category in ("Losses", "Metrics", "Learning rules")
    layer = graph.add("dense", "before", units=UNITS.get(name, 1 if narrow else 3), activation="sigmoid")
    graph.connect(x, layer)
    if kind.time in ("delays", "closes"):  # three features are a sequence of three numbers
        each = graph.add("each_step", "each")
        graph.connect(layer, each)
        layer = each
    if name in BEFORE:
        type, properties = BEFORE[name]
        between = graph.add(type, "between", **properties)
        graph.connect(layer, between)
        layer = between
    if name == "matmul":  # rows of 3 numbers by 3 rows of 2
        matrix = graph.add("parameter", shape=(3, 2))
        graph.connect(layer, node["a"])
        graph.connect(matrix, node["b"])
    elif name in ("lagging_copy", "magnitude_mask", "quantise"):
        graph.connect(graph.add("parameter", shape=(3, 2)), node)
    elif name == "max_unpool":
        pool = graph.add("max_pool", window=[1])
        graph.connect(layer, pool)
        graph.connect(pool["y"], node["x"])
        graph.connect(pool["index"], node["index"])
    else:
        for port in kind.inputs:
            if port.kind == "target":
                graph.connect(target, node[port.name])
            elif not port.optional and f"{name}.{port.name}" not in FREE:
                source = layer
                if f"{name}.{port.name}" in BEFORE:
                    type, properties = BEFORE[f"{name}.{port.name}"]
                    source = graph.add(type, f"for_{port.name}", **properties)
                    graph.connect(layer, source)
                graph.connect(source, node[port.name])
    if kind.time in ("opens", "delays"):
        last = graph.add("last_step", "last")
        graph.connect(node, last)
        node = last
    objective: str = node
    if kind.category not in ("Losses", "Metrics", "Learning rules"):
        objective = graph.add("mean" if name != "mean" else "sum", "goal", over="all")
        if kind.outputs[0].kind == "index":  # no mean is taken of class numbers
            number = graph.add("to_real" if name != "to_real" else "identity", "number")
            graph.connect(node[kind.outputs[0].name], number)
            node = number
        graph.connect(node[node_types()[graph.nodes[node].type].outputs[0].name], objective)
    training = {"loss": objective, "batch_size": 4, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    training |= WHOLE if kind.category == "Graphs" else {}
    return Document(graph, data="xor", precision="float64", training=training)


def document_in_a_world(name: str, graph: Graph) -> Document:
    """A node of that type between what is done in four games of three states and three actions."""
    kind, node = node_types()[name], graph.nodes[f"{name}_1"]
    world = graph.add(
        "decision_process", "world", games=4, follows=[[1, 2, 0], [2, -1, 1], [0, 1, 2]], pays=[[1, 2, 3]] * 3
    )
    layer, moved = graph.add("dense", "before", units=3, activation="sigmoid"), graph.add("take_action", "moved")
    at = f"{name}_1.y" if name == "rollout" else world
    graph.connect(world, moved["world"])
    graph.connect(at, layer)
    graph.connect(layer, moved["action"])
    graph.connect(moved["onward"], world["next"])
    if name == "rollout":
        graph.connect(world, f"{name}_1.start")
        graph.connect(at, moved["at"])
        graph.connect(moved["onward"], f"{name}_1.x")
    else:
        came = {"world": world["state"], "next": world["state"], "reward": moved["reward"], "action": layer["h"]}
        for port in kind.inputs:
            if not port.optional:
                graph.connect(came.get(port.name, layer["h"]), f"{node.id}.{port.name}")
    answer = f"{node.id}.{kind.outputs[0].name}"
    if name == "rollout":
        last = graph.add("last_step", "last")
        graph.connect(answer, last)
        answer = "last.y"
    objective: str = node.id
    if name != "score":  # which is one number already
        objective = graph.add("mean", "goal", over="all")
        graph.connect(answer, objective)
    training = {"loss": objective, "batch_size": 4, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    return Document(graph, data="xor", precision="float64", training=training)
