"""Store artefacts by content: a folder is named by the hash of everything it was made from.

A folder is written under a temporary name, synced, and renamed, so that an existing folder is
complete. With a lock for each artefact, only one of several processes makes it. Stored files may be
changed later, so they are read through `Artefact`, which checks their hashes.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from models.artefact import MANIFEST, Artefact, links_below, manifest_of, open_artefact
from models.errors import EdgeproofError, StoreError, UsageMistake
from models.files.paths import absolute
from models.files.regular_files import open_regular, read_text, remedy_for
from models.files.unfinished_files import drafting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KEY_DIGITS = 24
PROJECT = Path(__file__).parent.parent
# Number of files above which one `sync` of everything is faster than one `fsync` per file.
_MANY = 100
_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
# Longest build in seconds. A longer training is stopped, and continues after its last complete
# epoch in the next run.
SECONDS_OF_A_BUILD = 24 * 3600.0
_SECONDS_BETWEEN_WORDS = 60.0
_LONGEST_HOLDER = 1024
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}


@dataclass(frozen=True)
class Stage:
    """An artefact: the name of its stage, and the recipe, which decides its bytes."""

    name: str
    recipe: dict[str, Any]

    @property
    def key(self) -> str:
        """Return the key of the recipe, a hash."""
        return self.key_of(self.recipe)

    @staticmethod
    def key_of(recipe: object) -> str:
        """Return the key of a recipe: the beginning of its sha256."""
        text = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


def default_root() -> Path:
    """Return `$XDG_CACHE_HOME/edgeproof`, by default `~/.cache/edgeproof`.

    A relative path in the variable is ignored, as the XDG Base Directory Specification requires.
    """
    configured = os.environ.get("XDG_CACHE_HOME", "")
    folder = configured if Path(configured).is_absolute() else "~/.cache"
    return absolute(folder, key="XDG_CACHE_HOME") / "edgeproof"


def hash_file(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal digits.

    Raises:
        UsageMistake: the path is not a regular file, or cannot be read.
    """
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})",
            file=path,
            remedy=remedy_for(error, "Make the file readable for this user"),
        ) from None


def hash_sources(*rooms: str) -> str:
    """Return one hash over folders or files of sources below `models/`, including comments.

    This is fast, but ignores imported modules, which `models.sources.hash_imports` includes.
    """
    digest = hashlib.sha256()
    for room in rooms:
        place = PROJECT / "models" / room
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.suffix in {".py", ".toml"}:
                digest.update(file.relative_to(PROJECT).as_posix().encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:KEY_DIGITS]


def versions(*packages: str) -> dict[str, str | None]:
    """Return the installed version of each package; None for a package that is not installed."""
    return {package: _installed(package) for package in packages}


