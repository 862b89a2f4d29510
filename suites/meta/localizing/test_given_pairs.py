"""Where two files that were handed in part: at the operator in which a fault was planted."""

from __future__ import annotations

import json

import pytest

from suites.meta.door.judged import judge
from suites.meta.door.texts import LABELS, write_texts
from suites.meta.localizing.layered import layered, logits

AGREES = "suites/agreement/test_agreement.py::test_labels_agree_with_float32"
# Another exporter's names, order and dtype.
OTHERWISE = {
    "integers": True,
    "prefix": "StatefulPartitionedCall/",
    "names": ("args_0", "args_1"),
    "order": (1, 0),
    "dtype": "int64",
}


@pytest.fixture(scope="module")
def handed(tmp_path_factory):
    """Texts and a float32 reference."""
    folder = tmp_path_factory.mktemp("pair")
    texts = write_texts(folder, answers=logits)
    (folder / "before.tflite").write_bytes(layered())
    return folder, texts


def localized(handed, candidate, reference=None, gate=AGREES):
    """Judge a candidate; return what was said of where it parts, and the run."""
    folder, texts = handed
    (folder / "after.tflite").write_bytes(candidate)
    toml = folder / "mine.toml"
    toml.write_text(
        f'labels = {json.dumps(LABELS)}\ntokenizer = "text_vectorization:vocab.txt"\n'
        f'reference = "{reference or "before.tflite"}"\n'
        '[corpus]\nfile = "texts.csv"\ntext = "review"\nlabel = "mood"\n'
        '[[candidates]]\nname = "after"\nflatbuffer = "after.tflite"\n'
        + ("inputs = { ids = 1, mask = 0 }\n" if b"args_0" in candidate else ""),
        encoding="utf-8",
    )
    judged = judge(folder, [f"--edge-subject={toml}"], [gate])
    assert texts.corpus == folder / "texts.csv"
    return judged.outcome.results()["run"]["localizations"], judged


def test_a_sound_pair_agrees(handed):
    found, judged = localized(handed, layered(**{**OTHERWISE, "integers": False}))
    assert judged.outcome.code == 0, judged.outcome.output
    assert found == []


def test_names_the_operator_whose_weights_have_another_scale(handed):
    (found,), judged = localized(handed, layered(integers=True, damaged=1))
    assert judged.red("after") == {"test_labels_agree_with_float32"}
    assert found["matched"] == "name"
    assert found["diverges_at"]["operator"] == "FULLY_CONNECTED"
    assert found["diverges_at"]["tensor"] == "dense_1"
    assert 0 < len(found["flips"]) <= 20
    assert set(found["flips"][0]["labels"]) == {"reference", "after"}
    margins = [flip["margins"]["reference"] for flip in found["flips"]]
    assert margins == sorted(margins, reverse=True)
    assert "first diverges at operator" in " ".join(judged.outcome.output.split())


def test_names_it_where_the_files_name_nothing_alike(handed):
    (found,), judged = localized(handed, layered(**OTHERWISE, damaged=2))
    assert found["matched"] == "order"
    assert found["diverges_at"]["tensor"] == "StatefulPartitionedCall/dense_2"
    assert "matched by their order" in " ".join(judged.outcome.output.split())


def test_names_the_operator_that_gives_nan(handed):
    (found,), judged = localized(
        handed, layered(**{**OTHERWISE, "integers": False}, not_a_number=1)
    )
    assert judged.outcome.code == 1
    assert found["not_finite"]["operator"] == "FULLY_CONNECTED"
    assert found["not_finite"]["tensor"] == "StatefulPartitionedCall/dense_1"
    assert found["not_finite"]["nan"] > 0
    assert found["flips"] == []


@pytest.fixture(scope="module")
def recorded(handed):
    """The name of recorded answers that are right."""
    folder, texts = handed
    rows = [
        {"id": f"line-{at + 2}", "label": int(label)}
        for at, label in enumerate(logits(texts.ids).argmax(axis=1))
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text(lines, encoding="utf-8")
    return "answers.jsonl"


def test_finds_nan_without_a_file_to_compare_with(handed, recorded):
    (found,), _ = localized(handed, layered(not_a_number=2), reference=recorded)
    assert (found["not_finite"]["operator"], found["not_finite"]["tensor"]) == (
        "FULLY_CONNECTED",
        "dense_2",
    )


def test_says_why_nothing_is_looked_at_beside_recorded_answers(handed, recorded):
    candidate = layered(integers=True, damaged=1)
    (found,), judged = localized(handed, candidate, reference=recorded)
    assert found["not_localized"].startswith("the reference is no FlatBuffer")
    assert found["flipped"] > 0
    assert "not localized: the reference is no FlatBuffer" in " ".join(
        judged.outcome.output.split()
    )
