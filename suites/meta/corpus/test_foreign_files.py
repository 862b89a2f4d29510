"""Every reader accepts a file or reports its problem in one message."""

from __future__ import annotations

import codecs
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.building.checkpoints import require_one_vocabulary
from models.corpus.quoted import read_quoted
from models.corpus.read import HALF, read_files
from models.corpus.texts import LabelledText
from models.corpus.tokenize import encode, load_tokenizer
from models.errors import UsageMistake
from models.networks.config import read_config
from models.store import PROJECT
from models.subjects import TokenizerTable, load_subject

FAULTS = PROJECT.parent / "shared" / "faults"
ROWS = [(f"text number {at}", ("BAD", "GOOD")[at % 2]) for at in range(40)]
CSV = "text,polarity\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
LINES = [json.dumps({"text": text, "polarity": label}) for text, label in ROWS]
TABLE = TokenizerTable(source="pretrained")

# By case: the name of the file, its bytes, changes to the table, and a part of the message.
REFUSED = {
    "a lone byte order mark": ("t.csv", codecs.BOM_UTF8, {}, "is empty"),
    "a lone byte order mark of UTF-16": (
        "t.tsv",
        codecs.BOM_UTF16_BE,
        {"encoding": "utf-16"},
        "is empty",
    ),
    "a mark and blank lines": ("t.jsonl", codecs.BOM_UTF8 + b"\r\n \n", {}, "is empty"),
    "UTF-16 that is declared UTF-8": (
        "t.csv",
        CSV.encode("utf-16"),
        {},
        'byte order mark of utf-16, not utf-8. Write encoding = "utf-16"',
    ),
    "UTF-32 that is declared cp1252": (
        "t.csv",
        CSV.encode("utf-32"),
        {"encoding": "cp1252"},
        'Write encoding = "utf-32"',
    ),
    "UTF-16 that a fallback would decode": (
        "t.csv",
        CSV.encode("utf-16"),
        {"fallback_encoding": "latin-1"},
        'Write encoding = "utf-16"',
    ),
    "UTF-16 without a mark": ("t.csv", CSV.encode("utf-16-le"), {}, "line 1 holds a NUL"),
    "UTF-8 that is declared UTF-16": (
        "t.csv",
        (CSV + "x").encode(),
        {"encoding": "utf-16-le"},
        "corpus.encoding: is not utf-16-le",
    ),
    "a NUL": ("t.csv", (CSV + "a\0b,BAD\n").encode(), {}, "line 42 holds a NUL"),
    "a header that names a column twice": (
        "t.csv",
        b"text,text,polarity\n" + b"a,b,BAD\n" * 40,
        {},
        "corpus.columns.text: the header names the column 'text' 2 times. Rename",
    ),
    "a header that names a column twice but for spaces": (
        "t.tsv",
        b"text\tpolarity\t polarity \n" + b"a\tBAD\tGOOD\n" * 40,
        {},
        "corpus.columns.polarity: the header names the column 'polarity' 2 times",
    ),
    "a key twice": (
        "t.jsonl",
        b'{"text": "a", "polarity": "BAD", "text": "b"}\n',
        {},
        "line 1 is not JSON (an object has the key 'text' twice)",
    ),
    "a key twice inside a value": (
        "t.jsonl",
        "\n".join([*LINES, '{"text": "a", "more": [{"b": 1, "b": 1}]}']).encode(),
        {},
        "line 41 is not JSON (an object has the key 'b' twice",
    ),
    "nesting without end": (
        "t.jsonl",
        b"[" * 200_000,
        {},
        "line 1 is not JSON (the document is nested too",
    ),
    "a number of thousands of digits": (
        "t.jsonl",
        b'{"text": ' + b"7" * 5000 + b"}",
        {},
        "line 1 is not JSON (Exceeds the limit",
    ),
    "no number": ("t.jsonl", b'{"text": NaN}', {}, "line 1 is not JSON (NaN is not JSON)"),
    "half an emoji in every text": (
        "t.jsonl",
        "\n".join(LINES).replace("number", "\\ud83d").encode(),
        {},
        "40 left out: an incomplete character",
    ),
    "half an emoji in a polarity": (
        "t.jsonl",
        "\n".join(LINES).replace("BAD", "\\udc00").encode(),
        {},
        "left out: an incomplete character",
    ),
    "an object for a text": (
        "t.jsonl",
        "\n".join(f'{{"text": {{"a": {at}}}, "polarity": "BAD"}}' for at in range(40)).encode(),
        {},
        "40 left out: 'text' holds a list or an object, but a text is expected",
    ),
    "a polarity that is a fraction": (
        "t.jsonl",
        b'{"text": "a", "polarity": 1.0}',
        {"polarities": {"0": "BAD", "1": "GOOD"}},
        "has the label '1.0', which the subject does not declare",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_faulty_corpus_file_is_reported_in_one_message(name, files_table, tmp_path):
    file, content, changes, says = REFUSED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(UsageMistake) as refused:
        read_files(files_table(**changes), tmp_path / file)
    assert says in str(refused.value)
    assert refused.value.file == str(tmp_path / file)


SHARED = {
    "dup_header.csv": "the header names the column 'text' 2 times",
    "bom_only.csv": "is empty",
    "all_surrogates.jsonl": "left out: an incomplete character",
}


@pytest.mark.skipif(not FAULTS.is_dir(), reason="needs ../shared/faults, which is not here")
@pytest.mark.parametrize("name", SHARED)
def test_rejects_each_faulty_corpus_file_of_the_shared_folder(name, files_table):
    table = files_table(
        columns={"text": "text", "polarity": "polarity", "entity": "entity"},
        labels=["negative", "neutral", "positive"],
    )
    if name == "bom_only.csv":
        table = files_table()
    with pytest.raises(UsageMistake) as refused:
        read_files(table, FAULTS / name)
    assert SHARED[name] in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
def test_file_is_decoded_with_the_declared_encoding(encoding, files_table, tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes(CSV.replace("number", "n\u00famero").encode(encoding))
    corpus = read_files(files_table(encoding=encoding), file)
    assert {row.text for texts in corpus.splits.values() for row in texts} == {
        text.replace("number", "n\u00famero") for text, _ in ROWS
    }


def test_text_with_an_unpaired_surrogate_is_omitted_and_counted(files_table, tmp_path):
    file = tmp_path / "t.jsonl"
    intact = json.dumps({"text": "a whole \U0001f600", "polarity": "BAD"})
    half = '{"text": "half of \\ud83d", "polarity": "BAD"}'
    file.write_text("\n".join([*LINES, half, intact]), encoding="utf-8")
    corpus = read_files(files_table(), file)
    assert [(entry.where, entry.reason) for entry in corpus.left_out] == [("line 41", HALF)]
    texts_read = {row.text for texts in corpus.splits.values() for row in texts}
    assert "a whole \U0001f600" in texts_read


def test_unused_columns_may_have_equal_names_and_any_content(files_table, tmp_path):
    file = tmp_path / "t.csv"
    rows = "".join(f"{text},,{label},\n" for text, label in ROWS)
    file.write_text(f"text,,polarity,\n{rows}", encoding="utf-8")
    assert sum(map(len, read_files(files_table(), file).splits.values())) == len(ROWS)
    file = tmp_path / "t.jsonl"
    lines = [line[:-1] + ', "more": {"a": [1]}}' for line in LINES]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert sum(map(len, read_files(files_table(), file).splits.values())) == len(ROWS)


# Fragments with a meaning for the readers, which are combined at random.
PIECES = [
    *(
        b"text",
        b"polarity",
        b"BAD",
        b"GOOD",
        b",",
        b"\t",
        b'"',
        b"\n",
        b"\r",
        b"{",
        b"}",
        b"[",
        b"]",
    ),
    *(b":", b'"text": ', b"\\ud83d", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"1e999", b"-", b"null"),
    *(b'{"text": "a", "polarity": "BAD"}\n', b"= 1\n", b"[corpus]\n", b"name = ", b"NaN", b"\xe9"),
    *(
        b"text_id\ttext\n",
        b'"234567"\t"',
        b"[CLS]\n",
        b"[SEP]\n",
        b"[PAD]\n",
        b"[UNK]\n",
        b"##a\n",
    ),
    *(b'"model": ', b'"vocab": ', b'"type": "WordPiece", ', b'"model_type": "bert", '),
]
CONTENT = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)), max_size=14).map(
    b"".join
)
MANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@MANY
@given(
    content=CONTENT,
    suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".txt", ".zip"]),
    encodings=st.tuples(
        st.sampled_from(["utf-8", "utf-16", "utf-7", "shift_jis", "utf-32-be"]),
        st.sampled_from([None, "latin-1", "cp1252", "utf-7"]),
    ),
)
def test_random_bytes_as_a_corpus_file_are_rejected(
    content, suffix, encodings, files_table, tmp_path
):
    encoding, fallback = encodings
    file = tmp_path / f"t{suffix}"
    file.write_bytes(content)
    with pytest.raises(UsageMistake):
        # There are too few rows for the splits, so that even a readable file is rejected.
        read_files(files_table(encoding=encoding, fallback_encoding=fallback), file)


