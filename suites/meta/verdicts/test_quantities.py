"""Quantities are parsed as written, and nonsensical ones are rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import UsageMistake
from models.verdicts.quantities import Unit, human, human_interval, parse_quantity

if TYPE_CHECKING:
    from decimal import Decimal

LEVEL: dict[str, bool] = {}
DIFFERENCE = {"difference": True}
MEASURED = {"exact": False}


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("8378547 bytes", Unit.BYTES, 8378547.0),
        ("8.4 MB", Unit.BYTES, 8.4e6),
        ("8.4MB", Unit.BYTES, 8.4e6),
        ("256 MiB", Unit.BYTES, 256 * 2**20),
        ("25 ms", Unit.SECONDS, 0.025),
        ("2e-3 s", Unit.SECONDS, 0.002),
        ("  150 us ", Unit.SECONDS, 0.00015),
        ("1 texts/s", Unit.PER_SECOND, 1.0),
        ("1 1/s", Unit.PER_SECOND, 1.0),
        ("33.1 Minstructions", Unit.INSTRUCTIONS, 33.1e6),
        ("33010121 instructions", Unit.INSTRUCTIONS, 33010121.0),
        ("0.3 logits", Unit.LOGITS, 0.3),
        ("1.2 ratio", Unit.RATIO, 1.2),
        ("160x", Unit.RATIO, 160.0),
        ("0.98 fraction", Unit.FRACTION, 0.98),
        ("98 %", Unit.FRACTION, 0.98),
        ("98%", Unit.FRACTION, 0.98),
        ("0 %", Unit.FRACTION, 0.0),
        # The smallest percentage that is accepted, because a smaller one may be meant as a
        # fraction.
        ("0.1 %", Unit.FRACTION, 0.001),
        ("0.01 MB", Unit.BYTES, 1e4),
    ],
)
def test_quantity_with_a_unit_is_parsed_to_its_base_unit(
    text: object, unit: Unit, value: float
) -> None:
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("4.1 points", 0.041), ("-1 points", -0.01), ("0 points", 0.0), ("0.0004 fraction", 0.0004)],
)
def test_difference_of_percentages_is_parsed_from_points(text: object, value: float) -> None:
    assert parse_quantity(text, Unit.FRACTION, difference=True) == value


@pytest.mark.parametrize(
    ("text", "unit", "kind", "message"),
    [
        ("4.1", Unit.FRACTION, DIFFERENCE, "'4.1' is not a finite number with a unit"),
        (4.1, Unit.FRACTION, DIFFERENCE, "4.1 is not a finite number with a unit"),
        (True, Unit.RATIO, LEVEL, "True is not a finite number with a unit"),
        ("", Unit.BYTES, LEVEL, "'' is not a finite number with a unit"),
        ("MB", Unit.BYTES, LEVEL, "'MB' is not a finite number with a unit"),
        ("nan MB", Unit.BYTES, LEVEL, "'nan MB' is not a finite number with a unit"),
        ("inf ms", Unit.SECONDS, LEVEL, "'inf ms' is not a finite number with a unit"),
        ("1 000 bytes", Unit.BYTES, LEVEL, "'1 000 bytes' is not a finite number with a unit"),
        (
            "4,1 points",
            Unit.FRACTION,
            DIFFERENCE,
            "'4,1 points' is not a finite number with a unit",
        ),
        ("1e999 bytes", Unit.BYTES, LEVEL, "'1e999 bytes' is implausibly large"),
        ("1e9999 bytes", Unit.BYTES, LEVEL, "is not a finite number with a unit"),
        ("8 parsec", Unit.BYTES, LEVEL, "the unit 'parsec' of '8 parsec' is not known"),
        ("8 mb", Unit.BYTES, LEVEL, "the unit 'mb' of '8 mb' is not known"),
        ("25 ms", Unit.BYTES, LEVEL, "the unit 'ms' of '25 ms' does not fit here"),
        ("4.1 %", Unit.FRACTION, DIFFERENCE, "the unit '%' of '4.1 %' does not fit here"),
        ("98 points", Unit.FRACTION, LEVEL, "the unit 'points' of '98 points' does not fit here"),
        ("-5 MB", Unit.BYTES, LEVEL, "'-5 MB' is negative"),
        ("-5 %", Unit.FRACTION, LEVEL, "'-5 %' is negative"),
        ("0.041 points", Unit.FRACTION, DIFFERENCE, "looks like a fraction, but a percentage is"),
        (
            "-0.041 points",
            Unit.FRACTION,
            DIFFERENCE,
            "looks like a fraction, but a percentage is",
        ),
        ("0.05 %", Unit.FRACTION, LEVEL, "looks like a fraction, but a percentage is expected"),
    ],
)
def test_error_on_an_invalid_quantity_names_file_key_and_remedy(
    text: object, unit: Unit, kind: dict[str, bool], message: str
) -> None:
    with pytest.raises(UsageMistake) as caught:
        parse_quantity(text, unit, **kind, file="mine.toml", key="accuracy.max")
    assert str(caught.value).startswith("mine.toml: accuracy.max: ")
    assert message in str(caught.value)
    assert caught.value.remedy
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("unit", "kind", "example"),
    [
        (Unit.FRACTION, LEVEL, '"98 %"'),
        (Unit.FRACTION, DIFFERENCE, '"4.1 points"'),
        (Unit.BYTES, LEVEL, '"8.4 MB"'),
    ],
)
def test_example_in_a_remedy_is_a_valid_quantity(
    unit: Unit, kind: dict[str, bool], example: str
) -> None:
    for text in (4.1, "4.1 parsec", "1e999 bytes"):
        with pytest.raises(UsageMistake, match=rf"{example}$"):
            parse_quantity(text, unit, **kind)
    assert parse_quantity(example.strip('"'), unit, **kind) > 0.0


def test_remedy_for_a_fraction_written_as_points_shows_the_corrected_value() -> None:
    with pytest.raises(UsageMistake) as caught:
        parse_quantity("0.041 points", Unit.FRACTION, difference=True)
    assert caught.value.remedy == (
        'Write "4.1 points", or "0.00041 fraction" if the value is really so small'
    )


@pytest.mark.parametrize(
    ("value", "unit", "kind", "expected"),
    [
        (0.041, Unit.FRACTION, DIFFERENCE, "4.1 points"),
        (-0.0123456, Unit.FRACTION, DIFFERENCE, "-1.235 points"),
        (0.9795, Unit.FRACTION, LEVEL, "97.95 %"),
        (8378547.0, Unit.BYTES, LEVEL, "8,378,547 bytes"),
        (0.00321, Unit.SECONDS, LEVEL, "3.21 ms"),
        (0.0000321, Unit.SECONDS, LEVEL, "0.032 ms"),
        (2.5, Unit.SECONDS, LEVEL, "2.5 s"),
        (1.0, Unit.SECONDS, LEVEL, "1 s"),
        (0.0, Unit.SECONDS, LEVEL, "0 ms"),
        (100.0, Unit.RATIO, LEVEL, "100x"),
        (159.96, Unit.RATIO, LEVEL, "160x"),
        (12345.6, Unit.PER_SECOND, LEVEL, "12,346 texts/s"),
        (33010121.0, Unit.INSTRUCTIONS, LEVEL, "33,010,121 instructions"),
        (0.0712, Unit.LOGITS, LEVEL, "0.071 logits"),
        (2.86e-6, Unit.LOGITS, LEVEL, "0.0000029 logits"),
        (-0.0, Unit.FRACTION, DIFFERENCE, "0 points"),
        (57_100_000.0, Unit.BYTES, MEASURED, "57.1 MB"),
        (0.0037, Unit.LOGITS, MEASURED, "0.0037 logits"),
        (1.77, Unit.RATIO, MEASURED, "1.77x"),
        (1758.0, Unit.PER_SECOND, MEASURED, "1,758 texts/s"),
        (33010121.0, Unit.INSTRUCTIONS, MEASURED, "33,010,121 instructions"),
    ],
)
def test_value_is_shown_in_a_readable_unit(
    value: float, unit: Unit, kind: dict[str, bool], expected: str
) -> None:
    assert human(value, unit, **kind) == expected


@pytest.mark.parametrize("unit", [unit for unit in Unit if unit is not Unit.BYTES])
def test_units_other_than_bytes_are_never_rounded(unit: Unit) -> None:
    assert human(1.25, unit, exact=False) == human(1.25, unit)


def test_rounded_bytes_are_shown_in_megabytes() -> None:
    ends = (61_558_784.0, 61_718_528.0)
    text = human_interval(61_620_224.0, ends, Unit.BYTES, exact=False)
    assert text == "61.62 MB [61.56, 61.72]"
    assert human(134_217_728.0, Unit.BYTES, exact=False) == "134.2 MB"


def test_interval_is_shown_in_the_unit_of_its_value() -> None:
    assert human_interval(0.9, (0.7, 1.2), Unit.SECONDS) == "900 ms [700, 1,200]"
    assert human_interval(2.0, (0.5, float("inf")), Unit.RATIO) == "2x [0.5, ?]"
    assert human_interval(0.9, (0.8, 0.95), Unit.FRACTION) == "90 % [80, 95]"


@settings(deadline=None)
@given(st.decimals(min_value="0.1", max_value="100", places=3))
def test_percentage_and_equal_fraction_parse_to_one_value(number: Decimal) -> None:
    percent = parse_quantity(f"{number} %", Unit.FRACTION)
    fraction = parse_quantity(f"{number / 100} fraction", Unit.FRACTION)
    assert percent == fraction
