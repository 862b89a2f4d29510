"""The audit detects possible leaks, and the runner has none."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from models.runtime.client import Runner, RunnerRefused
from models.runtime.transports import LocalTransport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Inputs = dict[str, NDArray[np.int32]]


@pytest.mark.parametrize(
    ("leak", "event"),
    [
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.socket()", "socket.__new__"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("import os; os.system('true')", "os.system"),
        ("import os; os.fork() or os._exit(0)", "os.fork"),
        ("import tempfile; tempfile.NamedTemporaryFile()", "open"),
    ],
)
def test_planted_privacy_leak_is_detected(
    with_planted_tokenizers: Callable[..., Runner],
    tiny: dict[str, Path],
    leak: str,
    event: str,
) -> None:
    with with_planted_tokenizers(leak, audit=True) as runner:
        runner.load("tiny", tiny["float32"])
        with pytest.raises(RunnerRefused):
            runner.classify("tiny", json.dumps({}), [("secret text",)])
        assert event in {recorded.event for recorded in runner.audit()}


def test_classifying_triggers_no_audited_event(
    runtime: str, tiny: dict[str, Path], by_name: Inputs
) -> None:
    with Runner(LocalTransport(), runtime, audit=True) as runner:
        runner.load("tiny", tiny["float32"])
        runner.answer("tiny", by_name)
        runner.race({"tiny": by_name}, rounds=5)
        runner.usage()
        assert runner.audit() == ()


def test_classifying_works_without_a_network(
    runtime: str, tiny: dict[str, Path], by_name: Inputs
) -> None:
    wrapper = ("unshare", "--map-root-user", "--net")
    if not shutil.which("unshare") or subprocess.run([*wrapper, "true"], check=False).returncode:
        pytest.skip("the kernel does not allow an empty network namespace here")
    with Runner(LocalTransport(wrapper=wrapper), runtime) as runner:
        runner.load("tiny", tiny["float32"])
        assert runner.answer("tiny", by_name).nan_count == 0


def test_asking_a_runner_without_an_audit_for_findings_is_an_error(runner: Runner) -> None:
    with pytest.raises(RunnerRefused, match="no-audit"):
        runner.audit()
