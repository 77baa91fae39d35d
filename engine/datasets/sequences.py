"""Sequences: one step after another, and something to be remembered, counted or foretold."""

from __future__ import annotations

import numpy as np

from engine.datasets.draws import Draws, Floats
from engine.datasets.options import Choice, Flag, Real, Whole
from engine.datasets.registry import SEED, Table, dataset, noise_deviation, sample_count

STEPS = Whole(10, low=2, high=500, unit="steps", help="How long each sequence is.")
WANTED = Choice("last", ("last", "every"), help="A target for the whole sequence, or one at every step.")
TEXT = (
    "the lion chased the deer. the deer saw the lion and ran to the river. "
    "the lion ran and ran but the deer was faster. the lion sat down by the river. "
    "the deer drank on the other side. then the sun went down and the lion slept. "
    "the deer saw the lion sleep and went home to the hills. "
)


def _names(steps: int, *features: str) -> tuple[str, ...]:
    """One name for each number, step by step."""
    return tuple([f"{feature} {step + 1}" for step in range(steps) for feature in features])


def _labels(bits: Floats, wanted: str, what: str) -> dict[str, object]:
    """Bits (rows, steps) as targets: of the last step, a label; of every step, a number each."""
    if wanted == "last":
        return {"targets": bits[:, -1].astype(np.int64), "target_names": (what,), "task": "binary"}
    names = tuple([f"{what} at step {step + 1}" for step in range(bits.shape[1])])
    return {"targets": bits[:, :, None], "target_names": names, "task": "regression"}


@dataset(
    "bit_to_remember",
    title="A bit to remember",
    help="The first step says a bit, distractors follow, and the bit is asked for at the end.",
    task="binary",
    source="Delayed recall, after Aggarwal 2023, §8.5; Hochreiter & Schmidhuber 1997",
    options={
        "samples": sample_count(128),
        "steps": STEPS,
        "distractors": Real(1.0, low=0, high=10, help="Deviation of what comes in behind the first step."),
        "seed": SEED,
    },
)
def bit_to_remember(samples: int, steps: int, distractors: float, seed: int) -> Table:
    """Step 1 is −1 or +1, half of the rows each; all later ones are normal noise. The label is 1 where it was +1."""
    draws = Draws(seed, "points")
    bits = draws.order(samples) % 2
    noise = distractors * Draws(seed, "noise").normal(samples, steps - 1)
    inputs = np.concatenate([(2.0 * bits - 1)[:, None], noise], axis=1)[:, :, None]
    said = (
        f"{samples} sequences of {steps} steps: −1 or +1, then normal noise of deviation {distractors:g}, seed {seed}."
    )
    return Table(inputs, bits, _names(steps, "x"), ("bit",), "binary", ("−1", "+1"), preparation=(said,))


@dataset(
    "adding_problem",
    title="The adding problem",
    help="Two of many numbers are marked; their sum is asked for at the end.",
    task="regression",
    source="Hochreiter & Schmidhuber 1997, experiment 4",
    options={"samples": sample_count(256), "steps": STEPS, "seed": SEED},
)
def adding_problem(samples: int, steps: int, seed: int) -> Table:
    """Each step brings a number of [0, 1) and a mark; one mark lies in each half. The target is the marked numbers' sum."""
    numbers = Draws(seed, "points").uniform(samples, steps)
    places = Draws(seed, "marks").uniform(samples, 2)
    half = steps // 2
    first = (places[:, 0] * half).astype(np.int64)
    second = half + (places[:, 1] * (steps - half)).astype(np.int64)
    marks, rows = np.zeros((samples, steps)), np.arange(samples)
    marks[rows, first] = marks[rows, second] = 1.0
    targets = (numbers[rows, first] + numbers[rows, second])[:, None]
    said = f"{samples} sequences of {steps} numbers of [0, 1), two of them marked, seed {seed}."
    inputs = np.stack([numbers, marks], axis=2)
    return Table(inputs, targets, _names(steps, "number", "mark"), ("sum",), "regression", preparation=(said,))


@dataset(
    "parity",
    title="Parity of a bit string",
    help="Is the number of ones odd? One bit of memory is enough, and it flips at every 1.",
    task="any",
    source="COMP9444 and Maastricht lecture notes; exclusive or, step after step",
    options={"samples": sample_count(128), "steps": STEPS, "wanted": WANTED, "seed": SEED},
)
def parity(samples: int, steps: int, wanted: str, seed: int) -> Table:
    """Random bits; the label is 1 where the number of ones so far is odd. All strings once where they are few enough."""
    if 2**steps <= samples:
        bits = ((np.arange(2**steps)[:, None] >> np.arange(steps)[::-1]) & 1).astype(np.float64)
        said = f"All {2**steps} strings of {steps} bits, in counting order."
    else:
        bits = (Draws(seed, "points").uniform(samples, steps) < 0.5).astype(np.float64)
        said = f"{samples} random strings of {steps} bits, seed {seed}."
    odd = np.cumsum(bits, axis=1) % 2
    labels = _labels(odd, wanted, "odd")
    names = ("even", "odd") if wanted == "last" else ()
    return Table(
        bits[:, :, None], input_names=_names(steps, "bit"), class_names=names, preparation=(said,),
        labels="0/1" if wanted == "last" else "", **labels,  # type: ignore[arg-type]
    )  # fmt: skip


