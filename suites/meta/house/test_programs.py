"""Started programs have limits on time and output; commands work with closed or full streams."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.errors import EdgeproofError
from models.processes import programs
from models.store import PROJECT
from suites.meta.gates.running import environment

COMMANDS = {
    "devices": ["-m", "models.devices", "list"],
    "scoreboard": ["-m", "reports.scoreboard", "--help"],
    "corpus": ["-m", "models.corpus", "--help"],
    "fleet": ["-m", "models.fleet", "--help"],
}
RUN = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "suites/meta/house/test_thresholds.py"]


def shell(arguments, redirection):
    """Run Python with redirected streams; return its exit code and the content of stderr."""
    line = f'"$0" "$@" {redirection}'
    done = subprocess.run(
        ["/bin/sh", "-c", line, sys.executable, *arguments],
        cwd=PROJECT,
        env=environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr


def test_running_a_program_returns_its_output():
    ended = programs.run(["sh", "-c", "echo out; echo err >&2; exit 3"], seconds=30, remedy="")
    assert (ended.code, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 & wait", "trap '' TERM; sleep 60"])
def test_program_that_takes_too_long_is_killed(script):
    start = time.monotonic()
    with pytest.raises(programs.Overrun, match=r"took longer than 0\.3 s and was killed"):
        programs.run(["sh", "-c", script], seconds=0.3, remedy="Wait")
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("script", ["yes", "cat /dev/zero", "while :; do echo; done"])
def test_program_that_prints_too_much_is_killed(script):
    with pytest.raises(programs.Overrun, match=r"printed more than 1,000 bytes"):
        programs.run(["sh", "-c", script], seconds=30, output=1000, remedy="")


def test_only_the_end_of_a_long_stderr_is_stored():
    script = "head -c 10000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo last >&2"
    ended = programs.run(["sh", "-c", script], seconds=30, remedy="")
    assert ended.last_line == "last"
    assert len(ended.stderr) <= programs.TAIL_BYTES


def test_background_processes_of_a_program_are_not_waited_for():
    start = time.monotonic()
    ended = programs.run(["sh", "-c", "sleep 50 & echo $!"], seconds=40, remedy="")
    assert time.monotonic() - start < 20
    assert "sleep" not in _command_of(int(ended.stdout))


def _command_of(pid):
    """Wait up to 4 s for a process to end; return its command line, empty if it has ended."""
    for _ in range(200):
        try:
            text = Path(f"/proc/{pid}/cmdline").read_text("utf-8")
        except OSError:
            return ""
        if not text:
            return ""
        time.sleep(0.02)
    return text


def test_error_names_the_program_that_cannot_be_started():
    with pytest.raises(EdgeproofError) as refused:
        programs.run(["/nowhere/program"], seconds=1, remedy="Install it")
    assert str(refused.value).startswith("/nowhere/program: it cannot be started (")
    assert str(refused.value).endswith("Install it")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_command_reports_a_closed_or_full_stdout_once(name, redirection):
    code, message = shell(COMMANDS[name], redirection)
    assert code == 1
    assert message.startswith("cannot write to stdout (")
    assert message.count("\n") == 1


@pytest.mark.parametrize("redirection", ["2>&-", "<&-", "2>/dev/full"])
def test_command_works_if_stdin_or_stderr_is_closed_or_full(redirection):
    assert shell(COMMANDS["devices"], redirection) == (0, "")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full"])
def test_closed_or_full_streams_do_not_change_the_exit_code_of_a_run(redirection):
    code, message = shell(RUN, redirection)
    assert code == 0, message
    assert "Traceback" not in message
    assert message.count("\n") == (1 if "full" in redirection else 0)


def test_full_stdout_does_not_change_the_exit_code_of_a_usage_mistake():
    code, message = shell([*RUN, "--edge-subject=nobody"], ">/dev/full")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in message
