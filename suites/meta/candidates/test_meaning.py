"""The meaning of the output is read from the graph; if uncertain, it must be declared."""

from __future__ import annotations

import pytest

from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration, OutputTable, parse_output
from models.errors import UsageMistake
from suites.meta.flatbuffer_writer import Model

ENDS = {
    "a dense layer": ((), 3, "logits"),
    "a softmax": (("SOFTMAX",), 3, "probabilities"),
    "a softmax and a reshape": (("SOFTMAX", "RESHAPE"), 3, "probabilities"),
    "a log-softmax": (("LOG_SOFTMAX",), 3, "log_probabilities"),
    "a sigmoid": (("LOGISTIC",), 1, "sigmoid"),
    "two sigmoids": (("LOGISTIC",), 2, "sigmoids"),
    "scaled logits": (("MUL", "ADD"), 3, "logits"),
}


def declaring(labels=None, **output):
    return Declaration(output=OutputTable(**output), labels=labels, where="mine.toml: candidate a")


@pytest.mark.parametrize(("end", "classes", "meaning"), ENDS.values(), ids=ENDS)
def test_last_operator_decides_what_the_output_means(write, end, classes, meaning):
    output = read_candidate(write(end=end, classes=classes)).output
    assert (output.meaning, output.found) == (meaning, "graph")
    assert output.classes == (2 if meaning == "sigmoid" else classes)


def test_quantize_operator_after_softmax_does_not_change_the_meaning(write):
    output = read_candidate(write(end=("SOFTMAX",), integer=(1 / 256, -128))).output
    assert (output.meaning, output.dtype) == ("probabilities", "int8")
    assert output.quantization.zero_points == (-128,)


def test_softmax_built_from_elementary_operators_is_recognized(tmp_path):
    assert read_candidate(divided(tmp_path, "EXP", "SUM")).output.meaning == "probabilities"


@pytest.mark.parametrize(("above", "below"), [("ABS", "SUM"), ("EXP", "REDUCE_MAX")])
def test_unrecognized_normalization_requires_a_declared_meaning(tmp_path, above, below):
    with pytest.raises(UsageMistake, match="uncertain: DIV, which computes it, does not"):
        read_candidate(divided(tmp_path, above, below))


def divided(folder, above, below):
    """Write a file whose output is the quotient of the results of two operators."""
    model = Model()
    ids, weights = (
        model.tensor("ids", (1, 8), "int32"),
        model.tensor("w", (3, 8), values=[[1] * 8] * 3),
    )
    names = ("dense", "numerator", "denominator", "share")
    dense, top, bottom, out = (model.tensor(name, (1, 3)) for name in names)
    model.operator("FULLY_CONNECTED", [ids, weights], [dense])
    model.operator(above, [dense], [top])
    model.operator(below, [top], [bottom])
    model.operator("DIV", [top, bottom], [out])
    model.end_graph([ids], [out])
    path = folder / "divided.tflite"
    path.write_bytes(model.pack())
    return path


def test_output_called_logits_that_contains_probabilities_causes_a_warning(write):
    spec = read_candidate(write(end=("SOFTMAX",), output="logits"))
    assert spec.output.meaning == "probabilities"
    assert any("called 'logits', but contains prob" in warning for warning in spec.warnings)
    assert read_candidate(write(end=("SOFTMAX",), output="probability")).warnings == ()


@pytest.mark.parametrize("end", [("TANH",), ("SOFTMAX", "MUL"), ("LOGISTIC", "ADD")])
def test_error_on_an_uncertain_output_shows_a_line_to_paste(write, end):
    file = write(end=end)
    with pytest.raises(UsageMistake, match=r"is uncertain: \w+, which computes it,") as caught:
        read_candidate(file)
    assert caught.value.key == "output.meaning"
    option = caught.value.remedy.partition("--edge-output='")[2].partition("'")[0]
    spec = read_candidate(file, Declaration(output=parse_output(option)))
    assert (spec.output.meaning, spec.output.found) == ("probabilities", "declared")


def test_single_output_without_sigmoid_requires_a_declared_meaning(write):
    file = write(classes=1)
    with pytest.raises(UsageMistake, match="is uncertain") as caught:
        read_candidate(file)
    assert '"logit"' in caught.value.remedy
    output = read_candidate(file, declaring(meaning="logit")).output
    assert (output.meaning, output.classes, output.threshold) == ("logit", 2, 0.5)


def test_rejects_softmax_of_one_number(write):
    with pytest.raises(
        UsageMistake, match="softmax over a single number, which is 1 for every text"
    ):
        read_candidate(write(end=("SOFTMAX",), classes=1))


def test_assumed_positive_label_of_a_sigmoid_causes_a_warning(write):
    spec = read_candidate(write(end=("LOGISTIC",), classes=1))
    assert (spec.output.threshold, spec.output.positive) == (0.5, 1)
    assert spec.output.found_threshold == "default"
    assert any("values above 0.5 are read as label 1" in warning for warning in spec.warnings)
    assert "above 0.5 label 1 (by default)" in spec.binding


@pytest.mark.parametrize(("positive", "index"), [(0, 0), (1, 1), ("spam", 0), ("ham", 1)], ids=str)
def test_declared_positive_label_of_a_sigmoid_is_used(write, positive, index):
    declared = declaring(labels=("spam", "ham"), threshold=0.35, positive=positive)
    spec = read_candidate(write(end=("LOGISTIC",), classes=1, output="spam"), declared)
    assert (spec.output.threshold, spec.output.positive) == (0.35, index)
    assert (spec.output.found_threshold, spec.warnings) == ("declared", ())


