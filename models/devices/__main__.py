"""Run `python -m models.devices [check FILE...]`: list the devices, or check profiles."""

from __future__ import annotations

import sys

from models.command_line import Parser, run_command
from models.devices.check import check_device
from models.devices.profile import device_names, load_device
from models.devices.recognition import recognize
from models.escaping import one_line


def main() -> int:
    """Run the command line; return the exit code."""
    parser = Parser(prog="python -m models.devices", description=__doc__)
    parser.add_argument("action", nargs="?", choices=("list", "check"), default="list")
    parser.add_argument(
        "profiles", nargs="*", help="names of devices, or TOML files (default: the shipped devices)"
    )
    options = parser.parse_args()
    for name in options.profiles or device_names():
        device = load_device(name)
        if options.action == "check":
            check_device(device)
        sys.stdout.write(f"{one_line(f'{device.name:12} {device.table.description}')}\n")
    if options.action == "list":
        sys.stdout.write(f"this machine is {one_line(recognize().describe())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
