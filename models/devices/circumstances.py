"""Read the state of a device from its sensors before, during and after a measurement."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from models.devices import sensors
from models.devices.readings import Reading
from models.runtime.watcher import take_reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from models.devices.profile import Device

# Files that every Linux has, on any board.
GENERAL = (
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/vmstat",
    "/sys/class/power_supply/*/status",
    "/sys/class/power_supply/*/type",
    *(
        f"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/{name}"
        for name in (
            "cpuinfo_max_freq",
            "scaling_cur_freq",
            "scaling_driver",
            "scaling_governor",
            "scaling_max_freq",
        )
    ),
)
SAVING_GOVERNOR = "powersave"
# Drivers whose "powersave" is the usual governor and reaches full speed under load.
DYNAMIC_POWERSAVE = {"intel_pstate", "amd-pstate-epp"}
# A frequency limit above this share of the maximum counts as the maximum, because drivers round.
_SAME = 0.99
# Largest error, in seconds, of the difference between two counts of CPU time by the kernel, on a
# few cores.
_COUNTS_ARE_OFF = 0.05
# Keys of a profile's `[sensors]` that show whether the processor is throttled.
GUARDS = ("firmware", "firmware_command", "throttling", "undervoltage", "events", "power_mode")


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """One reading of a device's state; None or empty for values that are unknown.

    Attributes:
        at: time of the reading, in seconds on the device's monotonic clock.
        cost: duration of the reading in seconds.
        governors: names of the frequency governors of all cores, each once.
        drivers: names of the frequency drivers of all cores, each once.
        frequencies: current frequency of each core in hertz.
        frequency_limits: current upper limit of each core's frequency in hertz.
        frequency_maxima: highest frequency of each core's hardware in hertz.
        temperatures: degrees Celsius by thermal zone.
        throttled: the current reasons for throttling.
        was_throttled: the reasons for throttling since the device's start or the last reading.
        throttle_events: number of throttling events since the device's start.
        power_mode: number of the power mode.
        power: watts by rail.
        on_battery: whether the battery is discharging.
        busy: CPU seconds of all processes on all cores since the device's start.
        runner_busy: CPU seconds of the runner since its start.
        load: load average of the last minute.
        memory_available: available memory in bytes.
        swapped: pages read from and written to swap since the device's start.
        told: names of those sensors in `GUARDS` that gave a value.
    """

    at: float
    cost: float
    governors: tuple[str, ...]
    drivers: tuple[str, ...]
    frequencies: tuple[float, ...]
    frequency_limits: tuple[float, ...]
    frequency_maxima: tuple[float, ...]
    temperatures: Mapping[str, float]
    throttled: tuple[str, ...]
    was_throttled: tuple[str, ...]
    throttle_events: int | None
    power_mode: int | None
    power: Mapping[str, float]
    on_battery: bool | None
    busy: float | None
    runner_busy: float | None
    load: float | None
    memory_available: int | None
    swapped: int | None
    told: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the values that were read, by name, for results.json."""
        facts = asdict(self)
        return {name: value for name, value in facts.items() if value not in (None, (), {})}


def patterns(device: Device, pid: int | None = None) -> tuple[str, ...]:
    """Return the patterns of the files to read for a device and for its runner's process."""
    wanted = device.table.sensors
    more: list[str] = []
    if wanted.temperatures:
        more += ["/sys/class/thermal/thermal_zone*/type", "/sys/class/thermal/thermal_zone*/temp"]
    if wanted.throttling:
        start = "/sys/class/thermal/cooling_device*"
        more += [f"{start}/type", f"{start}/cur_state"]
    if wanted.undervoltage or wanted.events:
        start = "/sys/class/hwmon/hwmon*"
        more += [f"{start}/name", f"{start}/in[01]_lcrit_alarm", f"{start}/oc*_event_cnt"]
    if wanted.rails:
        old = "/sys/bus/i2c/drivers/ina3221x/*/iio:device*"
        new = "/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*"
        more += [f"{old}/rail_name_?", f"{old}/in_power?_input"]
        more += [f"{new}/in?_label", f"{new}/in?_input", f"{new}/curr?_input"]
    more += [path for path in (wanted.firmware, wanted.power_mode) if path]
    more += [f"/proc/{pid}/stat"] if pid is not None else []
    return (*GENERAL, *more)


