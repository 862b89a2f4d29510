"""Special tokens have the ids of the vocabulary, or a message names the token that differs."""

from __future__ import annotations

import json
import re

import pytest
from tokenizers import processors

from models.errors import UsageMistake
from models.tokenizers.kinds import TokenizerSettings, load
from suites.meta.tokenizers.kinds import small_encoder

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "day"]
TEXTS = [("good night",)]


def json_of(tmp_path, kind="wordpiece"):
    library = small_encoder(kind, tmp_path).library
    return json.loads(library.to_str())


def loaded(tmp_path, document, config=None, **settings):
    (tmp_path / "tokenizer.json").write_text(json.dumps(document), encoding="utf-8")
    if config is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    encoder = load(TokenizerSettings(file="tokenizer.json", **settings), tmp_path)
    return encoder.encode(TEXTS, 8)["ids"].tolist()[0]


def refused(tmp_path, document, config=None, **settings):
    with pytest.raises(UsageMistake) as caught:
        loaded(tmp_path, document, config, **settings)
    return caught.value


@pytest.mark.parametrize(
    ("model", "unknown"),
    [
        ({"type": "WordPiece", "unk_token": "[UNKNOWN]"}, {"unk_token": "[UNK]"}),
        ({"type": "WordLevel", "unk_token": "<unk>"}, {"unk_token": "[UNK]"}),
        ({"type": "BPE", "unk_token": "<unk>", "merges": []}, {"unk_token": "[UNK]"}),
        ({"type": "Unigram", "unk_id": None}, {"unk_id": 1}),
        ({"type": "Unigram", "unk_id": 99}, {"unk_id": 1}),
    ],
    ids=["WordPiece", "WordLevel", "BPE", "Unigram without", "Unigram beyond"],
)
def test_rejects_unknown_token_outside_the_vocabulary(model, unknown, tmp_path):
    document = json_of(tmp_path)
    words = document["model"]["vocab"]
    if model["type"] == "Unigram":
        words = [[word, -1.0] for word in sorted(words, key=words.get)]
    usual = {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    document["model"] = {**usual, **model, "vocab": words}
    mistake = refused(tmp_path, document)
    assert mistake.key == "model"
    assert mistake.file == str(tmp_path / "tokenizer.json")
    assert "model.unk_token" in mistake.remedy
    # The suggested remedy must help.
    document["model"] |= unknown
    assert 1 in loaded(tmp_path, document)


@pytest.mark.parametrize(
    ("around", "message"),
    [
        (processors.BertProcessing(("[SEP]", 3), ("[CLS]", 7)), "gives '[CLS]' the id 7"),
        (processors.RobertaProcessing(("</s>", 3), ("[CLS]", 2)), "does not hold it"),
        (
            processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 101)]),
            "gives '[CLS]' the id 101, but its vocabulary gives it 2",
        ),
        (
            processors.Sequence([processors.BertProcessing(("[SEP]", 4), ("[CLS]", 2))]),
            "gives '[SEP]' the id 4, but its vocabulary gives it 3",
        ),
    ],
    ids=["BERT's", "RoBERTa's", "a template", "in a sequence"],
)
def test_rejects_wrong_ids_of_special_tokens(around, message, tmp_path):
    library = small_encoder("wordpiece", tmp_path).library
    library.post_processor = around
    mistake = refused(tmp_path, json.loads(library.to_str()))
    assert message in mistake.what
    assert mistake.key == "post_processor"
    assert "Write the vocabulary's own ids in post_processor" in mistake.remedy


@pytest.mark.parametrize("ids", [[], [2, 3]])
def test_rejects_special_tokens_without_ids(ids, tmp_path):
    document = json_of(tmp_path)
    document["post_processor"]["special_tokens"]["[CLS]"]["ids"] = ids
    mistake = refused(tmp_path, document)
    assert mistake.what == f"gives 1 tokens the ids {ids}"
    assert "Give an id for each token in post_processor" in mistake.remedy


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ({"id": 101, "content": "[CLS]"}, "gives '[CLS]' the id 101, but its vocabulary gives it"),
        # The library would use the next free id for this token.
        ({"id": 500, "content": "<user>"}, "gives '<user>' the id 500, but its vocabulary gives"),
    ],
)
def test_rejects_added_token_whose_id_contradicts_the_vocabulary(token, message, tmp_path):
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    document = json_of(tmp_path) | {"added_tokens": [flags | {"special": True} | token]}
    mistake = refused(tmp_path, document)
    assert message in mistake.what
    assert mistake.key == "added_tokens"
    (number,) = re.findall(r"gives it (\d+)", mistake.what)
    document["added_tokens"][0]["id"] = int(number)
    assert loaded(tmp_path, document)


