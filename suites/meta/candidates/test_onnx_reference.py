"""An ONNX file is recognized like a candidate; uncertain properties are rejected."""

from __future__ import annotations

import pytest

from models.candidates import onnx_reference
from models.errors import UsageMistake
from models.onnx import asking
from suites.meta import onnx_writer, small_classifiers
from suites.meta.door.handing import provider_by
from suites.meta.door.refused import ONE, TOML, Refused

OTHER = ("args_0", "args_1", "args_2")


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    """Pretend that onnxruntime is installed; these tests never call it."""
    monkeypatch.setattr(onnx_reference, "require_onnxruntime", lambda _file: None)


def take(folder, content, *, toml=None, **options):
    """Pass a FlatBuffer and an ONNX file to a run; return its subject."""
    settings = {"reference": "{}/x.onnx", **options} if toml is None else options
    refused = Refused(says=(), files={"x.onnx": content}, toml=toml, options=settings)
    return provider_by(refused.make(folder)).subject


def bound(subject):
    """Return the roles of the reference's inputs, and the meaning of its output."""
    spec = subject.reference_answers.candidate.spec
    return {port.role: port.name for port in spec.inputs}, spec.output.meaning


def test_input_roles_and_output_meaning_of_an_onnx_file_are_recognized(tmp_path):
    subject = take(tmp_path, onnx_writer.classifier(end=("Softmax",)))
    roles = {"ids": "input_ids", "mask": "attention_mask", "segments": "token_type_ids"}
    assert bound(subject) == (roles, "probabilities")
    assert subject.reference is None
    assert list(subject.candidates) == ["ok"]


@pytest.mark.parametrize(
    ("shape", "fed"), [((1, 8), (1, 8)), (("b", "t"), (1, 8)), ((1, 1, 8), (1, 1, 8)), ((8,), (8,))]
)
def test_rows_are_reshaped_to_the_input_shape_of_the_onnx_file(shape, fed, tmp_path):
    subject = take(tmp_path, onnx_writer.classifier(names=("input_ids",), shape=shape))
    (fed_input,) = subject.reference_answers._call().inputs
    assert (fed_input.dtype, fed_input.shape) == ("int64", fed)


def test_onnx_file_with_dynamic_length_runs_at_the_length_of_the_candidates(tmp_path):
    answers = take(tmp_path, onnx_writer.classifier()).reference_answers
    assert answers.remarks == ("x.onnx: its rows have 8 tokens, like those of the candidates.",)
    assert answers.rows["ids"].shape == (12, 8)


