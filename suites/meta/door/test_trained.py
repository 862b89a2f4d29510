"""Classifiers trained by Keras and converted by TensorFlow are judged against Keras.

Correct files agree with Keras on every text and have the accuracy that Keras reports. The same runs
contain common mistakes with such files, each of which turns a gate red.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.errors import UsageMistake
from suites.meta.door.handing import provider_by
from suites.meta.door.judged import BEHAVIOR, judge
from suites.meta.door.trained import COMPLAINT, LABELS, LENGTH, accuracy_of, trained_files

FIGURES = ("suites/accuracy", "suites/agreement")
FLOOR = "test_variant_beats_the_majority"
AGREEMENT = "test_labels_agree_with_float32"
DISTANCE = "test_probabilities_stay_close_to_float32"
SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def files():
    pytest.importorskip(
        "tensorflow", reason="making FlatBuffers needs TensorFlow", exc_type=ImportError
    )
    return trained_files()


def run(files, folder, network, candidates, suites=FIGURES, **keys):
    """Judge candidates of one network against Keras' answers.

    Each value of `candidates` is a table in the TOML; if it has no `flatbuffer`, the file has the
    name of the candidate. `keys` are the other keys of the TOML.
    """
    column = "complaint" if network == "recurrent" else "label"
    own = {"reference": str(files / f"{network}.npz"), **keys}
    lines = [f"{key} = {json.dumps(value)}" for key, value in own.items()]
    lines += ["[corpus]", f'file = "{files / "texts.csv"}"', f'label = "{column}"', 'id = "id"']
    for name, more in candidates.items():
        entry = {"flatbuffer": name, **more}
        entry["flatbuffer"] = str(files / f"{entry['flatbuffer']}.tflite")
        lines += ["[[candidates]]", f'name = "{name}"']
        lines += [f"{key} = {value}" for key, value in _written(entry).items()]
    toml = folder / "mine.toml"
    toml.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return judge(folder, [f"--edge-subject={toml}"], suites)


def _written(entry):
    def inline(value):
        if not isinstance(value, dict):
            return json.dumps(value)
        return "{ " + ", ".join(f"{key} = {inline(item)}" for key, item in value.items()) + " }"

    return {key: inline(value) for key, value in entry.items()}


def assert_as_keras(judged, files, network, exact, near=()):
    """Check that float files agree with Keras, and that others are nearly as accurate."""
    reported = accuracy_of(files, network)
    for name in exact:
        assert judged.figure("agreement", name) == 1.0, judged.outcome.output
        assert judged.figure("accuracy", name) == pytest.approx(reported, abs=1e-6)
        assert judged.figure("total_variation", name) < 1e-3
        assert not judged.red(name) - {FLOOR}, judged.outcome.output
    for name in near:
        assert judged.figure("accuracy", name) == pytest.approx(reported, abs=0.02)
        assert judged.figure("agreement", name) > 0.97, judged.outcome.output


# --------------------------------------------------------------------- average, TextVectorization


@pytest.fixture(scope="module")
def average(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("average")
    words = (files / "vocabulary.txt").read_text("utf-8").split("\n")[:-1]
    shuffled = np.random.default_rng(1).permutation(words[2:])
    (folder / "shuffled.txt").write_text("\n".join([*words[:2], *shuffled]) + "\n", "utf-8")
    candidates = {
        **{f"average{way}": {} for way in ("", "_saved", "_unsigned", "_dynamic", "_float16")},
        "average_int8": {},
        "average_open": {"length": LENGTH},
        "short": {"flatbuffer": "average_open", "length": LENGTH // 3},
        "other_numbers": {
            "flatbuffer": "average_saved",
            "tokenizer": f"text_vectorization:{folder / 'shuffled.txt'}",
        },
    }
    keys = {"labels": LABELS, "tokenizer": str(files / "vocabulary.txt")}
    return run(files, folder, "average", candidates, **keys)


def test_converted_average_word_vector_models_match_keras(average, files):
    exact = ("average", "average_saved", "average_unsigned", "average_open")
    near = ("average_dynamic", "average_float16", "average_int8")
    assert_as_keras(average, files, "average", exact, near)


def test_gates_fail_if_the_words_are_numbered_differently_than_in_training(average):
    assert {AGREEMENT, DISTANCE} <= average.red("other_numbers")


def test_gates_fail_if_rows_are_shorter_than_in_training(average):
    assert DISTANCE in average.red("short")


# -------------------------------------------------------------------- convolution, several graphs


@pytest.fixture(scope="module")
def convolution(files, tmp_path_factory):
    candidates = {
        "convolution": {},
        "convolution_int8": {},
        "classify": {"flatbuffer": "two_signatures", "signature": "classify"},
        "count": {
            "flatbuffer": "two_signatures",
            "signature": "a_count",
            "output": {"meaning": "logits"},
        },
    }
    keys = {"labels": LABELS, "tokenizer": str(files / "vocabulary.txt")}
    folder = tmp_path_factory.mktemp("convolution")
    return run(files, folder, "convolution", candidates, (*FIGURES, BEHAVIOR), **keys)


def test_converted_convolutional_models_match_keras(convolution, files):
    near = ("convolution_int8",)
    assert_as_keras(convolution, files, "convolution", ("convolution", "classify"), near)


def test_declared_signature_that_runs_the_second_graph_is_used_and_reported(convolution):
    assert "Its signature 'classify' runs graph 1 of the file" in convolution.outcome.output


def test_gates_fail_if_the_wrong_signature_is_declared(convolution):
    assert {AGREEMENT, DISTANCE, "test_every_input_matters"} <= convolution.red("count")


@SLOW
def test_report_says_that_errors_in_the_second_graph_cannot_be_localized(files, tmp_path):
    candidates = {
        "classify": {"flatbuffer": "two_signatures", "signature": "classify"},
        "int8": {"flatbuffer": "average_int8"},
    }
    keys = {"labels": LABELS, "tokenizer": str(files / "vocabulary.txt"), "reference": "classify"}
    judged = run(files, tmp_path, "convolution", candidates, FIGURES[1:], **keys)
    assert AGREEMENT in judged.red("int8")
    output = " ".join(judged.outcome.output.split())
    assert "classify uses graph 1 of its file" in output


# ------------------------------------------------------------------------ recurrent, one sigmoid


@pytest.fixture(scope="module")
def recurrent(files, tmp_path_factory):
    candidates = {
        "recurrent": {},
        "recurrent_unrolled": {"output": {"threshold": 0.5, "positive": "yes"}},
        "other_side": {"flatbuffer": "recurrent", "output": {"positive": "no"}},
        "strict": {"flatbuffer": "recurrent", "output": {"threshold": 0.99}},
    }
    keys = {"labels": COMPLAINT, "tokenizer": str(files / "word_index.json")}
    folder = tmp_path_factory.mktemp("recurrent")
    return run(files, folder, "recurrent", candidates, **keys)


def test_converted_recurrent_models_match_keras(recurrent, files):
    assert_as_keras(recurrent, files, "recurrent", ("recurrent", "recurrent_unrolled"))


def test_gates_fail_if_the_labels_of_a_sigmoid_are_swapped(recurrent, files):
    assert {AGREEMENT, FLOOR} <= recurrent.red("other_side")
    assert recurrent.figure("accuracy", "other_side") == pytest.approx(
        1 - accuracy_of(files, "recurrent"), abs=1e-6
    )


def test_gates_fail_if_the_threshold_is_wrong(recurrent):
    assert AGREEMENT in recurrent.red("strict")


@SLOW
def test_gates_fail_if_padding_is_on_the_wrong_side(files, tmp_path):
    tokenizer = f'[tokenizer]\nfile = "{files / "word_index.json"}"\nside = "right"\n'
    (tmp_path / "mine.toml").write_text(
        f'labels = {json.dumps(COMPLAINT)}\nreference = "{files / "recurrent.npz"}"\n{tokenizer}'
        f'[corpus]\nfile = "{files / "texts.csv"}"\nlabel = "complaint"\nid = "id"\n'
        f'[[candidates]]\nname = "right"\nflatbuffer = "{files / "recurrent.tflite"}"\n',
        encoding="utf-8",
    )
    judged = judge(tmp_path, [f"--edge-subject={tmp_path / 'mine.toml'}"], FIGURES)
    assert {AGREEMENT, DISTANCE} <= judged.red("right")


# -------------------------------------------------------------------------- Model Maker's metadata


def test_metadata_provides_labels_and_vocabulary(files, tmp_path):
    judged = run(files, tmp_path, "model_maker", {"model_maker": {}})
    assert_as_keras(judged, files, "model_maker", ("model_maker",))
    output = judged.outcome.output
    assert f"labels: {', '.join(LABELS)}" in output
    assert "tokenizer: regex, 1500 ids" in output
    assert "The metadata calibrates scores" in output


def test_gate_fails_if_labels_are_in_the_wrong_order(files, tmp_path):
    candidates = {"wrong": {"flatbuffer": "model_maker_wrong_labels"}}
    judged = run(files, tmp_path, "model_maker", candidates, FIGURES[:1])
    assert FLOOR in judged.red("wrong")


@SLOW
def test_declared_labels_override_the_metadata_with_a_remark(files, tmp_path):
    candidates = {"wrong": {"flatbuffer": "model_maker_wrong_labels"}}
    judged = run(files, tmp_path, "model_maker", candidates, FIGURES[:1], labels=LABELS)
    assert judged.figure("accuracy", "wrong") == pytest.approx(
        accuracy_of(files, "model_maker"), abs=1e-6
    )
    assert "The metadata calls the labels positive, neutral, negative" in judged.outcome.output


# ------------------------------------------------------------------------------- recorded answers


def recorded(files, folder, npz):
    arguments = [
        f"--edge-flatbuffer=app={files / 'average.tflite'}",
        f"--edge-corpus={files / 'texts.csv'}",
        "--edge-columns=text=text,label=label,id=id",
        f"--edge-labels={','.join(LABELS)}",
        f"--edge-tokenizer={files / 'vocabulary.txt'}",
        f"--edge-recorded={npz}",
    ]
    return judge(folder, arguments, (*FIGURES, "suites/tokenization"))


@SLOW
def test_token_ids_equal_the_ids_recorded_from_keras(files, tmp_path):
    """The answers of Keras are judged as an app's recording, with tokens and scores."""
    judged = recorded(files, tmp_path, files / "average.npz")
    assert not judged.red("app") - {FLOOR}, judged.outcome.output
    assert judged.figure("token_parity", "app") == 1.0


