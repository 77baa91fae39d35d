"""What concerns the whole document: training, data, views and titles; and values that were set by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.editor.commands import Command, Delta
from app.editor.commands.drafts import exchange, node_of
from app.editor.delta import draft_of
from app.editor.records import plain
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    import numpy as np

    from engine.document import Document
    from engine.training import Training

NAMES = {
    "title": "Rename document", "question": "Change question", "precision": "Change precision", "data": "Change data",
    "views": "Change views", "tour": "Change tour", "references": "Change references", "training": "Change training",
    "bookmarks": "Change bookmarks",
}  # fmt: skip


def set_attribute(document: Document, name: str, value: Any) -> Command:
    """Give one attribute of the document another value."""
    if name not in NAMES:
        raise ProblemError(Problem(f"a document has no “{name}” to change", kind="unknown"))
    if name == "precision" and value not in ("float32", "float64"):
        raise ProblemError(Problem(f"there is no precision “{value}”", "Choose float32 or float64.", kind="property"))
    before = getattr(document, name)
    return NAMES[name], Delta(attributes={} if before == value else {name: (before, value)})


def set_training(document: Document, training: Training) -> Command:
    """Exchange the training plan, which never changes in place."""
    return set_attribute(document, "training", training)


def set_data(document: Document, data: Mapping[str, Any], text: str = "") -> Command:
    """Exchange what the document is trained on; `text` names the step."""
    usual, delta = set_attribute(document, "data", plain(data))
    return text or usual, delta


def import_data(
    document: Document, data: Mapping[str, Any], sizes: Mapping[tuple[str, str], Any], name: str
) -> Command:
    """Exchange the data, and in the same step the properties (node, name) that have to fit them."""
    draft = draft_of(document.graph)
    for (node_id, key), value in sizes.items():
        exchange(draft, node_id, properties={**node_of(draft, node_id).properties, key: value})
    after = plain(data)
    return f"Import {name}", Delta.between(document.graph, draft, attributes={"data": (document.data, after)})


def set_values(
    document: Document, values: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray], text: str = ""
) -> Command:
    """Set parameters by hand, given as `node.parameter`; `before` holds what they were when the gesture began."""
    import numpy as np

    pairs = {}
    for key, array in values.items():
        after, old = np.array(array, float), np.array(before[key], float)
        if after.shape != old.shape or not np.isfinite(after).all():
            fact = f"{key.replace('.', ' · ')} cannot take these numbers"
            raise ProblemError(Problem(fact, f"It holds finite numbers of shape {old.shape}.", kind="property"))
        pairs[key] = (old, after)
    names = " and ".join(key.replace(".", " · ") for key in values) if len(values) < 3 else f"{len(values)} parameters"
    return text or f"Set {names}", Delta(values=pairs)
