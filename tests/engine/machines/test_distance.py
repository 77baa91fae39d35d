"""How two threads send each other numbers: the faster way, as long as it is that."""

from __future__ import annotations

from engine.machines.distance import PATIENCE, Distance

TIMES = 1000


def chosen(distance, parts, far, near):
    """Which parts of so many went through the caches, where an iteration takes so long either way."""
    ways = []
    for _ in range(parts):
        ways.append(distance.choose())
        distance.note(ways[-1], TIMES, TIMES * (near if ways[-1] else far))
    return ways


def test_numbers_are_sent_the_faster_way_and_the_other_one_is_tried_now_and_then():
    distance = Distance()
    ways = chosen(distance, 2 * PATIENCE, far=5e-6, near=4e-6)
    assert ways[:2] == [False, True] and ways[2:].count(False) == 2
    chosen(distance, PATIENCE, far=5e-6, near=6e-6)  # the machine has moved a processor
    assert chosen(distance, PATIENCE, far=5e-6, near=6e-6).count(True) == 1


def test_a_part_that_was_held_up_does_not_change_the_way():
    distance = Distance()
    chosen(distance, 2, far=5e-6, near=4e-6)
    distance.note(True, TIMES, 1.0)
    assert distance.choose()


def test_a_short_part_says_nothing():
    distance = Distance()
    chosen(distance, 2, far=5e-6, near=4e-6)
    distance.note(False, 1, 1e-6)
    assert distance.choose()
