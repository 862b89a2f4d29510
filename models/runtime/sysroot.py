"""Prepare the root file system of an emulated board once, as an ordinary user.

It consists of Debian's ARM Python, the runtimes' ARM wheels and Debian's emulator; sysroots.toml
lists the parts.
"""

from __future__ import annotations

import compileall
import json
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import EdgeproofError, UsageMistake
from models.files.archives import Limits, open_archive
from models.files.unfinished_files import scratch_folder
from models.processes.programs import run
from models.runtime.debian import ELSEWHERE, end_of, unpack, version_of
from models.runtime.emulator import (
    CARD,
    FILE,
    ArchitectureTable,
    Emulator,
    prepare_emulator,
    private_apt,
    read_sysroots,
    refuse_network,
)
from models.sources import hash_imports
from models.store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.store import Store

MAKER = "models.runtime.sysroot:prepare_sysroot"
ROOT = "root"
SITE = "site"
OWN = "own"
CORES = "cores"
# Folders that are not kept: a runner needs none of them, and they contain half of the files.
_UNREAD = ("usr/share", "usr/include", "usr/sbin", "var", "etc/pam.d")
_TESTS = re.compile(r"/tests?/")
_DEEP = 12
# Seconds to download a hundred megabytes of wheels over a slow network.
_SECONDS_TO_DOWNLOAD = 1800.0
# Seconds for the first start in the emulator, which takes two minutes on an idle machine.
_SECONDS_TO_WARM_UP = 1200.0
# Limits of a wheel: about ten times the largest wheel, a runtime with 3,000 files.
_WHEEL = Limits(members=20_000, member=1 << 30, total=2 << 30)
_MERGED = ("bin", "lib", "sbin")


@dataclass(frozen=True)
class Sysroot:
    """A prepared root file system with its emulator.

    Attributes:
        architecture: aarch64 or armv7.
        emulator: the emulator's program.
        emulator_version: version of the emulator's package.
        root: folder of the ARM file system.
        python: path of its Python, which the emulator runs.
        path: folders from which its Python imports.
        own: for each runtime with packages of its own, the folder of these packages, which is
            searched first.
    """

    architecture: str
    emulator: Path
    emulator_version: str
    root: Path
    python: Path
    path: tuple[Path, ...]
    own: Mapping[str, Path]

    def environment(self, runtime: str | None = None) -> dict[str, str]:
        """Return the environment variables of this file system's Python, and no others.

        Args:
            runtime: import name of the runner's runtime.
        """
        own = [self.own[runtime]] if runtime and runtime in self.own else []
        return {
            "LC_ALL": "C.UTF-8",
            "PATH": "/usr/bin:/bin",
            "PYTHONHOME": str(self.root / "usr"),
            "PYTHONPATH": ":".join(map(str, [*own, *self.path])),
        }

    def command(self, *arguments: str, core: str = "") -> list[str]:
        """Return the command that runs this file system's Python in the emulator.

        Args:
            arguments: arguments passed to Python.
            core: name of the emulated processor core; by default the emulator's choice.
        """
        return [str(self.emulator), *self.guest(*arguments, core=core)]

    def guest(self, *arguments: str, core: str = "") -> list[str]:
        """Return the emulator's arguments with which it runs this file system's Python."""
        folder = self.root.parent / CORES / core if core else self.root
        chosen = ["-cpu", core] if core else []
        return ["-L", str(folder), *chosen, str(self.python), *arguments]


def architecture_names() -> list[str]:
    """Return the architectures that can be emulated."""
    return sorted(read_sysroots().architectures)


def core_names() -> list[str]:
    """Return the processor cores that can be emulated."""
    return sorted(read_sysroots().cores)


