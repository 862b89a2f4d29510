"""A baseline is compared only on the machine on which it was measured."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.judging import baselines
from models.devices.profile import load_device
from models.devices.recognition import Found
from models.targets.local import LocalTarget
from models.targets.ssh import SshTarget

FOUND = Found("rpi4", "aarch64", "Raspberry Pi 4 Model B Rev 1.4", {})


@pytest.fixture
def on(monkeypatch):
    """Return `on(target, processor)`, which returns the hash that identifies a target's machine."""

    def told(target, processor="this one"):
        monkeypatch.setattr(baselines, "_processor", lambda: processor)
        return baselines._machine(
            SimpleNamespace(target=target, backend="ai_edge_litert", threads=1)
        )

    return told


def remote(address, version="2.3.0"):
    """Return a board with an address and one runtime."""
    connection = SimpleNamespace(
        python="python3",
        describe=lambda: address,
        run=lambda _words, **_: f"ai-edge-litert={version}\nnumpy=2.4.6\n",
    )
    return SshTarget(load_device("rpi4"), FOUND, connection)


def test_identity_of_a_board_does_not_depend_on_the_host(on):
    board = remote("ssh://pi@one")
    assert on(board, "this one") == on(board, "another")


def test_identity_of_a_machine_changes_with_the_board_and_the_runtime_version(on):
    first = on(remote("ssh://pi@one"))
    assert on(remote("ssh://pi@two")) != first
    assert on(remote("ssh://pi@one", "2.1.6")) != first


def test_identity_of_a_machine_changes_with_the_processor(on):
    local_target = LocalTarget(load_device("rpi4"), FOUND)
    assert (
        on(local_target, "this one") == on(local_target, "this one") != on(local_target, "another")
    )
