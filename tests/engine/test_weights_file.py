"""Trained numbers in a file: a run goes on exactly, and no file of any content is trusted."""

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import ProblemError, Session
from engine.weights_file import Weights, read_weights, write_weights
from tests.engine.documents import layered_document, xor_document
from tests.presets.gallery import every_preset, preset

CLOCK = {"iteration": 12, "epoch": 3, "within": 1, "seed": 7}
# Written by the library safetensors 0.8.0 itself.
BY_THE_LIBRARY = (
    b'\x90\x00\x00\x00\x00\x00\x00\x00{"__metadata__":{"x":"y"},"a.weight":{"dtype":"F32","shape":[1,2],'
    b'"data_offsets":[0,8]},"b":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}}  \x00\x00\x80?\x00\x00 @\x03\x00\x00\x00'
)


def bits(session):
    kept = session.weights
    return {name: array.tobytes() for name, array in kept.arrays.items()} | dict(kept.clock)


def written(path, header, numbers=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)
    return path


def refusal(path):
    with pytest.raises(ProblemError) as caught:
        read_weights(path)
    (problem,) = caught.value.problems
    assert problem.mend
    return problem.fact


def one(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"w": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}}


@every_preset
def test_a_run_saved_after_100_iterations_goes_on_as_if_it_had_never_stopped(name, tmp_path):
    straight, again = Session(preset(name)), Session(preset(name))
    straight.run(100)
    write_weights(tmp_path / "w.safetensors", straight.weights)
    weights, problems = read_weights(tmp_path / "w.safetensors")
    assert problems == again.resume(weights) == []
    again.run(100)
    straight.run(100)
    assert bits(again) == bits(straight)
    assert again.loss == straight.loss or math.isnan(again.loss)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("last_batch", ["short", "drop", "wrap"])
def test_every_optimizer_and_a_begun_epoch_go_on_exactly(optimizer, last_batch, tmp_path):
    document = layered_document([3, 4, 2], rows=7, batch_size=3, last_batch=last_batch)
    document.training = xor_document(optimizer=optimizer, batch_size=3, last_batch=last_batch).training
    document.training = type(document.training).from_json(
        {**document.training.to_json(), "phases": [], "loss": "mean_squared_error_1", "order": "shuffled",
         "optimizer": {"type": optimizer, "learning_rate": 0.05}}
    )[0]  # fmt: skip
    first, straight, again = Session(document), Session(document), Session(document)
    first.run(10)
    write_weights(tmp_path / "w.safetensors", first.weights)
    again.resume(read_weights(tmp_path / "w.safetensors")[0])
    assert (again.iteration, again.epoch) == (first.iteration, first.epoch)
    again.run(10)
    straight.run(20)
    assert bits(again) == bits(straight)


def test_in_the_middle_of_an_iteration_its_beginning_is_kept():
    session, other = Session(xor_document()), Session(xor_document())
    session.run(5)
    before = bits(session)
    while session.next_step.part != "update":
        session.step()
    session.step()
    assert bits(session) == before
    other.resume(session.weights)
    assert bits(other) == before


def test_the_seed_of_a_run_started_anew_is_kept():
    session, other = Session(xor_document()), Session(xor_document())
    session.reset(seed=99)
    other.resume(session.weights)
    assert other.seed == 99 and bits(other) == bits(session)


def test_numbers_come_back_bit_for_bit_nan_and_infinity_too(tmp_path):
    odd = np.array([np.nan, -0.0, np.inf, -np.inf, 5e-324, 1 / 3]).view(np.int64)
    odd[0] |= 0xBEEF  # a NaN with a payload
    arrays = {"a.w": odd.view(np.float64).reshape(2, 3), "b": np.float32([]), "c": np.array(7, np.int32)}
    write_weights(tmp_path / "w.safetensors", Weights(arrays, CLOCK))
    found, problems = read_weights(tmp_path / "w.safetensors")
    assert problems == [] and found.clock == CLOCK
    assert {n: (a.shape, a.dtype, a.tobytes()) for n, a in found.arrays.items()} == {
        n: (a.shape, a.dtype, a.tobytes()) for n, a in arrays.items()
    }


