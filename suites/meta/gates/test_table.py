"""docs/faults.md is the table of the faults there are."""

from __future__ import annotations

from models.store import PROJECT
from suites.meta.gates.faults_in_code import FAULTS
from suites.meta.gates.table import PLANTED, table


def test_the_table_is_that_of_the_faults():
    written = (PROJECT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert written == table(), "python -m suites.meta.gates.table > docs/faults.md"


def test_there_are_faults_of_every_kind():
    assert sum(map(len, PLANTED.values())) + len(FAULTS) >= 40
    assert {"statistics", "budgets", "baselines", "reports", "transport", "data"} <= {
        fault.room for fault in FAULTS.values()
    }


def test_the_tests_that_faults_name_are_there():
    for fault in FAULTS.values():
        file, test = fault.gate.split("::")
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8"), fault.gate
