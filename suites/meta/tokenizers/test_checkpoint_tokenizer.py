"""A checkpoint folder of any family gives the token rows of its network, also on a device.

suites/meta/huggingface compares these folders with `transformers`.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tokenizers.processors import BertProcessing

from models.errors import UsageMistake
from models.input_roles import IDS, MASK, ROLES, SEGMENTS
from models.runtime.binding import Binding, BoundInput
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from models.tokenizers.checkpoint_tokenizer import longest_of, tokenizer_of
from suites.meta.flatbuffer_writer import Model, Scalar, i32
from suites.meta.tokenizers.checkpoint_folders import FAMILIES, write
from suites.meta.tokenizers.texts import SPECIAL, sample_texts

LENGTH = 12
LONG, SHORT = "day " * 50, "day"


@pytest.fixture(scope="module")
def runner():
    with Runner(LocalTransport(), "ai_edge_litert") as started:
        yield started


def rows_as_logits(length, roles):
    """Return a FlatBuffer whose logits are its concatenated inputs."""
    model = Model()
    inputs = {role: model.tensor(role, (1, length), "int32") for role in roles}
    casts = []
    for role, tensor in inputs.items():
        casts.append(model.tensor(f"{role}_real", (1, length)))
        model.operator("CAST", [tensor], [casts[-1]], options=("CastOptions", {}))
    out = model.tensor("logits", (1, length * len(roles)))
    options = ("ConcatenationOptions", {0: i32(1), 1: Scalar("Int8", 0)})
    model.operator("CONCATENATION", casts, [out], options=options)
    model.sign(inputs, {"logits": out})
    model.end_graph(list(inputs.values()), [out])
    return model.pack()


@pytest.mark.parametrize("name", FAMILIES)
def test_length_padding_segments_and_case_are_read_from_the_checkpoint(name, tmp_path):
    family = write(name, tmp_path)
    tokenizer = tokenizer_of(tmp_path, max_tokens=None, pairs=True)
    assert (tokenizer.max_tokens, tokenizer.longest) == (family.longest, family.longest)
    assert tokenizer.pad_id == family.pad
    assert tokenizer.has_segments == family.has_segments
    assert tokenizer.lowercase == family.lowers
    rows = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True).rows([("ka", "to"), ("ka",)])
    for mask, ids, segments in zip(rows[MASK], rows[IDS], rows[SEGMENTS], strict=True):
        real = int(mask.sum())
        assert mask.tolist() == [1] * real + [0] * (LENGTH - real)
        assert ids[real:].tolist() == [family.pad] * (LENGTH - real)
        assert not segments[real:].any()
    assert bool(rows[SEGMENTS][0].any()) == family.has_segments
    assert not rows[SEGMENTS][1].any()


@pytest.mark.parametrize("name", FAMILIES)
def test_truncation_of_a_pair_shortens_the_longer_text(name, tmp_path):
    write(name, tmp_path)
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True)
    pieces, special = tokenizer.encoder.library, tokenizer.encoder.library.encode("", "").ids
    long, short = (pieces.encode(text, add_special_tokens=False).ids for text in (LONG, SHORT))
    assert len(long) > LENGTH
    room = LENGTH - len(special) - len(short)
    start, *between, end = special
    rows = tokenizer.rows([(LONG, SHORT), (SHORT, LONG)])[IDS].tolist()
    assert rows[0] == [start, *long[:room], *between, *short, end]
    assert rows[1] == [start, *short, *between, *long[:room], end]


@pytest.mark.parametrize("name", FAMILIES)
def test_tokenizer_on_a_device_gives_the_rows_of_the_host(name, runner, tmp_path):
    family = write(name, tmp_path)
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True)
    roles = ROLES if family.has_segments else (IDS, MASK)
    inputs = (
        BoundInput(role, role, tokenizer.encoder.size if role == IDS else 2) for role in roles
    )
    binding = Binding(tuple(inputs), output="logits")
    runner.load("rows", rows_as_logits(LENGTH, roles), binding=binding)
    texts = [*sample_texts(60), *SPECIAL]
    for inputs_given in (
        [(text,) for text in texts],
        list(zip(texts, reversed(texts), strict=True)),
    ):
        rows = tokenizer.rows(inputs_given)
        expected = np.concatenate([rows[role] for role in roles], axis=1)
        answers = runner.classify("rows", tokenizer.json, inputs_given).logits
        np.testing.assert_array_equal(answers.astype(np.int32), expected)
        if not family.has_segments:
            assert not rows[SEGMENTS].any()


WITHOUT_LENGTH = {"max_position_embeddings": None}


@pytest.mark.parametrize(
    ("settings", "config", "lengths"),
    [
        ({}, {}, (None, 512, 512)),
        ({}, {}, (64, 512, 64)),
        ({"model_max_length": 128}, {}, (None, 128, 128)),
        ({"model_max_length": 128}, {}, (128, 128, 128)),
        # The key of an old version, and the value that is written if no length is known.
        ({"max_len": 100}, {}, (None, 100, 100)),
        ({"model_max_length": 1000000000000000019884624838656}, {}, (None, 512, 512)),
        ({"model_max_length": 1024}, {}, (None, 512, 512)),
        ({}, {"pad_token_id": None}, (None, 512, 512)),
        ({}, WITHOUT_LENGTH, (64, None, 64)),
    ],
)
def test_maximum_row_length_is_the_smaller_limit_of_tokenizer_and_network(
    settings, config, lengths, tmp_path
):
    wanted, longest, expected = lengths
    change(tmp_path, "roberta", settings, config)
    tokenizer = tokenizer_of(tmp_path, max_tokens=wanted, pairs=True)
    assert (tokenizer.longest, tokenizer.max_tokens) == (longest, expected)
    assert longest_of(tmp_path) == longest
    assert tokenizer.rows([(LONG, SHORT)])[IDS].shape == (1, expected)


def change(folder, name, settings, config):
    """Write a family's folder with other settings and config; None removes a key."""
    write(name, folder, **settings)
    file = folder / "config.json"
    document = json.loads(file.read_text()) | config
    file.write_text(
        json.dumps({key: value for key, value in document.items() if value is not None})
    )


