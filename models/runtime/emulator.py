"""Download Debian's user-mode emulator, and read sysroots.toml."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from models.errors import EdgeproofError
from models.files.toml_tables import Table, read_table
from models.files.unfinished_files import scratch_folder
from models.runtime.debian import (
    ELSEWHERE,
    PrivateApt,
    find_mirrors,
    native_architecture,
    unpack,
    version_of,
)
from models.sources import hash_imports
from models.store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.store import Store

SYSROOTS = "runtime/sysroots.toml"
FILE = Path(__file__).parents[1] / SYSROOTS
CARD = "card.json"


class EmulatorTable(Table, frozen=True, kw_only=True):
    """`[[emulators]]` and `[counter]`: a package, and the name of its program."""

    package: str
    program: str
    suite: str | None = None


class ArchitectureTable(Table, frozen=True, kw_only=True):
    """`[architectures.NAME]`: the contents of its root file system.

    `links` are symbolic links that the scripts of packages would create; these scripts are not run.
    `folders` are added to Python's path. `answering` lists the runtimes by import name, the best
    first. `imports` lists the modules that a runner imports besides its runtime. `wheels` are
    installed for all runtimes, `own` for a single runtime.
    """

    debian: str
    emulator: str
    packages: tuple[str, ...]
    platforms: tuple[str, ...]
    wheels: dict[str, str]
    imports: tuple[str, ...]
    links: dict[str, str]
    folders: tuple[str, ...]
    answering: tuple[str, ...]
    own: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)

    def versions(self, runtime: str | None) -> dict[str, str]:
        """Return the versions of the wheels that a runtime's runner can import, by distribution."""
        return {**self.wheels, **self.own.get(runtime or "", {})}

    def runtimes(self) -> dict[str, str]:
        """Return the versions of the board's runtimes, by import name."""
        return {name: self.versions(name)[name.replace("_", "-")] for name in self.answering}


class CoreTable(Table, frozen=True, kw_only=True):
    """`[cores.NAME]`: a core's description in /proc/cpuinfo."""

    generation: int
    variant: int
    part: int
    revision: int
    features: str

    def cpuinfo(self) -> str:
        """Return the /proc/cpuinfo of a machine with one core of this kind."""
        return (
            "processor\t: 0\n"
            f"model name\t: ARMv{self.generation} Processor rev {self.revision}\n"
            f"BogoMIPS\t: 100.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: {self.generation}\nCPU variant\t: {self.variant:#x}\n"
            f"CPU part\t: {self.part:#x}\nCPU revision\t: {self.revision}\n\n"
        )


class Sysroots(Table, frozen=True, kw_only=True):
    """The content of sysroots.toml."""

    codename: str
    python: str
    emulators: tuple[EmulatorTable, ...]
    counter: EmulatorTable
    cores: dict[str, CoreTable]
    architectures: dict[str, ArchitectureTable]


@dataclass(frozen=True)
class Emulator:
    """The unpacked programs of the emulator.

    Attributes:
        folder: folder of the programs.
        version: version of their package.
        program: name of a program; {} stands for the architecture.
    """

    folder: Path
    version: str
    program: str

    def path(self, architecture: str) -> Path:
        """Return the path of the program for an architecture, given by its name in the emulator."""
        return self.folder / self.program.format(architecture)


@cache
def read_sysroots() -> Sysroots:
    """Return the table of emulated boards."""
    return read_table(FILE, Sysroots)


def prepare_emulator(store: Store, *, offline: bool, say: Callable[[str], None]) -> Emulator:
    """Return the emulator; download it if the store lacks it.

    Args:
        store: the store of the emulator.
        offline: whether downloads are forbidden.
        say: prints a line before a step that takes long.

    Raises:
        EdgeproofError: the emulator cannot be downloaded.
    """
    recipe = {"source": hash_imports("models.runtime.emulator:prepare_emulator")}

    def make(folder: Path) -> None:
        refuse_network("emulator", offline=offline)
        say("fetching Debian's user-mode emulator")
        card = _fetch(folder, read_sysroots())
        (folder / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8")

    unpacked = store.get(Stage("emulator", recipe), make, say)
    # Verify the files before each run, because a modified program could give wrong results or do
    # harm.
    unpacked.check()
    return Emulator(folder=unpacked.folder, **unpacked.document(CARD))


def _fetch(folder: Path, tables: Sysroots) -> dict[str, Any]:
    """Unpack the best available emulator into the folder; return its card."""
    with private_apt(native_architecture(), tables.codename) as (apt, scratch):
        chosen = next((e for e in tables.emulators if apt.has(e.package, e.suite)), None)
        if chosen is None:
            raise EdgeproofError(
                "the Debian mirror has no package with the user-mode emulator", remedy=ELSEWHERE
            )
        package = apt.download(chosen.package, chosen.suite)
        programs = [chosen.program.format(a.emulator) for a in tables.architectures.values()]
        unpack(package, scratch, programs)
        for program in programs:
            (folder / Path(program).name).write_bytes((scratch / program).read_bytes())
            (folder / Path(program).name).chmod(0o755)
        return {"version": version_of(package), "program": Path(chosen.program).name}


def refuse_network(name: str, *, offline: bool) -> None:
    """Raise an error if downloads are forbidden.

    Raises:
        EdgeproofError: downloads are forbidden.
    """
    if offline:
        raise EdgeproofError(
            f"{name} is not in the store, and --edge-offline forbids downloading it",
            remedy="Run once without --edge-offline: edgeproof stores what it downloads",
        )


@contextmanager
def private_apt(architecture: str, codename: str) -> Iterator[tuple[PrivateApt, Path]]:
    """Yield a private apt with fresh lists, and an empty folder."""
    mirrors = find_mirrors()
    with scratch_folder("edgeproof-apt-") as scratch:
        apt = PrivateApt(scratch / "apt", architecture, mirrors.sources(codename))
        apt.update()
        unpacked = scratch / "unpacked"
        unpacked.mkdir()
        yield apt, unpacked
