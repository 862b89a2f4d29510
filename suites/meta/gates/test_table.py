"""The table of faults and gates is complete."""

from __future__ import annotations

import pytest

from fixtures.selecting.extent import every_gate
from models.store import PROJECT
from reports.documents.faults import PlantedFault, Seen, read_faults, write_faults
from suites.meta.gates.faults_in_code import FAULTS
from suites.meta.gates.running import ROOMS, run_pytest
from suites.meta.gates.table import PLANTED, keep, main, planted, table

RED = Seen(outcome="red", said="fail: it is", when="2024-05-06T07:08:09+00:00")
MISSED = Seen(outcome="missed", said="it passed", when="2024-05-07T07:08:09+00:00")


def test_fault_table_names_every_planted_fault_and_its_gate():
    markdown = table()
    for faults in (*PLANTED.values(), FAULTS):
        for name, fault in faults.items():
            (row,) = [line for line in markdown.splitlines() if line.startswith(f"| {name} |")]
            assert fault.gate.split("::")[1] in row


def test_the_documentation_lists_every_gate():
    """Each gate has a row that names the detected error and the planted fault."""
    page = (PROJECT / "docs" / "gates.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    listed = [cells[0] for cells in rows if len(cells) == 3 and "` " in cells[0]]
    gates = {
        f"| `{gate.split('/')[1]}` {gate.partition('::test_')[2]}": gate for gate in every_gate()
    }
    assert {row for row in listed if row.split("` ")[0][3:] in ROOMS} == set(gates)
    assert {fault.gate for fault in planted() if not fault.file} == set(gates.values())


def test_every_kind_of_fault_is_planted():
    kinds = {"data", "training", "conversion", "runtime", "transport"}
    kinds |= {"statistics", "budgets", "baselines", "reports"}
    assert kinds <= {*PLANTED, *(fault.room for fault in FAULTS.values())}


def test_faults_in_code_name_existing_tests():
    for fault in FAULTS.values():
        file, test = fault.gate.split("::")
        assert f"def {test}(" in (PROJECT / file).read_text(encoding="utf-8"), fault.gate


def test_names_of_planted_faults_are_unique():
    names = [fault.name for fault in planted()]
    assert len(names) == len(set(names))


def test_result_of_a_fault_is_preserved_until_the_fault_is_planted_again(tmp_path):
    first, second, third, *_ = planted()
    file = tmp_path / "faults.json"
    moved = PlantedFault(name=third.name, of="", gate="suites/test_other.py::test_it", seen=RED)
    gone = PlantedFault(name="one that was", of="", gate=first.gate, seen=RED)
    write_faults(file, [moved, gone])
    keep(file, {first.name: RED, second.name: RED})
    keep(file, {second.name: MISSED})
    results = {fault.name: fault.seen for fault in read_faults(file)}
    assert list(results) == [fault.name for fault in planted()]
    assert {name: result for name, result in results.items() if result} == {
        first.name: RED,
        second.name: MISSED,
    }


def test_table_command_writes_the_page_and_the_data_for_the_report(tmp_path, capsys):
    (tmp_path / "faults.json").write_text("of another time")
    assert main([str(tmp_path / "faults.md")]) == 0
    assert (tmp_path / "faults.md").read_text(encoding="utf-8") == table()
    assert read_faults(tmp_path / "faults.json") == planted()
    assert main([]) == 4
    assert "See python -m suites.meta.gates.table --help" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "file" / "faults.md")]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_result_of_a_fault_is_stored_for_the_report(arguments, tmp_path):
    name = "a report that holds text for a number"
    tests = "suites/meta/gates/test_faults_in_code.py"
    outcome = run_pytest(tmp_path, [tests, "-k", name.replace(" ", " and "), *arguments])
    assert outcome.code == 0, outcome.output
    (ended,) = [fault for fault in read_faults(tmp_path / "faults.json") if fault.seen]
    assert ended.name == name
    assert ended.seen.outcome == "red"
    assert ended.seen.said == "DID NOT RAISE EdgeproofError"
    assert f"planted faults: 1 are in {tmp_path / 'faults.json'}" in outcome.output
