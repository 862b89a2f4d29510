"""The table of faults and gates holds all there are, of every kind."""

from __future__ import annotations

from models.store import PROJECT
from suites.meta.gates.faults_in_code import FAULTS
from suites.meta.gates.table import PLANTED, table


def test_the_table_names_every_fault_and_its_gate():
    written = table()
    for faults in (*PLANTED.values(), FAULTS):
        for name, fault in faults.items():
            (row,) = [line for line in written.splitlines() if line.startswith(f"| {name} |")]
            assert fault.gate.split("::")[1] in row


def test_there_are_faults_of_every_kind():
    kinds = {"data", "training", "conversion", "runtime", "transport"}
    kinds |= {"statistics", "budgets", "baselines", "reports"}
    assert kinds <= {*PLANTED, *(fault.room for fault in FAULTS.values())}


def test_the_tests_that_faults_name_are_there():
    for fault in FAULTS.values():
        file, test = fault.gate.split("::")
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8"), fault.gate