REFUSED = {
    "inputs of no known name": (
        onnx_writer.classifier(names=OTHER),
        "--edge-reference-inputs='ids=args_0,mask=args_1,segments=args_2'",
        {},
    ),
    "several outputs": (
        onnx_writer.classifier(outputs=("logits", "pooled")),
        "under [reference], or --edge-reference-output='name=logits'",
        {},
    ),
    "an end that says nothing": (
        onnx_writer.classifier(end=("Tanh",)),
        "--edge-reference-output='meaning=probabilities'",
        {},
    ),
    "a meaning that the graph denies": (
        onnx_writer.classifier(),
        "the graph computes logits",
        {"reference-output": "meaning=probabilities"},
    ),
    "another number of labels": (onnx_writer.classifier(classes=4), "distinguishes 4", {}),
    "an input of text": (
        onnx_writer.of_operator("StringNormalizer", "", dtype="string"),
        "takes text itself",
        {},
    ),
    "a candidate of its name": (
        onnx_writer.classifier(),
        "a candidate is called 'reference'",
        {"flatbuffer": ("reference={}/ok.tflite",)},
    ),
    "inputs declared of no reference": (b"", "no reference is given", {"reference": None}),
    "a grammar that is not there": (
        onnx_writer.classifier(),
        "--edge-reference-inputs",
        {"reference-inputs": "tokens=input_ids"},
    ),
    "a length without bounds": (
        onnx_writer.classifier(shape=(1, 1 << 40)),
        "edgeproof judges at most 8,192",
        {},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_rejects_onnx_file_with_uncertain_or_contradicting_properties(name, tmp_path):
    content, question, options = REFUSED[name]
    if name.startswith("inputs declared"):
        options = {**options, "reference-inputs": "ids=0"}
    with pytest.raises(UsageMistake) as caught:
        take(tmp_path, content, **options)
    assert question in str(caught.value)
    assert "--edge-inputs" not in str(caught.value)


def test_declared_roles_of_an_onnx_file_are_used(tmp_path):
    names = {"reference-inputs": "ids=args_0,segments=args_2,mask=1"}
    content = onnx_writer.classifier(names=OTHER, outputs=("pooled", "logits"))
    subject = take(tmp_path, content, **names, **{"reference-output": "name=logits"})
    assert bound(subject)[0] == {"ids": "args_0", "mask": "args_1", "segments": "args_2"}


def test_reference_may_be_declared_in_its_own_toml_table(tmp_path):
    toml = (
        f"{TOML}[reference]\nfile = 'x.onnx'\ninputs = {{ ids = 'args_0', mask = 1, "
        f"segments = 2 }}\noutput = {{ name = 'logits' }}\ntokenizer = 'text_vectorization:"
        f"vocab.txt'\n{ONE}"
    )
    content = onnx_writer.classifier(names=OTHER, outputs=("logits", "pooled"))
    assert bound(take(tmp_path, content, toml=toml)) == (
        {"ids": "args_0", "mask": "args_1", "segments": "args_2"},
        "logits",
    )


def test_reference_path_is_relative_to_its_toml(tmp_path):
    subject = take(tmp_path, onnx_writer.classifier(), toml=f"reference = 'x.onnx'\n{TOML}{ONE}")
    assert subject.reference_answers.candidate.spec.file == tmp_path / "x.onnx"


def test_reference_inputs_option_also_applies_to_a_flatbuffer_reference(tmp_path):
    names = {"reference": "{}/other.tflite"}
    (tmp_path / "other.tflite").write_bytes(small_classifiers.classifier(names=OTHER))
    with pytest.raises(UsageMistake, match="--edge-reference-inputs='ids=args_0"):
        take(tmp_path, b"", **names)
    options = {**names, "reference-inputs": "ids=args_0,mask=args_1,segments=args_2"}
    assert list(take(tmp_path, b"", **options).candidates) == ["reference", "ok"]


def test_rejects_reference_inputs_if_the_reference_is_a_recording(tmp_path):
    with pytest.raises(UsageMistake, match="recorded answers have no inputs"):
        take(tmp_path, b"", **{"reference": "{}/a.jsonl", "reference-inputs": "ids=0"})


def test_rejects_reference_inputs_if_the_reference_is_a_candidate(tmp_path):
    with pytest.raises(UsageMistake, match="declared in its own table"):
        take(tmp_path, b"", **{"reference": "ok", "reference-inputs": "ids=0"})


def test_error_without_onnxruntime_says_how_to_install_onnxruntime(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_reference, "require_onnxruntime", asking.require_onnxruntime)
    monkeypatch.setattr(asking, "find_spec", lambda _name: None)
    with pytest.raises(UsageMistake) as caught:
        take(tmp_path, onnx_writer.classifier())
    assert "-m pip install --group" in caught.value.remedy
    assert "tox -e judge-onnx" in caught.value.remedy


def test_reference_table_with_the_file_of_a_candidate_selects_the_candidate(tmp_path):
    toml = f"{TOML}[reference]\nfile = 'ok.tflite'\n{ONE}"
    assert take(tmp_path, b"", toml=toml).reference == "x"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("file = 'x.onnx'\nlength = 0", "`length` must be at least 1"),
        ("file = 'x.onnx'\nlabels = ['a']", "unknown field `labels`"),
        ("inputs = { ids = 0 }", "missing required field `file`"),
        ("file = 'absent.onnx'", "No such file"),
        ("file = 'ok.tflite'\ninputs = { ids = 0 }", "declared in its own table"),
    ],
)
def test_mistake_in_the_reference_table_is_reported_in_one_message(lines, message, tmp_path):
    with pytest.raises(UsageMistake) as caught:
        take(tmp_path, onnx_writer.classifier(), toml=f"{TOML}[reference]\n{lines}\n{ONE}")
    assert message in str(caught.value)
