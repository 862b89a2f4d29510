"""Turn texts into token ids with WordPiece, trained on the corpus or taken from a checkpoint.

Everything a tokenizer does (cleaning, pairing, truncation, padding) is inside its tokenizer.json,
so a device that has the file turns a text into exactly the ids the model was trained on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from models.corpus.clean import normalizer_for
from models.corpus.tokenizer_settings import (
    require_agreement,
    require_berts_tokens,
    require_length,
    require_right_side,
)
from models.errors import UsageMistake
from models.tokenizers.checkpoint_tokenizer import encoder_of, lowers, tokenizer_of, vocabulary_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.corpus.texts import LabelledText
    from models.subjects import TokenizerTable

PAD, UNKNOWN, START, END, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

_DEFAULT_VOCABULARY = 4000
# Minimum number of occurrences of a word piece: a model cannot learn from a single one.
_MIN_FREQUENCY = 2


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One split as inputs of a classifier: int32, [n, max_tokens]; `labels` is [n].

    Attributes:
        ids: ids of the tokens, padded.
        mask: 1 for a token, 0 for padding.
        segments: 0 for the first text of a pair, 1 for the second.
        labels: indices into the corpus's labels.
    """

    ids: NDArray[np.int32]
    mask: NDArray[np.int32]
    segments: NDArray[np.int32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: slice | Sequence[int]) -> Encoded:
        """Return the split reduced to the texts that `chosen` selects by position."""
        return replace(
            self, **{column.name: getattr(self, column.name)[chosen] for column in fields(self)}
        )


def train_tokenizer(texts: Iterable[str], table: TokenizerTable) -> Tokenizer:
    """Train WordPiece on texts; the same texts give the same vocabulary.

    Args:
        texts: the train split's texts and groups.
        table: vocabulary size, cleaning, case, length.

    Raises:
        UsageMistake: `cleaning` names an unknown step.
    """
    texts = list(texts)
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    lowercase = table.lowercase is not False
    _set_bert_parts(tokenizer, normalizer_for(table.cleaning, lowercase=lowercase))
    clean = tokenizer.normalizer.normalize_str
    letters = sorted({letter for text in texts for letter in clean(text) if not letter.isspace()})
    trainer = trainers.WordPieceTrainer(
        vocab_size=table.vocabulary or _DEFAULT_VOCABULARY,
        min_frequency=_MIN_FREQUENCY,
        # Passed as special tokens to fix their numbers: otherwise the trainer numbers them in the
        # order of a hash map and breaks ties by number, so that two runs differ. `_without_special`
        # makes them ordinary pieces again.
        special_tokens=[*SPECIAL, *(f"##{letter}" for letter in letters)],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _configure(tokenizer, table)


def load_tokenizer(folder: Path, table: TokenizerTable) -> Tokenizer:
    """Load the tokenizer of a checkpoint that a network of this project starts from.

    The tokenizer gets the subject's cleaning and length, and recognizes no special tokens within a
    text.

    Args:
        folder: a checkpoint's folder with BERT's word pieces.
        table: cleaning and length; if it sets a case, this must be the checkpoint's.

    Raises:
        UsageMistake: the folder has no tokenizer, or the tokenizer cannot be read, is of another
            kind, or contradicts the subject.
    """
    require_length(folder, table)
    require_right_side(folder)
    require_berts_tokens(folder)
    tokenizer = encoder_of(folder).library
    _check_pieces(tokenizer, folder)
    _require_agreement(tokenizer, table, folder)
    _prepend_cleaning(tokenizer, table)
    return _configure(tokenizer, table)


def load_published(folder: Path, table: TokenizerTable, *, pairs: bool) -> Tokenizer:
    """Load a checkpoint's tokenizer of any family unchanged, with this subject's cleaning.

    Args:
        folder: a checkpoint's folder in Hugging Face layout.
        table: cleaning and length; if it sets a case, this must be the checkpoint's.
        pairs: whether texts are encoded as pairs with their group.

    Raises:
        UsageMistake: see `tokenizer_of`; or the subject contradicts the checkpoint.
    """
    tokenizer = tokenizer_of(folder, max_tokens=table.length, pairs=pairs).library
    _require_agreement(tokenizer, table, folder)
    _prepend_cleaning(tokenizer, table)
    return tokenizer


def _require_agreement(tokenizer: Tokenizer, table: TokenizerTable, folder: Path) -> None:
    require_agreement(table, lowercase=lowers(tokenizer), file=vocabulary_in(folder))


def _prepend_cleaning(tokenizer: Tokenizer, table: TokenizerTable) -> None:
    """Add a subject's cleaning before a tokenizer's own normalization."""
    if not table.cleaning:
        return
    steps = [normalizer_for(table.cleaning, lowercase=None), tokenizer.normalizer]
    tokenizer.normalizer = normalizers.Sequence([step for step in steps if step is not None])


def _check_pieces(tokenizer: Tokenizer, folder: Path) -> None:
    """Check that a vocabulary has BERT's special tokens, and ids without a gap.

    Raises:
        UsageMistake: a token is missing, or the ids have a gap, so that the largest id exceeds the
            network's embedding table.
    """
    file, numbers = vocabulary_in(folder), _without_special(tokenizer).get_vocab()
    missing = [token for token in (PAD, UNKNOWN, START, END) if token not in numbers]
    if missing:
        raise UsageMistake(
            f"the {type(tokenizer.model).__name__} vocabulary of {len(numbers):,} "
            f"pieces lacks {', '.join(missing)}",
            file=file,
            remedy="Give a BERT or MobileBERT checkpoint with its own WordPiece "
            "vocabulary; RoBERTa's tokenizer, SentencePiece and others cannot be "
            "fine-tuned here",
        )
    _check_ids(numbers, file)


def _check_ids(numbers: dict[str, int], file: Path) -> None:
    ids = sorted(numbers.values())
    gap = next((at for at, number in enumerate(ids) if at != number), None)
    if gap is not None:
        raise UsageMistake(
            f"the vocabulary's {len(ids):,} pieces are not numbered from 0 on: "
            f"{gap} is missing or given twice",
            file=file,
            remedy="Give the vocabulary as it was published, with every line only once",
        )


def _set_bert_parts(tokenizer: Tokenizer, normalizer: normalizers.Normalizer) -> None:
    """Give a bare WordPiece model a normalizer, and BERT's pre-tokenizer and decoder."""
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()


def _configure(tokenizer: Tokenizer, table: TokenizerTable) -> Tokenizer:
    """Set special tokens, truncation and padding in place of earlier settings.

    Special tokens within a text are not recognized: "[SEP]" in a text does not end it.
    """
    tokenizer = _without_special(tokenizer)
    start, end = (tokenizer.token_to_id(token) for token in (START, END))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        pair=f"{START} $A {END} $B:1 {END}:1",
        special_tokens=[(START, start), (END, end)],
    )
    # Shorten the longer of the two texts at its end: usually the text, not the entity's name.
    tokenizer.enable_truncation(table.length, strategy="longest_first")
    tokenizer.enable_padding(length=table.length, pad_id=tokenizer.token_to_id(PAD), pad_token=PAD)
    return tokenizer


