"""How the parts of an opened layer are called."""

from __future__ import annotations

from app.canvas.geometry import latex_name, shown_name
from app.canvas.layer.numbers import LayerNumbers
from engine.graph import Node


def unit_name(node: Node, index: int) -> str:
    """The symbol of one unit: `h_3`; the layer's own where it is a bare letter."""
    name = shown_name(node)
    stem = name if latex_name(name) and "_" not in name and len(name) == 1 else "h"
    return f"{stem}_{{{index + 1}}}"


def line_words(numbers: LayerNumbers, index: int, units: int, before: str, name: str) -> str:
    """A weight: which neurons it joins, its number and its gradient."""
    feature, unit = divmod(index, max(1, units))
    weight = numbers.words("weights", index, signed=True).text
    gradient = numbers.words("weight_gradients", index, signed=True).text
    return f"{before} {feature + 1} → {name} {unit + 1}    w = {weight}    ∂L/∂w = {gradient}"


def neuron_words(numbers: LayerNumbers, kind: str, index: int, name: str) -> str:
    """A neuron: its value, its gradient and its bias; a feature has a value alone."""
    if kind == "feature":
        return f"{name} {index + 1} = {numbers.words('features', index).text}"
    words = [f"{name} {index + 1} = {numbers.words('values', index).text}"]
    words.append(f"∂L/∂h = {numbers.words('gradients', index, signed=True).text}")
    if numbers.biases is not None:
        bias = numbers.words("biases", index, signed=True).text
        words.append(f"b = {bias}    ∂L/∂b = {numbers.words('bias_gradients', index, signed=True).text}")
    return "    ".join(words)