PADDED = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None}
PADDED |= {"pad_type_id": 0, "pad_id": 0, "pad_token": "[PAD]"}


def test_rejects_padding_id_that_belongs_to_another_token(tmp_path):
    document = json_of(tmp_path) | {"padding": PADDED | {"pad_id": 4}}
    mistake = refused(tmp_path, document)
    assert "is 4, but the padding token '[PAD]' has the number 0" in mistake.what
    assert (mistake.file, mistake.key) == (str(tmp_path / "tokenizer.json"), "padding.pad_id")
    assert 'Write pad = "..." in [tokenizer]' in mistake.remedy
    assert loaded(tmp_path, document, pad="day")[-1] == 5


@pytest.mark.parametrize(
    ("config", "key", "message"),
    [
        ({"pad_token": "[UNK]"}, "pad_token", "but tokenizer.json pads rows with '[PAD]'"),
        (
            {"added_tokens_decoder": {"7": {"content": "[PAD]"}}},
            "added_tokens_decoder.7",
            "is '[PAD]', which tokenizer.json gives the number 0",
        ),
        ({"cls_token": "<s>"}, "cls_token", "is '<s>', which tokenizer.json does not hold"),
        ({"pad_token": "<p>"}, "pad_token", "is '<p>', which tokenizer.json does not hold"),
    ],
)
def test_rejects_settings_whose_special_tokens_contradict_the_tokenizer_json(
    config, key, message, tmp_path
):
    mistake = refused(tmp_path, json_of(tmp_path) | {"padding": PADDED}, config)
    assert (mistake.file, mistake.key) == (str(tmp_path / "tokenizer_config.json"), key)
    assert message in mistake.what
    assert "training padded with" in mistake.remedy or "the same checkpoint" in mistake.remedy


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"added_tokens_decoder": {"100": {"content": "[UNK]"}}}, "added_tokens_decoder.100"),
        ({"added_tokens_decoder": {"6": {"content": "<user>"}}}, "added_tokens_decoder.6"),
    ],
)
def test_rejects_word_pieces_whose_ids_contradict_the_settings(config, key, tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(BERT))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UsageMistake, match=r"which vocab\.txt") as caught:
        load(TokenizerSettings(file="vocab.txt"), tmp_path)
    assert caught.value.key == key
    assert "from the same checkpoint" in caught.value.remedy


@pytest.mark.parametrize("missing", ["[UNK]", "[CLS]", "[SEP]", "[PAD]"])
def test_error_names_the_key_of_a_missing_special_token(missing, tmp_path):
    key = {"[UNK]": "unknown", "[CLS]": "start", "[SEP]": "end", "[PAD]": "pad"}[missing]
    pieces = [piece.replace(missing, "<other>") for piece in BERT]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces))
    settings = {"file": "vocab.txt", "kind": "wordpiece", "case": "unicode"}
    with pytest.raises(UsageMistake, match=re.escape(f"does not hold {missing!r}")) as caught:
        load(TokenizerSettings(**settings), tmp_path)
    assert caught.value.key == f"tokenizer.{key}"
    assert f'Write {key} = "..."' in caught.value.remedy
    assert load(TokenizerSettings(**settings, **{key: "<other>"}), tmp_path).size == len(BERT)


@pytest.mark.parametrize("words", [["[UNK]", "", "good"], ["", "good", "[UNK]"]])
def test_rejects_text_vectorization_list_without_the_padding_and_unknown_entries_first(
    words, tmp_path
):
    (tmp_path / "list.txt").write_text("\n".join(words) + "\n")
    settings = TokenizerSettings(file="list.txt", kind="text_vectorization")
    with pytest.raises(UsageMistake, match="but TextVectorization gives it") as caught:
        load(settings, tmp_path)
    assert caught.value.file == str(tmp_path / "list.txt")
    assert "get_vocabulary()" in caught.value.remedy
