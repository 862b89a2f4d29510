"""Roles of inputs are recognized if certain; otherwise they must be declared."""

from __future__ import annotations

import pytest

from models.candidates.candidate import read_candidate
from models.candidates.declaration import Declaration, InputsTable, parse_inputs
from models.errors import UsageMistake
from suites.meta.flatbuffer_writer import Model
from suites.meta.flatbuffers.metadata_files import described, tensor_metadata
from suites.meta.small_classifiers import Shape, model_of

BY_NAME = {
    "edgeproof": ("input_ids", "attention_mask", "token_type_ids"),
    "model maker": ("ids", "mask", "segment_ids"),
    "google": ("input_word_ids", "input_mask", "input_type_ids"),
    "mixed": ("token_ids", "input_mask", "segments"),
    "two inputs": ("input_ids", "attention_mask"),
    "one input": ("input_ids",),
}


def bound(spec):
    return {port.role: port.position for port in spec.inputs}


def declaring(**inputs):
    return Declaration(inputs=InputsTable(**inputs), where="mine.toml: candidate a")


@pytest.mark.parametrize("names", BY_NAME.values(), ids=BY_NAME)
@pytest.mark.parametrize("keys", [("serving_default",), ()], ids=["signature", "none"])
def test_unambiguous_input_names_decide_the_roles(write, names, keys):
    spec = read_candidate(write(names=names, keys=keys))
    roles = ("ids", "mask", "segments")[: len(names)]
    assert bound(spec) == {role: place for place, role in enumerate(roles)}
    assert {port.found for port in spec.inputs} == {"name"}
    assert [port.name for port in spec.inputs] == [name if keys else None for name in names]


@pytest.mark.parametrize("prefix", ["", "serving_default_", "bert/embeddings/", "StatefulCall/x/"])
def test_prefixes_and_suffixes_added_by_exporters_are_ignored(write, prefix):
    spec = read_candidate(write(tensor_prefix=prefix, keys=()))
    assert bound(spec) == {"ids": 0, "mask": 1, "segments": 2}


@pytest.mark.parametrize("order", [(1, 2, 0), (2, 1, 0), (0, 2, 1)])
def test_input_positions_follow_the_order_in_the_graph(write, order):
    spec = read_candidate(write(order=order))
    roles = ("ids", "mask", "segments")
    assert [port.role for port in spec.inputs] == [roles[place] for place in order]
    assert [port.position for port in spec.inputs] == [0, 1, 2]
    assert any("order" in warning for warning in spec.warnings)


def test_inputs_ordered_like_the_signature_give_no_warning(write):
    assert read_candidate(write()).warnings == ()


@pytest.mark.parametrize(
    ("dtype", "name"), [("int32", "x"), ("int64", "input_1"), ("float32", "dense_input")]
)
def test_single_input_is_taken_to_be_the_token_ids(write, dtype, name):
    (port,) = read_candidate(write(names=(name,), dtype=dtype)).inputs
    assert (port.role, port.dtype, port.found, port.length) == ("ids", dtype, "shape", 8)


def test_float_input_for_token_ids_causes_a_warning(write):
    spec = read_candidate(write(names=("x",), dtype="float32"))
    assert any("exact for whole numbers up to 16777216" in warning for warning in spec.warnings)
    assert read_candidate(write(names=("x",))).warnings == ()


def test_float_input_that_may_be_a_feature_vector_causes_a_warning(tmp_path):
    path = tmp_path / "given.tflite"
    path.write_bytes(ported(((1, 8), "float32", "vector")))
    spec = read_candidate(path)
    assert spec.input("ids").found == "shape"
    assert any("not on features such as TF-IDF" in warning for warning in spec.warnings)


def test_number_of_embedding_rows_bounds_the_token_ids(write):
    assert read_candidate(write()).input("ids").rows == 64
    assert read_candidate(write()).input("mask").rows is None


UNCERTAIN = {
    "numbered": ("args_0", "args_1", "args_2"),
    "two numbered": ("x", "y"),
    "one of three": ("input_ids", "attention_mask", "labels"),
    "a lone mask": ("attention_mask",),
    "twice the same": ("input_ids", "token_ids"),
}


