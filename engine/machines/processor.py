"""The processor that kernels are compiled for, asked without importing Numba."""

from __future__ import annotations

import os
import platform
from functools import cache


@cache
def processor() -> tuple[str, str]:
    """Name and features; `NUMBA_CPU_NAME` and `NUMBA_CPU_FEATURES` may ask for another than the host, as for Numba."""
    from llvmlite import binding

    name = os.environ.get("NUMBA_CPU_NAME", "")
    features = os.environ.get("NUMBA_CPU_FEATURES", "")
    if not name or name == "host":
        return binding.get_host_cpu_name(), features or binding.get_host_cpu_features().flatten()
    return name, features


@cache
def fuses() -> bool:
    """Whether it multiplies and adds in one instruction, rounding once."""
    name, features = processor()
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    modern = ("haswell", "broadwell", "skylake", "cascadelake", "icelake", "sapphirerapids", "alderlake", "znver")
    return "+fma" in features.split(",") or (not features and name.startswith((*modern, "x86-64-v3", "x86-64-v4")))


@cache
def vector_length() -> int:
    """Floats in one register: 16, 8 or 4."""
    name, features = processor()
    flags = set(features.split(","))
    wide = ("skylake-avx512", "cascadelake", "icelake", "sapphirerapids", "znver4", "znver5", "x86-64-v4")
    if "+avx512f" in flags or (not features and name.startswith(wide)):
        return 16
    middle = ("haswell", "broadwell", "skylake", "znver", "x86-64-v3", "alderlake")
    return 8 if "+avx2" in flags or (not features and name.startswith(middle)) else 4
