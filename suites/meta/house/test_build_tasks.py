"""Processes share the tasks of a build; each task runs once, after its dependencies."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading

import msgspec
import pytest

from models.build_tasks import Task, make_beside_others, make_in_order
from models.building import helpers
from models.building.plan import make_plan, make_request
from models.errors import EdgeproofError, UsageMistake
from models.processes.programs import Ended
from models.store import PROJECT, Stage, Store
from models.subjects import ShrunkTable, load_subject
from suites.meta.gates.running import environment

SECONDS = 20.0
LONGEST = 60.0


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def stage(name):
    return Stage("stage", {"name": name})


def writes(log, name, *, before=lambda: None):
    def make(folder):
        before()
        log.append(name)
        (folder / "file").write_text(name)

    return make


def in_threads(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
        assert not thread.is_alive()


def test_build_tasks_run_in_order_and_are_each_cleaned_up(store):
    log = []
    tasks = [Task(stage(name), writes(log, name), tidy=lambda: log.append("-")) for name in "ab"]
    make_in_order(lambda: tasks, store, log.append)
    make_in_order(lambda: tasks, store, log.append)
    assert log == ["a", "-", "b", "-", "-", "-"]


@pytest.mark.parametrize("make", [make_in_order, make_beside_others])
def test_tasks_that_become_known_by_an_artefact_are_run(store, make):
    log = []
    first, second, last = (Task(stage(name), writes(log, name)) for name in "abc")

    def tasks():
        return [first, second, last] if store.has(first.stage) else [first, last]

    make(tasks, store, log.append)
    assert log == ["a", "b", "c"]


def test_independent_tasks_run_at_the_same_time(store):
    log, barrier = [], threading.Barrier(2, timeout=SECONDS)
    tasks = [
        Task(stage("a"), writes(log, "a")),
        # Both tasks wait until the other one has begun, so that this fails unless they run in
        # parallel.
        Task(stage("b"), writes(log, "b", before=barrier.wait), needs=(stage("a"),)),
        Task(stage("c"), writes(log, "c", before=barrier.wait), needs=(stage("a"),)),
        Task(stage("d"), writes(log, "d"), needs=(stage("b"), stage("c"))),
    ]
    helper = lambda: make_beside_others(lambda: tasks, store, log.append)  # noqa: E731 - two threads run the same function
    in_threads(helper, helper)
    assert (log[0], sorted(log[1:3]), log[3:]) == ("a", ["b", "c"], ["d"])


def test_helper_that_waits_for_a_task_does_its_other_work_exactly_once(store):
    """The first task finishes only after the waiting helper has done its other work."""
    log, useful, holds = [], [], threading.Event()
    done = threading.Event()

    def hold():
        holds.set()
        assert done.wait(SECONDS)

    tasks = [
        Task(stage("a"), writes(log, "a", before=hold)),
        Task(stage("b"), writes(log, "b"), needs=(stage("a"),)),
    ]

    def other():
        assert holds.wait(SECONDS)
        make_beside_others(
            lambda: tasks, store, log.append, meanwhile=lambda: (useful.append(1), done.set())
        )

    in_threads(lambda: make_beside_others(lambda: tasks, store, log.append), other)
    assert useful == [1]
    assert sorted(log) == ["a", "b"]


def test_helper_stops_if_other_processes_make_the_remaining_artefacts(store):
    log = []
    task = Task(stage("a"), writes(log, "a"))
    lets_go, holds = threading.Event(), threading.Event()

    def hold(folder):
        holds.set()
        lets_go.wait(SECONDS)
        (folder / "file").touch()

    def other():
        assert holds.wait(SECONDS)
        make_beside_others(lambda: [task], store, log.append)
        lets_go.set()

    in_threads(lambda: store.get(task.stage, hold), other)
    assert log == []


@pytest.mark.parametrize("same", [True, False])
def test_waiting_for_a_task_of_another_run_is_reported(store, same):
    messages, holds = [], threading.Event()
    holder = Store(store.root, run=os.getpid() if same else 12345)
    first, then = stage("first"), stage("then")

    def hold(folder):
        (folder / "file").touch()
        holds.set()
        threading.Event().wait(1.0)

    def other():
        assert holds.wait(SECONDS)
        tasks = [
            Task(first, writes(messages, "first")),
            Task(then, writes(messages, "then"), needs=(first,)),
        ]
        make_beside_others(lambda: tasks, store, messages.append)

    in_threads(lambda: holder.get(first, hold), other)
    assert messages[-1] == "then"
    assert len(messages) == (1 if same else 2)
    assert same or messages[0].startswith(
        "waiting for another run that makes stage (process 12345 on "
    )


def test_run_is_not_told_to_wait_for_itself(store, monkeypatch):
    # A run's name is written after its file is made, so the file is empty at first.
    contents = iter(["", f"{os.getpid()} {platform.node()}"])
    monkeypatch.setattr("models.store.read_text", lambda *_: next(contents))
    assert store.other_run_at(stage("a")) == ""


def test_failed_task_is_reported_and_can_be_retried_by_another_process(store):
    def fail(_):
        raise EdgeproofError("it failed", remedy="Mend it")

    with pytest.raises(EdgeproofError, match="it failed"):
        make_beside_others(lambda: [Task(stage("a"), fail)], store, lambda _: None)
    log = []
    make_beside_others(lambda: [Task(stage("a"), writes(log, "a"))], store, log.append)
    assert log == ["a"]


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def plan_of(subject):
    return make_plan(make_request(subject))


@pytest.mark.usefixtures("two_cores")
def test_helpers_are_started_for_long_training(store, miniature):
    assert helpers.size(plan_of(load_subject("embedded")), store) == 2
    assert helpers.size(miniature.plan(), store) == 0
    assert helpers.size(miniature.plan(), Store(miniature.store)) == 0


SHRUNK = msgspec.structs.replace(
    load_subject("embedded"), small=None, shrunk=ShrunkTable(bytes="100000 bytes")
)


@pytest.mark.usefixtures("two_cores")
def test_helpers_share_the_answers_of_a_full_model_that_exists(store):
    plan = plan_of(SHRUNK)
    log = []
    for done in (plan.whole, plan.full):
        store.get(done, writes(log, done.name))
    assert helpers.size(plan, store) == 2
    assert helpers.threads(plan, store) == 1
    for done in (plan.corpus, plan.cut):
        store.get(done, writes(log, done.name))
    assert helpers.size(plan, store) == 0


@pytest.mark.usefixtures("two_cores")
def test_no_helpers_are_started_if_two_would_exceed_the_memory_limit(store, monkeypatch):
    plan = plan_of(load_subject("embedded"))
    monkeypatch.setattr(helpers, "_parameters", lambda _: [335_000_000, 25_000_000])
    assert helpers.size(plan, store) == 0


def test_error_of_a_helper_is_raised_in_the_builder(store):
    arguments = ["nobody", "--cache-dir", str(store.root)]
    with pytest.raises(UsageMistake, match="nobody"):
        helpers.work(2, arguments, threads=1, stderr=2, seconds_to_stop=2.0)


def test_killed_helper_is_reported():
    error = helpers.failure_of(Ended(-signal.SIGKILL, "", ""))
    assert "was killed by SIGKILL" in str(error)


def test_builder_with_helpers_makes_the_same_bytes_as_a_single_builder(miniature, tmp_path):
    store = tmp_path / "store"
    command = [sys.executable, "-m", "models.build", str(miniature.subject), "--helpers=2"]
    command += ["--corpus", str(miniature.corpus), "--cache-dir", str(store)]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    artefacts = json.loads(done.stdout)["artefacts"]
    for name, path in artefacts.items():
        expected = json.loads((miniature.store / name / "manifest.json").read_text("utf-8"))
        assert json.loads((store / name / "manifest.json").read_text("utf-8")) == expected, path
    assert all(
        done.stderr.count(f"variant {scheme}: converting") == 1 for scheme in ("float32", "float16")
    )
