"""Where a driver's questions are answered: plans beside the live tape, with its data and draws, at other parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.differentiate import gradients
from engine.drivers.asking import Array, Factors, Layer, Loss, Product, Request, Slope
from engine.lowering import Lowered, lower
from engine.machines.cpu import CpuMachine
from engine.objectives import prediction_of
from engine.primitives.base import entries
from engine.program import Program
from engine.simplify import remove_dead_calls
from engine.tape import initial_array, plan
from engine.values import Call, Origin, Value, resolve

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document

BESIDE = Origin("", "backward")  # what is emitted here belongs to no node
Emit = Callable[[Program, Value, "Sequence[Value]", "Sequence[Value]"], "list[Value | None]"]


class Plans:
    """Loss, gradient and products with the curvature of one objective, by some parameters packed as one vector.

    Every question has a plan of its own, made when it is first asked; it copies data, settings and states from the live
    machine, and its clock, so that dropout draws what it draws there. Raises `ProblemError` where the loss cannot be
    differentiated twice, or no prediction is wired into it.
    """

    def __init__(
        self,
        document: Document,
        dataset: Dataset | None,
        lowered: Lowered,
        phase: int,
        addresses: Sequence[str],
        dtype: str,
    ) -> None:
        self._document, self._dataset, self._lowered, self._dtype = document, dataset, lowered, dtype
        live = lowered.program
        objective = live.objectives[phase]
        self._objective = next(address for address, value in live.outputs.items() if value is objective)
        self._is_maximised = live.losses[phase] is not objective
        self._addresses = list(addresses)
        self._point: Array = np.zeros(0)
        self._live: CpuMachine | None = None

    def stand_at(self, live: CpuMachine, point: Array) -> None:
        """Answer from now on with the numbers of the live machine; products are taken at this point."""
        self._live, self._point = live, point

    def answer(self, request: Request) -> Any:
        """The number or the vector that was asked for, in float64."""
        if isinstance(request, Loss):
            return float(self._loss.play(self._live, request.point)[0][()])
        if isinstance(request, Slope):
            return self._packed(self._slope.play(self._live, request.point))
        if isinstance(request, Factors):
            return self._layers()
        plan = self._product if isinstance(request, Product) else self._gauss_newton
        return self._packed(plan.play(self._live, self._point, request.vector))

    def _packed(self, arrays: Sequence[Array]) -> Array:
        return np.concatenate([array.ravel() for array in arrays]).astype(np.float64)

    @cached_property
    def _loss(self) -> _Plan:
        return self._plan(lambda program, loss, parameters, directions: [loss])

    @cached_property
    def _slope(self) -> _Plan:
        return self._plan(lambda program, loss, parameters, directions: _slopes(program, loss, parameters))

    @cached_property
    def _product(self) -> _Plan:
        return self._plan(_hessian_product)

    @cached_property
    def _gauss_newton(self) -> _Plan:
        prediction = prediction_of(self._document.graph, self._objective)

        def emit(
            program: Program, loss: Value, parameters: Sequence[Value], directions: Sequence[Value]
        ) -> list[Value | None]:
            return _gauss_newton_product(program, loss, program.outputs[prediction], parameters, directions)

        return self._plan(emit)

    @cached_property
    def _factors(self) -> tuple[_Plan, list[tuple[slice, slice]]]:
        """A plan of what comes into each dense layer and what comes back to it, and where the layer's parameters lie."""
        places: list[tuple[slice, slice]] = []

        def emit(
            program: Program, loss: Value, parameters: Sequence[Value], directions: Sequence[Value]
        ) -> list[Value | None]:
            begins = np.cumsum([0, *[entries(value.shape) for value in parameters]])
            lies = {v.index: slice(int(begins[k]), int(begins[k + 1])) for k, v in enumerate(parameters)}
            layers = _dense_layers(program, lies)
            slopes = _slopes(program, loss, [product.result for product, _ in layers])
            found: list[Value | None] = []
            for (product, bias), slope in zip(layers, slopes, strict=True):
                if slope is not None:
                    places.append((lies[product.operands[1].index], slice(0) if bias is None else lies[bias.index]))
                    found += [product.operands[0], slope]
            return found

        return self._plan(emit), places

    def _layers(self) -> list[Layer]:
        plan, places = self._factors
        arrays = [array.astype(np.float64) for array in plan.play(self._live, self._point)]
        layers = []
        for (weight, bias), inputs, slopes in zip(places, arrays[::2], arrays[1::2], strict=True):
            rows = len(inputs)
            if bias.stop:
                inputs = np.column_stack([inputs, np.ones(rows)])
            # The loss is a mean over rows, so each row's derivative is a share of that of its own loss.
            layers.append(Layer(weight, bias, inputs.T @ inputs / rows, slopes.T @ slopes * rows))
        return layers

    def _plan(self, emit: Emit) -> _Plan:
        program = lower(self._document, self._dataset, mode="train", parts=("forward",)).program
        parameters = [program.sources[address] for address in self._addresses]
        program.build.origin = BESIDE
        directions = [
            program.build.source("data", f"driver.{address}", value.shape, None)
            for address, value in zip(self._addresses, parameters, strict=True)
        ]
        loss = program.outputs[self._objective]
        found = emit(program, -loss if self._is_maximised else loss, parameters, directions)
        return _Plan(program, self._lowered, parameters, directions, found, self._dtype)