def test_a_file_of_the_library_is_read_and_ours_is_laid_out_alike(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(BY_THE_LIBRARY)
    found, _ = read_weights(path)
    assert found.arrays["a.weight"].tolist() == [[1.0, 2.5]] and found.arrays["b"].tolist() == [3]
    write_weights(path, Weights(found.arrays, CLOCK))
    content = path.read_bytes()
    assert content.endswith(BY_THE_LIBRARY[-12:]) and int.from_bytes(content[:8], "little") % 8 == 0


def test_what_no_longer_fits_is_named_and_skipped(tmp_path):
    small, large = Session(xor_document()), Session(xor_document())
    small.run(3)
    arrays = dict(small.weights.arrays)
    arrays["dense_1.weight"] = np.zeros((2, 9), np.float32)
    arrays["gone.bias"] = np.zeros(3, np.float32)
    del arrays["dense_2.bias"]
    fresh = large.parameters["dense_1.weight"]
    problems = large.resume(Weights(arrays, {**CLOCK, "seed": 0}))
    told = " ".join(map(str, problems))
    assert "dense_1.weight (2, 9) there, (2, 4) here" in told
    assert "“gone.bias”" in told and "“dense_2.bias”" in told and len(problems) == 3
    assert np.array_equal(large.parameters["dense_1.weight"], fresh)
    assert np.array_equal(large.parameters["dense_2.weight"], small.parameters["dense_2.weight"])
    large.run(2)


def test_more_precise_weights_are_rounded_and_it_is_said():
    exact, fast = Session(xor_document(), dtype="float64"), Session(xor_document())
    (problem,) = fast.resume(exact.weights)
    assert "more precise than this document" in problem.fact


@pytest.mark.parametrize(
    ("header", "numbers", "fact"),
    [
        (one(offsets=(0, 8)), bytes(8), "another shape than its 8 bytes"),
        (one(offsets=(4, 8)), bytes(8), "leave a gap at byte 0"),
        (one(), bytes(5), "1 bytes behind the last array belong to nothing"),
        (one(offsets=(0, 4)), b"", "ends at byte 4, and there are 0"),
        (one(offsets=(-4, 0)), b"", "no whole number in range"),
        (one(shape=(10**12,) * 9, offsets=(0, 0)), b"", "another shape"),
        (one(shape=(True,)), bytes(4), "no whole number in range"),
        (one(dtype="F99"), bytes(4), "unknown kind “F99”"),
        (one(extra=1), bytes(4), "does not say what it is"),
        ({"w": 3}, b"", "does not say what it is"),
        ([], b"", "its header is no list of names"),
        ({**one(), "v": one()["w"]}, bytes(4), "overlap or leave a gap"),
        ({"__metadata__": {"iteration": 3}}, b"", "other than texts"),
        ({"__metadata__": {"iteration": "-3"}}, b"", "its iteration is “-3”"),
        (b"{" * 100_000, b"", "its header cannot be read"),
        (b'{"a":1,"a":2}', b"", "a name stands there twice"),
        (b"\xff\xfe", b"", "its header cannot be read"),
    ],
)
def test_an_unsound_file_is_refused_with_the_reason(header, numbers, fact, tmp_path):
    assert fact in refusal(written(tmp_path / "w.safetensors", header, numbers))


def test_a_header_that_claims_a_terabyte_takes_no_memory(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", 10**12) + b"{}")
    assert "claims 1,000,000,000,000 bytes, and 2 follow" in refusal(path)


def test_no_file_an_empty_one_and_a_folder_are_answered_with_a_sentence(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.safetensors")
    assert "is a directory" in refusal(tmp_path) or "it is no file" in refusal(tmp_path)
    (tmp_path / "w.safetensors").write_bytes(b"abc")
    assert "it has 3 bytes" in refusal(tmp_path / "w.safetensors")


def test_arrays_of_foreign_kinds_are_left_out_by_name(tmp_path):
    found, (problem,) = read_weights(written(tmp_path / "w.safetensors", one("BF16", (2,)), bytes(4)))
    assert found.arrays == {} and "“w”" in problem.fact


@settings(max_examples=200)
@given(st.integers(0, len(BY_THE_LIBRARY) - 1), st.integers(0, 255))
@example(0, 255)
def test_no_single_broken_byte_ends_in_anything_but_an_answer(tmp_path_factory, place, byte):
    path = tmp_path_factory.getbasetemp() / "broken.safetensors"
    path.write_bytes(BY_THE_LIBRARY[:place] + bytes([byte]) + BY_THE_LIBRARY[place + 1 :])
    try:
        read_weights(path)
    except ProblemError as error:
        assert error.problems[0].kind == "weights"
