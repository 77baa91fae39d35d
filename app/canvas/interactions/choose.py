"""Which mode a press begins, by what lies under it and which keys are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF

from app.canvas.hits import LAYER_PARTS, Hit
from app.canvas.interactions.base import Interaction, Modifiers
from app.canvas.interactions.branch import Branch
from app.canvas.interactions.carry import CarryWires
from app.canvas.interactions.copy import Copy
from app.canvas.interactions.drag_number import DragField, DragParameter, parameter_at
from app.canvas.interactions.lasso import Lasso
from app.canvas.interactions.lazy import LazyConnect
from app.canvas.interactions.move import Move
from app.canvas.interactions.pan import Pan
from app.canvas.interactions.pull import PullWire
from app.canvas.interactions.select import RubberBand, combined
from app.canvas.interactions.stroke import Cut, LeadOver, Mute
from app.canvas.interactions.swipe import AlignSwipe
from app.canvas.layer.opening import open_or_close

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


def begin_left(view: CanvasView, point: QPointF, modifiers: Modifiers) -> Interaction | None:
    """The mode of a left press; what is done at once (break a port, fold, select a wire) needs none."""
    if view.cut_held:
        return Cut(view, point)
    if view.align_key.is_held:
        view.align_key.use()
        return AlignSwipe(view, point)
    if modifiers & Modifiers.ControlModifier and modifiers & Modifiers.AltModifier:
        return Lasso(view, point)
    hit, editor = view.hit(point), view.editor
    if hit.kind == "port" and hit.port is not None:
        if modifiers & Modifiers.AltModifier:
            editor.break_port(hit.name)
            return None
        if modifiers & Modifiers.ControlModifier:
            return CarryWires(view, point, hit.port)
        return PullWire(view, point, hit.port)
    if hit.kind in LAYER_PARTS:
        _follow(view, hit)
    if hit.kind in ("weight", "value", *LAYER_PARTS) and (found := parameter_at(view, hit)) is not None:
        name = view.canvas.layers.name_of(hit) if hit.kind in LAYER_PARTS else ""
        return DragParameter(view, point, *found, name)
    if hit.kind == "field":
        editor.select({hit.name})
        return DragField(view, point, hit)
    if hit.kind == "fold":
        if hit.name in view.canvas.layers:
            open_or_close(view, [hit.name])
        else:
            editor.toggle_flag([hit.name], "collapsed")
        return None
    if hit.kind in ("wire", "dot") and modifiers & Modifiers.ShiftModifier:
        return Branch(view, point, hit.name)
    if hit.kind in ("wire", "dot") and modifiers & Modifiers.AltModifier:
        lead_over(view, point, hit.name) if hit.kind == "wire" else editor.toggle_flag([hit.name], "pinned")
        return None
    if hit.kind == "wire":
        editor.select(combined(editor.selection, {hit.name}, modifiers))
        return None
    if hit.kind == "empty":
        return RubberBand(view, point)
    name = hit.name if hit.kind != "weight" else view.canvas.labels[hit.name].wire.wire.target_node
    if modifiers & (Modifiers.AltModifier | Modifiers.ControlModifier) and name in view.canvas.nodes:
        return Copy(view, point, name, modifiers)
    return Move(view, point, name, modifiers)


def lead_over(view: CanvasView, point: QPointF, wire: str) -> None:
    """Lead a wire over a new dot at a point, which is selected."""
    passed = view.canvas.wires[wire].gap_at(point)
    view.editor.select([view.editor.add_dot({wire: passed}, (round(point.x()), round(point.y())))])


def _follow(view: CanvasView, hit: Hit) -> None:
    """Select the layer of a neuron or weight, and let whoever explains it follow that unit."""
    view.editor.select({hit.name})
    if (unit := view.canvas.layers[hit.name].unit_of(hit.kind, hit.index)) >= 0:
        view.unit_touched.emit(hit.name, unit)


def begin_right(view: CanvasView, point: QPointF, modifiers: Modifiers) -> Interaction:
    """Ctrl cuts, and mutes with Alt; Alt wires nodes; Shift adds a dot; else a drag on nothing pans, a click is the menu."""
    if modifiers & Modifiers.ControlModifier:
        return Mute(view, point) if modifiers & Modifiers.AltModifier else Cut(view, point)
    if modifiers & Modifiers.AltModifier:
        return LazyConnect(view, point)
    if modifiers & Modifiers.ShiftModifier:
        return LeadOver(view, point)
    return Pan(view, point, menu=True)
