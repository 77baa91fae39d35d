"""CSV files as people have them: understood, with every doubt as a choice and every bad line by its number."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets import load
from engine.datasets.csv_table import CsvFile
from engine.datasets.csv_text import Cancelled
from engine.problems import ProblemError


def read(text, answers=None, name="points.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return CsvFile(content, name).understand(answers)


def question(found, key):
    return next(entry for entry in found.questions if entry.key == key)


def doubts(found):
    return {entry.key for entry in found.doubts}


IRIS = "width,length,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,virginica\n4.9,3.0,setosa\n"


def test_a_plain_table_is_understood_without_a_doubt():
    found = read(IRIS)
    assert found.doubts == [] and found.bad == [] and found.problem is None
    assert found.inputs.tolist() == [[5.1, 3.5], [7.0, 3.2], [6.3, 3.3], [4.9, 3.0]]
    assert (found.task, found.class_names) == ("classes", ["setosa", "versicolor", "virginica"])
    assert found.targets.tolist() == [0, 1, 2, 0]
    assert found.preview[0] == (2, ["5.1", "3.5", "setosa"])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_every_separator_is_found(separator):
    found = read(IRIS.replace(",", separator))
    assert question(found, "separator").chosen == separator and found.doubts == []
    assert found.inputs.shape == (4, 2)


def test_a_decimal_comma_is_read():
    found = read("a;b;y\n1,5;2;0,25\n-3,25;1.000,5;1e3\n")
    assert question(found, "decimal").chosen == "comma"
    assert found.inputs.tolist() == [[1.5, 2], [-3.25, 1000.5]] and found.targets.tolist() == [[0.25], [1000]]


def test_groups_of_three_digits_are_a_doubt_with_both_readings():
    text = 'a;y\n"1,234";2\n"5,678";3\n"9,012";5\n'
    assert "decimal" in doubts(read(text))
    assert read(text).inputs.ravel().tolist() == [1.234, 5.678, 9.012]
    other = read(text, {"decimal": "point"})
    assert other.inputs.ravel().tolist() == [1234, 5678, 9012] and "decimal" not in doubts(other)


def test_one_comma_on_each_line_is_a_doubt():
    found = read("1,5\n2,5\n3,7\n")
    assert "separator" in doubts(found) and found.inputs.shape == (3, 1)


def test_quoted_cells_may_hold_separators_quotation_marks_and_lines():
    found = read('a,word,y\n1,"x, ""y""",0\n2,"two\nlines",1\n3,"x, ""y""",1\n')
    assert found.bad == [] and found.rows == 3
    assert found.input_names == ["a", 'word = x, "y"']
    assert [line for line, _ in found.preview] == [2, 3, 5]


def test_without_a_heading_columns_are_numbered():
    found = read("1,2,0\n3,4,1\n5,6,0\n")
    assert [column.name for column in found.columns] == ["x1", "x2", "x3"] and found.rows == 3


def test_a_table_of_words_leaves_the_heading_in_doubt():
    text = "colour,taste\nred,sweet\ngreen,sour\nred,sour\n"
    assert "heading" in doubts(read(text)) and read(text).rows == 3
    assert read(text, {"heading": "no"}).rows == 4


@pytest.mark.parametrize(
    ("content", "encoding", "name"),
    [
        ("größe,y\n1,2\n3,4\n".encode("utf-8-sig"), "utf-8-sig", "größe"),
        ("größe,y\n1,2\n3,4\n".encode(), "utf-8-sig", "größe"),
        ("größe,y\n1,2\n3,4\n".encode("utf-16"), "utf-16", "größe"),
        ("größe,y\n1,2\n3,4\n".encode("utf-16-le"), "utf-16", "größe"),
        ("größe,y\r\n1,2\r\n3,4\r\n".encode("latin-1"), "cp1252", "größe"),
    ],
)
def test_encodings_are_found(content, encoding, name):
    found = read(content)
    assert question(found, "encoding").chosen == encoding and found.columns[0].name == name
    assert found.inputs.tolist() == [[1], [3]]


def test_latin_1_is_a_doubt_that_quotes_the_word():
    found = read("städte,y\n1,2\n3,4\n".encode("latin-1"))
    assert question(found, "encoding").is_open
    assert question(found, "encoding").fact == "Line 1 is not UTF-8; read as Western European it says “städte”."


