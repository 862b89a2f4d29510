"""Circumstances are read from recorded sensor files; bad ones make a measurement invalid."""

from __future__ import annotations

import contextlib
import math
import os
import time
from dataclasses import replace

import pytest

from fixtures.timing.circumstances import _Programs
from models.devices.circumstances import (
    circumstances,
    foreign_load,
    invalid_because,
    patterns,
    sample,
)
from models.devices.profile import HOST, device_names, load_device
from models.devices.readings import Reading
from models.devices.watch import Watch, watch_here

RUNNER = 900
FIRMWARE = "/sys/devices/platform/soc/soc:firmware/get_throttled"
GOVERNOR = "/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor"
LIMIT = "/sys/devices/system/cpu/cpu3/cpufreq/scaling_max_freq"
MODE = "/var/lib/nvpmodel/status"
COOLING = "/sys/class/thermal/cooling_device1/cur_state"
EVENTS = "/sys/class/hwmon/hwmon2/oc1_event_cnt"
ALARM = "/sys/class/hwmon/hwmon1/in0_lcrit_alarm"
BATTERY = "/sys/class/power_supply/BAT0/status"
STAT = "cpu  {} 0 0 0 0 0 0 {} 0 0\n"
RUNNER_STAT = "900 (a (b) c) S 1 900 900 0 -1 0 0 0 0 0 {} 0 0 0 20 0 1 0 5 1 1\n"


@pytest.fixture
def verdict(tree):
    """Return a function that tells why a measurement is invalid after changes of sensor files."""

    def judge(name, before=None, after=None):
        device = load_device(name)
        first = sample(device, tree(name, before), RUNNER)
        second = sample(device, tree(name, {**(before or {}), **(after or {})}), RUNNER)
        return invalid_because(first, second, device)

    return judge


@pytest.mark.parametrize("name", device_names())
def test_measurement_on_an_idle_board_is_valid(verdict, name):
    assert verdict(name) is None


@pytest.mark.parametrize("name", [name for name in device_names() if name != HOST])
def test_sensor_sample_of_a_board_contains_temperatures_and_frequencies(tree, name):
    reading = sample(load_device(name), tree(name), RUNNER)
    assert all(30.0 < celsius < 60.0 for celsius in reading.temperatures.values())
    assert reading.temperatures
    assert len(reading.frequencies) == load_device(name).table.hardware.cores
    assert all(5e8 < hertz < 3e9 for hertz in reading.frequencies)
    assert reading.memory_available > 2**29
    assert reading.runner_busy == pytest.approx(1.5)


def test_power_rails_are_read_from_both_sensor_drivers(tree):
    assert sample(load_device("jetson"), tree("jetson")).power == {"POM_5V_IN": 2.15}
    orin = sample(load_device("jetson_orin"), tree("jetson_orin"))
    assert orin.power == {"VDD_IN": pytest.approx(5.056 * 0.96)}
    assert orin.power_mode == 0
    assert orin.throttle_events == 3


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("rpi3", {FIRMWARE: "1\n"}, "throttled (under-voltage)"),
        ("rpi4", {FIRMWARE: "50005\n"}, "throttled (under-voltage, throttled)"),
        ("rpi4", {FIRMWARE: "e0008\n"}, "throttled (soft temperature limit)"),
        ("rpi4", {GOVERNOR: "powersave\n"}, "the frequency governor is powersave"),
        ("rpi4", {LIMIT: "600000\n"}, "a core is limited to 600 of its 1800 MHz"),
        ("jetson", {MODE: "pmode:0001\n"}, "the power mode 1 slows the device"),
        ("jetson", {COOLING: "2\n"}, "throttled (cpu-balanced)"),
        ("jetson_orin", {COOLING: "1\n"}, "throttled (cpufreq-cpu0)"),
        ("host", {BATTERY: "Discharging\n"}, "the device runs on its battery"),
        ("rpi3", {"/proc/meminfo": "MemAvailable:   51200 kB\n"}, "50 MiB of memory"),
    ],
)
def test_bad_state_before_or_after_a_measurement_invalidates_its_time(
    verdict, name, changes, reason
):
    assert reason in verdict(name, before=changes)
    assert reason in verdict(name, after=changes)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        (
            "rpi3",
            {FIRMWARE: "50000\n"},
            "throttled during the measurement (under-voltage, throttled)",
        ),
        (
            "rpi5",
            {"/sys/class/hwmon/hwmon3/in0_lcrit_alarm": "1\n"},
            "during the measurement (under-voltage)",
        ),
        ("rpi4", {ALARM: "1\n"}, "throttled during the measurement (under-voltage)"),
        ("jetson_orin", {EVENTS: "2\n"}, "throttled 2 times during the measurement"),
        ("rpi3", {"/proc/vmstat": "pswpin 3\npswpout 4\n"}, "7 pages were swapped"),
    ],
)
def test_throttling_during_a_measurement_invalidates_its_time(verdict, name, changes, reason):
    assert reason in verdict(name, after=changes)
    assert verdict(name, before=changes) is None