def commands(device: Device) -> list[tuple[tuple[str, ...], str]]:
    """Return the commands to run for a device, each with a file that replaces its output."""
    wanted = device.table.sensors
    return [(wanted.firmware_command, wanted.firmware or "")] if wanted.firmware_command else []


def sample(device: Device, root: Path | str = "/", pid: int | None = None) -> Circumstances:
    """Read the circumstances of this machine, or of a recorded one.

    Args:
        device: the device.
        root: root folder; for a recorded machine, the folder with copies of its files.
        pid: process id of the runner, to distinguish its load from that of other processes.
    """
    reading = take_reading(patterns(device, pid), commands(device), str(root))
    return circumstances(Reading(**reading), device, pid)


def circumstances(reading: Reading, device: Device, pid: int | None = None) -> Circumstances:
    """Return the state of a device from the files that `models.runtime.watcher` read."""
    texts = reading.texts
    wanted = device.table.sensors
    word = sensors.throttle_word(texts, wanted.firmware_command)
    now, before = (sensors.names_of_bits(word or 0, sticky=sticky) for sticky in (False, True))
    cooling = sensors.cooling(texts, wanted.throttling)
    alarms = sensors.alarms(texts, wanted.undervoltage) if wanted.undervoltage else None
    events = sensors.events(texts, wanted.events) if wanted.events else None
    mode = sensors.power_mode(texts, wanted.power_mode) if wanted.power_mode else None
    readable = {
        "firmware": word is not None,
        "throttling": bool(cooling),
        "undervoltage": alarms is not None,
        "events": events is not None,
        "power_mode": mode is not None,
    }
    if alarms:
        before = tuple(dict.fromkeys((*before, "under-voltage")))
    limits, maxima = sensors.frequency_limits(texts)
    return Circumstances(
        at=reading.at,
        cost=reading.cost,
        governors=sensors.governors(texts),
        drivers=sensors.drivers(texts),
        frequencies=sensors.frequencies(texts),
        frequency_limits=limits,
        frequency_maxima=maxima,
        temperatures=sensors.temperatures(texts, wanted.temperatures),
        throttled=(*now, *(kind for kind, state in cooling if state)),
        was_throttled=before,
        throttle_events=events,
        power_mode=mode,
        power=sensors.power(texts, wanted.rails),
        on_battery=sensors.on_battery(texts),
        busy=sensors.busy_seconds(texts),
        runner_busy=None if pid is None else sensors.process_seconds(texts, pid),
        load=sensors.load(texts),
        memory_available=sensors.memory(texts, "MemAvailable"),
        swapped=sensors.swapped_pages(texts),
        told=tuple(name for name, is_readable in readable.items() if is_readable),
    )


def invalid_because(
    before: Circumstances,
    after: Circumstances,
    device: Device,
    during: Sequence[Circumstances] = (),
) -> str | None:
    """Return why a measurement between two readings is not valid; None if it is.

    Some boards clear their record of throttling when it is read, others only when they start. So
    take two readings before a measurement and pass the second one: then `after` contains only
    throttling during the measurement.

    Args:
        before: the reading just before the measurement.
        after: the reading just after it.
        device: the device with the conditions in `[validity]`.
        during: further readings during the measurement.
    """
    readings = (before, *during, after)
    reasons = [reason for reading in readings for reason in _missing_values(reading, device)]
    reasons += [reason for reading in readings for reason in _reasons_in_reading(reading, device)]
    reasons += _throttled_meanwhile(readings)
    reasons += _reasons_between(before, after, device)
    return "; ".join(dict.fromkeys(reasons)) or None