def _without_special(tokenizer: Tokenizer) -> Tokenizer:
    """Return a tokenizer without special tokens, truncation and padding."""
    parts = json.loads(tokenizer.to_str())
    parts["added_tokens"] = [token for token in parts["added_tokens"] if not token["special"]]
    parts["truncation"] = parts["padding"] = parts["post_processor"] = None
    return Tokenizer.from_str(json.dumps(parts))


def encode(
    tokenizer: Tokenizer, texts: Sequence[LabelledText], *, pair_with_group: bool
) -> Encoded:
    """Encode texts, each paired with its group if requested and available.

    Args:
        tokenizer: a tokenizer with truncation and padding, as the functions above return it.
        texts: the texts, at least one.
        pair_with_group: whether to put the group before the text, as first text of a pair.
    """
    rows = tokenizer.encode_batch(_inputs(texts, pair_with_group=pair_with_group))

    def matrix(name: str) -> NDArray[np.int32]:
        return np.array([getattr(row, name) for row in rows], dtype=np.int32)

    return Encoded(
        ids=matrix("ids"),
        mask=matrix("attention_mask"),
        segments=matrix("type_ids"),
        labels=np.array([row.label for row in texts], dtype=np.int32),
    )


def token_lengths(
    tokenizer: Tokenizer, texts: Sequence[LabelledText], *, pair_with_group: bool
) -> NDArray[np.int64]:
    """Return each text's number of tokens [n], special ones included, before truncation."""
    free = Tokenizer.from_str(tokenizer.to_str())
    free.no_truncation()
    free.no_padding()
    rows = free.encode_batch(_inputs(texts, pair_with_group=pair_with_group))
    return np.array([len(row) for row in rows], dtype=np.int64)


def describe_lengths(lengths: NDArray[np.int64]) -> dict[str, float]:
    """Return mean, quantiles and maximum of lengths in tokens [n]; n is at least 1."""
    return {
        "mean": round(float(lengths.mean()), 2),
        "p50": float(np.percentile(lengths, 50)),
        "p95": float(np.percentile(lengths, 95)),
        "p99": float(np.percentile(lengths, 99)),
        "max": int(lengths.max()),
    }


def _inputs(texts: Sequence[LabelledText], *, pair_with_group: bool) -> list[str | tuple[str, ...]]:
    """Return the texts as the tokenizer takes them: pairs as tuples, single texts as strings."""
    parts = (row.parts(pair_with_group=pair_with_group) for row in texts)
    return [texts_of_row if len(texts_of_row) > 1 else texts_of_row[0] for texts_of_row in parts]
