"""`python -m models.flatbuffers inspect FILE` prints text or JSON, and imports no runtime."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from models.flatbuffers.__main__ import main
from suites.meta.flatbuffer_writer import Model
from suites.meta.flatbuffers.finding_files import FILES, dense, described
from suites.meta.small_classifiers import classifier

SECONDS = 1.0


@pytest.fixture
def write(tmp_path):
    """Return a function that writes bytes to a file and returns its path."""

    def written(data, name="given.tflite"):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return written


def test_inspect_prints_a_readable_description_of_the_file(write, capsys):
    assert main(["inspect", write(described())]) == 0
    text = capsys.readouterr().out
    for part in (
        "scheme      float32",
        "runtime     TFLite 1.10.0 or newer",
        "inputs      0 'serving_default_input_ids:0' int32 [1, 8]",
        "signature   'serving_default': input_ids, attention_mask, token_type_ids -> logits",
        "operators   2 CAST v1, TFLite 1.5.0",
        "metadata    'Sentiment' 'of texts'",
        "RegexTokenizer 'x' 'vocab.txt'",
        "packed 'labels.txt', 6 bytes",
        "findings    none",
    ):
        assert part in text


def test_inspect_prints_the_description_as_json_on_request(write, capsys):
    file = write(classifier(end=("SOFTMAX",), integer=(1 / 256, -128), order=(1, 2, 0)))
    assert main(["inspect", file, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert document["scheme"]["is"] == "float32"
    assert [tensor["name"] for tensor in document["inputs"]] == [
        "serving_default_attention_mask:0",
        "serving_default_token_type_ids:0",
        "serving_default_input_ids:0",
    ]
    (output,) = document["outputs"]
    assert (output["dtype"], output["scale"], output["zero_point"]) == ("int8", 1 / 256, -128)
    assert {operator["name"]: operator["count"] for operator in document["operators"]}["CAST"] == 2
    assert document["weights"]["float32"]["tensors"] == 2
    assert {finding["id"] for finding in document["findings"]} == {
        "input-order",
        "probabilities-called-logits",
    }


def test_inspect_exits_with_1_if_the_file_violates_its_claimed_scheme(write, capsys):
    file = write(classifier())
    assert main(["inspect", file, "--as", "float32"]) == 0
    assert main(["inspect", file, "--as", "dynamic_wi8_afp32"]) == 1
    assert "error: integers-that-stayed-float: --as says dynamic" in capsys.readouterr().out


def test_inspect_exits_with_1_after_an_error_and_with_0_after_a_warning(write, capsys):
    assert main(["inspect", write(FILES["nan-weights"][0]())]) == 1
    assert main(["inspect", write(FILES["int64-input"][0]())]) == 0
    capsys.readouterr()


WRONG = {
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", "lfs-pointer"),
    "nothing": (b"", "is empty", "empty"),
    "half": (classifier()[:900], "truncated or corrupt", "corrupt"),
}


@pytest.mark.parametrize(("data", "message", "kind"), WRONG.values(), ids=WRONG)
def test_rejects_non_flatbuffer_in_one_message_with_exit_code_4(write, capsys, data, message, kind):
    file = write(data)
    assert main(["inspect", file]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert file in output.err
    assert message in output.err
    assert main(["inspect", file, "--json"]) == 4
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["id"], finding["severity"]) == (kind, "error")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required"),
        (["inspect"], "required"),
        (["inspect", "none.tflite"], "cannot be read"),
        (["inspect", "x", "--as", "int9"], "no scheme is called 'int9'"),
    ],
)
def test_invalid_argument_is_reported_in_one_message_with_exit_code_4(capsys, arguments, message):
    assert main(arguments) == 4
    output = capsys.readouterr()
    assert message in output.err
    assert (output.out, output.err.count("\n")) == ("", 1)


def test_terminal_control_characters_in_names_are_escaped(write, capsys):
    model = Model()
    ids = model.tensor("\x1b[2J\n::error::x", (1, 8), "int32")
    weights, out = model.tensor("w", (3, 8), values=np.ones((3, 8))), model.tensor("o\r", (1, 3))
    model.operator("Flex\x1b]0;x\x07", [ids, weights], [out])
    model.sign({"\x1b[1m": ids}, {"\u202e": out}, "\x00key")
    model.end_graph([ids], [out])
    assert main(["inspect", write(model.pack("\x1b[5m"))]) == 1
    text = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\n::error" not in text


def test_json_contains_no_nan_or_infinity(write, capsys):
    data = dense(dtype="int8", scale=float("nan"))
    assert main(["inspect", write(data), "--json"]) == 1

    def refuse(_):
        raise AssertionError("JSON has no such number")

    document = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert "bad-scale" in {finding["id"] for finding in document["findings"]}


@pytest.mark.parametrize("arguments", ["models.flatbuffers inspect", "models.candidates describe"])
def test_closed_output_pipe_causes_no_traceback(write, arguments):
    file = write(classifier())
    command = [sys.executable, "-m", *arguments.split(), file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        started.stdout.close()
        errors = started.stderr.read()
    assert b"Traceback" not in errors


def test_inspecting_a_megabyte_takes_less_than_a_second_and_imports_no_runtime(tmp_path):
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 512))
    values = np.random.default_rng(0).normal(size=(512, 512))
    weights = model.tensor("w", (512, 512), values=values)
    for _ in range(300):
        model.operator("FULLY_CONNECTED", [ids, weights, -1], [out])
    model.end_graph([ids], [out])
    path = tmp_path / "large.tflite"
    path.write_bytes(model.pack())
    assert path.stat().st_size > 1_000_000
    code = (
        "import sys, time; from models.flatbuffers.__main__ import main;"
        f"main(['inspect', {str(path)!r}, '--json']);"
        "heavy = {'tensorflow', 'ai_edge_litert', 'tflite_runtime', 'keras', 'torch'};"
        "assert not heavy & {name.split('.')[0] for name in sys.modules};"
        "print(time.process_time(), file=sys.stderr)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout)["bytes"] > 1_000_000
    assert float(done.stderr) < SECONDS, f"{time.monotonic() - started:.1f} s of wall time"