@MANY
@given(content=CONTENT)
def test_random_bytes_as_subject_config_or_tokenizer_cause_no_unexpected_error(content, tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir(exist_ok=True)
    second_folder = tmp_path / "other"
    second_folder.mkdir(exist_ok=True)
    (second_folder / "vocab.txt").write_text("[PAD]\n", encoding="utf-8")
    for name in ("own.toml", "config.json", "tokenizer.json", "vocab.txt"):
        for old in folder.iterdir():
            old.unlink()
        (folder / name).write_bytes(content)
        file = folder / name
        for read in (
            lambda file=file: load_subject(f"{file.parent}/own.toml"),
            lambda file=file: read_config(file.parent),
            lambda file=file: load_tokenizer(file.parent, TABLE),
            lambda file=file: require_one_vocabulary({"full": second_folder, "small": file.parent}),
            lambda file=file: read_quoted(file, ("text_id", "text")),
        ):
            with suppress(UsageMistake):
                read()


VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "##s"]


def whole_tokenizer(**model):
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {piece: at for at, piece in enumerate(VOCABULARY)},
        }
        | model,
    }


def without(*names):
    remaining = [piece for piece in VOCABULARY if piece not in names]
    return {piece: at for at, piece in enumerate(remaining)}


UNIGRAM = [["<s>", 0.0], ["</s>", 0.0], ["<pad>", 0.0], ["good", -1.0], ["<unk>", 0.0]]
TOKENIZERS = {
    "no [CLS]": whole_tokenizer(vocab=without("[CLS]")),
    "no [SEP]": whole_tokenizer(vocab=without("[SEP]")),
    "nothing that fills rows up": whole_tokenizer(vocab=without("[PAD]")),
    "no [UNK]": whole_tokenizer(vocab=without("[UNK]")),
    "no vocabulary": whole_tokenizer(vocab={}),
    "Unigram's tokens": whole_tokenizer(type="Unigram", unk_id=4, vocab=UNIGRAM),
    "RoBERTa's tokens": whole_tokenizer(
        type="BPE", vocab={"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "g": 4}, merges=[]
    ),
    "words alone": whole_tokenizer(type="WordLevel", vocab={"good": 0, "[UNK]": 1}),
    "a model of no known type": whole_tokenizer(type="WordPieces"),
    "a vocabulary of the wrong type": whole_tokenizer(vocab=["[CLS]", "[SEP]"]),
    "an id that is a text": whole_tokenizer(vocab=without() | {"good": "5"}),
    "an id beyond 32 bits": whole_tokenizer(vocab=without() | {"good": 2**63}),
    "an id with a gap before it": whole_tokenizer(vocab=without() | {"good": 4_000_000_000}),
    "an id twice": whole_tokenizer(vocab=without() | {"good": 6}),
    "tokens that are added alone": whole_tokenizer(vocab={"good": 0, "bad": 1})
    | {
        "added_tokens": [
            {"id": 2 + at, "content": piece, "single_word": False, "lstrip": False}
            | {"rstrip": False, "normalized": False, "special": True}
            for at, piece in enumerate(VOCABULARY[:4])
        ]
    },
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_rejects_tokenizer_json_of_a_family_other_than_bert(name, tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(TOKENIZERS[name]), encoding="utf-8")
    with pytest.raises(UsageMistake) as refused:
        load_tokenizer(tmp_path, TABLE)
    assert refused.value.file == str(file)
    if name.startswith("no ["):
        assert all(word in refused.value.what for word in name.split() if word.startswith("["))


@pytest.mark.parametrize("lines", [[], [""], ["good", "bad"], [*VOCABULARY, "good"]])
def test_rejects_word_list_without_the_special_tokens_of_bert(lines, tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(UsageMistake) as refused:
        load_tokenizer(tmp_path, TABLE)
    assert refused.value.file == str(file)


def test_complete_tokenizer_json_is_accepted(tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole_tokenizer()), encoding="utf-8")
    tokenizer = load_tokenizer(tmp_path, TABLE)
    encoded = encode(tokenizer, [LabelledText("1", "", "Good", 0)], pair_with_group=False)
    assert encoded.ids[0, :4].tolist() == [2, 5, 3, 0]


CONFIG = {"model_type": "bert", "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 1}
CONFIG |= {"num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
CONFIG |= {"type_vocab_size": 2, "hidden_act": "gelu", "hidden_dropout_prob": 0.1}
CONFIG |= {"attention_probs_dropout_prob": 0.1}


@pytest.mark.parametrize("value", [2**63, 10**300, -1, 0, 1.5, "12", None, [1], {"a": 1}, True])
@pytest.mark.parametrize("key", [key for key in CONFIG if key.endswith(("_size", "s", "heads"))])
def test_rejects_impossible_size_in_a_config(key, value, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG | {key: value}), encoding="utf-8")
    with pytest.raises(UsageMistake) as refused:
        read_config(Path(tmp_path))
    assert refused.value.file == str(file)
    assert refused.value.key == key


@pytest.mark.parametrize("family", ["roberta", "distilbert", 7, None, ["bert"]])
def test_rejects_config_of_another_family(family, tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG | {"model_type": family}), encoding="utf-8")
    with pytest.raises(UsageMistake, match="model_type"):
        read_config(tmp_path)
