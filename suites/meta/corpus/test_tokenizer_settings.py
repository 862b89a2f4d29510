"""A checkpoint's tokenizer settings are respected; contradictions are reported."""

from __future__ import annotations

import json

import pytest

from models.corpus.tokenize import load_tokenizer
from models.errors import UsageMistake
from models.networks.config import head_of, read_config
from models.subjects import TokenizerTable

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# The pieces after the special tokens have the ids from 5 on, in this order.
CASED = [*SPECIAL, "Good", "Day", "Schön", "good", "day", "schon", "schön", "日", "本", "日本", "!"]
LOWER = [*SPECIAL, "good", "day", "schon", "schön", "日", "本", "日本", "!"]
TEXT = "Good Day Schön 日本!"


@pytest.fixture
def folder(tmp_path):
    """Return `folder(pieces, settings)`, which writes a checkpoint's vocabulary and settings."""

    def write(pieces, settings=None):
        text = "".join(f"{piece}\n" for piece in pieces)
        (tmp_path / "vocab.txt").write_text(text, encoding="utf-8")
        if settings is not None:
            text = settings if isinstance(settings, str) else json.dumps(settings)
            (tmp_path / "tokenizer_config.json").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def table(**more):
    return TokenizerTable(source="pretrained", max_tokens=12, **more)


def ids(folder, text=TEXT, **settings):
    encoding = load_tokenizer(folder, table(**settings)).encode(text)
    return [
        number
        for number, is_token in zip(encoding.ids, encoding.attention_mask, strict=True)
        if is_token
    ]


@pytest.mark.parametrize(
    ("pieces", "settings", "expected"),
    [
        # With case, nothing is changed, and each Chinese character is a word.
        (CASED, {"do_lower_case": False}, [2, 5, 6, 7, 12, 13, 15, 3]),
        # Lower case removes accents by default, as in BERT.
        (CASED, {"do_lower_case": True}, [2, 8, 9, 10, 12, 13, 15, 3]),
        (CASED, {}, [2, 8, 9, 10, 12, 13, 15, 3]),
        (CASED, {"do_lower_case": True, "strip_accents": False}, [2, 8, 9, 11, 12, 13, 15, 3]),
        (CASED, {"do_lower_case": False, "strip_accents": True}, [2, 5, 6, 1, 12, 13, 15, 3]),
        # Chinese characters are not separated.
        (
            CASED,
            {"do_lower_case": False, "tokenize_chinese_chars": False},
            [2, 5, 6, 7, 14, 15, 3],
        ),
        # Without settings the vocabulary decides: a piece with a capital letter makes it cased.
        (CASED, None, [2, 5, 6, 7, 12, 13, 15, 3]),
        (LOWER, None, [2, 5, 6, 7, 9, 10, 12, 3]),
    ],
)
def test_word_piece_ids_follow_the_tokenizer_settings(folder, pieces, settings, expected):
    """The expected ids were worked out by hand from BertTokenizer's documentation of each key."""
    assert ids(folder(pieces, settings)) == expected


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("settings", [{"do_lower_case": True}, {"do_lower_case": False}, None])
def test_rejects_subject_whose_tokenizer_settings_contradict_the_checkpoint(
    folder, settings, lowercase
):
    lower = False if settings is None else settings["do_lower_case"]
    place = folder(CASED, settings)
    if lowercase == lower:
        assert ids(place, lowercase=lowercase) == ids(place)
        return
    with pytest.raises(UsageMistake, match=r"tokenizer\.lowercase asks for") as refused:
        ids(place, lowercase=lowercase)
    assert refused.value.file is not None
    assert "Remove tokenizer.lowercase from" in refused.value.remedy


