"""Places of views: out of documents of any content, into rows, columns and tabs, and back onto a screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views.places import Block, Place, bounds, divide, in_sight, joined, outline, parts_of, side_by_side
from app.views.wanted import entries_of, free_name, listed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["rect", "share", "x"]), inner),
    max_leaves=6,
)
SCREEN = (0.0, 0.0, 1920.0, 1080.0)


@st.composite
def cut_blocks(draw, depth=3, across=True, rect=(0.0, 0.0, 1.0, 1.0), names=None):
    """A side cut into at most 3³ parts, each at least a tenth of the whole, with up to two views behind one another."""
    names = names if names is not None else iter(f"view_{count}" for count in range(100))
    left, top, width, height = rect
    count = draw(st.integers(1, 3)) if depth and (width if across else height) > 0.45 else 1
    if count == 1:
        return Block(rect, names=tuple(next(names) for _ in range(draw(st.integers(1, 2)))))
    parts = []
    for index in range(count):
        inner = (
            (left + width * index / count, top, width / count, height)
            if across
            else (left, top + height * index / count, width, height / count)
        )
        parts.append(draw(cut_blocks(depth - 1, not across, inner, names)))
    return Block(rect, parts=tuple(parts), across=across)


def rects_of(block):
    if block.names:
        return dict.fromkeys(block.names, block.rect)
    return {name: rect for part in block.parts for name, rect in rects_of(part).items()}


@given(cut_blocks())
def test_the_cuts_are_found_from_the_rectangles(block):
    rects = rects_of(block)
    found = rects_of(divide(rects))
    assert all(found[name] == pytest.approx(rect) for name, rect in rects.items())
    # Four quarters can be cut in two ways, but always in the same one.
    assert divide(parts_of(rects)).shape == divide(rects).shape


@given(JSON, JSON, JSON, JSON, st.sampled_from(["left", "bottom", "nowhere", 3, None]))
def test_no_content_of_a_document_breaks_a_place(window, rect, share, front, side):
    place = Place.from_json({"window": window, "rect": rect, "share": share, "front": front, "side": side})
    assert place is None or Place.from_json(place.to_json()) == place


def test_a_place_is_written_and_read():
    docked = Place("right", (0.0, 0.5, 1.0, 0.5), 0.25, front=False)
    torn = Place(window=(-1800, 40, 640, 480))
    assert Place.from_json(docked.to_json()) == docked
    assert torn.to_json() == {"window": [-1800, 40, 640, 480]}
    assert Place.from_json(torn.to_json()) == torn


def test_views_stand_side_by_side_while_there_is_room_and_then_share_tabs():
    wide = side_by_side(["loss", "boundary", "weights"], 1200)
    assert [place.rect[0] for place in wide.values()] == [0.0, 0.333, 0.667]
    narrow = side_by_side(["loss", "boundary", "weights"], 650)
    assert narrow["boundary"].rect == narrow["weights"].rect != narrow["loss"].rect
    assert narrow["boundary"].front and not narrow["weights"].front


@pytest.mark.parametrize(("width", "shares"), [(1200, False), (500, True)])
def test_a_view_more_takes_half_of_the_widest_or_a_tab(width, shares):
    places = joined({"loss": Place()}, "surface", width)
    assert (places["loss"].rect == places["surface"].rect) is shares
    assert bounds(place.rect for place in places.values()) == (0.0, 0.0, 1.0, 1.0)
    assert places["surface"].front


def test_a_size_is_no_other_arrangement_but_another_neighbour_is():
    before = {"loss": Place(rect=(0, 0, 0.5, 1)), "boundary": Place(rect=(0.5, 0, 0.5, 1))}
    wider = {"loss": Place(rect=(0, 0, 0.7, 1), share=0.5), "boundary": Place(rect=(0.7, 0, 0.3, 1), share=0.5)}
    swapped = {"boundary": before["loss"], "loss": before["boundary"]}
    assert outline(before) == outline(wider)
    assert outline(before) != outline(swapped)
    assert outline(before) != outline({**before, "loss": Place(window=(0, 0, 400, 300))})


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ((100, 100, 600, 400), (100, 100, 600, 400)),
        ((1900, 100, 600, 400), (1320, 100, 600, 400)),
        ((-3000, -900, 600, 400), (0, 0, 600, 400)),
        ((100, 1070, 600, 400), (100, 680, 600, 400)),
        ((5000, 5000, 4000, 3000), (0, 0, 1920, 1080)),
    ],
)
def test_a_window_whose_head_cannot_be_reached_comes_back_onto_the_screen(window, found):
    assert in_sight(window, [SCREEN]) == found


def test_a_window_on_a_second_screen_stays_there():
    assert in_sight((-1800, 40, 640, 480), [SCREEN, (-1920.0, 0.0, 1920.0, 1080.0)]) == (-1800, 40, 640, 480)


# names ---------------------------------------------------------------------------------------------------------------


def test_every_view_has_a_name_of_its_own():
    views = [{"type": "weights"}, {"type": "weights"}, {"type": "weights", "id": "weights"}, {"type": 3}, {}]
    assert list(entries_of(views)) == ["weights", "weights_2", "weights_3"]
    assert free_name("weights", {"weights": 1, "weights_3": 1}) == "weights_2"


def test_a_document_that_names_none_shows_the_usual_ones_and_one_that_wants_none_shows_none():
    assert list(entries_of([])) == ["loss", "boundary"]
    assert entries_of([{"type": "none"}]) == {}
    assert listed({}) == [{"type": "none"}]


def test_what_is_read_is_what_was_listed():
    entries = {"weights_2": {"type": "weights", "picture": "histogram"}, "los": {"type": "los", "of the future": 1}}
    assert listed(entries) == [
        {"type": "weights", "picture": "histogram", "id": "weights_2"},
        {"type": "los", "of the future": 1},
    ]
    assert entries_of(listed(entries))["weights_2"]["picture"] == "histogram"
