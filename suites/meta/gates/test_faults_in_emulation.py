"""Gates of emulated boards are green on the miniature; each planted fault turns its gate red."""

from __future__ import annotations

import shutil

import pytest

from models.runtime.counting import prepare_counter
from models.runtime.debian import why_unavailable
from models.runtime.sysroot import prepare_sysroot
from models.store import Store, default_root
from suites.meta.gates.faults_in_emulation import FAULTS
from suites.meta.gates.planting import Fault, plant
from suites.meta.gates.running import run
from suites.meta.gates.turning_red import assert_its_gate_turns_red

BOARD = "--edge-emulate=rpi5"
# These texts suffice to show the faults; without the option hundreds would be classified.
FEW = ("--edge-texts=40",)
AGREEMENT = "suites/agreement/test_agreement.py::test_labels_agree_with_float32"
DYNAMIC = "dynamic_wi8_afp32"
PREPARED = ("sysroot", "emulator", "counter")
pytestmark = pytest.mark.skipif(
    why_unavailable() is not None or shutil.which("cc") is None,
    reason=why_unavailable() or "there is no C compiler",
)


@pytest.fixture(scope="module")
def prepared():
    """Return a store with the board's root file system and the emulator that counts."""
    store = Store(default_root())
    prepare_sysroot(store, "aarch64")
    prepare_counter(store)
    return store


@pytest.fixture(scope="module")
def run_on_board(prepared, miniature):
    """Return `run_on_board(fault, folder, *arguments)`: run a fault's gate on an emulated board."""

    def run_there(fault, folder, *arguments, gates=None, texts=FEW):
        subject = miniature.copied_to(folder / "store")
        shutil.rmtree(subject.store / "answers", ignore_errors=True)
        for name in PREPARED:
            (subject.store / name).symlink_to(prepared.root / name)
        options, variables = plant(fault, subject, folder)
        options += [BOARD, *texts, *arguments]
        return run(subject, folder / "reports", gates or [fault.gate], options, variables)

    return run_there


@pytest.fixture(scope="module")
def baselines(tmp_path_factory):
    """Return the folder of the baselines that the clean run writes."""
    return tmp_path_factory.mktemp("baselines")


@pytest.fixture(scope="module")
def clean_run(run_on_board, baselines, tmp_path_factory):
    """Return a run of the gates of boards without a fault, which writes baselines."""
    gates = sorted({fault.gate for fault in FAULTS.values()})
    nothing = Fault(gate="", schemes=("float32", "dynamic_wi8_afp32"))
    baseline_options = f"--edge-baseline={baselines}", "--edge-update-baseline"
    return run_on_board(nothing, tmp_path_factory.mktemp("clean"), *baseline_options, gates=gates)


def test_every_emulated_gate_passes_if_no_fault_is_planted(clean_run):
    assert not clean_run.ids("failed") + clean_run.ids("error"), clean_run.output
    ran = {name.split("[", maxsplit=1)[0] for name in clean_run.ids("passed")}
    assert ran == {fault.gate for fault in FAULTS.values()}
    assert clean_run.code == 0, clean_run.output


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_turns_its_gate_red(  # noqa: PLR0913, PLR0917 - pytest passes each fixture as an argument
    name, run_on_board, baselines, tmp_path, request, record_property
):
    def run_with(fault):
        if not fault.compared:
            return run_on_board(fault, tmp_path)
        assert request.getfixturevalue("clean_run").code == 0
        return run_on_board(fault, tmp_path, f"--edge-baseline={baselines}")

    assert_its_gate_turns_red(FAULTS[name], run_with, record_property)


@pytest.mark.parametrize("turned", [False, True], ids=["right", "one text in six"])
def test_few_texts_suffice_to_judge_a_board_by_its_agreement_with_the_host(
    turned, run_on_board, tmp_path
):
    """The limit of 97 % agreement is decided on the board with only part of the texts."""
    runner = "every sixth turned around on ARM" if turned else ""
    fault = Fault(gate=AGREEMENT, only=DYNAMIC, schemes=("float32", DYNAMIC), runner=runner)
    outcome = run_on_board(fault, tmp_path, texts=())
    measured = next(
        measurement
        for measurement in outcome.results()["measurements"]
        if measurement["metric"] == "agreement"
    )
    assert "emulated" not in measured["budget"]["source"]
    looked = measured["details"]["looked"]
    assert looked["texts"] < looked["of"]
    assert measured["verdict"] == ("fail" if turned else "pass"), measured["reason"]
    assert bool(outcome.ids("failed")) == turned
