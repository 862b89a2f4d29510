"""The shipped profiles fit their grammar and their checker, and mistakes are named."""

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
    """A function that loads and checks rpi4's profile with a text replaced."""

    def load(old, new):
        assert old in RPI4
        path = tmp_path / "board.toml"
        path.write_text(RPI4.replace(old, new, 1), encoding="utf-8")
        device = load_device(str(path))
        check_device(device)
        return device

    return load


@pytest.mark.parametrize("name", device_names())
def test_every_shipped_profile_passes_its_checker(name):
    check_device(load_device(name))


def test_the_devices_are_those_that_are_promised():
    assert {"rpi3", "rpi4", "rpi5", "jetson", "jetson_orin", "host"} <= set(device_names())


@pytest.mark.parametrize("name", device_names())
def test_every_device_is_judged_by_the_paper_and_by_more(name):
    device = load_device(name)
    assert device.paper["tweets_per_second"].value == 1.0
    assert device.budgets["tweets_per_second"].value >= 5.0
    assert set(JUDGED) <= set(device.budgets)


def test_a_device_takes_one_file(changed):
    device = changed("Raspberry Pi 4 *", "My Board *")
    assert device.name == "board"
    assert device.core() == ("aarch64", "cortex-a72")


def test_quantities_are_canonical():
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
        ('min = "15 tweets/s"', 'min = "0.5 tweets/s"', "budgets.tweets_per_second"),
        ('memory = "1 GiB"', 'memory = "1"', "hardware.memory"),
        ('memory = "1 GiB"', 'memory = "200 MiB"', "budgets.peak_rss"),
        ('core = "cortex-a72"', 'core = "max"', "emulation.aarch64.core"),
        ("[emulation.aarch64]", "[emulation.riscv64]", "emulation"),
        ("threads = 4", "threads = 8", "threads"),
        ("threads = 4", "threads = 0", "threads"),
        ("[paper.tweets_per_second]", "[paper.cold_start]", "paper.cold_start"),
        ("foreign_load = 0.3", "foreign_load = -1.0", "validity.foreign_load"),
        ("foreign_load = 0.3", "foreign_lode = 0.3", "validity"),
        ("foreign_load = 0.3", "", "validity.foreign_load"),
        ("foreign_load = 0.3", "foreign_load = 4.0", "validity.foreign_load"),
        ("foreign_load = 0.3", "foreign_load = 1000.0", "validity.foreign_load"),
    ],
)
def test_a_mistake_names_file_and_key(changed, old, new, key):
    with pytest.raises(UsageMistake) as caught:
        changed(old, new)
    assert caught.value.key is not None
    assert caught.value.key.startswith(key)
    assert "board.toml" in str(caught.value)


def test_an_unknown_device_lists_the_known_ones():
    with pytest.raises(UsageMistake, match="jetson, jetson_orin, rpi3") as caught:
        load_device("rpi9")
    assert caught.value.exit_code == 4


def test_a_device_that_is_not_emulated_says_so():
    with pytest.raises(UsageMistake, match="is not emulated"):
        load_device("host").core()
    with pytest.raises(UsageMistake, match="cannot be emulated as armv7"):
        load_device("rpi4").core("armv7")
    assert load_device("rpi3").core("armv7") == ("armv7", "cortex-a7")


def test_the_checker_runs_by_itself(tmp_path):
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
