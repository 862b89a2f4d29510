"""Find a candidate's tokenizer: the given one, or the one in its metadata."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import EdgeproofError, UsageMistake
from models.files.unfinished_files import scratch_folder
from models.flatbuffers.metadata import (
    AssociatedFile,
    BertTokenizer,
    RegexTokenizer,
    SentencePieceTokenizer,
    read_packed,
)
from models.tokenizers.checkpoint_vocabulary import KEY
from models.tokenizers.kinds import TokenizerSettings, load, parse_option

if TYPE_CHECKING:
    from models.candidates.candidate import Opened
    from models.candidates.declaration import CandidateTable
    from models.flatbuffers.metadata import Tokenizer
    from models.tokenizers.encoder import Encoder

# Regular expressions in a file that are run without a declaration: a single character class. Others
# may never end.
_HARMLESS = re.compile(r"\[\^?(?:[^\[\]\\]|\\[wWsSdD'\"\-.,])+\][+]?|\\[wWsSdD][+]?")


def encoder_of(
    table: CandidateTable,
    opened: Opened,
    settings: TokenizerSettings | None,
    *,
    has_ids: bool,
) -> Encoder | None:
    """Return a candidate's tokenizer; None if the texts contain ids.

    Args:
        table: declarations about the candidate.
        opened: the candidate's file.
        settings: the tokenizer of all candidates that have no own tokenizer.
        has_ids: whether the texts contain ids.

    Raises:
        UsageMistake: there is neither a tokenizer nor ids, or there are both.
    """
    if table.tokenizer is not None or settings is not None or has_ids:
        return declared_encoder(table.tokenizer, settings, has_ids=has_ids)
    described = _described(opened)
    if described is None:
        raise nothing_says(opened.file, opened.unread)
    return _from_metadata(described, opened)


def declared_encoder(
    own: str | None, shared: TokenizerSettings | None, *, has_ids: bool
) -> Encoder | None:
    """Return the declared tokenizer of a file, or else of all files; None if the texts contain ids.

    Raises:
        UsageMistake: the texts contain ids although a tokenizer is declared, or the tokenizer
            cannot be read.
    """
    settings = shared if own is None else parse_option(own)
    if settings is not None and has_ids:
        raise UsageMistake(
            "both a tokenizer and a column of ids are given",
            key=KEY,
            remedy="Remove the tokenizer, or ids= from --edge-columns",
        )
    return None if settings is None else load(settings)


def nothing_says(file: Path, unread: str | None = None) -> UsageMistake:
    """Return the error for a file for which there is neither a tokenizer nor a column of ids.

    Args:
        file: the FlatBuffer.
        unread: why its metadata, which may contain a tokenizer, cannot be read.
    """
    reason = f", and the file's metadata cannot be read: {unread}" if unread else ""
    return UsageMistake(
        f"there is no tokenizer that turns texts into ids{reason}",
        file=file,
        key=KEY,
        remedy=f"Give {KEY}=PATH or KIND:PATH, or name a column of ids with "
        "--edge-columns=text=...,label=...,ids=...",
    )


def _described(opened: Opened) -> Tokenizer | None:
    if opened.metadata is None:
        return None
    kinds = (BertTokenizer, SentencePieceTokenizer, RegexTokenizer)
    described = [unit for unit in opened.metadata.units if isinstance(unit, kinds)]
    return described[0] if len(described) == 1 else None


def _from_metadata(unit: Tokenizer, opened: Opened) -> Encoder:
    """Return the tokenizer that the metadata describes, with the vocabulary packed in the file.

    As in the Task Library, a BERT tokenizer lowers case, and a regular expression does not.
    """
    if isinstance(unit, RegexTokenizer):
        if not _HARMLESS.fullmatch(unit.delimiter):
            raise UsageMistake(
                "the file's metadata splits texts with the regular expression "
                f"{unit.delimiter[:80]!r}, which edgeproof runs only if you declare "
                "it",
                file=opened.file,
                key="delim_regex_pattern",
                remedy=f"Give {KEY}=regex:VOCABULARY, with split = ... in the TOML",
            )
        return _packed(opened, unit.vocabulary, "regex", split=unit.delimiter)
    if isinstance(unit, BertTokenizer):
        return _packed(opened, unit.vocabulary, "wordpiece", case="unicode")
    return _packed(opened, unit.model, "sentencepiece", start="[CLS]", end="[SEP]")


def _packed(
    opened: Opened, files: tuple[AssociatedFile, ...], kind: str, **settings: str
) -> Encoder:
    if not files:
        raise UsageMistake(
            f"the file's metadata describes a {kind} tokenizer, but names no vocabulary file",
            file=opened.file,
            key="metadata",
            remedy=f"Give the tokenizer with its vocabulary: {KEY}=KIND:PATH",
        )
    name = files[0].name
    packed = opened.metadata.packed if opened.metadata else ()
    if name not in {file.name for file in packed}:
        raise _unfit(
            opened,
            f"the file's metadata names the vocabulary {name!r}, which is not packed in the file",
        )
    try:
        content = read_packed(opened.file, opened.data, name)
    except EdgeproofError as error:
        raise _unfit(opened, f"in its metadata, {name} {error.what}") from None
    with scratch_folder("edgeproof-tokenizer-") as folder:
        path = folder / Path(name).name
        path.write_bytes(content)
        try:
            return load(TokenizerSettings(file=str(path), kind=kind, **settings))  # type: ignore[arg-type] # the settings are literals above
        except UsageMistake as error:
            # Do not name the temporary file: it no longer exists when the user reads the message.
            problem = f"in its metadata, {name} {error.what}"
            raise _unfit(opened, problem, error.key) from None


def _unfit(opened: Opened, problem: str, key: str | None = None) -> UsageMistake:
    return UsageMistake(
        problem,
        file=opened.file,
        key=key or "metadata",
        remedy=f"Give the tokenizer with its vocabulary: {KEY}=KIND:PATH, which replaces "
        "the tokenizer in the metadata",
    )
