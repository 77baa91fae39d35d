"""Named data sets, files and typed values: `load("moons")` answers with arrays and with what was done to them.

A data set is one function under `@dataset`; every module of this package is imported here, so a new one is found by
itself. Nothing below imports more than the standard library and NumPy.
"""

from __future__ import annotations

import importlib
import pkgutil

from engine.datasets.loading import load
from engine.datasets.prepared import Dataset
from engine.datasets.registry import DatasetType, describe, names

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Dataset", "DatasetType", "describe", "load", "names"]
