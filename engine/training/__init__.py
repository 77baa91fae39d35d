"""The training plan: phases, optimizers, order of the examples. Plain data, and the update part it emits."""

from engine.training.choices import Chosen, Family, Ingredient
from engine.training.optimizers import Optimizer, OptimizerType, optimizer_types
from engine.training.plan import FAMILIES, LastBatch, Order, Phase, Training
from engine.training.refinements import AVERAGE, AVERAGED, Averaging, Clipping, Constraint, Penalty
from engine.training.schedules import MomentumSchedule, Schedule
from engine.training.stopping import STOPPED, Stopping, Watch
from engine.training.update import Moves, emit_update
from engine.training.whole_batch import AROUND, COUNTS, LINE_SEARCHES, DriverType

__all__ = [
    "AROUND", "AVERAGE", "AVERAGED", "COUNTS", "FAMILIES", "LINE_SEARCHES", "Averaging", "Chosen", "Clipping", "Constraint",
    "STOPPED", "DriverType", "Family", "Ingredient", "LastBatch",
    "MomentumSchedule", "Moves",
    "Optimizer", "OptimizerType", "Order", "Penalty", "Phase", "Schedule", "Stopping", "Training", "Watch",
    "emit_update", "optimizer_types",
]  # fmt: skip
