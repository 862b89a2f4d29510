"""Complete a subject from its checkpoint: the order of its labels, and its row length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from models.encoder_families import family_of
from models.errors import UsageMistake
from models.huggingface.checkpoint import read_checkpoint
from models.huggingface.labels import labels_in_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.huggingface.checkpoint import Checkpoint
    from models.subjects import Subject

# Longest rows, in tokens, for a subject that names no length.
LONGEST = 512


def is_for_pytorch(subject: Subject, family: Callable[[], str | None]) -> bool:
    """Tell whether a subject's candidates are made by PyTorch.

    This is the case if the subject names a `checkpoint`, or a `pretrained` encoder of a family that
    models/networks does not implement.

    Args:
        subject: the subject.
        family: returns the family of the full model's checkpoint, None if its config names none;
            called only if needed, because the config may have to be downloaded.
    """
    if subject.full.checkpoint:
        return True
    if subject.small is not None or subject.shrunk is not None:
        return False
    name = family()
    return name is not None and not family_of(name).own_network


def with_labels(subject: Subject, checkpoint: Checkpoint) -> Subject:
    """Return the subject with its labels in the order of a fine-tuned classifier's outputs.

    Raises:
        UsageMistake: the checkpoint is not a classifier, or its labels are not the corpus's.
    """
    if not subject.full.trained:
        return subject
    checkpoint.require_classifier()
    mapping, corpus = subject.full.labels, subject.corpus
    labels = labels_in_order(checkpoint.labels, mapping, corpus.labels, checkpoint.file)
    return replace(subject, corpus=replace(corpus, labels=labels))


def fitted(subject: Subject, folder: Path) -> Subject:
    """Return the subject with labels in the order of the outputs, and with a row length.

    Raises:
        UsageMistake: see `with_labels`; or the tokenizer cannot be read, or allows fewer tokens
            than the subject requires; or `[full.training]` has an option that fine-tuning with
            PyTorch lacks.
    """
    _require_plain_training(subject)
    subject = with_labels(subject, read_checkpoint(folder))
    pairs = subject.pairs_with_group
    table = replace(subject.tokenizer, max_tokens=_length(subject, folder), pair_with_entity=pairs)
    return replace(subject, tokenizer=table)


def _require_plain_training(subject: Subject) -> None:
    training = subject.full.training
    if training and (training.averaging or training.patience):
        raise UsageMistake(
            "averaged weights and early stopping are not supported for this checkpoint, which "
            "PyTorch fine-tunes",
            key="full.training",
            remedy="Remove `averaging` and `patience`",
        )


def _length(subject: Subject, folder: Path) -> int:
    """Return the row length in tokens.

    Without a length in the subject, use the longest rows of a fine-tuned classifier, up to
    `LONGEST`, or the usual length for an encoder that is fine-tuned.
    """
    from models.tokenizers.checkpoint_tokenizer import (  # noqa: PLC0415 - imports the tokenizers library, which is rarely needed
        longest_of,
        tokenizer_of,
    )

    requested = subject.tokenizer.max_tokens
    if requested is not None or not subject.full.trained:
        tokenizer = tokenizer_of(
            folder, max_tokens=subject.max_tokens, pairs=subject.pairs_with_group
        )
        return tokenizer.max_tokens
    return min(longest_of(folder) or LONGEST, LONGEST)
