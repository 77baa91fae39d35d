"""Nodes of graphs as rows; their edges are kept by the node type “edges”."""

from __future__ import annotations

import numpy as np

from engine.datasets.registry import Table, dataset


@dataset(
    "karate_club",
    title="Karate club",
    help="34 members of a club that broke in two; only the two leaders say where they went.",
    task="classes",
    source="W. W. Zachary, An information flow model for conflict and fission in small groups, 1977",
)
def karate_club() -> Table:
    """A column of 1 for each member, and one that is 1 for the two leaders: the weight of a loss.

    Let “edges” name the same graph, all rows be in the batch, and their order be sequential.
    """
    from engine.nodes.known_graphs import KARATE_MEMBERS, LEADERS, WITH_OFFICER

    known = np.zeros((KARATE_MEMBERS, 1))
    known[list(LEADERS)] = 1.0
    sentence = "Members in Zachary's order, each told by a column of its own; the last column marks the two leaders."
    return Table(
        inputs=np.hstack([np.eye(KARATE_MEMBERS), known]),
        targets=np.array([int(member in WITH_OFFICER) for member in range(KARATE_MEMBERS)], np.int64),
        input_names=(*[f"member {number}" for number in range(1, KARATE_MEMBERS + 1)], "leader"),
        target_names=("club",),
        task="classes",
        class_names=("instructor", "officer"),
        preparation=(sentence,),
    )
