"""A device profile may name files of the kernel, but none in the folder of a process."""

from __future__ import annotations

import pytest

from models.devices.profile import load_device
from models.errors import UsageMistake
from models.store import PROJECT

PROFILE = (PROJECT / "models" / "devices" / "profiles" / "rpi4.toml").read_text(encoding="utf-8")


def profile(tmp_path, path):
    file = tmp_path / "board.toml"
    line_of_firmware = next(line for line in PROFILE.splitlines() if line.startswith("firmware = "))
    file.write_text(PROFILE.replace(line_of_firmware, f'firmware = "{path}"'), encoding="utf-8")
    return load_device(str(file))


@pytest.mark.parametrize(
    "path",
    [
        "/proc/1/root/etc/shadow",
        "/proc/self/cwd/.netrc",
        "/proc//self/environ",
        "/proc/thread-self/root/etc/shadow",
        "/proc/self",
        "/proc/*/environ",
        "/proc/[1]/environ",
        "/proc/?/environ",
        "/proc/sel*/root/etc/shadow",
    ],
)
def test_rejects_sensor_path_inside_the_folder_of_a_process(tmp_path, path):
    with pytest.raises(UsageMistake, match="will not read") as refused:
        profile(tmp_path, path)
    assert refused.value.key == "sensors.firmware"
    assert "outside of any process's folder" in refused.value.remedy


@pytest.mark.parametrize("path", ["/proc/loadavg", "/proc/device-tree/model", "/sys/class/*/temp1"])
def test_sensor_path_that_describes_the_machine_is_accepted(tmp_path, path):
    assert profile(tmp_path, path).table.sensors.firmware == path
