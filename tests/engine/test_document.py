"""A document as a notebook makes it, and as a file holds it."""

import json

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Frame, Note
from engine.problems import ProblemError
from engine.training import Optimizer, Phase, Training
from tests.engine.documents import xor_document

ARCHITECTURE = {
    "chainrule": 1,
    "id": "xor",
    "title": "XOR needs a hidden layer",
    "question": "Why can one neuron not do it?",
    "precision": "float32",
    "graph": {
        "nodes": [
            {"id": "input_1", "type": "input", "properties": {}, "position": [-240.0, 0.0]},
            {
                "id": "dense_1",
                "type": "dense",
                "title": "hidden",
                "properties": {"units": 4, "activation": "tanh"},
                "position": [0.0, 0.0],
            },
        ],
        "wires": [{"from": "input_1.value", "to": "dense_1.x", "order": 0}],
        "frames": [{"id": "frame_1", "title": "net", "nodes": ["dense_1"], "colour": ""}],
        "notes": [{"id": "note_1", "text": "$x$", "position": [0.0, 90.0], "size": [216.0, 96.0]}],
        "composites": {"cell": {"nodes": [], "wires": []}},
    },
    "data": {"train": {"name": "xor"}},
    "training": {
        "seed": 0,
        "batch_size": 4,
        "order": "shuffled",
        "last_batch": "short",
        "phases": [
            {
                "name": "main",
                "minimise": "dense_1",
                "parameters": "all",
                "optimizer": {"type": "adam", "learning_rate": 0.05},
                "times": 1,
            }
        ],
    },
    "views": [{"view": "loss_curve"}],
    "tour": [{"text": "Look."}],
    "references": ["Aggarwal 2023, §1.2"],
    "covers": ["01:xor-relu"],
    "expects": [{"what": "loss", "after": 2000, "below": 0.05}],
}


def named_xor() -> Document:
    document = xor_document()
    document.id, document.title = "xor", "XOR needs a hidden layer"
    return document


def test_the_file_of_the_architecture_page_is_read_and_written_without_a_change():
    document = Document.from_json(ARCHITECTURE)
    assert document.problems == []
    assert json.dumps(document.to_json()) == json.dumps(ARCHITECTURE)


def test_what_is_saved_is_loaded_again_as_it_was(tmp_path):
    document = named_xor()
    document.save(tmp_path / "xor.json")
    loaded = Document.load(tmp_path / "xor.json")
    assert loaded.problems == []
    assert loaded.check() == []
    assert loaded.to_json() == document.to_json()


def test_floats_come_back_bit_for_bit(tmp_path):
    document = named_xor()
    numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345.0]
    document.views = [{"numbers": numbers}]
    document.save(tmp_path / "a.json")
    read = Document.load(tmp_path / "a.json").views[0]["numbers"]
    assert [number.hex() for number in read] == [number.hex() for number in numbers]


def test_the_short_training_plan_is_one_phase():
    plan = named_xor().training
    phase = Phase(minimise="binary_cross_entropy_1", optimizer=Optimizer("adam", {"learning_rate": 0.05}))
    assert plan == Training(seed=0, batch_size=4, phases=(phase,))


def test_a_short_training_plan_may_stand_in_a_file():
    value = ARCHITECTURE | {"training": {"loss": "dense_1", "optimizer": {"type": "sgd", "learning_rate": 0.5}}}
    document = Document.from_json(value)
    assert document.problems == []
    assert document.training.phases[0].minimise == "dense_1"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, {}),
        ("xor", {"train": {"name": "xor"}}),
        ("points.csv", {"train": {"path": "points.csv"}}),
        ({"name": "spirals", "samples": 500}, {"train": {"name": "spirals", "samples": 500}}),
        ({"train": "moons", "test": "circles"}, {"train": {"name": "moons"}, "test": {"name": "circles"}}),
        ({"inputs": [[1, 2]], "targets": [3]}, {"train": {"inputs": [[1, 2]], "targets": [3]}}),
    ],
)  # fmt: skip
def test_short_forms_of_data_become_one_form(given, kept):
    assert Document(data=given).to_json()["data"] == kept


