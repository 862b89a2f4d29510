"""Read a device profile: a TOML file that describes a board, its recognition and its limits.

The structures below are the file's grammar: what is not here is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, field

from models.devices.limits import read_limits
from models.devices.reach import check_reach
from models.errors import UsageMistake
from models.files.paths import require_name
from models.files.toml_tables import Table, read_table, shown_path
from models.runtime.available import read_backend
from models.verdicts.quantities import Unit, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.verdicts.judge import Budget

FOLDER = Path(__file__).parent / "profiles"
HOST = "host"

Count = Annotated[int, Meta(ge=1, le=65536)]
Cores = Annotated[float, Meta(ge=0.0)]
Limits = dict[str, dict[str, str]]


class RecognitionTable(Table, frozen=True, kw_only=True):
    """`[recognition]`: how this board is distinguished from others.

    `models` are patterns of the device tree's model. Where a system shows no device tree, `files`
    decide: patterns of what a file holds, by its path. `machines` are the kernel's names of its
    architecture.
    """

    machines: tuple[str, ...]
    models: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)


class HardwareTable(Table, frozen=True, kw_only=True):
    """`[hardware]`: the parts of the board.

    `memory` is that of the smallest one sold. `features` are the processor's, as /proc/cpuinfo
    spells them, that kernels are chosen by.
    """

    processor: str
    cores: Count
    memory: str
    features: tuple[str, ...]


class EmulationTable(Table, frozen=True, kw_only=True):
    """`[emulation.ARCHITECTURE]`: the emulator's name of the most similar core."""

    core: str


class SensorsTable(Table, frozen=True, kw_only=True):
    """`[sensors]`: the files that hold the board's state; all are optional, names are patterns.

    `temperatures` and `throttling` are types of thermal zones and of cooling devices. `firmware`
    is a file with the throttle bits of a Raspberry Pi, `firmware_command` what prints the same
    if there is no such file. `undervoltage` and `events` are hwmon devices that alarm and that
    count. `power_mode` is a file that holds the mode's number, `rails` labels of power monitors.
    """

    temperatures: tuple[str, ...] = ()
    throttling: tuple[str, ...] = ()
    firmware: str | None = None
    firmware_command: tuple[str, ...] = ()
    undervoltage: str | None = None
    events: str | None = None
    power_mode: str | None = None
    rails: tuple[str, ...] = ()


class ValidityTable(Table, frozen=True, kw_only=True):
    """`[validity]`: circumstances under which a measurement counts.

    `foreign_load` is how many cores others may keep busy; without it their load is recorded and
    spoils nothing. `free_memory` is what must be left, `saving_modes` are power modes that no
    budget is written for.
    """

    free_memory: str
    foreign_load: Cores | None = None
    saving_modes: tuple[int, ...] = ()


class DeviceTable(Table, frozen=True, kw_only=True):
    """The whole file. Only `host` has neither recognition nor hardware: it is the fallback.

    `sustained` is how long it is kept busy, one text after the other, before a latency counts as
    what it sustains. `backends` are those that must answer rightly there, `looked_at` those whose
    answers are looked at and recorded.
    """

    description: str
    threads: Count
    backends: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ()
    sustained: str
    validity: ValidityTable
    budgets: Limits
    paper: Limits = field(default_factory=dict)
    sensors: SensorsTable = field(default_factory=SensorsTable)
    emulation: dict[str, EmulationTable] = field(default_factory=dict)
    recognition: RecognitionTable | None = None
    hardware: HardwareTable | None = None


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device with its quantities parsed.

    Attributes:
        name: of the file, without its suffix.
        file: as shown to people.
        table: what the file holds.
        memory: bytes of the smallest one, None for the host.
        free_memory: bytes that must be left while measuring.
        sustained: seconds of load.
        budgets: by metric, what we ask of it.
        paper: by metric, what the paper reports of its boards.
    """

    name: str
    file: str
    table: DeviceTable
    memory: float | None
    free_memory: float
    sustained: float
    budgets: Mapping[str, Budget]
    paper: Mapping[str, Budget]

    @property
    def usual_core(self) -> str | None:
        """The emulator's name of its processor core; None for the host."""
        return next((table.core for table in self.table.emulation.values()), None)

    def core(self, architecture: str | None = None) -> tuple[str, str]:
        """Return (architecture, core) to emulate; the file's first architecture by default.

        Raises:
            UsageMistake: the device cannot be emulated so.
        """
        offered = {name: table.core for name, table in self.table.emulation.items()}
        chosen = architecture or next(iter(offered), None)
        if chosen is None or chosen not in offered:
            problem = f"cannot be emulated as {architecture}" if architecture else "is not emulated"
            remedy = f"Its profile offers {', '.join(offered)}" if offered else "Emulate a board"
            raise UsageMistake(
                f"{self.name} {problem}", file=self.file, key="emulation", remedy=remedy
            )
        return chosen, offered[chosen]


def device_names() -> list[str]:
    """Return the names of the devices that ship with edgeproof, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_device(name_or_path: str) -> Device:
    """Load a shipped device by name, or any TOML file by its path.

    Raises:
        UsageMistake: no such device, or something in its file is wrong; names file and key.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = FOLDER / f"{name_or_path}.toml"
        if name_or_path not in device_names():
            raise UsageMistake(
                f"no device is called {name_or_path!r}",
                key="--edge-device",
                remedy=f"Give one of {', '.join(device_names())}, or the path of a TOML file",
            )
    table = read_table(path, DeviceTable)
    file = shown_path(path)
    check_reach(table, file)
    for key, names in (("backends", table.backends), ("looked_at", table.looked_at)):
        for backend in names:
            read_backend(backend, file=file, key=key)
    name = require_name(path.stem, file=file)

    def bytes_of(text: str, key: str) -> float:
        return parse_quantity(text, Unit.BYTES, file=file, key=key)

    return Device(
        name=name,
        file=file,
        table=table,
        memory=bytes_of(table.hardware.memory, "hardware.memory") if table.hardware else None,
        free_memory=bytes_of(table.validity.free_memory, "validity.free_memory"),
        sustained=parse_quantity(table.sustained, Unit.SECONDS, file=file, key="sustained"),
        budgets=read_limits(table.budgets, file, "budgets"),
        paper=read_limits(table.paper, file, "paper"),
    )