def test_powersave_governor_is_valid_only_if_its_driver_still_raises_the_frequency(tree, verdict):
    assert sample(load_device("host"), tree("host")).governors == ("powersave",)
    assert verdict("host") is None
    driver = {
        f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_driver": "acpi-cpufreq\n"
        for core in range(2)
    }
    assert "powersave" in verdict("host", before=driver)


def test_each_reason_for_invalid_times_is_named_once(verdict):
    reason = verdict("jetson", before={MODE: "pmode:0001\n", COOLING: "1\n"})
    assert reason == "throttled (cpu-balanced); the power mode 1 slows the device to save power"


def test_measured_load_of_other_processes_excludes_the_runner(tree):
    device = load_device("rpi4")
    files = {"/proc/stat": STAT.format(1000, 0), "/proc/900/stat": RUNNER_STAT.format(100)}
    later = {"/proc/stat": STAT.format(1900, 100), "/proc/900/stat": RUNNER_STAT.format(600)}
    before = replace(sample(device, tree("rpi4", files), RUNNER), at=0.0)
    after = replace(sample(device, tree("rpi4", later), RUNNER), at=5.0)
    # Within 5 s, all cores together were busy for 10 s: 5 s by the runner, and 1 s was stolen by
    # other guests.
    assert foreign_load(before, after) == pytest.approx(1.0)
    assert invalid_because(before, after, device) == (
        "other processes kept 1.0 cores busy, but only 0.3 are allowed"
    )
    assert foreign_load(before, replace(after, at=0.0)) is None
    assert foreign_load(replace(before, runner_busy=None), after) is None


def test_load_limit_of_a_short_measurement_allows_for_coarse_cpu_counters(tree):
    device = load_device("rpi4")
    before = replace(sample(device, tree("rpi4")), at=0.0, busy=10.0, runner_busy=1.0)
    after = replace(before, at=0.2, busy=10.21, runner_busy=1.2)
    assert foreign_load(before, after) == 0.0
    assert invalid_because(before, after, device) is None
    crowded = replace(after, busy=10.4)
    assert foreign_load(before, crowded) == pytest.approx(0.75)
    assert "other processes kept 0.8 cores busy" in str(invalid_because(before, crowded, device))


def test_sensor_reading_during_a_measurement_can_invalidate_its_time(tree):
    device = load_device("rpi4")
    calm = sample(device, tree("rpi4"))
    hot = sample(device, tree("rpi4", {FIRMWARE: "8\n"}))
    assert invalid_because(calm, calm, device) is None
    assert "soft temperature limit" in invalid_because(calm, calm, device, [hot])


def test_command_provides_a_sensor_value_if_the_file_is_missing():
    device = load_device("rpi4")
    texts = {"$ vcgencmd get_throttled": "throttled=0x20002\n"}
    reading = circumstances(Reading(at=0.0, cost=0.0, machine="aarch64", texts=texts), device)
    assert reading.throttled == reading.was_throttled == ("frequency capped",)


