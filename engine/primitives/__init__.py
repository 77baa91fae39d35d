"""What can be computed: importing this package registers every family."""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from engine.primitives.base import Primitive
from engine.values import PRIMITIVES

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")


def all_primitives() -> list[Primitive]:
    """Every primitive in the order of registration."""
    return [cast(Primitive, primitive) for primitive in PRIMITIVES.values()]
