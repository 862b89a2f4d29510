"""Gates of emulated boards: they pass on the miniature, and each fault turns its gate red."""

from __future__ import annotations

import shutil

import pytest

from models.runtime.counting import prepare_counter
from models.runtime.debian import why_unavailable
from models.runtime.sysroot import prepare_sysroot
from models.store import Store, default_root
from suites.meta.gates.faults_in_emulation import FAULTS
from suites.meta.gates.planting import PLUGIN, RUNNER_VARIABLE, write_runner
from suites.meta.gates.running import run
from suites.meta.gates.turning_red import assert_its_gate_turns_red

BOARD = "--edge-emulate=rpi5"
PREPARED = ("sysroot", "emulator", "counter")
pytestmark = pytest.mark.skipif(
    why_unavailable() is not None or shutil.which("cc") is None,
    reason=why_unavailable() or "there is no C compiler",
)


@pytest.fixture(scope="module")
def prepared():
    """The store that holds the board's root file system and the emulator that counts."""
    store = Store(default_root())
    prepare_sysroot(store, "aarch64")
    prepare_counter(store)
    return store


@pytest.fixture
def run_emulated(prepared, miniature, tmp_path):
    """Run gates on an emulated board, perhaps with a fault planted: `run_emulated(fault)`."""

    def on_board(fault=None):
        subject = miniature.copied_to(tmp_path / "store")
        shutil.rmtree(subject.store / "answers", ignore_errors=True)
        for name in PREPARED:
            (subject.store / name).symlink_to(prepared.root / name)
        gates = sorted({one.gate for one in FAULTS.values()}) if fault is None else [fault.gate]
        schemes = ("float32", "dynamic_wi8_afp32") if fault is None else fault.schemes
        arguments = [BOARD, f"--edge-schemes={','.join(schemes)}"]
        variables = {}
        if fault is not None and fault.plant is not None:
            fault.plant(subject)
        if fault is not None and fault.runner is not None:
            variables[RUNNER_VARIABLE] = str(tmp_path / "runner.py")
            write_runner(fault.runner, tmp_path / "runner.py")
            arguments += PLUGIN
        return run(subject, tmp_path / "reports", gates, arguments, variables)

    return on_board


def test_every_gate_passes_where_nothing_is_planted(run_emulated):
    outcome = run_emulated()
    assert not outcome.ids("failed") + outcome.ids("error"), outcome.output
    ran = {name.split("[")[0] for name in outcome.ids("passed")}
    assert ran == {fault.gate for fault in FAULTS.values()}
    assert outcome.code == 0, outcome.output


@pytest.mark.parametrize("name", FAULTS)
def test_its_gate_turns_red(name, run_emulated):
    assert_its_gate_turns_red(FAULTS[name], run_emulated)
