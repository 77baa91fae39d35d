"""The chapter of convolutional networks: the catalogue's numbers on the presets themselves."""

from __future__ import annotations

import numpy as np
import pytest

from engine.session import Session
from tests.presets.gallery import played, preset


@pytest.mark.text("06:local-shared-weights")
def test_numbers_06_local_shared_weights_digits_cnn_has_1898_parameters():
    session = Session(preset("digits-cnn"))
    assert sum(array.size for array in session.parameters.values()) == 1898


@pytest.mark.text("06:hubel-wiesel-neocognitron")
def test_numbers_06_hubel_wiesel_neocognitron_an_upright_edge_is_no_edge_to_a_filter_for_level_ones():
    session = played(preset("edge-filter"))
    image, maps = session.value("image.value")[:, 0], session.value("drawn.h")
    level = image[:, :-2, :-2] + image[:, :-2, 1:-1] + image[:, :-2, 2:]
    level -= image[:, 2:, :-2] + image[:, 2:, 1:-1] + image[:, 2:, 2:]
    np.testing.assert_allclose(maps[:, 0], level, atol=1e-6)
    upright = np.zeros((1, 8, 8))
    upright[:, :, 4:] = 1
    document = preset("edge-filter")
    document.data["train"] = {"inputs": [upright.tolist()], "targets": [[0.0]]}
    answers = played(document).value("drawn.h")[0]
    assert not answers[0].any()
    np.testing.assert_array_equal(answers[1], [[0, 0, -3, -3, 0, 0]] * 6)


def test_a_batch_normalisation_before_the_bend_learns_and_is_evaluated_by_its_running_statistics():
    document = preset("digits-cnn")
    document.graph.nodes["strokes"].properties["activation"] = "identity"
    norm, bend = document.graph.add("batch_normalisation", "norm"), document.graph.add("relu", "bend")
    document.graph.disconnect("strokes.h", "strongest.x")
    for source, target in (("strokes.h", norm), (norm, bend), (bend, "strongest.x")):
        document.graph.connect(source, target)
    session = Session(document)
    session.run(430)
    assert session.problem is None
    assert session.evaluate("test")["accuracy"] > 0.93


def test_an_image_may_be_asked_for_alone():
    session = Session(preset("digits-cnn"))
    session.run(43)
    images = session.dataset.inputs[:5]
    together = session.predict(images)
    for place in range(5):
        np.testing.assert_allclose(session.predict(images[place : place + 1])[0], together[place], rtol=1e-4, atol=1e-5)
