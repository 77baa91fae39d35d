"""The cost lens in the window: switched on from the menu, measured, painted, measured anew after an edit."""

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from app.canvas.cost_lens import time_text
from engine.session import Session


@pytest.fixture
def lens(qtbot, opened):
    """The lens of the open window, switched on and measured."""
    opened.commands.run("view.cost")
    found = opened.workspace.cost_lens
    qtbot.waitUntil(lambda: found.costs is not None)
    return found


def test_every_node_that_is_computed_has_its_share(lens, opened):
    costs = lens.costs.by_node
    assert {"hidden", "output", "loss"} <= set(costs)
    assert set(costs) - {""} <= set(opened.editor.document.graph.nodes)
    assert all(ns >= 0 for ns in costs.values())
    assert lens.tint.isVisible()
    assert lens.tint.text_of("hidden").endswith((" ns", " µs"))


def picture_of(scene, name):
    """What the canvas shows of a node, wherever the window looks."""
    item = scene.nodes[name]
    image = QImage(80, 60, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    painter = QPainter(image)
    scene.render(painter, QRectF(image.rect()), item.geometry.body.translated(item.pos()))
    painter.end()
    return image


def test_dear_nodes_glow(lens, opened):
    scene = opened.workspace.canvas.canvas
    dearest = max((name for name in lens.costs.by_node if name), key=lens.costs.by_node.get)
    lit = picture_of(scene, dearest)
    opened.commands.run("view.cost")
    assert not lens.tint.isVisible()
    assert picture_of(scene, dearest) != lit


def test_it_leaves_training_as_it_was(qtbot, lens, opened):
    with qtbot.waitSignal(opened.runner.snapshot_ready, check_params_cb=lambda found: found.iteration == 1) as caught:
        opened.runner.step("iteration")
    other = Session(opened.editor.document)
    other.run(1)
    for name, array in other.parameters.items():
        assert caught.args[0].parameters[name].array.tobytes() == array.tobytes()


def test_an_edit_is_measured_anew_and_a_move_is_not(qtbot, lens, opened):
    before = lens.costs
    opened.editor.move(["hidden"], 24, 0)
    assert lens.costs is before
    opened.editor.set_property("hidden", "units", 9)
    assert lens.costs is None
    assert not lens.tint.isVisible()
    qtbot.waitUntil(lambda: lens.costs is not None)
    assert lens.costs.question > before.question


def test_switched_off_it_measures_nothing(qtbot, lens, opened):
    opened.commands.run("view.cost")
    assert lens.costs is None
    asked = []
    opened.runner.answered.connect(lambda name, _: asked.append(name))
    opened.editor.set_property("hidden", "units", 7)
    with qtbot.waitSignal(opened.runner.snapshot_ready):
        opened.runner.step("node")
    assert "cost lens" not in asked


@pytest.mark.parametrize(("ns", "text"), [(12.4, "12 ns"), (5111, "5.11 µs"), (25e6, "25 ms")])
def test_times_are_told_in_the_unit_that_fits(ns, text):
    assert time_text(ns) == text
