"""What a user draws and saves: the graph with its data, its training plan, its views and its tour, in one file."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from engine.composites import Composite, node_at, set_composites
from engine.datasets import Dataset
from engine.graph import Graph
from engine.lowering import Inference, infer
from engine.problems import Problem, ProblemError, did_you_mean
from engine.schema import Fields, plain, shortened
from engine.schema_composites import read_composites
from engine.schema_data import data_json, load_data, read_data
from engine.schema_files import read_file, write_file
from engine.schema_findings import Findings, said
from engine.schema_graph import GraphReader, Places, graph_json, graph_problems
from engine.schema_text import MOST_BYTES, read_text, sweep, write_text
from engine.training import Training

VERSION = 1
PRECISIONS = ("float32", "float64")

# From each older version to the next: a function that is handed the parsed file and returns it in the newer form.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


class Document:
    """A graph, what it learns from and how, and what is shown beside it.

    precision   `float32` (fast) or `float64` (exact)
    data        what each part is made of: `{"train": {"name": "xor"}}`; `engine.datasets.load` reads each entry
    extra       keys that this version does not know, kept for the next one; those of the graph stand under `graph`
    bookmarks   places on the canvas to come back to: number, zoom, centre, and the composites that were entered
    weights     name of the file beside the document that its trained numbers are in; empty where they were not saved
    folder      where paths of data files start; None for a document that was never in a file
    problems    what was wrong with the file that it was read from; `check` says what is wrong now
    Raises `ProblemError` for data, training or precision that make no sense. Edits replace the values in `data`,
    `views`, `tour`, `bookmarks` and properties and never change them in place: copies share them.
    """

    def __init__(
        self,
        graph: Graph | None = None,
        data: str | Mapping[str, Any] | None = None,
        training: Training | Mapping[str, Any] | None = None,
        *,
        id: str = "untitled",
        title: str = "",
        question: str = "",
        precision: str = "float32",
        views: Iterable[dict[str, Any]] = (),
        tour: Iterable[dict[str, Any]] = (),
        references: Iterable[Any] = (),
        covers: Iterable[str] = (),
        expects: Iterable[dict[str, Any]] = (),
        composites: Mapping[str, Any] | None = None,
        bookmarks: Iterable[dict[str, Any]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if precision not in PRECISIONS:
            raise ProblemError(_no_precision(precision))
        self.id, self.title, self.question, self.precision = id, title, question, precision
        self.graph = Graph() if graph is None else graph
        self.data = read_data(data)
        self.training = training if isinstance(training, Training) else _sound_training(training or {})
        self.views, self.tour, self.references = list(views), list(tour), list(references)
        self.covers, self.expects = list(covers), list(expects)
        self.bookmarks = list(bookmarks)
        self.extra = dict(extra or {})
        if composites:
            set_composites(self.graph, read_composites(composites, "graph.composites", Findings())[0])
        self.version = VERSION
        self.weights = ""
        self.folder: Path | None = None
        self.problems: list[Problem] = []
        self._lost: list[Problem] = []  # what reading changed or left out: no edit can mend it, so `check` repeats it
        self._places = Places()
        self._unsound_plan: _UnsoundPlan | None = None
        self._loaded: _Loaded | None = None

    @property
    def composites(self) -> dict[str, Composite]:
        """The graphs inside nodes, by id: those of `graph`."""
        return self.graph.composites

    # reading -------------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Document:
        """Open a file. Whatever it holds, the sound part opens and `problems` says the rest; never raises."""
        findings = Findings()
        place = Path(path)
        text = read_file(place, findings)
        value = None if text is None else read_text(text, findings)
        document = cls._read(value, findings) if isinstance(value, dict) or not findings.all() else cls()
        document.folder = place.parent
        return document._told(findings)

    @classmethod
    def from_json(cls, value: object) -> Document:
        """The document that a parsed file stands for; as tolerant as `load`."""
        findings = Findings()
        return cls._read(sweep(value, findings), findings)._told(findings)

    @classmethod
    def _read(cls, value: object, findings: Findings) -> Document:
        document = cls()
        if not isinstance(value, dict):
            mend = 'It begins with {"chainrule": 1.'
            findings.tell(f"a document is an object in braces, not {said(value)}", mend, kind="type")
            return document
        value, document.version = _migrated(value, findings)
        fields = Fields(value, "", findings)
        fields.take("chainrule", lambda version: True, VERSION, "")
        document.id = fields.text("id", document.id)
        document.title, document.question = fields.text("title"), fields.text("question")
        document.precision = fields.take("precision", lambda name: name in PRECISIONS, "float32", "float32 or float64")
        document._read_graph(Fields(fields.inner("graph"), "graph", findings))
        document._read_plan(fields, findings)
        document.views, document.tour = fields.objects("views"), fields.objects("tour")
        document.bookmarks = fields.objects("bookmarks")
        document.weights = fields.text("weights")
        document.references = [entry for _, entry in fields.entries("references")]
        document.covers, document.expects = fields.texts("covers"), fields.objects("expects")
        document.extra |= fields.extra()
        return document

    def _read_graph(self, fields: Fields) -> None:
        self.graph, self._places = GraphReader(fields.findings).read(fields)
        unknown = fields.extra()
        if unknown:
            self.extra["graph"] = unknown

    def _read_plan(self, fields: Fields, findings: Findings) -> None:
        data: Any = fields.take("data", lambda value: isinstance(value, dict | str), {}, "an object in braces")
        try:
            self.data = read_data(data)
        except ProblemError as error:
            for problem in error.problems:
                findings.add(problem.below("data"))
        written = fields.inner("training")
        self.training, problems = Training.from_json(written)
        if problems:
            told = [shortened(problem).below("training") for problem in problems]
            self._unsound_plan = _UnsoundPlan(self.training, written, told)

    def _told(self, findings: Findings) -> Document:
        """Finish reading: problems get the id of the node that their path lies in."""
        names = {path: name for name, path in self._places.nodes.items()}
        self._lost = [problem.at(node=names.get(_entry_of(problem.path), "")) for problem in findings.all()]
        self.problems = [*self._lost, *graph_problems(self.graph, self._places), *self._plan_problems()]
        return self

    # writing -------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The document as plain values, keys in the order of the file. Raises `ProblemError` for arrays too large."""
        extra = {key: value for key, value in self.extra.items() if key != "graph"}
        return {
            "chainrule": self.version,
            "id": self.id,
            "title": self.title,
            "question": self.question,
            "precision": self.precision,
            "graph": graph_json(self.graph, self.extra.get("graph", {})),
            "data": data_json(self.data),
            "training": plan.written if (plan := self._untouched_plan()) else self.training.to_json(),
            **({"weights": self.weights} if self.weights else {}),
            "views": list(self.views),
            "tour": list(self.tour),
            **({"bookmarks": list(self.bookmarks)} if self.bookmarks else {}),
            "references": list(self.references),
            "covers": list(self.covers),
            "expects": list(self.expects),
            **extra,
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file at once: a crash leaves the old or the new one, whole. Raises `ProblemError`."""
        findings = Findings()
        value = sweep(plain(self.to_json()), findings)
        if findings.all():
            raise ProblemError(*findings.all())
        content = write_text(value).encode()
        if len(content) > MOST_BYTES:
            fact = f"the document would take {len(content) / 2**20:.0f} MB, more than {MOST_BYTES // 2**20}"
            raise ProblemError(Problem(fact, "Keep large tables in a data file beside it.", kind="limit"))
        write_file(Path(path), content)
        self.folder = Path(path).parent
        self._agree_with(Document.from_json(value))

    def _agree_with(self, saved: Document) -> None:
        """What was lost in reading is not in the file that was just saved: `check` tells only what that file holds."""
        self._lost, self._places, self.problems = saved._lost, saved._places, saved.problems

    def copy(self) -> Document:
        """An independent copy."""
        twin = copy.copy(self)
        twin.graph = self.graph.copy()
        twin.data, twin.extra = dict(self.data), dict(self.extra)
        for name in ("views", "tour", "bookmarks", "references", "covers", "expects", "problems"):
            setattr(twin, name, list(getattr(self, name)))
        return twin

    # what is wrong -------------------------------------------------------------------------------------------------

    def check(self, inference: Inference | None = None) -> list[Problem]:
        """Everything that is wrong now: what reading lost, then graph, shapes, data and training.

        `inference` is of the document as it stands, where somebody has drawn it already.
        """
        dataset, data_problems = self.load_data()
        places = self._places if self._places.fit(self.graph) else Places.of(self.graph)
        found = [*self._lost, *graph_problems(self.graph, places), *data_problems, *self._plan_problems()]
        told = {(problem.node, problem.fact) for problem in found} | {(problem.path, problem.kind) for problem in found}
        for problem in map(shortened, (inference or infer(self, dataset)).problems):
            is_told = (problem.node, problem.fact) in told or (problem.path, problem.kind) in told
            if not is_told and problem.kind != "cycle":
                found.append(problem.at(path=places.node(problem.node, self.graph)))
        return found

    def load_data(self, former: Document | None = None) -> tuple[Dataset | None, list[Problem]]:
        """The data to learn from, where they can be had, and what is wrong with the data of any part.

        Loaded once for a document and its later copies, until a part of `data` is another object; what `former` has loaded
        serves as well, where it asks for the same objects and no file stands behind them.
        """
        if self._loaded is None or not self._loaded.fits(self):
            known = former._loaded if former is not None else None
            if known is None or not known.fits(self) or known.has_files:
                known = _Loaded(dict(self.data), self.folder, *load_data(self.data, self.folder))
            self._loaded = known
        return self._loaded.dataset, self._loaded.problems

    def _plan_problems(self) -> list[Problem]:
        plan = self._untouched_plan()
        problems = list(plan.problems) if plan else []
        for index, phase in enumerate(self.training.phases):
            named = [("maximise" if phase.maximise else "minimise", phase.objective)]
            if not isinstance(phase.parameters, str):
                named += [(f"parameters[{i}]", address) for i, address in enumerate(phase.parameters)]
            for key, address in named:
                node = address.partition(".")[0]
                if node and node_at(self.graph, node) is None:
                    mend = did_you_mean(node[:80], self.graph.nodes) or "Name a node of the graph."
                    path = f"training.phases[{index}].{key}"
                    problems.append(Problem(f"there is no node {said(node)}", mend, path=path, kind="unknown"))
        return problems

    def _untouched_plan(self) -> _UnsoundPlan | None:
        plan = self._unsound_plan
        return plan if plan is not None and plan.training is self.training else None


@dataclass(frozen=True)
class _UnsoundPlan:
    """A training plan that could be read only in part: until somebody edits it, the file keeps what was written."""

    training: Training
    written: dict[str, Any]
    problems: list[Problem]


@dataclass(frozen=True)
class _Loaded:
    data: dict[str, Any]
    folder: Path | None
    dataset: Dataset | None
    problems: list[Problem]

    def fits(self, document: Document) -> bool:
        """Whether the document still asks for these data (the same objects: comparing large arrays would take long)."""
        same = self.data.keys() == document.data.keys() and self.folder == document.folder
        return same and all(value is document.data[part] for part, value in self.data.items())

    @property
    def has_files(self) -> bool:
        """Whether something was read that may have changed since."""
        return any(not isinstance(value, Mapping) or "path" in value for value in self.data.values())


def check_files(paths: Sequence[str | PathLike[str]]) -> list[tuple[Path, Problem]]:
    """Every problem of every file, in the order of the files; nothing for a sound one."""
    return [(Path(path), problem) for path in paths for problem in Document.load(path).check()]


def _migrated(value: dict[str, Any], findings: Findings) -> tuple[dict[str, Any], int]:
    """The file in the form of this version, and the version to save it as."""
    version = value.get("chainrule")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        fact = "the file does not say that it is a Chainrule document"
        if "chainrule" in value:
            fact = f"“chainrule” is the version of the format, and cannot be {said(version)}"
        findings.tell(fact, f'Write "chainrule": {VERSION}; it is read as such.', "chainrule", kind="version")
        return value, VERSION
    if version > VERSION:
        fact = f"the file is of version {version}, and this Chainrule reads up to {VERSION}"
        mend = "Install a newer Chainrule; what this one understands is opened, the rest is kept."
        findings.tell(fact, mend, "chainrule", severity="warning", kind="version")
        return value, version
    for older in range(version, VERSION):
        value = MIGRATIONS[older](value)
    return value, VERSION


def _entry_of(path: str) -> str:
    """`graph.nodes[3]` for `graph.nodes[3].properties.units`."""
    head, bracket, _ = path.partition("]")
    return head + bracket


def _sound_training(value: Mapping[str, Any]) -> Training:
    training, problems = Training.from_json(dict(value))
    if any(problem.severity == "error" for problem in problems):
        raise ProblemError(*(problem.below("training") for problem in problems))
    return training


def _no_precision(name: object) -> Problem:
    fact = f"no precision is called {said(name)}"
    return Problem(fact, f"Choose one of {', '.join(PRECISIONS)}.", path="precision", kind="unknown")
