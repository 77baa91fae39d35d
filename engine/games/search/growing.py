"""One simulation in many trees, as kernels: each goes down to a leaf, and back up with what was found there.

Stones are the bits of two whole numbers for every position, those of the first player and those of the second; a row that
wins is a mask. Numbers are float64 and come out to the last bit as NumPy has them, see `tests/engine/games/numpy_trees.py`.
"""

from __future__ import annotations

import math

from engine.games.rules import Game
from engine.machines.worktop import Worktop
from engine.primitives.base import Arena, Code, Integers, kernel, scalar

# What an instruction tells, by its place: where parts begin among the numbers, and among the whole numbers; sizes.
VISITS, TOTAL, PRIOR, WORTH, CHANCES, JUDGED, EXPLORATION = range(7)
CHILD, FIRST, SECOND, COUNT, LEAF, ASKED, DEPTH, PATH, SEEN, LINES = range(7, 17)
ROOM, MOVES, CELLS, FALL, LONGEST, ROWS = range(17, 23)
NO_ROOM = -1  # where it stands whether the judge is asked
NAN = math.nan


@scalar()
def next_move(arena: Arena, instruction: Code, place: int, filled: int) -> int:
    """The legal move with the largest u = Q + K P √ΣN / (N + 1), the first of equal ones; where ΣN = 0 the largest P."""
    moves, exploration = instruction[MOVES], arena[instruction[EXPLORATION]]
    visits, total = instruction[VISITS] + place * moves, instruction[TOTAL] + place * moves
    prior = instruction[PRIOR] + place * moves
    tried = 0.0
    for move in range(moves):
        tried += arena[visits + move]
    best, highest = -1, 0.0
    for move in range(moves):
        if (filled >> move) & 1 == 0:
            score, times = arena[prior + move], arena[visits + move]
            if tried > 0.0:
                bonus = score / (times + 1.0)
                if exploration > 0.0:
                    bonus = exploration * score * math.sqrt(tried) / (times + 1.0)
                score = arena[total + move] / max(times, 1.0) + bonus
            if best < 0 or score > highest:
                best, highest = move, score
    return best


@scalar()
def put_down(arena: Arena, integers: Integers, instruction: Code, before: int, move: int, after: int) -> None:
    """Write down the position that a move leads to: its stones, and what it is worth where the game is over there."""
    cells, fall = instruction[CELLS], instruction[FALL]
    first, second = integers[instruction[FIRST] + before], integers[instruction[SECOND] + before]
    filled, cell, stones = first | second, move, 1
    while cell + fall < cells and (filled >> (cell + fall)) & 1 == 0:
        cell += fall
    while filled != 0:  # takes the lowest stone away
        filled &= filled - 1
        stones += 1
    if stones & 1 == 0:
        second |= 1 << cell
    else:
        first |= 1 << cell
    integers[instruction[FIRST] + after], integers[instruction[SECOND] + after] = first, second
    worth, winner = NAN if stones < cells else 0.0, 0
    for line in range(instruction[ROWS]):
        row = integers[instruction[LINES] + line]
        if first & row == row:
            winner |= 1
        if second & row == row:
            winner |= 2
    arena[instruction[WORTH] + after] = -1.0 if winner == 1 or winner == 2 else worth


@kernel
def descend_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    """From each root to a leaf: a position that is new and put down now, or one in which the game is over."""
    room, moves, cells = instruction[ROOM], instruction[MOVES], instruction[CELLS]
    for game in range(start, stop):
        at, depth, asked = 0, 0, 0
        while asked == 0 and math.isnan(arena[instruction[WORTH] + game * room + at]):
            place = game * room + at
            filled = integers[instruction[FIRST] + place] | integers[instruction[SECOND] + place]
            move = next_move(arena, instruction, place, filled)
            edge = place * moves + move
            integers[instruction[PATH] + game * instruction[LONGEST] + depth] = edge
            depth += 1
            at = integers[instruction[CHILD] + edge]
            if at < 0:
                at = integers[instruction[COUNT] + game]
                if at >= room:
                    at, depth, asked = 0, 0, NO_ROOM
                else:
                    integers[instruction[COUNT] + game] = at + 1
                    integers[instruction[CHILD] + edge] = at
                    put_down(arena, integers, instruction, place, move, game * room + at)
                    asked = 1
        if asked == 1 and not math.isnan(arena[instruction[WORTH] + game * room + at]):
            asked = 0
        integers[instruction[LEAF] + game] = at
        integers[instruction[ASKED] + game] = asked
        integers[instruction[DEPTH] + game] = depth
        first, second = (
            integers[instruction[FIRST] + game * room + at],
            integers[instruction[SECOND] + game * room + at],
        )
        for cell in range(cells):
            stone = ((first >> cell) & 1) - ((second >> cell) & 1)
            integers[instruction[SEEN] + game * cells + cell] = stone


@kernel
def back_up_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    """Back to each root: N of all edges of the way grows by 1, the sum by what was found, good for one player or the other."""
    moves = instruction[MOVES]
    for game in range(start, stop):
        place = game * instruction[ROOM] + integers[instruction[LEAF] + game]
        found = arena[instruction[WORTH] + place]
        if integers[instruction[ASKED] + game] == 1:
            found = arena[instruction[JUDGED] + game]
            for move in range(moves):
                chance = arena[instruction[CHANCES] + game * moves + move]
                arena[instruction[PRIOR] + place * moves + move] = chance
        for depth in range(integers[instruction[DEPTH] + game] - 1, -1, -1):
            found = -found
            edge = integers[instruction[PATH] + game * instruction[LONGEST] + depth]
            arena[instruction[VISITS] + edge] += 1.0
            arena[instruction[TOTAL] + edge] += found


KERNELS = (descend_body, back_up_body)


def worktop(game: Game, games: int, room: int) -> Worktop:
    """Room for the trees of so many games, in the order in which an instruction tells of it."""
    edges, places, moves = (games, room, game.moves), (games, room), (games, game.moves)
    numbers = {
        "visits": edges, "total": edges, "prior": edges, "worth": places, "chances": moves, "judged": (games,),
        "exploration": (1,),
    }  # fmt: skip
    wholes = {
        "child": edges, "first": places, "second": places, "count": (games,), "leaf": (games,), "asked": (games,),
        "depth": (games,), "path": (games, game.plies), "seen": (games, game.cells), "lines": (len(game.lines),),
    }  # fmt: skip
    fall = (
        game.columns if game.drops else game.cells
    )  # from a cell to the one below it; out of the board where none falls
    return Worktop(KERNELS, numbers, wholes, (room, game.moves, game.cells, fall, game.plies, len(game.lines)))
