"""The very first start: helpers begin before somebody asks, and only then."""

import pytest

from app import first_kernels
from app.library import chapters
from engine.compiling_ahead import compile_apart
from engine.machines import objects, store, workshop


class Listening(workshop.Workshop):
    """A workshop that only hears what is asked for."""

    def __init__(self):
        super().__init__(0)
        self.heard = []

    def ask(self, orders, *, urgent=True):
        self.heard += [(order.file, urgent) for order in orders]


def test_the_kernels_of_the_first_examples_are_ordered_while_nobody_waits(monkeypatch):
    shop = Listening()
    monkeypatch.setattr(workshop, "_workshop", shop)
    monkeypatch.setattr(objects, "is_kept", lambda name: False)
    # What other tests of this process have loaded would not be asked for again.
    monkeypatch.setattr(store, "_addresses", {})
    monkeypatch.setattr(store, "_loops", {})
    asked = iter([False, False, True])
    first_kernels.order_first_kernels(lambda: next(asked))
    assert len(shop.heard) > 10
    assert not any(urgent for _, urgent in shop.heard)


def test_nothing_is_ordered_on_a_later_start(monkeypatch):
    store.loop_address("iterate")
    shop = Listening()
    monkeypatch.setattr(workshop, "_workshop", shop)
    first_kernels.order_first_kernels(lambda: False)
    assert shop.heard == []


@pytest.mark.parametrize(("place", "heard"), [("nowhere", [("loop_play", True)]), ("", [])])
def test_where_nothing_was_ever_compiled_a_helper_begins_before_there_is_a_window(monkeypatch, tmp_path, place, heard):
    shop = Listening()
    monkeypatch.setattr(workshop, "_workshop", shop)
    monkeypatch.setattr(objects, "home", lambda: tmp_path / place)
    monkeypatch.setattr(objects, "is_kept", lambda name: False)
    compile_apart()
    assert shop.heard == heard


def test_each_chapter_is_begun():
    assert [preset.chapter for preset in first_kernels.first_presets()] == [chapter.id for chapter in chapters()]
