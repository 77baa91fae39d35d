"""The runner's thread: messages, snapshots, revisions, and what happens when something goes wrong."""

import dataclasses
import threading

import numpy as np
import pytest

from app.worker import Worker
from engine.document import Document
from engine.drivers.plans import Plans
from engine.problems import ProblemError
from engine.session import Session
from engine.training import Optimizer


@pytest.fixture
def heard(runner):
    """Everything the runner said, by signal."""
    said = {"snapshots": [], "failed": [], "crashed": [], "playing": [], "answers": []}
    runner.snapshot_ready.connect(said["snapshots"].append)
    runner.failed.connect(said["failed"].append)
    runner.crashed.connect(said["crashed"].append)
    runner.playing_changed.connect(said["playing"].append)
    runner.answered.connect(lambda name, answer: said["answers"].append((name, answer)))
    return said


def settled(qtbot, runner):
    """Wait until the worker has done everything sent so far."""
    done = []
    runner.answered.connect(lambda name, answer: done.append(name) if name == "settled" else None)
    runner.ask("settled", lambda session: None)
    qtbot.waitUntil(lambda: bool(done))


def open_and_wait(qtbot, runner, document, revision=1):
    with qtbot.waitSignal(runner.snapshot_ready) as caught:
        runner.open(document, revision)
    return caught.args[0]


def test_opening_a_document_shows_it_before_anything_was_computed(qtbot, runner, document):
    snapshot = open_and_wait(qtbot, runner, document, 7)
    assert (snapshot.revision, snapshot.iteration, snapshot.last_step, snapshot.loss) == (7, 0, None, None)
    assert snapshot.values["hidden.h"].state == "absent"


def test_a_step_plays_one_node_and_a_step_back_takes_it_back(qtbot, runner, document):
    open_and_wait(qtbot, runner, document)
    with qtbot.waitSignal(runner.snapshot_ready) as caught:
        runner.step()
    assert caught.args[0].last_step.node == "input_1"
    with qtbot.waitSignal(runner.snapshot_ready) as caught:
        runner.step_back()
    assert caught.args[0].last_step is None


def test_an_iteration_is_a_step_too(qtbot, runner, document):
    open_and_wait(qtbot, runner, document)
    with qtbot.waitSignal(runner.snapshot_ready) as caught:
        runner.step("iteration")
    assert caught.args[0].iteration == 1


def test_playing_trains_until_it_is_paused(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.play()
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration > 500)
    runner.pause()
    qtbot.waitUntil(lambda: heard["playing"] == [True, False])
    assert not runner.playing


def test_at_two_nodes_a_second_the_first_node_is_played_at_once(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.set_speed(2.0)
    runner.play()
    qtbot.waitUntil(lambda: heard["snapshots"][-1].last_step is not None)
    assert heard["snapshots"][-1].last_step.index == 0
    assert heard["snapshots"][-1].iteration == 0


def test_a_moderate_speed_plays_whole_iterations_and_single_nodes_alike(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.set_speed(3000.0)
    runner.play()
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration > 30)


def test_stepping_and_playing_give_the_same_numbers(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.set_speed(20000.0)
    runner.play()
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration > 50)
    runner.pause()
    settled(qtbot, runner)
    runner.ask("parameters", lambda session: (session.iteration, session.last_step, session.parameters))
    qtbot.waitUntil(lambda: any(name == "parameters" for name, _ in heard["answers"]))
    iteration, last, parameters = dict(heard["answers"])["parameters"]
    other = Session(document)
    other.run(iteration)
    while other.last_step != last:
        other.step()
    for name, numbers in other.parameters.items():
        assert np.array_equal(parameters[name], numbers)


def test_reset_returns_to_the_start(qtbot, runner, document, heard):
    first = open_and_wait(qtbot, runner, document)
    runner.step("iteration")
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 1)
    runner.reset(0)
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 0)
    weights = heard["snapshots"][-1].parameters["hidden.weight"].array
    assert np.array_equal(weights, first.parameters["hidden.weight"].array)


def test_an_edit_keeps_the_parameters_that_fit(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.step("iteration")
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 1)
    before = heard["snapshots"][-1].parameters["output.weight"].array
    edited = document.copy()
    edited.graph.add("dense", id="extra", units=2)
    edited.graph.connect("hidden", "extra")
    with qtbot.waitSignal(runner.snapshot_ready) as caught:
        runner.edit(edited, 2)
    assert np.array_equal(caught.args[0].parameters["output.weight"].array, before)
    assert "extra.weight" in caught.args[0].parameters


