"""Values typed by hand and tables in files: what is read, and what is refused in which words."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import load, names
from engine.datasets.painting import typed_rows, with_rows, without_rows
from engine.problems import ProblemError


def problems(spec, folder=None):
    with pytest.raises(ProblemError) as caught:
        load(spec, folder)
    return caught.value.problems


def problem(spec, folder=None):
    (only,) = problems(spec, folder)
    return only


@pytest.mark.parametrize(
    ("targets", "task", "shape"),
    [
        ([0, 1, 1, 0], "binary", (4, 1)),
        ([[-1], [1], [1], [-1]], "binary", (4, 1)),
        ([0, 1, 2, 0], "classes", (4,)),
        ([0.0, 1.0, 2.0, 0.0], "regression", (4, 1)),
        ([0, 1, 2, 3], "regression", (4, 1)),
        ([1, 2, 3, 1], "regression", (4, 1)),
        ([0.5, 1, 2, 3], "regression", (4, 1)),
        ([[1, 0], [0, 1], [1, 0], [1, 0]], "regression", (4, 2)),
    ],
)
def test_automatic_reads_targets_and_says_as_what(targets, task, shape):
    loaded = load({"inputs": [[0, 0], [0, 1], [1, 0], [1, 1]], "targets": targets})
    assert (loaded.task, loaded.targets.shape) == (task, shape)
    assert np.ravel(loaded.targets).tolist() == np.ravel(targets).tolist()
    assert any(f"read as {task}" in sentence for sentence in loaded.preparation)


def test_the_task_can_be_said_and_names_given():
    spec = {
        "inputs": [1, 2],
        "targets": [0, 2],
        "task": "classes",
        "class_names": ["a", "b", "c"],
        "input_names": ["age"],
    }
    loaded = load(spec | {"target_names": ["kind"]})
    assert loaded.targets.tolist() == [0, 2] and loaded.inputs.shape == (2, 1)
    assert (loaded.class_names, loaded.input_names, loaded.target_names) == (("a", "b", "c"), ("age",), ("kind",))
    assert "one feature per row" in loaded.preparation[1]


def test_values_survive_a_document():
    spec = {"inputs": [[0.1, 2], [3, 4], [5, 6]], "targets": [[1.5], [2.5], [3.5]]}
    first, again = load(spec), load(json.loads(json.dumps(spec)))
    assert first.inputs.tolist() == again.inputs.tolist() == spec["inputs"]
    assert first.targets.tolist() == again.targets.tolist() == spec["targets"]


def test_images_keep_their_axes():
    loaded = load({"inputs": np.zeros((3, 1, 2, 2)), "targets": np.zeros((3, 2))})
    assert loaded.inputs.shape == (3, 1, 2, 2)
    assert loaded.input_names == ("x1", "x2", "x3", "x4") and loaded.target_names == ("y1", "y2")


@pytest.mark.parametrize(
    ("spec", "path", "fact", "mend"),
    [
        ("moon", "", "No data set is called “moon”", "Did you mean “moons”?"),
        ({"name": "sprials"}, "name", "No data set is called “sprials”", "Did you mean “spirals”?"),
        ({"name": 3}, "name", "The name of a data set is a text, not 3", 'For instance "xor".'),
        ({}, "name", "These data have no name and no values", "Add"),
        (7, "", "Data are described by a name or by options, not by 7", "Write a name"),
        (
            {"name": "moons", "sample": 3},
            "sample",
            "The data set “moons” has no option “sample”",
            "Did you mean “samples”?",
        ),
        (
            {"name": "moons", "samples": 1},
            "samples",
            "“samples” is 1, outside 2 to 1000000",
            "Choose a number in that range.",
        ),
        (
            {"name": "moons", "samples": "many"},
            "samples",
            "“samples” needs a whole number, not “many”",
            "Choose a number from",
        ),
        (
            {"name": "moons", "samples": True},
            "samples",
            "“samples” needs a whole number, not True",
            "Choose a number from",
        ),
        (
            {"name": "moons", "noise": float("inf")},
            "noise",
            "“noise” is inf, which is not a finite number",
            "from 0 to 10",
        ),
        ({"name": "moons", "samples": 10**400}, "samples", "far too large", "Choose a number from"),
        ({"name": "moons", "labels": "0/2"}, "labels", "“labels” cannot be '0/2'", "0/1"),
        ({"name": "xor", "standardise": 1}, "standardise", "“standardise” is yes or no, not 1", "Write true or false."),
        ({"name": "xor", "test_fraction": 1}, "test_fraction", "“test_fraction” is 1, outside 0 to 0.99", "Choose"),
        (
            {"name": "xor", "test_fraction": 0.1},
            "test_fraction",
            "0.1 of 4 rows leaves no row to test on",
            "larger share",
        ),
        (
            {"name": "iris", "features": ["petal width"]},
            "features[0]",
            "There is no feature “petal width”",
            "“petal width (cm)”",
        ),
        ({"name": "function_1d", "low": 2, "high": 1}, "high", "x would run from 2 to 1", "greater than “low”"),
        ({"name": "function_1d", "coefficients": [1]}, "coefficients", "“sine” has no coefficients", "polynomial"),
        ({"inputs": [[1]]}, "targets", "“targets” is missing", "one entry per row"),
        (
            {"inputs": [[1, 2], [3]], "targets": [1, 2]},
            "inputs[1]",
            "Row 1 of “inputs” has 1 entry, and row 0 has 2",
            "same number",
        ),
        (
            {"inputs": [[1], 2], "targets": [1, 2]},
            "inputs[1]",
            "Row 1 of “inputs” has the single entry 2",
            "same number",
        ),
        ({"inputs": [[1, [2]]], "targets": [1]}, "inputs[0][1]", "A list in “inputs” has 1 entry", "same number"),
        ({"inputs": [[1, float("nan")]], "targets": [1]}, "inputs[0][1]", "“inputs” holds NaN", "finite number"),
        ({"inputs": [[1]], "targets": [float("-inf")]}, "targets[0]", "“targets” holds infinity", "finite number"),
        ({"inputs": [[1, 10**400]], "targets": [1]}, "inputs[0][1]", "too large for float64", "finite number"),
        (
            {"inputs": [["a"]], "targets": [1]},
            "inputs[0][0]",
            "“inputs” holds “a”, which is not a number",
            "finite number",
        ),
        (
            {"inputs": [[True]], "targets": [1]},
            "inputs[0][0]",
            "“inputs” holds True, which is not a number",
            "finite number",
        ),
        (
            {"inputs": [[1]], "targets": [1, 2]},
            "targets",
            "1 row of inputs meets 2 rows of targets",
            "one target for each row",
        ),
        ({"inputs": [], "targets": [1]}, "inputs", "“inputs” holds no numbers", "at least one row"),
        ({"inputs": [[]], "targets": [1]}, "inputs", "“inputs” holds no numbers", "at least one row"),
        ({"inputs": 3, "targets": [1]}, "inputs", "“inputs” needs a list of rows, not 3", "Write it as"),
        ({"inputs": [[[[[1]]]]], "targets": [1]}, "inputs", "nested deeper than 4 lists", "one list per row"),
        ({"inputs": np.array(["a"]), "targets": [1]}, "inputs", "“inputs” is an array of <U1", "Convert it to float64"),
        ({"inputs": np.zeros((10**7 + 1, 1)), "targets": [1]}, "inputs", "10,000,001 numbers", "fewer rows"),
        (
            {"inputs": [[1]], "targets": [2], "task": "binary"},
            "targets[0]",
            "2 is no binary label",
            "0 and 1, or as −1 and +1",
        ),
        (
            {"inputs": [1, 2, 3], "targets": [-1, 0, 1], "task": "binary"},
            "targets[1]",
            "0 is no binary label",
            "−1 and +1",
        ),
        (
            {"inputs": [[1]], "targets": [1.5], "task": "classes"},
            "targets[0]",
            "1.5 is no class number",
            "Number the classes",
        ),
        ({"inputs": [[1]], "targets": [0.5], "one_hot": True}, "one_hot", "One-hot targets need classes", "task"),
        (
            {"inputs": [[1, 2]], "targets": [1.5], "input_names": ["a"]},
            "input_names",
            "1 names meet 2 features",
            "Give 2",
        ),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_place_fact_and_mend(spec, path, fact, mend):
    told = problem(spec)
    assert told.path == path
    assert fact in told.fact and not told.fact.endswith(".")
    assert mend in told.mend


def test_all_mistakes_are_told_at_once():
    told = problems({"name": "moons", "samples": 0, "noise": "loud", "colour": 1})
    assert [one.path for one in told] == ["samples", "noise", "colour"]
    told = problems({"inputs": [[1], [2, 3]], "targets": [float("nan")]})
    assert [one.path for one in told] == ["inputs[1]", "targets[0]"]


FOUR = {"inputs": [[0], [1], [2], [3]], "targets": [0.5, 1.5, 2.5, 3.5]}


def test_typed_rows_say_which_of_them_are_tested_on():
    loaded = load({**FOUR, "test_rows": [3, 1]})
    assert (loaded.train_rows.tolist(), loaded.test_rows.tolist()) == ([0, 2], [1, 3])
    assert loaded.preparation[-1] == "Test rows as given: 2 training rows and 2 test rows."
    scaled = load({**FOUR, "test_rows": [3, 1], "standardise": True})
    assert scaled.input_mean.tolist() == [1] and scaled.inputs.ravel().tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize(
    ("more", "fact", "mend"),
    [
        ({"test_rows": [4]}, "there is no row 4 to test on", "Choose rows from 0 to 3."),
        ({"test_rows": [0, 1, 2, 3]}, "all rows are kept for testing", "at least one row"),
        ({"test_rows": [1], "test_fraction": 0.5}, "the rows are kept for testing twice", "“test_fraction”"),
        ({"test_rows": [1], "folds": 2}, "the rows are kept for testing twice", "“folds”"),
        ({"test_rows": [1, 1]}, "“test_rows” names row 1 twice", "once"),
        ({"test_rows": [-1]}, "“test_rows” holds -1", "counted from 0"),
        ({"test_rows": [True]}, "“test_rows” holds True", "counted from 0"),
        ({"test_rows": 3}, "“test_rows” needs a list of row numbers, not 3", "[8, 9]"),
    ],
)
def test_test_rows_that_are_not_there_are_told(more, fact, mend):
    told = problem(FOUR | more)
    assert told.path == "test_rows" and told.fact == fact and mend in told.mend


def test_rows_taken_away_by_hand_leave_the_others_tested_on():
    spec = {**FOUR, "test_rows": [1, 3]}
    left = without_rows(spec, [0])
    assert left["test_rows"] == [0, 2] and load(left).test_rows.tolist() == [0, 2]
    assert load(with_rows(spec, [[4]], [4.5])).train_rows.tolist() == [0, 2, 4]
    assert typed_rows(spec, load(spec))["test_rows"] == [1, 3]
    assert load(without_rows(spec, [0, 2])).test_rows.tolist() == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
OPTIONS = ("samples", "noise", "seed", "labels", "standardise", "one_hot", "test_fraction", "inputs", "targets", "task",
           "features", "coefficients", "path", "class_names", "function", "low", "test_rows")  # fmt: skip


@settings(max_examples=300)
@given(
    spec=JUNK | st.fixed_dictionaries({"name": st.sampled_from(names()) | JUNK}, optional=dict.fromkeys(OPTIONS, JUNK))
)
def test_any_junk_either_loads_or_is_refused_in_sentences(spec):
    try:
        load(spec)
    except ProblemError as error:
        assert error.problems
        for one in error.problems:
            assert one.fact and len(str(one)) < 2000


def test_numbers_too_long_for_python_to_write_out_are_told_all_the_same():
    huge = 10**5000
    for spec in (huge, {"name": huge}, {"name": "xor", "standardise": [huge]}, {"name": "moons", "samples": huge}):
        assert problem(spec).fact
    assert problem({"inputs": [[huge]], "targets": [1]}).path == "inputs[0][0]"
    assert problem({"inputs": [{"a": huge}], "targets": [1]}).path == "inputs[0]"
    assert problem({"name": "function_1d", "function": "polynomial", "coefficients": [huge]}).path == "coefficients"


@pytest.fixture
def table(tmp_path):
    def write(text, name="points.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return {"name": "file", "path": name}

    return write


def test_a_table_beside_the_document_is_read_with_its_heading(table, tmp_path):
    table("x,y,answer\n1,2,0.5\n3,4,1.5\n")
    loaded = load("points.csv", tmp_path)
    assert loaded.inputs.tolist() == [[1, 2], [3, 4]] and loaded.targets.tolist() == [[0.5], [1.5]]
    assert (loaded.input_names, loaded.target_names, loaded.task) == (("x", "y"), ("answer",), "regression")
    assert loaded.preparation[0] == "2 rows of the file points.csv."


def test_a_table_may_use_semicolons_have_no_heading_and_words_for_classes(table, tmp_path):
    loaded = load(table("1;2;cat\n3;4;ant\n5;6;cat\n"), tmp_path)
    assert loaded.task == "classes" and loaded.class_names == ("ant", "cat")
    assert loaded.targets.tolist() == [1, 0, 1]
    assert "alphabetical order" in " ".join(loaded.preparation)


def test_columns_of_a_table_are_chosen_by_name(table, tmp_path):
    spec = table('"a, first",b,c\n1,2,3\n4,5,6\n')
    loaded = load(spec | {"inputs": ["c"], "targets": ["a, first", "b"]}, tmp_path)
    assert loaded.inputs.tolist() == [[3], [6]] and loaded.targets.tolist() == [[1, 2], [4, 5]]


@pytest.mark.parametrize(
    ("text", "more", "path", "fact"),
    [
        ("a,b\n1,2\n\nx,3\n", {}, "path", "Line 4 of “points.csv” has “x” under “a”"),
        ("a,b\n1,2\n1,nan\n", {}, "path", "Line 3 of “points.csv” has “nan” under “b”"),
        ("a,b\n1,2\n1\n", {}, "path", "Line 3 of “points.csv” has 1 cells, and there are 2 columns"),
        ("a,a\n1,2\n", {}, "path", "Two columns of “points.csv” have the same name"),
        ("a,b\n", {}, "path", "“points.csv” has a heading and no rows"),
        ("", {}, "path", "“points.csv” is empty"),
        ("a\n1\n", {}, "inputs", "“points.csv” has no column left for the inputs"),
        ("age,b\n1,2\n", {"targets": ["agee"]}, "targets[0]", "There is no column “agee”"),
        ("a,b\n1,2\n", {"inputs": ["b"]}, "inputs", "“b” is an input and a target"),
        ("a,b\n1,2\n", {"task": "binary"}, "path", "2 is no binary label"),
    ],
)
def test_a_mistake_in_a_table_names_row_and_column(table, tmp_path, text, more, path, fact):
    told = problem(table(text) | more, tmp_path)
    assert told.path == path and fact in told.fact and told.mend


@pytest.mark.parametrize("path", ["../secret.csv", "/etc/passwd.csv", "there/../../secret.csv"])
def test_nothing_outside_the_folder_of_the_document_is_opened(tmp_path, path):
    (tmp_path / "secret.csv").write_text("1,2\n")
    (tmp_path / "inside").mkdir()
    told = problem(path, tmp_path / "inside")
    assert told.path == "path" and "lies outside the folder of the document" in told.fact


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "secret.csv").write_text("1,2\n")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link.csv").symlink_to(tmp_path / "secret.csv")
    assert "outside" in problem("link.csv", tmp_path / "inside").fact


@pytest.mark.parametrize("path", ["missing.csv", "a\0b.csv", "x" * 999 + ".csv", ".csv"])
def test_a_path_that_leads_nowhere_is_told(tmp_path, path):
    assert problem(path, tmp_path).path == "path"


def test_a_table_needs_a_saved_document():
    told = problem("points.csv")
    assert "has no folder yet" in told.fact and told.mend == "Save the document first."


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe\x00\x81")
    assert "cannot be read as a table" in problem("points.csv", tmp_path).fact
