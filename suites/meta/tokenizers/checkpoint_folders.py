"""Write small checkpoint folders with the tokenizer of every family, without weights.

The tokenizers are trained in a second on invented words, with the libraries that were used for the
published tokenizers: `tokenizers` and `sentencepiece`.
"""

from __future__ import annotations

import functools
import io
import json
import random
from typing import TYPE_CHECKING, Any, NamedTuple

import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from models.tokenizers.templates import around

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PARTS = [
    *("ka", "to", "mi", "ré", "so", "ßu", "nö", "da", "pe", "THE", "Good", "day", "naïve"),
    *("li", "(x)", "44", "7", "ü", "日", "本", "語", "при", "вет", "שלום", "'", ".", "#", "fi"),
]
BRACKETS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ANGLES = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
MPNETS = ("<s>", "<pad>", "</s>", "[UNK]", "<mask>")
ROBERTAS_POSITIONS, BERTS_POSITIONS = 514, 512
# Sizes of the networks that tests train, under the keys of most families.
SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
_RELATIVE = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 32,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
}


class Family(NamedTuple):
    """The contents of the checkpoint folder of one encoder family.

    Attributes:
        model_type: model_type of config.json.
        tokenizer: name of the class in `transformers`.
        files: function that returns the contents of the vocabulary's files by name.
        settings: other keys of tokenizer_config.json.
        config: other keys of config.json.
        pad: id of the padding token.
        has_segments: whether an input tells which text of a pair a token belongs to.
        longest: largest number of tokens that the network accepts.
        lowers: whether the tokenizer converts texts to lower case.
        sizes: keys of config.json that make a network of the family small.
    """

    model_type: str
    tokenizer: str
    files: Callable[[], Mapping[str, bytes]]
    settings: Mapping[str, Any]
    config: Mapping[str, Any]
    pad: int = 0
    has_segments: bool = False
    longest: int = 512
    lowers: bool = False
    sizes: Mapping[str, Any] = SMALL


@functools.cache
def lines() -> list[str]:
    """Return 1,000 invented sentences, which are the same in every run."""
    chosen = random.Random(3)  # noqa: S311 - repeatable, not a secret
    words = ("".join(chosen.choices(_PARTS, k=chosen.randint(1, 3))) for _ in range(4000))
    return [" ".join(next(words) for _ in range(4)) for _ in range(1000)]


@functools.cache
def _word_pieces(special: tuple[str, ...], *, lower: bool) -> Mapping[str, bytes]:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - a token for words, not a password
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=200, special_tokens=list(special), show_progress=False
    )
    tokenizer.train_from_iterator(lines(), trainer)
    numbers = tokenizer.get_vocab()
    words = sorted(numbers, key=numbers.__getitem__)
    return {"vocab.txt": "".join(f"{word}\n" for word in words).encode()}


@functools.cache
def _byte_pairs() -> Mapping[str, bytes]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(ANGLES),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines(), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    return {
        "vocab.json": json.dumps(model["vocab"]).encode(),
        "merges.txt": f"#version: 0.2\n{merges}".encode(),
    }


