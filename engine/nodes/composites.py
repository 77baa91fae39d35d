"""The ports of a composite as its inside sees them: where values come in from outside, and where they leave."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Text, node_type
from engine.problems import Problem, ProblemError
from engine.program import Builder
from engine.values import Value

PORT_KINDS = ("data", "parameter", "target", "loss", "index")
CATEGORY = "Composites"


class OneNumber(Numbers):
    """A single number, or none."""

    def check(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            raise self.refuse(f"“{self.name}” is one number or nothing", "Take the list away.")
        return super().check(value)


class Border(NodeType):
    """A port of a composite; its id is the name of the port outside, their order that of the nodes."""

    category, source = CATEGORY, ""
    shape = Text("any", longest=60, help="What belongs here, as a person reads it: (batch, features).")
    kind = Choice("data", PORT_KINDS, help="The colour of the port and of the wires at it.")
    symbol = Text("", longest=40, help="The letter it has in formulas (LaTeX); empty: its name.")
    help_text = Text("", help="One sentence about it, shown outside.")


@node_type
class PortIn(Border):
    """A value that comes into the composite from outside."""

    name, title, icon = "port_in", "port in", "log-in"
    formula = r"y = x_{\text{outside}}"
    outputs: ClassVar[tuple[Port, ...]] = (Port("value", "as outside", symbol="x"),)
    optional = Flag(False, help="Whether it may stay free; what it leads to is then free as well.")
    default = OneNumber(None, help="The number that stands here while nothing is connected; empty: none.")

    def lower(self, build: Builder, **values: Any) -> Value:
        fact = "a port lies outside of any composite, and nothing comes in through it"
        raise ProblemError(Problem(fact, "Use an input, or group it into a composite.", kind="composite"))


@node_type
class PortOut(Border):
    """A value that leaves the composite."""

    name, title, icon = "port_out", "port out", "external-link"
    formula = r"y_{\text{outside}} = x"
    inputs: ClassVar[tuple[Port, ...]] = (Port("value", "any", symbol="x"),)
    outputs: ClassVar[tuple[Port, ...]] = ()

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        return {}
