"""Whatever is done to a document's file: it opens, or says in sentences why not; never anything else."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import presets
from engine.composites import Composite, define
from engine.document import Document
from engine.graph import Graph
from engine.journal import Journal
from engine.problems import Problem
from tests.engine.test_document import ARCHITECTURE, named_xor

TYPED = {
    "chainrule": 1,
    "id": "typed",
    "precision": "float64",
    "graph": {
        "nodes": [
            {"id": "input_1", "type": "input", "position": [0, 0]},
            {"id": "neuron_1", "type": "neuron", "title": "σ", "properties": {}, "flags": ["pinned", "bypassed"]},
            {"id": "constant_1", "type": "constant", "properties": {"value": [[1, 2], [3, 4.5]]}},
            {"id": "parameter_1", "type": "parameter", "properties": {"shape": [2]}},
            {"id": "mystery_1", "type": "mystery", "properties": {"deep": [{"a": [1]}]}},
            {"id": "target_1", "type": "target"},
            {"id": "mean_squared_error_1", "type": "mean_squared_error"},
        ],
        "wires": [
            {"from": "input_1.value", "to": "neuron_1.x", "order": 0},
            {"from": "mystery_1.y", "to": "neuron_1.weight", "muted": True},
            {"from": "target_1.value", "to": "mean_squared_error_1.target", "bend": 3},
        ],
        "frames": [{"id": "frame_1", "nodes": ["neuron_1", "gone"], "colour": "blue"}],
        "notes": [{"id": "note_1", "text": "$w^2$", "size": [100, 50]}],
        "composites": {"cell": {"nodes": []}},
    },
    "data": {"train": {"inputs": [[1, 2], [3, 4]], "targets": [0, 1]}, "test": {"name": "moons", "samples": 20}},
    "training": {"loss": "mean_squared_error_1", "optimizer": {"type": "momentum", "momentum": 0.5}},
    "tour": [{"text": "Start", "select": ["neuron_1"]}],
}


def composites() -> dict[str, Any]:
    """A document in which composites use composites, one with a number at a free port."""
    graph = Graph()
    x, block, layer = graph.add("input", shape=(5, 8)), graph.add("encoder_block"), graph.add("lstm_layer", units=2)
    graph.connect(x, block)
    graph.connect(block, layer)
    inside = Graph()
    inside.add("port_in", "x")
    inside.add("port_in", "by", default=2.0)
    inside.add("multiply")
    inside.add("port_out", "y")
    for wire in (("x", "multiply_1"), ("by", "multiply_1"), ("multiply_1", "y")):
        inside.connect(*wire)
    define(graph, Composite("times", graph=inside))
    graph.connect(layer["h"], graph.add("times")["x"])
    return Document(graph).to_json()


SHIPPED = sorted(Path(presets.__file__).parent.glob("*/*.json"))
DOCUMENTS = [
    ARCHITECTURE,
    named_xor().to_json(),
    TYPED,
    composites(),
    *(json.loads(path.read_text("utf-8")) for path in SHIPPED),
]

WORDS = ["", "x", "dense_1", "dense_1.x", "input_1.value", "Dense 1", "ünï", "\ud800", "a" * 5000, "all", "tanh", "NaN"]
KEYS = ["id", "type", "units", "from", "nodes", "chainrule", "properties", "shape", "activation", "", "ä.b[0]"]
NUMBERS = [0, -1, 1, 2, 1.5, 10**12, 10**15, -(10**40), 1e300, -0.0, float("nan"), float("inf"), 2**31, 65_536]
LEAVES = st.sampled_from([None, True, False, *NUMBERS, *WORDS])
VALUES = st.recursive(
    LEAVES | st.text(max_size=5) | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def places(value, found=None):
    """Every (container, key) of a tree."""
    found = [] if found is None else found
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found.append((value, key))
            places(value[key], found)
    return found


@st.composite
def mutated(draw):
    """A document with one to six parts deleted, exchanged, doubled, renamed or nested."""
    value = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 6))):
        every = places(value)
        if not every:
            break
        container, key = every[draw(st.integers(0, len(every) - 1))]
        other, other_key = every[draw(st.integers(0, len(every) - 1))]
        act = draw(st.sampled_from(["delete", "value", "number", "part", "double", "rename", "deep", "wrap"]))
        if act == "delete":
            del container[key]
        elif act == "value":
            container[key] = draw(VALUES)
        elif act == "number":
            container[key] = draw(st.sampled_from(NUMBERS))
        elif act == "part":
            container[key] = copy.deepcopy(other[other_key])
        elif act == "deep":
            container[key] = deep(draw(st.sampled_from([5, 99, 150, 300])))
        elif act == "wrap":
            container[key] = [container[key], container[key]]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif act == "rename":
            container[draw(st.sampled_from(KEYS))] = container.pop(key)
    return value


def shown(problems):
    for problem in problems:
        assert isinstance(problem, Problem)
        assert problem.fact
        assert len(str(problem)) < 2000
        str(problem).encode()
    return {problem.fact for problem in problems}


def holds(document):
    """What a document promises, however its file looked."""
    told = shown(document.problems)
    shown(document.check())
    written = document.to_json()
    again = Document.from_json(json.loads(json.dumps(written, allow_nan=False)))
    assert shown(again.problems) <= told
    assert again.to_json() == written


@pytest.mark.parametrize("value", DOCUMENTS, ids=lambda value: value["id"])
def test_the_documents_that_are_mutated_hold_themselves(value):
    holds(Document.from_json(value))


@settings(max_examples=300)
@given(value=mutated())
def test_a_mutated_document_opens_or_says_why_not(value):
    holds(Document.from_json(value))


@settings(max_examples=300)
@given(value=mutated(), data=st.data())
def test_mutated_bytes_open_or_say_why_not(value, data, tmp_path_factory):
    content = bytearray(json.dumps(value, indent=data.draw(st.sampled_from([None, 1]))).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content)))
        span = data.draw(st.integers(0, 3))
        content[place : place + span] = data.draw(
            st.sampled_from([b"", b",", b'"', b"{", b"]", b"\\", b"\xff", b"\0", b"-", b"1e9999", b"NaN", b"9" * 20])
        )
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path_factory.getbasetemp() / "mutated.json"
    path.write_bytes(content)
    document = Document.load(path)
    holds(document)
    document.save(path)
    assert Document.load(path).to_json() == document.to_json()


@settings(max_examples=100)
@given(value=st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_json_opens_or_says_why_not(value):
    document = Document.from_json(value)
    assert document.problems
    holds(document)


@settings(max_examples=100)
@given(content=st.binary())
def test_any_bytes_open_or_say_why_not(content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "bytes.json"
    path.write_bytes(content)
    document = Document.load(path)
    assert document.problems
    holds(document)
    _, _, problems = Journal.replay(path)
    assert problems
    shown(problems)
