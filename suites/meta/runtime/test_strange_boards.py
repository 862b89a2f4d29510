"""Unexpected output of a board is ignored or reported in one message."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.devices.profile import HOST, load_device
from models.devices.readings import read_reading
from models.devices.recognition import recognize_there, shipped
from models.devices.watch import Watch
from models.errors import EdgeproofError, Unreachable, UsageMistake
from models.runner.framing import read_message, write_message
from models.runtime import remote_shell, ssh
from models.runtime.client import Runner, RunnerDied, RunnerRefused
from models.runtime.ssh import SshTransport
from models.runtime.transports import Channel, LocalTransport
from models.store import PROJECT
from models.targets.common.registry import find_target
from models.targets.ssh import SshTarget

# A replacement for ssh that runs its command in a shell of this machine, so that a test can choose
# the login shell of a board and its greeting. The first call opens the master connection.
CLIENT = """\
#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
{start}
exec {shell} -c "$*"
"""


@pytest.fixture
def board(tmp_path, monkeypatch):
    """Return `board(shell, start, python)`, which returns a transport to a board."""
    transports = []

    def give(shell="/bin/sh", start="", python=sys.executable):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        client = folder / "ssh"
        client.write_text(CLIENT.format(shell=shell, start=start), encoding="utf-8")
        client.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        transports.append(SshTransport(f"ssh://pi@board:2222{python}"))
        return transports[-1]

    yield give
    for transport in transports:
        transport.close()


@pytest.fixture
def impatient(monkeypatch):
    """Shorten the timeouts to at most 1.5 s, because the tests wait for them."""
    for module in (remote_shell, ssh):
        monkeypatch.setattr(module, "SECONDS_TO_START", 1.5)
        monkeypatch.setattr(module, "SECONDS_TO_END", 0.5)
    monkeypatch.setattr(remote_shell, "SECONDS_TO_RUN", 1.5)


def program(tmp_path, text):
    """Write a program that replaces the board's Python."""
    file = tmp_path / "python"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    "greeting",
    [
        "echo Welcome to the board",
        "printf 'no line end'",
        "echo; echo 'edgeproof 0 0'; echo",
        "head -c 30000 /dev/zero | tr '\\0' x; echo",
        "printf '\\033[2J\\377\\376'",
    ],
)
def test_output_of_the_login_shell_before_the_programs_output_is_ignored(
    board, greeting, tiny, by_name
):
    transport = board(start=greeting)
    with Runner(transport, "ai_edge_litert") as runner:
        runner.load("m", tiny["float32"])
        assert len(runner.answer("m", by_name).logits) == 30
    assert transport.run("echo two; echo lines") == "two\nlines\n"


@pytest.mark.parametrize("shell", ["/bin/false", "/bin/true", "echo nobody logs in here; true"])
def test_error_names_a_login_shell_that_runs_no_command(board, shell):
    start = "" if shell.startswith("/") else f"{shell}; exit 1"
    transport = board(shell if shell.startswith("/") else "/bin/sh", start)
    with pytest.raises(Unreachable) as refused:
        transport.run("true")
    message = str(refused.value)
    assert "ssh://pi@board:2222" in message
    assert "the board's shell runs no commands" in message
    assert "ssh -p 2222 pi@board" in message
    if start:
        assert "nobody logs in here" in message


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("exec sleep 60", "did not answer within 1.5 s (without a message)"),
        ("exec yes", "runs no commands"),
        ("exec tr '\\0' x </dev/zero", "runs no commands"),
    ],
)
def test_board_that_never_answers_or_never_stops_printing_times_out(board, start, says):
    begun = time.monotonic()
    with pytest.raises(Unreachable) as refused:
        board(start=start).run("true")
    assert says in str(refused.value)
    assert len(str(refused.value)) < 3000
    assert time.monotonic() - begun < 30


@pytest.mark.usefixtures("impatient")
def test_command_that_never_ends_on_a_board_is_killed(board):
    with pytest.raises(EdgeproofError, match=r"took longer than 1 s and was killed"):
        board().run("sleep 60", seconds=1)
    with pytest.raises(EdgeproofError, match=r"printed more than .* and was killed"):
        board().run("yes", seconds=20)


def test_program_that_hangs_on_a_board_is_killed_there(board, tmp_path):
    mark = f"edgeproof-hangs-{os.getpid()}"
    hanging = program(tmp_path, f"#!/bin/sh\nexec -a {mark} sleep 300\n".replace("sh\n", "bash\n"))
    with (
        pytest.raises(RunnerDied, match="longer than 1 s"),
        Runner(board(python=hanging), timeout=1.0),
    ):
        pass
    assert mark not in _command_lines()


