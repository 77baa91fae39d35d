"""The presets as the canvas draws them: with their pictures and fields, no node lies on another."""

from __future__ import annotations

from itertools import combinations

import pytest

from app import library
from app.canvas.geometry import measure
from app.canvas.wiring import Wiring
from app.editor.editor import Editor
from engine.composite_library import library as composites
from engine.document import Document
from engine.graph import Graph
from engine.unrolling import delayed

WIDTHS = {
    "(batch, features)": (4,), "(batch, time, features)": (5, 8), "(batch, channels, height, width)": (8, 6, 6),
}  # fmt: skip


def overlapping(graph: Graph, shapes) -> list[tuple[str, str]]:
    wiring = Wiring(graph)
    boxes = {node.id: (*node.position, *measure(wiring, node, shapes).size) for node in graph}
    return [
        (one, other)
        for (one, (x, y, w, h)), (other, (u, v, wide, high)) in combinations(boxes.items(), 2)
        if x < u + wide and u < x + w and y < v + high and v < y + h
    ]


@pytest.mark.parametrize("chapter", [chapter.id for chapter in library.chapters()])
def test_no_node_lies_on_another(chapter, qapp):
    for preset in library.presets():
        if preset.chapter == chapter:
            editor = Editor(library.load_preset(preset))
            editor.check_now()
            document, shapes = editor.document, editor.shapes
            assert overlapping(document.graph, shapes) == [], preset.id
            for composite in document.graph.composites.values():
                uses = [node.id for node in document.graph if node.properties.get("of") == composite.id]
                for use in uses[:1]:
                    inside = {
                        key.removeprefix(f"{use}/"): shape for key, shape in shapes.items() if key.startswith(f"{use}/")
                    }
                    assert overlapping(composite.graph, inside) == [], f"{preset.id}, inside {composite.id}"


@pytest.mark.parametrize("name", composites())
def test_inside_a_shipped_composite_no_node_lies_on_another_and_values_flow_to_the_right(name, qapp):
    graph = Graph()
    use = graph.add(name, "use")
    first, *states = graph.nodes["use"].kind.inputs
    given = graph.add("input", "given", shape=WIDTHS[first.shape])
    graph.connect(given, use[first.name])
    for port in states:
        state = graph.add("dense", f"given_{port.name}", units=8)
        graph.connect(given, state["x"])
        graph.connect(state, use[port.name])
    editor = Editor(Document(graph))
    editor.check_now()
    assert editor.document.check() == []
    inside = graph.composites[name].graph
    shapes = {key.removeprefix("use/"): shape for key, shape in editor.shapes.items() if key.startswith("use/")}
    assert overlapping(inside, shapes) == []
    left = {node.id: node.position[0] for node in inside}
    assert all(left[wire.source_node] < left[wire.target_node] for wire in inside.wires if not delayed(inside, wire))
