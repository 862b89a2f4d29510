"""Recorded answers are read in every format, and each mistake is reported in one message."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.candidates.recorded import LATENCIES, read_recording, without_padding
from models.candidates.scores import softmax
from models.errors import UsageMistake

TEXTS = ("t1", "t2", "t3")
LABELS = ("bad", "fair", "good")
LOGITS = [[2.0, 0.5, -1.0], [0.0, 3.0, 0.25], [-1.0, 0.0, 1.5]]
BEST = [0, 1, 2]


def answers(**columns):
    """Return rows of a recording in the reverse order of the corpus."""
    rows = [{"id": text} | {name: values[at] for name, values in columns.items()}
            for at, text in enumerate(TEXTS)]  # fmt: skip
    return rows[::-1]


def as_json_lines(folder, rows):
    file = folder / "answers.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def as_table(folder, rows, delimiter=","):
    """Write rows as a CSV or TSV file, with lists as JSON in quoted cells."""
    file = folder / ("answers.csv" if delimiter == "," else "answers.tsv")

    def cell(value):
        text = json.dumps(value) if isinstance(value, list) else str(value)
        return '"' + text.replace('"', '""') + '"'

    lines = [delimiter.join(rows[0]), *(delimiter.join(map(cell, row.values())) for row in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def as_tabs(folder, rows):
    return as_table(folder, rows, "\t")


def as_npz(folder, rows):
    file = folder / "answers.npz"
    np.savez(file, **{name: np.array([row[name] for row in rows]) for name in rows[0]})
    return file


def read(file, **options):
    return read_recording(file, TEXTS, LABELS, **options)


def written(folder, text, name="answers.jsonl"):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


every_kind = pytest.mark.parametrize("write", [as_json_lines, as_table, as_tabs, as_npz])


@every_kind
def test_recorded_labels_are_returned_in_corpus_order(write, tmp_path):
    recording = read(write(tmp_path, answers(label=["good", "bad", "fair"])))
    assert recording.labels.tolist() == [2, 0, 1]
    assert recording.logits is recording.probabilities is recording.ids is recording.seconds is None


@every_kind
def test_labels_may_be_recorded_as_indices(write, tmp_path):
    assert read(write(tmp_path, answers(label=[2, 0, 1]))).labels.tolist() == [2, 0, 1]


@every_kind
def test_labels_follow_from_recorded_logits(write, tmp_path):
    recording = read(write(tmp_path, answers(logits=LOGITS)))
    assert recording.labels.tolist() == BEST
    assert np.array_equal(recording.logits, LOGITS)
    assert np.allclose(recording.probabilities, softmax(np.array(LOGITS)))


@every_kind
def test_recorded_probabilities_are_read_unchanged(write, tmp_path):
    shares = [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.125, 0.125, 0.75]]
    recording = read(write(tmp_path, answers(probabilities=shares)))
    assert np.array_equal(recording.probabilities, shares)
    assert np.allclose(softmax(recording.logits), shares)


@every_kind
def test_recorded_label_overrides_recorded_scores(write, tmp_path):
    """An app may choose labels by its own threshold."""
    rows = answers(label=["good", "good", "good"], logits=LOGITS)
    assert read(write(tmp_path, rows)).labels.tolist() == [2, 2, 2]


def test_rejects_recorded_number_that_may_be_a_label_name_or_an_index(tmp_path):
    """With labels called 1, 2 and 3, a recorded index would be read as another label."""
    stars = ("1", "2", "3")
    for write in (as_json_lines, as_table):
        file = write(tmp_path, answers(label=[0, 1, 2]))
        with pytest.raises(UsageMistake, match="which may be a name or an index of 1, 2, 3") as no:
            read_recording(file, TEXTS, stars)
        assert no.value.remedy == "Record the label's name, as text"
        assert read_recording(file, TEXTS, ("0", "1", "2")).labels.tolist() == [0, 1, 2]
        recorded = write(tmp_path, answers(label=["1", "3", "2"]))
        assert read_recording(recorded, TEXTS, stars).labels.tolist() == [0, 2, 1]


def test_rejects_logits_that_contradict_probabilities(tmp_path):
    shares = softmax(np.array(LOGITS)).tolist()
    rounded = [*shares[:2], [0.5, 0.0, 0.5]]
    consistent = as_json_lines(tmp_path, answers(logits=LOGITS, probabilities=rounded))
    assert read(consistent).labels.tolist() == BEST
    contradicting = as_json_lines(tmp_path, answers(logits=LOGITS, probabilities=shares[::-1]))
    with pytest.raises(UsageMistake, match="line 3: the largest logit and the largest probability"):
        read(contradicting)
    tied = [[1.0, 1.0, 0.0]] * 3
    equal = as_json_lines(tmp_path, answers(logits=tied, probabilities=[[0.4, 0.6, 0.0]] * 3))
    assert read(equal).logits.tolist() == tied


@every_kind
def test_padding_is_stripped_from_recorded_ids(write, tmp_path):
    rows = answers(label=BEST, ids=[[5, 6, 0, 0], [7, 0, 8, 0], [0, 0, 0, 9]])
    recording = read(write(tmp_path, rows), pad=0)
    assert recording.ids == ((5, 6), (7, 0, 8), (9,))


@every_kind
@pytest.mark.parametrize("name", LATENCIES)
def test_recorded_latencies_in_any_unit_are_converted_to_seconds(name, write, tmp_path):
    durations = {
        "latency_ns": [1e6, 2e6, 3e6],
        "latency_us": [1e3, 2e3, 3e3],
        "latency_ms": [1, 2, 3],
        "latency_s": [1e-3, 2e-3, 3e-3],
    }
    recording = read(write(tmp_path, answers(label=BEST, **{name: durations[name]})))
    assert recording.seconds == pytest.approx([1e-3, 2e-3, 3e-3])


def test_padding_is_stripped_only_if_its_id_is_known():
    assert without_padding([1, 2], 0) == (1, 2)
    assert without_padding([0, 0], 0) == ()
    assert without_padding([0, 1, 0], None) == (0, 1, 0)


def test_unknown_keys_and_empty_lines_in_a_recording_are_ignored(tmp_path):
    text = "\n\n".join(json.dumps(row | {"device": "a phone"}) for row in answers(label=BEST))
    assert read(written(tmp_path, text)).labels.tolist() == BEST


def test_recording_may_have_a_byte_order_mark_and_windows_line_ends(tmp_path):
    text = "\ufeffid,label\r\nt1,bad\r\nt2,fair\r\nt3,good\r\n"
    assert read(written(tmp_path, text, "answers.csv")).labels.tolist() == BEST


def line(**values):
    return json.dumps({"id": "t1", "label": "bad"} | values) + "\n"


REST = line(id="t2") + line(id="t3")
SCORED = '{"id": "t2", "logits": [0, 0, 1]}\n{"id": "t3", "logits": [0, 0, 1]}\n'
# By case: the content of a JSON lines file, and a part of the message about it.
MISTAKES = {
    "nothing": ("", "contains no answers"),
    "no JSON": ("bad, fair\n", "line 1 is not a JSON object"),
    "an array": ("[1]\n", "line 1 is not a JSON object"),
    "arrays in each other": ("[" * 100_000, "line 1 is not a JSON object"),
    "a key that is there twice": ('{"id": "t1", "id": "t2"}\n', "has the key 'id' twice"),
    "no UTF-8": (b'{"id": "\xff"}\n', "is not UTF-8 (byte 8)"),
    "no id": ('{"label": "bad"}\n', "line 1 has no id"),
    "an id of no text": (line() + REST + line(id="t9"), "line 4 answers the text 't9', which is"),
    "a very long id": (line(id="x" * 10_000), "which is not in the corpus"),
    "an id that is there twice": (line() + REST + line(), "line 1 and line 4 both answer the text"),
    "a text without answer": (line() + line(id="t3"), "lacks answers for 1 of 3 texts: 't2'"),
    "an unknown label": (line(label="awful") + REST, "not one of bad, fair, good"),
    "an index beyond the labels": (line(label=3) + REST, "has the label 3, which is not one of"),
    "an index below 0": (line(label=-1) + REST, "has the label -1, which is not one of"),
    "half an index": (line(label=0.5) + REST, "has the label 0.5, which is not one of"),
    "a truth for an index": (line(label=True) + REST, "has the label True, which is not one of"),
    "a list for a label": (line(label=[1]) + REST, "has the label [1], which is not one of"),
    "a nested label": (line(label=json.loads("[" * 90 + "]" * 90)) + REST, "has the label [[[["),
    "neither labels nor scores": (
        "".join(f'{{"id": "{text}"}}\n' for text in TEXTS),
        "have neither labels nor scores",
    ),
    "labels for some": ('{"id": "t1"}\n' + REST, "some answers have a label, but others have none"),
    "scores for some": (line() + SCORED, "line 1 has no logits, but other rows have"),
    "too few scores": (line(logits=[1, 2]) + SCORED, "logits has 2 numbers, but there are 3"),
    "nothing in place of a score": (
        line(logits=[1, None, 3]) + SCORED,
        "logits contains None, which is not a number",
    ),
    "a score that is a word": (
        line(logits=[1, 2, "nan"]) + SCORED,
        "logits contains 'nan', which is not a number",
    ),
    "too many scores": (line(logits=[1, 2, 3, 4]) + SCORED, "logits has 4 numbers, but"),
    "no list of scores": (line(logits=1) + SCORED, "logits has no list of numbers"),
    "words for scores": (line(logits=["1", "2", "3"]) + SCORED, "line 1: logits contains"),
    "NaN": (line(logits=[1, 2, float("nan")]) + SCORED, "line 1: logits contains nan"),
    "infinity": (line(logits=[1, 2, float("inf")]) + SCORED, "line 1: logits contains inf"),
    "a number beyond floats": (line(logits=[1, 2, 10**400]) + SCORED, "logits contains 1000"),
    "probabilities of 2 together": (
        "".join(f'{{"id": "{text}", "probabilities": [1, 1, 0]}}\n' for text in TEXTS),
        "the probabilities sum to 2.000",
    ),
    "logits for probabilities": (
        "".join(f'{{"id": "{text}", "probabilities": [3, -2, 0]}}\n' for text in TEXTS),
        "the probabilities are not all between 0 and 1",
    ),
    "probabilities beyond floats": (
        "".join(f'{{"id": "{text}", "probabilities": [1e308, 1e308, 0]}}\n' for text in TEXTS),
        "the probabilities are not all between 0 and 1",
    ),
    "ids that are no list": (line(ids=5) + REST, "ids is not a list of whole numbers"),
    "ids for some": (line(ids=[5]) + REST, "line 2: ids is not a list of whole numbers"),
    "halves of ids": (line(ids=[0.5]) + REST, "line 1: ids is not a list of whole numbers"),
    "ids below 0": (line(ids=[-1]) + REST, "line 1: ids is not a list of whole numbers"),
    "ids beyond int32": (line(ids=[1 << 31]) + REST, "line 1: ids is not a list of whole numbers"),
    "two units of time": (
        line(latency_ms=1) + line(id="t2", latency_s=1) + line(id="t3", latency_s=1),
        "has latencies in several columns: latency_ms, latency_s",
    ),
    "latencies for some": (line(latency_ms=1) + REST, "latency_ms is None, not a number"),
    "a latency of nothing": (
        "".join(line(id=text, latency_ms=0) for text in TEXTS),
        "latency_ms is 0, not above 0",
    ),
    "a latency in words": (
        "".join(line(id=text, latency_ms="fast") for text in TEXTS),
        "latency_ms is 'fast', not a number",
    ),
    "a latency without end": (
        "".join(line(id=text, latency_ms=float("inf")) for text in TEXTS),
        "latency_ms contains inf",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_json_recording_is_reported_in_one_message(mistake, tmp_path):
    text, part = MISTAKES[mistake]
    file = written(tmp_path, text)
    with pytest.raises(UsageMistake) as caught:
        read(file, key="--edge-reference")
    message = str(caught.value)
    assert part in message
    assert message.startswith(f"{file}: --edge-reference")
    assert caught.value.remedy
    assert len(message) < 500
    assert "\n" not in message


TABLES = {
    "nothing": ("", "contains no answers"),
    "a header alone": ("id,label\n", "contains no answers"),
    "a column that is there twice": ("id,label,label\n", "the header has the column 'label' twice"),
    "a cell too many": ("id,label\nt1,bad,good\n", "line 2 has 3 columns, but the header has 2"),
    "a quotation mark without end": ('id,label\nt1,"bad\n', "cannot be read as CSV"),
    "a list that is not JSON": ("id,logits\nt1,1 2 3\n", "line 2: logits is '1 2 3', not JSON"),
    "an empty id": ("id,label\n,bad\n", "line 2 has no id"),
    "a cell larger than a page": (f"id,label\nt1,{'x' * 200_000}\n", "cannot be read as CSV"),
}


@pytest.mark.parametrize("mistake", TABLES)
def test_mistake_in_a_recorded_table_is_reported_in_one_message(mistake, tmp_path):
    text, part = TABLES[mistake]
    with pytest.raises(UsageMistake) as caught:
        read(written(tmp_path, text, "answers.csv"))
    assert part in str(caught.value)
    assert len(str(caught.value)) < 500


ARRAYS = {
    "no ids": ({"label": np.array(BEST)}, "lacks an array called id"),
    "fewer answers than ids": (
        {"id": np.array(TEXTS), "label": np.array([0])},
        "do not all have one row for each text",
    ),
    "a number alone": (
        {"id": np.array(TEXTS), "label": np.array(0)},
        "do not all have one row for each text",
    ),
    "no rows": ({"id": np.array([], "U1"), "label": np.array([], np.int64)}, "contains no answers"),
    "NaN": ({"id": np.array(TEXTS), "logits": np.full((3, 3), np.nan)}, "logits contains nan"),
    "objects": ({"id": np.array(["t1", None, {}], object)}, "numpy.savez"),
}


@pytest.mark.parametrize("mistake", ARRAYS)
def test_mistake_in_recorded_arrays_is_reported_in_one_message(mistake, tmp_path):
    arrays, part = ARRAYS[mistake]
    file = tmp_path / "answers.npz"
    np.savez(file, allow_pickle=True, **arrays)
    with pytest.raises(UsageMistake, match=part):
        read(file)


@pytest.mark.parametrize("name", ["answers.jsonl", "answers.csv", "answers.npz"])
def test_path_that_is_not_a_file_is_reported_in_one_message(name, tmp_path):
    with pytest.raises(UsageMistake):
        read(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(UsageMistake):
        read(tmp_path / name)


def test_rejects_huge_file_without_reading_its_content(tmp_path):
    file = tmp_path / "answers.jsonl"
    with file.open("wb") as sparse:
        sparse.truncate((1 << 30) + 1)
    with pytest.raises(UsageMistake, match="at most 1,073,741,824 are read"):
        read(file)
