"""Parse quantities as people write them ("4.1 points", "8.4 MB") into canonical values.

Canonical units are fractions, seconds, bytes, ratios, texts per second, instructions, logits and
nats; all values are floats. Factors are decimal, so that "4.1 points" is exactly the float 0.041.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from models import former_names
from models.errors import UsageMistake

if TYPE_CHECKING:
    from pathlib import Path

# Percentages below this are rejected, because they are probably fractions: someone who wrote "0.041
# points" meant 4.1.
SMALLEST_PERCENTAGE = Decimal("0.1")
# Values below this are written with two significant digits.
SMALL = 0.01


class Unit(StrEnum):
    """The canonical unit of a value, spelled as results.json spells it."""

    FRACTION = "fraction"
    BYTES = "bytes"
    SECONDS = "seconds"
    RATIO = "ratio"
    PER_SECOND = "1/s"
    INSTRUCTIONS = "instructions"
    LOGITS = "logits"
    NATS = "nats"


class Spelling(NamedTuple):
    """The meaning of a written unit: `factor` times the canonical `unit`."""

    unit: Unit
    factor: Decimal


SPELLINGS = {
    "fraction": Spelling(Unit.FRACTION, Decimal(1)),
    "%": Spelling(Unit.FRACTION, Decimal("0.01")),
    "points": Spelling(Unit.FRACTION, Decimal("0.01")),
    "bytes": Spelling(Unit.BYTES, Decimal(1)),
    "kB": Spelling(Unit.BYTES, Decimal(10) ** 3),
    "MB": Spelling(Unit.BYTES, Decimal(10) ** 6),
    "GB": Spelling(Unit.BYTES, Decimal(10) ** 9),
    "KiB": Spelling(Unit.BYTES, Decimal(2) ** 10),
    "MiB": Spelling(Unit.BYTES, Decimal(2) ** 20),
    "GiB": Spelling(Unit.BYTES, Decimal(2) ** 30),
    "us": Spelling(Unit.SECONDS, Decimal("0.000001")),
    "ms": Spelling(Unit.SECONDS, Decimal("0.001")),
    "s": Spelling(Unit.SECONDS, Decimal(1)),
    "min": Spelling(Unit.SECONDS, Decimal(60)),
    "ratio": Spelling(Unit.RATIO, Decimal(1)),
    "x": Spelling(Unit.RATIO, Decimal(1)),
    "texts/s": Spelling(Unit.PER_SECOND, Decimal(1)),
    "1/s": Spelling(Unit.PER_SECOND, Decimal(1)),
    "instructions": Spelling(Unit.INSTRUCTIONS, Decimal(1)),
    "Minstructions": Spelling(Unit.INSTRUCTIONS, Decimal(10) ** 6),
    "logits": Spelling(Unit.LOGITS, Decimal(1)),
    "nats": Spelling(Unit.NATS, Decimal(1)),
}

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_WRITTEN = re.compile(rf"\s*({_NUMBER})(?:\s+|(?=[A-Za-z%]))(\S+)\s*")
_EXAMPLES = {
    Unit.FRACTION: '"98 %"',
    Unit.BYTES: '"8.4 MB"',
    Unit.SECONDS: '"25 ms"',
    Unit.RATIO: '"1.2 x"',
    Unit.PER_SECOND: '"1 texts/s"',
    Unit.INSTRUCTIONS: '"33.1 Minstructions"',
    Unit.LOGITS: '"0.3 logits"',
    Unit.NATS: '"0.001 nats"',
}


def _units_of(unit: Unit, *, difference: bool) -> list[str]:
    """Return the written units that are allowed for a canonical unit.

    A fraction is written in percent, but a difference of fractions in points, because a drop of
    "4.1 %" could mean points or a relative change.
    """
    refused = "%" if difference else "points"
    return [
        name for name, spelling in SPELLINGS.items() if spelling.unit is unit and name != refused
    ]


def parse_quantity(
    text: object,
    unit: Unit,
    *,
    difference: bool = False,
    file: Path | str | None = None,
    key: str | None = None,
) -> float:
    """Convert a written quantity to its canonical value.

    Args:
        text: the value from the file: text with a number and a unit.
        unit: canonical unit of the result.
        difference: whether the value is a difference of fractions, which is written in points and
            may be negative.
        file: path of the file, for messages.
        key: key in the file, for messages.

    Returns:
        The value in `unit`.

    Raises:
        UsageMistake: number or unit is missing, the unit is unknown or of another dimension, the
            number is not finite, or is negative although it must not be, or a fraction was written
            in place of a percentage.
    """
    example = '"4.1 points"' if difference else _EXAMPLES[unit]
    match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UsageMistake(
            f"{text!r} is not a finite number with a unit",
            file=file,
            key=key,
            remedy=f"Write a number with a unit in quotes, for example {example}",
        )
    number, name = Decimal(match[1]), match[2]
    units = _units_of(unit, difference=difference)
    if name not in units:
        problem = "does not fit here" if name in SPELLINGS else "is not known"
        raise UsageMistake(
            f"the unit {name!r} of {text!r} {problem}",
            file=file,
            key=key,
            remedy=former_names.remedy_for(
                name, former_names.UNITS, f"Use one of {', '.join(units)}, like {example}"
            ),
        )
    value = float(number * SPELLINGS[name].factor)
    if not math.isfinite(value):
        raise UsageMistake(
            f"{text!r} is implausibly large",
            file=file,
            key=key,
            remedy=f"Check the number and its unit; a usual value is {example}",
        )
    if value < 0.0 and not difference:
        raise UsageMistake(
            f"{text!r} is negative, which this value cannot be",
            file=file,
            key=key,
            remedy=f"Write a positive number, for example {example}",
        )
    if name in {"%", "points"} and 0 < abs(number) < SMALLEST_PERCENTAGE:
        raise UsageMistake(
            f"{text!r} looks like a fraction, but a percentage is expected",
            file=file,
            key=key,
            remedy=f'Write "{(number * 100).normalize():f} {name}", or "{value!r} '
            'fraction" if the value is really so small',
        )
    return value


def human(value: float, unit: Unit, *, difference: bool = False, exact: bool = True) -> str:
    """Write a canonical value for people: "1.2 points", "84.1 %", "8,378,547 bytes", "3.21 ms"."""
    return human_interval(value, None, unit, difference=difference, exact=exact)


def human_interval(
    value: float,
    ends: tuple[float, float] | None,
    unit: Unit,
    *,
    difference: bool = False,
    exact: bool = True,
) -> str:
    """Write a value and its interval: "1.2 points [0.4, 2.1]"; "?" for an infinite end.

    Args:
        value: the value in its canonical unit.
        ends: ends of its interval; None if it has none.
        unit: the canonical unit.
        difference: whether the value is a difference of fractions.
        exact: whether to write all bytes; otherwise sizes are written in MB.
    """
    factor, suffix = 1.0, " bytes"
    if unit is Unit.BYTES and not exact:
        factor, suffix = 1e-6, " MB"
    elif unit is Unit.FRACTION:
        factor, suffix = 100.0, " points" if difference else " %"
    elif unit is Unit.SECONDS:
        factor, suffix = (1.0, " s") if abs(value) >= 1.0 else (1000.0, " ms")
    elif unit is Unit.RATIO:
        suffix = "x"
    elif unit is Unit.PER_SECOND:
        suffix = " texts/s"
    elif unit in {Unit.INSTRUCTIONS, Unit.LOGITS, Unit.NATS}:
        suffix = f" {unit}"
    shown_value = f"{_digits(factor * value)}{suffix}"
    if ends is None:
        return shown_value
    low, high = (_digits(factor * end) if math.isfinite(end) else "?" for end in ends)
    return f"{shown_value} [{low}, {high}]"


def _digits(value: float) -> str:
    """Return four significant digits or all before the point, without exponent or trailing zeros.

    A value below 0.01 gets two significant digits.
    """
    integer_digits = len(str(int(abs(value))))
    decimals = max(0, 4 - integer_digits)
    if 0.0 < abs(value) < SMALL:
        decimals = 1 - math.floor(math.log10(abs(value)))
    text = f"{value:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text
