"""Learning from rewards: what makes rewarded actions likelier, and what makes a value agree with the next one."""

from __future__ import annotations

from typing import Any

from engine.nodes.base import Choice, Flag, Port, Real, node_type
from engine.nodes.losses import LOSS, ExampleLoss, number_each
from engine.nodes.random import classes_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

ACTION = Port(
    "action", "(batch) or (batch, actions)", kind="index", symbol="a",
    help="The number of the action taken, or a column for each with 1 in its place.",
)  # fmt: skip


def taken(build: Builder, table: Value, action: Value, port: str = "action") -> Value:
    """The entry of each row that the action names. Raises `ShapeMismatch`."""
    if action.shape == table.shape and action.kind == "real":
        return build.emit("sum", table * action, axes=(table.rank - 1,))
    rows = table.shape[:-1]
    if action.shape not in (rows, (*rows, 1)):
        fact = f"actions of shape {shape_text(action.shape)} meet values of shape {shape_text(table.shape)}"
        raise shape_mismatch(fact, "Give the number of one action for each example.", port=port)
    if action.shape != rows:
        action = build.emit("reshape", action, shape=rows)
    return build.emit("pick", table, action if action.kind == "whole" else build.emit("to_whole", action))


@node_type
class Reinforce(ExampleLoss):
    """Makes actions likelier that were rewarded above the baseline: its slope is that of the expected reward, on average."""

    name, title, icon = "reinforce", "REINFORCE", "trending-up"
    formula = r"L = -\frac{1}{n}\sum_i (R_i - b) \ln p_{i a_i}"
    source = "Williams 1992; Aggarwal 2023, eqs 11.25 and 11.26, which maximises"
    inputs = (
        Port("logits", "(batch, actions)", symbol="z", help="One score per action: the loss holds the softmax itself."),
        ACTION,
        Port("reward", "(batch)", symbol="R", help="What followed in the long run; a constant to the derivative."),
        Port("baseline", "() or (batch)", symbol="b", default=0.0, help="What was expected; a constant to the derivative."),
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        logits: Value = values["logits"]
        classes_of(logits)
        chance = taken(build, build.emit("log_softmax", logits), values["action"])
        reward, baseline = number_each(build, values["reward"], chance, "reward"), values["baseline"]
        if baseline.shape:
            baseline = number_each(build, baseline, chance, "baseline")
        return self.reduce(build, -(build.emit("stop_gradient", reward - baseline) * chance))


@node_type
class TemporalDifference(ExampleLoss):
    """The squared difference between a value and what the next moment says of it: reward plus discounted next value."""

    name, title, icon = "td_error", "temporal difference", "diff"
    formula = r"L = \frac{1}{n}\sum_i \left(r_i + \gamma \max_a Q'_{ia} - Q_{i a_i}\right)^2"
    source = "Aggarwal 2023, eqs 11.9 and 11.17 to 11.19, without ½; Sutton & Barto 2018, §6.1"
    inputs = (
        Port("value", "(batch, actions) or (batch, 1)", symbol="Q", help="Values at this moment."),
        Port("reward", "(batch)", symbol="r"),
        Port("next_value", "(batch, actions) or (batch, 1)", symbol="Q'", help="Values one moment later."),
        Port(ACTION.name, ACTION.shape, ACTION.kind, ACTION.symbol, ACTION.help, optional=True),
        Port(
            "chooser", "(batch, actions)", symbol="C", optional=True,
            help="Whose largest entry says which next value counts: another network's (double Q), or the next action (SARSA).",
        ),
        Port("done", "(batch)", symbol="d", optional=True, help="1 where the episode ends: nothing comes after."),
    )  # fmt: skip
    outputs = (LOSS, Port("error", "(batch)", symbol=r"\delta"))
    discount = Real(0.9, low=0.0, high=1.0, symbol=r"\gamma", help="How much the next value counts.")
    target = Choice(
        "fixed", ("fixed", "differentiated"),
        help="Whether what the next moment says is a constant to the derivative (the text), or learns too.",
    )  # fmt: skip
    half = Flag(False, help="Whether ½ stands before it, so that the derivative is the error itself.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        value = self._now(build, values["value"], values.get("action"))
        later = self._later(build, values["next_value"], values.get("chooser"))
        if later.shape != value.shape:
            fact = f"{shape_text(value.shape)} values meet {shape_text(later.shape)} next values"
            raise shape_mismatch(fact, "Give one next value for each value.", port="next_value")
        if values.get("done") is not None:
            later = (1 - number_each(build, values["done"], value, "done")) * later
        wanted = (
            number_each(build, values["reward"], value, "reward") + build.setting("discount", self.discount) * later
        )
        if self.target == "fixed":
            wanted = build.emit("stop_gradient", wanted)
        error = wanted - value
        loss = self.reduce(build, error * error)
        return {"loss": 0.5 * loss if self.half else loss, "error": error}

    def _now(self, build: Builder, value: Value, action: Value | None) -> Value:
        if action is not None:
            return taken(build, value, action)
        if value.rank > 1 and value.shape[-1] != 1:
            fact = f"there are values of {value.shape[-1]} actions, and nothing says which was taken"
            raise shape_mismatch(fact, "Wire the action, or give one value for each example.", port="action")
        return value if value.rank < 2 else build.emit("reshape", value, shape=value.shape[:-1])

    def _later(self, build: Builder, value: Value, chooser: Value | None) -> Value:
        if value.rank < 2:
            return value
        if chooser is not None:
            if chooser.shape != value.shape:
                fact = f"{shape_text(chooser.shape)} cannot choose among {shape_text(value.shape)} next values"
                raise shape_mismatch(fact, "Give both one column for each action.", port="chooser")
            return build.emit("pick", value, build.emit("argmax", chooser))
        return build.emit("max", value, axes=(value.rank - 1,))
