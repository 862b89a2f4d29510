"""The grammar of declarations accepts valid tables and rejects others."""

from __future__ import annotations

import pytest

from models.candidates.declaration import (
    parse_inputs,
    parse_output,
    read_candidates,
)
from models.errors import UsageMistake

WHOLE = """
corpus = "test.csv"
labels = "labels.txt"
ordered = true
tokenizer = "keras:data/words.json"
reference = "float"

[[candidates]]
name = "float"
flatbuffer = "models/float.tflite"

[[candidates]]
name = "int8"
flatbuffer = "/abs/int8.tflite"
signature = "serving"
length = 64
labels = ["a", "b"]
tokenizer = "characters:"
reference = "elsewhere.tflite"
contract = "static_wi8_ai8_dense"

[candidates.inputs]
ids = "x"
mask = 1

[candidates.output]
name = 0
meaning = "sigmoid"
threshold = 0.35
positive = "b"
"""


def written(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_in_a_toml_are_relative_to_the_toml(tmp_path):
    table = read_candidates(written(tmp_path, WHOLE))
    float32, int8 = table.candidates
    assert table.corpus == str(tmp_path / "test.csv")
    assert table.labels == str(tmp_path / "labels.txt")
    assert table.tokenizer == f"keras:{tmp_path / 'data/words.json'}"
    assert table.ordered
    assert float32.flatbuffer == str(tmp_path / "models/float.tflite")
    assert int8.flatbuffer == "/abs/int8.tflite"


def test_reference_may_be_a_candidate_name_or_a_file(tmp_path):
    table = read_candidates(written(tmp_path, WHOLE))
    assert table.reference == "float"
    assert table.candidates[1].reference == str(tmp_path / "elsewhere.tflite")


def test_tokenizer_kind_without_a_file_is_accepted(tmp_path):
    table = read_candidates(written(tmp_path, WHOLE))
    assert table.candidates[1].tokenizer == "characters:"
    assert table.candidates[1].labels == ("a", "b")


def test_declaration_records_its_file_and_candidate(tmp_path):
    path = written(tmp_path, WHOLE)
    declared = read_candidates(path).candidates[1].declaration(("a", "b"), f"{path}: int8")
    assert declared.where == f"{path}: int8"
    assert declared.inputs.named() == {"ids": "x", "mask": 1}
    assert (declared.length, declared.signature) == (64, "serving")


ONE = '[[candidates]]\nname = "a"\nflatbuffer = "a.tflite"\n'
REFUSED = {
    "nothing": ("", "candidates"),
    "an empty list": ("candidates = []", "the file has no"),
    "two of one name": (ONE + ONE, "two candidates are called 'a'"),
    "a name that leads elsewhere": (ONE.replace('"a"', '"../a"'), "`name` = '../a' is not valid"),
    "a hidden name": (ONE.replace('"a"', '".a"'), "`name` = '.a' is not valid"),
    "an unknown key": (ONE + "input = 3", "unknown field `input`"),
    "a mask without ids": (ONE + "[candidates.inputs]\nmask = 1", "`ids` is missing"),
    "an unknown role": (ONE + "[candidates.inputs]\nids = 1\nwords = 2", "words"),
    "a percentage": (ONE + "[candidates.output]\nthreshold = 50.0", "between 0 and 1"),
    "an unknown meaning": (ONE + '[candidates.output]\nmeaning = "p"', "Invalid enum value 'p'"),
    "a scale of 0": (ONE + "[candidates.output]\nscale = 0.0", "a number above 0"),
    "half a quantization": (
        ONE + "[candidates.output]\nzero_point = 3",
        "`zero_point` is given without `scale`",
    ),
    "no tokens": (ONE + "length = 0", "`length` must be at least 1"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_error_names_the_invalid_key_and_its_file(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(UsageMistake, match=message) as caught:
        read_candidates(path)
    assert caught.value.file == str(path)


def test_command_line_options_parse_to_the_values_of_their_toml_keys():
    assert parse_inputs("ids=args_0, mask=1").named() == {"ids": "args_0", "mask": 1}
    output = parse_output("name=score,meaning=sigmoid,threshold=0.35,positive=spam")
    assert (output.name, output.meaning, output.threshold, output.positive) == (
        *("score", "sigmoid"),
        *(0.35, "spam"),
    )
    assert parse_output("scale=0.03,zero_point=-5").zero_point == -5


@pytest.mark.parametrize(
    "option", ["", "ids", "ids=", "=x", "ids=a,ids=b", "words=a", "mask=a", "ids=a,,mask=b"]
)
def test_rejects_malformed_inputs_option(option):
    with pytest.raises(UsageMistake) as caught:
        parse_inputs(option)
    assert caught.value.key == "--edge-inputs"
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "place", "known_keys"),
    [
        ("foo = 1\ncandidates = []", "top level", "baseline, budgets, candidates, corpus"),
        ('[[candidates]]\nname = "x"\nflatbuffer = "y"\nfoo = 1', "candidates[0]", "flatbuffer"),
        (
            '[[candidates]]\nname = "x"\nflatbuffer = "y"\noutput = { mening = "logits" }',
            "candidates[0].output",
            "meaning, name, positive, scale, threshold, zero_point",
        ),
        (
            '[corpus]\nfile = "x"\nlabels = "y"\n[[candidates]]\nname = "x"\nflatbuffer = "y"',
            "corpus",
            "encoding, fallback_encoding, file, group, header, id, ids, label, second, text",
        ),
    ],
)
def test_error_on_unknown_key_lists_the_known_keys(tmp_path, text, place, known_keys):
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageMistake, match="unknown field") as caught:
        read_candidates(file)
    assert caught.value.key == place
    assert known_keys in caught.value.remedy