@dataset(
    "sine_sequence",
    title="A sine wave to predict",
    help="Pieces of a wave; what comes one step later is asked for.",
    task="regression",
    source="A sine; Aggarwal 2023, §8.7.5: real-valued sequences",
    options={
        "samples": sample_count(64),
        "steps": STEPS,
        "period": Real(12.0, low=2, high=1000, unit="steps", help="After how many steps the wave comes again."),
        "ahead": Whole(1, low=1, high=100, unit="steps", help="How far ahead is asked for."),
        "wanted": Choice("every", ("last", "every"), help="The next number after every step, or after the last."),
        "noise": noise_deviation(0.0, "the wave"),
        "seed": SEED,
    },
)
def sine_sequence(samples: int, steps: int, period: float, ahead: int, wanted: str, noise: float, seed: int) -> Table:
    """Pieces begin at random phases; targets are the wave itself, `ahead` steps later, without the noise."""
    phase = 2 * np.pi * Draws(seed, "points").uniform(samples)[:, None]
    wave = np.sin(phase + 2 * np.pi * np.arange(steps + ahead) / period)
    inputs = wave[:, :steps] + noise * Draws(seed, "noise").normal(samples, steps)
    later = wave[:, ahead:]
    targets = later[:, :, None] if wanted == "every" else later[:, -1:]
    names = tuple([f"next {step + 1}" for step in range(steps)]) if wanted == "every" else ("next",)
    said = [f"{samples} pieces of {steps} steps of a sine of period {period:g}, phases drawn with seed {seed}."]
    if noise > 0:
        said.append(f"Normal noise of deviation {noise:g} was added to the inputs, seed {seed}.")
    return Table(inputs[:, :, None], targets, _names(steps, "x"), names, "regression", preparation=tuple(said))


@dataset(
    "short_text",
    title="A short text, letter by letter",
    help="A story of a lion and a deer; the letter that comes next is asked for.",
    task="any",
    matter="text",
    source="Written for this program, after the lion and the deer of Aggarwal 2023, §8.2.1",
    options={
        "steps": Whole(12, low=1, high=200, unit="letters", help="How many letters are read."),
        "stride": Whole(3, low=1, high=200, unit="letters", help="How far on the next piece begins."),
        "wanted": Choice(
            "last", ("last", "every"), help="The letter behind the piece, or the one behind every letter."
        ),
        "columns": Flag(True, help="A column for each letter; else its number in the alphabet of the text."),
    },
)
def short_text(steps: int, stride: int, wanted: str, columns: bool) -> Table:
    """Pieces of the text; letters are numbered in the order of their codes. It is a circle: the end leads to the start."""
    alphabet = sorted(set(TEXT))
    codes = np.array([alphabet.index(letter) for letter in TEXT])
    starts = np.arange(0, len(codes), stride)
    pieces = codes[(starts[:, None] + np.arange(steps + 1)) % len(codes)]
    names = tuple(["space" if letter == " " else letter for letter in alphabet])
    eye = np.eye(len(alphabet))
    inputs = eye[pieces[:, :-1]] if columns else pieces[:, :-1].astype(np.float64)
    said = f"{len(starts)} pieces of {steps} letters, one every {stride}, of a text of {len(codes)} that begins “{TEXT[:24]}”."
    named = _names(steps, *names) if columns else _names(steps, "letter")
    if wanted == "last":
        return Table(inputs, pieces[:, -1], named, ("next letter",), "classes", names, preparation=(said,))
    every = eye[pieces[:, 1:]]
    return Table(inputs, every, named, _names(steps, *names), "regression", preparation=(said,))


ORDERS = ("reversed", "sorted", "same")


@dataset(
    "symbols_to_reorder",
    title="Symbols to put in another order",
    help="Rows of symbols are to be answered from the end, sorted, or as they are: what attention can look up.",
    task="regression",
    source="Made for this program; the copy and reversal tasks of Graves et al. 2014",
    options={
        "samples": sample_count(256),
        "steps": Whole(5, low=1, high=100, unit="symbols", help="How long each row is."),
        "symbols": Whole(4, low=2, high=100, unit="symbols", help="How many different ones there are."),
        "answer": Choice("reversed", ORDERS, help="In which order they are wanted."),
        "seed": SEED,
    },
)
def symbols_to_reorder(samples: int, steps: int, symbols: int, answer: str, seed: int) -> Table:
    """Symbol numbers (samples, steps); targets have a column for each symbol at every step."""
    rows = (Draws(seed, "points").uniform(samples, steps) * symbols).astype(np.int64)
    wanted = {"reversed": rows[:, ::-1], "sorted": np.sort(rows, axis=1), "same": rows}[answer]
    said = f"{samples} rows of {steps} symbols out of {symbols}, to be answered {answer}, seed {seed}."
    names = _names(steps, *[chr(ord("A") + symbol) if symbols <= 26 else str(symbol) for symbol in range(symbols)])
    return Table(
        rows.astype(np.float64),
        np.eye(symbols)[wanted],
        _names(steps, "symbol"),
        names,
        "regression",
        preparation=(said,),
    )