def prepare_sysroot(
    store: Store,
    architecture: str,
    *,
    offline: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Sysroot:
    """Return the root file system for an architecture; make it if the store lacks it.

    Args:
        store: the store of the file system.
        architecture: one of `architecture_names`.
        offline: whether downloads are forbidden; anything missing in the store is an error then.
        say: prints a line before a step that takes long.

    Raises:
        UsageMistake: the architecture is unknown.
        EdgeproofError: emulation is not available on this machine.
    """
    if architecture not in architecture_names():
        raise UsageMistake(
            f"{architecture!r} is not a known architecture",
            file=FILE,
            remedy=f"Give one of {', '.join(architecture_names())}",
        )
    table = read_sysroots().architectures[architecture]
    emulator = prepare_emulator(store, offline=offline, say=say)
    recipe = {"architecture": architecture, "source": hash_imports(MAKER)}

    def make(folder: Path) -> None:
        refuse_network(f"{architecture} root file system", offline=offline)
        say(f"the {architecture} root file system: fetching Debian's packages")
        debian = _unpack_debian(folder / ROOT, table)
        say(f"the {architecture} root file system: fetching {', '.join(_distributions(table))}")
        _unpack_wheels(folder / SITE, table.wheels, table.platforms)
        for runtime, wheels in table.own.items():
            _unpack_wheels(folder / OWN / runtime, wheels, table.platforms)
        say(f"the {architecture} root file system: starting its Python for the first time")
        _compile(folder)
        _make_core_views(folder)
        for runtime in table.runtimes():
            _warm_up(_sysroot_in(folder, architecture, emulator), runtime, table.imports)
        card = json.dumps({"debian": debian, "wheels": table.wheels, OWN: table.own}, indent=2)
        (folder / CARD).write_text(card, encoding="utf-8")

    unpacked = store.get(Stage("sysroot", recipe), make, say)
    unpacked.check()
    return _sysroot_in(unpacked.folder, architecture, emulator)


def _distributions(table: ArchitectureTable) -> list[str]:
    return sorted({*table.wheels, *(name for wheels in table.own.values() for name in wheels)})


def _sysroot_in(folder: Path, architecture: str, emulator: Emulator) -> Sysroot:
    tables = read_sysroots()
    table = tables.architectures[architecture]
    root = folder / ROOT
    return Sysroot(
        architecture=architecture,
        emulator=emulator.path(table.emulator),
        emulator_version=emulator.version,
        root=root,
        python=root / "usr" / "bin" / f"python{tables.python}",
        path=(folder / SITE, *(root / name for name in table.folders)),
        own={runtime: folder / OWN / runtime for runtime in table.own},
    )


def _unpack_debian(root: Path, table: ArchitectureTable) -> dict[str, str]:
    """Unpack Debian's packages; return their versions by name."""
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    with private_apt(table.debian, read_sysroots().codename) as (apt, _):
        packages = apt.download_all(table.packages)
        for package in packages:
            unpack(package, root)
        versions = {package.name.split("_")[0]: version_of(package) for package in packages}
    for name in _UNREAD:
        shutil.rmtree(root / name, ignore_errors=True)
    for link, target in table.links.items():
        (root / link).symlink_to(target)
    return versions


def _unpack_wheels(site: Path, wheels: Mapping[str, str], platforms: Sequence[str]) -> None:
    """Download wheels with the user's settings of pip, and unpack them."""
    if find_spec("pip") is None:
        raise EdgeproofError(
            f"pip is missing: {sys.executable} needs it to download wheels for the emulated board",
            remedy=f"Install pip for this Python: {sys.executable} -m ensurepip",
        )
    with scratch_folder("edgeproof-wheels-") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--implementation=cp", f"--dest={scratch}"]
        command += [f"--python-version={read_sysroots().python}"]
        command += [f"--platform={name}" for name in platforms]
        command += [f"{name}=={version}" for name, version in wheels.items()]
        remedy = "Check the network and pip's index (`pip config list`), and run again"
        done = run(command, seconds=_SECONDS_TO_DOWNLOAD, remedy=remedy)
        if done.code:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise EdgeproofError(
                f"pip cannot download ARM wheels ({' | '.join(errors[-2:])})", remedy=remedy
            )
        for wheel in scratch.glob("*.whl"):
            again = "Run again: pip downloads the wheel again"
            with open_archive(wheel, _WHEEL, remedy=again, kind=EdgeproofError) as archive:
                archive.extract(site)


def _make_core_views(folder: Path) -> None:
    """Make a folder for each emulated core: its own /proc/cpuinfo, and links to all other files."""
    for name, core in read_sysroots().cores.items():
        view = folder / CORES / name
        (view / "proc").mkdir(parents=True)
        (view / "proc" / "cpuinfo").write_text(core.cpuinfo(), encoding="utf-8")
        for entry in (folder / ROOT).iterdir():
            (view / entry.name).symlink_to(Path("../..") / ROOT / entry.name)


def _compile(folder: Path) -> None:
    """Compile Python's modules on this machine, if its Python has the same version.

    This is ten times faster than compiling in the emulator.
    """
    if "{}.{}".format(*sys.version_info) == read_sysroots().python:
        compileall.compile_dir(folder, maxlevels=_DEEP, quiet=2, rx=_TESTS)


def _warm_up(sysroot: Sysroot, runtime: str, imports: Sequence[str]) -> None:
    """Import the packages of a runner for this runtime, to test that the parts fit together.

    This also stores compiled modules, so that an emulated start takes 3 s instead of 10 s or more.
    """
    done = run(
        sysroot.command("-c", f"import {', '.join([f'{runtime}.interpreter', *imports])}"),
        environment=sysroot.environment(runtime),
        seconds=_SECONDS_TO_WARM_UP,
        remedy=ELSEWHERE,
    )
    if done.code:
        raise EdgeproofError(
            f"the emulated Python cannot import its modules, exit status {done.code} "
            f"({end_of(done.stderr)})",
            file=sysroot.emulator,
            remedy=ELSEWHERE,
        )
