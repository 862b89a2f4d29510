"""Store the corpus as an artefact: texts, their encoding, the tokenizer, a summary."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from models.corpus.generate import generate
from models.corpus.read import read_files
from models.corpus.replab import read_replab
from models.corpus.source import hash_corpus
from models.corpus.texts import SPLITS, Corpus, LabelledText, LeftOut
from models.corpus.tokenize import (
    Encoded,
    describe_lengths,
    encode,
    load_published,
    load_tokenizer,
    token_lengths,
    train_tokenizer,
)
from models.errors import UsageMistake
from models.tokenizers.encoder import unknown_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tokenizers import Tokenizer

    from models.artefact import Artefact
    from models.subjects import Subject, TokenizerTable

TEXTS = "texts.jsonl"
LEFT_OUT = "left_out.jsonl"
TOKENIZER = "tokenizer.json"
ENCODED = "encoded.npz"
SUMMARY = "summary.json"

_FIELDS = tuple(field.name for field in fields(Encoded))


def build_corpus(  # noqa: PLR0913 - the inputs of a corpus, and one option
    subject: Subject,
    out: Path,
    corpus_path: Path | None,
    pretrained: Path | None,
    progress: Callable[[str], None],
    *,
    as_published: bool = False,
) -> None:
    """Make a subject's corpus, and write TEXTS, LEFT_OUT, TOKENIZER, ENCODED and SUMMARY.

    The same inputs give the same bytes.

    Args:
        subject: the subject whose corpus is built.
        out: an existing folder.
        corpus_path: the user's file, or folder if the subject's source is "replab".
        pretrained: the checkpoint folder, if the subject's tokenizer is "pretrained".
        progress: called with a message before each step.
        as_published: whether the checkpoint may be of any family and its tokenizer is used
            unchanged. Otherwise the tokenizer must have BERT's word pieces, and special tokens
            within a text are ordinary words.

    Raises:
        UsageMistake: a path that the subject needs is missing, or its content does not fit.
    """
    generated = subject.corpus.source == "generated"
    progress("generating texts" if generated else "reading texts")
    corpus = make_corpus(subject, corpus_path)
    progress("making the tokenizer")
    pair = subject.pairs_with_group
    tokenizer = make_tokenizer(
        subject.tokenizer, corpus, pretrained, published_pairs=pair if as_published else None
    )
    encoded = {}
    for split, texts in corpus.splits.items():
        progress(f"encoding {len(texts)} {split} texts")
        encoded[split] = encode(tokenizer, texts, pair_with_group=pair)
    write_texts(out, corpus)
    summary = _summary(subject, corpus, tokenizer, encoded)
    summary["source_sha256"] = None if corpus_path is None else hash_corpus(corpus_path)
    write_encoding(out, encoded, tokenizer.to_str(), summary)


def write_texts(out: Path, corpus: Corpus) -> None:
    """Write the labelled texts and the list of texts that were left out into a folder."""
    _write_lines(out / TEXTS, _text_rows(corpus))
    _write_lines(out / LEFT_OUT, (asdict(entry) for entry in corpus.left_out))


def write_encoding(
    out: Path, encoded: dict[str, Encoded], tokenizer: str | None, summary: dict[str, Any]
) -> None:
    """Write ENCODED and SUMMARY into a folder, and TOKENIZER if a device can run the tokenizer.

    Args:
        out: an existing folder.
        encoded: the encoded texts by split.
        tokenizer: the JSON of the tokenizer; None if no device can run it.
        summary: counts, lengths, and the numbers of omitted texts.
    """
    if tokenizer is not None:
        (out / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    _write_encoded(out / ENCODED, encoded)
    (out / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def load_corpus(artefact: Artefact) -> Corpus:
    """Return the texts that `build_corpus` wrote into an artefact."""
    splits: dict[str, list[LabelledText]] = {split: [] for split in SPLITS}
    for row in _read_lines(artefact, TEXTS):
        splits[row.pop("split")].append(LabelledText(**row))
    return Corpus(
        labels=tuple(load_summary(artefact)["labels"]),
        splits={split: tuple(texts) for split, texts in splits.items()},
        left_out=tuple(LeftOut(**row) for row in _read_lines(artefact, LEFT_OUT)),
    )


def load_encoded(artefact: Artefact) -> dict[str, Encoded]:
    """Return the encoded splits that `write_encoding` wrote into an artefact, by split."""
    arrays = artefact.arrays(ENCODED)
    return {
        split: Encoded(**{name: arrays[f"{split}_{name}"] for name in _FIELDS})
        for split in SPLITS
        if f"{split}_{_FIELDS[0]}" in arrays
    }


def load_summary(artefact: Artefact) -> dict[str, Any]:
    """Return the counts that `build_corpus` wrote into SUMMARY."""
    summary: dict[str, Any] = artefact.document(SUMMARY)
    return summary


def make_corpus(subject: Subject, path: Path | None) -> Corpus:
    """Read or generate a subject's texts; see `build_corpus` for arguments and errors."""
    if subject.corpus.source == "generated":
        return generate(subject.corpus)
    if path is None:
        raise UsageMistake(
            f"subject {subject.name!r} needs labelled texts, but none were given",
            key="--edge-corpus",
            remedy="Give a CSV, TSV or JSON lines file, plain or zipped, or the RepLab package",
        )
    reader = read_replab if subject.corpus.source == "replab" else read_files
    return reader(subject.corpus, path)


