"""Emulated boards run real ARM code, on every core and runtime of the boards.

The root file systems are prepared once, in the user's own store, which takes about a minute each.
"""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from models.backends.common.registry import find_backend
from models.devices.profile import HOST, device_names, load_device
from models.runtime.client import Runner, RunnerDied, RunnerRefused
from models.runtime.debian import why_unavailable
from models.runtime.emulated import EmulatedTransport
from models.runtime.emulator import read_sysroots
from models.runtime.ssh import SshTransport
from models.runtime.sysroot import prepare_sysroot
from models.runtime.transports import LocalTransport
from models.store import Store, default_root, verify
from suites.meta.runtime.sshd import LoopbackBoard, why_no_sshd

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_unavailable() is not None, reason=str(why_unavailable())),
]

EMULATED = [
    (name, architecture)
    for name in device_names()
    for architecture in load_device(name).table.emulation
]
# Largest difference of the logits from the same runtime on x86, by scheme: the observed difference
# on the tiny network times 5. Floats are summed in another order. Integers are equal, but NEON
# rounds 16-bit activations in its own way.
LARGEST_DIFFERENCE = {
    "float32": 5e-6,
    "float16": 5e-6,
    "dynamic_wi8_afp32": 5e-6,
    "static_wi8_ai8": 0.0,
    "quantizer_dynamic_wi8_afp32": 5e-6,
    "quantizer_dynamic_wi4_afp32": 5e-6,
    "quantizer_static_wi8_ai8": 0.0,
    "quantizer_static_wi8_ai16": 7e-4,
}


@pytest.fixture(scope="module")
def sysroots():
    """Return the root file systems by architecture."""
    store = Store(default_root())
    return {name: prepare_sysroot(store, name) for name in ("aarch64", "armv7")}


@pytest.fixture(scope="module")
def emulated(sysroots):
    """Return a function that makes the transport of an emulated board."""

    def transport(name, architecture="aarch64"):
        core = load_device(name).core(architecture)[1]
        return EmulatedTransport(sysroot=sysroots[architecture], core=core, device=name)

    return transport


@pytest.fixture(scope="module")
def expected(tiny, by_name):
    """Return `expected(backend, name)`, which returns the answers on x86."""
    known = {}

    def answers(backend, name):
        key = backend, name
        if key not in known:
            with Runner(LocalTransport(), backend) as runner:
                runner.load("m", tiny[name])
                known[key] = runner.answer("m", by_name).logits
        return known[key]

    return answers


@pytest.mark.parametrize(("name", "architecture"), EMULATED)
def test_runner_classifies_texts_on_every_emulated_board(
    emulated, tiny, by_name, name, architecture
):
    with Runner(emulated(name, architecture), "tflite_runtime", timeout=120) as runner:
        assert runner.info.machine == {"aarch64": "aarch64", "armv7": "armv7l"}[architecture]
        assert runner.info.runtime_version == "2.14.0"
        assert "ARM" in runner.info.processor.model
        assert runner.info.bits == {"aarch64": 64, "armv7": 32}[architecture]
        delegation = runner.load("m", tiny["float32"]).delegation
        assert (delegation.delegated > 0) == find_backend("tflite_runtime").has_accelerator(
            runner.info.bits
        )
        answers = runner.answer("m", by_name)
        assert answers.nan_count == 0
        assert len(answers.logits) == 30
        assert runner.usage().peak_rss_bytes > runner.usage().baseline_rss_bytes


@pytest.mark.parametrize("name", [name for name in device_names() if name != HOST])
def test_the_emulated_core_has_the_features_of_the_profile(emulated, name):
    with Runner(emulated(name), "tflite_runtime", timeout=120) as runner:
        assert set(load_device(name).table.hardware.features) <= set(runner.info.processor.features)


@pytest.mark.parametrize("scheme", sorted(LARGEST_DIFFERENCE))
def test_arm_and_x86_kernels_give_nearly_equal_logits(emulated, expected, tiny, by_name, scheme):
    with Runner(emulated("rpi3"), "ai_edge_litert", timeout=120) as runner:
        runner.load("m", tiny[scheme])
        logits = runner.answer("m", by_name).logits
    want = expected("ai_edge_litert", scheme)
    assert np.abs(logits - want).max() <= LARGEST_DIFFERENCE[scheme]
    np.testing.assert_array_equal(logits.argmax(axis=1), want.argmax(axis=1))


