"""Without a fault every gate is green, and every gate has a planted fault that turns it red."""

from __future__ import annotations

import ast

from fixtures.selecting.extent import KERNELS
from models.store import PROJECT
from suites.meta.gates import faults_in_checkpoints, faults_in_emulation, faults_in_lengths
from suites.meta.gates.faults_in_backends import ACCELERATOR
from suites.meta.gates.running import GATES
from suites.meta.gates.table import PLANTED

FAULTS = [fault for faults in PLANTED.values() for fault in faults.values()]
# Gates of emulated boards have a clean run of their own, see test_faults_in_emulation.py.
EMULATED = {fault.gate for fault in faults_in_emulation.FAULTS.values()}
# Gates that need a recording, see test_faults_in_recordings.py.
RECORDED = {"suites/tokenization/test_parity.py::test_app_makes_the_same_ids"}
# Gates of checkpoints that PyTorch converted, see suites/meta/huggingface, and of files for several
# row lengths, see test_faults_in_lengths.py.
ELSEWHERE = {
    fault.gate
    for module in (faults_in_checkpoints, faults_in_lengths)
    for fault in module.FAULTS.values()
}

# None of the default backends reports which operators XNNPACK runs, see test_faults_in_backends.py.
TOLD_BY_FEW = {ACCELERATOR}


def gates() -> set[str]:
    """Return the ids, without parameters, of the gates of candidates (not suites/kernels)."""
    gates_found = set()
    for file in sorted((PROJECT / "suites").rglob("test_*.py")):
        name = file.relative_to(PROJECT).as_posix()
        if name.startswith(("suites/meta/", KERNELS)):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                gates_found.add(f"{name}::{node.name}")
    return gates_found


def gate_of(test: str) -> str:
    """Return a test's id without its parameters."""
    return test.split("[", maxsplit=1)[0]


def test_every_gate_passes_if_no_fault_is_planted(clean_run):
    assert not clean_run.ids("failed") + clean_run.ids("error"), clean_run.output
    assert clean_run.code == 0, clean_run.output


def test_run_without_faults_executes_every_gate(clean_run):
    ran = {gate_of(name) for name in clean_run.ids("passed")}
    assert gates() - ran == EMULATED | RECORDED | ELSEWHERE | TOLD_BY_FEW


def test_every_gate_has_a_planted_fault():
    assert gates() - {fault.gate for fault in FAULTS} == set()


def test_every_judged_metric_has_a_planted_fault(clean_run):
    judged, with_fault = set(), set()
    for measurement in clean_run.results()["measurements"]:
        if measurement["verdict"] is not None:
            pair = gate_of(measurement["test"]), measurement["metric"]
            judged.add(pair)
            if any(fault.gate == pair[0] and fault.only in measurement["test"] for fault in FAULTS):
                with_fault.add(pair)
    assert judged - with_fault == set()


def test_every_planted_fault_names_an_existing_gate():
    assert {fault.gate for fault in FAULTS} <= gates()


def test_run_without_faults_includes_every_suite():
    assert {gate.rsplit("/", 1)[0] for gate in gates()} == set(GATES)
