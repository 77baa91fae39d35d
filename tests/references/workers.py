"""What many workers with one store of parameters do to it."""

from __future__ import annotations

import numpy as np

from tests.references.registry import reference
from tests.references.updates import stepping

reference("hand_on", stepping(2, 0))(lambda late, sooner, arrives=False: sooner)
reference("count_round", stepping(1, 1))(lambda here, workers: np.where(here >= workers, 1.0, here + 1))


@reference("gathered_update", stepping(3, 3))
def gathered_update(w, g, gathered, rate, here, workers):
    gathered = gathered + g
    if here < workers:
        return w, gathered
    return w - rate * gathered / workers, np.zeros_like(gathered)
