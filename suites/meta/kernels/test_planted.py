"""Wrong kernels are detected only in families with their operator; correct kernels in none."""

from __future__ import annotations

import pytest

from models.kernels.choices import RandomChoices
from models.kernels.families.all_families import FAMILIES
from models.kernels.searching import judged, search_by_seeds
from suites.meta.kernels.false_alarms import false_alarms
from suites.meta.kernels.planted import WRONG, Kernels

SEEDS = range(150)


def families_with(operator):
    """Return the families that draw graphs with an operator, and those that do not."""
    inside, outside = [], []
    for family in FAMILIES.values():
        graph = family.draw(RandomChoices(1)).graph
        names = {node.operator for node in graph.nodes}
        (inside if operator in names else outside).append(family)
    return inside, outside


@pytest.mark.parametrize("name", WRONG)
def test_wrong_kernel_is_detected_only_in_tests_of_its_operator(name):
    wrong = WRONG[name]
    inside, outside = families_with(wrong.operator)
    assert any(search_by_seeds(family, wrong, SEEDS).deviating for family in inside)
    deviating = [
        family.name for family in outside if search_by_seeds(family, wrong, range(1)).deviating
    ]
    assert deviating == []


def test_correct_kernels_show_no_deviation():
    wrong = [
        (family.name, seed)
        for family in FAMILIES.values()
        for seed in range(4)
        if judged(case := family.draw(RandomChoices(seed)), Kernels().answer(case))
    ]
    assert wrong == []


def test_permitted_rounding_differences_are_not_reported_as_deviations():
    """Kernels may sum in any order, and round integers once or twice."""
    examples, alarms = false_alarms(1500)
    assert examples == 1500
    assert alarms == []