MISTAKES = {
    "longer than the tokenizer": (
        *("bert", {"model_max_length": 64}, {}, {"max_tokens": 65}),
        ("tokenizer_config.json", "model_max_length", "is 64, but tokenizer.max_tokens is 65"),
    ),
    "longer than the positions": (
        *("bert", {}, {}, {"max_tokens": 513}),
        ("config.json", "max_position_embeddings", "leaves 512 positions"),
    ),
    "longer than the positions behind the padding": (
        *("roberta", {}, {}, {"max_tokens": 513}),
        ("config.json", "max_position_embeddings", "leaves 512 positions"),
    ),
    "no length anywhere": (
        *("bert", {}, WITHOUT_LENGTH, {"max_tokens": None}),
        ("", "tokenizer.max_tokens", "does not state how many tokens"),
    ),
    "no room for a pair": (
        *("roberta", {}, {}, {"max_tokens": 4}),
        (
            None,
            "tokenizer.max_tokens",
            "is 4, which leaves no room for text: a pair needs 4 special tokens",
        ),
    ),
    "more ids than rows": (
        *("bert", {}, {"vocab_size": 30}, {}),
        ("config.json", "vocab_size", "is 30, but the checkpoint's tokenizer gives ids up to"),
    ),
    "padding that moves positions": (
        *("roberta", {}, {"pad_token_id": 0}, {}),
        ("config.json", "pad_token_id", "every position would be wrong"),
    ),
    "a config that is damaged": (
        *("bert", {}, {"vocab_size": "many"}, {}),
        ("config.json", "vocab_size", "Expected `int"),
    ),
    "a class of another kind of pieces": (
        *("albert", {"tokenizer_class": "T5Tokenizer"}, {}, {}),
        ("tokenizer_config.json", "tokenizer_class", "is 'T5Tokenizer', but SentencePiece models"),
    ),
    "a network of another kind of pieces": (
        *("bert", {"tokenizer_class": None}, {"model_type": "albert"}, {}),
        ("config.json", "model_type", "a network whose tokenizer is AlbertTokenizer, which"),
    ),
    "an added token of another number": (
        *("deberta-v3", {}, {}, {"added": {"[MASK]": 9999}}),
        ("added_tokens.json", None, "gives '[MASK]' the id 9999, but with"),
    ),
    "added tokens that are damaged": (
        *("deberta-v3", {}, {}, {"added": {"[MASK]": "last"}}),
        ("added_tokens.json", None, "cannot be read (Expected `int`"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_contradicting_checkpoint_files_are_reported_in_one_message(name, tmp_path):
    family, settings, config, more, (file, key, message) = MISTAKES[name]
    change(tmp_path, family, settings, config)
    if "added" in more:
        (tmp_path / "added_tokens.json").write_text(json.dumps(more["added"]))
    with pytest.raises(UsageMistake) as refused:
        tokenizer_of(tmp_path, max_tokens=more.get("max_tokens", LENGTH), pairs=True)
    assert refused.value.file == (None if file is None else str(tmp_path / file))
    assert refused.value.key == key
    assert message in refused.value.what
    assert refused.value.remedy


@pytest.mark.parametrize("name", FAMILIES)
def test_rejects_folder_without_a_vocabulary(name, tmp_path):
    family = write(name, tmp_path)
    for file in family.files():
        (tmp_path / file).unlink()
    with pytest.raises(UsageMistake, match=r"holds none of tokenizer\.json, vocab\.txt") as refused:
        tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False)
    assert refused.value.file == str(tmp_path)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "bert, cased"])
def test_lowercasing_defaults_to_that_of_the_encoder_family(name, tmp_path):
    family = write(name, tmp_path, do_lower_case=None)
    assert tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False).lowercase == family.lowers


