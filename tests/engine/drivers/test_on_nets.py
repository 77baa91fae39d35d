"""Drivers on small networks: their answers against finite differences, where they get against SciPy, and time."""

import numpy as np
import pytest

from engine import Document, Session
from engine.drivers.asking import GaussNewton, Loss, Product, Slope
from engine.drivers.plans import Plans
from engine.lowering import lower
from engine.training import LINE_SEARCHES, DriverType, Optimizer, optimizer_types
from tests.engine.documents import layered_document, xor_document
from tests.engine.test_optimizers_numbers import scaled_bowl
from tests.engine.test_session import assert_same, everything

DRIVEN = [name for name, kind in optimizer_types().items() if isinstance(kind, DriverType)]


def net(optimizer, rows=7, sizes=(3, 4, 2), **more):
    return layered_document(list(sizes), rows=rows, batch_size=0, optimizer=optimizer, **more)


class Answers:
    """The questions of a driver, asked by hand at the parameters of a session."""

    def __init__(self, session):
        self.session = session
        values = session.parameters
        self.addresses, self.point = list(values), np.concatenate([array.ravel() for array in values.values()])
        self.plans = Plans(session.document, session.dataset, session.lowered, 0, self.addresses, session.dtype)
        self.plans.stand_at(session.playback.machine, self.point)

    def __call__(self, request):
        return self.plans.answer(request)


@pytest.fixture(params=["mean_squared_error", "softmax_cross_entropy"])
def answers(request):
    session = Session(net({"type": "sgd"}, loss=request.param), dtype="float64")
    session.run(3)
    return Answers(session)


def test_loss_and_gradient_are_those_of_the_live_tape(answers):
    session = answers.session
    session.step("phase")
    session.step("phase")
    assert answers(Loss(answers.point)) == session.loss
    slopes = np.concatenate([session.gradient(address).ravel() for address in answers.addresses])
    np.testing.assert_array_equal(answers(Slope(answers.point)), slopes)


def test_products_with_the_hessian_are_differences_of_gradients(answers):
    draw = np.random.default_rng(0)
    for _ in range(5):
        v = draw.normal(size=answers.point.size)
        difference = (answers(Slope(answers.point + 1e-6 * v)) - answers(Slope(answers.point - 1e-6 * v))) / 2e-6
        np.testing.assert_allclose(answers(Product(v)), difference, rtol=1e-5, atol=1e-8)


def test_products_with_the_gauss_newton_matrix_are_those_of_jacobians(answers):
    session = answers.session
    dataset, documents = session.dataset, session.document
    prediction = next(w.source for w in documents.graph.wires if w.target_port in ("prediction", "logits"))
    program = lower(documents, dataset).program

    def predicted(point):
        begun = 0
        for address in answers.addresses:
            size = session.parameters[address].size
            session.set_parameter(address, point[begun : begun + size].reshape(session.parameters[address].shape))
            begun += size
        return session.predict(dataset.inputs[dataset.train_rows]).ravel()

    def jacobian(w):
        return np.array([(predicted(w + e) - predicted(w - e)) / 2e-6 for e in 1e-6 * np.eye(w.size)]).T

    assert prediction in program.outputs
    slopes = jacobian(answers.point)
    z = predicted(answers.point).reshape(7, -1)
    predicted(answers.point)
    answers.plans.stand_at(session.playback.machine, answers.point)
    if z.shape[1] == 2 and "mean_squared" in session.document.training.phases[0].minimise:
        bend = 2 / z.size * np.eye(z.size)
    else:
        shares = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        bend = np.zeros((z.size, z.size))
        for row, share in enumerate(shares):
            place = slice(row * 2, row * 2 + 2)
            bend[place, place] = (np.diag(share) - np.outer(share, share)) / 7
    normal = slopes.T @ bend @ slopes
    for v in np.random.default_rng(1).normal(size=(4, answers.point.size)):
        np.testing.assert_allclose(answers(GaussNewton(v)), normal @ v, rtol=1e-5, atol=1e-8)


def test_a_loss_beside_the_tape_draws_the_same_dropout():
    document = net({"type": "sgd"})
    graph = document.graph
    drop = graph.add("dropout", rate=0.5)
    graph.disconnect("dense_1.h", "dense_2.x")
    graph.connect("dense_1", drop)
    graph.connect(drop, "dense_2.x")
    session = Session(document, dtype="float64")
    for _ in range(3):
        session.run(1)
        seen = Answers(session)
        session.step("phase")
        assert seen(Loss(seen.point)) == session.loss
        session.step("iteration")


def loss_after(name, iterations, dtype="float64", **settings):
    session = Session(net({"type": name, **settings}, rows=9), dtype=dtype)
    session.run(iterations)
    assert session.problem is None
    return session.evaluate("train")["loss"]