def make_tokenizer(
    table: TokenizerTable,
    corpus: Corpus,
    pretrained: Path | None,
    *,
    published_pairs: bool | None = None,
) -> Tokenizer:
    """Train or load a subject's tokenizer.

    Args:
        table: the subject's settings of the tokenizer.
        corpus: the texts to train on.
        pretrained: the checkpoint's folder.
        published_pairs: None to load the tokenizer for a network of this project
            (`load_tokenizer`). True or false to use a tokenizer of any family unchanged
            (`load_published`); true encodes each text as a pair with its group.

    Raises:
        UsageMistake: see `build_corpus`.
    """
    if table.source == "trained":
        train = corpus.splits["train"]
        return train_tokenizer((text for t in train for text in (t.group, t.text)), table)
    if pretrained is None:
        raise UsageMistake(
            "the subject's tokenizer comes from a checkpoint, but no checkpoint was given",
            key="--edge-pretrained",
            remedy="Give a checkpoint folder in Hugging Face layout, or a hub id",
        )
    if published_pairs is None:
        return load_tokenizer(pretrained, table)
    return load_published(pretrained, table, pairs=published_pairs)


def _text_rows(corpus: Corpus) -> Iterable[dict[str, Any]]:
    for split, texts in corpus.splits.items():
        for row in texts:
            yield {"split": split, **asdict(row)}


def _summary(
    subject: Subject, corpus: Corpus, tokenizer: Tokenizer, encoded: dict[str, Encoded]
) -> dict[str, Any]:
    return {
        "subject": subject.name,
        "labels": list(corpus.labels),
        "seed": subject.corpus.seed,
        "vocabulary": tokenizer.get_vocab_size(),
        "splits": {
            split: _split_summary(subject, corpus, tokenizer, split)
            | {"unknown_share": _unknown_share(encoded[split], tokenizer)}
            for split in corpus.splits
        },
        "left_out": _left_out_by_reason(corpus),
    }


def _left_out_by_reason(corpus: Corpus) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for entry in corpus.left_out:
        counts[entry.reason] += entry.count
    return dict(sorted(counts.items()))


def _split_summary(
    subject: Subject, corpus: Corpus, tokenizer: Tokenizer, split: str
) -> dict[str, Any]:
    """Return the counts of a split, and its lengths in tokens before truncation."""
    texts = corpus.splits[split]
    counts = Counter(row.label for row in texts)
    lengths = token_lengths(tokenizer, texts, pair_with_group=subject.pairs_with_group)
    return {
        "texts": len(texts),
        "groups": len({row.group_id for row in texts}),
        "labels": {label: counts[at] for at, label in enumerate(corpus.labels)},
        "tokens": describe_lengths(lengths),
        "truncated_share": float((lengths > subject.max_tokens).mean()),
    }


def _unknown_share(encoded: Encoded, tokenizer: Tokenizer) -> float:
    """Return the share of unknown pieces among all tokens except padding."""
    unknown = unknown_id(tokenizer)
    if unknown is None:
        return 0.0
    return float((encoded.ids == unknown).sum() / encoded.mask.sum())


def _write_encoded(path: Path, encoded: dict[str, Encoded]) -> None:
    arrays: dict[str, Any] = {
        f"{split}_{name}": getattr(encoded_split, name)
        for split, encoded_split in encoded.items()
        for name in _FIELDS
    }
    np.savez_compressed(path, **arrays)


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _read_lines(artefact: Artefact, name: str) -> Iterable[dict[str, Any]]:
    # Split only at "\n": a text may contain U+2028 and other separators that `splitlines` would
    # split at.
    for line in artefact.text(name).split("\n"):
        if line:
            yield json.loads(line)
