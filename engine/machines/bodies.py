"""Which body the CPU plays for an instruction: the primitive's own, or a better one for this precision and size."""

from __future__ import annotations

from collections.abc import Callable

from engine.machines.processor import vector_length
from engine.primitives.base import Kernel, Variant
from engine.tape import Instruction

# A body that is imported only when it is compiled, because its module imports Numba.
PRODUCT = "engine.machines.products:product"
Choice = Callable[[Instruction], tuple[Kernel, Variant] | None]


def _product(bias: int = 0, sums: int = 0) -> Choice:
    def choose(instruction: Instruction) -> tuple[Kernel, Variant] | None:
        columns, b_column = instruction.fields[4], instruction.fields[9]
        if b_column != 1:
            return None  # the tile reads the rows of B
        return Kernel("product_tile", PRODUCT), (
            ("BIAS", bias),
            ("SUMS", sums),
            ("NARROW", int(columns <= vector_length())),
        )

    return choose


_BETTER: dict[str, dict[str, Choice]] = {
    "float32": {"matmul_body": _product(), "linear_body": _product(bias=1), "linear_gradient_body": _product(sums=1)},
    "float64": {},
}


def body_of(instruction: Instruction, dtype: str) -> tuple[Kernel, Variant]:
    """The kernel to play and the variant to compile it in."""
    better = _BETTER[dtype].get(instruction.kernel.name)
    chosen = better(instruction) if better else None
    return chosen or (instruction.kernel, instruction.variant)