@functools.cache
def _whole_byte_pairs() -> Mapping[str, bytes]:
    """Return ModernBERT's only file, a tokenizer.json, with BERT's names for special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(BRACKETS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines(), trainer)
    tokenizer.post_processor = around(tokenizer.get_vocab(), "[CLS]", "[SEP]")
    return {"tokenizer.json": tokenizer.to_str().encode()}


def _sentence_pieces(name: str, **options: Any) -> Callable[[], Mapping[str, bytes]]:
    @functools.cache
    def files() -> Mapping[str, bytes]:
        file = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines()),
            model_writer=file,
            vocab_size=150,
            hard_vocab_limit=False,
            minloglevel=2,
            num_threads=1,
            **options,
        )
        return {name: file.getvalue()}

    return files


def _uncased(special: tuple[str, ...] = BRACKETS) -> Callable[[], Mapping[str, bytes]]:
    return functools.partial(_word_pieces, special, lower=True)


_CASED = functools.partial(_word_pieces, BRACKETS, lower=False)
_LOWERS, _KEEPS = {"do_lower_case": True}, {"do_lower_case": False}
_BERTS = {"max_position_embeddings": BERTS_POSITIONS, "type_vocab_size": 2, "pad_token_id": 0}
# RoBERTa's table of positions has two rows that no token uses.
_ROBERTAS = {"max_position_embeddings": ROBERTAS_POSITIONS, "type_vocab_size": 1, "pad_token_id": 1}
_NO_SEGMENTS = {"max_position_embeddings": BERTS_POSITIONS, "pad_token_id": 0}

FAMILIES = {
    "bert": Family(
        *("bert", "BertTokenizer", _uncased(), _LOWERS, _BERTS),
        has_segments=True,
        lowers=True,
    ),
    "bert, cased": Family("bert", "BertTokenizer", _CASED, _KEEPS, _BERTS, has_segments=True),
    "distilbert": Family(
        *("distilbert", "DistilBertTokenizer", _uncased(), _LOWERS, _NO_SEGMENTS),
        lowers=True,
        sizes={"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128},
    ),
    "electra": Family(
        *("electra", "ElectraTokenizer", _uncased(), _LOWERS, _BERTS),
        has_segments=True,
        lowers=True,
        sizes={**SMALL, "embedding_size": 32},
    ),
    "mobilebert": Family(
        *("mobilebert", "MobileBertTokenizer", _uncased(), _LOWERS, _BERTS),
        has_segments=True,
        lowers=True,
        sizes={
            **SMALL,
            "embedding_size": 32,
            "intra_bottleneck_size": 32,
            # Four of these layers, without normalization, would not learn the task in seven epochs.
            "num_feedforward_networks": 1,
        },
    ),
    "mpnet": Family(
        *("mpnet", "MPNetTokenizer", _uncased(MPNETS), _LOWERS),
        {"max_position_embeddings": ROBERTAS_POSITIONS, "pad_token_id": 1},
        pad=1,
        lowers=True,
    ),
    "roberta": Family("roberta", "RobertaTokenizer", _byte_pairs, {}, _ROBERTAS, pad=1),
    "xlm-roberta": Family(
        *("xlm-roberta", "XLMRobertaTokenizer"),
        _sentence_pieces("sentencepiece.bpe.model"),
        *({}, _ROBERTAS),
        pad=1,
    ),
    "albert": Family(
        *("albert", "AlbertTokenizer"),
        _sentence_pieces(
            "spiece.model",
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        ),
        *(_LOWERS, _BERTS),
        has_segments=True,
        lowers=True,
        sizes={**SMALL, "embedding_size": 32},
    ),
    "deberta-v3": Family(
        *("deberta-v2", "DebertaV2Tokenizer"),
        _sentence_pieces(
            "spm.model",
            pad_id=0,
            bos_id=1,
            eos_id=2,
            unk_id=3,
            pad_piece="[PAD]",
            bos_piece="[CLS]",
            eos_piece="[SEP]",
            unk_piece="[UNK]",
        ),
        *(_KEEPS, {**_NO_SEGMENTS, "type_vocab_size": 0}),
        sizes={**SMALL, **_RELATIVE},
    ),
    "modernbert": Family(
        *("modernbert", "PreTrainedTokenizerFast", _whole_byte_pairs),
        {
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "mask_token": "[MASK]",
            "model_max_length": 8192,
            "model_input_names": ["input_ids", "attention_mask"],
        },
        {"max_position_embeddings": 8192, "pad_token_id": 0},
        longest=8192,
        sizes={**SMALL, "global_attn_every_n_layers": 2, "local_attention": 16},
    ),
}


def write(name: str, folder: Path, **settings: Any) -> Family:
    """Write the tokenizer files and the config.json of a family, as its publisher does.

    Args:
        name: name of the family.
        folder: folder to write to.
        settings: other values of keys of tokenizer_config.json; None removes a key.
    """
    family = FAMILIES[name]
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in family.files().items():
        (folder / file).write_bytes(content)
    stated = {"tokenizer_class": family.tokenizer, **family.settings, **settings}
    stated = {key: value for key, value in stated.items() if value is not None}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))
    config = {"model_type": family.model_type, **family.config}
    (folder / "config.json").write_text(json.dumps(config))
    return family
