"""The ssh transport reaches a real sshd on loopback, and starts this machine's Python there."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from models.devices.profile import HOST, load_device
from models.devices.watch import Watch
from models.errors import EdgeproofError, Unreachable, UsageMistake
from models.runtime import ssh
from models.runtime.addresses import SshAddress
from models.runtime.client import ConnectionLost, Runner, RunnerDied
from models.runtime.ssh import SshTransport
from models.runtime.transports import LocalTransport
from suites.meta.runtime.sshd import LoopbackBoard, why_no_sshd

needs_sshd = pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Start an sshd on loopback."""
    started = LoopbackBoard(tmp_path_factory.mktemp("board"))
    yield started
    started.stop()


@pytest.fixture
def sent(tmp_path):
    """Return the board's folder for sent files, which is empty at first."""
    return tmp_path / "cache" / "edgeproof" / "sent"


@pytest.fixture
def transport(board, tmp_path):
    """Return a transport to the board, which has an empty cache."""
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    (tmp_path / "python").chmod(0o755)
    options = (*board.options, "-o", f"SetEnv=XDG_CACHE_HOME={tmp_path}/cache")
    connection = SshTransport(f"{board.address}{tmp_path}/python", options=options)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("address", "login", "port", "python"),
    [
        ("ssh://pi@raspberrypi", "pi@raspberrypi", None, "python3"),
        ("ssh://raspberrypi.local:2222", "raspberrypi.local", 2222, "python3"),
        ("ssh://pi@[::1]:22/opt/venv/bin/python", "pi@::1", 22, "/opt/venv/bin/python"),
    ],
)
def test_ssh_address_is_parsed(address, login, port, python):
    assert SshAddress.parse(address) == SshAddress(address, login, port, python)


@pytest.mark.parametrize(
    "address",
    [
        "raspberrypi",
        "http://raspberrypi",
        "ssh://",
        "ssh://pi:secret@raspberrypi",
        "ssh://pi@host:port",
        "ssh://-oProxyCommand=id",
        "ssh://-l@host",
        "ssh://[::1",
    ],
)
def test_rejects_invalid_ssh_address(address):
    with pytest.raises(UsageMistake, match=r"--edge-target: .* is not a valid address"):
        SshTransport(address)


@needs_sshd
def test_remote_and_local_runners_give_equal_logits(transport, tiny, by_name):
    with Runner(LocalTransport(), "ai_edge_litert") as local_runner:
        local_runner.load("m", tiny["static_wi8_ai8"])
        expected = local_runner.answer("m", by_name).logits
    with Runner(transport, "ai_edge_litert") as remote_runner:
        loaded = remote_runner.load("m", tiny["static_wi8_ai8"])
        assert loaded.sha256 == hashlib.sha256(tiny["static_wi8_ai8"].read_bytes()).hexdigest()
        np.testing.assert_array_equal(remote_runner.answer("m", by_name).logits, expected)
        assert remote_runner.usage().peak_rss_bytes > 0


@needs_sshd
def test_file_is_sent_to_a_board_only_once(transport, sent, tmp_path):
    file = tmp_path / "some file's.tflite"
    file.write_bytes(os.urandom(300_000))
    place = transport.place(file)
    arrived = sent / place.rpartition("/")[2]
    assert arrived.read_bytes() == file.read_bytes()
    sent_at = arrived.stat().st_mtime_ns
    transport.close()
    assert transport.place(file) == place
    again = SshTransport(transport.address, options=transport._options)
    assert again.place(file) == place
    again.close()
    assert arrived.stat().st_mtime_ns == sent_at
    assert len(list(sent.iterdir())) == 1