def test_error_says_how_the_graph_uses_each_input(write):
    with pytest.raises(UsageMistake, match="input 2 looks up a table of 64 rows") as caught:
        read_candidate(write(names=("args_0", "args_1", "args_2"), order=(1, 2, 0)))
    # The remedy proposes the most probable roles, ready to paste.
    assert 'ids = "args_0", mask = "args_1"' in caught.value.remedy


def test_names_in_the_metadata_decide_the_roles(tmp_path):
    model = model_of(Shape(names=("a", "b", "c"), keys=()))
    inputs = [tensor_metadata(name) for name in ("ids", "mask", "segment_ids")]
    path = tmp_path / "described.tflite"
    path.write_bytes(described(model, inputs, [tensor_metadata("probability")]))
    spec = read_candidate(path)
    assert bound(spec) == {"ids": 0, "mask": 1, "segments": 2}
    assert {port.found for port in spec.inputs} == {"metadata"}


def test_metadata_with_the_wrong_number_of_inputs_is_ignored(tmp_path):
    model = model_of(Shape(names=("a", "b", "c"), keys=()))
    path = tmp_path / "described.tflite"
    path.write_bytes(described(model, [tensor_metadata("ids"), tensor_metadata("mask")], []))
    with pytest.raises(UsageMistake, match="uncertain"):
        read_candidate(path)


def test_rejects_input_name_that_contradicts_the_metadata(tmp_path):
    model = model_of(Shape(names=("ids", "mask"), keys=()))
    path = tmp_path / "described.tflite"
    path.write_bytes(described(model, [tensor_metadata("mask"), tensor_metadata("ids")], []))
    with pytest.raises(UsageMistake, match="ids by name and mask by metadata"):
        read_candidate(path)


@pytest.mark.parametrize("names", UNCERTAIN.values(), ids=UNCERTAIN)
def test_error_on_uncertain_roles_shows_lines_to_paste(write, names):
    file = write(names=names)
    with pytest.raises(UsageMistake, match="uncertain") as caught:
        read_candidate(file)
    assert (caught.value.file, caught.value.key) == (str(file), "inputs")
    assert f'ids = "{names[0]}"' in caught.value.remedy
    option = caught.value.remedy.partition("--edge-inputs='")[2].partition("'")[0]
    spec = read_candidate(file, Declaration(inputs=parse_inputs(option)))
    assert [port.found for port in spec.inputs] == ["declared"] * len(names)


def test_rejects_signature_name_that_contradicts_the_tensor_name(tmp_path):
    model = Model()
    first = model.tensor("attention_mask", (1, 8), "int32")
    second = model.tensor("input_ids", (1, 8), "int32")
    out = model.tensor("out", (1, 3))
    model.operator("FULLY_CONNECTED", [first, second], [out])
    model.sign({"input_ids": first, "attention_mask": second}, {"logits": out})
    model.end_graph([first, second], [out])
    path = tmp_path / "contradicting.tflite"
    path.write_bytes(model.pack())
    with pytest.raises(UsageMistake, match="ids by name and mask by name"):
        read_candidate(path)


@pytest.mark.parametrize(
    "inputs",
    [
        {"ids": "args_1", "mask": "args_2", "segments": "args_0"},
        {"ids": 1, "mask": 2, "segments": 0},
        {"ids": "serving_default_args_1:0", "mask": 2, "segments": "args_0"},
    ],
    ids=["names", "positions", "tensors"],
)
def test_declared_input_roles_are_used(write, inputs):
    spec = read_candidate(write(names=("args_0", "args_1", "args_2")), declaring(**inputs))
    assert bound(spec) == {"ids": 1, "mask": 2, "segments": 0}


def test_declared_roles_override_input_names(write):
    spec = read_candidate(write(), declaring(ids=1, mask=0, segments=2))
    assert bound(spec) == {"mask": 0, "ids": 1, "segments": 2}


WRONG = {
    "no such name": ({"ids": "nope", "mask": 1, "segments": 2}, "no tensor is called 'nope'"),
    "no such place": ({"ids": 7, "mask": 1, "segments": 2}, "no tensor is called 7"),
    "one for two": ({"ids": 0, "mask": 0, "segments": 2}, "are both declared for input 0"),
    "one left over": ({"ids": 0, "mask": 1}, "no role is declared for input 2"),
}


