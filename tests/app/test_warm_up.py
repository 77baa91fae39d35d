"""Between the gallery and the first document."""

import sys

from app.warm_up import MODULES, WarmUp


def test_everything_of_a_document_is_loaded_while_the_gallery_stands_there(qtbot, runner):
    built = []
    warm_up = WarmUp(runner, runner, lambda: built.append(set(MODULES) <= set(sys.modules)))
    with qtbot.waitSignal(warm_up.destroyed):
        pass
    assert built == [True]