def test_bad_lines_are_named_with_their_number_and_the_reason():
    lines = [f"{i},{i * i}" for i in range(30)]
    lines[4], lines[9], lines[20] = "4,16,9", "nine,81", "20,"
    found = read("x,y\n" + "\n".join(lines) + "\n")
    assert [(bad.line, bad.why) for bad in found.bad] == [
        (6, "it has 3 cells, and there are 2 columns"),
        (11, "“nine” under “x” is no number"),
        (22, "the target “y” is missing"),
    ]
    assert found.rows == 27 and "3 lines were left out." in found.said
    assert "kind:0" in doubts(found)


def test_missing_values_are_left_out_or_filled_as_chosen():
    text = "a,b,y\n1,2,0\nNA,4,1\n3,,1\n5,6,0\n"
    found = read(text)
    assert "missing" in doubts(found) and found.rows == 2
    assert {bad.line: bad.why for bad in found.bad} == {3: "“a” is missing", 4: "“b” is missing"}
    filled = read(text, {"missing": "fill"})
    assert filled.inputs.tolist() == [[1, 2], [3, 4], [3, 4], [5, 6]] and filled.bad == []
    assert any("filled" in sentence for sentence in filled.said)


def test_words_become_columns_and_yes_or_no_one():
    found = read("colour,smoker,y\nred,yes,1.5\ngreen,no,2.5\nblue,no,3\n")
    assert found.input_names == ["colour = blue", "colour = green", "colour = red", "smoker = yes"]
    assert found.inputs.tolist() == [[0, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0]]


def test_two_words_are_a_binary_target_and_it_is_said_which_is_1():
    found = read("a,t\n1,no\n2,yes\n3,no\n")
    assert found.task == "binary" and found.targets.tolist() == [0, 1, 0]
    assert "“no” became 0 and “yes” became 1." in found.said


def test_whole_numbers_as_target_are_a_doubt_between_classes_and_quantities():
    text = "a,quality\n" + "".join(f"{i}.5,{i % 3 + 1}\n" for i in range(30))
    found = read(text)
    assert {"task", "target"} <= doubts(found) and found.class_names == ["1", "2", "3"]
    assert read(text, {"task": "regression"}).targets.shape == (30, 1)
    assert read(text, {"one_hot": "columns"}).one_hot


def test_labels_of_plus_and_minus_one_stay():
    found = read("a,y\n1,-1\n2,1\n3,-1\n")
    assert found.targets.tolist() == [-1, 1, -1] and load(found.data()).targets.ravel().tolist() == [-1, 1, -1]


def test_the_target_can_be_another_column_or_several():
    text = "a,b,c\n1,2,3\n4,5,6\n7,8,10\n"
    assert "target" in doubts(read(text))
    first = read(text, {"target": "0"})
    assert first.target_names == ["a"] and first.input_names == ["b", "c"] and "target" not in doubts(first)
    both = read(text, {"role:1": "target", "role:2": "target"})
    assert both.targets.tolist() == [[2, 3], [5, 6], [8, 10]] and both.task == "regression"


def test_columns_that_say_nothing_are_left_out_with_a_doubt():
    rows = "".join(f"{i},7,{i * 0.3:.2f},person {i},{i % 2}\n" for i in range(1, 31))
    found = read("id,constant,x,name,target\n" + rows)
    assert {"role:0", "role:1", "role:3"} <= doubts(found) and found.input_names == ["x"]
    assert read("id,constant,x,name,target\n" + rows, {"role:0": "input"}).input_names == ["id", "x"]


def test_features_of_very_different_size_are_a_doubt_and_nothing_is_scaled_in_silence():
    found = read("a,b,target\n1680,0.1,0\n520,0.2,1\n710,0.4,0\n")
    assert "standardise" in doubts(found) and "standardise" not in found.data()
    assert read("a,b,target\n1680,0.1,0\n520,0.2,1\n", {"standardise": "yes"}).data()["standardise"] is True


