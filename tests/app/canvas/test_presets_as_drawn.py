"""The presets as the canvas draws them: with their pictures and fields, no node lies on another."""

from __future__ import annotations

from itertools import combinations

import pytest

from app import library
from app.canvas.geometry import measure
from app.canvas.wiring import Wiring
from app.editor.editor import Editor
from engine.graph import Graph


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