@pytest.mark.parametrize(("inputs", "message"), WRONG.values(), ids=WRONG)
def test_rejects_declared_inputs_that_do_not_fit_the_file(write, inputs, message):
    with pytest.raises(UsageMistake, match=message) as caught:
        read_candidate(write(), declaring(**inputs))
    assert "mine.toml: candidate a: inputs" in caught.value.key
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("signature", "length", "open_batch"),
    [((-1, 8), 8, True), ((1, -1), None, False), ((-1, -1), None, True), (None, 8, False)],
)
def test_dynamic_batch_and_length_are_recognized(write, signature, length, open_batch):
    (first, *_) = read_candidate(write(signature=signature)).inputs
    assert (first.length, first.open_batch) == (length, open_batch)


def test_declared_length_fixes_a_dynamic_length(write):
    file = write(signature=(1, -1))
    assert read_candidate(file, Declaration(length=128)).length == 128
    with pytest.raises(UsageMistake, match="the declared length is 128, but input 0"):
        read_candidate(write(), Declaration(length=128))


def ported(*inputs):
    """Return a file with these inputs, each given as (shape, dtype, name)."""
    model = Model()
    ports = [model.tensor(name, shape, dtype) for shape, dtype, name in inputs]
    weights = model.tensor("w", (3, 8), values=[[0.5] * 8] * 3)
    out = model.tensor("out", (1, 3))
    model.operator("FULLY_CONNECTED", [*ports[:1], weights], [out])
    model.end_graph(ports, [out])
    return model.pack()


NO_IDS = {
    "no inputs": ((), "has no inputs"),
    "text": ((((1, 1), "string", "text"),), "takes text itself"),
    "vectors": ((((1, 8, 50), "float32", "words"),), "does not have the shape of one text's ids"),
    "a batch of 32": ((((32, 8), "int32", "ids"),), "does not have the shape of one text's ids"),
    "four": (tuple(((1, 8), "int32", f"x{i}") for i in range(4)), "has 4 inputs"),
    "bools": ((((1, 8), "bool", "ids"),), "is bool"),
    "lengths": (
        (((1, 8), "int32", "ids"), ((1, 9), "int32", "mask")),
        "different numbers of tokens",
    ),
}


@pytest.mark.parametrize(("inputs", "message"), NO_IDS.values(), ids=NO_IDS)
def test_rejects_inputs_that_cannot_be_token_ids(tmp_path, inputs, message):
    path = tmp_path / "given.tflite"
    path.write_bytes(ported(*inputs))
    with pytest.raises(UsageMistake, match=message) as caught:
        read_candidate(path)
    assert (caught.value.file, caught.value.key) == (str(path), "inputs")


@pytest.mark.parametrize("shape", [(8,), (1, 8), (1, 1, 8), (1, 8, 1)])
def test_input_for_one_text_may_have_one_to_three_dimensions(tmp_path, shape):
    path = tmp_path / "given.tflite"
    path.write_bytes(ported((shape, "int32", "ids")))
    assert read_candidate(path).length == 8


def test_file_with_two_signatures_requires_a_declared_signature(write):
    file = write(keys=("serving_default", "other"))
    with pytest.raises(UsageMistake, match="has 2 signatures") as caught:
        read_candidate(file)
    assert "--edge-signature=serving_default" in caught.value.remedy
    assert read_candidate(file, Declaration(signature="other")).signature == "other"
    with pytest.raises(UsageMistake, match="no signature is called 'third'"):
        read_candidate(file, Declaration(signature="third"))


def test_error_names_operators_that_no_runtime_supports(tmp_path):
    model = Model()
    text = model.tensor("text", (1, 1), "string")
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 2))
    model.operator("FlexLookupTableFindV2", [text], [ids])
    model.operator("FULLY_CONNECTED", [ids, ids], [out])
    model.end_graph([text], [out])
    path = tmp_path / "flex.tflite"
    path.write_bytes(model.pack())
    with pytest.raises(UsageMistake, match="FlexLookupTableFindV2, and its input 'text' takes"):
        read_candidate(path)
