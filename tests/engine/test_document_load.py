"""Files of any content: all problems with path and mend, and the sound part opens."""

import json
import os

import pytest

from engine import document as document_module
from engine import schema_text
from engine.document import Document, check_files
from engine.problems import Problem
from engine.schema_recovery import MOST_LEVELS
from engine.schema_text import MOST_BYTES
from tests.engine.test_document import named_xor


@pytest.fixture
def value():
    return named_xor().to_json()


@pytest.fixture
def load(tmp_path):
    def load_it(content) -> Document:
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path = tmp_path / "document.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Document.load(path)

    return load_it


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def paths(document: Document) -> dict[str, str]:
    return {problem.path: problem.kind for problem in document.problems}


# text --------------------------------------------------------------------------------------------------------------


def test_a_truncated_file_says_line_and_column_and_opens_what_stands_before(load, value):
    text = json.dumps(value, indent=1)
    cut = text.index('"dense_2"') + 4
    document = load(text[:cut])
    problem = document.problems[0]
    line, column = text[:cut].count("\n") + 1, cut - 4 - text.rfind("\n", 0, cut)
    assert problem.fact == f"the file breaks off at line {line}, column {column}"
    assert (problem.path, problem.kind) == ("graph.nodes[2].id", "syntax")
    assert list(document.graph.nodes) == ["input_1", "dense_1"]


def test_half_a_number_at_the_end_is_no_number(load, value):
    text = json.dumps(value)
    document = load(text[: text.index('"batch_size": 4') + len('"batch_size": 4')])
    assert paths(document) == {"training.batch_size": "syntax"}
    assert document.training.batch_size == 0


def test_every_truncation_opens_with_a_problem(load, value):
    text = json.dumps(value)
    whole = list(named_xor().graph.nodes)
    for cut in range(0, len(text), 7):
        document = load(text[:cut])
        assert document.problems[0].kind == "syntax"
        assert whole[: len(document.graph.nodes)] == list(document.graph.nodes)