@needs_sshd
def test_damaged_copy_on_a_board_is_sent_again(transport, sent, tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(b"right")
    arrived = sent / transport.place(file).rpartition("/")[2]
    arrived.write_bytes(b"wrong")
    transport._placed.clear()
    transport.place(file)
    assert arrived.read_bytes() == b"right"


@needs_sshd
def test_lost_connection_is_reported(board, transport, tiny, by_name):
    with Runner(transport, "ai_edge_litert") as runner:
        runner.load("m", tiny["float32"])
        first = runner.answer("m", by_name).logits
        rows = {name: np.repeat(array, 3000, axis=0) for name, array in by_name.items()}
        threading.Timer(0.5, board.cut).start()
        start = time.monotonic()
        with pytest.raises(ConnectionLost, match="the connection was lost while answering") as lost:
            runner.answer("m", rows)
        assert time.monotonic() - start < 30
        assert board.address in str(lost.value)
        with pytest.raises(ConnectionLost):
            runner.usage()
    assert len(first) == 30
    with Runner(transport, "ai_edge_litert") as runner:
        runner.load("m", tiny["float32"])
        np.testing.assert_array_equal(runner.answer("m", by_name).logits, first)


@needs_sshd
def test_crashed_runner_is_not_reported_as_a_lost_connection(transport, tiny):
    with Runner(transport, "ai_edge_litert") as runner:
        runner.load("m", tiny["float32"])
        os.kill(runner.info.pid, 9)
        with pytest.raises(RunnerDied, match="SIGKILL") as died:
            runner.usage()
    assert not isinstance(died.value, ConnectionLost)


@needs_sshd
def test_missing_python_on_a_board_is_reported(board):
    nowhere = SshTransport(f"{board.address}/nowhere/python", options=board.options)
    with pytest.raises(RunnerDied, match=r"exit status 127.*nowhere/python"), Runner(nowhere):
        pass
    nowhere.close()


@needs_sshd
def test_unauthorized_login_is_reported(board, tiny):
    stranger = SshTransport(board.address, options=("-F", "none", "-o", "IdentityFile=none"))
    with pytest.raises(EdgeproofError, match=r"cannot be reached .*works without asking for input"):
        stranger.place(tiny["float32"])
    stranger.close()


@needs_sshd
def test_board_that_is_off_is_reported(tiny):
    off = SshTransport("ssh://127.0.0.1:1")
    with pytest.raises(EdgeproofError, match=r"cannot be reached .*refused"):
        off.place(tiny["float32"])


@needs_sshd
@pytest.mark.parametrize("words", [b"", b"x" * 100_000, b"SSH-2.0-silent\r\n"])
def test_connecting_to_an_ssh_server_that_never_completes_the_login_times_out(
    words, tiny, monkeypatch
):
    monkeypatch.setattr(ssh, "SECONDS_TO_START", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            with server.accept()[0] as connection:
                connection.sendall(words)
                time.sleep(4)

        threading.Thread(target=accept, daemon=True).start()
        silent = SshTransport(f"ssh://pi@127.0.0.1:{server.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(Unreachable, match=rf"{silent.address}: .*ssh -p"):
            silent.place(tiny["float32"])
        assert time.monotonic() - start < 25


@needs_sshd
def test_sensors_are_read_over_ssh(transport):
    with Watch(load_device(HOST), os.getpid(), start=transport.start_program) as watch:
        pass
    assert watch.readings[0].busy is not None
    assert watch.readings[-1].runner_busy > 0


@needs_sshd
def test_closing_the_connection_leaves_no_process_on_the_board(transport):
    with Runner(transport) as runner:
        pid = runner.info.pid
    master = transport._master
    transport.close()
    assert not master.lives
    assert not Path(f"/proc/{pid}").exists()


@needs_sshd
def test_ssh_connection_works_with_a_long_path_of_the_temporary_folder(
    board, tmp_path, monkeypatch
):
    """CI systems have long temporary paths; a socket's path is limited to 100 bytes or so."""
    temporary = tmp_path / ("temporary files of a job with a long name " * 3)
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    transport = SshTransport(f"{board.address}{sys.executable}", options=board.options)
    folder = transport._scratch
    try:
        with Runner(transport) as runner:
            assert runner.info.python
        assert not folder.is_relative_to(temporary)
    finally:
        transport.close()
