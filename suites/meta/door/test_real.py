"""Published files are judged or rejected, if ../shared is present."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from suites.meta.door.judged import BEHAVIOR, FIGURES, judge, options
from suites.meta.door.texts import LABELS, write_texts
from suites.meta.gates.running import run_pytest

SHARED = Path(__file__).parents[4] / "shared" / "flatbuffers"
REAL = SHARED / "real"
# Limits on the scores of the bank's messages, taken from the app's own test.
BELOW, ABOVE = 0.1, 0.8


def needs(*files):
    """Skip a test if one of its files is missing."""
    absent = [str(file) for file in files if not file.exists()]
    return pytest.mark.skipif(bool(absent), reason=f"needs {', '.join(absent)}")


SMS = REAL / "sms-int64-sigmoid"
TOCO = REAL / "toco-hybrid-uint8"
FLEX = REAL / "zh-spam-string-flex" / "model.tflite"
NEW = SHARED / "fully_connected_v12.tflite"


@needs(SMS / "model.tflite")
@pytest.mark.parametrize(("threshold", "side"), [(ABOVE, "TRANSACTION"), (BELOW, "TRANSACTION")])
def test_published_sms_classifier_labels_all_texts_of_its_app_correctly(tmp_path, threshold, side):
    """The app's scores lie beyond both thresholds, so each threshold gives the right labels."""
    arguments = [
        f"--edge-flatbuffer=sms={SMS / 'model.tflite'}",
        f"--edge-corpus={SMS / 'texts.csv'}",
        "--edge-labels=NON_TRANSACTION,TRANSACTION",
        f"--edge-tokenizer=text_vectorization:{SMS / 'vocab.txt'}",
        f"--edge-output=threshold={threshold},positive={side}",
    ]
    judged = judge(tmp_path, arguments, (*FIGURES, BEHAVIOR) if threshold == ABOVE else FIGURES)
    assert judged.figure("accuracy", "sms") == 1.0
    assert not judged.red("sms") - {"test_variant_beats_the_majority"}, judged.outcome.output


@needs(TOCO / "model.tflite")
def test_file_from_an_old_converter_is_judged_on_token_ids(tmp_path):
    words = json.loads((TOCO / "word_dict.json").read_text("utf-8"))
    draw = np.random.default_rng(5)
    with (tmp_path / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("text", "label", "ids"))
        for number in range(60):
            text = draw.choice(list(words)[:500], 12)
            ids = " ".join(str(words[word]) for word in text)
            rows.writerow((" ".join(text), ("spam", "ham")[number % 2], ids))
    arguments = [
        f"--edge-flatbuffer=toco={TOCO / 'model.tflite'}",
        f"--edge-corpus={tmp_path / 'texts.csv'}",
        "--edge-columns=text=text,label=label,ids=ids",
        "--edge-labels=spam,ham",
    ]
    judged = judge(tmp_path, arguments, (*FIGURES, BEHAVIOR))
    assert 0.0 <= judged.figure("accuracy", "toco") <= 1.0
    assert not judged.red("toco") - {"test_variant_beats_the_majority"}, judged.outcome.output


@needs(FLEX)
def test_rejects_file_with_text_input(tmp_path):
    texts = write_texts(tmp_path)
    arguments = [f"--edge-flatbuffer={FLEX}", *options(texts, LABELS)]
    outcome = run_pytest(tmp_path / "reports", [*FIGURES, *arguments])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    assert "FlexUnicodeEncode" in outcome.output
    assert "takes text itself" in outcome.output


@needs(NEW)
@pytest.mark.parametrize("runtime", ["ai_edge_litert", "tflite_runtime"])
def test_old_runtime_rejects_newer_operator_version(tmp_path, runtime):
    texts = write_texts(tmp_path)
    arguments = [f"--edge-flatbuffer=new={NEW}", *options(texts, LABELS)]
    judged = judge(tmp_path, [*arguments, f"--edge-backend={runtime}"], (*FIGURES, BEHAVIOR))
    if runtime == "ai_edge_litert":
        assert judged.figures("accuracy")["new"] >= 0.0
        return
    assert "new" not in judged.figures("accuracy")
    output = " ".join(judged.outcome.output.split())
    assert "FULLY_CONNECTED version 12 needs TFLite 2.17.0" in output
    assert "judge it with --edge-backend=ai_edge_litert" in output
    assert len(judged.red("new")) == 1, "the first gate tells it, the others are not run"
