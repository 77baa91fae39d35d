"""Nodes seen from afar: what stands on them can be read at any zoom, and what cannot be seen cannot be hit."""

import itertools

import pytest
from PySide6.QtCore import QRectF

from app.canvas.block import LINE, LINES_FROM, Block
from app.canvas.hits import hit_at
from engine.document import Document
from engine.graph import Graph
from tests.app.canvas.conftest import make_view


@pytest.mark.parametrize("zoom", [0.3, 0.46, 0.62, 0.79])
def test_the_parts_of_a_block_stand_below_each_other_inside_it(view, zoom):
    for item in view.canvas.nodes.values():
        if item.geometry.circle is not None:
            continue
        block = Block(item, zoom)
        whole = QRectF(0, 0, item.geometry.size[0] * zoom, item.geometry.size[1] * zoom)
        lines = [block.name, *block.numbers]
        assert all(line.height() == LINE for line in lines)
        assert all(whole.contains(line) for line in block.numbers)
        assert all(above.bottom() <= below.top() for above, below in itertools.pairwise(lines))


def test_a_field_that_a_block_does_not_show_cannot_be_hit(view):
    item = next(each for each in view.canvas.nodes.values() if any(row.text for row in each.geometry.fields))
    row = next(row for row in item.geometry.fields if row.text)
    place = item.pos() + row.box.center()
    assert hit_at(view.canvas, place, 1.0).kind == "field"
    assert hit_at(view.canvas, place, LINES_FROM - 0.01).kind == "node"


def test_a_long_name_takes_the_room_of_the_icon(qtbot):
    graph = Graph()
    graph.add("dense", id="short", title="judge", position=(0, 0))
    graph.add("dense", id="long", title="judge of the real ones", position=(400, 0))
    view = make_view(qtbot, Document(graph))
    short, long = (Block(view.canvas.nodes[name], 0.5) for name in ("short", "long"))
    assert short.has_icon and not long.has_icon
    assert long.name.width() > short.name.width()
