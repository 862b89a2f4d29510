"""The first deviation of a quantized file is found: NaN and Inf first, then noise."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

import pytest

from fixtures.judging import localizing
from models.flatbuffers.reading import read_contents
from models.flatbuffers.schemes import SCHEMES
from models.localizing import mending
from models.localizing.matching import match
from models.store import PROJECT
from suites.meta.flatbuffer_writer import Model
from suites.meta.localizing.layered import layered
from suites.meta.scripts import printed_by
from suites.meta.small_classifiers import classifier

PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from models.localizing.curve import File, first_divergence, first_not_finite
from models.localizing.watching import Watcher
answers = {"curves": [first_divergence(curve) for curve in json.loads(sys.argv[1])]}
overflow = Path(sys.argv[2])
if overflow.exists():
    roles = {"ids": "input_ids", "mask": "attention_mask", "segments": "token_type_ids"}
    rows = {role: np.ones((1, 8), np.int32) for role in roles}
    binding = {"inputs": [[role, name, None, None] for role, name in roles.items()]}
    data = overflow.read_bytes()
    answers["overflow"] = first_not_finite(File.of(data, Watcher(data, binding), rows))
print(json.dumps(answers))
"""
# A float16 file whose constant of 1e30 became infinite.
OVERFLOW = PROJECT.parent / "shared" / "flatbuffers" / "fp16_mask_overflow.tflite"
NAN = "NaN"
# Decibels at each operator (None if there is no noise), and the index of the first operator that
# diverges.
CURVES = {
    "no operator": ([], None),
    "nothing but signal": ([None, 45.0, 20.0], None),
    "too much noise": ([None, 45.0, 19.9, 3.0], 2),
    "as much noise as signal": ([45.0, 0.0, 3.0], 1),
    "more noise than signal": ([45.0, -4.0], 1),
    "NaN behind noise": ([45.0, 3.0, NAN], 2),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the results for each curve and for a file that overflows."""
    script = tmp_path_factory.mktemp("localize") / "curves.py"
    script.write_text(PROGRAM, encoding="utf-8")
    curves = [[point(*numbered) for numbered in enumerate(levels)] for levels, _ in CURVES.values()]
    answers = json.loads(printed_by(script, json.dumps(curves), OVERFLOW))
    return dict(zip(CURVES, answers["curves"], strict=True)) | {OVERFLOW: answers.get("overflow")}


def point(place, level):
    """Return an operator of a curve, as in results.json."""
    broken = level == NAN
    return {"place": place, "nan": int(broken), "inf": 0, "sqnr_db": None if broken else level}


@pytest.mark.parametrize("name", CURVES)
def test_first_operator_with_a_diverging_output_is_found(found, name):
    first = found[name]
    assert (None if first is None else first["place"]) == CURVES[name][1]


@pytest.mark.skipif(not OVERFLOW.exists(), reason="the shared files are not here")
def test_overflowing_constant_is_found_at_its_dequantize_operator(found):
    expected = {"operator": "DEQUANTIZE", "tensor": "C", "nan": 0, "inf": 1, "sqnr_db": None}
    assert found[OVERFLOW] == expected


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("open(sys.argv[1], 'w').write('{\"texts\": 3}')", {"texts": 3}),
        (
            "sys.exit('no such kernel')",
            {"not_localized": "the search ended with exit status 1: no such kernel"},
        ),
        ("sys.exit(2)", {"not_localized": "the search ended with exit status 2: no message"}),
    ],
    ids=["found", "failed", "silent"],
)
def test_reason_why_a_localization_failed_is_reported(code, answer, tmp_path):
    file = tmp_path / "answer.json"
    command = [sys.executable, "-c", f"import sys; {code}", str(file)]
    assert localizing._answered(command, file) == answer


def test_localization_timeout_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(localizing, "TIMEOUT", 1)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    localization = localizing._answered(command, tmp_path / "answer.json")
    assert localization["not_localized"].endswith("took longer than 1 s and was killed")


def contents(folder, data):
    """Return the decoded content of a file."""
    (folder / "x.tflite").write_bytes(data)
    return read_contents(folder / "x.tflite", data)


@pytest.mark.parametrize(
    ("layout", "by", "name"),
    [
        ({"integers": True}, "name", "dense_1"),
        ({"integers": True, "prefix": "other/"}, "order", "other/dense_1"),
        ({"prefix": "other/", "names": ("a", "b"), "order": (1, 0)}, "order", "other/dense_1"),
    ],
)
def test_corresponding_operators_of_two_files_are_paired(layout, by, name, tmp_path):
    matched = match(contents(tmp_path, layered()), contents(tmp_path, layered(**layout)))
    assert matched.by == by
    pairs = {
        reference_tensor.shown: candidate_tensor.shown
        for reference_tensor, candidate_tensor in matched.pairs
    }
    assert pairs["dense_1"] == name
    assert len(pairs) == 12


def test_unrelated_graphs_share_no_operators(tmp_path):
    matched = match(contents(tmp_path, layered()), contents(tmp_path, classifier()))
    assert not any("dense_1" in reference_tensor.shown for reference_tensor, _ in matched.pairs)


def test_tensors_are_not_matched_by_name_if_the_name_occurs_twice(tmp_path):
    twice = Model()
    ids = twice.tensor("ids", (1, 4), "float32")
    outs = [twice.tensor("same", (1, 4)) for _ in range(2)]
    for source, out in zip([ids, outs[0]], outs, strict=True):
        twice.operator("TANH", [source], [out])
    twice.end_graph([ids], [outs[-1]])
    content = contents(tmp_path, twice.pack())
    assert match(content, content).by == "order"


def test_error_without_the_quantizer_says_what_to_install(monkeypatch):
    static, dynamic = SCHEMES["static_wi8_ai8_dense"], SCHEMES["dynamic_wi8_afp32"]
    monkeypatch.setattr(mending, "find_spec", lambda _name: None)
    assert "pip install --group host" in mending.why_not_tried(static)
    assert mending.why_not_tried(dynamic) is None
    assert mending.why_not_tried(None) is None


# Program that localizes a damaged file of a static scheme, first with the packages for trying
# repairs, then as if they were not installed.
REPAIR = """
import json, sys
import msgspec
import numpy as np
from models.localizing.__main__ import Fed, Request, localize
from models.localizing import mending
from suites.meta.localizing.layered import layered
folder = sys.argv[1]
open(folder + "/before.tflite", "wb").write(layered())
open(folder + "/after.tflite", "wb").write(layered(integers=True, damaged=1))
ids = np.random.default_rng(0).integers(2, 63, (40, 8)).astype(np.int32)
rows = {"ids": ids, "mask": np.ones_like(ids)}
names = [(file, split) for file in ("reference", "candidate") for split in ("test", "curve")]
arrays = {f"{file}_{split}_{role}": each for file, split in names for role, each in rows.items()}
np.savez(folder + "/texts.npz", **arrays)
binding = {"inputs": [["ids", 0, None, None], ["mask", 1, None, None]], "output": 0}
request = Request(
    candidate=Fed(folder + "/after.tflite", binding),
    reference=Fed(folder + "/before.tflite", binding),
    texts=folder + "/texts.npz", scheme="static_wi8_ai8_dense",
    not_finite=False, leveled=False, enough=0.9,
)
found = [localize(request)]
mending.find_spec = lambda _name: None
found.append(localize(request))
open(folder + "/nan.tflite", "wb").write(layered(nan_row=63))
arrays["reference_test_ids"][30, 3] = 63
arrays["candidate_test_ids"] = arrays["reference_test_ids"]
np.savez(folder + "/texts.npz", **arrays)
broken = Fed(folder + "/nan.tflite", binding)
for candidate in (broken, request.candidate):
    asked = msgspec.structs.replace(request, candidate=candidate, not_finite=True)
    found.append(localize(asked))
asked = msgspec.structs.replace(request, candidate=broken, reference=broken, not_finite=True)
found.append(localize(asked))
print()
print(json.dumps(found))
"""


def test_localization_tries_float_operators_and_finds_nan_in_a_single_text(tmp_path):
    if find_spec(mending.QUANTIZER) is None:
        pytest.skip("what localizes also quantizes, with litert-quantizer")
    script = tmp_path / "repair.py"
    script.write_text(REPAIR, encoding="utf-8")
    tried, missing, nan, finite, nan_in_both = json.loads(
        printed_by(script, tmp_path).splitlines()[-1]
    )
    assert tried["mended_by_float"] == ["FULLY_CONNECTED"]
    assert "texts of the test split" in tried["notes"][0]
    assert "mended_by_float" not in missing
    assert "pip install --group host" in missing["notes"][0]
    for localization in (tried, missing):
        assert localization["diverges_at"]["tensor"] == "dense_1"
    # The NaN is in a single text, which is not among those of the curve.
    assert nan["not_finite"]["tensor"] == "embedded"
    # A NaN in the reference as well does not hide that of the candidate.
    assert nan_in_both["not_finite"]["tensor"] == "embedded"
    assert "40 texts have finite answers" in finite["not_localized"]
