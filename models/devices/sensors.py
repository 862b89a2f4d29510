"""Parse sensor files: pure functions from {path: text} to values with units.

A value is omitted if its text is missing or unreadable, or if it is impossible: a negative count, a
temperature below absolute zero. None of these functions raises an error.
`models.devices.circumstances` decides whether enough values are left.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from models.runtime.watcher import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Texts = Mapping[str, str]

_CPU = "/sys/devices/system/cpu/cpu"
# Bits of a Raspberry Pi's throttle word for the current state. The sticky bits, 16 places higher,
# cover the time since the start or the previous reading.
# https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
FIRMWARE_BITS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
_STICKY = 16
_LARGEST = 2**63
# Bounds in degrees Celsius: thermal zones without a sensor report values such as -273200 and
# 2147483647.
_COLDEST, _HOTTEST = -273.15, 1000.0
_TICKS = 100.0  # Linux reports hundredths of a second to programs, whatever its internal tick


def throttle_word(texts: Texts, command: Sequence[str] = ()) -> int | None:
    """Read a Raspberry Pi's throttle bits: hexadecimal in sysfs, `throttled=0x0` from vcgencmd."""
    printed = [text for path, text in texts.items() if path.endswith("/get_throttled")]
    printed.append(texts.get(COMMAND + " ".join(command), ""))
    for text in printed:
        with suppress(ValueError):
            return _count(text.strip().rpartition("=")[2], 16)
    return None


def names_of_bits(word: int, *, sticky: bool) -> tuple[str, ...]:
    """Return the names of the bits that are set: of the current bits, or of the sticky ones."""
    shift = _STICKY if sticky else 0
    return tuple(name for bit, name in FIRMWARE_BITS.items() if word >> (bit + shift) & 1)


def alarms(texts: Texts, hwmon: str) -> int | None:
    """Return the sum of a hwmon device's critical alarms; None without such a device."""
    return _sum(
        value
        for folder in _hwmons(texts, hwmon)
        for name in ("in0_lcrit_alarm", "in1_lcrit_alarm")
        for value in _counts(texts, f"{folder}/{name}")
    )


def events(texts: Texts, hwmon: str) -> int | None:
    """Return the sum of a hwmon device's counters of throttling, such as oc1_event_cnt."""
    folders = _hwmons(texts, hwmon)
    counters = (
        path for path in texts if path.rpartition("/")[0] in folders and path.endswith("_event_cnt")
    )
    return _sum(value for path in counters for value in _counts(texts, path))


def temperatures(texts: Texts, types: Sequence[str]) -> dict[str, float]:
    """Return the degrees Celsius by type of thermal zone."""
    degrees = {}
    for path, kind in _described(texts, "/sys/class/thermal/thermal_zone", "type", types):
        for value in _numbers(texts, f"{path}/temp"):
            celsius = value / 1000.0
            if _COLDEST <= celsius < _HOTTEST:
                degrees[kind] = celsius
    return degrees


def cooling(texts: Texts, types: Sequence[str]) -> list[tuple[str, int]]:
    """Return the types of cooling devices, sorted, and how much they limit the processor now."""
    return sorted(
        (kind, state)
        for path, kind in _described(texts, "/sys/class/thermal/cooling_device", "type", types)
        for state in _counts(texts, f"{path}/cur_state")
    )


def governors(texts: Texts) -> tuple[str, ...]:
    """Return the names of the frequency governors in use, each once."""
    return tuple(sorted(set(_cpufreq(texts, "scaling_governor"))))


def drivers(texts: Texts) -> tuple[str, ...]:
    """Return the names of the frequency drivers in use, each once."""
    return tuple(sorted(set(_cpufreq(texts, "scaling_driver"))))


def frequencies(texts: Texts) -> tuple[float, ...]:
    """Return the current frequency of each core in hertz."""
    return tuple(_hertz(texts, "scaling_cur_freq").values())


def frequency_limits(texts: Texts) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the current limit and the hardware's limit of each core's frequency, in hertz.

    Cores that report only one of the two are omitted.
    """
    limits, maxima = (_hertz(texts, name) for name in ("scaling_max_freq", "cpuinfo_max_freq"))
    cores = [core for core in limits if core in maxima]
    return tuple(limits[core] for core in cores), tuple(maxima[core] for core in cores)


def power_mode(texts: Texts, path: str) -> int | None:
    """Return the power mode from nvpmodel's status file, for example 1 from `pmode:0001`."""
    match = re.search(r"pmode:(\d+)", texts.get(path, ""))
    with suppress(ValueError):
        return _count(match[1]) if match else None
    return None