def _command_lines():
    command_lines = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                command_line = Path(f"/proc/{entry.name}/cmdline").read_bytes()
                command_lines.append(command_line.decode("utf-8", "replace"))
            except OSError:
                continue
    return "\n".join(command_lines)


@pytest.mark.parametrize(
    "script",
    [
        "exec /bin/cat",
        'exec /bin/cat "$1"',
        "exec yes",
        "exec sleep 0",
        """echo '{"at": NaN, "cost": 0, "machine": "x", "texts": {}, "asked": true}'""",
        """echo '{"at": 1, "cost": -1, "machine": "x", "texts": {}}'""",
        """echo '{"at": "1", "cost": 0, "machine": "x", "texts": {}}'""",
        """echo '{"at": 1, "cost": 0, "machine": "x", "texts": {"/proc/stat": 3}}'""",
        "echo '[]'",
        "echo null",
        "printf '\\377\\376\\n'",
        'printf \'{"at": 1e999, "cost": 0, "machine": "x", "texts": {}}\\n\'',
        "head -c 5000000 /dev/zero; echo",
        f"echo {'[' * 3000}",
    ],
)
def test_rejects_invalid_facts_sent_by_a_board(board, script, tmp_path):
    transport = board(python=program(tmp_path, f"#!/bin/sh\n{script}\n"))
    with pytest.raises(EdgeproofError) as refused:
        recognize_there(transport.start_program, shipped())
    message = str(refused.value)
    assert "ssh://pi@board:2222" in message
    assert "/path/of/python" in message
    assert len(message) < 2500
    with (
        pytest.raises(EdgeproofError, match="ssh://pi@board"),
        Watch(load_device(HOST), None, start=transport.start_program),
    ):
        pass


@pytest.mark.parametrize(
    "printed", ["hello", "ai_edge_litert", "ai_edge_litert=1\nai_edge_litert=2"]
)
def test_rejects_invalid_list_of_runtimes_sent_by_a_board(board, printed, tmp_path):
    python = program(tmp_path, f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(printed)}\n")
    target = SshTarget(load_device(HOST), None, board(python=python))
    with pytest.raises(EdgeproofError, match=r"ssh://pi@board.* did not list its runtimes.*/path"):
        target.backends()


def test_runtimes_installed_on_a_board_are_listed(board):
    target = SshTarget(load_device(HOST), None, board())
    assert "ai_edge_litert" in target.backends()


@pytest.mark.parametrize(
    "address",
    [
        "ssh://[::1",
        "ssh://",
        "ssh://host:99999",
        "ssh://host:0",
        "ssh://a b@host",
        "ssh://@host",
        "ssh://-oProxyCommand=id@host",
        "ssh://host name",
        "ssh://hö.example",
        "ssh://host\n/python",
        "ssh://host?x",
        "ssh://host#x",
        "ssh://user:@host",
        "ssh:/host",
        "labgrid://",
        "labgrid://-p",
        "labgrid://a:1",
        "labgrid://[x",
        "labgrid://user@place",
        "nonsense",
    ],
)
def test_rejects_invalid_board_address(address):
    message = r"^--edge-target: .* is (not a valid address of a board|not a target's URL)\. Write"
    with pytest.raises(UsageMistake, match=message):
        find_target(target=address)


