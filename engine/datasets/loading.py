"""From what a document says about its data to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.datasets.options import read_options, shown
from engine.datasets.prepared import Dataset, prepare
from engine.datasets.registry import DatasetType, describe
from engine.problems import Problem, ProblemError

FILE_ENDINGS = (".csv", ".tsv")


def load(spec: str | Mapping[str, object], document_folder: Path | None = None) -> Dataset:
    """The data set that `spec` describes.

    spec             a name (`"xor"`), the path of a table (`"points.csv"`), a name with options
                     (`{"name": "spirals", "samples": 500}`), or values (`{"inputs": …, "targets": …}`)
    document_folder  the folder that paths of files are relative to

    Raises `ProblemError` with every mistake found; paths are relative to the spec, e.g. `samples` or `inputs[3][1]`.
    """
    kind, given = _kind_and_options(spec)
    options = read_options(kind.name, kind.options, given)
    own = {name: options.pop(name) for name in kind.own}
    table = kind.make(folder=document_folder, **own) if kind.reads_files else kind.make(**own)
    return prepare(kind.name, kind.source, table, **options)


def _kind_and_options(spec: object) -> tuple[DatasetType, dict[str, object]]:
    if isinstance(spec, str):
        if spec.lower().endswith(FILE_ENDINGS):
            return describe("file"), {"path": spec}
        return describe(spec), {}
    if not isinstance(spec, Mapping):
        mend = 'Write a name such as "xor", or {"name": "moons", "samples": 200}.'
        raise ProblemError(
            Problem(f"Data are described by a name or by options, not by {shown(spec)}", mend, kind="type")
        )
    given = dict(spec)
    name = given.pop("name", None)
    if name is None:
        name = "values" if "inputs" in given or "targets" in given else "file" if "path" in given else None
    if name is None:
        mend = 'Add "name", for instance "xor", or give "inputs" and "targets".'
        raise ProblemError(Problem("These data have no name and no values", mend, path="name", kind="missing"))
    if not isinstance(name, str):
        raise ProblemError(
            Problem(f"The name of a data set is a text, not {shown(name)}", 'For instance "xor".', "name", kind="type")
        )
    try:
        return describe(name), given
    except ProblemError as error:
        raise error.at(path="name") from None
