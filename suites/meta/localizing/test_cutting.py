"""Parts of a file give the values of the whole file, so differences can be localized."""

from __future__ import annotations

import numpy as np
import pytest

from models.localizing.between import Request, localize
from models.localizing.cutting import Cutter
from models.runtime.binding import Binding, BoundInput
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from suites.meta.tiny_models import make_tiny_models, sample_inputs


@pytest.fixture(scope="module")
def file():
    return make_tiny_models()["float32"]


@pytest.fixture(scope="module")
def rows():
    samples = list(sample_inputs(2))
    return {name: np.concatenate([row[name] for row in samples]) for name in samples[0]}


def answer(runner, cutter, rows, first, last):
    part = cutter.cut(first, last)
    inputs = tuple(BoundInput(str(tensor), place) for place, tensor in enumerate(part.inputs))
    runner.load("part", part.data, binding=Binding(inputs, output=0))
    return runner.answer("part", {str(tensor): rows[tensor] for tensor in part.inputs}).logits


def test_part_with_all_operators_gives_the_logits_of_the_whole_file(file, rows):
    cutter = Cutter(file.read_bytes())
    places = cutter.places(None)
    by_tensor = {places[name]: array for name, array in rows.items()}
    with Runner(LocalTransport(), "ai_edge_litert-builtin") as runner:
        runner.load("whole", file)
        expected = runner.answer("whole", rows).logits
        last = cutter.varying[-1]
        np.testing.assert_array_equal(answer(runner, cutter, by_tensor, 0, last), expected)


def test_part_of_a_file_contains_only_the_weights_its_operators_read(file):
    cutter = Cutter(file.read_bytes())
    first, last = cutter.varying[0], cutter.varying[-1]
    assert len(cutter.cut(first, first).data) < len(cutter.cut(first, last).data) / 2
    assert len(cutter.cut(last, last).operators) == 1


def test_no_part_of_a_file_is_reported_as_faulty_if_backends_agree(file, rows, tmp_path):
    np.savez(tmp_path / "rows.npz", **rows)
    localization = localize(
        Request(
            file=str(file),
            inputs=str(tmp_path / "rows.npz"),
            binding={"inputs": [[name, name, None, None] for name in rows]},
            judged="ai_edge_litert",
            backend="ai_edge_litert-reference",
            environment={},
            folder=str(tmp_path / "smallest"),
        )
    )
    assert "no part of the file shows the fault" in localization["not_localized"]
    assert not (tmp_path / "smallest").exists()
