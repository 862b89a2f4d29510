"""The model of a file's bytes against files, and of a text's time against arithmetic."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from benchmarks import times
from models.networks.architecture import from_table
from models.shrinking.cost import TEXT, file_bytes, multiplied, paper_time, text_time
from models.subjects import NetworkTable
from suites.meta.scripts import printed_by

# Weights as training leaves them: no two vectors are the same.
CONVERT = """
import json, sys
import numpy as np
from models.flatbuffers.convert import convert
from models.flatbuffers.schemes import scheme_named
from models.networks.architecture import Architecture
from models.networks.parameters import initial_values
from suites.meta.shrinking.encodings import encoded
shape = Architecture(**json.loads(sys.argv[1]))
lengths = tuple(json.loads(sys.argv[2]))
draw = np.random.default_rng(0)
values = {
    name: (value + 0.05 * draw.normal(size=value.shape)).astype(np.float32)
    for name, value in initial_values(shape, seed=0).items()
}
calibration = encoded([0, 1], lengths[-1])
calibration.mask[:, 4:] = 0
scheme = scheme_named("dynamic_wi4_afp32")
made = convert(scheme, shape, values, lengths, calibration)
print()
print(len(made))
"""
# What the docstring of models/shrinking/cost.py states.
STATED_ERROR, STATED_ERROR_OF_TIME = 0.01, 0.06


def shape(layers, units, words, width, hidden=384):
    network = NetworkTable(
        family="bert",
        layers=layers,
        hidden=hidden,
        heads=hidden // 32,
        intermediate=units,
        activation="relu",
        normalization="layer_norm",
    )
    whole = from_table(network, vocabulary=words, classes=3, positions=64)
    family = "bert" if width == hidden else "mobilebert"
    return replace(whole, family=family, embedding=width, first_token_last=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ((1, 256, 3000, 64), (64,)),
        ((2, 320, 6000, 64), (16, 24, 32, 40, 64)),
        ((5, 1216, 3000, 384), (16, 24, 32, 40, 64)),
    ],
)
def test_bytes_are_within_the_stated_error_of_the_file(tmp_path, sizes, lengths):
    pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
    script = tmp_path / "convert.py"
    script.write_text(CONVERT)
    network = shape(*sizes)
    # The quantizer prints lines of its own before.
    real = int(printed_by(script, json.dumps(asdict(network)), json.dumps(lengths)).split()[-1])
    assert file_bytes(network, lengths) == pytest.approx(real, rel=STATED_ERROR)


def test_products_are_counted_as_a_layer_does_them():
    hidden, units, tokens = 384, 320, 16
    one = replace(shape(1, units, 100, hidden), pooled=False, first_token_last=False)
    attention = tokens * (4 * hidden * hidden + 2 * tokens * hidden)
    feedforward = tokens * 2 * hidden * units
    assert multiplied(one, tokens) == attention + feedforward + 3 * hidden


def test_the_last_layer_computes_one_token_alone():
    both = shape(2, 320, 100, 384)
    every = replace(both, first_token_last=False)
    saved = multiplied(every, 32) - multiplied(both, 32)
    assert saved == 31 * (2 * 384 * 384 + 2 * 384 * 320 + 2 * 32 * 384)


# Fastest of 1,500 answers in microseconds, by layers, units, width of the word vectors, and tokens:
# x86-64 with AMX, ai-edge-litert 2.3.0, one thread, machine with other work.
MEASURED = {
    (1, 1536, 64): {16: 88, 32: 115, 48: 145, 64: 173},
    (2, 64, 64): {16: 119, 32: 205, 48: 312, 64: 413},
    (2, 256, 64): {16: 119, 32: 209, 40: 317, 64: 423},
    (3, 512, 64): {16: 219, 32: 378, 48: 593, 64: 775},
    (5, 768, 384): {16: 401, 32: 727, 48: 1129, 64: 1503},
    (5, 1216, 384): {16: 455, 32: 831, 40: 1301, 64: 1720},
}


@pytest.mark.parametrize("sizes", MEASURED)
def test_times_are_within_the_stated_error_of_measured_ones(sizes):
    layers, units, width = sizes
    for tokens, measured in MEASURED[sizes].items():
        graph = text_time(shape(layers, units, 6000, width), tokens) - TEXT
        assert graph == pytest.approx(measured, rel=STATED_ERROR_OF_TIME)


def test_benchmark_measures_shapes_that_the_rates_were_not_fitted_to():
    assert not set(times.SHAPES) & set(MEASURED)
    row = times._row(250.0, 200.0, 10_000.0)
    assert (row["error"], row["measured_times_paper"]) == (0.25, 50.0)


def test_rows_are_taken_sixteen_at_once():
    small = shape(2, 256, 6000, 64)
    assert text_time(small, 17) == text_time(small, 32)
    assert text_time(small, 33) > text_time(small, 32)


def test_a_text_takes_longer_than_its_answer():
    assert text_time(shape(1, 64, 100, 384), 1) > TEXT
    assert paper_time() > 10_000
