"""What a person may do to an open document: every gesture draws its details from one random stream."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from app.views import VIEWS
from engine.properties import Choice, Dimensions, Flag, Numbers, Real, Text, Whole
from engine.training import Optimizer, Phase, optimizer_types
from tests.app.hand import ALT, CONTROL, LEFT, NONE, RIGHT, SHIFT, Hand

KEY = Qt.Key
PRESETS = (
    "xor",
    "xor-relu",
    "perceptron",
    "product-ladder",
    "ten-node-graph",
    "softmax-ce-net",
    "perceptron-criterion",
    "linear-collapse",
    "bfgs-xor",
    "rbf-xor",
    "k-means-by-hand",
    "hopfield-six-bit",
    "self-attention",
    "rnn-language-model-lion",
    "lstm-vs-rnn",
)
DATA = ("xor", "and", "moons", "blobs", "two_points", "three_points", "function_1d", "iris")
MOST_NODES = 24  # more would only slow the test down
ITERATIONS = 20
NONSENSE = ("", "{}", "not a clipboard", '{"chainrule": 1, "nodes": [{}]}', '[1, 2, {"nodes": null}]')


class Person:
    """Plays gestures on a window. `play` draws one and does it; its name is returned."""

    def __init__(self, window, random):
        self.window, self.editor, self.runner = window, window.editor, window.runner
        self.view = window.workspace.canvas
        self.hand, self.random = Hand(self.view), random

    def play(self):
        names, weights = zip(*WEIGHTS.items(), strict=True)
        (name,) = self.random.choices(names, weights)
        if len(self.graph.nodes) > MOST_NODES:
            name = self.random.choice(("delete", "undo", "delete"))
        details = getattr(self, name)()
        if self.view.mode is not None:  # a click on a port leaves a wire in the hand
            self.hand.key(KEY.Key_Escape)
        return name, details

    @property
    def graph(self):
        return self.editor.shown.graph

    @property
    def typing(self):
        """The line or note that is being typed in place."""
        field = self.view.typing
        return field if field is not None and isValid(field) and field.isVisible() else None

    # choosing --------------------------------------------------------------------------------------------------------

    def pick(self, entries):
        found = list(entries)
        return self.random.choice(found) if found else None

    def some(self, entries, most=4):
        found = list(entries)
        return self.random.sample(found, min(len(found), self.random.randint(1, most)))

    def place(self):
        """Somewhere around what is drawn."""
        area = self.view.canvas.content_area().adjusted(-200, -200, 200, 200)
        across = self.random.uniform(area.left(), area.right())
        return QPointF(across, self.random.uniform(area.top(), area.bottom()))

    def choose(self, most=4, others=True):
        """Select some things by clicks, Shift held after the first."""
        chosen = self.some(self.graph.nodes, most)
        for at, name in enumerate(chosen):
            self.hand.click(self.hand.node(name), LEFT, SHIFT if at else NONE)
        if others and self.random.random() < 0.3:
            wires = [f"{wire.source}>{wire.target}" for wire in self.graph.wires]
            rest = self.some([*wires, *self.graph.frames, *self.graph.notes, *self.graph.dots], 3)
            self.editor.select([*self.editor.selection, *rest])
        return sorted(self.editor.selection)

    # nodes -----------------------------------------------------------------------------------------------------------

    def add_by_search(self):
        self.hand.double_click(self.place())
        return self._take_from_search()

    def _take_from_search(self):
        box = self.view.search
        if box is None:
            return "no search"
        if self.random.random() < 0.1:
            self.hand.key(KEY.Key_Escape, widget=box.line)
            return "escaped"
        row = self.random.randrange(box.list.count()) if box.list.count() else -1
        kind = box.names[row] if row >= 0 else None
        self.hand.type(box.line, box.list.item(row).text() if kind else "zzz")
        if self.view.search is not None:
            self.hand.key(KEY.Key_Escape, widget=self.view.search.line)
        return kind

    def move(self):
        name = self.pick(self.graph.nodes)
        if name is not None:
            start = self.hand.node(name)
            keys = self.random.choice((NONE, NONE, SHIFT, ALT))
            self.hand.drag(
                start, start + QPointF(self.random.randint(-200, 200), self.random.randint(-200, 200)), LEFT, keys
            )
        return name

    def drop_on_wire(self):
        name, wire = self.pick(self.graph.nodes), self.pick(self.view.canvas.wires.values())
        if name is not None and wire is not None:
            start = self.hand.node(name)
            area = self.view.canvas.area_of(name)
            self.hand.drag(start, start + wire.path.pointAtPercent(0.5) - area.center())
        return name

    def rubber_band(self):
        self.hand.drag(self.place(), self.place(), LEFT, self.random.choice((NONE, SHIFT, CONTROL)))

    def break_off(self):
        """Esc in the middle of a drag."""
        points = [
            *self.hand.ports(True),
            *self.hand.ports(False),
            *self.hand.fields(),
            *map(self.hand.node, self.graph.nodes),
        ]
        start = self.pick(points)
        if start is not None:
            self.hand.drag(start, self.place(), drop=False)
            self.hand.key(KEY.Key_Escape)
            self.hand.release(self.place())

    def undo_while_dragging(self):
        start = self.pick([*self.hand.ports(True), *self.hand.fields(), *map(self.hand.node, self.graph.nodes)])
        if start is not None:
            end = self.place()
            self.hand.drag(start, end, drop=False)
            self.hand.key(KEY.Key_Z, CONTROL)
            self.hand.move(end + QPointF(5, 5))
            self.hand.release(end)
        if self.view.search is not None:
            self._take_from_search()

    def delete(self):
        chosen = self.choose()
        self.hand.key(KEY.Key_Delete, CONTROL if self.random.random() < 0.3 else NONE)
        return chosen

    def copy_and_paste(self):
        chosen = self.choose()
        self.hand.key(self.random.choice((KEY.Key_C, KEY.Key_C, KEY.Key_X)), CONTROL)
        self.hand.move(self.place(), Qt.MouseButton.NoButton)
        self.hand.key(KEY.Key_V, self.random.choice((CONTROL, CONTROL | SHIFT)))
        return chosen

    def paste_nonsense(self):
        QGuiApplication.clipboard().setText(self.random.choice(NONSENSE))
        self.hand.key(KEY.Key_V, CONTROL)

    def duplicate(self):
        chosen = self.choose()
        self.hand.key(KEY.Key_D, self.random.choice((CONTROL, CONTROL | SHIFT)))
        return chosen

    def flag(self):
        chosen = self.choose()
        key, keys = self.random.choice(
            ((KEY.Key_M, NONE), (KEY.Key_M, SHIFT), (KEY.Key_K, NONE), (KEY.Key_H, NONE), (KEY.Key_P, NONE))
        )
        self.hand.key(key, keys)
        return key.name, keys.name, chosen

    def rename(self):
        chosen = self.choose(1, others=False)
        self.hand.key(KEY.Key_F2)
        if chosen and self.typing is not None:
            self.hand.type(self.typing, self.random.choice(("first", "$\\sigma$", "", "x" * 60)))
        return chosen

    def annotate(self):
        self.choose(3, others=False)
        self.hand.key(self.random.choice((KEY.Key_C, KEY.Key_N)))
        if self.typing is not None:
            self.hand.type(self.typing, "a word", self.random.choice((KEY.Key_Escape, KEY.Key_Return)))
            self.view.setFocus()

    def connect_selected(self):
        chosen = self.choose(3)
        self.hand.key(KEY.Key_J)
        return chosen

    def nudge(self):
        self.choose()
        self.hand.key(self.random.choice((KEY.Key_Left, KEY.Key_Up)), self.random.choice((ALT, ALT | SHIFT)))

    def layout(self):
        if self.random.random() < 0.5:
            self.choose(6)
        self.hand.key(KEY.Key_L)

    # wires -----------------------------------------------------------------------------------------------------------

    def wire(self):
        """Port to port, forwards or backwards; the engine may refuse."""
        begin, end = self.pick(self.hand.ports(False)), self.pick(self.hand.ports(True))
        if begin is not None and end is not None:
            if self.random.random() < 0.3:
                begin, end = end, begin
            self.hand.drag(begin, end)
        return self._take_from_search() if self.view.search is not None else ""

    def branch_or_carry(self):
        """A second wire from a wire or a dot, or all wires of a port moved; sometimes given up on the way."""
        wires = [wire.path.pointAtPercent(self.random.random()) for wire in self.view.canvas.wires.values()]
        dots = [dot.place for dot in self.view.canvas.dots.values()]
        ports = [*self.hand.ports(False), *self.hand.ports(True)]
        start, keys = self.random.choice(((self.pick([*wires, *dots]), SHIFT), (self.pick(ports), CONTROL)))
        end = self.pick(ports)
        if start is not None and end is not None:
            self.hand.drag(start, end, LEFT, keys, drop=False)
            if self.random.random() < 0.2:
                self.hand.key(KEY.Key_Escape)
            self.hand.release(end, LEFT, self.random.choice((keys, ALT)))
        return self._take_from_search() if self.view.search is not None else ""

    def dot(self):
        """Lead wires over a dot, drag one, pin it."""
        wire, dot = self.pick(self.view.canvas.wires.values()), self.pick(self.view.canvas.dots.values())
        if wire is not None:
            place = wire.path.pointAtPercent(self.random.random())
            self.hand.double_click(place) if self.random.random() < 0.5 else self.hand.click(place, LEFT, ALT)
        if dot is not None and self.random.random() < 0.3:
            self.hand.click(dot.place, LEFT, ALT)
        elif dot is not None:
            self.hand.drag(dot.place, self.place())
        if self.view.search is not None:
            self._take_from_search()

    def wire_into_space(self):
        start = self.pick([*self.hand.ports(False), *self.hand.ports(True)])
        if start is not None:
            self.hand.drag(start, self.place())
        return self._take_from_search() if self.view.search is not None else ""

    def cut_wires(self):
        self.hand.drag(self.place(), self.place(), RIGHT, self.random.choice((CONTROL, CONTROL, CONTROL | ALT, SHIFT)))

    def break_port(self):
        start = self.pick([*self.hand.ports(False), *self.hand.ports(True)])
        if start is not None:
            self.hand.click(start, LEFT, ALT)

    # history ---------------------------------------------------------------------------------------------------------

    def undo(self):
        for _ in range(self.random.choice((1, 1, 2, 5))):
            self.hand.key(KEY.Key_Z, CONTROL)

    def redo(self):
        for _ in range(self.random.choice((1, 1, 2, 5))):
            self.hand.key(KEY.Key_Z, CONTROL | SHIFT)

    # composites ------------------------------------------------------------------------------------------------------

    def group(self):
        chosen = self.choose(others=False)
        self.hand.key(KEY.Key_G, CONTROL)
        return chosen

    def unpack(self):
        chosen = self._choose_use()
        self.hand.key(KEY.Key_U, CONTROL | SHIFT)
        return chosen

    def enter(self):
        chosen = self._choose_use()
        self.hand.key(KEY.Key_Return)
        return chosen, self.editor.path

    def leave(self):
        self.hand.key(self.random.choice((KEY.Key_U, KEY.Key_Escape)))
        return self.editor.path

    def _choose_use(self):
        name = self.pick(name for name, node in self.graph.nodes.items() if node.type == "composite")
        if name is not None:
            self.hand.click(self.hand.node(name))
        return name

    # numbers ---------------------------------------------------------------------------------------------------------

    def drag_weight(self):
        label = self.pick(self.view.canvas.labels.values())
        start = label.pos() if label is not None else self.pick(self.hand.fields())
        if start is not None:
            self.hand.drag(
                start,
                start + QPointF(0, self.random.randint(-60, 60)),
                LEFT,
                self.random.choice((NONE, SHIFT, CONTROL)),
            )

    def open_layer(self):
        """By key or by double click; an opened one closes."""
        layers = [name for name, node in self.graph.nodes.items() if node.type == "dense"]
        name = self.pick(layers)
        if name is None:
            return None
        if self.random.random() < 0.5:
            self.editor.select([name, *self.some(layers, 2)])
            self.hand.key(KEY.Key_O)
        else:
            self.hand.double_click(self.view.canvas.area_of(name).center())
        return name

    def drag_line(self):
        """A weight of an opened layer, sometimes undone or given up on the way."""
        layer = self.pick(self.view.canvas.layers.values())
        line = self.pick(layer.lines.lines) if layer is not None else None
        if line is None:
            return None
        begin = layer.mapToScene(line.pointAt(self.random.random()))
        end = begin + QPointF(self.random.randint(-40, 40), self.random.randint(-40, 40))
        self.hand.drag(begin, end, drop=False)
        key, keys = self.random.choice(((None, NONE), (None, NONE), (KEY.Key_Escape, NONE), (KEY.Key_Z, CONTROL)))
        if key is not None:
            self.hand.key(key, keys)
        self.hand.release(end)
        return layer.node_id if isValid(layer) else ""

    def turn_number(self):
        label = self.pick(self.view.canvas.labels.values())
        if label is not None:
            self.hand.click(label.pos())
            for _ in range(3):
                self.hand.key(self.random.choice((KEY.Key_Up, KEY.Key_Down)))

    def type_number(self):
        field = self.pick(self.hand.fields())
        if field is not None:
            self.hand.click(field)
            if self.typing is not None:
                text = self.random.choice(("0.5", "3", "-1", "nonsense", "", "1e999", "100000000000"))
                self.hand.type(self.typing, text)

    def set_values(self):
        snapshot = self.view.canvas.numbers.snapshot
        readings = snapshot.parameters if snapshot is not None else {}
        names = [
            key for key, each in readings.items() if each.array is not None and self._learns(key.partition(".")[0])
        ]
        key = self.pick(names)
        if key is not None:
            before = np.array(readings[key].array, float)
            if np.isfinite(before).all():
                self.editor.set_values({key: before + self.random.gauss(0, 1)}, {key: before})
        return key

    def _learns(self, name):
        node = self.graph.nodes.get(name)
        return node is not None and node.type != "constant"  # its number is a property

    def set_property(self):
        names = [(node.id, name) for node in self.graph for name in (node.kind.properties() if node.kind else ())]
        found = self.pick(names)
        if found is None:
            return None
        node, name = found
        value = self._value(self.graph.nodes[node].kind.properties()[name])
        self.window.attempt(lambda: self.editor.set_property(node, name, value))
        return node, name, value

    def _value(self, known):
        random = self.random
        if isinstance(known, Choice):
            return random.choice(known.options)
        if isinstance(known, Flag):
            return random.random() < 0.5
        if isinstance(known, Real):
            return random.uniform(max(known.low, -2.0), min(known.high, 2.0))
        if known.default is None and random.random() < 0.3:
            return None
        if isinstance(known, Whole):
            return random.randint(known.low, min(known.high, known.low + 5))
        if isinstance(known, Dimensions):
            return tuple(max(known.low, random.randint(0, 3)) for _ in range(random.randint(0, 2)))
        if isinstance(known, Text):
            return random.choice(("", "x", "(batch, features)", "\\hat y", "§ { $"))
        assert isinstance(known, Numbers)
        return random.choice((0.5, -1, [1.0, 2.0], [[0.5], [-0.5]], [[1.0, 2.0], [3.0, 4.0]]))

    # the plan --------------------------------------------------------------------------------------------------------

    def optimizer(self):
        kind = self.random.choice(list(optimizer_types().values()))
        settings = {name: self._value(each) for name, each in kind.settings.items() if self.random.random() < 0.3}
        self.editor.set_training(self.editor.document.training.with_optimizer(Optimizer(kind.name, settings)))
        return kind.name, settings

    def learning_rate(self):
        plan = self.editor.document.training
        before = plan.phases[0].optimizer if plan.phases else Optimizer()
        if "learning_rate" not in before.kind.settings:
            return None
        rate = 10 ** self.random.uniform(-4, 0)
        gesture = self.editor.new_gesture()
        for factor in (0.5, 0.8, 1.0):
            new = replace(before, settings={**before.settings, "learning_rate": rate * factor})
            self.editor.set_training(plan.with_optimizer(new), gesture)

    def training(self):
        plan, nodes = self.editor.document.training, list(self.graph.nodes)
        change = self.random.choice(
            (
                {"batch_size": self.random.choice((0, 1, 2, 3, 4, 7))},
                {"seed": self.random.randint(0, 5)},
                {"order": self.random.choice(("shuffled", "sequential"))},
                {"last_batch": self.random.choice(("short", "drop", "wrap"))},
                {"phases": (Phase(minimise=self.pick(nodes) or ""),)},
                {"phases": ()},
            )
        )
        self.editor.set_training(replace(plan, **change))
        return change

    def data(self):
        name = self.random.choice(DATA)
        self.editor.set_data({"train": {"name": name}})
        return name

    def precision(self):
        self.editor.set_attribute("precision", self.random.choice(("float32", "float64")))

    def toggle_view(self):
        self.window.workspace.desk.toggle(self.random.choice(list(VIEWS)))

    # time ------------------------------------------------------------------------------------------------------------

    def step(self):
        for _ in range(self.random.choice((1, 1, 3))):
            self.hand.key(KEY.Key_Right, self.random.choice((NONE, NONE, SHIFT)))

    def step_back(self):
        for _ in range(self.random.choice((1, 1, 3))):
            self.hand.key(KEY.Key_Left, self.random.choice((NONE, NONE, SHIFT)))

    def step_epoch(self):
        self.hand.key(self.random.choice((KEY.Key_Left, KEY.Key_Right)), CONTROL | SHIFT)

    def run(self):
        self.runner.run(self.random.randint(1, ITERATIONS))

    def play_or_pause(self):
        self.hand.key(KEY.Key_Space)

    def speed(self):
        self.hand.key(self.random.choice((KEY.Key_BracketLeft, KEY.Key_BracketRight, KEY.Key_Backslash)))

    def reset(self):
        self.hand.key(KEY.Key_R, self.random.choice((NONE, NONE, SHIFT)))

    # looking ---------------------------------------------------------------------------------------------------------

    def look(self):
        choice = self.random.choice(("fit", "zoom", "inspect", "menu", "walk", "theme", "gallery"))
        getattr(self, f"_{choice}")()
        return choice

    def _fit(self):
        self.hand.key(self.random.choice((KEY.Key_F, KEY.Key_Home)))

    def _zoom(self):
        middle, turn = QPointF(self.view.viewport().rect().center()), self.random.choice((-360, -120, 120, 240))
        event = QWheelEvent(
            middle, self.view.viewport().mapToGlobal(middle), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.view.viewport(), event)

    def _inspect(self):
        self.choose(1)
        self.window.workspace.show_panel(self.random.choice(("inspector", "training", "data")))

    def _menu(self):
        self.hand.click(self.place(), RIGHT)
        if (menu := getattr(self.view, "menu", None)) is not None:
            menu.close()

    def _walk(self):
        self.choose(1)
        self.hand.key(self.random.choice((KEY.Key_Left, KEY.Key_Right, KEY.Key_Up)), CONTROL)

    def _theme(self):
        self.window.switch_theme()

    def _gallery(self):
        self.window.show_gallery()
        self.window.show_workspace()
        self.view.setFocus()


WEIGHTS = {
    "dot": 5, "branch_or_carry": 4,
    "add_by_search": 6, "move": 4, "drop_on_wire": 2, "rubber_band": 2, "break_off": 2, "undo_while_dragging": 2,
    "delete": 4, "copy_and_paste": 3, "paste_nonsense": 0.5, "duplicate": 2, "flag": 4, "rename": 1, "annotate": 2,
    "connect_selected": 1, "nudge": 1, "layout": 1, "wire": 9, "wire_into_space": 4, "cut_wires": 1, "break_port": 1,
    "undo": 6, "redo": 5, "drag_weight": 4, "turn_number": 2, "type_number": 2, "set_values": 3, "set_property": 6,
    "optimizer": 2, "learning_rate": 2, "training": 2, "data": 1.5, "precision": 0.5, "toggle_view": 0.5, "step": 5,
    "step_back": 4, "step_epoch": 1, "run": 3, "play_or_pause": 3, "speed": 1, "reset": 2, "look": 3,
    "open_layer": 4, "drag_line": 3, "group": 3, "unpack": 2, "enter": 6, "leave": 3,
}  # fmt: skip