def test_names_are_made_different_and_trailing_separators_are_no_column():
    found = read("a,a,,y,\n1,2,3,4,\n5,6,7,8,\n")
    assert [column.name for column in found.columns] == ["a", "a (2)", "column 3", "y"]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n\n", "is empty"),
        (b"PK\x03\x04" + bytes(50), "is an Excel workbook"),
        (b"\x89PNG\r\n" + bytes(50), "is a picture"),
        (bytes(range(256)) * 20, "holds bytes that are no text"),
        (b"# only a comment\n", "has no line with anything on it"),
        (b"a,b\n", "has a heading and no rows"),
        (bytes(64 * 2**20 + 1), "has 64 MB; a table takes up to 64 MB"),
    ],
)
def test_what_is_no_table_is_answered_with_a_sentence(content, fact):
    with pytest.raises(ProblemError) as caught:
        read(content) if fact != "has a heading and no rows" else read(content, {"heading": "yes"})
    assert fact in caught.value.problems[0].fact and caught.value.problems[0].mend


@pytest.mark.parametrize(
    ("text", "answers", "fact"),
    [
        ("a,y\n1,2\n3,4\n", {"role:0": "out"}, "no column is left for the inputs"),
        ("a,y\n1,2\n3,4\n", {"role:1": "input"}, "no column is the target"),
        ("a,y\n,2\n,4\n", {"role:0": "input"}, "“a” is empty"),
        ("a,y\n1,x\n3,x\n", {}, "the target is “x” on every line"),
        ("a,y,z\n1,2,x\n3,4,w\n", {"role:1": "target", "role:2": "target"}, "one of these holds words"),
    ],
)
def test_what_cannot_be_learned_from_says_why(text, answers, fact):
    found = read(text, answers)
    assert fact in found.problem.fact and found.problem.mend


def test_an_unclosed_quotation_mark_is_a_bad_line():
    found = read("a,y\n1,2\n" + '"' + "3,4\n" * 5000)
    assert any("never closed" in bad.why or "cells" in bad.why for bad in found.bad)


def test_the_rows_come_into_the_document_and_stay_what_they_are():
    found = read(IRIS, {"one_hot": "columns"})
    loaded = load(found.data())
    assert np.array_equal(loaded.inputs, found.inputs) and loaded.targets.shape == (4, 3)
    assert loaded.class_names == ("setosa", "versicolor", "virginica")
    assert "Read from points.csv." in loaded.preparation


@pytest.mark.parametrize("answers", [{}, {"task": "regression"}])
def test_a_table_beside_the_document_holds_the_same_rows(answers, tmp_path):
    text = 'größe,"b, c",quality\n' + "".join(f"{i / 7},{i % 4},{i % 3 + 1}\n" for i in range(40))
    found = read(text, answers)
    (tmp_path / "rows.csv").write_bytes(found.csv())
    spec = {"name": "file", "path": "rows.csv", "inputs": found.input_names, "targets": found.target_names}
    spec |= {"task": found.task, "class_names": found.class_names, **found.options()}
    beside, inside = load(spec, tmp_path), load(found.data())
    assert np.array_equal(beside.inputs, inside.inputs) and np.array_equal(beside.targets, inside.targets)
    assert beside.class_names == inside.class_names


def test_reading_can_be_cancelled_and_tells_how_far_it_is():
    seen = []

    def watch(words, share):
        seen.append((words, share))
        if len(seen) > 3:
            raise Cancelled

    text = "a,y\n" + "1,2\n" * 100_000
    with pytest.raises(Cancelled):
        CsvFile(text.encode(), "large.csv").understand({}, watch)
    assert all(0 <= share <= 1 for _, share in seen)


CELLS = st.one_of(
    st.floats(-1e6, 1e6).map(str), st.integers(-5, 5).map(str), st.text(max_size=6), st.sampled_from(["NA", "", "x,y"])
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12), st.sampled_from([",", ";", "\t"]))
def test_no_table_of_any_content_ends_in_anything_but_an_answer(rows, separator):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    check(text.getvalue().encode("utf-8", "replace"))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_at_all_end_in_anything_but_an_answer(content):
    check(content)


def check(content):
    try:
        found = CsvFile(content, "any.csv").understand()
    except ProblemError as error:
        assert error.problems[0].mend
        return
    if found.problem is None:
        load(found.data())
