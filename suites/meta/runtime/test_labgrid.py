"""Boards are borrowed from labgrid, with a coordinator and an exporter on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from models.errors import UsageMistake
from models.runtime.labgrid_places import acquire_place
from models.store import PROJECT

needs_labgrid = pytest.mark.skipif(
    find_spec("labgrid") is None, reason="labgrid is not installed (dependency group fleet)"
)
EXPORTED = """
boards:
  NetworkService:
    address: 192.0.2.7
    username: pi
    port: 2222
"""
RESOURCE = "desk/boards/NetworkService"
ACQUIRE = (
    "import sys; from models.runtime.labgrid_places import acquire_place; "
    "print(acquire_place(sys.argv[1]))"
)


class Lab:
    """A started coordinator and exporter of labgrid.

    Args:
        folder: folder for their files.
    """

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self._environment = {**os.environ, "LG_COORDINATOR": address}
        (folder / "exported.yaml").write_text(EXPORTED, encoding="utf-8")
        self._processes = [self._start(folder, "coordinator", "-l", address)]
        # Wait for the coordinator, because an exporter that finds none ends.
        self.client("resources")
        self._processes.append(self._start(folder, "exporter", "-n", "desk", "exported.yaml"))

    def _start(self, folder, role, *arguments):
        command = [sys.executable, "-m", f"labgrid.remote.{role}", *arguments]
        log = (folder / f"{role}.log").open("wb")
        with log:
            return subprocess.Popen(
                command, cwd=folder, env=self._environment, stdout=log, stderr=log
            )

    def client(self, *arguments):
        """Run labgrid's client, repeatedly while the coordinator is starting; return its output."""
        command = [sys.executable, "-m", "labgrid.remote.client", *arguments]
        for _ in range(20):
            done = subprocess.run(
                command, env=self._environment, capture_output=True, text=True, check=False
            )
            if not done.returncode:
                return done.stdout
            time.sleep(0.5)
        raise AssertionError(done.stderr)

    def wait_for(self, resource):
        """Wait until the exporter has registered its resource at the coordinator."""
        for _ in range(60):
            if resource in self.client("resources"):
                return
            time.sleep(0.5)
        raise AssertionError(f"{resource} was not offered within the time allowed")

    def acquire_place(self, address):
        """Acquire and release a place in a separate process."""
        return subprocess.run(
            [sys.executable, "-c", ACQUIRE, address],
            cwd=PROJECT,
            env={**self._environment, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            check=False,
        )

    def stop(self):
        """Stop the coordinator and the exporter."""
        for process in self._processes:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start a lab with one place, `kitchen`, that has one board."""
    folder = tmp_path_factory.mktemp("lab")
    started = Lab(folder)
    try:
        started.wait_for(RESOURCE)
        started.client("-p", "kitchen", "create")
        started.client("-p", "kitchen", "add-match", RESOURCE)
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(find_spec("labgrid") is not None, reason="labgrid is installed")
def test_error_without_labgrid_says_what_to_install():
    with pytest.raises(UsageMistake, match=r"needs labgrid.*--group fleet"):
        acquire_place("labgrid://kitchen")


@pytest.mark.parametrize(
    "address",
    ["labgrid://", "labgrid://pi@kitchen", "labgrid://kitchen:22", "ssh://kitchen"],
)
def test_rejects_invalid_labgrid_place(address):
    with pytest.raises(UsageMistake, match="is not a valid address of a board"):
        acquire_place(address)


@needs_labgrid
def test_labgrid_place_is_acquired_and_released(lab):
    done = lab.acquire_place("labgrid://kitchen/opt/python")
    assert done.stdout == "ssh://pi@192.0.2.7:2222/opt/python\n", done.stderr
    assert "kitchen" not in lab.client("places", "--acquired")


@needs_labgrid
def test_previously_acquired_labgrid_place_is_not_released(lab):
    lab.client("-p", "kitchen", "acquire")
    assert lab.acquire_place("labgrid://kitchen").stdout == "ssh://pi@192.0.2.7:2222\n"
    assert "kitchen" in lab.client("places", "--acquired")
    lab.client("-p", "kitchen", "release")


@needs_labgrid
def test_missing_labgrid_place_is_reported(lab):
    done = lab.acquire_place("labgrid://garage")
    assert "labgrid refuses to acquire the place" in done.stderr
    assert "garage matches nothing" in done.stderr
