"""Watch a device during a measurement: read its state before, during and after."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from models.devices.circumstances import (
    Circumstances,
    circumstances,
    commands,
    invalid_because,
    patterns,
)
from models.devices.readings import read_reading
from models.devices.recognition import WATCHER_FILE
from models.errors import EdgeproofError
from models.runtime.transports import Channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.devices.profile import Device

_SECONDS_TO_END = 5.0
_SECONDS_TO_ANSWER = 20.0
# Seconds after which a watch ends. The time limits of measurements are shorter.
_LONGEST_WATCH = 24 * 3600.0
_MOST_READINGS = 100_000


def watch_here(program: Path) -> Channel:
    """Start the watcher on this machine, on which local and emulated runners run."""
    # -S: it needs the standard library only, and starts sooner without site-packages.
    return Channel([sys.executable, "-S", str(program)], os.environ)


class Watch:
    """A context manager that reads a device's state before, during and after a measurement.

    Args:
        device: the device.
        pid: process id of the runner on the device; None if the load of other processes does not
            matter.
        start: starts the watcher's program on the runner's machine.
        every: seconds between readings during the measurement; None for readings only before and
            after it.
    """

    def __init__(
        self,
        device: Device,
        pid: int | None,
        *,
        start: Callable[[Path], Channel] = watch_here,
        every: float | None = None,
    ) -> None:
        self._device = device
        self._pid = pid
        self._start = start
        self._every = every
        self._readings: list[Circumstances] = []
        self._asked = threading.Semaphore(0)
        self._channel: Channel | None = None
        self._fault: EdgeproofError | None = None
        self._ended = False

    def __enter__(self) -> Self:
        channel = self._channel = self._start(WATCHER_FILE)
        options = {
            "patterns": patterns(self._device, self._pid),
            "commands": commands(self._device),
            "every": self._every,
        }
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        with suppress(OSError):
            channel.requests.write(json.dumps(options).encode() + b"\n")
            channel.requests.flush()
        # On some boards, a reading clears the record of earlier throttling. So read twice, and keep
        # only the second reading.
        self._ask()
        self._ask()
        del self._readings[:-1]
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            if kind is None:
                self._ask()
        finally:
            self._channel = None
            with suppress(OSError):
                channel.requests.close()
            channel.wait(_SECONDS_TO_END)
            self._reader.join(_SECONDS_TO_END)
            channel.close()

    @property
    def readings(self) -> tuple[Circumstances, ...]:
        """Return the readings: the first just before, the last just after the measurement."""
        return tuple(self._readings)

    @property
    def cost(self) -> float:
        """Return the total duration of the readings during the measurement, in seconds."""
        return sum(reading.cost for reading in self._readings[1:-1])

    def invalid_because(self) -> str | None:
        """Return why the measurement is not valid; None if it is."""
        before, *during, after = self._readings
        return invalid_because(before, after, self._device, during)

    def to_dict(self) -> dict[str, Any]:
        """Return the first and the last reading, the count of readings, and the cost, for JSON."""
        return {
            "before": self._readings[0].to_dict(),
            "after": self._readings[-1].to_dict(),
            "readings": len(self._readings),
            "cost": self.cost,
        }

    def _read(self) -> None:
        """Store readings until the watcher ends, or sends something else."""
        channel = self._channel
        if channel is None:
            return
        try:
            while reading := read_reading(channel, _LONGEST_WATCH):
                if len(self._readings) >= _MOST_READINGS:
                    raise _too_many(channel)
                self._readings.append(circumstances(reading, self._device, self._pid))
                if reading.asked:
                    self._asked.release()
        except EdgeproofError as error:
            self._fault = error
        except ValueError:
            pass  # the channel was closed
        # Wake a caller that waits for a reading, because no more will arrive.
        self._ended = True
        self._asked.release()

    def _ask(self) -> None:
        """Request a reading and wait until it has arrived."""
        channel = self._channel
        if channel is None:
            raise RuntimeError("the watch is used outside its with block")
        with suppress(OSError):
            channel.requests.write(b"\n")
            channel.requests.flush()
        answered = self._asked.acquire(timeout=_SECONDS_TO_ANSWER)
        if self._fault is not None:
            raise self._fault
        if self._ended or not answered:
            raise EdgeproofError(
                f"the device's sensors do not answer ({channel.last_lines(1) or 'no message'})",
                file=channel.where,
                remedy="Check that the device is reachable and that its Python is 3.8 or later",
            )


def _too_many(channel: Channel) -> EdgeproofError:
    return EdgeproofError(
        f"the device sent more than {_MOST_READINGS:,} sensor readings that "
        "edgeproof did not request",
        file=channel.where,
        remedy="Check what the device's Python runs when it starts",
    )
