"""Each known deviation applies to generated cases, and has a small stored counterexample."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models.kernels.choices import RandomChoices
from models.kernels.counterexamples import CASE, StoredCase
from models.kernels.deviations import FOLDER, known_deviations
from models.kernels.families.all_families import FAMILIES

LARGEST = 2_000
SEEDS = range(300)
ENTRIES = {deviation.name: deviation for deviation in known_deviations()}


@pytest.mark.parametrize("name", ENTRIES)
def test_each_known_deviation_has_a_small_counterexample(name):
    counterexample = StoredCase(FOLDER / name / CASE)
    assert counterexample.flatbuffer[4:8] == b"TFL3"
    assert len(counterexample.flatbuffer) <= LARGEST


def test_every_stored_counterexample_belongs_to_a_known_deviation():
    assert {folder.name for folder in FOLDER.iterdir()} == set(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_each_known_deviation_applies_to_some_generated_cases(name):
    """An entry with a misspelt operator, kind or fact would apply to no case."""
    entry = ENTRIES[name]
    for operator in entry.operators:
        families = [
            family for family in FAMILIES.values() if entry.covers_family(operator, family.kind)
        ]
        assert [family for family in families if family.operator == operator]
    assert all(any(family.kind == kind for family in FAMILIES.values()) for kind in entry.kinds)
    spoken = [
        family for family in FAMILIES.values() if entry.covers_family(family.operator, family.kind)
    ]
    cases = (family.draw(RandomChoices(seed)) for family in spoken for seed in SEEDS)
    assert any(entry.explains(case.facts, died=entry.ends == "dies") for case in cases)


@pytest.mark.parametrize(
    ("model", "holds"),
    [
        ("ARMv8 Processor rev 4 (v8l)", True),
        ("0xd03", True),
        ("ARMv8 Processor rev 3 (v8l)", False),
        ("0xd08", False),
    ],
)
def test_known_deviation_of_one_processor_does_not_apply_to_another(model, holds):
    entry = ENTRIES["products-uint8-cortex-a53"]
    processor = SimpleNamespace(model=model, features=("asimd", "crc32"))
    info = SimpleNamespace(machine="aarch64", processor=processor, runtime_version="2.3.0")
    assert entry.applies_to("ai_edge_litert", info) is holds
