"""The workshop: other processes compile, this one links; and where they cannot, it compiles by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.machines import objects, store
from engine.machines.helper import answers, fulfil
from engine.machines.workshop import KEPT, Order, Workshop
from engine.primitives.arithmetic import negate

ROOT = Path(__file__).resolve().parents[3]
KEEPS_ALL = (
    f"import sys, json\nfor line in sys.stdin: print('noise'); print('{KEPT}' + json.loads(line)[0], flush=True)"
)
KEEPS_NONE = f"import sys\nfor line in sys.stdin: print('{KEPT}', flush=True)"
LEAVES = "import sys\nsys.stdin.readline()"
REAL = """
import sys
from engine.machines import objects, store
from engine.machines.workshop import open_workshop
from engine.primitives.arithmetic import negate

open_workshop()
address = store.address_of(negate.body, (("ONE", 1),), "float32")
print(address > 0, objects.is_kept(store.order_of(negate.body, (("ONE", 1),), "float32").file), "numba" in sys.modules)
"""


def workshop(program, helpers=1):
    return Workshop(helpers, (sys.executable, "-S", "-c", program))


def orders(*files):
    return [Order(file, "place:word") for file in files]


def test_what_was_ordered_is_made_whoever_waits_for_it():
    shop = workshop(KEEPS_ALL, helpers=2)
    shop.ask(orders("a", "b", "c"))
    assert [shop.make(order) for order in orders("c", "a", "d", "b")] == [True] * 4


def test_what_could_not_be_kept_has_to_be_compiled_by_who_wants_it():
    assert [workshop(KEEPS_NONE).make(order) for order in orders("a")] == [False]


@pytest.mark.parametrize("command", [(sys.executable, "-S", "-c", LEAVES), ("/nowhere/python",)])
def test_without_a_helper_nobody_waits(command):
    shop = Workshop(2, command)
    assert [shop.make(order) for order in orders("a", "b")] == [False, False]


def test_what_is_urgent_goes_before_what_has_time():
    shop = Workshop(0)
    shop.ask(orders("a", "b", "c"), urgent=False)
    shop.ask(orders("c", "d"))
    shop.ask(orders("a", "e"), urgent=False)
    assert [order.file for order in shop._waiting] == ["c", "d", "a", "b", "e"]


def test_a_helper_knows_kernels_and_loops_by_name_and_refuses_what_is_not_the_same():
    order = store.order_of(negate.body, (("ONE", 1),), "float32")
    assert fulfil(order)
    assert fulfil(store.loop_order("play"))
    assert not fulfil(order._replace(file="negate_of_another_version"))
    assert list(answers(['["a", "engine.nowhere:body", "body", [], "float32"]'])) == [KEPT]


@pytest.mark.parametrize("name", ["play", "iterate", "help_out", "iterate_shared"])
def test_every_native_loop_can_be_kept(name):
    """One that cannot brings Numba into every process that plays it."""
    store.loop_address(name)
    assert objects.is_kept(store.loop_order(name).file)


def test_a_process_with_a_workshop_links_what_its_helper_compiled(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", REAL], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["True", "True", "False"]
