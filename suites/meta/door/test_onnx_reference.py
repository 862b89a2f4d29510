"""A FlatBuffer is judged against an ONNX file that onnxruntime runs in its own process."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest

from models.candidates.onnx_reference import STAGE
from models.errors import UsageMistake
from models.onnx import asking
from models.onnx.asking import Call, Fed, ask
from models.store import Store
from suites.meta import onnx_writer, small_classifiers
from suites.meta.door.handing import provider_by
from suites.meta.door.judged import judge, options
from suites.meta.door.refused import Refused
from suites.meta.door.texts import LABELS, logits, softmax, write_texts
from suites.meta.gates.running import run_pytest

pytestmark = pytest.mark.skipif(
    find_spec("onnxruntime") is None, reason="onnxruntime is not installed (dependency group onnx)"
)

SUITES = ("suites/accuracy", "suites/agreement")
AGREES, CLOSE = "test_labels_agree_with_float32", "test_probabilities_stay_close_to_float32"


@pytest.fixture(scope="module")
def handed(tmp_path_factory):
    """Write texts and a FlatBuffer; return the options that pass them to a run."""
    folder = tmp_path_factory.mktemp("onnx")
    texts = write_texts(folder)
    (folder / "ok.tflite").write_bytes(small_classifiers.classifier())
    return folder, texts, [f"--edge-flatbuffer={folder / 'ok.tflite'}", *options(texts, LABELS)]


def against(handed, name, content, **more):
    """Judge the FlatBuffer against an ONNX file."""
    folder, _, usual = handed
    (folder / name).write_bytes(content)
    further = [f"--edge-{key}={value}" for key, value in more.items()]
    return judge(folder, [*usual, f"--edge-reference={folder / name}", *further], SUITES)


def test_flatbuffer_and_onnx_file_with_equal_weights_agree_on_every_text(handed):
    judged = against(handed, "same.onnx", onnx_writer.classifier())
    assert judged.outcome.code == 0, judged.outcome.output
    assert judged.figure("agreement", "ok") == 1.0
    assert judged.figure("accuracy_drop_float32", "ok") == 0.0
    assert judged.figure("total_variation", "ok") < 1e-6
    assert "reference same.onnx: ids = 'input_ids' int64 [-1, -1]" in judged.outcome.output

    # The answers are stored, so that the second run computes none.
    (stored,) = (handed[0] / "store" / STAGE).iterdir()
    times = {file: file.stat().st_mtime_ns for file in stored.iterdir()}
    warm = against(handed, "same.onnx", onnx_writer.classifier())
    assert warm.figure("agreement", "ok") == 1.0
    assert list((handed[0] / "store" / STAGE).iterdir()) == [stored]
    assert {file: file.stat().st_mtime_ns for file in stored.iterdir()} == times


def test_agreement_gate_fails_if_the_onnx_reference_has_swapped_labels(handed):
    judged = against(handed, "swapped.onnx", onnx_writer.classifier(order=(1, 0, 2)))
    assert judged.red("ok") == {AGREES, CLOSE}
    _, texts, _ = handed
    right = logits(texts.ids).argmax(axis=1)
    swapped = np.array([1, 0, 2])[right]
    assert judged.figure("agreement", "ok") == pytest.approx(float((right == swapped).mean()))


def handed_in(folder, name, content, **options):
    """Pass an ONNX file to a run; return the provider of its candidates."""
    settings = {"reference": f"{{}}/{name}", **options}
    return provider_by(Refused(says=(), files={name: content}, options=settings).make(folder))


def test_softmax_is_not_applied_to_probabilities_of_an_onnx_file(tmp_path):
    """The reference ends in a softmax; edgeproof must not apply a second one."""
    provider = handed_in(tmp_path, "x.onnx", onnx_writer.classifier(end=("Mul2", "Softmax")))
    answers, store = provider.reference_answers, Store(tmp_path / "store")
    provider.make(store)
    ids, recorded = answers.rows["ids"], answers.recording(store)
    expected = softmax(2 * logits(ids))
    np.testing.assert_allclose(recorded.probabilities, expected, rtol=1e-5)
    np.testing.assert_allclose(softmax(recorded.logits), expected, rtol=1e-5)


def test_recorded_answers_can_be_compared_with_an_onnx_reference(handed):
    folder, texts, usual = handed
    rows = [
        {"id": f"line-{at + 2}", "logits": row} for at, row in enumerate(logits(texts.ids).tolist())
    ]
    recorded = folder / "app.jsonl"
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "same.onnx").write_bytes(onnx_writer.classifier())
    options_of = [option for option in usual if "flatbuffer" not in option]
    recording_options = [f"--edge-recorded={recorded}", f"--edge-reference={folder / 'same.onnx'}"]
    judged = judge(folder, [*options_of, *recording_options, "--edge-length=8"], SUITES)
    assert judged.figure("agreement", "recorded") == 1.0


def test_unusable_onnx_file_is_reported_in_one_message(handed, tmp_path):
    folder, _, usual = handed
    bad = folder / "bad.onnx"
    bad.write_bytes(onnx_writer.classifier(end=("NoSuchOperator", "Softmax")))
    bad_options = [f"--edge-reference={bad}", f"--edge-cache-dir={tmp_path / 'store'}"]
    outcome = run_pytest(tmp_path / "reports", [*SUITES, *usual, *bad_options])
    assert outcome.code == pytest.ExitCode.USAGE_ERROR, outcome.output
    assert "Traceback" not in outcome.output
    (line,) = {
        printed
        for printed in outcome.output.splitlines()
        if "bad.onnx: --edge-reference: " in printed
    }
    assert "onnxruntime cannot load it" in line
    assert "record the model's answers" in line


def asked(folder, content, *, output="out", values=3, rows=2):
    """Run a file with one input on a few texts."""
    file = folder / "x.onnx"
    file.write_bytes(content)
    ids = Fed(role="ids", name="input_ids", dtype="int64", shape=(1, 8))
    call = Call(file=file, inputs=(ids,), output=output, values=values, most=1000, threads=1)
    return ask(call, {"ids": np.ones((rows, 8), np.int32)})


def test_onnx_file_that_never_answers_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "SECONDS_PER_TEXT", 1.0)
    with pytest.raises(UsageMistake, match="took longer than 1 s to load or to answer one text"):
        asked(tmp_path, onnx_writer.endless())


def test_rejects_onnx_file_that_takes_all_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "_free_memory", lambda: 1 << 30)
    with pytest.raises(UsageMistake, match=r"cannot run it .*Failed to allocate memory"):
        asked(tmp_path, onnx_writer.huge(1 << 40))
    assert asked(tmp_path, onnx_writer.huge(10)).tolist() == [[80.0] * 3] * 2


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (onnx_writer.classifier(names=("input_ids",)), {"output": "nope"}, "nope"),
        (
            onnx_writer.classifier(names=("input_ids",)),
            {"output": "logits", "values": 2},
            "answers a text with 3 numbers, but 2 were expected",
        ),
        (onnx_writer.of_operator("Twice", ""), {}, "onnxruntime cannot load it"),
    ],
    ids=["another output", "another number of answers", "an unknown operator"],
)
def test_rejects_onnx_file_that_cannot_be_run_as_declared(content, settings, message, tmp_path):
    with pytest.raises(UsageMistake) as caught:
        asked(tmp_path, content, **settings)
    assert message in caught.value.what
    assert caught.value.file == str(tmp_path / "x.onnx")


def test_infinite_outputs_of_an_onnx_file_are_reported(tmp_path):
    content = onnx_writer.classifier(end=("Infinite",))
    provider = handed_in(tmp_path, "inf.onnx", content, **{"reference-output": "meaning=logits"})
    with pytest.raises(UsageMistake, match="gives NaN or infinity for 12 of 12 texts"):
        provider.make(Store(tmp_path / "store"))
