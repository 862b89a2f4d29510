"""Check a device profile against rules that its grammar does not contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.devices.profile import HOST
from models.errors import UsageMistake
from models.runtime.sysroot import architecture_names, core_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.devices.profile import Device

# Metrics that the budgets of every device must limit.
JUDGED = ("texts_per_second", "latency_p90", "peak_rss", "cold_start")


def check_device(device: Device) -> None:
    """Check a device profile against the rules of this module.

    Raises:
        UsageMistake: the profile breaks a rule; the message names file and key of the first one.
    """
    for key, problem, remedy in _problems(device):
        raise UsageMistake(problem, file=device.file, key=key, remedy=remedy)


def _problems(device: Device) -> Iterator[tuple[str, str, str]]:
    """Yield key, problem and remedy for each rule that a device profile breaks."""
    table = device.table
    is_host = device.name == HOST or (table.recognition is None and table.hardware is None)
    for key in ("recognition", "hardware"):
        if (getattr(table, key) is None) != is_host:
            yield (
                key,
                "must be given for every board, and never for the host",
                f"Add or remove [{key}]",
            )
    for metric in JUDGED:
        if metric not in device.budgets:
            yield f"budgets.{metric}", "is missing", "Add this budget: every device needs it"
    yield from _paper_problems(device)
    yield from _emulation_problems(device)
    if table.hardware is not None:
        yield from _hardware_problems(device)


def _paper_problems(device: Device) -> Iterator[tuple[str, str, str]]:
    if "texts_per_second" not in device.paper:
        yield (
            "paper.texts_per_second",
            "is missing",
            "Add this budget: the paper reports one text per second",
        )
    for metric, paper in device.paper.items():
        own = device.budgets.get(metric)
        laxer = own is not None and (
            own.value < paper.value if own.limit == "min" else own.value > paper.value
        )
        if laxer:
            yield (
                f"budgets.{metric}",
                f"is weaker than the paper's {paper.text}",
                "Set a budget at least as strict as the paper's",
            )


def _emulation_problems(device: Device) -> Iterator[tuple[str, str, str]]:
    for architecture, emulation in device.table.emulation.items():
        key = f"emulation.{architecture}"
        if architecture not in architecture_names():
            yield (
                key,
                "is not an architecture with a root file system",
                f"Use one of {', '.join(architecture_names())}",
            )
        if emulation.core not in core_names():
            # The emulator's core "max", which has every feature, is not in this list either: with
            # it, the emulator gives wrong results without an error.
            known = ", ".join(core_names())
            yield (
                f"{key}.core",
                "is not a core that the emulator knows",
                f"Name the known core that is nearest to the board's: {known}",
            )


def _hardware_problems(device: Device) -> Iterator[tuple[str, str, str]]:
    hardware, recognition = device.table.hardware, device.table.recognition
    if hardware is None or recognition is None:
        return
    if device.table.threads > hardware.cores:
        yield "threads", f"is more than its {hardware.cores} cores", "Set at most that many threads"
    foreign = device.table.validity.foreign_load
    if foreign is None or foreign >= hardware.cores:
        problem = "is missing" if foreign is None else f"allows all {hardware.cores} cores"
        yield (
            "validity.foreign_load",
            problem,
            ("Set how much of the cores other processes may keep busy, below the number of cores"),
        )
    if not hardware.features:
        yield (
            "hardware.features",
            "is empty",
            "List those of the processor's features that decide which kernels are used",
        )
    if not recognition.models or not recognition.machines:
        yield (
            "recognition",
            "matches nothing",
            "Give models and machines by which the device is recognized",
        )
    memory = device.memory or 0.0
    if (
        "peak_rss" in device.budgets
        and device.budgets["peak_rss"].value + device.free_memory > memory
    ):
        yield (
            "budgets.peak_rss",
            "does not fit into the device's memory",
            "Lower this budget, or free_memory",
        )
