"""The difference of two given files is localized at the operator with the planted fault."""

from __future__ import annotations

import json

import pytest

from suites.meta.door.judged import judge
from suites.meta.door.texts import LABELS, write_texts
from suites.meta.localizing.layered import layered, logits

GATE = "suites/agreement/test_agreement.py::test_labels_agree_with_float32"
# Names, order and dtype of the inputs as from another exporter.
OTHERWISE = {
    "prefix": "StatefulPartitionedCall/",
    "names": ("args_0", "args_1"),
    "order": (1, 0),
    "dtype": "int64",
}
SCALED = layered(integers=True, damaged=1)
CANDIDATES = {
    "sound": layered(**OTHERWISE),
    "scaled": SCALED,
    "renamed": layered(**OTHERWISE, integers=True, damaged=2),
    "broken": layered(**OTHERWISE, not_a_number=1),
}
BESIDE_ANSWERS = {"scaled": SCALED, "broken": layered(not_a_number=2)}


@pytest.fixture(scope="module")
def handed(tmp_path_factory):
    """Return a folder of texts, a float32 reference, and correct recorded answers."""
    folder = tmp_path_factory.mktemp("pair")
    texts = write_texts(folder, answers=logits)
    (folder / "before.tflite").write_bytes(layered())
    labels = logits(texts.ids).argmax(axis=1).tolist()
    rows = [{"id": f"line-{at + 2}", "label": label} for at, label in enumerate(labels)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text(lines, encoding="utf-8")
    return folder


def localized(folder, candidates, reference):
    """Judge candidates; return the localization of each by name, and the judged run."""
    lines = [
        *(f"labels = {json.dumps(LABELS)}", 'tokenizer = "text_vectorization:vocab.txt"'),
        *(f'reference = "{reference}"', "[corpus]", 'file = "texts.csv"', 'text = "review"'),
        'label = "mood"',
    ]
    for name, content in candidates.items():
        (folder / f"{name}.tflite").write_bytes(content)
        lines += ["[[candidates]]", f'name = "{name}"', f'flatbuffer = "{name}.tflite"']
        lines += ["inputs = { ids = 1, mask = 0 }"] if b"args_0" in content else []
    (folder / "mine.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    judged = judge(folder, [f"--edge-subject={folder / 'mine.toml'}"], [GATE])
    localizations = judged.outcome.results()["run"]["localizations"]
    return {localization["scheme"]: localization for localization in localizations}, judged


@pytest.fixture(scope="module")
def compared(handed):
    """Return the localizations of CANDIDATES with a float32 file as the reference, and the run."""
    return localized(handed, CANDIDATES, "before.tflite")


@pytest.fixture(scope="module")
def beside_answers(handed):
    """Return the localizations of BESIDE_ANSWERS beside recorded answers, and the run."""
    return localized(handed, BESIDE_ANSWERS, "answers.jsonl")


def test_localization_reports_nothing_for_two_files_that_agree(compared):
    localizations, judged = compared
    assert set(localizations) == {"scaled", "renamed", "broken"}
    assert judged.red("sound") == set()


def test_localization_names_the_operator_with_wrongly_scaled_weights(compared):
    localization, judged = compared[0]["scaled"], compared[1]
    assert judged.red("scaled") == {"test_labels_agree_with_float32"}
    assert localization["matched"] == "name"
    assert localization["diverges_at"]["operator"] == "FULLY_CONNECTED"
    assert localization["diverges_at"]["tensor"] == "dense_1"
    assert 0 < len(localization["flips"]) <= 20
    assert set(localization["flips"][0]["labels"]) == {"reference", "scaled"}
    margins = [flip["margins"]["reference"] for flip in localization["flips"]]
    assert margins == sorted(margins, reverse=True)
    assert "first diverges at operator" in " ".join(judged.outcome.output.split())


def test_localization_names_the_operator_even_if_tensor_names_differ(compared):
    localization, judged = compared[0]["renamed"], compared[1]
    assert localization["matched"] == "order"
    assert localization["diverges_at"]["tensor"] == "StatefulPartitionedCall/dense_2"
    assert "matched by their order" in " ".join(judged.outcome.output.split())


def test_localization_names_the_operator_that_outputs_nan(compared):
    localization = compared[0]["broken"]
    assert localization["not_finite"]["operator"] == "FULLY_CONNECTED"
    assert localization["not_finite"]["tensor"] == "StatefulPartitionedCall/dense_1"
    assert localization["not_finite"]["nan"] > 0
    assert localization["flips"] == []


def test_message_names_the_users_file_and_not_its_copy(handed, compared):
    output = compared[1].outcome.output
    assert f"{handed / 'broken.tflite'}: broken on " in output
    assert str(handed / "store" / "candidate") not in output


def test_nan_is_localized_without_a_reference_file(beside_answers):
    not_finite = beside_answers[0]["broken"]["not_finite"]
    assert (not_finite["operator"], not_finite["tensor"]) == ("FULLY_CONNECTED", "dense_2")


def test_report_tells_why_recorded_answers_cannot_be_localized(beside_answers):
    localization, judged = beside_answers[0]["scaled"], beside_answers[1]
    assert localization["not_localized"].startswith("the reference is not a FlatBuffer")
    assert localization["flipped"] > 0
    output = " ".join(judged.outcome.output.split())
    assert "not localized: the reference is not a FlatBuffer" in output
