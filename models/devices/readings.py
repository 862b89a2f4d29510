"""Check the readings of the watcher before they are used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import msgspec

from models.errors import EdgeproofError
from models.runtime.remote_shell import NAME_PYTHON

if TYPE_CHECKING:
    from models.runtime.transports import Channel

# Longest line in bytes: a board's files have a few kilobytes, so the watcher never prints a longer
# line.
LONGEST_LINE = 1 << 22
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of a device's files at one time.

    Attributes:
        at: time of the reading, in seconds on the device's monotonic clock.
        cost: duration of the reading in seconds.
        machine: the kernel's name of the architecture.
        texts: contents of files by path, and outputs of commands by their words.
        asked: whether the reading was requested; otherwise it was taken periodically.
    """

    at: Seconds
    cost: Seconds
    machine: Annotated[str, msgspec.Meta(max_length=100)]
    texts: dict[str, str]
    asked: bool = True


def read_reading(channel: Channel, seconds: float) -> Reading | None:
    """Return the next reading of a watcher; None if the watcher has ended.

    Args:
        channel: the channel to the watcher.
        seconds: time limit, after which the watcher is killed.

    Raises:
        EdgeproofError: the line is not a valid reading; the message quotes it and names the device.
    """
    line = channel.read_line(seconds, LONGEST_LINE)
    if not line:
        return None
    try:
        reading = msgspec.json.decode(line, type=Reading)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _no_reading(channel, line, str(error)) from None
    if not (math.isfinite(reading.at) and math.isfinite(reading.cost)):
        raise _no_reading(channel, line, "its times are not finite")
    return reading


def _no_reading(channel: Channel, line: bytes, reason: str) -> EdgeproofError:
    start = line[:100].decode("utf-8", "replace").strip()
    return EdgeproofError(
        f"the device's Python printed something other than its sensors' values: {start!r} "
        f"({reason})",
        file=channel.where,
        remedy=f"{NAME_PYTHON}; this Python must print nothing when it starts",
    )