# Cached because a look-up reads the package's metadata, and the stages of a run name the same few
# packages many times.
@cache
def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Store:
    """The artefacts below one folder, by stage and key.

    Args:
        root: the folder, which is made when the first artefact is.
        run: process id that other processes print while they wait for an artefact of this process;
            by default that of this process.
    """

    def __init__(self, root: Path, run: int | None = None) -> None:
        self.root = root
        self._run = os.getpid() if run is None else run

    def path(self, stage: Stage) -> Path:
        """Return the path of the artefact, whether it exists or not."""
        return self.root / stage.name / stage.key

    def has(self, stage: Stage) -> bool:
        """Return whether the artefact exists.

        Raises:
            StoreError: the store cannot be read.
        """
        with _explained(self.root):
            return (self.path(stage) / MANIFEST).is_file()

    def artefact(self, stage: Stage) -> Artefact:
        """Return an artefact that exists, to read its files.

        Raises:
            StoreError: the artefact is missing, or its manifest was changed or cannot be read.
        """
        return open_artefact(self.path(stage), stage.key_of)

    def require_writable(self) -> None:
        """Check before long work that its results can be stored.

        Raises:
            StoreError: the store cannot be written.
        """
        with _explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass

    def log(self) -> Path:
        """Return the path for the log of this process, and make its folder.

        Raises:
            StoreError: the store cannot be written.
        """
        with _explained(self.root):
            folder = self.root / "logs"
            folder.mkdir(parents=True, exist_ok=True)
            return folder / f"build-{os.getpid()}.log"

    def get(
        self,
        stage: Stage,
        make: Callable[[Path], None],
        waiting: Callable[[str], None] = lambda _: None,
    ) -> Artefact:
        """Return the artefact; `make(folder)` fills its folder if it does not exist.

        Args:
            stage: the artefact.
            make: writes the artefact's files into an empty folder.
            waiting: called with a message while another process makes the same artefact.

        Raises:
            StoreError: the store is full, read-only or otherwise cannot be written; or the
                artefact's manifest was changed.
        """
        if not self.has(stage):
            with _explained(self.root), self._locked(stage, waiting):
                if not self.has(stage):
                    self._make(stage, make)
        return self.artefact(stage)

    def attempt(self, stage: Stage, make: Callable[[Path], None]) -> bool:
        """Make an artefact if it does not exist, unless another process is making it.

        Args:
            stage: the artefact.
            make: writes the artefact's files into an empty folder.

        Returns:
            Whether the artefact exists now; false if another process is making it.

        Raises:
            StoreError: the store is full, read-only or otherwise cannot be written.
        """
        with _explained(self.root):
            lock, holder = self._lock(stage)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            with self._held(lock, holder):
                if not self.has(stage):
                    self._make(stage, make)
        return True

    def other_run_at(self, stage: Stage) -> str:
        """Return the other run that is making an artefact, in words; "" if there is none."""
        _, holder = self._lock(stage)
        # Read once: the file is empty until this run has written its name.
        name = _written_in(holder)
        return "" if name == self._myself else _in_words(name)

    @contextmanager
    def _locked(self, stage: Stage, waiting: Callable[[str], None]) -> Iterator[None]:
        lock, holder = self._lock(stage)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting(f"waiting for another run that makes {stage.name}{_held_by(holder)}")
            _wait_for(lock, holder, stage, waiting)
        with self._held(lock, holder):
            yield

    def _lock(self, stage: Stage) -> tuple[FileLock, Path]:
        """Return the lock of an artefact, and the file that names the process which holds it."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        name = f"{stage.name}-{stage.key}"
        return FileLock(locks / f"{name}.lock"), locks / f"{name}.holder"

    @contextmanager
    def _held(self, lock: FileLock, holder: Path) -> Iterator[None]:
        try:
            with drafting(holder):
                holder.write_text(self._myself, encoding="utf-8")
                yield
        finally:
            lock.release()

    @property
    def _myself(self) -> str:
        return f"{self._run} {platform.node()}"

    def _make(self, stage: Stage, make: Callable[[Path], None]) -> None:
        final = self.path(stage)
        # This process has the lock, so nobody else writes here and the remains of killed runs can
        # be removed.
        draft = final.with_name(f"{stage.key}.draft")
        for remains in (draft, final):
            shutil.rmtree(remains, ignore_errors=True)
        with drafting(draft):
            self._fill(draft, final, stage, make)

    @staticmethod
    def _fill(draft: Path, final: Path, stage: Stage, make: Callable[[Path], None]) -> None:
        draft.mkdir(parents=True)
        make(draft)
        files = _files_below(draft)
        members = {p.relative_to(draft).as_posix(): hash_file(p) for p in files}
        text = manifest_of(stage.name, stage.recipe, members, links_below(draft))
        (draft / MANIFEST).write_bytes(text)
        _sync([*files, draft / MANIFEST, *_folders_below(draft), draft])
        draft.rename(final)
        _sync([final.parent])


def _wait_for(lock: FileLock, holder: Path, stage: Stage, waiting: Callable[[str], None]) -> None:
    """Wait for another run's lock, and report the wait every minute.

    Raises:
        EdgeproofError: the lock was held for longer than a build may take.
    """
    start = time.monotonic()
    while (waited := time.monotonic() - start) < SECONDS_OF_A_BUILD:
        with suppress(Timeout):
            lock.acquire(timeout=_SECONDS_BETWEEN_WORDS)
            return
        minutes = (time.monotonic() - start) / 60
        waiting(f"still waiting for {stage.name}{_held_by(holder)}, {minutes:.0f} min so far")
    raise EdgeproofError(
        f"another run has been making {stage.name} for {waited / 3600:.0f} h{_held_by(holder)}",
        file=lock.lock_file,
        remedy="End that process, and run again: its finished artefacts are kept",
    )


def _held_by(holder: Path) -> str:
    """Describe the process that holds a lock; "" if the holder's file names none."""
    return _in_words(_written_in(holder))


def _in_words(name: str) -> str:
    """Describe the process that the content of a holder's file names; "" if it names none."""
    pid, _, machine = name.partition(" ")
    return f" (process {pid} on {machine})" if machine and pid.isdecimal() else ""


def _written_in(holder: Path) -> str:
    """Return the content of the file that names a lock's holder; "" if it cannot be read."""
    try:
        return read_text(holder, _LONGEST_HOLDER)
    except (OSError, ValueError):
        return ""


def verify(folder: Path) -> dict[str, str]:
    """Check every file of an artefact; return the sha256 of each by its path.

    Raises:
        StoreError: a file is missing or was changed; the message names it.
    """
    artefact = open_artefact(folder, Stage.key_of)
    artefact.check()
    return dict(artefact.members)


def _files_below(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink()]


def _folders_below(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink()]


def _sync(paths: Sequence[Path]) -> None:
    if len(paths) > _MANY:
        os.sync()
        return
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    """Raise errors of a full or read-only store as `StoreError`."""
    try:
        yield
    except OSError as error:
        # An error about a file outside the store, for example one that `make` reads, is raised
        # unchanged.
        if error.filename is not None and not _lies_in(error.filename, root):
            raise
        if error.errno in _FULL:
            problem = "the store's disk is full"
        elif error.errno in _READ_ONLY:
            problem = f"the store can be neither written nor read ({error.strerror})"
        elif error.errno in _NO_FOLDER:
            problem = "the store is not a folder, or a file has the name of one of its folders"
        else:
            raise
        raise StoreError(
            problem,
            file=root,
            remedy="Free disk space, correct the folder's permissions, or give another "
            "--edge-cache-dir",
        ) from error


def _lies_in(name: str | bytes, root: Path) -> bool:
    path = Path(os.fsdecode(name))
    # If the root cannot be made, the error names a folder above it.
    return path.is_relative_to(root) or root.is_relative_to(path)
