"""The marker of a device selects its gates; on another device, it is a usage error."""

from __future__ import annotations

import pytest

from models.devices.profile import device_names
from models.devices.recognition import recognize
from suites.meta.gates.running import run_pytest

HERE = recognize().device
COLLECT = ("--collect-only", "-q")

GROUPED = "suites/accuracy/test_reputation.py::"
# Gates that need a real clock, which an emulated board does not have.
NEED_A_CLOCK = (
    "test_cold_start_is_within_budget",
    "test_other_texts_take_as_long_as_repeated_ones",
    "test_random_order_takes_as_long_as_fixed_order",
    "test_rounds_are_recorded",
)


def gates(outcome) -> list[str]:
    return [line for line in outcome.output.splitlines() if "::" in line]


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """Return a run that collects every gate without a marker."""
    folder = tmp_path_factory.mktemp("everything")
    return run_pytest(folder, [*COLLECT, "--ignore=suites/meta"])


def test_every_device_profile_has_a_pytest_marker(tmp_path):
    listed = run_pytest(tmp_path, ["--markers"]).output
    for name in device_names():
        assert f"@pytest.mark.{name}: the device suite on a" in listed


def test_marker_for_this_machine_selects_every_gate(everything, tmp_path):
    selected = run_pytest(tmp_path, [*COLLECT, "-m", HERE])
    assert selected.code == pytest.ExitCode.OK, selected.output
    assert gates(selected) == gates(everything)


def test_marker_for_an_emulated_board_selects_all_gates_that_need_no_clock(everything, tmp_path):
    selected = run_pytest(tmp_path, [*COLLECT, "-m", "rpi4", "--edge-emulate", "rpi4"])
    assert selected.code == pytest.ExitCode.OK, selected.output
    as_on_host = {name.replace("[rpi4-emulated-", "[host-") for name in gates(selected)}
    timed = {name for name in gates(everything) if any(test in name for test in NEED_A_CLOCK)}
    # The emulated board has other backends than this machine.
    backends = {name for name in gates(everything) if name.startswith("suites/backends/")}
    # A mean over groups needs all texts, but the board classifies only a few of them.
    groups = {name for name in gates(everything) if name.startswith(GROUPED)}
    assert as_on_host >= set(gates(everything)) - timed - backends - groups
    assert not as_on_host & timed
    assert any("[rpi4-emulated-float32]" in name for name in gates(selected))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-m", "jetson"], f"-m jetson: this machine is {HERE}"),
        (["-m", "jetson and not slow"], "--edge-emulate jetson"),
        (["-m", "jetson"], "--edge-target ssh://user@jetson"),
        (["-m", "rpi4", "--edge-emulate", "jetson"], "this run's device is jetson-emulated"),
        (["--edge-device", "jetson"], f"jetson was requested, but this machine is {HERE}"),
    ],
)
def test_marker_for_another_device_is_a_usage_error(arguments, says, tmp_path):
    refused = run_pytest(tmp_path, [*COLLECT, *arguments])
    assert refused.code == pytest.ExitCode.USAGE_ERROR
    assert says in refused.output
    assert "Traceback" not in refused.output


def test_negated_marker_does_not_request_a_device(everything, tmp_path):
    assert gates(run_pytest(tmp_path, [*COLLECT, "-m", "not jetson", "--ignore=suites/meta"])) == (
        gates(everything)
    )
