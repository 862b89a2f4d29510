"""Instructions are counted by class under emulation, and the counts are reproducible."""

from __future__ import annotations

import shutil

import pytest

from models.devices.profile import load_device
from models.errors import EdgeproofError
from models.runtime.counting import (
    CountingTransport,
    InstructionCounts,
    count_instructions,
    prepare_counter,
    read_counts,
)
from models.runtime.debian import why_unavailable
from models.runtime.sysroot import prepare_sysroot
from models.store import Store, default_root

needs_emulation = pytest.mark.skipif(
    why_unavailable() is not None or shutil.which("cc") is None,
    reason=why_unavailable() or "there is no C compiler",
)
# Multiply-adds of the tiny network's matrices and attention, for its 16 tokens.
MATRIX_PRODUCTS = 16 * (3 * 32 * 32 + 2 * 32 * 64) + 32 * 3
ATTENTION_PRODUCTS = 2 * 16 * 16 * 32


@pytest.fixture(scope="module")
def count(tiny, by_name, tmp_path_factory):
    """Return `count(device, runtime, file)`, which counts instructions."""
    store = Store(default_root())
    counter = prepare_counter(store)
    first_rows = {name: array[:4] for name, array in by_name.items()}

    def counted(device, runtime, name, architecture="aarch64"):
        transport = CountingTransport(
            sysroot=prepare_sysroot(store, architecture),
            core=load_device(device).core(architecture)[1],
            device=device,
            counter=counter,
            out=tmp_path_factory.mktemp("counts") / "with, comma",
        )
        return count_instructions(transport, tiny[name], first_rows, backend=runtime)

    return counted


@needs_emulation
def test_instruction_counts_of_a_file_are_reproducible_across_processes(count):
    first = count("rpi3", "ai_edge_litert", "static_wi8_ai8")
    second = count("rpi3", "ai_edge_litert", "static_wi8_ai8")
    assert second.instructions == pytest.approx(first.instructions, rel=0.001)
    assert first.integer_multiplies == second.integer_multiplies


@pytest.mark.slow
@needs_emulation
def test_one_float_multiply_instruction_is_counted_for_four_products(count):
    counts = count("rpi4", "ai_edge_litert", "float32")
    assert counts.integer_multiplies == counts.dot_products == 0
    products = MATRIX_PRODUCTS + ATTENTION_PRODUCTS
    assert products / 4 <= counts.float_multiplies < 1.5 * products / 4


@pytest.mark.slow
@needs_emulation
def test_dot_product_instructions_are_counted_only_on_cores_with_the_instruction(count):
    old = count("rpi4", "ai_edge_litert", "static_wi8_ai8")
    new = count("rpi5", "ai_edge_litert", "static_wi8_ai8")
    assert old.dot_products == old.float_multiplies == 0
    # One instruction computes four or eight products, depending on the runtime's kernel.
    products = MATRIX_PRODUCTS + ATTENTION_PRODUCTS
    assert products / 8 <= old.integer_multiplies < 1.1 * products / 4
    # One instruction computes sixteen products.
    assert MATRIX_PRODUCTS / 16 <= new.dot_products < 1.1 * MATRIX_PRODUCTS / 16
    assert new.instructions < old.instructions


@pytest.mark.slow
@needs_emulation
def test_instructions_of_a_32_bit_board_are_counted(count):
    counts = count("rpi3", "tflite_runtime", "float32", "armv7")
    products = MATRIX_PRODUCTS + ATTENTION_PRODUCTS
    assert 0.8 * products / 4 < counts.float_multiplies < 1.5 * products / 4


def test_instruction_counts_are_read_in_file_order(tmp_path):
    out = tmp_path / "counts"
    out.write_text("100 1 2 3\n200 4 5 6\n", encoding="ascii")
    assert read_counts(out) == [InstructionCounts(100, 1, 2, 3), InstructionCounts(200, 4, 5, 6)]


def test_missing_compiler_is_reported_in_one_message(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EdgeproofError, match="needs a C compiler"):
        prepare_counter(Store(tmp_path))


def test_offline_option_forbids_fetching_the_instruction_counter(tmp_path):
    with pytest.raises(EdgeproofError, match="--edge-offline forbids"):
        prepare_counter(Store(tmp_path), offline=True)
