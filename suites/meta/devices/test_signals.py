"""SIGTERM, SIGINT and SIGHUP end a run quickly without leftovers."""

from __future__ import annotations

import os
import random
import signal

import pytest

from models.runtime.debian import why_unavailable
from models.runtime.sysroot import prepare_sysroot
from models.store import Store, default_root
from suites.meta.devices.boards import Board
from suites.meta.devices.ended import (
    OF_SIGNALS,
    SIGNALS,
    after,
    end,
    moments,
    once_said,
    slow,
    while_running,
)
from suites.meta.runtime.sshd import why_no_sshd

# pytest's exit codes for interrupted and for finished runs, and those of signals.
CODES = {pytest.ExitCode.OK, pytest.ExitCode.INTERRUPTED, *OF_SIGNALS}
# Seconds after which each kind of run ends without a signal.
LONGEST = {"host": 12.0, "builder": 20.0, "ssh": 15.0, "emulated": 40.0, "unpacking": 25.0}
PREPARED = ("sysroot", "emulator")
SUITES = ("suites/agreement", "suites/conformance", "suites/size", "--ignore=suites/meta")

needs_sshd = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
needs_debian = pytest.mark.skipif(why_unavailable() is not None, reason=str(why_unavailable()))


@pytest.fixture
def run_of(miniature, tmp_path):
    """Return `run_of(store, *more)`, which returns pytest's arguments."""

    def arguments(store, *more):
        return [
            *("-m", "pytest", "-p", "no:cacheprovider", *SUITES, "--edge-schemes=float32,float16"),
            *(f"--edge-subject={miniature.subject}", f"--edge-corpus={miniature.corpus}"),
            *(f"--edge-budgets={miniature.budgets}", f"--edge-cache-dir={store}"),
            *(f"--edge-report-dir={tmp_path / 'reports'}", *more),
        ]

    return arguments


@pytest.fixture
def warm(miniature, tmp_path):
    """Return a store with the artefacts of a builder."""
    return miniature.copied_to(tmp_path / "store").store


@pytest.fixture
def board(tmp_path):
    """Start a board with the Python of this process."""
    started = Board(tmp_path / "board")
    yield started
    started.stop()


@pytest.fixture
def judge_there(bundle, board, tmp_path):
    """Return `judge_there(folder, number, moment)`, which judges a board until a signal."""

    def ended(folder, number, moment):
        arguments = ["-m", "pytest", "-p", "no:cacheprovider", *SUITES]
        arguments += [f"--edge-target={board.target}", f"--edge-bundle={bundle}"]
        arguments += [f"--edge-cache-dir={tmp_path / 'store'}"]
        arguments += [f"--edge-report-dir={tmp_path / 'reports'}"]
        # Processes on the board are recognized by the path of this run's store in their commands.
        variables = {"PATH": f"{board.client}:{os.environ['PATH']}"}
        (tmp_path / "store").mkdir(exist_ok=True)
        return end(folder, arguments, number, moment, store=tmp_path / "store", variables=variables)

    return ended


@pytest.mark.parametrize("number", [SIGNALS[0], *(slow(number) for number in SIGNALS[1:])])
def test_builder_stops_if_its_run_is_interrupted(number, run_of, tmp_path):
    store = tmp_path / "store"
    moment = once_said("full model: epoch 1/")
    ended = end(tmp_path / "run", run_of(store), number, moment, store=store)
    assert ended.code in {pytest.ExitCode.INTERRUPTED, 128 + number}, ended.output
    assert ended.left == []
    assert list(store.glob("corpus/*/manifest.json")), "what was made is kept"


def test_builder_stops_if_its_run_is_killed(run_of, tmp_path):
    store = tmp_path / "store"
    moment = once_said("reading texts")
    ended = end(tmp_path / "run", run_of(store), signal.SIGKILL, moment, store=store)
    assert ended.code == -signal.SIGKILL
    assert ended.left == []


@pytest.mark.parametrize(
    "number", [SIGNALS[0], signal.SIGKILL, *(slow(number) for number in SIGNALS[1:])]
)
def test_training_helpers_stop_if_their_builder_is_stopped(number, miniature, tmp_path):
    store = tmp_path / "store"
    arguments = ["-m", "models.build", str(miniature.subject), "--helpers=2"]
    arguments += ["--corpus", str(miniature.corpus), "--cache-dir", str(store)]
    moment = once_said("full model: epoch 1/")
    ended = end(tmp_path / "run", arguments, number, moment, store=store)
    assert ended.code in {128 + number, -number}, ended.output
    assert "Traceback" not in ended.output
    # The children of a killed builder end by themselves and delete their files.
    assert [
        leftover for leftover in ended.left if number is not signal.SIGKILL or "process" in leftover
    ] == []