def power(texts: Texts, rails: Sequence[str]) -> dict[str, float]:
    """Return the watts of the INA3221's rails by label, from either of NVIDIA's drivers."""
    watts = {}
    for path, text in texts.items():
        folder, _, name = path.rpartition("/")
        label = text.strip()
        if label not in rails:
            continue
        if channel := re.fullmatch(r"rail_name_(\d)", name):
            for milliwatts in _counts(texts, f"{folder}/in_power{channel[1]}_input"):
                watts[label] = milliwatts / 1000.0
        elif channel := re.fullmatch(r"in(\d)_label", name):
            for millivolts in _counts(texts, f"{folder}/in{channel[1]}_input"):
                for milliamperes in _counts(texts, f"{folder}/curr{channel[1]}_input"):
                    watts[label] = millivolts * milliamperes / 1e6
    return watts


def on_battery(texts: Texts) -> bool | None:
    """Return whether the battery is discharging; None if there is no battery."""
    states = [
        texts.get(f"{path}/status", "").strip()
        for path, _ in _described(texts, "/sys/class/power_supply/", "type", ["Battery"])
    ]
    return "Discharging" in states if states else None


def busy_seconds(texts: Texts) -> float | None:
    """Return the busy seconds of all cores since the device's start, virtual machines included."""
    fields = texts.get("/proc/stat", "").partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu":  # noqa: PLR2004 - proc(5): the name and eight counts
        return None
    with suppress(ValueError):
        user, nice, system, _idle, _iowait, interrupts, soft, steal = map(_count, fields[1:9])
        return (user + nice + system + interrupts + soft + steal) / _TICKS
    return None


def process_seconds(texts: Texts, pid: int) -> float | None:
    """Return the CPU seconds of a process and its threads since its start."""
    fields = texts.get(f"/proc/{pid}/stat", "").rpartition(")")[2].split()
    with suppress(ValueError, IndexError):
        return (_count(fields[11]) + _count(fields[12])) / _TICKS
    return None


def load(texts: Texts) -> float | None:
    """Return the load average of the last minute."""
    with suppress(ValueError, IndexError):
        value = float(texts.get("/proc/loadavg", "").split()[0])
        return value if math.isfinite(value) and value >= 0.0 else None
    return None


def memory(texts: Texts, key: str) -> int | None:
    """Return a value in /proc/meminfo, such as MemAvailable, in bytes."""
    match = re.search(rf"^{key}:\s+(\d+) kB$", texts.get("/proc/meminfo", ""), re.MULTILINE)
    with suppress(ValueError):
        return _count(match[1]) * 1024 if match else None
    return None


def swapped_pages(texts: Texts) -> int | None:
    """Return the number of pages read from and written to swap since the device's start."""
    counts = re.findall(r"^pswp(?:in|out) (\d+)$", texts.get("/proc/vmstat", ""), re.MULTILINE)
    with suppress(ValueError):
        return sum(map(_count, counts)) if counts else None
    return None


def _cpufreq(texts: Texts, name: str) -> list[str]:
    return list(_of_cores(texts, name).values())


def _of_cores(texts: Texts, name: str) -> dict[str, str]:
    """Return the contents of the cores' frequency files, by the core's folder."""
    end = f"/cpufreq/{name}"
    return {
        path.removesuffix(end): text.strip()
        for path, text in texts.items()
        if path.startswith(_CPU) and path.endswith(end)
    }


def _hertz(texts: Texts, name: str) -> dict[str, float]:
    """Return the frequency of each core in hertz; omit cores that report 0."""
    hertz = {}
    for core, text in _of_cores(texts, name).items():
        with suppress(ValueError):
            if kilohertz := _count(text):
                hertz[core] = kilohertz * 1000.0
    return hertz


def _hwmons(texts: Texts, names: str) -> list[str]:
    return [path for path, _ in _described(texts, "/sys/class/hwmon/hwmon", "name", [names])]


def _described(
    texts: Texts, start: str, file: str, patterns: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the path and the description of each folder whose description matches a pattern."""
    for path, text in texts.items():
        folder, _, name = path.rpartition("/")
        kind = text.strip()
        fits = any(fnmatchcase(kind, pattern) for pattern in patterns)
        if fits and folder.startswith(start) and name == file:
            yield folder, kind


def _numbers(texts: Texts, path: str) -> Iterator[int]:
    """Yield the number in a file, if there is one."""
    with suppress(ValueError):
        yield _whole(texts.get(path, ""))


def _counts(texts: Texts, path: str) -> Iterator[int]:
    """Yield the number in a file, if there is one and it is not negative."""
    return (number for number in _numbers(texts, path) if number >= 0)


def _count(text: str, base: int = 10) -> int:
    """Parse a whole number that cannot be negative.

    Raises:
        ValueError: the text is not such a number.
    """
    number = _whole(text, base)
    if number < 0:
        raise ValueError(text)
    return number


def _whole(text: str, base: int = 10) -> int:
    """Parse a whole number that fits into 64 bits.

    Raises:
        ValueError: the text is not such a number.
    """
    number = int(text, base)
    if abs(number) >= _LARGEST:
        raise ValueError(text)
    return number


def _sum(values: Iterator[int]) -> int | None:
    counts = list(values)
    return sum(counts) if counts else None
