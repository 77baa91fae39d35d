"""What every preset must do: load, step, go back, run, learn what it promises, and say something true of itself."""

from __future__ import annotations

import json
import random
import re
from itertools import combinations

import numpy as np

from engine.expects import check
from engine.placement import LINE, RESERVED_INTEGERS
from engine.rooms import shape_and_size
from engine.session import Session
from engine.unrolling import delayed
from tests.engine.explaining import check_terms
from tests.presets.gallery import FILES, FOLDER, every_preset, preset

PANELS = {"canvas", "player", "palette", "inspector", "loss", "boundary"}
KEYS = {"Right", "Shift+Right", "Space", "R", "Shift+R", "phase", "iteration", "epoch"}
ITERATIONS, MOST_ITERATIONS = 80, 200  # both beyond the first checkpoint
MOST_MEMORY = 2.2  # times all values, gradients, parameters and states, with what cache lines leave free
MOST_STEPS = 1200  # what long iterations and short ones come to in all


def bits(session: Session) -> dict[str, bytes]:
    """Every output, gradient, parameter and state, absent ones left out."""
    found = {}
    parameters = {address: session.program.sources[address] for address in session.parameters}
    for address, value in {**session.program.outputs, **parameters}.items():
        gradient = session.gradient_of(value)
        if session.state_of(value) != "absent":
            found[address] = session.memory_of(value).tobytes()
        if gradient is not None and session.gradient_state(gradient) != "absent":
            found[f"gradient of {address}"] = session.memory_of(gradient).tobytes()
    return found | {f"{address} lasting": array.tobytes() for address, array in session._lasting().items()}


def test_the_presets_of_the_first_chapters_are_there():
    wanted = {
        "perceptron", "perceptron-criterion", "ten-node-graph", "product-ladder", "relu-three-point", "xor-relu", "xor",
        "softmax-ce-net", "digits-mlp",
    }  # fmt: skip
    assert wanted <= set(FILES)
    assert json.loads((FOLDER / "chapters.json").read_text())["default"] in FILES


@every_preset
def test_it_loads_without_a_problem_and_is_saved_as_it_stands(name, tmp_path):
    document = preset(name)
    assert document.check() == []
    assert (document.id, document.title != "", document.question.endswith("?")) == (name, True, True)
    document.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == FILES[name].read_bytes()


@every_preset
def test_its_program_is_sound(name):
    session = Session(preset(name))
    session.program.verify()
    assert session.lowered.problems == []


@every_preset
def test_its_memory_is_hardly_more_than_its_numbers_take(name):
    tape = Session(preset(name)).tape
    lying = [value for value in tape.program.values if tape.places[value.index] is not None]
    numbers = sum(shape_and_size(value.shape, tape.batch)[1] for value in lying if not is_view(value))
    reserved = (
        RESERVED_INTEGERS + 4 * LINE
    )  # before the first of them, and where kinds of them begin on lines of their own
    assert tape.arena_size + tape.integers_size <= reserved + MOST_MEMORY * numbers


def is_view(value):
    """Whether a value lies where another one lies."""
    return value.call is not None and value.call.primitive.is_view


def is_long(session):
    """Whether an iteration has so many steps that few of them tell what many would; going back plays it again each time."""
    return len(session.steps) > 30


@every_preset
def test_n_steps_right_and_n_steps_left_restore_every_bit(name):
    session = Session(preset(name))
    session.run(3)
    seen = []
    for _ in range((1 if is_long(session) else 3) * len(session.steps) + 2):
        seen.append((session.last_step, session.next_step, session.iteration, session.epoch, bits(session)))
        session.step()
    for expected in reversed(seen):
        session.step_back()
        assert (session.last_step, session.next_step, session.iteration, session.epoch, bits(session)) == expected


