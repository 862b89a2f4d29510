"""If the runner dies from a bad file, a signal or a timeout, the error names the cause."""

from __future__ import annotations

import os
import random
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from models.errors import EdgeproofError, UsageMistake
from models.runtime.client import Runner, RunnerDied, RunnerRefused
from models.runtime.transports import LocalTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[np.int32]]

# Timeout in seconds, because a damaged file can make a runtime loop forever.
SECONDS_PER_REQUEST = 3.0


def truncated(content: bytes, count: int) -> Iterable[bytes]:
    for i in range(count):
        yield content[: len(content) * i // count]


def corrupted(content: bytes, count: int) -> Iterable[bytes]:
    draw = random.Random(1)  # noqa: S311 - repeatable, not a secret
    for _ in range(count):
        damaged = bytearray(content)
        for _ in range(draw.choice([1, 4, 64])):
            damaged[draw.randrange(8, len(damaged))] = draw.randrange(256)
        yield bytes(damaged)


@pytest.mark.parametrize("damage", [truncated, corrupted])
@pytest.mark.parametrize("scheme", ["float32", "static_wi8_ai8"])
def test_damaged_files_crash_at_most_the_runner_process(  # noqa: PLR0913 - pytest passes each fixture as an argument
    *,
    damage: Callable[[bytes, int], Iterable[bytes]],
    scheme: str,
    runtime: str,
    tiny: dict[str, Path],
    by_name: Inputs,
    tmp_path: Path,
) -> None:
    """Each file is loaded, is rejected, or crashes the runner; a crash is reported."""
    file = tmp_path / "damaged.tflite"
    waiting = list(damage(tiny[scheme].read_bytes(), 16))
    while waiting:
        with Runner(LocalTransport(), runtime, timeout=SECONDS_PER_REQUEST) as runner:
            error: RunnerRefused | RunnerDied | None = None
            while waiting and not isinstance(error, RunnerDied):
                file.write_bytes(waiting.pop())
                error = tried(runner, file, by_name)
                assert error is None or error.file == str(file)
        if isinstance(error, RunnerDied):
            assert "was killed by SIG" in error.ending or "took longer than" in error.ending


def tried(runner: Runner, file: Path, by_name: Inputs) -> RunnerRefused | RunnerDied | None:
    try:
        runner.load("damaged", file)
        runner.answer("damaged", by_name)
    except (RunnerRefused, RunnerDied) as error:
        return error
    return None


def test_error_names_the_signal_that_killed_the_runner(
    runner_of_its_own: Runner, tiny: dict[str, Path], by_name: Inputs
) -> None:
    runner_of_its_own.load("tiny", tiny["float32"])
    killer = threading.Timer(0.3, os.kill, (runner_of_its_own.info.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(RunnerDied, match="was killed by SIGKILL while racing") as death:
        runner_of_its_own.race({"tiny": by_name}, rounds=1_000_000)
    assert death.value.signal == "SIGKILL"
    assert str(tiny["float32"]) in str(death.value)
    with pytest.raises(RunnerDied, match="SIGKILL"):
        runner_of_its_own.usage()


@pytest.fixture
def runner_of_its_own() -> Iterable[Runner]:
    """Start a runner that a test may kill."""
    with Runner(LocalTransport()) as runner:
        yield runner


def test_stopped_runner_is_killed_after_the_timeout(
    runner_of_its_own: Runner, by_name: Inputs
) -> None:
    pid = runner_of_its_own.info.pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(RunnerDied, match=r"took longer than 0\.3 s and was killed while answering"):
        runner_of_its_own.answer("tiny", by_name, timeout=0.3)
    with pytest.raises(RunnerDied, match="Run again when the machine is less busy"):
        runner_of_its_own.usage()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_slow_runner_is_killed_after_the_timeout(
    with_planted_tokenizers: Callable[..., Runner], tiny: dict[str, Path]
) -> None:
    with with_planted_tokenizers("import time; time.sleep(60)") as runner:
        runner.load("tiny", tiny["float32"])
        with pytest.raises(RunnerDied, match="took longer than 1 s"):
            runner.classify("tiny", "{}", [("text",)], timeout=1.0)


def test_error_quotes_the_last_output_of_the_runner(
    with_planted_tokenizers: Callable[..., Runner], tiny: dict[str, Path]
) -> None:
    source = "import os, sys; print('no more', file=sys.stderr, flush=True); os._exit(3)"
    with with_planted_tokenizers(source) as runner:
        runner.load("tiny", tiny["float32"])
        with pytest.raises(RunnerDied, match="exit status 3 while classifying") as death:
            runner.classify("tiny", "{}", [("text",)])
    assert death.value.stderr.endswith("no more")


def test_output_printed_by_libraries_does_not_disturb_the_protocol(
    with_planted_tokenizers: Callable[..., Runner], tiny: dict[str, Path], by_name: Inputs
) -> None:
    source = "import os; print('python prints', flush=True); os.write(1, b'native prints' * 9999)"
    with with_planted_tokenizers(source) as runner:
        runner.load("tiny", tiny["float32"])
        with pytest.raises(RunnerRefused) as refusal:
            runner.classify("tiny", "{}", [("text",)])
        assert refusal.value.kind == "no-tokenizers"
        assert runner.answer("tiny", by_name).nan_count == 0


def test_error_shows_unexpected_output_before_the_first_answer() -> None:
    noisy = LocalTransport(wrapper=("sh", "-c", 'echo Welcome to the board; exec "$@"', "sh"))
    with pytest.raises(RunnerDied, match=r"sent an invalid reply .*Welcome"):
        Runner(noisy).__enter__()


def test_error_shows_the_failing_command() -> None:
    failing = LocalTransport(wrapper=("sh", "-c", "echo cannot >&2; exit 7", "sh"))
    with pytest.raises(RunnerDied, match="exit status 7 while starting; its last output: cannot"):
        Runner(failing).__enter__()


def test_missing_runner_command_is_an_error() -> None:
    with pytest.raises(EdgeproofError, match="cannot be started"):
        Runner(LocalTransport(python="/nowhere/python")).__enter__()


def test_closing_the_client_ends_the_runner(runtime: str) -> None:
    with Runner(LocalTransport(), runtime) as runner:
        pid = runner.info.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_interrupt_ends_the_runner_at_once(tiny: dict[str, Path], by_name: Inputs) -> None:
    pid = 0

    def interrupted() -> None:
        nonlocal pid
        with Runner(LocalTransport()) as runner:
            pid = runner.info.pid
            runner.load("tiny", tiny["float32"])
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            runner.race({"tiny": by_name}, rounds=1_000_000)

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_rejects_unknown_backend() -> None:
    with pytest.raises(UsageMistake, match="'of_tomorrow' is not a backend"):
        Runner(LocalTransport(), "of_tomorrow")


def test_rejects_runtime_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "tflite_runtime.py").write_text("raise ImportError('wrong libc')")
    transport = LocalTransport(environment={"PYTHONPATH": str(tmp_path)})
    with pytest.raises(RunnerRefused, match="tflite_runtime: wrong libc") as refusal:
        Runner(transport, "tflite_runtime").__enter__()
    assert refusal.value.kind == "no-backend"
