"""The presets as the gallery sees them: raw JSON, read quickly, nothing planned and nothing checked before a click."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document

LEARNING = ("dense", "neuron", "perceptron")
KEPT_FILES = 48  # parsed, as many as a large screen shows cards
SMALL_NETWORK = 20  # parameters; below, every one can be followed by eye


@dataclass(frozen=True, slots=True)
class Chapter:
    """A folder of presets; `icon` is a name of the theme's icons, `presets` the order of reading."""

    id: str
    title: str
    icon: str = "book-open"
    presets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """One document of the gallery; its file is read when somebody first asks for more than its place.

    Of two folders each its own, also where both have the same place: what is kept of one is not told of the other.
    """

    id: str
    chapter: str
    read: Callable[[], dict[str, Any]] = field(repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The parsed file. All of them together would take more room than everything else: only the latest are kept."""
        return _latest(self)

    def look_up(self) -> None:
        """Work out all that cards, marks and a search will ask for: a millisecond now, and none later."""
        _ = self.title, self.question, self.has_tour, self.is_step_by_step, self.has_textbook_numbers
        _ = self._hay, self.parameters, self.matter, self.follows_a_gradient

    @cached_property
    def title(self) -> str:
        """What the card is called."""
        return str(self.json.get("title") or self.id)

    @cached_property
    def question(self) -> str:
        """The question that the document answers."""
        return str(self.json.get("question") or "")

    @cached_property
    def has_tour(self) -> bool:
        """Whether somebody walks you through it."""
        return bool(self.json.get("tour"))

    @cached_property
    def is_step_by_step(self) -> bool:
        """Whether the tour asks for single steps."""
        return any(isinstance(page, dict) and page.get("press") in STEP_KEYS for page in self.json.get("tour") or [])

    @cached_property
    def has_textbook_numbers(self) -> bool:
        """Whether it reproduces something that stands in a book."""
        return bool(self.json.get("references"))

    @cached_property
    def matter(self) -> str:
        """What it is about: "pictures", "text", or "numbers"."""
        if any(node.get("type") == "embedding" for node in nodes_of(self.json)):
            return "text"
        return _matter(self.json.get("data"))

    @cached_property
    def follows_a_gradient(self) -> bool:
        """Whether something is minimised or maximised, and not only computed, searched or learned by a rule."""
        training = self.json.get("training")
        phases = training.get("phases") if isinstance(training, dict) else None
        return any(phase.get("minimise") or phase.get("maximise") for phase in phases or [] if isinstance(phase, dict))

    @cached_property
    def size(self) -> str:
        """Widths of the layers, `2-4-1`; the number of nodes where there are no layers."""
        return size_text(self.json)

    @cached_property
    def parameters(self) -> int | None:
        """How many numbers are learned, as far as it can be told without planning."""
        return parameter_count(self.json)

    def matches(self, words: str) -> bool:
        """Whether every word stands somewhere in title, question, chapter, ids, node types or references."""
        sought = words.lower().split()
        return not sought or all(word in self._hay for word in sought)  # the size among the texts may ask for the data

    @cached_property
    def _hay(self) -> str:
        return " ".join(self._texts()).lower()

    def _texts(self) -> Iterator[str]:
        yield from (self.id, self.title, self.question, chapter_title(self.chapter), self.size)
        yield from (str(entry) for name in ("covers", "references") for entry in self.json.get(name) or [])
        yield from (str(node.get("type", "")).replace("_", " ") for node in nodes_of(self.json))
        yield from (str(node.get("title", "")) for node in nodes_of(self.json))


@lru_cache(maxsize=KEPT_FILES)
def _latest(preset: Preset) -> dict[str, Any]:
    return preset.read()


STEP_KEYS = {"Right", "→", "step", "Step", "Shift+Right", "Shift+→"}


@cache
def chapters() -> tuple[Chapter, ...]:
    """The chapters that hold at least one preset, in the order of reading."""
    known = {chapter.id: chapter for chapter in _listed_chapters()}
    found = {preset.chapter for preset in presets()}
    unlisted = [Chapter(name, name.replace("-", " ").capitalize()) for name in sorted(found - set(known))]
    return tuple(chapter for chapter in [*known.values(), *unlisted] if chapter.id in found)


def chapter_title(chapter_id: str) -> str:
    """What a chapter is called; the id of one that is not there."""
    return next((chapter.title for chapter in chapters() if chapter.id == chapter_id), chapter_id)


@cache
def presets() -> tuple[Preset, ...]:
    """Every preset in the order of reading; one that no chapter lists comes behind those, by its title."""
    places = [(chapter.id, name) for chapter in _listed_chapters() for name in chapter.presets]
    order = {place: rank for rank, place in enumerate(places)}
    chapter_order = {chapter.id: rank for rank, chapter in enumerate(_listed_chapters())}
    last = len(places)

    def rank(preset: Preset) -> tuple[int, int, str]:
        place = (preset.chapter, preset.id)
        title = "" if place in order else preset.title
        return chapter_order.get(preset.chapter, last), order.get(place, last), title

    found = [preset for folder in files("presets").iterdir() if folder.is_dir() for preset in _presets_in(folder)]
    return tuple(sorted(found, key=rank))


def find_preset(preset_id: str) -> Preset | None:
    """The preset of that id."""
    return next((preset for preset in presets() if preset.id == preset_id), None)


def default_preset_id() -> str:
    """The preset that is played where nobody chose one."""
    return str(_contents()["default"])


def load_preset(preset: Preset) -> Document:
    """The preset as a document, fresh each time."""
    from engine.document import Document

    return Document.from_json(preset.json)


def nodes_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a parsed file, as far as they look like nodes."""
    graph = document.get("graph")
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    return [node for node in nodes if isinstance(node, dict) and "id" in node] if isinstance(nodes, list) else []


def wires_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Pairs of node ids that a wire of a parsed file joins."""
    graph = document.get("graph")
    wires = graph.get("wires") if isinstance(graph, dict) else None
    ends = ((wire.get("from"), wire.get("to")) for wire in wires or [] if isinstance(wire, dict))
    return [(str(start).partition(".")[0], str(end).partition(".")[0]) for start, end in ends]


def layer_widths(document: dict[str, Any]) -> dict[str, int]:
    """How many numbers per row each node hands on, by node id, where that can be told at a glance."""
    return Widths(document).all()


def layers_of(document: dict[str, Any]) -> list[tuple[str, int]]:
    """Type and width of each layer, from the inputs onward; nodes side by side are one. Empty where nothing learns."""
    widths = Widths(document)
    found: dict[int, tuple[str, int]] = {}
    for name, width in widths.all().items():
        if widths.types[name] in ("input", *LEARNING):
            depth = widths.depth(name)
            found[depth] = (widths.types[name], found.get(depth, ("", 0))[1] + width)
    layers = [layer for _, layer in sorted(found.items())]
    return layers if len(layers) > 1 and any(kind in LEARNING for kind, _ in layers) else []


def size_text(document: dict[str, Any]) -> str:
    """Widths of input and layers, `2-4-1`; else how many nodes there are."""
    layers = layers_of(document)
    if layers:
        return "-".join(str(width) for _, width in layers)
    count = len(nodes_of(document))
    return f"{count} node" if count == 1 else f"{count} nodes"


def parameter_count(document: dict[str, Any]) -> int | None:
    """Weights, biases and free parameters; None where a width is unknown."""
    widths = Widths(document)
    total = 0
    for node in nodes_of(document):
        if node.get("type") in LEARNING:
            fan_in, units = widths.into(str(node["id"])), widths.of(str(node["id"]))
            if fan_in is None or units is None:
                return None
            total += (fan_in + 1) * units
        elif node.get("type") == "parameter":
            total += _entries(_property(node, "shape", ()))
    return total


class Widths:
    """Numbers per row along the wires of a parsed file."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._nodes = {str(node["id"]): node for node in nodes_of(document)}
        self.types = {name: str(node.get("type", "")) for name, node in self._nodes.items()}
        self._wires = wires_of(document)
        self._data = document.get("data")
        self._known: dict[str, int | None] = {}

    def all(self) -> dict[str, int]:
        """Every node whose width is known, from the inputs onward."""
        widths = {name: self.of(name) for name in self._nodes}
        known = {name: width for name, width in widths.items() if width is not None}
        return dict(sorted(known.items(), key=lambda entry: self.depth(entry[0])))

    def of(self, name: str) -> int | None:
        """Numbers per row that a node hands on."""
        if name not in self._known:
            self._known[name] = None  # a cycle ends here
            self._known[name] = self._find(name)
        return self._known[name]

    def into(self, name: str) -> int | None:
        """Numbers per row that reach a node."""
        widths = [self.of(start) for start, end in self._wires if end == name and start in self._nodes]
        known = [width for width in widths if width is not None]
        return sum(known) if known and len(known) == len(widths) else None

    def depth(self, name: str, seen: frozenset[str] = frozenset()) -> int:
        """How many wires lie before a node, along the longest way."""
        before = [start for start, end in self._wires if end == name and start in self._nodes and start not in seen]
        return max((1 + self.depth(start, seen | {name}) for start in before), default=0)

    def _find(self, name: str) -> int | None:
        node = self._nodes[name]
        kind = self.types[name]
        if kind in ("input", "target"):
            return self._of_data(node, kind)
        if kind in ("neuron", "perceptron"):
            return 1
        if kind == "dense":
            units = _property(node, "units", 4)
            return units if isinstance(units, int) else None
        return self.into(name)

    def _of_data(self, node: dict[str, Any], kind: str) -> int | None:
        columns, shape = _property(node, "columns", None), _property(node, "shape", None)
        if columns or shape is not None:
            return len(columns) if columns else _entries(shape)
        data = dataset_of(self._data)
        table = None if data is None else data.inputs if kind == "input" else data.targets
        return None if table is None else _entries(table.shape[1:])


def dataset_of(data: Any) -> Dataset | None:
    """The data set that a parsed file names; None where there is none or it cannot be read."""
    described = data.get("train", data) if isinstance(data, dict) else data
    return _dataset(json.dumps(described, sort_keys=True)) if described else None


@lru_cache(maxsize=64)
def _dataset(described: str) -> Dataset | None:
    from engine.datasets import load
    from engine.problems import ProblemError

    try:
        return load(json.loads(described))
    except (ProblemError, OSError, TypeError, ValueError):
        return None  # a card without its data is still a card; opening it tells what is wrong


def _matter(data: Any) -> str:
    """What the rows of the data set are that a parsed file names."""
    from engine.datasets import describe
    from engine.problems import ProblemError

    described = data.get("train", data) if isinstance(data, dict) else data
    name = described.get("name") if isinstance(described, dict) else described
    try:
        return describe(name).matter if isinstance(name, str) else "numbers"
    except ProblemError:
        return "numbers"


def _property(node: dict[str, Any], name: str, otherwise: Any) -> Any:
    properties = node.get("properties")
    return properties.get(name, otherwise) if isinstance(properties, dict) else otherwise


def _entries(shape: Any) -> int:
    lengths = [length for length in shape if isinstance(length, int)] if isinstance(shape, list | tuple) else []
    return math.prod(lengths) if lengths else 1


def _listed_chapters() -> list[Chapter]:
    return [Chapter(**{**entry, "presets": tuple(entry.get("presets", ()))}) for entry in _contents()["chapters"]]


@cache
def _contents() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("presets").joinpath("chapters.json").read_text(encoding="utf-8"))
    return found


def _presets_in(folder: Traversable) -> Iterator[Preset]:
    for entry in folder.iterdir():
        if entry.name.endswith(".json"):
            yield Preset(entry.name.removesuffix(".json"), folder.name, partial(_parsed, entry))


def _parsed(file: Traversable) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
