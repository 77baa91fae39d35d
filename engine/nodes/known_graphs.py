"""Graphs that texts return to, by their neighbours."""

from __future__ import annotations

# Who met whom outside of a karate club of 34 members, and who stayed with the officers when it broke in two (Zachary 1977).
# Members count from 0: 0 is the instructor, 33 the officer. Each pair stands once, with the lower number.
KARATE_MEMBERS = 34
_MET = {
    0: (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31),
    1: (2, 3, 7, 13, 17, 19, 21, 30),
    2: (3, 7, 8, 9, 13, 27, 28, 32),
    3: (7, 12, 13),
    4: (6, 10),
    5: (6, 10, 16),
    6: (16,),
    8: (30, 32, 33),
    9: (33,),
    13: (33,),
    14: (32, 33),
    15: (32, 33),
    18: (32, 33),
    19: (33,),
    20: (32, 33),
    22: (32, 33),
    23: (25, 27, 29, 32, 33),
    24: (25, 27, 31),
    25: (31,),
    26: (29, 33),
    27: (33,),
    28: (31, 33),
    29: (32, 33),
    30: (32, 33),
    31: (32, 33),
    32: (33,),
}
KARATE = tuple([(member, other) for member, others in _MET.items() for other in others])
WITH_OFFICER = frozenset(
    (9, 14, 15, 18, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33)
)  # fmt: skip
LEADERS = (0, 33)
KNOWN = {"karate_club": (KARATE_MEMBERS, KARATE)}
