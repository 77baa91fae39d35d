"""Names, options, and that nothing heavy is imported."""

import subprocess
import sys

import pytest

from engine import datasets
from engine.datasets.registry import dataset

HEAVY = ("sklearn", "scipy", "pandas", "numba", "networkx", "pyqtgraph", "PySide6")
NEED_VALUES = {"values", "file"}


def test_every_set_of_the_first_issue_is_there():
    wanted = "and or xor three_points blobs moons circles spirals iris wine breast_cancer digits function_1d values"
    assert set(wanted.split()) <= set(datasets.names())


def test_names_come_in_alphabetical_order():
    assert datasets.names() == sorted(datasets.names())


@pytest.mark.parametrize("name", datasets.names())
def test_a_set_says_everything_an_inspector_draws(name):
    kind = datasets.describe(name)
    assert kind.name == name and kind.title and kind.source
    assert kind.help.endswith(".") and "\n" not in kind.help
    assert kind.make.__doc__
    for key, option in kind.options.items():
        assert option.name == key
        assert option.help.endswith("."), f"{name}.{key} has no help"


@pytest.mark.parametrize("name", [name for name in datasets.names() if name not in NEED_VALUES])
def test_a_name_alone_loads_with_every_default_inside_its_range(name):
    loaded = datasets.load(name)
    for option in datasets.describe(name).options.values():
        assert option.check(option.default) == option.default
    assert loaded.name == name and loaded.source and loaded.preparation
    assert all(sentence.endswith(".") for sentence in loaded.preparation)


def test_a_name_that_is_taken_fails():
    register = dataset("moons", title="Again", help="Again.", task="binary", source="here")
    with pytest.raises(ValueError, match="two data sets are called 'moons'"):
        register(lambda: None)


def test_loading_every_set_imports_nothing_heavy():
    program = (
        "import sys\nfrom engine import datasets\n"
        f"[datasets.load(name) for name in datasets.names() if name not in {NEED_VALUES!r}]\n"
        f"print(*(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