@SLOW
def test_token_parity_gate_fails_if_an_app_uses_another_vocabulary(files, tmp_path):
    with np.load(files / "average.npz") as archive:
        arrays = dict(archive)
    arrays["ids"][arrays["ids"] > 1] += 1
    np.savez(tmp_path / "other.npz", **arrays)
    judged = recorded(files, tmp_path, tmp_path / "other.npz")
    assert "test_app_makes_the_same_ids" in judged.red("app"), judged.outcome.output
    assert judged.figure("token_parity", "app") < 0.05


# --------------------------------------------------------------------------------- what is refused

REFUSED = {
    "recurrent_flex": ("operators", "FlexTensorListReserve", "TFLITE_BUILTINS"),
    "average_without_weights": ("operators", "its weights are not in the file", "freeze"),
    "convolution_int8_ids": ("inputs", "256 values cannot represent 1500 ids", "int32"),
    "two_signatures": ("signature", "'a_count', 'classify'", "--edge-signature=a_count"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rejects_converted_file_that_cannot_work_as_given(files, name):
    options_given = {
        "flatbuffer": (f"{files / name}.tflite",),
        "corpus": str(files / "texts.csv"),
        "labels": ",".join(LABELS),
        "tokenizer": str(files / "vocabulary.txt"),
    }
    with pytest.raises(UsageMistake) as caught:
        provider_by(options_given)
    message = str(caught.value)
    assert all(part in message for part in (f"{name}.tflite", *REFUSED[name])), message
    assert caught.value.remedy
