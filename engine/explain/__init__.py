"""What one step did to one entry, as formulas with the numbers put in; curves and factors for the inspector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.explain.backward import Backward
from engine.explain.curves import Curve
from engine.explain.curves import curve as curve_of
from engine.explain.factors import Factor, Factors
from engine.explain.factors import factors as factors_of
from engine.explain.forward import disagreement, forward_equations
from engine.explain.live import Live
from engine.explain.reading import Desk
from engine.explain.update import update_equations
from engine.snapshot import Equation, Explanation, State
from engine.tape import Step
from engine.values import Value

if TYPE_CHECKING:
    from engine.session import Session

__all__ = ["Curve", "Explainer", "Factor", "Factors", "curve", "explain", "factors"]


SET_SINCE = "A number was set by hand since. This is the update that would follow; it was not done."


class Explainer:
    """Explains the steps of one session's plan; made anew with every plan."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._desk = Desk(session)

    @property
    def desk(self) -> Desk:
        """What is kept between explanations; laid out anew when the drawing got other titles under the same plan."""
        if self._desk.document is not self.session.document:
            self._desk = Desk(self.session)
        return self._desk

    def explain(self, step: Step, row: int = 0, unit: int = 0) -> Explanation | None:
        """The formulas of a step for one row of the batch and one unit of the output; None where it has none.

        Row and unit beyond the ends are brought into range. Numbers that were not computed are None, role `absent`.
        """
        live = Live(self.session)
        if step.part == "update":
            return self._update(live, step, row, unit)
        value = self._value(step)
        if value is None:
            return None
        reading = self.desk.read(step.node, value, row, unit, live)
        if step.part == "forward":
            equations = forward_equations(reading)
        else:
            objective = (
                self.desk.notation.objectives[step.phase] if step.phase < len(self.desk.notation.objectives) else "L"
            )
            # Of an iteration before, what came out stands there until the step is played anew.
            is_done = self.session.playback.is_done(step.index) or self._gradient_state(step, value) != "current"
            equations = Backward(reading, step.phase, objective, is_done).write()
        entry = live.entry(value, row, unit)
        shape = live.shape(value)
        several = len(shape) > 1 and shape[-1] > 1
        title = self._title(step, f"unit {entry[-1] + 1}" if several else "")
        state = self.session.state_of(value)
        if step.part == "backward" and state == "current" and self._gradient_state(step, value) == "earlier":
            state = "earlier"
            if value.source is None:
                # It was computed anew, its derivative was not: one formula cannot hold numbers of two iterations.
                state, equations = "absent", [_without_numbers(line) for line in equations]
        note = disagreement(reading)
        if note and state == "earlier":
            # What the last iteration found was written over by its update: its numbers are not there to be told.
            state, equations, note = "absent", [_without_numbers(line) for line in equations], ""
        return Explanation(step.node, step.part, title, tuple(equations), state, note)

    def curve(self, node: str, row: int = 0, unit: int = 0) -> Curve | None:
        """What a node's function or activation does, around the number it is given now; None where it has no curve."""
        return curve_of(self.desk, node, row, unit) if node in self.session.document.graph.nodes else None

    def factors(self, node: str, row: int = 0, unit: int = 0, phase: int = 0) -> Factors | None:
        """Why the derivative by a node has its size; None where there is none yet."""
        return factors_of(self.desk, node, row, unit, phase) if node in self.session.document.graph.nodes else None

    def _update(self, live: Live, step: Step, row: int, unit: int) -> Explanation | None:
        playback = self.session.playback
        is_done = playback.is_done(step.index)
        was_played = is_done and not playback.is_recomputed
        equations: list[Equation] = update_equations(self.desk, live, step.node, step.phase, row, unit, was_played)
        state: State = "current" if is_done else "absent"  # of the last iteration's update no number stands there
        if not equations:
            return None
        note = SET_SINCE if is_done and playback.is_recomputed else ""
        return Explanation(step.node, "update", self._title(step, ""), tuple(equations), state, note)

    def _value(self, step: Step) -> Value | None:
        """The output that a step is about: backward, the first that the loss depends on."""
        outputs = self.desk.outputs(step.node, step.time)
        if step.part == "backward":
            gradients = self.session.program.gradients
            found = gradients[step.phase] if step.phase < len(gradients) else {}
            return next((value for value in outputs if value.index in found), None)
        return outputs[0] if outputs else None

    def _gradient_state(self, step: Step, value: Value) -> State:
        return self.session.gradient_state(self.session.program.gradients[step.phase][value.index])

    def _title(self, step: Step, unit: str) -> str:
        node = self.session.document.graph.nodes.get(step.node)
        name = node.name if node is not None else step.node
        if step.time >= 0:
            name = f"{name} at step {step.time + 1}"
        return " · ".join(part for part in (name, unit) if part)


def _without_numbers(line: Equation) -> Equation:
    terms = [term if term.number is None else term._replace(number=None, role="absent") for term in line.terms]
    return line._replace(terms=tuple(terms))


def explain(session: Session, step: Step, row: int = 0, unit: int = 0) -> Explanation | None:
    """What one step did to one entry, as formulas with the numbers of this step; see `Explainer.explain`."""
    return session.explainer.explain(step, row, unit)


def curve(session: Session, node: str, row: int = 0, unit: int = 0) -> Curve | None:
    """See `Explainer.curve`."""
    return session.explainer.curve(node, row, unit)


def factors(session: Session, node: str, row: int = 0, unit: int = 0) -> Factors | None:
    """See `Explainer.factors`."""
    return session.explainer.factors(node, row, unit)
