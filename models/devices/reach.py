"""Limit the files and commands of a device profile, which may come from anybody.

A command in a profile is run on every machine on which the profile is used. So a profile can only
choose among commands that are known to change nothing, and can only name files of the kernel and of
system settings, never those of a user.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.errors import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.devices.profile import DeviceTable

# These commands print one word and change nothing:
# https://www.raspberrypi.com/documentation/computers/os.html
FIRMWARE_COMMANDS = tuple(
    (f"{folder}vcgencmd", "get_throttled") for folder in ("", "/usr/bin/", "/opt/vc/bin/")
)
# Folders of processes, including the reading process: the links in them can lead to any file.
_OF_A_PROCESS = re.compile(r"/proc/+(?:[^/]*[\d*?\[][^/]*|self|thread-self)(?:/|$)")
SENSORS_BELOW = ("/proc/", "/sys/")
SYSTEM_BELOW = (*SENSORS_BELOW, "/etc/")


def check_reach(table: DeviceTable, file: str) -> None:
    """Check the files and commands of a profile.

    Raises:
        UsageMistake: a file or command is not allowed; the message names file and key.
    """
    command = table.sensors.firmware_command
    if command and command not in FIRMWARE_COMMANDS:
        raise UsageMistake(
            f"edgeproof will not run {' '.join(command)!r}: a profile can come from "
            "an untrusted source",
            file=file,
            key="sensors.firmware_command",
            remedy=f"Write {list(FIRMWARE_COMMANDS[0])}, or name a file with the command's "
            "output under sensors.firmware",
        )
    for key, path, below in _paths(table):
        leads_elsewhere = ".." in path or "**" in path or _OF_A_PROCESS.match(path)
        if not path.startswith(below) or leads_elsewhere:
            raise UsageMistake(
                f"edgeproof will not read {path!r}: a profile can come from an untrusted source",
                file=file,
                key=key,
                remedy=f"Name a file below {', '.join(below)}, without .. and **, and "
                "outside of any process's folder",
            )


def _paths(table: DeviceTable) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (key, path, allowed folders) for every file that a profile names."""
    sensors = table.sensors
    for key, path in (("firmware", sensors.firmware), ("power_mode", sensors.power_mode)):
        if path:
            yield f"sensors.{key}", path, SENSORS_BELOW if key == "firmware" else _POWER_MODE_BELOW
    for path in table.recognition.files if table.recognition else ():
        yield "recognition.files", path, SYSTEM_BELOW


# nvpmodel stores its state below /var/lib.
_POWER_MODE_BELOW = (*SENSORS_BELOW, "/var/lib/nvpmodel/")
