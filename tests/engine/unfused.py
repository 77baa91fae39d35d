"""Plans in which every call is played as it was drawn, to hold fused ones against."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from engine import Document, Session
from engine.fuse import Fused, Fuser, _Done

_fuse = Fuser.fuse


class Unfused(Fused):
    @cached_property
    def _done(self):
        return _Done(self._drawn, [], [])

    def shown_of(self, origin):
        return None


def fuse_nothing(fuser: Fuser, program, stretches) -> Fused:
    """Stands in for `Fuser.fuse`."""
    _fuse(fuser, program, stretches)
    return Unfused(fuser, program, stretches)


def fused_calls(session: Session) -> set[str]:
    """The calls that full speed plays, by name."""
    return {entry.call.primitive.name for entry in session.tape.fast.instructions}


def trains_as_plain_calls_do(drawn: Callable[[], Document], precision: str, among: set[str]) -> None:
    """After three iterations fused calls, these among them, have left the numbers of the plain ones."""
    fused = Session(drawn())
    assert fused_calls(fused) >= among
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fuser, "fuse", fuse_nothing)
        plain = Session(drawn())
        plain.run(3)
    fused.run(3)
    close: Any = {"rtol": 1e-3, "atol": 1e-5} if precision == "float32" else {"rtol": 1e-10, "atol": 1e-13}
    for name, numbers in plain.parameters.items():
        np.testing.assert_allclose(fused.parameters[name], numbers, err_msg=name, **close)
        mine, its = fused.gradient(name), plain.gradient(name)
        assert mine is not None and its is not None
        np.testing.assert_allclose(mine, its, err_msg=name, **close)
