"""Run `python -m models.verdicts calibrate`: measure the error rates of the latency gate."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from models.calibration.network import dense_network
from models.calibration.races import Calibrator, Comparison, cores_beside_one, other_cores_busy
from models.errors import UsageMistake
from models.files.regular_files import read_regular
from models.progress import Progress
from models.runtime.available import absent_backends, available_backends
from models.verdicts.intervals import proportion_interval

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BUILT_IN = "built-in network of dense layers"
DIGITS = 6
# Share of races that would detect a slowdown of the reported size
# (`smallest_visible_regression`).
VISIBLE = 0.95

# Maximum size of a FlatBuffer in bytes, because its offsets have 32 bits including the sign.
_LARGEST = 1 << 31


def calibrate(
    *, comparisons: int, slowdown: float, variant: Path | None, backend: str | None
) -> dict[str, Any]:
    """Measure the rate of false positives and the power of the latency gate.

    Comparisons of a file with itself alternate with comparisons of the file with a slowed copy.

    Args:
        comparisons: number of comparisons of each kind, at least one.
        slowdown: additional time of the slowed copy, as a share of its own time.
        variant: path of a FlatBuffer; None for the built-in network.
        backend: name of the backend; None for the first that can run here.

    Raises:
        UsageMistake: the file or the backend does not exist, or a number is out of range.
        RunnerRefused: the backend refuses the file.
    """
    _check(comparisons, slowdown)
    content = _content(variant)
    calibrator = Calibrator(content, _backend(backend))
    load_before, started, busy = os.getloadavg()[0], time.monotonic(), cores_beside_one()
    progress = Progress(sys.stderr)
    progress.say(
        f"{comparisons} comparisons of {variant or BUILT_IN} with itself and as many with itself "
        f"{slowdown:.1%} slower, {busy} other core(s) kept busy"
    )
    same, slowed = [], []
    with other_cores_busy(busy):
        for turn in range(comparisons):
            same.append(calibrator.comparison(seed=turn))
            slowed.append(calibrator.comparison(slowdown, seed=turn))
            progress.tick(_so_far(same, slowed, comparisons, time.monotonic() - started))
    return {
        **_rate("false_positive_rate", same),
        **_rate("power", slowed),
        "comparisons": comparisons,
        "slowdown": slowdown,
        **_floors(same),
        "reruns": {"same": _reruns(same), "slowed": _reruns(slowed)},
        "flatbuffer": {
            "file": BUILT_IN if variant is None else str(variant),
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        },
        "circumstances": {
            "backend": calibrator.backend,
            "cores": os.cpu_count(),
            "cores_kept_busy": busy,
            "load_before": load_before,
            "load_after": os.getloadavg()[0],
            "seconds": round(time.monotonic() - started, 1),
        },
    }


def _rate(name: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return the share of comparisons that claimed a regression, with the exact 95 % interval."""
    claimed = sum(comparison.claimed for comparison in comparisons)
    low, high = proportion_interval(claimed, len(comparisons))
    return {
        name: round(claimed / len(comparisons), DIGITS),
        f"{name}_interval": [round(low, DIGITS), round(high, DIGITS)],
    }


def _floors(same: Sequence[Comparison]) -> dict[str, Any]:
    """Return the noise floors, and the slowdown that a share `VISIBLE` of races would detect."""
    races = [comparison.races[0] for comparison in same]
    floors = np.array([race.noise_floor for race in races])
    # A slowdown multiplies the whole interval of the ratio. It is detected if the interval's lower
    # end exceeds 1 plus the noise floor.
    needed = [(1.0 + race.noise_floor) * race.ratio.value / race.ratio.low for race in races]
    return {
        "noise_floor": round(float(np.median(floors)), DIGITS),
        "noise_floor_range": [round(float(end), DIGITS) for end in (floors.min(), floors.max())],
        "smallest_visible_regression": round(float(np.quantile(needed, VISIBLE)) - 1.0, DIGITS),
    }


def _reruns(comparisons: Sequence[Comparison]) -> int:
    return sum(len(comparison.races) > 1 for comparison in comparisons)


def _so_far(
    same: Sequence[Comparison], slowed: Sequence[Comparison], of: int, seconds: float
) -> str:
    remaining = seconds / len(same) * (of - len(same))
    return (
        f"{len(same)} of {of}: {sum(comparison.claimed for comparison in same)} false positives, "
        f"{sum(comparison.claimed for comparison in slowed)} slowdowns detected, "
        f"about {remaining:.0f} s to go"
    )


def _check(comparisons: int, slowdown: float) -> None:
    if comparisons < 1:
        raise UsageMistake(
            f"{comparisons} comparisons are too few to measure a rate",
            key="--comparisons",
            remedy="Give at least 1; 200 is the default",
        )
    if not 0.0 < slowdown <= 1.0:
        raise UsageMistake(
            f"a slowdown of {slowdown:.0%} is out of range",
            key="--slowdown",
            remedy='Give a slowdown above 0 and at most 100 %, for example "10 %"',
        )


def _content(variant: Path | None) -> bytes:
    if variant is None:
        return dense_network()
    try:
        return read_regular(variant, _LARGEST)
    except OSError as error:
        raise UsageMistake(
            f"cannot be read ({error.strerror})",
            file=variant,
            key="--variant",
            remedy="Give a readable FlatBuffer, or remove the option to time a built-in network",
        ) from None


def _backend(name: str | None) -> str:
    installed = [backend.name for backend in available_backends()]
    if name in installed or (name is None and installed):
        return name or installed[0]
    reasons = "; ".join(backend.reason for backend in absent_backends())
    raise UsageMistake(
        f"{f'{name} cannot' if name else 'no backend can'} answer here "
        f"({reasons or 'it is not a backend'})",
        key="--backend",
        remedy="Install ai-edge-litert, or give an installed backend: "
        f"{', '.join(installed) or 'none'}",
    )
