"""A small tape's iteration as one native function: the same bits as kernel by kernel, and nobody waits for it."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.library import find_preset, load_preset
from engine import Document, Session
from engine.machines import objects, whole
from engine.machines.cpu import CpuMachine
from engine.machines.inlining import respelled
from tests.engine.documents import layered_document, optimizer_of, xor_document

SOME = 70


def machine_of(document: Document, dtype: str = "float32") -> CpuMachine:
    """At its first iteration, with all kernels."""
    session = Session(document, dtype=dtype)
    session.prepare()
    session.run(2)
    return session.playback.machine


def bits(machine: CpuMachine) -> bytes:
    """All numbers and the clock, to the last bit; one NaN is as good as another."""
    numbers = machine.arena.copy()
    numbers[np.isnan(numbers)] = np.nan
    return numbers.tobytes() + machine.integers.tobytes() + machine.clock.tobytes()


def assert_same_bits(document: Document, dtype: str = "float32") -> None:
    """The whole agrees with the kernels after some iterations at once, and after some one by one."""
    machine = machine_of(document, dtype)
    twin = machine.copy()
    assert twin.compile_whole()
    assert machine.iterate(SOME) == twin.iterate(SOME)
    assert bits(machine) == bits(twin)
    for _ in range(5):
        assert machine.iterate(1) == twin.iterate(1)
        assert bits(machine) == bits(twin)


OPTIMIZERS = ["sgd", "momentum", "nesterov", "adam", "rmsprop", "adagrad"]


@settings(max_examples=6, derandomize=True)  # the same ones each time: they are compiled once and then found on disk
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=4),
    rows=st.integers(5, 40),
    batch=st.integers(1, 20),
    activation=st.sampled_from(["tanh", "sigmoid", "relu"]),
    optimizer=st.sampled_from(OPTIMIZERS),
)
def test_random_nets_come_to_the_same_bits(sizes, rows, batch, activation, optimizer):
    plan = {"optimizer": optimizer_of(optimizer, 0.01), "order": "shuffled"}
    assert_same_bits(layered_document(sizes, rows=rows, batch_size=min(batch, rows), activation=activation, **plan))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_shorter_last_batch_comes_to_the_same_bits(dtype):
    document = layered_document([3, 5, 3], rows=11, batch_size=4, loss="softmax_cross_entropy", order="shuffled")
    assert_same_bits(document, dtype)


@pytest.mark.parametrize("name", ["xor", "gan", "weights-as-nodes"])
def test_presets_come_to_the_same_bits(name):
    preset = find_preset(name)
    assert preset is not None
    assert_same_bits(load_preset(preset))


def test_a_number_that_is_not_finite_stops_it_where_it_stops_the_kernels():
    machine = machine_of(xor_document())
    twin = machine.copy()
    assert twin.compile_whole()
    for one in (machine, twin):
        begin = one.tape.parameter_span[0]
        one.arena[begin : begin + 2] = np.nan
        assert one.iterate(SOME) == 1
        assert one.flag
    assert bits(machine) == bits(twin)


def test_no_iterations_change_nothing():
    twin = machine_of(xor_document()).copy()
    assert twin.compile_whole()
    before = bits(twin)
    assert twin.iterate(0) == 0
    assert bits(twin) == before


def test_it_takes_over_while_a_session_plays(monkeypatch):
    session, other = Session(xor_document()), Session(xor_document())
    monkeypatch.setattr(whole, "WORTH_S", 0.0)
    session.prepare()
    while (coming := session.playback.machine._whole.coming) is None:
        session.run(50)
    session.run(500)
    coming.join()
    session.run(500)
    monkeypatch.undo()
    other.run(session.iteration)
    assert session.loss == other.loss
    assert bits(session.playback.machine) == bits(other.playback.machine)


def test_a_session_that_goes_on_has_it(monkeypatch):
    given_to: list[int | None] = []
    monkeypatch.setattr(whole, "WORTH_S", 0.0)
    monkeypatch.setattr(whole, "MOST_S", np.inf)  # however busy the machine is
    monkeypatch.setattr(whole.Whole, "take", lambda self, address: given_to.append(address))
    session = Session(xor_document())
    session.prepare()
    session.run(50)
    coming = session.playback.machine._whole.coming
    assert coming is not None
    coming.join()
    assert len(given_to) == 1 and given_to[0]


def test_what_is_slower_is_left():
    asked: list[str] = []
    some = whole.Whole(lambda: asked.append("described") and None)
    some.play = lambda *arguments: 0
    some._best[False], some._seconds = 1e-6, [1.0, 0.0]
    worth, whole.WORTH_S = whole.WORTH_S, 0.05
    try:
        some.note(True, 1000, 0.04)
        assert some.play is not None
        some.note(True, 1000, 0.04)
        assert some.play is None and some.coming is None
        some.note(False, 1000, 1.0)
        assert some.coming is None and asked == []
    finally:
        whole.WORTH_S = worth


def test_a_damaged_file_is_compiled_anew():
    machine = machine_of(xor_document())
    twin = machine.copy()
    assert twin.compile_whole()
    function = twin._whole.describe()
    assert function is not None
    file = objects.folder() / (function.name + objects.CODE)
    file.write_bytes(file.read_bytes()[:-100])
    whole._addresses.pop(function.name)
    again = machine.copy()
    assert again.compile_whole()
    assert objects.read(function.name, objects.CODE) is not None
    assert machine.iterate(SOME) == again.iterate(SOME)
    assert bits(machine) == bits(again)


def test_without_a_kernel_s_sealed_module_there_is_none(monkeypatch):
    machine = machine_of(xor_document())
    read = objects.read
    monkeypatch.setattr(objects, "read", lambda name, suffix: None if "product" in name else read(name, suffix))
    assert not machine.compile_whole()
    assert machine.iterate(SOME) == SOME


def test_what_nobody_wants_any_more_is_not_compiled():
    function = machine_of(xor_document())._whole.describe()
    assert function is not None
    function = function._replace(text=function.text + "\n; another one\n", name="whole-unwanted")
    assert whole._compiled(function, lambda: False) is None or objects.linked("whole-unwanted")
    assert not [child for child in whole._children if child.poll() is None]


def test_a_machine_that_is_gone_asks_for_nothing():
    described: list[str] = []
    some = whole.Whole(lambda: described.append("described") and None)
    asking = whole.weakref.ref(some)
    del some
    whole._provide(asking)
    assert described == []


def test_only_the_last_ones_of_use_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(objects, "folder", lambda: tmp_path)
    for number in range(4):
        file = tmp_path / f"whole-{number}.kernel"
        file.write_bytes(b"")
        os.utime(file, (number, number))
    objects.touch("whole-0")
    objects.forget_old("whole-", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole-0.kernel", "whole-3.kernel"]


def test_lanes_taken_as_one_long_number_are_taken_as_lanes():
    text = (
        "  %words = bitcast <16 x float> %x to <2 x i256>\n"
        "  %word = extractelement <2 x i256> %words, i64 1\n"
        "  %half = bitcast i256 %word to <8 x float>\n"
    )
    lanes = ", ".join(f"i32 {lane}" for lane in range(8, 16))
    taken = f"  %half = shufflevector <16 x float> %x, <16 x float> poison, <8 x i32> <{lanes}>"
    assert respelled(text).split("\n")[2] == taken


def test_what_is_chosen_is_stored_without_a_mask_and_nothing_else_is_touched():
    chosen = "  %new = select <8 x i1> %moves, <8 x float> %moved, <8 x float> %old\n"
    stored = "  store <8 x float> %new, ptr %place, align 4\n  store <8 x float> %other, ptr %place, align 4\n"
    lines = respelled(chosen + stored).split("\n")
    name = lines[1].split()[0]
    assert lines[1:3] == [f"  {name} = freeze <8 x float> %new", f"  store <8 x float> {name}, ptr %place, align 4"]
    assert [lines[0], lines[3]] == [chosen.strip("\n"), stored.split("\n")[1]]