@pytest.mark.parametrize("name", FAMILIES)
def test_tokenizer_class_defaults_to_that_of_the_encoder_family(name, tmp_path):
    write(name, tmp_path)
    texts = [(text,) for text in sample_texts(30)]
    expected = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False).rows(texts)
    write(name, tmp_path, tokenizer_class=None)
    rows = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False).rows(texts)
    for role in ROLES:
        np.testing.assert_array_equal(rows[role], expected[role])


@pytest.mark.parametrize(
    ("family", "stated", "expected"),
    [
        # Up to version 4 of transformers, which writes no "backend", ALBERT's tokenizer made
        # segments.
        ("albert", {"tokenizer_class": "AlbertTokenizer"}, True),
        ("albert", {"tokenizer_class": "AlbertTokenizer", "backend": "tokenizers"}, False),
        ("albert", {"tokenizer_class": "AlbertTokenizerFast"}, True),
        # A list of inputs in the settings takes precedence.
        ("albert", {"model_input_names": ["input_ids", "attention_mask"]}, False),
        ("bert", {"model_input_names": ["input_ids", "token_type_ids"]}, True),
        # The class for tokenizers of any family: its name in version 4, and in version 5.
        ("bert", {"tokenizer_class": "PreTrainedTokenizerFast"}, True),
        ("bert", {"tokenizer_class": "TokenizersBackend", "backend": "tokenizers"}, False),
        # A network without segments gets none, whatever its tokenizer declares.
        ("distilbert", {"model_input_names": ["input_ids", "token_type_ids"]}, False),
        ("deberta-v3", {"backend": "tokenizers"}, False),
    ],
)
def test_segments_are_produced_only_if_the_family_was_trained_with_segments(
    family, stated, expected, tmp_path
):
    write(family, tmp_path, **stated)
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True)
    assert tokenizer.has_segments == expected
    assert tokenizer.rows([("ka", "to")])[SEGMENTS].any() == expected


def test_old_tokenizer_json_gives_no_segments_if_the_family_has_none(tmp_path):
    """Old files use BertProcessing instead of template processing."""
    write("distilbert", tmp_path)
    library = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True).encoder.library
    ends = [(token, library.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    expected = library.encode("ka", "to").ids
    library.post_processor = BertProcessing(*ends)
    library.save(str(tmp_path / "tokenizer.json"))
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True)
    assert tokenizer.encoder.kind == "huggingface"
    rows = tokenizer.rows([("ka", "to")])
    assert rows[IDS][0, : len(expected)].tolist() == expected
    assert not rows[SEGMENTS].any()


@pytest.mark.parametrize("lowers", [True, False])
def test_lowercase_setting_overrides_the_case_of_a_tokenizer_json(lowers, tmp_path):
    """`transformers`, too, applies do_lower_case of the settings to BERT's tokenizer.json."""
    write("bert, cased", tmp_path, do_lower_case=not lowers)
    tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False).encoder.library.save(
        str(tmp_path / "tokenizer.json")
    )
    write("bert, cased", tmp_path, do_lower_case=lowers)
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False)
    assert tokenizer.encoder.kind == "huggingface"
    assert tokenizer.lowercase == lowers
    shouted, quiet = tokenizer.rows([("DAY",), ("day",)])[IDS].tolist()
    assert (shouted == quiet) == lowers


def test_rejects_tokenizer_json_whose_settings_do_not_state_the_case(tmp_path):
    write("bert, cased", tmp_path)
    library = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False).encoder.library
    library.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    with pytest.raises(UsageMistake, match="BertTokenizer assumes true") as refused:
        tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False)
    assert refused.value.key == "do_lower_case"
    assert refused.value.file == str(tmp_path / "tokenizer_config.json")


def test_special_tokens_are_read_from_the_old_special_tokens_file(tmp_path):
    """special_tokens_map.json is read if the settings do not number their tokens."""
    write("bert", tmp_path)
    content = (tmp_path / "vocab.txt").read_text().replace("[PAD]", "[NIX]")
    (tmp_path / "vocab.txt").write_text(content)
    (tmp_path / "special_tokens_map.json").write_text('{"pad_token": {"content": "[NIX]"}}')
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False)
    assert tokenizer.encoder.tokens([tokenizer.pad_id]) == ["[NIX]"]
    (tmp_path / "special_tokens_map.json").write_text("[")
    with pytest.raises(UsageMistake, match="cannot be read as JSON") as refused:
        tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=False)
    assert refused.value.file == str(tmp_path / "special_tokens_map.json")


def test_exported_tokenizer_json_contains_truncation_and_padding(tmp_path):
    write("bert", tmp_path)
    tokenizer = tokenizer_of(tmp_path, max_tokens=LENGTH, pairs=True)
    parts = json.loads(tokenizer.json)
    assert parts["truncation"]["strategy"] == "LongestFirst"
    assert parts["truncation"]["max_length"] == LENGTH
    assert parts["padding"]["strategy"] == {"Fixed": LENGTH}
    assert parts["padding"]["pad_id"] == tokenizer.pad_id