def test_what_belongs_to_an_older_revision_is_refused(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document, 1)
    for revision in range(2, 30):
        runner.step("iteration")
        runner.renumber(revision)
    settled(qtbot, runner)
    qtbot.waitUntil(lambda: heard["snapshots"][-1].revision == 29)
    seen = [snapshot.revision for snapshot in heard["snapshots"]]
    assert seen == sorted(seen)
    assert set(seen[1:]) == {29}


def test_a_number_changes_without_a_new_plan_and_survives_a_reset(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    optimizer = document.training.phases[0].optimizer
    document.training = document.training.with_optimizer(
        dataclasses.replace(optimizer, settings={**optimizer.settings, "learning_rate": 0.5})
    )
    runner.set_settings({"optimizer.learning_rate": 0.5}, document, 2)
    qtbot.waitUntil(lambda: rate_of(heard["snapshots"][-1]) == pytest.approx(0.5))
    runner.step("iteration")
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 1)
    runner.reset(0)
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 0)
    assert rate_of(heard["snapshots"][-1]) == pytest.approx(0.5)


def rate_of(snapshot):
    return next(number for name, number in snapshot.settings.items() if name.endswith("learning_rate"))


def test_a_parameter_can_be_set_by_hand(qtbot, runner, document, heard):
    snapshot = open_and_wait(qtbot, runner, document)
    numbers = np.full(snapshot.parameters["hidden.weight"].shape, 0.25)
    with qtbot.waitSignal(runner.snapshot_ready) as caught:
        runner.set_parameter("hidden.weight", numbers)
    assert np.array_equal(caught.args[0].parameters["hidden.weight"].array, numbers.astype(np.float32))


def test_the_loss_and_what_is_measured_follow_a_hand_and_a_step_back(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.run(5)
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 5)
    before = heard["snapshots"][-1]
    weight = before.parameters["output.weight"].array
    runner.set_parameter("output.weight", weight + 1)

    def measured():
        last = heard["snapshots"][-1]
        return last.metrics.get("loss.training") == pytest.approx(last.loss, rel=1e-5)

    qtbot.waitUntil(lambda: heard["snapshots"][-1].loss != before.loss and measured())
    assert heard["snapshots"][-1].iteration == 5
    changed = heard["snapshots"][-1].metrics["loss.training"]
    runner.step_back("iteration")
    qtbot.waitUntil(lambda: heard["snapshots"][-1].iteration == 4 and heard["snapshots"][-1].metrics != {})
    qtbot.waitUntil(
        lambda: heard["snapshots"][-1].metrics["loss.training"] not in (changed, before.metrics["loss.training"])
    )


def test_a_document_that_cannot_run_says_why_and_runs_once_it_is_mended(qtbot, runner, document, heard):
    with qtbot.waitSignal(runner.failed) as caught:
        runner.open(Document(), 1)
    assert caught.args[0].fact
    with qtbot.waitSignal(runner.failed):
        runner.play()
    assert not runner.playing
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.edit(document, 2)


def test_an_error_of_our_own_is_told_and_the_thread_goes_on(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)

    def broken(session):
        raise RuntimeError("a slip of ours")

    runner.ask("broken", broken)
    qtbot.waitUntil(lambda: bool(heard["crashed"]))
    assert "a slip of ours" in heard["crashed"][0]
    assert heard["failed"][-1].kind == "crash"
    with qtbot.waitSignal(runner.snapshot_ready):
        runner.step()


def test_a_run_that_diverges_stops_and_names_the_node(qtbot, runner, document, heard):
    document.training = document.training.with_optimizer(
        dataclasses.replace(document.training.phases[0].optimizer, type="sgd", settings={"learning_rate": 1.0})
    )
    open_and_wait(qtbot, runner, document)
    runner.step("iteration")
    runner.set_parameter("hidden.weight", np.full((2, 4), 3e38))
    runner.set_parameter("output.weight", np.full((4, 1), 3e38))
    runner.play()
    qtbot.waitUntil(lambda: bool(heard["failed"]))
    assert heard["failed"][0].kind == "finite"
    assert heard["failed"][0].node
    qtbot.waitUntil(lambda: not runner.playing)