@pytest.mark.parametrize(
    ("before", "after", "path", "expected", "found"),
    [
        ('"id": "dense_1", ', '"id": "dense_1" ', "graph.nodes[1].id", "a comma or } is missing", '"type": "den…'),
        ('"precision": ', '"precision" ', "precision", "a colon is missing", '"float32", "…'),
        ('"batch_size": 4', '"batch_size": four', "training.batch_size", "this is no JSON", 'four, "order…'),
        ('"batch_size": 4', '"batch_size": ,', "training.batch_size", "a value is missing", ',, "order": …'),
        ('"expects": []}', '"expects": []} {}', "", "the text goes on after its end", "{}"),
        ('"title": "XOR', '"title": "\\x', "title", "this text has a sign that JSON does not allow", '"\\x needs a …'),
        ('"expects": []', '"expects": ]', "expects", "a value is missing", "]}"),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_is_told_with_its_place(load, value, before, after, path, expected, found):
    text = json.dumps(value, ensure_ascii=False)
    assert before in text
    problem = load(text.replace(before, after, 1)).problems[0]
    assert (problem.path, problem.kind) == (path, "syntax")
    place, _, reason = problem.fact.partition(": ")
    assert place.startswith("line 1, column ")
    assert reason == f"{expected} (found “{found}”)"
    assert problem.mend


@pytest.mark.parametrize(
    "content",
    ["", "  \n ", "nonsense", "[1, 2]", '"text"', "3", "null", "NaN", "{", "[", b"\x00\x01", b"\xff\xfe{\x00"],
)
def test_what_is_no_document_opens_empty_with_a_problem(load, content):
    document = load(content)
    assert document.problems
    assert all(problem.fact and problem.mend for problem in document.problems)
    assert document.graph.nodes == {}
    assert document.check()[: len(document.problems)] == document.problems


def test_literals_that_are_no_numbers_are_told_and_left_out(load, value):
    text = json.dumps(value).replace('"seed": 0', '"seed": NaN').replace("0.05", "1e999").replace("240.0", "-Infinity")
    document = load(text)
    assert paths(document) == {
        "training.seed": "number",
        "training.phases[0].optimizer.learning_rate": "number",
        "graph.nodes[1].position[0]": "number",
        "graph.nodes[1].position": "type",
    }


def test_whole_numbers_have_at_most_fifteen_digits(load, value):
    text = (
        json.dumps(value)
        .replace('"batch_size": 4', '"batch_size": ' + "9" * 5000)
        .replace('"seed": 0', f'"seed": {10**15}')
    )
    assert paths(load(text)) == {"training.batch_size": "number", "training.seed": "number"}
    assert paths(load(text.replace("9" * 5000, "9" * 15))) == {
        "training.batch_size": "property",
        "training.seed": "number",
    }


def test_of_two_keys_the_first_is_kept(load, value):
    document = load(json.dumps(value).replace('"units": 4', '"units": 4, "units": 5'))
    assert paths(document) == {"graph.nodes[1].properties.units": "duplicate"}
    assert only(document.problems).node == "dense_1"
    assert document.graph.nodes["dense_1"].properties["units"] == 4


@pytest.mark.parametrize("depth", [MOST_LEVELS + 1, 2_000, 200_000])
def test_deep_nesting_is_cut_and_the_rest_opens(load, value, depth):
    text = json.dumps(value).replace('"views": []', '"views": [' + '{"a": ' * depth + "1" + "}" * depth + "]")
    document = load(text)
    problem = only(document.problems)
    assert (problem.kind, problem.path.startswith("views[0].a.a.a")) == ("depth", True)
    assert len(document.graph.nodes) == 5
    assert Document.from_json(document.to_json()).problems == []


def test_a_hundred_levels_are_allowed(load, value):
    depth = MOST_LEVELS - 2
    text = json.dumps(value).replace('"views": []', '"views": [' + '{"a": ' * depth + "1" + "}" * depth + "]")
    assert load(text).problems == []


def test_a_file_of_a_hundred_megabytes_is_not_read(tmp_path):
    path = tmp_path / "large.json"
    with open(path, "wb") as file:
        file.truncate(100 * 2**20)
    problem = only(Document.load(path).problems)
    assert problem.fact == f"the file is larger than {MOST_BYTES // 2**20} MB"


def test_other_encodings_are_told_and_read_as_far_as_possible(load, value):
    value["title"] = "café"
    document = load(json.dumps(value, ensure_ascii=False).encode("latin-1"))
    assert only(document.problems).kind == "text"
    assert document.title == "caf�"
    assert load(b"\xef\xbb\xbf" + json.dumps(value).encode()).problems == []


def test_half_a_character_is_replaced_so_that_it_can_be_shown_and_saved(load, value, tmp_path):
    document = load(json.dumps(value).replace("XOR needs", "\\ud800 needs"))
    assert paths(document) == {"title": "text"}
    document.save(tmp_path / "again.json")
    assert Document.load(tmp_path / "again.json").problems == []


@pytest.mark.parametrize("make", [lambda path: None, os.mkdir, os.mkfifo if hasattr(os, "mkfifo") else os.mkdir])
def test_what_is_no_file_is_told(tmp_path, make):
    make(tmp_path / "thing")
    problem = only(Document.load(tmp_path / "thing").problems)
    assert problem.kind == "file"
    assert problem.mend


def test_a_path_with_a_nul_sign_is_told():
    assert only(Document.load("a\0b").problems).kind == "file"


# parts -------------------------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once(load, value):
    nodes, wires = value["graph"]["nodes"], value["graph"]["wires"]
    nodes[1]["properties"]["units"] = 10**12
    nodes[2]["type"] = "dens"
    nodes += [dict(nodes[0]), {"id": "Loss 1", "type": "dense", "title": 3}, {"id": "a"}, 7]
    wires += [{"from": "dense_1.y", "to": "dense_1.x"}, {"from": "target_1.value", "to": "dense_1.x"}, {"from": "no.h"}]
    value |= {"titel": "", "precision": "float16", "views": {}, "covers": [1], "expects": [[]], "data": [1]}
    value["training"]["phases"][0]["optimizer"]["type"] = "adamm"
    document = load(value)
    assert paths(document) == {
        "precision": "type",
        "graph.nodes[5].id": "duplicate",
        "graph.nodes[6].id": "id",
        "graph.nodes[6].title": "type",
        "graph.nodes[7].type": "missing",
        "graph.nodes[8]": "type",
        "graph.wires[4].from": "port",
        "graph.wires[5].to": "wire",
        "graph.wires[6].from": "unknown",
        "graph.wires[6].to": "missing",
        "data": "type",
        "views": "type",
        "covers[0]": "type",
        "expects[0]": "type",
        "titel": "unknown",
        "graph.nodes[1].properties.units": "property",
        "graph.nodes[2].type": "unknown",
        "training.phases[0].optimizer.type": "unknown",
    }
    assert all(problem.fact and problem.mend for problem in document.problems)
    assert list(document.graph.nodes) == [*named_xor().graph.nodes, "input_1_1", "loss_1_1"]


def test_an_unknown_node_type_is_guessed_at_and_saved_back_unchanged(load, value, tmp_path):
    node = value["graph"]["nodes"][2]
    node["type"] = "dens"
    node["properties"] = {"unitz": [1, {"a": 2}]}
    document = load(value)
    problem = only(document.problems)
    assert (problem.node, problem.path, problem.mend) == ("dense_2", "graph.nodes[2].type", "Did you mean “dense”?")
    assert document.to_json() == value
    document.save(tmp_path / "again.json")
    assert Document.load(tmp_path / "again.json").to_json() == value


def test_an_unsound_property_stays_as_written_until_it_is_mended(load, value):
    value["graph"]["nodes"][1]["properties"] |= {"units": 10**12, "unitz": 3}
    document = load(value)
    assert paths(document) == {
        "graph.nodes[1].properties.units": "property",
        "graph.nodes[1].properties.unitz": "unknown",
    }
    assert document.to_json() == value
    document.graph.nodes["dense_1"].properties = {"units": 4}
    assert document.check() == []


def test_a_cycle_is_told_and_stays(load, value):
    wires = value["graph"]["wires"]
    wires[0] = {"from": "dense_2.h", "to": "dense_1.x", "order": 0}
    document = load(value)
    problem = only(document.problems)
    assert (problem.kind, problem.path) == ("cycle", "graph.wires[0]")
    assert problem.fact == "the wires dense_1 → dense_2 → dense_1 close a cycle"
    assert document.to_json() == value


def test_every_knot_of_cycles_is_told():
    nodes = [{"id": f"relu_{n}", "type": "dense", "properties": {}, "position": [0, 0]} for n in range(5)]
    links = [(0, 1), (1, 0), (2, 3), (3, 4)]
    wires = [{"from": f"relu_{a}.h", "to": f"relu_{b}.x"} for a, b in links]
    wires += [{"from": "relu_4.h", "to": "relu_2.weight"}]
    document = Document.from_json({"chainrule": 1, "graph": {"nodes": nodes, "wires": wires}})
    assert sorted(problem.path for problem in document.problems) == ["graph.wires[1]", "graph.wires[4]"]


def test_a_shape_clash_is_told_by_check(value):
    value["graph"]["nodes"][0]["properties"]["shape"] = [3]
    problems = Document.from_json(value).check()
    assert [(problem.node, problem.path, problem.kind) for problem in problems] == [
        ("input_1", "graph.nodes[0]", "shape")
    ]


def test_a_free_input_is_told_by_check(value):
    del value["graph"]["wires"][0]
    problem = only(Document.from_json(value).check())
    assert (problem.node, problem.port, problem.path) == ("dense_1", "x", "graph.nodes[1]")


def test_paths_are_those_of_the_file_though_entries_were_left_out(value):
    value["graph"]["nodes"].insert(0, 5)
    value["graph"]["nodes"][2]["properties"]["units"] = -1
    found = [problem.path for problem in Document.from_json(value).check()]
    assert found == ["graph.nodes[0]", "graph.nodes[2].properties.units"]


def test_a_goal_that_is_no_node_is_guessed_at(value):
    value["training"]["phases"][0] |= {"minimise": "binary_cross_entropi_1", "parameters": ["dense_1.weight", "dens_2"]}
    document = Document.from_json(value)
    assert paths(document) == {"training.phases[0].minimise": "unknown", "training.phases[0].parameters[1]": "unknown"}
    assert document.problems[0].mend == "Did you mean “binary_cross_entropy_1”?"
    assert len(document.check()) == 2


def test_what_a_plan_says_beyond_this_version_is_saved_back_until_the_plan_is_edited(value):
    value["training"] |= {"warm_up": 5}
    value["training"]["phases"][0]["optimizer"] = {"type": "lion", "beta3": 1}
    document = Document.from_json(value)
    assert document.copy().to_json() == value
    assert len(document.check()) == 2
    document.training = document.training.with_optimizer(document.training.phases[0].optimizer)
    assert document.to_json()["training"]["phases"][0]["optimizer"] == {"type": "sgd"}
    assert document.check() == []


def test_a_newer_version_opens_with_a_warning_and_stays_newer(value):
    value |= {"chainrule": 7, "hologram": {"depth": 3}}
    document = Document.from_json(value)
    assert [(problem.path, problem.severity) for problem in document.problems] == [
        ("chainrule", "warning"),
        ("hologram", "warning"),
    ]
    assert document.to_json() == value


@pytest.mark.parametrize("version", [None, "1", 0, -3, 1.5, True])
def test_a_version_that_is_none_is_told(value, version):
    value["chainrule"] = version
    document = Document.from_json(value)
    assert paths(document) == {"chainrule": "version"}
    assert len(document.graph.nodes) == 5


def test_an_older_version_is_brought_up_to_date_step_by_step(monkeypatch, value):
    monkeypatch.setattr(document_module, "VERSION", 3)
    monkeypatch.setattr(
        document_module,
        "MIGRATIONS",
        {1: lambda file: file | {"caption": file["title"]}, 2: lambda file: file | {"question": file.pop("caption")}},
    )
    document = Document.from_json(value)
    assert document.problems == []
    assert document.question == document.title == value["title"]
    assert document.to_json()["chainrule"] == 3


def test_more_than_twenty_thousand_nodes_are_not_opened():
    nodes = [{"id": f"dense_{n}", "type": "dense"} for n in range(20_010)]
    document = Document.from_json({"chainrule": 1, "graph": {"nodes": nodes}})
    assert only(document.problems).path == "graph.nodes"
    assert len(document.graph.nodes) == 20_000


def test_thousands_of_problems_are_counted_not_listed():
    wires = [{"from": f"nothing_{n}.h", "to": 5} for n in range(5_000)]
    problems = Document.from_json({"chainrule": 1, "graph": {"wires": wires}}).problems
    assert len(problems) == 1001
    assert problems[-1].fact == "there are 9000 more problems"


def test_twenty_thousand_nodes_of_one_name_get_names_of_their_own():
    nodes = [{"id": "dense_1", "type": "dense"}] * 20_000
    graph = Document.from_json({"chainrule": 1, "graph": {"nodes": nodes}}).graph
    assert len(graph.nodes) == 20_000


def test_wires_and_frames_follow_a_node_that_is_renamed():
    nodes = [{"id": "My input", "type": "input"}, {"id": "dense_1", "type": "dense"}]
    frames = [{"id": "frame_1", "nodes": ["My input", "gone"]}]
    wires = [{"from": "My input.value", "to": "dense_1.x"}]
    document = Document.from_json({"chainrule": 1, "graph": {"nodes": nodes, "wires": wires, "frames": frames}})
    assert document.graph.wires[0].source == "my_input_1.value"
    assert document.graph.frames["frame_1"].nodes == ("my_input_1",)
    assert paths(document) == {"graph.nodes[0].id": "id", "graph.frames[0].nodes": "unknown"}


def test_files_are_checked_for_the_command_line(tmp_path, value):
    sound, broken = tmp_path / "sound.json", tmp_path / "broken.json"
    sound.write_text(json.dumps(value))
    broken.write_text(json.dumps(value | {"data": {"train": {"name": "xorr"}}}))
    found = check_files([sound, broken, tmp_path / "none.json"])
    assert [(path.name, problem.path) for path, problem in found] == [
        ("broken.json", "data.train.name"),
        ("none.json", ""),
    ]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1e999}', '{"a": -Infinity}', '[NaN, 1]', '{"a": 1, "a": 2}', '{"a": 1234567890123456}', '["\\ud800"]',
     '["\ud800"]', '{"a": [1.5, {"b": [-12, "ö", null, true]}]}', '{"a": -123456789012345}', '["\\u00e9"]'],
)  # fmt: skip
def test_a_short_text_and_a_long_one_are_read_alike(monkeypatch, text):
    short, long = schema_text.Findings(), schema_text.Findings()
    value = schema_text.read_text(text, short)
    monkeypatch.setattr(schema_text, "MOST_WATCHED", 0)
    assert schema_text.read_text(text, long) == value and long.all() == short.all()


def test_a_sentence_about_a_hostile_value_or_place_can_still_be_read(load, value):
    """A path of a hundred levels filled the screen, and so did a word of a megabyte."""
    value["training"]["batch_size"] = "many" * 10_000
    nested = '{"a":' * 500 + "1" + "}" * 500
    problems = load(f'{json.dumps(value)[:-1]}, "remarks": {nested}}}').problems
    assert {problem.kind for problem in problems} >= {"depth", "property"}
    assert all(len(f"{problem.path} {problem}") < 400 for problem in problems)
