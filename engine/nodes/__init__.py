"""What can be dragged onto the canvas: importing this package registers every family."""

from importlib import import_module
from pkgutil import iter_modules

from engine.nodes.base import (
    Choice,
    Dimensions,
    Flag,
    NodeType,
    Numbers,
    Port,
    Property,
    Real,
    Text,
    Whole,
    node_type,
    registered_node_types,
)

__all__ = [
    "Choice", "Dimensions", "Flag", "NodeType", "Numbers", "Port", "Property", "Real", "Text", "Whole",
    "node_type", "node_types",
]  # fmt: skip

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def node_types() -> dict[str, type[NodeType]]:
    """Every node type by its name, in the order of registration."""
    return registered_node_types()
