"""A mistake in a tokenizer file or setting is reported in one message with a remedy."""

from __future__ import annotations

import json
import random

import pytest

from models.errors import UsageMistake
from models.tokenizers.kinds import KINDS, TokenizerSettings, load
from suites.meta.tokenizers.remedies import HELPS
from suites.meta.tokenizers.sentence_piece_models import trained

BERT = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\n"
LIST = "<pad>\n<unk>\nthe\n"
UNCASED = '{"do_lower_case": true}'
ROBERTA = json.dumps({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "ab": 6})
CLIP = '{"tokenizer_class": "CLIPTokenizer"}'
PIECES = {"tokenizer_config.json": UNCASED}


def keras(**config):
    return json.dumps({"config": {"word_index": json.dumps({"the": 1}), **config}})


WITHOUT_UNKNOWN = json.dumps({"config": {"word_index": '{"the": 1}', "oov_token": "<o>"}})


# By case: the given file, its content, further files, the settings, and a part of the message.
BAD = {
    # Files that cannot be read.
    "missing": ("a.txt", None, {}, {}, "no such file"),
    "a kind that is none, before a colon": ("nope:a.txt", None, {}, {}, "no such file"),
    "an unknown kind": ("a.txt", LIST, {}, {"kind": "nope"}, "is not a kind of tokenizer"),
    "empty": ("a.txt", "", {}, {}, "is empty"),
    "blanks alone": ("a.txt", " \n\t\n", {}, {}, "is empty"),
    "a lone byte order mark": ("a.txt", b"\xef\xbb\xbf", {}, {}, "is empty"),
    "UTF-16": ("a.txt", LIST.encode("utf-16"), {}, {}, "is not UTF-8"),
    "Latin-1": ("a.txt", "café\n".encode("latin-1"), {}, {}, "is not UTF-8"),
    "a folder without a tokenizer": (".", None, {"x": "y"}, {}, "holds none of"),
    "a folder for a kind of files": (".", None, {"x": "y"}, {"kind": "words"}, "is a folder"),
    # Word lists.
    "a kind that is not certain": (
        "a.txt",
        LIST,
        {},
        {},
        "does not define how texts are split into words",
    ),
    "a word twice": ("a.txt", "the\na\nthe\n", {}, {"kind": "words"}, "has the word 'the' twice"),
    "an empty line twice": (
        "a.txt",
        "\n[UNK]\na\n\n",
        {},
        {"kind": "words"},
        "has the word '' twice",
    ),
    "a number twice": ("a.txt", "the 1\na 1\n", {}, {"kind": "words"}, "the same number, 1"),
    "a word without its number": ("a.txt", "the 1\na 2\nb\n", {}, {"kind": "words"}, "line 3"),
    "a negative number": ("a.csv", "the,-1\na,2\n", {}, {"kind": "words"}, "line 1"),
    "scores for numbers": ("a.txt", "the\t-1.5\na\t-2\n", {}, {"kind": "words"}, "line 1"),
    "numbers first": ("a.csv", "0,the\n1,a\n2,b\n", {}, {"kind": "words"}, "begin with a number"),
    "a huge number": ("a.csv", "the,99999999\n", {}, {"kind": "words"}, "the number 99,999,999"),
    "a number without end": ("a.csv", f"the,{'9' * 99}\n", {}, {"kind": "words"}, "line 1"),
    "fractions": ("a.json", '{"the": 1.5}', {}, {"kind": "words"}, "the number 1.5"),
    "truth for a number": ("a.json", '{"the": true}', {}, {"kind": "words"}, "the number True"),
    "NaN for a number": ("a.json", '{"the": NaN}', {}, {"kind": "words"}, "is not JSON"),
    "words that are none": ("a.json", '["the", 3]', {}, {"kind": "words"}, "gives 3 the number"),
    "lists of lists": ("a.json", '[["the", 3]]', {}, {"kind": "words"}, "which is not an integer"),
    "a JSON number": ("a.json", "3", {}, {"kind": "words"}, "neither an object"),
    "a JSON text": ("a.json", '"the"', {}, {"kind": "words"}, "neither an object"),
    "no words": ("a.json", "{}", {}, {"kind": "words"}, "holds no words"),
    "cut JSON": ("a.json", '{"the": 1', {}, {"kind": "words"}, "is not JSON"),
    "deep JSON": ("a.json", "[" * 100_000, {}, {"kind": "words"}, "nested too deeply"),
    "a key twice": (
        "a.json",
        '{"the": 1, "the": 2}',
        {},
        {"kind": "words"},
        "has the key 'the' twice",
    ),
    "half an emoji": ("a.json", '{"\\ud83d": 1}', {}, {"kind": "words"}, "half a character"),
    "half a split": (
        *("a.json", '{"config": {"word_index": "{}", "split": "\\ud83d"}}', {}, {}),
        "half a character",
    ),
    "half a setting": (
        *("a.json", '{"config": {"word_index": {"\\udc00": "x"}}}', {}, {}),
        "half a character",
    ),
    "Keras' JSON as a word list": ("a.json", keras(), {}, {"kind": "words"}, "settings of its own"),
    "no padding": (
        "a.txt",
        "the\n<unk>\n",
        {},
        {"kind": "words"},
        "default number 0 belongs to 'the'",
    ),
    "two tokens for the unknown": (
        *("a.txt", "<pad>\n<unk>\n[UNK]\n", {}, {"kind": "words"}),
        "'[UNK]' and '<unk>'",
    ),
    "no token for the unknown": ("a.txt", "<PAD>\na\n", {}, {"kind": "regex"}, "'<UNKNOWN>'"),
    "no padding of TextVectorization": (
        *("a.txt", "[UNK]\na\n", {}, {"kind": "text_vectorization"}),
        "gives '[UNK]' the number 0, but TextVectorization gives it 1",
    ),
    "a start that is not listed": (
        *("a.txt", LIST, {}, {"kind": "words", "start": "<go>"}),
        "does not hold '<go>'",
    ),
    "a start with a meaning": (
        *("a.txt", "<pad>\n$B\nx\n", {}, {"kind": "words", "start": "$B"}),
        "cannot be put around a text",
    ),
    "a regular expression that is none": (
        *("a.txt", LIST, {}, {"kind": "words", "split": "(["}),
        "is not a regular expression",
    ),
    "another that is none": (
        *("a.txt", LIST, {}, {"kind": "characters", "removed": "*"}),
        "is not a regular expression",
    ),
    "a setting of another kind": (
        *("a.txt", LIST, {}, {"kind": "characters", "split": "x"}),
        "is not a setting of a characters",
    ),
    # Keras' Tokenizer.
    "no word_index": ("a.json", '{"config": {}}', {}, {"kind": "keras"}, "word_index"),
    "no config": ("a.json", "[]", {}, {"kind": "keras"}, "is not the JSON of a Keras Tokenizer"),
    "a table that is none": (
        *("a.json", '{"config": {"word_index": "[1]"}}', {}, {}),
        "is not an object",
    ),
    "a table that is damaged": ("a.json", '{"config": {"word_index": "{"}}', {}, {}, "not JSON"),
    "settings of other types": ("a.json", keras(filters=3), {}, {}, "Expected `str"),
    "a negative limit": ("a.json", keras(num_words=-3), {}, {}, ">= 0"),
    "an empty split": ("a.json", keras(split=""), {}, {}, "length >= 1"),
    "an oov_token that is not listed": ("a.json", WITHOUT_UNKNOWN, {}, {}, "'<o>'"),
    # Hugging Face's files.
    "no case": ("vocab.txt", BERT, {}, {}, "does not say whether case is lowered"),
    "another case": ("vocab.txt", BERT, PIECES, {"case": "kept"}, "tokenizer.case is 'kept'"),
    "case of ASCII alone": ("vocab.txt", BERT, {}, {"case": "ascii"}, "every letter or none"),
    "another padding": (
        *("vocab.txt", BERT, {"tokenizer_config.json": '{"pad_token": "[PAD]"}'}),
        *({"pad": "the"}, "tokenizer.pad is 'the'"),
    ),
    "no special token": ("vocab.txt", "a\nb\n", PIECES, {"kind": "wordpiece"}, "does not hold"),
    "pieces with a gap": (
        *("vocab.json", '{"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 9}', PIECES),
        *({"kind": "wordpiece"}, "none with the number 3"),
    ),
    "settings that are a list": (
        *("vocab.txt", BERT, {"tokenizer_config.json": "[]"}, {}),
        "Expected `object`",
    ),
    "settings of another type": (
        *("vocab.txt", BERT, {"tokenizer_config.json": '{"do_lower_case": "no"}'}, {}),
        "Expected `bool",
    ),
    "settings that are damaged": (
        *("vocab.txt", BERT, {"tokenizer_config.json": "{"}, {}),
        "cannot be read as JSON",
    ),
    "words that are cut otherwise": (
        *("vocab.txt", BERT, {"tokenizer_config.json": '{"do_basic_tokenize": false}'}, {}),
        "always split",
    ),
    "another class": (
        *("vocab.txt", BERT),
        *({"tokenizer_config.json": '{"tokenizer_class": "BertJapaneseTokenizer"}'}, {}),
        "is 'BertJapaneseTokenizer'",
    ),
    "no tokenizer in the JSON": ("a.json", "{}", {}, {"kind": "huggingface"}, "is not a tokenizer"),
    "a tokenizer of no type": ("a.json", '{"model": {}}', {}, {}, "is not a tokenizer of"),
    "no merges": ("vocab.json", ROBERTA, {}, {"kind": "byte_pairs"}, "is missing"),
    "merges of three": ("vocab.json", ROBERTA, {"merges.txt": "a b c\n"}, {}, "two parts"),
    "merges of nothing": ("vocab.json", ROBERTA, {"merges.txt": ""}, {}, "is empty"),
    "merges that do not fit": ("vocab.json", ROBERTA, {"merges.txt": "a x\n"}, {}, "does not fit"),
    "a byte vocabulary of BERT": ("vocab.json", '{"a": 0}', {"merges.txt": "a b\n"}, {}, "'<unk>'"),
    "CLIP's byte pairs": (
        *("vocab.json", ROBERTA, {"merges.txt": "a b\n", "tokenizer_config.json": CLIP}, {}),
        "is 'CLIPTokenizer'",
    ),
    # SentencePiece's.
    "no model": ("a.model", "anything", {}, {}, "is not a SentencePiece model"),
    "an empty model": ("a.model", "", {}, {}, "it holds no piece"),
    "a text that is a model": ("a.txt", b"\x0a\x80", {}, {"kind": "sentencepiece"}, "not a Sent"),
    "a start that is no piece": (
        *("a.model", "unigram", {}, {"start": "[CLS]"}),
        "does not hold '[CLS]'",
    ),
    "a padding that is no piece": ("a.model", "unigram", {}, {"pad": "[PAD]"}, "hold '[PAD]'"),
    "a model of characters": ("a.model", "char", {}, {}, "it is of type 4"),
    "a model of words": ("a.model", "word", {}, {}, "it is of type 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_tokenizer_mistake_is_reported_in_one_message_with_a_remedy(name, tmp_path):
    file, content, beside, settings, message = BAD[name]
    if content in {"unigram", "char", "word"}:
        content = trained(content)
    if content is not None:
        text = content if isinstance(content, bytes) else content.encode()
        (tmp_path / file).write_bytes(text)
    for file_beside, text in beside.items():
        (tmp_path / file_beside).write_text(text)
    with pytest.raises(UsageMistake) as refused:
        load(TokenizerSettings(file=file, **settings), tmp_path)
    assert message in str(refused.value)
    assert refused.value.exit_code == 4
    assert refused.value.file or refused.value.key
    (helps,) = (phrase for phrase, names in HELPS.items() if name in names)
    assert helps in refused.value.remedy


def test_error_on_an_ambiguous_word_list_names_the_possible_kinds(tmp_path):
    (tmp_path / "list.txt").write_text(LIST)
    with pytest.raises(UsageMistake) as refused:
        load(TokenizerSettings(file="list.txt"), tmp_path)
    kinds_named = [kind for kind in KINDS if kind in refused.value.remedy]
    assert {"words", "characters", "regex", "text_vectorization"} <= set(kinds_named)
    assert load(TokenizerSettings(file="list.txt", kind="words"), tmp_path).size == 3


@pytest.mark.parametrize("settings", [{}, {"start": "<s>", "end": "</s>"}])
@pytest.mark.parametrize("length", [0, -1, 1, 2, 3])
def test_rejects_rows_too_short_for_special_tokens(length, settings, tmp_path):
    (tmp_path / "list.txt").write_text("<pad>\n<unk>\n<s>\n</s>\n")
    encoder = load(TokenizerSettings(file="list.txt", kind="words", **settings), tmp_path)
    for texts, special in (([("a",)], len(settings)), ([("a", "b")], 3 * len(settings) // 2)):
        if length >= max(special, 1):
            assert encoder.encode(texts, length)["ids"].shape == (1, length)
            continue
        with pytest.raises(UsageMistake, match="are too short for"):
            encoder.encode(texts, length)


def test_catastrophic_regular_expression_times_out(tmp_path):
    (tmp_path / "list.txt").write_text(LIST)
    encoder = load(TokenizerSettings(file="list.txt", kind="words", split="(x+x+)+y"), tmp_path)
    with pytest.raises(UsageMistake, match="fails on text 2 of 2"):
        encoder.encode([("day",), ("x" * 50,)], 4)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_damaged_sentencepiece_model_is_read_or_rejected_with_a_remedy(kind, tmp_path):
    """The model is truncated 50 times and changed 150 times; no unexpected exception may occur."""
    intact, chosen = trained(kind), random.Random(3)  # noqa: S311 - repeatable, not a secret
    file, refused = tmp_path / "a.model", 0
    # The table of characters is most of the file. Places outside of it are chosen more often.
    places = [*range(2000), *range(len(intact) - 300, len(intact)), *range(2000, len(intact), 400)]
    for at in range(200):
        damaged = bytearray(intact)
        if at < 50:
            del damaged[chosen.choice(places) :]
        else:
            for _ in range(chosen.choice((1, 1, 3))):
                damaged[chosen.choice(places)] = chosen.choice((0, 1, 0x7F, 0x80, 0xFF, at % 256))
        file.write_bytes(damaged)
        try:
            load(TokenizerSettings(file=str(file))).encode([("good day",)], 8)
        except UsageMistake as mistake:
            refused += 1
            assert mistake.remedy  # noqa: PT017 - some of the files can be read without an error
    assert 50 < refused < 200