@pytest.fixture(scope="module")
def reached():
    """The loss that SciPy's BFGS reaches on the same net from the same start."""
    optimize = pytest.importorskip("scipy.optimize")
    session = Session(net({"type": "sgd"}, rows=9), dtype="float64")
    answers = Answers(session)
    found = optimize.minimize(
        lambda w: answers(Loss(w)),
        answers.point,
        jac=lambda w: answers(Slope(w)),
        method="BFGS",
        options={"maxiter": 60},
    )
    return answers(Loss(answers.point)), float(found.fun)


@pytest.mark.parametrize(
    ("name", "iterations"),
    [("bfgs", 80), ("l_bfgs", 80), ("levenberg_marquardt", 40), ("hessian_free", 40), ("saddle_free_newton", 40)],
)
def test_as_low_as_scipy_gets(reached, name, iterations):
    start, low = reached
    assert loss_after(name, iterations) <= low + 0.02 * (start - low)


@pytest.mark.parametrize("name", [name for name in DRIVEN if name != "newton"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_driver_descends(name, dtype):
    start = loss_after(name, 0, dtype)
    assert loss_after(name, 20, dtype) < 0.8 * start


def test_least_squares_of_scipy_gets_no_lower_than_levenberg_and_marquardt():
    optimize = pytest.importorskip("scipy.optimize")
    session = Session(net({"type": "sgd"}, rows=9), dtype="float64")
    start = np.concatenate([array.ravel() for array in session.parameters.values()])
    inputs, targets = session.dataset.inputs[session.dataset.train_rows], session.dataset.targets

    def residuals(w):
        first, second = w[:12].reshape(3, 4), w[16:24].reshape(4, 2)
        return (np.tanh(inputs @ first + w[12:16]) @ second + w[24:26] - targets).ravel()

    assert list(session.parameters) == ["dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"]
    found = optimize.least_squares(residuals, start, method="trf", max_nfev=200)
    assert loss_after("levenberg_marquardt", 40) <= np.mean(found.fun**2) + 1e-3


def test_xor_is_learned_in_few_steps():
    document = xor_document()
    document.training = document.training.with_optimizer(Optimizer("bfgs"))
    session = Session(document)
    session.run(60)
    assert session.evaluate("train")["loss"] < 0.01


def words_of(name):
    """Every word of a driver, one at a time."""
    found = [{}]
    for key, field in optimizer_types()[name].settings.items():
        if not field.is_number:
            found += [{key: option} for option in field.options if option != field.default]
    return found


CHOSEN = [(name, words) for name in DRIVEN for words in words_of(name)]


@pytest.mark.parametrize(("name", "words"), CHOSEN, ids=str)
def test_in_every_form_stepping_running_and_going_back_give_the_same_bits(name, words):
    document = net({"type": name, **words}, rows=5, sizes=(2, 3, 1))
    stepped, running = Session(document), Session(document)
    seen = []
    for _ in range(4):
        for _ in range(len(stepped.steps)):
            stepped.step("node")
        seen.append(everything(stepped))
    running.run(4)
    assert_same(everything(running), seen[3])
    assert running.problem is None
    for before in seen[2::-1]:
        running.step_back("iteration")
        assert_same(everything(running), before)
    running.run(3)
    assert_same(everything(running), seen[3])


def test_every_line_search_is_offered_where_one_is():
    fields = {name: optimizer_types()[name].settings.get("line_search") for name in DRIVEN}
    found = [field for field in fields.values() if field is not None]
    assert len(found) > 2 and all(field.options == LINE_SEARCHES for field in found)


@pytest.mark.parametrize("name", ["bfgs", "conjugate_gradient", "levenberg_marquardt"])
def test_saved_weights_go_on_where_they_were(name):
    plain, kept = Session(net({"type": name})), Session(net({"type": name}))
    plain.run(6)
    kept.run(3)
    other = Session(net({"type": name}))
    assert other.resume(kept.weights) == []
    other.run(3)
    assert_same(plain.parameters, other.parameters)


@pytest.mark.parametrize("name", DRIVEN)
def test_a_number_of_a_driver_that_is_dragged_counts_from_then_on(name):
    session = Session(net({"type": name}))
    session.run(2)
    session.set_setting("optimizer.step_length", 0.0)
    before = session.parameters
    session.run(2)
    assert_same(session.parameters, before)


def test_layers_that_are_frozen_stand_still():
    document = net({"type": "bfgs"})
    document.graph.nodes["dense_1"].flags = frozenset({"frozen"})
    session = Session(document)
    before = session.parameters
    session.run(5)
    assert_same({"w": session.parameters["dense_1.weight"]}, {"w": before["dense_1.weight"]})
    assert session.value("training.main.driver_inverse").shape == (10, 10)


def test_a_driver_climbs_where_something_is_to_be_large():
    document = net({"type": "bfgs"})
    loss = document.training.phases[0].minimise
    optimizer = {"type": "steepest_descent", "line_search": "none", "step_length": 0.1}
    phase = {"name": "up", "maximise": loss, "parameters": ["dense_2.bias"], "optimizer": optimizer}
    plan = {"phases": [phase], "batch_size": 0}
    session = Session(Document(document.graph, data=document.data["train"], training=plan))
    session.step("iteration")
    before = session.loss
    session.run(5)
    assert session.loss > before


def test_a_wider_layer_begins_anew_with_what_is_remembered():
    document = net({"type": "bfgs"})
    session = Session(document)
    session.run(5)
    wider = document.copy()
    wider.graph.nodes["dense_1"].properties["units"] = 6
    session.edit(wider, revision=1)
    session.run(5)
    assert session.problem is None
    assert session.value("training.main.driver_inverse").shape == (38, 38)


# what cannot be -------------------------------------------------------------------------------------------------------


def problems_of(document):
    return Session(document).lowered.problems


@pytest.mark.parametrize("last_batch", ["short", "drop", "wrap"])
def test_a_part_of_the_rows_is_not_enough(last_batch):
    document = layered_document([3, 4, 2], batch_size=4, last_batch=last_batch, optimizer={"type": "newton"})
    (problem,) = problems_of(document)
    assert problem.fact == "Newton needs all rows at once, and a batch has 4 of them"
    assert problem.mend == "Set the batch size to 0, which takes all rows."
    session = Session(document)
    before = session.parameters
    session.run(3)
    assert_same(session.parameters, before)


def test_all_rows_may_be_named_by_their_number():
    assert problems_of(layered_document([3, 4, 2], batch_size=7, optimizer={"type": "newton"})) == []


def test_a_matrix_that_would_be_too_large_is_refused():
    (problem,) = problems_of(net({"type": "bfgs"}, sizes=(3, 300, 2)))
    assert problem.fact == "BFGS is for up to 1000 numbers that are learned, and here are 1802"
    assert problems_of(net({"type": "l_bfgs"}, sizes=(3, 300, 2))) == []


def test_what_has_no_part_in_a_drivers_step_is_told():
    plan = {"penalty": {"type": "l2"}, "schedule": {"type": "cosine"}, "averaging": {"type": "mean"}}
    document = net({"type": "bfgs"}, **plan)
    facts = [problem.fact for problem in problems_of(document)]
    assert facts == [
        "BFGS finds its own steps: the schedule “cosine” has no part in them",
        "BFGS finds its own steps: the penalty “l2” has no part in them",
    ]
    with_mean, plain = Session(document), Session(net({"type": "bfgs"}))
    for session in (with_mean, plain):
        session.run(4)
    assert_same(with_mean.parameters, plain.parameters)
    assert set(with_mean.averages) == set(plain.parameters)


@pytest.mark.parametrize(
    "optimizer", [{"type": "levenberg_marquardt"}, {"type": "hessian_free", "curvature": "gauss_newton"}]
)
def test_without_a_prediction_gauss_and_newton_are_refused_when_they_are_chosen(optimizer):
    document = net(optimizer)
    graph, loss = document.graph, document.training.phases[0].minimise
    graph.connect(loss, graph.add("scale", id="half", factor=0.5))
    plan = {"loss": "half", "optimizer": optimizer, "batch_size": 0}
    session = Session(Document(graph, data=document.data["train"], training=plan))
    (problem,) = session.lowered.problems
    assert problem.fact == "the Gauss-Newton matrix needs a loss with a prediction wired into it"
    before = session.parameters
    session.step("iteration")
    session.run(3)
    assert session.problem is None
    assert_same(session.parameters, before)


# what takes long ------------------------------------------------------------------------------------------------------


class Enough(Exception):
    """Somebody does not want to wait any longer."""


@pytest.mark.parametrize("name", ["newton", "levenberg_marquardt", "l_bfgs"])
def test_a_decision_tells_how_far_it_is_and_may_be_broken_off(name):
    session, other = Session(net({"type": name})), Session(net({"type": name}))
    told = []
    session.playback.drivers.watch = lambda done, of: told.append((done, of))
    session.run(2)
    ends = {end for _, end in told}
    assert ends == {0} if name == "l_bfgs" else 26 in ends  # a product for each of the 26 parameters
    assert all(done <= end for done, end in told if end)

    def give_up(done, end):
        raise Enough

    session.playback.drivers.watch = give_up
    before = session.parameters
    with pytest.raises(Enough):
        session.run(5)
    assert session.iteration == 2
    assert_same(session.parameters, before)
    session.playback.drivers.watch = None
    session.run(2)
    other.run(4)
    assert_same(everything(session), everything(other))


@pytest.mark.parametrize("name", ["bfgs", "dfp", "l_bfgs"])
def test_at_the_very_bottom_a_learned_curvature_stays_finite(name):
    session = scaled_bowl([1.0, 4.0], (1.0, 1.0), optimizer={"type": name})
    with np.errstate(all="raise", under="ignore"):
        session.run(80)
    assert session.problem is None
    assert np.abs(session.parameters["parameter_1.value"]).max() < 1e-100
