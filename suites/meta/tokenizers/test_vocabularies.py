"""A word list is read in every common format."""

from __future__ import annotations

import json
import time

import pytest

from models.errors import UsageMistake
from models.tokenizers.kinds import TokenizerSettings, load, parse_option, recognize_kind
from models.tokenizers.vocabularies import read_keras_json, read_vocabulary

WORDS = {"": 0, "[UNK]": 1, "the": 2, 'a "quoted", word': 3, "two words": 4, "日本語": 5, "9": 6}
PLAIN = {word: at for word, at in WORDS.items() if "," not in word}
FORMATS = {
    "a word a line": ("a.txt", "\n[UNK]\nthe\nx y\n", {"": 0, "[UNK]": 1, "the": 2, "x y": 3}),
    "no line feed at the end": ("a.txt", "the\nday", {"the": 0, "day": 1}),
    "lines of Windows": ("a.txt", "the\r\nday\r\n", {"the": 0, "day": 1}),
    "a byte order mark": ("a.txt", "\ufeffthe\nday\n", {"the": 0, "day": 1}),
    "words that look like numbers": ("a.txt", "the\n7\ntop 10\nday\n1,000\n", None),
    "numbers alone": ("a.txt", "7\n5\n", {"7": 0, "5": 1}),
    "brackets first": ("a.txt", "[PAD]\nthe\n", {"[PAD]": 0, "the": 1}),
    "word and number": (
        "a.txt",
        "the 4\nday 2\ntwo words 9\n",
        {"the": 4, "day": 2, "two words": 9},
    ),
    "word, tab, number": ("a.tsv", "the\t4\nx y\t2\n\t0\n", {"the": 4, "x y": 2, "": 0}),
    "separators of ASCII": ("a.tsv", "the\t4\x1e\nday\t\x1f2\n", {"the": 4, "day": 2}),
    "tabs with a header": ("a.tsv", "word\tindex\nthe\t4\n", {"the": 4}),
    "CSV": (
        "a.csv",
        '"a ""quoted"", word",3\nthe,2\n,0\n',
        {'a "quoted", word': 3, "the": 2, "": 0},
    ),
    "CSV with a header": ("a.csv", "word,index\nthe,2\nday,7\n", {"the": 2, "day": 7}),
    "JSON object": ("a.json", json.dumps(WORDS), WORDS),
    "JSON object, odd name": ("a.txt", f" {json.dumps(WORDS)}\n", WORDS),
    "JSON list": ("a.json", json.dumps(list(WORDS)), WORDS),
    "JSON list, odd name": ("a.txt", json.dumps(list(WORDS), ensure_ascii=False), WORDS),
    "a word that is called config": ("a.json", '{"config": 1, "the": 2}', {"config": 1, "the": 2}),
}
FORMATS["words that look like numbers"] = (
    *FORMATS["words that look like numbers"][:2],
    {"the": 0, "7": 1, "top 10": 2, "day": 3, "1,000": 4},
)


@pytest.mark.parametrize("name", FORMATS)
def test_word_list_is_read_in_every_format(name, tmp_path):
    file, text, words = FORMATS[name]
    (tmp_path / file).write_bytes(text.encode())
    assert read_vocabulary(tmp_path / file) == words


@pytest.mark.parametrize("written", [json.dumps, dict])
def test_words_and_settings_of_a_keras_tokenizer_are_read(written, tmp_path):
    """Keras nests its table as JSON inside JSON; some tools rewrite it as an object."""
    index = {"<OOV>": 1, "the": 2}
    config = {"word_index": written(index), "num_words": 5, "filters": "!", "lower": False}
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"class_name": "Tokenizer", "config": config}))
    words, settings = read_keras_json(file)
    assert words == index
    assert (settings.num_words, settings.filters, settings.lower) == (5, "!", False)
    assert (settings.split, settings.char_level, settings.oov_token) == (" ", False, None)


SIGNS = {
    "huggingface": ("x.json", '{"version": "1.0", "model": {"type": "WordLevel"}}'),
    "keras": ("x.json", '{"config": {"word_index": "{}"}}'),
    "wordpiece": ("x.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n"),
    "regex": ("x.txt", "<PAD> 0\n<START> 1\n<UNKNOWN> 2\nthe 3\n"),
    "text_vectorization": ("x.txt", "\n[UNK]\nthe\n"),
    "sentencepiece": ("x.model", "anything"),
    "byte_pairs": ("vocab.json", "{}"),
}


@pytest.mark.parametrize("kind", SIGNS)
def test_kind_of_vocabulary_is_recognized_if_the_content_is_unambiguous(kind, tmp_path):
    name, text = SIGNS[kind]
    (tmp_path / name).write_text(text)
    (tmp_path / "merges.txt").write_text("a b\n")
    assert recognize_kind(tmp_path / name) == kind


@pytest.mark.parametrize(
    ("text", "file", "kind"),
    [
        ("a/vocab.txt", "a/vocab.txt", None),
        ("words:a/vocab.txt", "a/vocab.txt", "words"),
        ("keras:C:x", "C:x", "keras"),
        ("nothing:vocab.txt", "nothing:vocab.txt", None),
        ("words:", "words:", None),
    ],
)
def test_tokenizer_option_may_start_with_the_kind_and_a_colon(text, file, kind):
    assert parse_option(text) == TokenizerSettings(file=file, kind=kind)


def test_tokenizer_json_in_a_folder_is_preferred_to_a_word_list(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n")
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    encoder = load(TokenizerSettings(file=str(tmp_path)))
    assert encoder.kind == "wordpiece"
    encoder.library.save(str(tmp_path / "tokenizer.json"))
    assert load(TokenizerSettings(file=str(tmp_path))).kind == "huggingface"
    assert load(TokenizerSettings(file=str(tmp_path), kind="wordpiece")).kind == "wordpiece"


def test_tokenizer_path_is_relative_to_the_given_folder(tmp_path):
    (tmp_path / "list.txt").write_text("<pad>\n<unk>\nthe\n")
    assert load(TokenizerSettings(file="list.txt", kind="words"), tmp_path).size == 3


def test_link_to_a_vocabulary_is_read_with_the_settings_beside_the_link(tmp_path):
    """Hugging Face's cache contains links to files with other names in another folder."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    (blobs / "1f").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n")
    (blobs / "2e").write_text('{"do_lower_case": false}')
    (snapshot / "vocab.txt").symlink_to(blobs / "1f")
    (snapshot / "tokenizer_config.json").symlink_to(blobs / "2e")
    assert load(TokenizerSettings(file=str(snapshot / "vocab.txt"))).lengths([("The",)]) == [3]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lines.txt", "a\n" * 1_000_001),
        ("pairs.txt", "a 1\n" * 2_000_000),
        ("list.json", f"[{'0,' * 1_000_001}0]"),
    ],
)
def test_rejects_vocabulary_with_too_many_words(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    start = time.process_time()
    with pytest.raises(UsageMistake, match=r"words, but at most 1,000,000 are read"):
        read_vocabulary(file)
    assert time.process_time() - start < 2.0
