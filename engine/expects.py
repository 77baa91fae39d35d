"""What a document promises of itself (`expects`): played from the start, judged, and told in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.session import Session

MOST_ITERATIONS = 10_000_000
ROWS = {"": "train", "training": "train", "test": "test"}
PLACES = {"train": "on the training rows", "test": "on the test rows"}

Verdict = tuple[str, bool]


def check(session: Session) -> list[Verdict]:
    """A sentence for each of the document's expectations, and whether it holds, in the order of the document.

    The session is reset and then played as far as the latest of them asks. An expectation is an object:

    what    `loss`, or a metric by its type (`accuracy`, `mistakes`); `.training` (where nothing is said) or `.test` behind it
            says on which rows; `value` or `gradient` of what `of` names
    of      `node.port` or `node.parameter`
    after   iterations to play first; 0 where it is not said
    below, above  a bound that is not reached; `is` with `within`: a number, or nested lists of numbers, and a tolerance
    """
    expectations = session.document.expects
    verdicts: dict[int, Verdict] = {}
    session.reset()
    # Values are read in the middle of an iteration: of those that come at one time, they come last.
    for index in sorted(range(len(expectations)), key=lambda at: _time(expectations[at])):
        verdicts[index] = _judge(session, expectations[index])
    return [verdicts[index] for index in range(len(expectations))]


def _time(expectation: Mapping[str, Any]) -> tuple[int, bool]:
    return _after(expectation) or 0, expectation.get("what") in ("value", "gradient")


def _after(expectation: Mapping[str, Any]) -> int | None:
    after = expectation.get("after", 0)
    sound = isinstance(after, int) and not isinstance(after, bool) and 0 <= after <= MOST_ITERATIONS
    return after if sound else None


def _judge(session: Session, expectation: Mapping[str, Any]) -> Verdict:
    after, what = _after(expectation), expectation.get("what")
    if after is None:
        return f"“after” is a whole number of iterations up to {MOST_ITERATIONS:,}", False
    if after > session.iteration:  # even a run of 0 iterations finishes the one that was begun
        session.run(after - session.iteration)
    if session.problem is not None:
        return f"the run stopped before iteration {after:,}: {session.problem}", False
    read = _inside if what in ("value", "gradient") else _measured
    name, numbers = read(session, expectation)
    when = f" after {after:,} iteration{'s' if after > 1 else ''}" if after else " at the start"
    if numbers is None:
        return f"{name}{when}: there is no such number", False
    return _compared(name + when, numbers, expectation)


def _inside(session: Session, expectation: Mapping[str, Any]) -> tuple[str, Any]:
    """A value or a gradient of the present iteration, before its update."""
    what, address = str(expectation["what"]), str(expectation.get("of", ""))
    # An iteration without an update was played to its end for the expectation before: it is still the one meant.
    if session.iteration <= (_after(expectation) or 0):
        _play_up_to(session, "update")
    look: Callable[[str], Any] = session.value if what == "value" else session.gradient
    try:
        return f"{what} of {address}", look(address)
    except KeyError:
        return f"{what} of {address}", None


def _measured(session: Session, expectation: Mapping[str, Any]) -> tuple[str, Any]:
    """The loss or a metric, over all rows of a part of the data."""
    metric, _, rows = str(expectation.get("what", "")).partition(".")
    if rows not in ROWS:
        return f"“{expectation.get('what')}”", None
    part = ROWS[rows]
    measured = session.evaluate(part)  # type: ignore[arg-type]
    if metric == "loss" and not measured and part == "train":
        _play_up_to(session, "backward")
        return "loss", session.loss
    return f"{metric} {PLACES[part]}", measured.get(metric)


def _play_up_to(session: Session, part: str) -> None:
    """Steps of this iteration up to the first of that part, or to its end where it has none."""
    begun = session.iteration
    order = ("batch", "forward", "backward", "update")
    while session.problem is None and session.iteration == begun and session.next_step is not None:
        if order.index(session.next_step.part) >= order.index(part):
            return
        session.step()


def _compared(name: str, found: Any, expectation: Mapping[str, Any]) -> Verdict:
    numbers = np.asarray(found, np.float64)
    try:
        bounds = {
            word: np.asarray(expectation[word], np.float64) for word in ("below", "above", "is") if word in expectation
        }
        within = float(expectation.get("within", 0.0))
    except (TypeError, ValueError):
        return f"{name}: what is expected is no number", False
    if not bounds:
        return f"{name}: nothing is expected of it; say “below”, “above” or “is”", False
    said, holds = [], True
    for word, bound in bounds.items():
        if word == "is":
            fits = numbers.shape == bound.shape and bool((np.abs(numbers - bound) <= within).all())
            said.append(f"expected {_text(bound)}" + (f" within {within:g}" if within else ""))
        else:
            fits = bool((numbers < bound if word == "below" else numbers > bound).all())
            said.append(f"expected {word} {_text(bound)}")
        holds = holds and fits
    return f"{name}: {_text(numbers)}, {' and '.join(said)}", holds


def _text(numbers: np.ndarray[Any, Any]) -> str:
    if numbers.shape == ():
        return f"{float(numbers):.10g}"
    if numbers.size > 12:
        return f"{numbers.size} numbers from {numbers.min():.6g} to {numbers.max():.6g}"
    return "[" + ", ".join(_text(entry) for entry in numbers) + "]"
