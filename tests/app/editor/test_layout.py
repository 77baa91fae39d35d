"""Automatic layout: values flow right, nothing overlaps, one step."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from app.editor.layout import arrange


@st.composite
def drawn_graphs(draw):
    count = draw(st.integers(1, 25))
    names = [f"n{index}" for index in range(count)]
    sizes = {name: (draw(st.integers(40, 320)), draw(st.integers(28, 240))) for name in names}
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    wires = [(names[min(pair)], names[max(pair)]) for pair in draw(st.lists(pairs, max_size=50)) if pair[0] != pair[1]]
    return sizes, wires


@given(drawn_graphs())
def test_values_flow_right_and_no_two_nodes_overlap(graph):
    sizes, wires = graph
    places = arrange(sizes, wires)
    for begin, end in wires:
        assert places[begin][0] + sizes[begin][0] < places[end][0] + 4
    for one, other in combinations(sizes, 2):
        (x, y), (u, v) = places[one], places[other]
        apart_across = x + sizes[one][0] <= u or u + sizes[other][0] <= x
        apart_down = y + sizes[one][1] <= v or v + sizes[other][1] <= y
        assert apart_across or apart_down


@given(drawn_graphs())
def test_the_same_graph_is_laid_out_the_same_way(graph):
    assert arrange(*graph) == arrange(*graph)


def test_a_chain_lies_on_one_line():
    sizes = dict.fromkeys("abcd", (100.0, 50.0))
    places = arrange(sizes, [("a", "b"), ("b", "c"), ("c", "d")])
    assert len({y for _, y in places.values()}) == 1


def test_two_swapped_chains_are_untangled():
    sizes = dict.fromkeys(("a", "b", "y", "x"), (100.0, 50.0))
    places = arrange(sizes, [("a", "x"), ("b", "y")])
    assert (places["a"][1] < places["b"][1]) == (places["x"][1] < places["y"][1])


def test_a_cycle_does_not_keep_the_rest_from_its_place():
    sizes = dict.fromkeys("abc", (100.0, 50.0))
    places = arrange(sizes, [("a", "b"), ("b", "c"), ("c", "b")])
    assert places["a"][0] < places["b"][0]


def test_layout_is_one_step_and_pinned_nodes_stay(chain):
    chain.set_flag(["target_1"], "pinned", True)
    before = chain.document.graph.nodes["target_1"].position
    count = chain.stack.count()
    chain.move(["dense_1"], 500, 300)
    chain.layout()
    assert chain.stack.count() == count + 2 and chain.stack.undoText() == "Lay out"
    assert chain.document.graph.nodes["target_1"].position == before
