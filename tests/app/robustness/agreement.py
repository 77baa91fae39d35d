"""What has to hold after every gesture: document, canvas and runner agree."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.canvas.geometry import measure
from app.canvas.layer.plan import is_opened
from app.canvas.node_item import DrawnNode
from app.canvas.routes import route
from app.canvas.wiring import Wiring
from app.editor import Editor, wire_id
from engine.document import Document
from engine.inlining import inlined
from engine.journal import Journal
from engine.structure import numbers_of, structure_of


@dataclass(frozen=True)
class Facts:
    """What the worker says of itself, collected on its thread."""

    revision: int
    document: Document | None
    session_document: Document | None
    slots: dict[str, Any]
    held: Any
    problem: Any
    dirty: bool


def facts_of(worker):
    """Everything the window should agree with; a session counts only where it runs the newest document."""
    session = worker.session
    slots = {}
    if session is not None and worker._held is None:
        places = session.tape.places
        sources = {key: value for key, value in session.program.sources.items() if places[value.index] is not None}
        slots = {key: session._machine.view(value).copy() for key, value in sources.items()}
    return Facts(
        worker.revision, worker._document, session.document if session is not None else None, slots, worker._held,
        session.problem if session is not None else None, worker._dirty,
    )  # fmt: skip


def text_of(document):
    """A document as comparable text."""
    return json.dumps(document.to_json(), sort_keys=False)


def _plan_of(document):
    key = list(structure_of(document))
    # “Found by itself” may be said or left out.
    key[2] = [(name, kind, [e for e in fixed if e[1] != "None"], *rest) for name, kind, fixed, *rest in key[2]]
    key[1] = json.dumps(document.data, sort_keys=True, default=str)  # there by identity, which no copy keeps
    return key


def check_scene(editor, scene):
    """Every node, wire, frame and note is drawn once, where and as the document has it."""
    graph = editor.shown.graph
    assert set(scene.nodes) == set(graph.nodes), "nodes drawn and nodes of the document"
    assert set(scene.wires) == {wire_id(wire) for wire in graph.wires}, "wires drawn and wires of the document"
    assert len(graph.wires) == len(scene.wires), "a wire stands twice in the document"
    assert set(scene.frames) == set(graph.frames) and set(scene.notes) == set(graph.notes), "frames and notes"
    assert all(scene.dots[name].dot is dot for name, dot in graph.dots.items()), "dots"
    assert set(scene.dots) == set(graph.dots), "dots left behind on the canvas"
    drawn = scene.items()
    made = [item for item in drawn if isinstance(item, DrawnNode)]
    assert sorted(item.node_id for item in made) == sorted(scene.nodes.made), "nodes left behind on the canvas"
    assert sorted(scene.runs.names) == sorted(scene.wires), "wires left behind on the canvas"
    assert sorted(scene.areas.names) == sorted(scene.nodes), "places left behind on the canvas"
    for name in scene.nodes:
        assert name in scene.areas.within([scene.area_of(name)]), f"place of {name}"
    assert set(scene.labels) <= set(scene.wires), "labels of wires that are gone"
    wiring = Wiring(graph)
    for name, item in scene.nodes.items():
        node = graph.nodes[name]
        assert item.node is node, f"{name} is drawn as it was before"
        assert np.allclose(item.pos().toTuple(), node.position, atol=1e-6), (
            f"{name} is drawn at {item.pos().toTuple()}, not {node.position}"
        )
        assert item.geometry.size == measure(wiring, node, editor.shapes).size, f"{name} has an old size"
    assert set(scene.layers) == {name for name, node in graph.nodes.items() if is_opened(node)}, "opened layers"
    for name, layer in scene.layers.items():
        check_lines(name, layer, scene.layers)
    for wire in graph.wires:
        item = scene.wires[wire_id(wire)]
        assert item.wire is wire, f"{wire_id(wire)} is drawn as it was before"
        source, target = scene.stand(wire.source_node), scene.stand(wire.target_node)
        dots = [graph.dots[dot].position for dot in wire.via]
        gaps = route(source, wire.source_port, target, wire.target_port, dots, scene.wire_style)
        assert item.gaps == gaps, f"{wire_id(wire)} does not lead from port to port"
    assert all(editor.exists(name) for name in editor.selection), "something is selected that is gone"
    assert scene.views()[0].mode is None, "a gesture has not ended"


def check_lines(name, layer, layers):
    """Every weight's line ends at the circle of its unit, and begins where its feature is drawn now."""
    plan = layer.plan
    before = layers[plan.before] if plan.before else layer
    begins = before.plan.units if plan.before else plan.features
    if plan.units is None or begins is None:
        assert not layer.lines.lines, f"{name} has lines to nowhere"
        return
    assert len(layer.lines.lines) == len(begins.centres) * len(plan.units.centres), f"{name} has other lines"
    offset = before.pos() - layer.pos()
    for index in range(0, len(layer.lines.lines), max(1, len(layer.lines.lines) // 50)):
        line = layer.lines.lines[index]
        feature, unit = divmod(index, len(plan.units.centres))
        begin, end = begins.circle(feature).translated(offset), plan.units.circle(unit)
        assert begin.adjusted(-1, -1, 1, 1).contains(line.p1()), f"line {index} of {name} begins elsewhere"
        assert end.adjusted(-1, -1, 1, 1).contains(line.p2()), f"line {index} of {name} ends elsewhere"


def check_runner(editor, facts):
    """The worker holds the newest document, and its session the numbers of it."""
    document = editor.document
    assert facts.revision == editor.revision, "the runner has an old revision"
    assert facts.document is not None
    assert _plan_of(facts.document) == _plan_of(document), "the runner plays another graph or plan"
    if facts.held is not None or facts.session_document is None:
        return
    drawn_out = inlined(document)
    assert _plan_of(facts.session_document) == _plan_of(drawn_out), "the session plays another graph or plan"
    for key, number in numbers_of(drawn_out, facts.slots).items():
        slot = facts.slots[key]
        assert np.allclose(slot, np.asarray(number, slot.dtype), equal_nan=True), f"slot {key} is not {number}"


def check_told(window, facts):
    """Whatever the runner cannot do stands in the list of problems."""
    told = window.problems.problems
    for problem in (facts.held, facts.problem):
        if problem is not None:
            assert any((p.fact, p.node) == (problem.fact, problem.node) for p in told), f"nobody told: {problem}"


def check_history(editor, base, texts):
    """Undo-all returns to the start through every state seen, redo-all to the end."""
    stack, end = editor.stack, text_of(editor.document)
    top = stack.index()
    while stack.canUndo():
        if stack.index() in texts:
            assert text_of(editor.document) == texts[stack.index()], f"undo to step {stack.index()}"
        stack.undo()
    assert text_of(editor.document) == base, "undo-all does not return to the start"
    while stack.index() < top:
        stack.redo()
    assert text_of(editor.document) == end, "redo-all does not return to the end"


def check_journal(editor, path):
    """The journal, played on the document it was begun with, gives the document as it is."""
    base, entries, problems = Journal.replay(path)
    assert not problems, problems
    second = Editor(Document.from_json(base))
    assert not second.replay(entries)
    assert second.document.to_json() == editor.document.to_json(), "the journal gives another document"
    second.deleteLater()


def check_file(editor):
    """What is saved opens as the same document."""
    written = editor.document.to_json()
    again = Document.from_json(json.loads(json.dumps(written))).to_json()
    assert again == json.loads(json.dumps(written)), "the file opens as another document"
