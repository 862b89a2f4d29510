"""The store contains only complete artefacts; an unusable store is reported in one message."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from models.artefact import MANIFEST
from models.errors import EdgeproofError
from models.store import PROJECT, Stage, Store, default_root, verify

if TYPE_CHECKING:
    from pathlib import Path

STAGE = Stage("thing", {"size": 3})
MEMBERS = {"one": b"1" * 1000, "two": b"2" * 70_000, "three": b""}
OWN_MOUNTS = ("unshare", "--mount", "--map-root-user", "sh", "-ec")

# Program that kills itself at its n-th operation on the file system, and exits with 0 if there are
# fewer operations.
KILLED = """
import os, signal, sys
from pathlib import Path
from suites.meta.house.test_store import STAGE, make
from models.store import Store

left = int(sys.argv[2])
NOISES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")

def kill(event, arguments):
    global left
    if event in NOISES and armed:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

armed = False
sys.addaudithook(kill)
armed = True
Store(Path(sys.argv[1])).get(STAGE, make)
"""
# Program that prints the error of a store on a full or read-only disk, and the remaining files.
TRIED = """
import sys
from pathlib import Path
from suites.meta.house.test_store import STAGE, make
from models.errors import EdgeproofError
from models.store import Store

store = Store(Path(sys.argv[1]))
try:
    store.get(STAGE, make)
except EdgeproofError as error:
    print(error)
print(sorted(path.name for path in store.root.rglob("*") if path.suffix != ".lock"))
"""


def make(out: Path) -> None:
    for name, content in MEMBERS.items():
        (out / name).write_bytes(content)


def run(source: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def assert_whole(folder: Path) -> None:
    assert set(verify(folder)) == set(MEMBERS)
    assert {name: (folder / name).read_bytes() for name in MEMBERS} == MEMBERS


def test_killed_process_leaves_no_partial_artefact(tmp_path):
    """The process is killed before its first, second, ... file operation."""
    killed = 0
    while True:
        root = tmp_path / str(killed)
        done = run(KILLED, root, killed + 1)
        store = Store(root)
        if store.has(STAGE):
            assert_whole(store.path(STAGE))
        assert_whole(store.get(STAGE, make).folder)
        remains = list(root.rglob("*.draft*"))
        assert remains == []
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed += 1
    assert killed > len(MEMBERS) + 3


def test_failure_while_making_an_artefact_leaves_no_artefact_and_no_draft(tmp_path):
    store = Store(tmp_path)

    def fail(out: Path) -> None:
        make(out)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.get(STAGE, fail)
    assert not store.has(STAGE)
    assert not list(tmp_path.rglob("*.draft"))


def test_artefact_requested_by_several_threads_is_made_once(tmp_path):
    """One of several threads makes the artefact; the others report that they wait."""
    folders, messages = [], []
    begun, go_on = threading.Event(), threading.Event()

    def slowly(out: Path) -> None:
        folders.append(out)
        begun.set()
        assert go_on.wait(10)
        make(out)

    def ask() -> None:
        Store(tmp_path).get(STAGE, slowly, messages.append)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(messages) < 2:
        assert not go_on.wait(0.01)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(folders) == 1
    assert {line.partition(" (process ")[0] for line in messages} == {
        "waiting for another run that makes thing"
    }
    assert all(f"(process {os.getpid()} on " in line for line in messages)
    assert_whole(Store(tmp_path).path(STAGE))


def test_existing_artefact_is_not_made_again(tmp_path):
    store = Store(tmp_path)
    folder = store.get(STAGE, make)
    assert store.get(STAGE, lambda _: pytest.fail("the artefact was made again")) == folder


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "manifest cut", "manifest gone"])
def test_error_about_a_damaged_artefact_names_file_and_remedy(damage, tmp_path):
    folder = Store(tmp_path).get(STAGE, make).folder
    member = folder / (MANIFEST if damage.startswith("manifest") else "two")
    content = member.read_bytes()
    member.unlink()
    if damage == "changed":
        member.write_bytes(b"3" + content[1:])
    elif damage.endswith("cut"):
        member.write_bytes(content[: len(content) // 2])
    with pytest.raises(EdgeproofError, match="changed or damaged") as refused:
        verify(folder)
    assert refused.value.file == str(member)
    assert str(folder) in refused.value.remedy


@pytest.mark.parametrize("place", ["", "locks", "thing"])
def test_error_names_a_file_in_place_of_the_store_folder(place, tmp_path):
    root = tmp_path / "store"
    in_the_way = root / place
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("no folder")
    with pytest.raises(EdgeproofError, match="the store is not a folder") as refused:
        Store(root).get(STAGE, make)
    assert refused.value.file == str(root)
    assert "--edge-cache-dir" in refused.value.remedy


def in_own_mounts(mount: str, store: Path) -> str:
    """Run the program TRIED on a store in a separate mount namespace; return its output."""
    script = f'{mount}; exec "$1" -c "$2" "$3"'
    command = [*OWN_MOUNTS, script, "sh", sys.executable, TRIED, str(store)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(
            f"this process may not mount file systems: {done.stderr.strip().splitlines()[-1:]}"
        )
    return done.stdout


def test_full_disk_is_reported_and_no_partial_artefact_remains(tmp_path):
    output = in_own_mounts(f"mount -t tmpfs -o size=64k none {tmp_path}", tmp_path / "store")
    message, remaining = output.splitlines()
    assert message.startswith(f"{tmp_path / 'store'}: the store's disk is full. Free disk space")
    assert remaining == "['locks', 'thing']"


def test_writing_to_a_read_only_store_is_reported(tmp_path):
    mount = f"mount --bind {tmp_path} {tmp_path}; mount -o remount,ro,bind {tmp_path}"
    message, remaining = in_own_mounts(mount, tmp_path / "store").splitlines()
    sentence = "the store can be neither written nor read (Read-only file system). Free"
    assert message.startswith(f"{tmp_path / 'store'}: {sentence}")
    assert remaining == "[]"


def test_read_only_store_can_be_read(tmp_path):
    Store(tmp_path / "store").get(STAGE, make)
    mount = f"mount --bind {tmp_path} {tmp_path}; mount -o remount,ro,bind {tmp_path}"
    (remaining,) = in_own_mounts(mount, tmp_path / "store").splitlines()
    assert repr(MANIFEST) in remaining


@pytest.mark.parametrize("configured", ["caches", "./caches", ""])
def test_relative_xdg_cache_home_is_ignored(configured, monkeypatch, tmp_path):
    """With a relative path, each current folder would have a store of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", configured)
    assert default_root() == tmp_path / ".cache" / "edgeproof"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert default_root() == tmp_path / "caches" / "edgeproof"