def test_questions_of_one_name_are_answered_once_for_the_last(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    busy = threading.Event()
    runner.ask("busy", lambda session: busy.wait())
    for number in range(20):
        runner.ask("number", lambda session, number=number: number)
    busy.set()
    settled(qtbot, runner)
    assert [answer for name, answer in heard["answers"] if name == "number"] == [19]


def test_a_snapshot_waits_until_the_last_one_was_taken(qtbot, runner, document):
    open_and_wait(qtbot, runner, document)
    delivered = []
    runner.snapshot_ready.connect(delivered.append)
    runner.play()
    reached = threading.Event()
    runner.ask("later", lambda session: reached.set())
    # The window does nothing but wait here: whatever the worker computes, at most one snapshot may be under way.
    assert reached.wait(10)
    assert delivered == []
    runner.pause()
    settled(qtbot, runner)


def kernels_to_compile(monkeypatch, count, before_each=lambda: None):
    """Let a document have so many kernels that nobody has compiled yet."""
    left = [count]

    def prepare(session, progress=None):
        for done, every in enumerate([left[0]] * left[0]):
            before_each()
            progress(done, every)
            left[0] -= 1
        progress(count, count)

    monkeypatch.setattr(Session, "prepare", prepare)


def test_opening_a_document_compiles_its_kernels_and_counts_them(qtbot, runner, document, monkeypatch):
    told = []
    runner.preparing.connect(lambda done, every: told.append((done, every)))
    kernels_to_compile(monkeypatch, 3)
    with qtbot.waitSignal(runner.preparing, check_params_cb=lambda done, every: done == every):
        runner.open(document, 1)
    assert told[-1] == (3, 3)
    assert {(0, 3), (1, 3), (2, 3)} <= set(told)
    assert told == sorted(told)


def test_a_first_step_asked_for_at_once_goes_before_the_kernels_that_others_need(qtbot, runner, document, monkeypatch):
    stood = []
    monkeypatch.setattr(Session, "prepare", lambda session, progress=None: stood.append(session.last_step))
    runner.hold()
    runner.open(document, 1)
    runner.step()
    with qtbot.waitSignal(runner.preparing, check_params_cb=lambda done, every: done == every):
        runner.release()
    assert [step.node for step in stood] == ["input_1"]


def test_kernels_that_an_edit_needs_are_counted_while_they_are_compiled(qtbot, runner, document):
    """Before, the next step compiled them without a word."""
    with qtbot.waitSignal(runner.preparing, check_params_cb=lambda done, every: done == every):
        runner.open(document, 1)
    document.graph.connect("hidden.h", document.graph.add("tanh"))
    with qtbot.waitSignal(runner.preparing, check_params_cb=lambda done, every: done == every):
        runner.edit(document, 2)


def test_what_was_played_is_shown_before_a_question_is_thought_about(document, monkeypatch):
    posted = []
    monkeypatch.setattr("app.worker.SNAPSHOT_SECONDS", 0.0)
    worker = Worker(lambda kind, payload, revision: posted.append(kind))
    worker.open(document, 1)
    worker.answer("first", lambda session: None)
    worker.step("node")
    worker.answer("while nobody has taken the picture", lambda session: None)
    worker.note_taken()
    worker.answer("then", lambda session: None)
    assert posted == ["snapshot", "answer", "answer", "snapshot", "answer"]


def test_a_message_is_heard_between_two_kernels(qtbot, runner, document, monkeypatch):
    waiting, heard_it = threading.Event(), threading.Event()

    def before_each():
        waiting.set()
        assert heard_it.wait(10)

    kernels_to_compile(monkeypatch, 2, before_each)
    runner.open(document, 1)
    assert waiting.wait(60)
    runner.step()
    heard_it.set()
    with qtbot.waitSignal(runner.preparing, check_params_cb=lambda done, every: done == every):
        pass
    assert runner._worker.session.last_step.node == "input_1"


def test_compiling_is_told_to_be_over_though_playing_did_the_rest_of_it_and_an_edit_came_between(
    qtbot, runner, document, monkeypatch
):
    waiting, heard_it, told, times = threading.Event(), threading.Event(), [], []

    def prepare(session, progress=None):
        times.append(1)
        if len(times) == 1:
            waiting.set()
            assert heard_it.wait(10)
            progress(0, 2)  # the second time playing has compiled all: there is nothing to tell of

    monkeypatch.setattr(Session, "prepare", prepare)
    runner.preparing.connect(lambda done, every: told.append((done, every)))
    runner.open(document, 1)
    assert waiting.wait(60)
    runner.step()
    runner.renumber(2)
    heard_it.set()
    qtbot.waitUntil(lambda: len(times) == 2 and told[-1:] == [(2, 2)])
    assert told[0] == (0, 2)


@pytest.fixture
def slow_newton(document, monkeypatch):
    """A document whose optimizer asks a lot before each step; an event says that it asks, another lets it go on."""
    document.training = document.training.with_optimizer(Optimizer("damped_newton"))
    document.training = dataclasses.replace(document.training, batch_size=0)
    asked, may_go_on, answer = threading.Event(), threading.Event(), Plans.answer

    def answer_slowly(plans, request):
        asked.set()
        assert may_go_on.wait(60)
        return answer(plans, request)

    monkeypatch.setattr(Plans, "answer", answer_slowly)
    monkeypatch.setattr("app.pace.PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("app.pace.TELLING_SECONDS", 0.0)
    return document, asked, may_go_on


def test_an_optimizer_that_takes_long_to_decide_tells_how_far_it_is(qtbot, runner, slow_newton):
    document, _, may_go_on = slow_newton
    may_go_on.set()
    open_and_wait(qtbot, runner, document)
    told = []
    runner.deciding.connect(lambda asked, of: told.append((asked, of)))
    runner.step("iteration")
    qtbot.waitUntil(lambda: told[-1:] == [(0, 0)])
    assert (16, 17) in told and all(of >= 17 for asked, of in told[:-1])  # one look for each parameter, then the search
    assert runner._worker.session.iteration == 1


def test_a_pause_breaks_off_what_an_optimizer_decides_and_the_step_can_be_taken_again(qtbot, runner, slow_newton):
    document, asked, may_go_on = slow_newton
    open_and_wait(qtbot, runner, document)
    runner.play()
    assert asked.wait(60)
    runner.pause()
    with qtbot.waitSignal(runner.deciding, check_params_cb=lambda asked, of: of == 0):
        may_go_on.set()
    settled(qtbot, runner)
    session = runner._worker.session
    assert session.iteration == 0 and session.next_step.part == "update" and not runner.playing
    runner.step("iteration")
    settled(qtbot, runner)
    assert session.iteration == 1


def test_closing_does_not_wait_for_an_optimizer(qtbot, runner, slow_newton):
    document, asked, may_go_on = slow_newton
    open_and_wait(qtbot, runner, document)
    runner.run(1000)
    assert asked.wait(60)
    runner._worker.inbox.put(None)  # what `close` says before it waits
    may_go_on.set()
    runner.close()
    assert not runner.is_alive
    assert runner._worker.session.iteration < 1000


def test_closing_stops_the_thread_even_while_it_plays(qtbot, runner, document):
    open_and_wait(qtbot, runner, document)
    runner.play()
    runner.close()
    runner.close()
    assert not runner.is_alive
    runner.step()


def test_focusing_a_node_explains_that_node(qtbot, runner, document):
    open_and_wait(qtbot, runner, document)
    runner.step("iteration")
    settled(qtbot, runner)
    with qtbot.waitSignal(
        runner.snapshot_ready, check_params_cb=lambda s: s.explanation is not None and s.explanation.node == "hidden"
    ):
        runner.focus("hidden")


def test_a_problem_is_raised_as_one():
    with pytest.raises(ProblemError):
        Session(Document())


def test_a_run_that_diverged_returns_to_the_last_good_step(qtbot, runner, document, heard):
    open_and_wait(qtbot, runner, document)
    runner.step_back_to_good()
    qtbot.waitUntil(lambda: bool(heard["failed"]))
    assert "every number is finite" in heard["failed"][0].fact
    runner.run(5)
    runner.set_parameter("hidden.weight", np.full((2, 4), 3e38))
    runner.set_parameter("output.weight", np.full((4, 1), 3e38))
    runner.play()
    qtbot.waitUntil(lambda: heard["failed"][-1].kind == "finite")
    qtbot.waitUntil(lambda: not runner.playing)
    with qtbot.waitSignal(runner.snapshot_ready, check_params_cb=lambda snapshot: snapshot.problem is None) as caught:
        runner.step_back_to_good()
    snapshot = caught.args[0]
    assert snapshot.iteration <= 5
    assert all(np.isfinite(reading.array).all() for reading in snapshot.parameters.values())


def test_a_number_that_stopped_being_finite_is_told_though_a_node_was_moved_meanwhile(qtbot, runner, document, heard):
    document.training = dataclasses.replace(
        document.training,
        phases=tuple(
            dataclasses.replace(phase, optimizer=Optimizer("sgd", {"learning_rate": 1000.0}))
            for phase in document.training.phases
        ),
    )
    graph = document.graph
    graph.remove("loss")
    loss = graph.add("mean_squared_error", id="loss")
    graph.nodes["output"].properties["activation"] = "identity"
    graph.nodes["hidden"].properties["activation"] = "identity"
    graph.connect("output", loss["prediction"])
    graph.connect("target_1", loss["target"])
    open_and_wait(qtbot, runner, document)
    runner.run(1000)
    answer = threading.Event()
    runner._send(lambda worker: answer.set())
    assert answer.wait(60)  # what it has to tell is posted, and waits for the window
    runner.renumber(2)
    qtbot.waitUntil(lambda: bool(heard["failed"]))
    assert heard["failed"][0].kind == "finite"