def test_reference_kernels_on_arm_and_x86_give_bit_identical_logits(
    emulated, expected, tiny, by_name
):
    with Runner(emulated("rpi4"), "ai_edge_litert-reference", timeout=120) as runner:
        for scheme in LARGEST_DIFFERENCE:
            runner.load(scheme, tiny[scheme])
            logits = runner.answer(scheme, by_name).logits
            np.testing.assert_array_equal(logits, expected("ai_edge_litert-reference", scheme))


def test_integer_model_without_bias_crashes_tflite_runtime_only_on_arm(emulated, tiny, by_name):
    """The crash of tflite-runtime is reported; this test fails once a version fixes the crash."""
    with Runner(LocalTransport(), "tflite_runtime") as runner:
        runner.load("m", tiny["static_wi8_ai8"])
        assert len(runner.answer("m", by_name).logits) == 30
    with Runner(emulated("rpi3"), "tflite_runtime", timeout=120) as runner:
        runner.load("m", tiny["static_wi8_ai8"])
        with pytest.raises(RunnerDied, match="was killed by SIGSEGV while answering"):
            runner.answer("m", by_name)


def test_a_32_bit_board_has_no_litert(emulated):
    transport = emulated("rpi3", "armv7")
    assert read_sysroots().architectures["armv7"].runtimes() == {"tflite_runtime": "2.14.0"}
    with pytest.raises(RunnerRefused, match="no-backend"), Runner(transport, "ai_edge_litert"):
        pass


def test_emulated_cpuinfo_names_the_core_of_each_profile(sysroots):
    for name, architecture in EMULATED:
        core = load_device(name).core(architecture)[1]
        view = sysroots[architecture].root.parent / "cores" / core
        cpuinfo = (view / "proc" / "cpuinfo").read_text(encoding="utf-8")
        assert f"CPU part\t: {read_sysroots().cores[core].part:#x}" in cpuinfo


def test_emulated_python_ignores_the_packages_of_this_machine(emulated, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("LD_PRELOAD", "/nowhere/lib.so")
    with Runner(emulated("rpi3"), "tflite_runtime", timeout=120) as runner:
        assert runner.info.python.startswith("3.11.")
        assert runner.info.numpy == "1.26.4"
    with Runner(emulated("rpi3"), "ai_edge_litert", timeout=120) as runner:
        assert runner.info.numpy == read_sysroots().architectures["aarch64"].wheels["numpy"]


def test_prepared_root_file_system_is_complete_and_reused(sysroots):
    for sysroot in sysroots.values():
        assert len(verify(sysroot.root.parent)) > 500
        again = prepare_sysroot(Store(default_root()), sysroot.architecture, offline=True)
        assert again == sysroot


@pytest.mark.skipif(why_no_sshd() is not None, reason=str(why_no_sshd()))
def test_emulated_board_classifies_texts_over_ssh(emulated, expected, tiny, by_name, tmp_path):
    """A real sshd that starts an emulated ARM Python replaces the board."""
    sysroot = emulated("rpi4").sysroot
    variables = [f"{key}={value}" for key, value in sysroot.environment().items()]
    command = shlex.join(["env", *variables, *sysroot.command(core="cortex-a72")])
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    board = LoopbackBoard(tmp_path)
    try:
        options = (*board.options, "-o", f"SetEnv=XDG_CACHE_HOME={tmp_path}/cache")
        transport = SshTransport(f"{board.address}{python}", options=options)
        with Runner(transport, "ai_edge_litert", timeout=120) as runner:
            assert runner.info.machine == "aarch64"
            runner.load("m", tiny["static_wi8_ai8"])
            logits = runner.answer("m", by_name).logits
        transport.close()
    finally:
        board.stop()
    np.testing.assert_array_equal(logits, expected("ai_edge_litert", "static_wi8_ai8"))
