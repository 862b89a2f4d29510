"""The limits for emulated boards are computed from recorded measurements."""

from __future__ import annotations

import pytest

from models.devices.emulated_limits import FOLDER, load_expected, read_expected
from models.devices.profile import HOST, device_names, load_device
from models.errors import UsageMistake
from models.runtime.emulator import read_sysroots

EMBEDDED = FOLDER / "embedded.toml"
CORES = sorted(
    {
        load_device(name).core(architecture)
        for name in device_names()
        if name != HOST
        for architecture in load_device(name).table.emulation
    }
)
# ai-edge-litert has no wheel for 32-bit ARM.
RUNTIMES = {"aarch64": "ai_edge_litert", "armv7": "tflite_runtime"}
SCHEMES = {
    "aarch64": ("float32", "float16", "dynamic_wi8_afp32"),
    "armv7": ("float32", "float16"),
}


@pytest.fixture
def changed(tmp_path):
    """Return a function that reads the embedded subject's file with a replaced text."""

    def read(old, new):
        text = EMBEDDED.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "mine.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return read_expected(path)

    return read


@pytest.mark.parametrize(("architecture", "core"), CORES)
def test_emulated_limits_exist_for_every_core_metric_and_scheme(architecture, core):
    expected = load_expected("embedded")
    for scheme in SCHEMES[architecture]:
        for metric in (
            "agreement_golden",
            "logit_difference",
            "reference_difference",
            "instructions",
        ):
            limit = expected.limit(metric, scheme=scheme, backend=RUNTIMES[architecture], core=core)
            assert limit is not None, f"{metric} of {scheme} on {core}"


@pytest.mark.parametrize("core", ["cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76"])
def test_bit_identical_logits_are_limited_to_a_difference_of_zero(core):
    of = {"scheme": "static_wi8_ai8_dense", "backend": "ai_edge_litert", "core": core}
    expected = load_expected("embedded")
    assert expected.limit("agreement_golden", **of) is not None
    assert expected.limit("reference_difference", **of).value == 0.0
    assert expected.limit("logit_difference", **of) is None


def test_emulated_limits_were_measured_with_the_current_runtime_versions():
    measured = load_expected("embedded").table.evidence.wheels
    runtimes = read_sysroots().architectures["aarch64"].runtimes()
    made_of = {name.replace("_", "-"): version for name, version in runtimes.items()}
    assert measured == {name: made_of[name] for name in measured}
    assert measured.keys() == {"ai-edge-litert", "tflite-runtime"}


def test_emulated_limit_is_the_measured_value_times_its_margin():
    expected = load_expected("embedded")
    table = expected.table
    counts = next(
        instruction for instruction in table.instructions if instruction.backend == "ai_edge_litert"
    )
    core = next(iter(counts.seen))
    limit = expected.limit(
        "instructions", scheme=counts.scheme, backend="ai_edge_litert", core=core
    )
    assert limit.value == counts.seen[core] * table.margins.instructions
    assert "times the" in limit.text
    assert limit.key == f"instructions[{table.instructions.index(counts)}].seen.{core}"


def test_margin_on_instruction_counts_is_at_most_one_percent():
    assert load_expected("embedded").table.margins.instructions <= 1.01


def test_subject_without_measurements_has_no_emulated_limits():
    assert load_expected("airline") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[margins]", "[margin]", "margin"),
        ("instructions = 1.01", "instructions = 0.9", "instructions"),
        ('agreement_min = "', 'agreement_min = "0.00', "looks like a fraction"),
        ("texts = ", "texts = -", "texts"),
    ],
)
def test_error_in_emulated_limits_names_file_and_key(changed, old, new, message):
    with pytest.raises(UsageMistake, match=message) as caught:
        changed(old, new)
    assert "mine.toml" in str(caught.value)
