"""Shipped device profiles are valid, and an error names the mistake in any other profile."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.devices.check import JUDGED, check_device
from models.devices.profile import FOLDER, device_names, load_device
from models.errors import UsageMistake
from models.store import PROJECT

RPI4 = (FOLDER / "rpi4.toml").read_text(encoding="utf-8")


@pytest.fixture
def changed(tmp_path):
    """Return a function that loads and checks the profile of rpi4 with a replaced text."""

    def load(old, new):
        assert old in RPI4
        path = tmp_path / "board.toml"
        path.write_text(RPI4.replace(old, new, 1), encoding="utf-8")
        device = load_device(str(path))
        check_device(device)
        return device

    return load


@pytest.mark.parametrize("name", device_names())
def test_every_shipped_profile_passes_the_profile_checker(name):
    check_device(load_device(name))


def test_all_documented_devices_have_a_shipped_profile():
    assert {"rpi3", "rpi4", "rpi5", "jetson", "jetson_orin", "host"} <= set(device_names())


@pytest.mark.parametrize("name", device_names())
def test_every_device_has_the_papers_budget_and_a_stricter_one(name):
    device = load_device(name)
    assert device.paper["texts_per_second"].value == 1.0
    assert device.budgets["texts_per_second"].value >= 5.0
    assert set(JUDGED) <= set(device.budgets)


@pytest.mark.parametrize("name", ["jetson", "jetson_orin", "rpi4", "rpi5"])
def test_gpu_backends_of_boards_are_measured_but_not_judged(name):
    table = load_device(name).table
    assert {"litert-gpu", "litert-gpu-float16"} <= set(table.looked_at)
    assert not [backend for backend in table.backends if "gpu" in backend]


def test_one_profile_file_defines_a_new_device(changed):
    device = changed("Raspberry Pi 4 *", "My Board *")
    assert device.name == "board"
    assert device.core() == ("aarch64", "cortex-a72")


def test_profile_quantities_are_converted_to_base_units():
    device = load_device("rpi4")
    assert device.memory == 2**30
    assert device.budgets["latency_p90"].value == 0.07
    assert device.budgets["latency_p90"].key == "budgets.latency_p90.max"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('max = "70 ms"', 'max = "70"', "budgets.latency_p90.max"),
        ('max = "70 ms"', 'max = "70 MB"', "budgets.latency_p90.max"),
        ('max = "70 ms"', 'min = "70 ms"', "budgets.latency_p90"),
        ('max = "70 ms"', 'max = "0 ms"', "budgets.latency_p90.max"),
        ("[budgets.latency_p90]", "[budgets.latency_p77]", "budgets.latency_p77"),
        ("[budgets.latency_p90]", "[budgets.latency_p50]", "budgets.latency_p90"),
        ('min = "15 texts/s"', 'min = "0.5 texts/s"', "budgets.texts_per_second"),
        ('memory = "1 GiB"', 'memory = "1"', "hardware.memory"),
        ('memory = "1 GiB"', 'memory = "200 MiB"', "budgets.peak_rss"),
        ('core = "cortex-a72"', 'core = "max"', "emulation.aarch64.core"),
        ("[emulation.aarch64]", "[emulation.riscv64]", "emulation"),
        ("threads = 4", "threads = 8", "threads"),
        ("threads = 4", "threads = 0", "threads"),
        ("[paper.texts_per_second]", "[paper.cold_start]", "paper.cold_start"),
        ("foreign_load = 0.3", "foreign_load = -1.0", "validity.foreign_load"),
        ("foreign_load = 0.3", "foreign_lode = 0.3", "validity"),
        ("foreign_load = 0.3", "", "validity.foreign_load"),
        ("foreign_load = 0.3", "foreign_load = 4.0", "validity.foreign_load"),
        ("foreign_load = 0.3", "foreign_load = 1000.0", "validity.foreign_load"),
    ],
)
def test_error_in_a_device_profile_names_file_and_key(changed, old, new, key):
    with pytest.raises(UsageMistake) as caught:
        changed(old, new)
    assert caught.value.key is not None
    assert caught.value.key.startswith(key)
    assert "board.toml" in str(caught.value)


def test_error_on_an_unknown_device_lists_the_known_devices():
    with pytest.raises(UsageMistake, match=", ".join(sorted(device_names()))) as caught:
        load_device("rpi9")
    assert caught.value.exit_code == 4


def test_emulating_a_device_without_an_emulated_core_is_an_error():
    with pytest.raises(UsageMistake, match="host cannot be emulated"):
        load_device("host").core()
    with pytest.raises(UsageMistake, match="cannot be emulated as armv7"):
        load_device("rpi4").core("armv7")
    assert load_device("rpi3").core("armv7") == ("armv7", "cortex-a7")


def test_check_command_accepts_shipped_profiles_and_rejects_an_invalid_one(tmp_path):
    command = [sys.executable, "-m", "models.devices", "check"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(device_names())
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("threads = 1", encoding="utf-8")
    done = subprocess.run(
        [*command, str(wrong)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "wrong.toml" in done.stderr


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("firmware_command", '["sh", "-c", "id"]'), "sensors.firmware_command"),
        (("firmware_command", '["vcgencmd", "set_config"]'), "sensors.firmware_command"),
        (("firmware_command", '["/tmp/vcgencmd", "get_throttled"]'), "sensors.firmware_command"),
        (("firmware_command", '["vcgencmd", "get_throttled", "more"]'), "sensors.firmware_command"),
        (("firmware", '"/etc/ssh/ssh_host_key"'), "sensors.firmware"),
        (("firmware", '"/sys/../etc/*"'), "sensors.firmware"),
        (("firmware", '"/proc/**/environ"'), "sensors.firmware"),
        (("power_mode", '"relative/file"'), "sensors.power_mode"),
    ],
)
def test_rejects_profile_that_reads_or_runs_anything_not_allowed(change, key, tmp_path):
    name, value = change
    lines = (FOLDER / "rpi4.toml").read_text("utf-8").splitlines()
    changed = [line for line in lines if not line.startswith(f"{name} =")]
    changed.insert(changed.index("[sensors]") + 1, f"{name} = {value}")
    (tmp_path / "mine.toml").write_text("\n".join(changed), "utf-8")
    with pytest.raises(UsageMistake) as refused:
        load_device(str(tmp_path / "mine.toml"))
    assert refused.value.key == key
    assert "mine.toml" in str(refused.value)


def test_firmware_command_suggested_by_an_error_is_accepted(tmp_path):
    shipped = (FOLDER / "rpi4.toml").read_text("utf-8")
    text = shipped.replace('["vcgencmd", "get_throttled"]', '["id"]')
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    with pytest.raises(UsageMistake) as refused:
        load_device(str(tmp_path / "mine.toml"))
    suggested = refused.value.remedy.partition("Write ")[2].partition(", or name")[0]
    (tmp_path / "mine.toml").write_text(
        text.replace('["id"]', suggested.replace("'", '"')), "utf-8"
    )
    assert load_device(str(tmp_path / "mine.toml")).table.sensors.firmware_command


def test_rejects_profile_with_too_many_threads(tmp_path):
    text = (FOLDER / "rpi4.toml").read_text("utf-8").replace("threads = 4", "threads = 1000000")
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    with pytest.raises(UsageMistake, match=r"mine\.toml: threads"):
        load_device(str(tmp_path / "mine.toml"))
