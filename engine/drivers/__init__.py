"""Algorithms with control flow that decide between the sections of a tape: whole-batch optimizers and their line searches."""

from engine.drivers import conjugate, newton, secant  # noqa: F401  (they register themselves)
from engine.drivers.asking import DRIVERS, Decision, Sight, decide
from engine.drivers.driving import Drivers

__all__ = ["DRIVERS", "Decision", "Drivers", "Sight", "decide"]