@every_preset
def test_stepping_by_node_and_running_give_the_same_bits(name):
    stepped, ran = Session(preset(name)), Session(preset(name))
    least = 3 if is_long(ran) else ITERATIONS
    iterations = max(least, min(MOST_ITERATIONS, MOST_STEPS // max(1, len(ran.steps))))
    while stepped.iteration < iterations and stepped.problem is None:
        stepped.step("node")
    ran.run(iterations)
    assert stepped.problem is None and ran.problem is None
    assert bits(stepped) == bits(ran)


@every_preset
def test_it_learns_what_it_promises(name):
    document = preset(name)
    assert document.expects
    assert [sentence for sentence, holds in check(Session(document)) if not holds] == []


@every_preset
def test_another_seed_starts_elsewhere_and_the_same_seed_at_the_same_place(name):
    session = Session(preset(name))
    start = bits(session)
    session.run(5)
    session.reset()
    assert bits(session) == start


@every_preset
def test_its_tour_speaks_of_what_is_there(name):
    document = preset(name)
    views = {view["type"] for view in document.views}
    shown = PANELS | set(document.graph.nodes) | views
    assert 4 <= len(document.tour) <= 7
    for page in document.tour:
        assert set(page) <= {"title", "text", "show", "press"}
        assert page["title"] and 2 <= len(re.findall(r"[.:;?!](?=\s|$)", page["text"])) <= 5
        assert page.get("show", "canvas") in shown
        assert page.get("press", "Right") in KEYS
        assert page.get("show") not in {"loss", "boundary"} - views - set(document.graph.nodes)


@every_preset
def test_its_nodes_stand_on_the_grid_and_apart_and_values_flow_to_the_right(name):
    graph = preset(name).graph
    boxes = {node.id: (*node.position, *_size(node)) for node in graph}
    assert all(x % 24 == 0 and y % 24 == 0 for x, y, _, _ in boxes.values())
    for one, other in combinations(boxes, 2):
        (x, y, width, height), (u, v, wide, high) = boxes[one], boxes[other]
        assert x + width <= u or u + wide <= x or y + height <= v or v + high <= y, f"{one} and {other} overlap"
    forward = [wire for wire in graph.wires if not delayed(graph, wire)]
    assert all(boxes[wire.source_node][0] < boxes[wire.target_node][0] for wire in forward)


def _size(node) -> tuple[int, int]:
    """Room that a node takes at 100 %, with air around it."""
    if node.type == "neuron":
        return 96, 144
    if node.type == "input" and len(node.properties.get("columns") or ()) == 1:
        return 72, 96
    if node.kind.inputs and node.kind.category in ("Layers", "Losses", "Metrics", "Learning rules"):
        return 264, 216
    if node.kind.category in ("Maths", "Activations"):
        return 168, 144
    return 192, 168


@every_preset
def test_it_names_its_sources_and_stands_in_the_folder_of_a_chapter(name):
    document = preset(name)
    chapters = {entry["id"] for entry in json.loads((FOLDER / "chapters.json").read_text())["chapters"]}
    assert FILES[name].parent.name in chapters
    assert all(isinstance(entry, str) and re.search(r"\d{4}", entry) for entry in document.references)
    assert document.references and all(re.fullmatch(r"\d\d:[a-z0-9.-]+", entry) for entry in document.covers)


@every_preset
def test_learning_rate_zero_leaves_its_parameters_untouched(name):
    session = Session(preset(name))
    rates = [address for address in session.program.sources if address.endswith((".learning_rate", ".step_length"))]
    for rate in rates:
        session.set_setting(rate, 0.0)
    before = dict(session.parameters)
    session.run(7)
    solved = {node.id for node in session.document.graph if node.type == "least_squares"}  # at once, with no rate
    if solved:
        usual = Session(preset(name))
        usual.run(7)
        before |= {address: array for address, array in usual.parameters.items() if address.partition(".")[0] in solved}
    for address, array in session.parameters.items():
        assert array.tobytes() == before[address].tobytes()


def assert_explained(session, step, explanation):
    """With equations, in each of which finite numbers stand."""
    assert (explanation.node, explanation.part) == (step.node, step.part)
    # A parameter or constant with one wire hands nothing on and adds nothing up: its gradient is what came back.
    wires = session.document.graph.wires_out_of(step.node)
    is_end = step.part == "backward" and len(wires) == 1 and not session.document.graph.wires_into(step.node)
    assert explanation.equations or is_end
    for equation in explanation.equations:
        numbers = [term.number for term in equation.terms if term.number is not None]
        assert numbers and np.isfinite(numbers).all()


@every_preset
def test_at_any_step_a_picture_of_it_can_be_taken_that_explains_it_with_numbers(name):
    document = preset(name)
    session = Session(document)
    composites = {node.id for node in document.graph if node.type == "composite"}
    assert session.snapshot().last_step is None
    for step in session.steps:  # nothing is computed yet
        session.explain(step, 0, 0)
    for _ in session.steps:
        step = session.step()
        snapshot = session.snapshot()
        assert snapshot.explanation is not None and snapshot.problem is None
        assert_explained(session, step, snapshot.explanation)
        beyond = set(snapshot.values) - set(session.program.outputs)  # the borders of composites, which compute nothing
        assert set(session.program.outputs) <= set(snapshot.values)
        assert {address.partition("/")[0].partition(".")[0] for address in beyond} <= composites
    assert_explained_at_any_row(session)
    session.run(3)
    session.explain()


def assert_explained_at_any_row(session):
    """Of the iteration that was played, whichever row and unit somebody looks at."""
    anywhere = random.Random(1)
    for step in session.steps:
        explanation = session.explain(step, anywhere.randrange(20), anywhere.randrange(20))
        if explanation is not None:
            assert explanation.note == "", explanation
            for equation in explanation.equations:
                check_terms(equation)
