"""Read a device profile: a TOML file that describes a board, its recognition and its limits.

The structures below define the keys of the file; any other key is an error.
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

    `models` are patterns for the model in the device tree. On systems without a device tree,
    `files` are used: patterns for the contents of files, by path. `machines` are the kernel's names
    of the architecture.
    """

    machines: tuple[str, ...]
    models: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)


class HardwareTable(Table, frozen=True, kw_only=True):
    """`[hardware]`: the parts of the board.

    `memory` is the memory of the board's smallest model. `features` are the features of the
    processor by which kernels are chosen, as spelled in /proc/cpuinfo.
    """

    processor: str
    cores: Count
    memory: str
    features: tuple[str, ...]


class EmulationTable(Table, frozen=True, kw_only=True):
    """`[emulation.ARCHITECTURE]`: the emulator's name of the most similar core."""

    core: str


class SensorsTable(Table, frozen=True, kw_only=True):
    """`[sensors]`: the files that contain the board's state; all keys are optional.

    Names of devices are patterns. `temperatures` and `throttling` are types of thermal zones and of
    cooling devices. `firmware` is a file with the throttle bits of a Raspberry Pi, and
    `firmware_command` a command that prints them if there is no such file. `undervoltage` is a
    hwmon device with alarms, and `events` one with counters. `power_mode` is a file with the number
    of the mode. `rails` are labels of power monitors.
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
    """`[validity]`: the conditions of a valid measurement.

    `foreign_load` is the number of cores that other processes may keep busy; without it, their load
    is recorded, but invalidates nothing. `free_memory` is the memory that must remain available.
    `saving_modes` are numbers of power modes in which measurements are not valid.
    """

    free_memory: str
    foreign_load: Cores | None = None
    saving_modes: tuple[int, ...] = ()


class DeviceTable(Table, frozen=True, kw_only=True):
    """The content of a device profile.

    Only `host`, the profile of every machine that is not recognized, has neither recognition nor
    hardware.

    `sustained` is the duration of the load, one text after the other, before the sustained latency
    is measured. `backends` must answer correctly on the device; answers of the backends in
    `looked_at` are only recorded.
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
    """A device profile, with its quantities parsed.

    Attributes:
        name: name of the file, without its suffix.
        file: path of the file, for messages.
        table: content of the file.
        memory: memory of the smallest model in bytes; None for the host.
        free_memory: memory that must remain available during a measurement, in bytes.
        sustained: duration of the load before the sustained latency is measured, in seconds.
        budgets: the required limits, by metric.
        paper: the paper's values for its boards, by metric.
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
        """Return the emulator's name of the processor core; None for the host."""
        return next((table.core for table in self.table.emulation.values()), None)

    def core(self, architecture: str | None = None) -> tuple[str, str]:
        """Return the architecture and the core to emulate; by default the profile's first pair.

        Raises:
            UsageMistake: the profile does not offer this architecture, or any emulation.
        """
        offered = {name: table.core for name, table in self.table.emulation.items()}
        chosen = architecture or next(iter(offered), None)
        if chosen is None or chosen not in offered:
            problem = (
                f"cannot be emulated as {architecture}" if architecture else "cannot be emulated"
            )
            remedy = (
                f"Choose an architecture: {', '.join(offered)}"
                if offered
                else "Choose a board, such as rpi4"
            )
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
        UsageMistake: there is no such device, or the file is not valid; the message names file and
            key.
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