class _Plan:
    """A program whose results are one array for each parameter (or the loss alone), on a machine of its own."""

    def __init__(
        self, program: Program, lowered: Lowered, parameters: Sequence[Value], directions: Sequence[Value],
        results: Sequence[Value | None], dtype: str,
    ) -> None:  # fmt: skip
        roots = [value for value in results if value is not None]
        remove_dead_calls(program, roots)
        program.outputs.update({f"driver.result.{place}": value for place, value in enumerate(roots)})
        program.steps = list(dict.fromkeys([*program.steps, *[call.origin for call in program.calls]]))
        self._machine = CpuMachine(plan(program, lowered.batch, dtype=dtype))
        self._machine.set_epoch(lowered.full_iterations, lowered.iterations)
        self._parameters, self._directions, self._results = parameters, directions, results
        self._copied = self._paired(program, lowered.program)
        self._fixed = [pair for pair in self._copied if pair[0].source is not None and pair[0].source.role == "data"]
        self._loose = [pair for pair in self._copied if pair[0].source is not None and pair[0].source.role != "data"]
        self._has_data = False
        for value in program.sources.values():
            if self._is_placed(value):
                view = self._machine.view(value)
                view[...] = initial_array(value, view.shape, view.dtype)

    def _is_placed(self, value: Value) -> bool:
        return self._machine.tape.places[value.index] is not None

    def _paired(self, program: Program, live: Program) -> list[tuple[Value, Value]]:
        """The sources that this plan shares with the live one."""
        pairs = [
            (value, live.sources.get(address)) for address, value in program.sources.items() if self._is_placed(value)
        ]
        return [(mine, other) for mine, other in pairs if other is not None]

    def play(self, live: CpuMachine | None, point: Array, vector: Array | None = None) -> list[Array]:
        """The results at a point, for a direction where the program reads one; views, valid until the next play."""
        assert live is not None, "whoever asks has said where it stands"
        for mine, other in self._loose if self._has_data else self._copied:
            if live.tape.places[other.index] is not None:
                self._machine.view(mine)[...] = live.view(other)
        self._has_data = True
        self._spread(point, self._parameters)
        if vector is not None:
            self._spread(vector, self._directions)
        self._machine.clock[:] = live.clock
        self._machine.play_once()
        self._machine.lower_flag()
        return [
            np.zeros(resolve(self._parameters[place].shape, 1)) if result is None else self._machine.view(result)
            for place, result in enumerate(self._results)
        ]

    def _spread(self, vector: Array, values: Sequence[Value]) -> None:
        begun = 0
        for value in values:
            size = entries(value.shape)
            if self._is_placed(value):
                view = self._machine.view(value)
                view[...] = vector[begun : begun + size].reshape(view.shape)
            begun += size


def _slopes(program: Program, number: Value, wanted: Sequence[Value]) -> list[Value | None]:
    found = gradients(program, number, wanted, origin=BESIDE)
    return [found.get(value.index) for value in wanted]


def _inner(program: Program, left: Sequence[Value | None], right: Sequence[Value]) -> Value:
    """The sum of products of all entries."""
    products = [one * other for one, other in zip(left, right, strict=True) if one is not None]
    sums = [_all(program, product) for product in products]
    return program.build.emit("total", *sums) if len(sums) > 1 else sums[0] if sums else program.build.constant(0.0)


def _all(program: Program, value: Value) -> Value:
    return program.build.emit("sum", value, axes=tuple(range(value.rank))) if value.rank else value


def _hessian_product(
    program: Program, loss: Value, parameters: Sequence[Value], directions: Sequence[Value]
) -> list[Value | None]:
    """Hv = ∂(∂L/∂w · v)/∂w: reverse mode over reverse mode (Pearlmutter 1994)."""
    slopes = _slopes(program, loss, parameters)
    return _slopes(program, _inner(program, slopes, directions), parameters)


def _dense_layers(program: Program, lies: Mapping[int, slice]) -> list[tuple[Call, Value | None]]:
    """Products of rows with a weight that is learned and used once, and the bias that is learned with it, if any."""
    uses: dict[int, list[Call]] = {}
    for call in program.calls:
        for operand in call.operands:
            uses.setdefault(operand.index, []).append(call)
    layers: list[tuple[Call, Value | None]] = []
    for call in program.calls:
        is_product = call.primitive.name == "matmul" and not call.attributes and call.result.rank == 2
        if not is_product or call.operands[1].index not in lies or len(uses[call.operands[1].index]) > 1:
            continue
        sums = [use for use in uses.get(call.result.index, ()) if use.primitive.name == "add"]
        added = [operand for use in sums for operand in use.operands if operand is not call.result]
        biases = [v.call.operands[0] if v.call and v.call.primitive.name == "broadcast" else v for v in added]
        learned = [
            v for v in biases if v.index in lies and v.shape == call.result.shape[1:] and len(uses[v.index]) == 1
        ]
        layers.append((call, learned[0] if learned else None))
    return layers


def _gauss_newton_product(
    program: Program, loss: Value, prediction: Value, parameters: Sequence[Value], directions: Sequence[Value]
) -> list[Value | None]:
    """Jᵀ B J v, with J the prediction's Jacobian and B the Hessian of the loss by the prediction (Schraudolph 2002).

    Jv needs no forward mode: Jᵀu is linear in u, and its derivative by u along v is Jv.
    """
    build = program.build
    weights = build.source("data", "driver.weights", prediction.shape, None)
    weighted = _slopes(program, _all(program, prediction * weights), parameters)
    moved = _slopes(program, _inner(program, weighted, directions), [weights])[0]
    if moved is None:
        return [None for _ in parameters]
    by_prediction = _slopes(program, loss, [prediction])[0]
    if by_prediction is None:
        return [None for _ in parameters]
    bent = _slopes(program, _all(program, by_prediction * build.emit("stop_gradient", moved)), [prediction])[0]
    if bent is None:
        return [None for _ in parameters]
    return _slopes(program, _all(program, prediction * build.emit("stop_gradient", bent)), parameters)
