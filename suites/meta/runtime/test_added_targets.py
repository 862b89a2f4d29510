"""Adding one file adds a target, even one that starts programs through another command."""

from __future__ import annotations

import sys

import pytest

import models.targets
from models.devices.profile import load_device
from models.devices.recognition import recognize
from models.errors import Unreachable
from models.runtime.client import Runner
from models.store import PROJECT, Store
from models.targets.common.registry import find_target, forms, kinds

TWIN = """
from typing import ClassVar
from models.targets.local import LocalTarget

class Twin(LocalTarget):
    scheme: ClassVar[str] = "twin"
    form: ClassVar[str] = "twin:"
"""
# A target whose command passes its arguments to a shell, as `ssh`, `adb shell` and `docker exec`
# do.
BRIDGE = """
from typing import ClassVar
from models.runtime.remote_shell import RemoteShell
from models.targets.common.reached import ReachedTarget

class Bridge(RemoteShell):
    by_hand = "sh -c"

    def command(self, script):
        board, _, _ = self.address.removeprefix("bridge://").partition("/")
        return ["sh", "-c", f"test {board} = board && {script.command}"]

    def within(self, wrapper):
        return Bridge(self.address, self.python, wrapper=wrapper)

class BridgeTarget(ReachedTarget):
    scheme: ClassVar[str] = "bridge"
    form: ClassVar[str] = "bridge://BOARD/path/of/python"

    @classmethod
    def open(cls, wish):
        python = wish.rest.removeprefix("//").partition("/")[2]
        return cls.reach(Bridge(wish.address, f"/{python}"), wish.profile)
"""


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Return `add(name, text)`, which adds a module to the targets."""
    monkeypatch.setattr(models.targets, "__path__", [*models.targets.__path__, str(tmp_path)])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    added = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        added.append(f"models.targets.{name}")

    yield write
    for name in added:
        sys.modules.pop(name, None)


def test_adding_one_file_adds_a_target(add):
    add("twin", TWIN)
    assert "twin:" in forms()
    assert find_target(target="twin:").facts() == find_target(target="local:").facts()


def test_adding_one_file_adds_a_target_that_starts_programs_through_another_command(
    add, tiny, by_name, tmp_path
):
    add("bridge", BRIDGE)
    target = find_target(target=f"bridge://board{sys.executable}")
    assert target.device == load_device(recognize().device)
    assert "ai_edge_litert" in target.backends()
    transport = target.transport(Store(tmp_path), offline=True, say=print)
    for wrapper in ((), ("env", "-u", "HOME")):
        with Runner(transport.within(wrapper), "ai_edge_litert") as runner:
            runner.load("m", tiny["float32"])
            assert len(runner.answer("m", by_name).logits) == 30
    assert list((tmp_path / "cache" / "edgeproof" / "sent").iterdir())


def test_unreachable_board_behind_another_command_is_reported(add):
    add("bridge", BRIDGE)
    with pytest.raises(Unreachable, match="bridge://elsewhere/python: the board's shell runs no"):
        find_target(target="bridge://elsewhere/python")


@pytest.mark.parametrize("form", [kind.form for kind in kinds().values()])
def test_documentation_lists_each_target(form):
    page = (PROJECT / "docs" / "my-board.md").read_text(encoding="utf-8")
    assert f"| `{form}` |" in page
