"""`python -m models.candidates describe FILE ...` prints its findings as a TOML."""

from __future__ import annotations

import tomllib

import pytest

from models.candidates.__main__ import main
from models.candidates.candidate import read_candidate
from models.candidates.declaration import read_candidates
from models.errors import UsageMistake
from suites.meta.flatbuffers.finding_files import described
from suites.meta.small_classifiers import classifier


@pytest.fixture
def describe(tmp_path, capsys):
    """Return a function that writes and describes files, and returns the TOML and its path."""

    def toml(**files):
        paths = []
        for name, data in files.items():
            (tmp_path / f"{name}.tflite").write_bytes(data)
            paths.append(str(tmp_path / f"{name}.tflite"))
        assert main(["describe", *paths]) == 0
        text = capsys.readouterr().out
        (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
        return text, tmp_path / "mine.toml"

    return toml


def test_description_is_valid_toml(describe):
    text, path = describe(a=classifier(), b=classifier(end=("LOGISTIC",), classes=1))
    table = read_candidates(path)
    assert [candidate.name for candidate in table.candidates] == ["a", "b"]
    assert "# binding: ids = 'input_ids' int32 [1, 8] (by name)" in text
    assert "# scheme: float32" in text
    output = table.candidates[1].output
    assert (output.threshold, output.positive) == (0.5, 1)


UNSURE = {
    "roles": (classifier(names=("args_0", "args_1", "args_2")), 'ids = "args_0"'),
    "signatures": (classifier(keys=("one", "two")), 'signature = "one"'),
    "outputs": (classifier(outputs=2), 'name = "logits"'),
    "a meaning": (classifier(end=("TANH",)), 'meaning = "logits"'),
    "one number": (classifier(classes=1), 'meaning = "logit"'),
    "one number of another kind": (classifier(classes=1, end=("TANH",)), 'meaning = "sigmoid"'),
}


@pytest.mark.parametrize(("data", "line"), UNSURE.values(), ids=UNSURE)
def test_uncertain_values_are_printed_as_commented_lines(describe, data, line):
    text, path = describe(a=data)
    assert "# TO DECIDE: " in text
    assert f"# {line}" in text
    assert line not in tomllib.loads(text)
    (candidate,) = read_candidates(path).candidates
    # The printed TOML leaves the value undecided, so that using it unchanged fails.
    with pytest.raises(UsageMistake):
        read_candidate(path.parent / "a.tflite", candidate.declaration(None, str(path)))


def test_describe_lists_all_uncertain_values_of_a_file_at_once(describe):
    data = classifier(names=("x", "y"), keys=("one", "two"), outputs=2)
    text, _ = describe(a=data)
    assert text.count("# TO DECIDE: ") == 3


@pytest.mark.parametrize("data", UNSURE.values(), ids=UNSURE)
def test_description_is_accepted_once_its_lines_are_uncommented(describe, data):
    text, path = describe(a=data[0])
    lines = [
        line.removeprefix("# ") if " = " in line or "[candidates." in line else line
        for line in text.splitlines()[5:]
        if not line.startswith(("# binding", "# scheme", "# warning", "# TO DECIDE"))
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    (candidate,) = read_candidates(path).candidates
    assert read_candidate(path.parent / "a.tflite", candidate.declaration(None, str(path)))


def test_description_shows_the_labels_and_tokenizer_from_the_metadata(describe):
    text, _ = describe(a=described())
    assert "# labels (metadata): a, b, c" in text
    assert "# tokenizer (metadata): RegexTokenizer 'x' vocab.txt" in text
    assert "# packed: labels.txt, vocab.txt" in text


def test_two_files_with_one_file_name_get_different_candidate_names(tmp_path, capsys):
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mein modell!.tflite").write_bytes(classifier())
        paths.append(str(tmp_path / folder / "mein modell!.tflite"))
    assert main(["describe", *paths]) == 0
    table = tomllib.loads(capsys.readouterr().out)
    assert [candidate["name"] for candidate in table["candidates"]] == [
        "mein_modell",
        "mein_modell_2",
    ]


def test_file_that_cannot_classify_is_reported_in_one_message(tmp_path, capsys):
    (tmp_path / "empty.tflite").touch()
    assert main(["describe", str(tmp_path / "empty.tflite")]) == 4
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
    assert "is empty" in output.err


def test_tensor_names_with_line_breaks_are_escaped_onto_one_line(describe):
    names = ("a\n[x]\nb", 'c"\x1b[2J', "d\\")
    text, path = describe(a=classifier(names=names))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert set(tomllib.loads(text)) == {"candidates"}
    assert len(read_candidates(path).candidates) == 1