def test_xdist_workers_stop_if_their_run_is_stopped(run_of, warm, tmp_path):
    moment = after(random.Random(3).uniform(3.0, 6.0))  # noqa: S311 - repeatable, not a secret
    ended = end(tmp_path / "run", run_of(warm, "-n2"), signal.SIGTERM, moment, store=warm)
    assert ended.code in CODES, ended.output
    assert "Traceback" not in ended.output
    assert ended.left == []


STOPPING = """
import os, signal, time, pytest

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
"""


def test_signal_while_results_are_written_ends_the_run_with_one_line(run_of, warm, tmp_path):
    (tmp_path / "stopping.py").write_text(STOPPING, encoding="utf-8")
    ended = end(
        tmp_path / "run",
        run_of(warm, "-p", "stopping", "-k", "test_size"),
        signal.SIGTERM,
        lambda _: False,
        store=warm,
        variables={"PYTHONPATH": str(tmp_path)},
    )
    assert ended.code == 128 + signal.SIGTERM, ended.output
    assert "stopped by SIGTERM" in ended.output
    assert "Traceback" not in ended.output
    assert ended.left == []


@needs_sshd
@pytest.mark.parametrize(
    "number", [SIGNALS[0], signal.SIGKILL, *(slow(number) for number in SIGNALS[1:])]
)
def test_interrupted_run_leaves_the_board_unchanged(number, board, judge_there, tmp_path):
    ended = judge_there(tmp_path / "run", number, lambda _: board.starts >= 3)
    assert ended.code in {pytest.ExitCode.INTERRUPTED, 128 + number, -signal.SIGKILL}, ended.output
    assert [
        leftover for leftover in ended.left if number is not signal.SIGKILL or "process" in leftover
    ] == []
    assert board.processes() == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "seconds"), moments("host", LONGEST["host"]))
def test_local_run_can_be_interrupted_at_any_moment(number, seconds, run_of, warm, tmp_path):
    ended = end(tmp_path / "run", run_of(warm), number, after(seconds), store=warm)
    assert ended.code in CODES, ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.left == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "seconds"), moments("builder", LONGEST["builder"]))
def test_build_can_be_interrupted_at_any_moment(number, seconds, run_of, tmp_path):
    store = tmp_path / "store"
    ended = end(tmp_path / "run", run_of(store), number, after(seconds), store=store)
    assert ended.code in CODES, ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.left == []


@needs_sshd
@pytest.mark.slow
@pytest.mark.parametrize(("number", "seconds"), moments("ssh", LONGEST["ssh"]))
def test_remote_run_can_be_interrupted_at_any_moment(number, seconds, board, judge_there, tmp_path):
    ended = judge_there(tmp_path / "run", number, after(seconds))
    assert ended.code in CODES, ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.left == []
    assert board.processes() == []


@pytest.fixture
def with_emulator(warm):
    """Return the store of `warm`, with the root file system of an emulated board."""
    store = Store(default_root())
    prepare_sysroot(store, "aarch64")
    for name in PREPARED:
        (warm / name).symlink_to(store.root / name)
    return warm


@pytest.fixture
def end_emulated(run_of, tmp_path):
    """Return `end_emulated(store, number, moment)`: judge an emulated board until a signal."""

    def ended(store, number, moment):
        arguments = run_of(store, "--edge-emulate=rpi4", "--edge-texts=8")
        reports = tmp_path / "reports"
        return end(tmp_path / "run", arguments, number, moment, store=store, reports=reports)

    return ended


@needs_debian
@pytest.mark.parametrize(
    "number", [SIGNALS[0], signal.SIGKILL, *(slow(number) for number in SIGNALS[1:])]
)
def test_emulator_stops_if_its_run_is_stopped(number, end_emulated, with_emulator):
    ended = end_emulated(with_emulator, number, while_running("qemu-", with_emulator))
    if number is signal.SIGKILL:
        assert ended.code == -number
        assert [leftover for leftover in ended.left if "process" in leftover] == []
        return
    assert ended.code in {pytest.ExitCode.INTERRUPTED, 128 + number}, ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.left == []


@needs_debian
@pytest.mark.slow
@pytest.mark.parametrize(("number", "seconds"), moments("emulated", LONGEST["emulated"]))
def test_emulated_run_can_be_interrupted_at_any_moment(
    number, seconds, end_emulated, with_emulator
):
    ended = end_emulated(with_emulator, number, after(seconds))
    assert ended.code in CODES, ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.left == []


@needs_debian
@pytest.mark.slow
@pytest.mark.parametrize(("number", "seconds"), moments("unpacking", LONGEST["unpacking"])[:5])
def test_interrupted_unpacking_leaves_no_partial_root_file_system(
    number, seconds, end_emulated, warm
):
    ended = end_emulated(warm, number, after(seconds))
    assert ended.code in CODES, ended.output
    assert "INTERNALERROR" not in ended.output
    assert ended.left == []