def test_small_arrays_are_saved_inside(tmp_path):
    inputs = np.array([[0.1, 2.0], [3.0, 4.0]])
    document = Document(data={"inputs": inputs, "targets": np.array([0, 1])})
    inputs[0, 0] = 99.0
    document.save(tmp_path / "a.json")
    assert Document.load(tmp_path / "a.json").data == {"train": {"inputs": [[0.1, 2.0], [3.0, 4.0]], "targets": [0, 1]}}


def test_large_arrays_can_be_used_but_not_saved_inside(tmp_path):
    document = Document(data={"inputs": np.zeros((100_001, 1)), "targets": np.zeros(100_001)})
    assert [(problem.path, problem.severity) for problem in document.check()] == [("data.train", "warning")]
    with pytest.raises(ProblemError) as caught:
        document.save(tmp_path / "a.json")
    assert caught.value.problems[0].kind == "limit"
    assert ".csv" in caught.value.problems[0].mend
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong", [{"data": 5}, {"precision": "float16"}, {"training": {"optimizer": {"type": "adamm"}}}]
)
def test_what_makes_no_sense_is_refused_in_a_notebook(wrong):
    with pytest.raises(ProblemError) as caught:
        Document(**wrong)
    assert all(problem.fact for problem in caught.value.problems)


def test_a_copy_changes_nothing_in_its_original():
    document = Document.from_json(ARCHITECTURE)
    twin = document.copy()
    twin.graph.add("dense")
    twin.graph.nodes["dense_1"].properties["units"] = 9
    twin.graph.frames["frame_2"] = Frame("frame_2")
    twin.graph.notes["note_2"] = Note("note_2")
    twin.data["test"] = {"name": "and"}
    twin.views.append({})
    twin.covers.append("01:other")
    twin.composites["other"] = {}
    twin.title = "Other"
    assert document.to_json() == ARCHITECTURE


def test_unknown_keys_are_told_and_kept_everywhere():
    value = json.loads(json.dumps(ARCHITECTURE))
    value["future"] = {"a": [1, None]}
    graph = value["graph"]
    graph["layers"] = 3
    places = {"": value, "graph": graph}
    for path, key in (("nodes", "locked"), ("wires", "bend"), ("frames", "folded"), ("notes", "font")):
        graph[path][0][key] = "new"
        places[path] = graph[path][0]
    document = Document.from_json(value)
    told = {problem.path: problem.severity for problem in document.problems}
    expected = {"future", "graph.layers", "graph.nodes[0].locked", "graph.wires[0].bend", "graph.frames[0].folded"}
    assert told == dict.fromkeys(expected | {"graph.notes[0].font"}, "warning")
    assert document.to_json() == value
    assert document.copy().to_json() == value


def test_flags_and_muted_wires_come_back():
    document = Document.from_json(ARCHITECTURE)
    document.graph.nodes["dense_1"].flags = frozenset({"pinned", "opened"})
    written = document.to_json()
    written["graph"]["wires"][0]["muted"] = True
    again = Document.from_json(written)
    assert again.problems == []
    assert again.graph.wires[0].muted
    assert again.graph.nodes["dense_1"].flags == {"pinned", "opened"}
    assert again.to_json() == written


def test_a_node_without_a_position_lands_right_of_the_last_one():
    value = json.loads(json.dumps(ARCHITECTURE))
    del value["graph"]["nodes"][1]["position"]
    assert Document.from_json(value).graph.nodes["dense_1"].position == (0.0, 0.0)
    assert Document.from_json(value).problems == []


def test_data_are_loaded_once_until_they_are_exchanged():
    document = Document(data="xor")
    first, problems = document.load_data()
    assert first is not None
    assert problems == []
    assert document.copy().load_data()[0] is first
    document.data = {"train": {"name": "and"}}
    assert document.load_data()[0] is not first


def test_a_table_beside_the_document_is_found(tmp_path):
    (tmp_path / "points.csv").write_text("a,b\n1,2\n3,4\n")
    document = Document(data="points.csv")
    document.save(tmp_path / "a.json")
    dataset, problems = Document.load(tmp_path / "a.json").load_data()
    assert problems == []
    assert dataset is not None
    assert dataset.inputs.shape == (2, 1)
