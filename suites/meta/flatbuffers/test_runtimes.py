"""The minimum runtime follows from a FlatBuffer's operators."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from models.flatbuffers.runtimes import (
    UNKNOWN,
    _table,
    minimum_runtime,
    runtime_needs,
    unknown_operators,
    version_key,
)

if TYPE_CHECKING:
    from models.flatbuffers.structure import FlatBufferReport

    Reports = dict[str, FlatBufferReport]


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        ("float32", "2.3.0"),
        ("float16", "2.3.0"),
        ("dynamic_wi8_afp32", "2.17.0"),
        ("static_wi8_ai8", "2.3.0"),
        # Declares 2.3.0, but runtime 2.14 loads it and gives wrong answers.
        ("quantizer_dynamic_wi8_afp32", "2.17.0"),
        ("quantizer_dynamic_wi4_afp32", "2.17.0"),
        ("quantizer_static_wi8_ai8", "2.3.0"),
        # Declares 2.4.0, but runtime 2.14 loads it and gives wrong answers.
        ("quantizer_static_wi8_ai16", "2.17.0"),
        ("flex", UNKNOWN),
    ],
)
def test_minimum_runtime_version_follows_from_the_operator_versions(
    reports: Reports, name: str, runtime: str
) -> None:
    assert minimum_runtime(reports[name]) == runtime


def test_operator_that_declares_too_low_a_version_is_detected(reports: Reports) -> None:
    needs = runtime_needs(reports["quantizer_dynamic_wi8_afp32"].operators)
    (dense,) = [need for need in needs if need.operator == "FULLY_CONNECTED"]
    assert (dense.declared, dense.version, dense.runtime) == (5, 12, "2.17.0")
    assert dense.understated
    honest = runtime_needs(reports["dynamic_wi8_afp32"].operators)
    assert not [need for need in honest if need.understated]


def test_unknown_operators_and_operator_versions_are_reported(reports: Reports) -> None:
    report = reports["float32"]
    softmax = next(operator for operator in report.operators if operator.name == "SOFTMAX")
    strange = replace(report, operators=(replace(softmax, version=99), *report.operators))
    newer = replace(report, operators=(replace(softmax, name="BUILTIN_999"), *report.operators))
    assert unknown_operators(report) == ()
    assert unknown_operators(strange) == ("SOFTMAX v99",)
    assert unknown_operators(newer) == ("BUILTIN_999 v1",)
    assert minimum_runtime(strange) == minimum_runtime(report)


def test_custom_operators_are_reported_as_unknown_operators(reports: Reports) -> None:
    assert unknown_operators(reports["flex"]) == ("FlexMatrixInverse",)


def test_declared_minimum_runtime_is_used_if_higher_than_the_computed_one(reports: Reports) -> None:
    assert minimum_runtime(replace(reports["float32"], declared_runtime="2.19.0")) == "2.19.0"
    assert minimum_runtime(replace(reports["float32"], declared_runtime="soon")) == "2.3.0"


def test_version_numbers_are_compared_as_numbers() -> None:
    assert version_key("2.14.0") > version_key("2.3.0") > version_key("1.15.0")
    assert version_key("") == version_key("nightly") == ()


def test_table_of_runtimes_is_consistent() -> None:
    table = _table()
    for operator, runtimes in table.runtimes.items():
        versions = [version_key(runtime) for runtime in runtimes if runtime]
        assert all(versions), operator
    for need in table.needs:
        assert need.version <= len(table.runtimes[need.operator]), need