@pytest.mark.parametrize(
    ("lead", "signature", "classes"),
    [((1,), None, 5), ((), None, 5), ((1, 1), None, 5), ((1,), (-1, 5), 5), ((1,), (1, -1), None)],
    ids=["[1, C]", "[C]", "[1, 1, C]", "[-1, C]", "[1, -1]"],
)
def test_output_shapes_with_one_row_of_scores_are_accepted(write, lead, signature, classes):
    output = read_candidate(write(classes=5, lead=lead, output_signature=signature)).output
    assert output.classes == classes


@pytest.mark.parametrize(
    ("lead", "signature", "classes"),
    [((1, 16), None, 8), ((4,), None, 3), ((1, 1), (1, -1, 3), 3), ((1,), None, 1001)],
    ids=["[1, 16, 8]", "[4, 3]", "[1, -1, 3]", "[1, 1001]"],
)
def test_rejects_output_shapes_that_are_not_one_row_of_scores(write, lead, signature, classes):
    with pytest.raises(UsageMistake, match="the answer to a text needs") as caught:
        read_candidate(write(classes=classes, lead=lead, output_signature=signature))
    assert caught.value.key == "output"


def test_file_with_several_outputs_requires_a_declared_output(write):
    file = write(outputs=2)
    with pytest.raises(UsageMistake, match="has 2 outputs") as caught:
        read_candidate(file)
    assert 'name = "logits"' in caught.value.remedy
    assert read_candidate(file, declaring(name="logits")).output.classes == 3
    assert read_candidate(file, declaring(name=0)).output.name == "logits"
    with pytest.raises(UsageMistake, match="no tensor is called 'pool'"):
        read_candidate(file, declaring(name="pool"))


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool", "string"])
def test_rejects_output_that_contains_label_indices(tmp_path, dtype):
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("label", (1, 1), dtype)
    model.operator("ARG_MAX", [ids, ids], [out])
    model.end_graph([ids], [out])
    path = tmp_path / "labels.tflite"
    path.write_bytes(model.pack())
    with pytest.raises(UsageMistake, match=f"is {dtype}, but scores must be floating"):
        read_candidate(path)


WRONG = {
    "another meaning": ({"meaning": "logits"}, {"end": ("SOFTMAX",)}, "the graph computes prob"),
    "probabilities of logits": ({"meaning": "probabilities"}, {}, "the graph computes logits"),
    "a sigmoid of three": ({"meaning": "sigmoid"}, {}, "requires a single number"),
    "logits of one": ({"meaning": "logits"}, {"classes": 1, "end": ("LOGISTIC",)}, "has 1"),
    "a threshold for three": ({"threshold": 0.3}, {}, "apply only to a single sigmoid"),
    "a third side": ({"positive": 2}, {"classes": 1, "end": ("LOGISTIC",)}, "neither 0 nor 1"),
    "a label of none": (
        {"positive": "spam"},
        {"classes": 1, "end": ("LOGISTIC",)},
        "no labels are given",
    ),
    "a scale of floats": ({"scale": 0.5}, {}, "holds floating-point numbers"),
    "another scale": ({"scale": 0.5}, {"integer": (0.03, 5)}, "the file has 0.03 and 5"),
}


@pytest.mark.parametrize(("output", "shape", "message"), WRONG.values(), ids=WRONG)
def test_rejects_declaration_that_contradicts_the_file(write, output, shape, message):
    with pytest.raises(UsageMistake, match=message) as caught:
        read_candidate(write(**shape), declaring(**output))
    assert "mine.toml: candidate a: output" in caught.value.key


def test_declared_scale_replaces_a_missing_quantization_scale(tmp_path):
    model = Model()
    ids, weights = (
        model.tensor("ids", (1, 8), "int32"),
        model.tensor("w", (3, 8), values=[[1] * 8] * 3),
    )
    out = model.tensor("out", (1, 3), "int8")
    model.operator("FULLY_CONNECTED", [ids, weights], [out])
    model.end_graph([ids], [out])
    path = tmp_path / "scaleless.tflite"
    path.write_bytes(model.pack())
    with pytest.raises(UsageMistake, match="their scale is neither"):
        read_candidate(path)
    quantization = read_candidate(path, declaring(scale=0.1, zero_point=3)).output.quantization
    assert (quantization.scales, quantization.zero_points) == ((0.1,), (3,))


def test_declared_scale_may_equal_the_scale_in_the_file(write):
    file = write(integer=(0.03, 5))
    assert read_candidate(file, declaring(scale=0.03, zero_point=5)).output.quantization


@pytest.mark.parametrize(("labels", "fits"), [(("a", "b", "c"), True), (("a", "b"), False)])
def test_number_of_declared_labels_must_equal_the_number_of_scores(write, labels, fits):
    if fits:
        spec = read_candidate(write(), declaring(labels=labels))
        assert (spec.labels, spec.labels_found) == (labels, "declared")
    else:
        with pytest.raises(
            UsageMistake, match="2 labels are given, but the output distinguishes 3"
        ):
            read_candidate(write(), declaring(labels=labels))
