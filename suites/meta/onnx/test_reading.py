"""An ONNX file is read without onnxruntime; an invalid one is rejected in one message."""

from __future__ import annotations

import os

import numpy as np
import pytest

from models.errors import UsageMistake
from models.onnx import reading
from models.onnx.reading import read_onnx
from suites.meta import onnx_writer as writer
from suites.meta.onnx_writer import block, classifier, number
from suites.meta.small_classifiers import ROWS, TOKENS, WIDTH
from suites.meta.small_classifiers import classifier as flatbuffer

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
TABLE = {"location": "model.onnx_data", "offset": "0", "length": str(4 * ROWS * WIDTH)}
# By case: a damaged file, and a part of the message.
DAMAGED = {
    "empty": (b"", "is empty"),
    "a pointer of Git LFS": (LFS, "git lfs pull"),
    "a placeholder": (b"the model comes here\n", "bytes in place of a model"),
    "a web page": (b"<!DOCTYPE html><html></html>", "is a web page"),
    "a zip archive": (b"PK\x03\x04" + bytes(90), "is a zip archive"),
    "a FlatBuffer": (flatbuffer(), "is a TFLite FlatBuffer"),
    "half a file": (classifier()[:700], "was cut short"),
    "a copy in text mode": (classifier().replace(b"\n", b"\r\n"), "not an ONNX file, or was"),
    "no graph": (number(1, 8), "it holds no graph"),
    "two graphs": (block(7, b"") * 2, "it holds several graphs"),
    "a number in place of the graph": (number(7, 3), "a number stands in place of a message"),
    "a number in place of a name": (block(7, block(12, number(1, 3))), "instead of a text"),
    "a text in place of a dimension": (
        block(7, block(12, block(2, block(1, block(2, block(1, block(1, ""))))))),
        "a dimension is not a number",
    ),
    "a name that is not UTF-8": (block(7, block(12, block(1, b"\xff"))), "codec can't decode"),
    "an operator of its maker": (
        writer.of_operator("NGramHash", "com.own"),
        "needs operators that onnxruntime does not have: com.own.NGramHash",
    ),
}
# By case: the declared place of the weights, and a part of the message.
ELSEWHERE = {
    "missing": ({**TABLE, "location": "absent"}, "'absent', which cannot be read (No such file"),
    "above": ({**TABLE, "location": "../model.onnx_data"}, "is outside of its folder"),
    "above, as Windows writes it": ({**TABLE, "location": "..\\data"}, "is outside of its folder"),
    "absolute": ({**TABLE, "location": "/etc/passwd"}, "is outside of its folder"),
    "on a drive": ({**TABLE, "location": "C:data"}, "is outside of its folder"),
    "nowhere": ({"offset": "0"}, "does not say where"),
    "cut short": ({**TABLE, "length": "5000"}, "holds 1,024 bytes of 5,000"),
    "from a number that is none": ({**TABLE, "offset": "-4"}, "the offset of weights"),
    "a folder": ({**TABLE, "location": "folder"}, "it is a folder, not a file"),
    "a FIFO": ({**TABLE, "location": "fifo"}, "it is a FIFO, not a file"),
}


def write(folder, content):
    file = folder / "model.onnx"
    file.write_bytes(content)
    return file


def test_inputs_and_outputs_of_an_onnx_file_are_read(tmp_path):
    read = read_onnx(write(tmp_path, classifier(shape=(1, TOKENS))))
    assert [(port.name, port.dtype, port.shape) for port in read.inputs] == [
        ("input_ids", "int64", (1, TOKENS)),
        ("attention_mask", "int64", (1, TOKENS)),
        ("token_type_ids", "int64", (1, TOKENS)),
    ]
    (output,) = read.outputs
    assert (output.name, output.shape, output.dynamic) == ("logits", (1, 3), (True, False))
    looked_up = read.operators[0]
    assert looked_up.name == "GATHER"
    assert looked_up.inputs[0].shape == (ROWS, WIDTH)


def test_weights_listed_as_graph_inputs_are_not_treated_as_inputs(tmp_path):
    """Old ONNX files list weights among the inputs of the graph."""
    old = writer.Onnx()
    old.inputs += [writer.value("weights", "float32", (1, 3)), writer.value("ids", "int64", (1, 8))]
    old.constants.append(writer.tensor("weights", np.zeros((1, 3), np.float32)))
    read = read_onnx(write(tmp_path, old.pack()))
    assert [port.name for port in read.inputs] == ["ids"]


@pytest.mark.parametrize("name", DAMAGED)
def test_rejects_file_that_is_not_onnx(name, tmp_path):
    content, part_of_message = DAMAGED[name]
    file = write(tmp_path, content)
    with pytest.raises(UsageMistake) as caught:
        read_onnx(file)
    assert part_of_message in caught.value.what + caught.value.remedy
    assert caught.value.file == str(file)
    assert caught.value.key == "--edge-reference"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_rejects_onnx_file_without_its_external_weights(name, tmp_path):
    external, part_of_message = ELSEWHERE[name]
    (tmp_path / "model.onnx_data").write_bytes(bytes(4 * ROWS * WIDTH))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageMistake) as caught:
        read_onnx(write(tmp_path, classifier(external=external)))
    assert part_of_message in str(caught.value)


def test_hash_of_an_onnx_file_covers_its_external_weights(tmp_path):
    file, beside = write(tmp_path, classifier(external=TABLE)), tmp_path / "model.onnx_data"
    beside.write_bytes(writer.table_of(0).tobytes())
    first = read_onnx(file).sha256
    beside.write_bytes(writer.table_of(1).tobytes())
    assert read_onnx(file).sha256 != first


def test_operator_defined_by_a_function_in_the_file_is_accepted(tmp_path):
    own = writer.of_operator("Twice", "com.own")
    defined = block(25, block(1, "Twice") + block(10, "com.own"))
    assert read_onnx(write(tmp_path, own + defined)).operators[0].name == "Twice"


def test_rejects_unknown_operator_inside_a_loop(tmp_path):
    body = writer.Onnx()
    body.add("Odd", ["x"], "y", domain="com.own")
    model = writer.Onnx()
    model.add("Loop", ["a", "b"], "c", body=writer.held_graph(body.graph()))
    with pytest.raises(UsageMistake, match=r"com\.own\.Odd"):
        read_onnx(write(tmp_path, model.pack()))


def test_rejects_onnx_file_with_deeply_nested_graphs(tmp_path):
    graph = b""
    for _ in range(reading.MOST_DEPTH + 2):
        graph = block(1, writer.node("If", ["x"], "y", then_branch=writer.held_graph(graph)))
    with pytest.raises(UsageMistake, match="nested deeper than"):
        read_onnx(write(tmp_path, block(7, graph)))


def test_rejects_onnx_file_with_too_many_fields(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_FIELDS", 100)
    with pytest.raises(UsageMistake, match="more than 100 fields"):
        read_onnx(write(tmp_path, classifier()))


def test_onnx_file_with_a_changed_byte_is_read_or_rejected_with_a_remedy(tmp_path):
    """A changed byte causes no error other than a UsageMistake."""
    changed, draw = bytearray(classifier()), np.random.default_rng(3)
    for at in draw.integers(0, len(changed), 400):
        byte_before, changed[at] = changed[at], int(draw.integers(0, 256))
        try:
            read_onnx(write(tmp_path, bytes(changed)))
        except UsageMistake as mistake:
            assert mistake.remedy  # noqa: PT017 - the file may be read or rejected
        changed[at] = byte_before