GARBAGE = ["", "\n", "\0\0", "nonsense", "-", "0x", "99999999999999 x", "nan", "-1", "inf"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_times_of_boards_are_invalid_if_every_sensor_value_is_invalid(tree, garbage):
    for name in device_names():
        device, root = load_device(name), tree(name)
        paths = [path for path in root.rglob("*") if path.is_file()]
        for path in paths:
            path.write_text(garbage, encoding="utf-8")
        reading = sample(device, root, RUNNER)
        assert set(reading.to_dict()) <= {"at", "cost", "governors", "drivers", "load"}
        reason = invalid_because(reading, reading, device)
        if name == HOST:
            assert reason is None
        else:
            assert (
                "it is unknown whether the processor is throttled: no sensor in sensors." in reason
            )
            assert f"{name}.toml" in reason


@pytest.mark.parametrize("garbage", GARBAGE)
def test_invalid_value_of_a_single_sensor_is_ignored(tree, verdict, garbage):
    for path in (FIRMWARE, ALARM):
        assert verdict("rpi4", before={path: garbage}) is None
    for path in (COOLING, EVENTS):
        assert verdict("jetson_orin", before={path: garbage}) is None
    reading = sample(load_device("rpi4"), tree("rpi4", {FIRMWARE: garbage}), RUNNER)
    assert reading.told == ("undervoltage",)


def test_core_without_a_frequency_limit_is_not_reported_as_limited(verdict):
    cores = [f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_max_freq" for core in range(4)]
    fast = "/sys/devices/system/cpu/cpu3/cpufreq/cpuinfo_max_freq"
    changes = {cores[0]: "", fast: "2400000\n", cores[3]: "2400000\n"}
    assert verdict("rpi4", before=changes) is None
    changes[cores[2]] = "600000\n"
    assert "a core is limited to 600 of its 1800 MHz" in verdict("rpi4", before=changes)


@pytest.mark.parametrize("text", ["", "pmode:", "pmode:-1", "pmode:nan", None])
def test_unknown_power_mode_invalidates_times_if_some_modes_save_power(verdict, text):
    reason = verdict("jetson", before={MODE: text})
    assert "the power mode is unknown: sensors.power_mode of" in reason
    assert "models/devices/profiles/jetson.toml gives no value here" in reason


@pytest.mark.parametrize(
    ("millidegrees", "celsius"),
    [("-5000", -5.0), ("99999", 99.999), ("-273200", None), ("2147483647", None), ("nan", None)],
)
def test_impossible_temperature_is_ignored(tree, millidegrees, celsius):
    root = tree("rpi4")
    for file in root.rglob("thermal_zone*/temp"):
        file.write_text(f"{millidegrees}\n", encoding="utf-8")
    seen = sample(load_device("rpi4"), root)
    assert seen.temperatures == ({} if celsius is None else {"cpu-thermal": celsius})


def test_machine_without_sensors_has_no_readings(tmp_path):
    reading = sample(load_device("rpi4"), tmp_path, RUNNER)
    assert set(reading.to_dict()) == {"at", "cost"}


def test_only_sensor_files_named_in_the_profile_are_read():
    assert not any("hwmon" in pattern for pattern in patterns(load_device(HOST)))
    assert any("oc*_event_cnt" in pattern for pattern in patterns(load_device("jetson_orin")))


def test_sensors_are_read_before_during_and_after_a_measurement():
    device = load_device(HOST)
    with Watch(device, os.getpid(), every=0.1) as watch:
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            math.sqrt(2.0)
    first, last = watch.readings[0], watch.readings[-1]
    assert len(watch.readings) > 4
    assert 1.0 < last.at - first.at < 30.0
    assert last.runner_busy > first.runner_busy
    assert foreign_load(first, last) is not None
    # Reading the sensors takes a few milliseconds per second.
    assert 0.0 < watch.cost < 0.5
    assert watch.to_dict()["readings"] == len(watch.readings)


@pytest.fixture
def started():
    """Return the watchers that `programs` has started."""
    return []


@pytest.fixture
def programs(started):
    """Return programs that are started two at a time."""

    def start(program):
        started.append(watch_here(program))
        return started[-1]

    with contextlib.closing(_Programs(start, 2)) as every:
        yield every


def test_watchers_that_no_watch_has_used_are_ended(programs, started):
    with Watch(load_device(HOST), None, start=programs.next) as watch:
        pass
    assert len(watch.readings) == len(started) == 2
    assert any(channel.lives for channel in started)
    programs.close()
    assert not any(channel.lives for channel in started)


def test_watcher_that_has_ended_before_its_use_is_replaced(programs, started):
    with Watch(load_device(HOST), None, start=programs.next):
        pass
    (unused,) = (channel for channel in started if channel.lives)
    unused.kill()
    unused.wait(5.0)
    with Watch(load_device(HOST), None, start=programs.next):
        assert len(started) == 3