def test_full_disk_on_a_board_is_not_reported_as_an_ssh_error(board, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(EdgeproofError) as refused:
        board().place(tmp_path / "cache")
    message = str(refused.value)
    assert "Free space in the board's" in message
    assert "without asking for input" not in message
    # The suggested remedy must help.
    (tmp_path / "cache").unlink()
    (tmp_path / "file").write_text("content", encoding="utf-8")
    placed = board().place(tmp_path / "file")
    assert Path(placed).read_text("utf-8") == "content"


def test_incomplete_transfer_leaves_no_file_on_the_board(board, tmp_path):
    (tmp_path / "file").write_bytes(os.urandom(1000))
    (tmp_path / "bin").mkdir()
    short = tmp_path / "bin" / "cat"
    short.write_text("#!/bin/sh\nexec head -c 10\n", encoding="utf-8")
    short.chmod(0o755)
    transport = board()
    with pytest.raises(EdgeproofError, match="Free space"):
        transport.place(tmp_path / "file")
    assert list((tmp_path / "cache" / "edgeproof" / "sent").iterdir()) == []


def test_overlong_sensor_reading_is_an_error():
    channel = Channel(["/bin/sh", "-c", "tr '\\0' '[' </dev/zero"], os.environ, "the board")
    with pytest.raises(EdgeproofError, match=r"^the board: .* other than its sensors' values"):
        read_reading(channel, 20)
    channel.kill()
    channel.wait(5)
    channel.close()


RUNNER = """\
import sys
sys.path.insert(0, {project!r})
import numpy as np
from models.runner import serving, session

def change(facts, arrays):
{change}
    return facts, arrays

original = session.Session.{operation}

def changed(self, header, arrays):
    facts, found = original(self, header, arrays)
    return change(dict(facts), dict(found))

session.Session.{operation} = changed
sys.exit(serving.main())
"""
LIES = {
    "pid of another type": ("hello", "facts['pid'] = '1'"),
    "no cores": ("hello", "facts['cores'] = 0"),
    "a key that is missing": ("hello", "del facts['machine']"),
    "an array nobody asked for": ("hello", "arrays['x'] = np.zeros(1)"),
    "a scale of NaN": ("load", "facts['output']['scales'] = [float('nan')]"),
    "a negative size": ("load", "facts['output']['shape'] = [-1]"),
    "a load of negative time": ("load", "facts['load_ns'] = -5"),
    "fewer logits": ("answer", "arrays['logits'] = arrays['logits'][1:]"),
    "logits of integers": ("answer", "arrays['logits'] = arrays['logits'].astype(np.int32)"),
    "times that are negative": ("answer", "arrays['invoke_ns'] = -arrays['invoke_ns'] - 1"),
    "no CPU times": ("answer", "del arrays['cpu_ns']"),
    "NaN that is not counted": ("answer", "arrays['logits'] = arrays['logits'] * np.nan"),
    "an age before its start": ("answer", "facts['age_ns'] = -1"),
    "rows that are not there": ("race", "arrays['rows'] = arrays['rows'] + 1000"),
    "a class that is not there": ("race", "arrays['predictions'] = arrays['predictions'] + 99"),
    "fewer rounds": ("race", "arrays['ns'] = arrays['ns'][:, 1:]"),
    "memory below nothing": ("usage", "facts['rss_bytes'] = -1"),
    "a refusal without words": ("usage", "facts['error'] = 'no'"),
}


@pytest.mark.parametrize("lie", LIES)
def test_rejects_invalid_answers_sent_by_a_runner(lie, tiny, by_name, tmp_path):

    operation, change = LIES[lie]
    file = tmp_path / "runner.py"
    file.write_text(
        RUNNER.format(project=str(PROJECT), change=f"    {change}", operation=operation), "utf-8"
    )

    def ask() -> None:
        with Runner(LocalTransport(program=file), "ai_edge_litert") as runner:
            runner.load("m", tiny["float32"])
            runner.answer("m", by_name)
            runner.race({"m": by_name}, rounds=3, warmup=0)
            runner.usage()

    with pytest.raises(RunnerDied, match="sent an invalid reply") as refused:
        ask()
    assert len(str(refused.value)) < 2500


def test_runner_ends_after_its_time_limit_without_a_client(tiny, by_name):

    channel = LocalTransport().start(["--backend=ai_edge_litert"])
    content = np.frombuffer(tiny["float32"].read_bytes(), np.uint8)
    load = {"op": "load", "name": "m", "threads": 1, "backend": None}
    load |= {"binding": None, "sha256": None, "seconds": 60.0}
    write_message(channel.requests, load, {"content": content})
    reply = read_message(channel.answers)
    assert reply is not None
    assert "error" not in reply[0], reply
    race = {"op": "race", "name": "m", "names": ["m"], "rounds": 1_000_000, "warmup": 0, "seed": 0}
    inputs = {f"0/{name}": array for name, array in by_name.items()}
    write_message(channel.requests, {**race, "seconds": 0.5}, inputs)
    assert channel.wait(30) == -14
    channel.close()


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("threads", 1_000_000),
        ("threads", 0),
        ("threads", True),
        ("threads", "2"),
        ("threads", None),
    ],
)
def test_runner_rejects_requests_with_numbers_out_of_range(key, number, tiny):

    with Runner(LocalTransport(), "ai_edge_litert") as runner:
        with pytest.raises(RunnerRefused, match=f"{key} is .*, but must be a whole number from 1"):
            runner.load("m", tiny["float32"], **{key: number})
        assert runner.usage().rss_bytes > 0