def test_lowercase_setting_overrides_the_case_of_a_tokenizer_json(folder):
    """`transformers`, too, applies do_lower_case of the settings to BERT's tokenizer.json."""
    place = folder(CASED, {"do_lower_case": False})
    load_tokenizer(place, table()).save(str(place / "tokenizer.json"))
    assert ids(place) == [2, 5, 6, 7, 12, 13, 15, 3]
    with pytest.raises(UsageMistake, match="the vocabulary is cased") as refused:
        ids(place, lowercase=True)
    assert refused.value.file == str(place / "tokenizer.json")
    (place / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert ids(place) == [2, 8, 9, 10, 12, 13, 15, 3]
    # Without tokenizer_config.json, the case in tokenizer.json applies.
    (place / "tokenizer_config.json").unlink()
    assert ids(place) == [2, 5, 6, 7, 12, 13, 15, 3]


@pytest.mark.parametrize(
    ("settings", "message", "key"),
    [
        ({"model_max_length": 8}, "is 8, but tokenizer.max_tokens is 12", "model_max_length"),
        ({"do_basic_tokenize": False}, "always split", "do_basic_tokenize"),
        ({"do_lower_case": "no"}, "Expected `bool", "do_lower_case"),
        (
            {"tokenizer_class": "RobertaTokenizer"},
            "makes different ids from vocab.txt",
            "tokenizer_class",
        ),
        (
            {"unk_token": "<unk>"},
            r"is '<unk>', but edgeproof frames texts with BERT's",
            "unk_token",
        ),
        ({"sep_token": {"content": "[CLS]"}}, r"BERT's tokens: \[SEP\]", "sep_token"),
        ({"padding_side": "left"}, "pads and truncates rows on the right", "padding_side"),
        ({"truncation_side": "left"}, "pads and truncates rows on the right", "truncation_side"),
        (
            {"never_split": ["[MASK]", "#tag"]},
            "names '#tag', but edgeproof keeps no word",
            "never_split",
        ),
        (
            {"wordpieces_prefix": "@@"},
            "is '@@', but edgeproof supports only '##'",
            "wordpieces_prefix",
        ),
        (
            {"auto_map": {"AutoTokenizer": ["own.Own", None]}},
            "which edgeproof will not run",
            "auto_map",
        ),
        (
            {"added_tokens_decoder": {"9": {"content": "good"}}},
            "which vocab.txt gives the number 5",
            "added_tokens_decoder.9",
        ),
        ("[1", "cannot be read as JSON", None),
        ("[]", "Expected `object`", None),
    ],
)
def test_error_names_unsupported_tokenizer_settings(folder, settings, message, key):
    with pytest.raises(UsageMistake, match=message) as refused:
        ids(folder(LOWER, settings))
    assert refused.value.file.endswith("tokenizer_config.json")
    assert refused.value.key == key


def test_added_tokens_are_not_split_into_pieces(folder):
    place = folder(LOWER, {"do_lower_case": True})
    before = ids(place)
    (place / "added_tokens.json").write_text('{"[MASK]": 4}')
    assert ids(place) == before
    (place / "added_tokens.json").write_text('{"[MASK]": 4, "#tag": 12}')
    with pytest.raises(UsageMistake, match="adds '#tag' as number 12, which"):
        ids(place)


@pytest.mark.parametrize("side", ["padding_side", "truncation_side"])
def test_rejects_left_padding_or_truncation_in_the_settings(folder, side):
    place = folder(CASED, {"do_lower_case": False})
    load_tokenizer(place, table()).save(str(place / "tokenizer.json"))
    (place / "tokenizer_config.json").write_text(json.dumps({side: "left"}))
    with pytest.raises(UsageMistake, match="rows on the right"):
        ids(place)


def test_huge_model_max_length_means_no_limit(folder):
    """`transformers` writes an integer with 31 digits if there is no limit."""
    endless = folder(LOWER, '{"model_max_length": 1000000000000000019884624838656}')
    assert ids(endless) == [2, 5, 6, 7, 9, 10, 12, 3]


CONFIG = {
    "model_type": "bert",
    "vocab_size": 20,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
}


def config(folder, **changes):
    document = {key: value for key, value in (CONFIG | changes).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(document))
    return folder


def test_rejects_config_json_without_a_model_type(tmp_path):
    assert read_config(config(tmp_path)).family == "bert"
    with pytest.raises(UsageMistake, match="is missing") as refused:
        read_config(config(tmp_path, model_type=None))
    assert refused.value.key == "model_type"
    (tmp_path / "config.json").rename(tmp_path / "bert_config.json")
    assert read_config(tmp_path).family == "bert"


@pytest.mark.parametrize("family", ["roberta", "distilbert", "xlm-roberta"])
def test_error_on_an_unsupported_network_names_the_supported_networks(tmp_path, family):
    with pytest.raises(UsageMistake, match=f"'{family}', which is not supported") as refused:
        read_config(config(tmp_path, model_type=family))
    assert "'bert' or 'mobilebert'" in refused.value.remedy


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({}, None),
        ({"architectures": ["BertModel"]}, None),
        ({"architectures": ["BertForMaskedLM"]}, None),
        ({"architectures": 3}, None),
        (
            {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "a"}},
            "BertForSequenceClassification, which gives a number and no label (a regression)",
        ),
        (
            {
                "architectures": ["BertForSequenceClassification"],
                "id2label": {"0": "bad", "1": "good"},
                "problem_type": "single_label_classification",
            },
            "BertForSequenceClassification, 2 labels",
        ),
        (
            {
                "architectures": ["BertForTokenClassification"],
                "id2label": {str(at): "" for at in range(9)},
                "problem_type": "multi_label_classification",
            },
            (
                "BertForTokenClassification, which may give a text several of its 9 labels "
                "(multi-label)"
            ),
        ),
        (
            {
                "architectures": ["MobileBertForSequenceClassification"],
                "problem_type": "multi_label_classification",
            },
            (
                "MobileBertForSequenceClassification, which may give a text several of its labels "
                "(multi-label)"
            ),
        ),
    ],
)
def test_kind_of_a_fine_tuned_head_is_read_from_the_config(tmp_path, changes, head):
    assert head_of(config(tmp_path, **changes)) == head