def _missing_values(reading: Circumstances, device: Device) -> Iterator[str]:
    """Yield a reason for each required value that a reading lacks.

    Kernels differ in their sensors, so one of `GUARDS` is enough. Without any, it is unknown
    whether the processor was throttled, and a wrong path in a profile would remain unnoticed.
    """
    table = device.table
    guards = [name for name in GUARDS if getattr(table.sensors, name)]
    if guards and not reading.told:
        keys = ", ".join(f"sensors.{name}" for name in guards)
        yield (
            f"it is unknown whether the processor is throttled: no sensor in {keys} of "
            f"{device.file} gives a value here"
        )
    if table.validity.saving_modes and reading.power_mode is None:
        key = f"sensors.power_mode of {device.file}"
        yield f"the power mode is unknown: {key} gives no value here"


def _reasons_in_reading(reading: Circumstances, device: Device) -> Iterator[str]:
    """Yield the reasons for which a single reading makes a measurement invalid."""
    if reading.throttled:
        yield f"throttled ({', '.join(reading.throttled)})"
    if SAVING_GOVERNOR in reading.governors and not DYNAMIC_POWERSAVE & set(reading.drivers):
        yield f"the frequency governor is {SAVING_GOVERNOR}"
    for limit, maximum in zip(reading.frequency_limits, reading.frequency_maxima, strict=False):
        if limit < _SAME * maximum:
            yield f"a core is limited to {limit / 1e6:.0f} of its {maximum / 1e6:.0f} MHz"
            break
    if reading.power_mode in device.table.validity.saving_modes:
        yield f"the power mode {reading.power_mode} slows the device to save power"
    if reading.on_battery:
        yield "the device runs on its battery"
    if reading.memory_available is not None and reading.memory_available < device.free_memory:
        free, needed = reading.memory_available / 2**20, device.free_memory / 2**20
        yield f"{free:.0f} MiB of memory were available, but {needed:.0f} are needed"


def _throttled_meanwhile(readings: Sequence[Circumstances]) -> Iterator[str]:
    """Yield the throttling that a reading reports, but the previous reading does not."""
    for earlier, later in pairwise(readings):
        new = [name for name in later.was_throttled if name not in earlier.was_throttled]
        if new:
            yield f"the processor was throttled during the measurement ({', '.join(new)})"


def _reasons_between(before: Circumstances, after: Circumstances, device: Device) -> Iterator[str]:
    """Yield the reasons for which changes between two readings make a measurement invalid."""
    if (after.throttle_events or 0) > (before.throttle_events or 0):
        count = (after.throttle_events or 0) - (before.throttle_events or 0)
        yield f"the processor was throttled {count} times during the measurement"
    if (after.swapped or 0) > (before.swapped or 0):
        yield (
            f"{(after.swapped or 0) - (before.swapped or 0)} pages were swapped during "
            "the measurement"
        )
    foreign = foreign_load(before, after)
    allowed = device.table.validity.foreign_load
    if foreign is not None and allowed is not None and foreign > allowed:
        yield (f"other processes kept {foreign:.1f} cores busy, but only {allowed:g} are allowed")


def foreign_load(before: Circumstances, after: Circumstances) -> float | None:
    """Return the mean number of cores that other processes kept busy between two readings.

    Return None if it is unknown. The kernel counts hundredths of a second. If the readings are less
    than one second apart, the largest error of these counts is therefore subtracted.
    """
    if None in (before.busy, after.busy, before.runner_busy, after.runner_busy):
        return None
    span = after.at - before.at
    if span <= 0.0:
        return None
    busy = (after.busy or 0.0) - (before.busy or 0.0)
    own = (after.runner_busy or 0.0) - (before.runner_busy or 0.0)
    uncertain = _COUNTS_ARE_OFF if span < 1.0 else 0.0
    return max(0.0, busy - own - uncertain) / span
