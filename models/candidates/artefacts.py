"""Store a user's files as artefacts, so that they are judged and bundled like converted ones.

A file is copied into the store, together with a card that describes its inputs and output; the
texts are stored with their token ids. So boards, bundles and reports need not distinguish existing
files from converted ones.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.artefact_names import FLATBUFFER, VARIANT_CARD
from models.candidates.declaration import Declaration
from models.candidates.given_candidate import refuse_changed
from models.candidates.subject import JudgedArtefacts
from models.corpus.artefact import write_encoding, write_texts
from models.corpus.texts import Corpus, LabelledText, LeftOut
from models.corpus.tokenize import Encoded, describe_lengths
from models.input_roles import IDS, MASK, SEGMENTS
from models.store import Stage, hash_file, hash_sources, versions

if TYPE_CHECKING:
    from pathlib import Path

    from models.artefact import Artefact
    from models.candidates.given import GivenSubject
    from models.candidates.given_candidate import GivenCandidate
    from models.store import Store

TEXTS, CANDIDATE = "texts", "candidate"


class CandidateCard(msgspec.Struct, frozen=True, kw_only=True):
    """The description of a candidate, stored beside its file.

    Attributes:
        scheme: name of the scheme that defines its contract; None without a contract.
        calibration: hashes of the calibration texts; None if unknown.
        declared: declarations about inputs and output that the file itself does not contain.
        refused: why the converter could not make the file; None if there is a file.
        length: row length in tokens; None if the file defines it.
        rows: number of rows of the embedding table; None if no table was found.
        converter: name of the converter; None if unknown.
        source: name of the converter of the original float32 file, if that was another converter.
    """

    scheme: str | None = None
    calibration: tuple[str, ...] | None = None
    declared: Declaration = msgspec.field(default_factory=Declaration)
    refused: str | None = None
    length: int | None = None
    rows: int | None = None
    converter: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Kept:
    """The artefacts of a user's files; `make` makes them.

    Attributes:
        artefacts: the artefacts.
        subject: the files and texts from which they are made.
    """

    artefacts: JudgedArtefacts
    subject: GivenSubject

    def make(self, store: Store) -> None:
        """Store the artefacts of existing files that the store lacks."""
        candidates, reference = self.subject.candidates, self.subject.reference_answers
        if reference is not None:
            reference.make(store)
        if not candidates:
            store.get(self.artefacts.texts, lambda out: _write_texts(self.subject, None, out))
        for name, candidate in candidates.items():
            texts = self.artefacts.texts_of(name)
            store.get(texts, partial(_write_texts, self.subject, candidate))
            stage = self.artefacts.candidates[name]
            store.get(stage, partial(_write_candidate, candidate))


def artefacts_of_files(subject: GivenSubject) -> Kept:
    """Return the artefacts of a user's files with their keys."""
    candidates = {
        name: _candidate_stage(candidate) for name, candidate in subject.candidates.items()
    }
    encoded = {
        name: _texts_stage(subject, candidate) for name, candidate in subject.candidates.items()
    }
    texts = next(iter(encoded.values()), None) or _texts_stage(subject, None)
    stages = {"texts": texts}
    for name, stage in candidates.items():
        if encoded[name] != texts:
            stages[f"texts/{name}"] = encoded[name]
        stages[f"candidate/{name}"] = stage
    reference = subject.reference_answers
    if reference is not None and reference.stage is not None:
        stages["reference"] = reference.stage
    artefacts = JudgedArtefacts(texts=texts, candidates=candidates, encoded=encoded, named=stages)
    return Kept(artefacts, subject)


def read_card(artefact: Artefact) -> CandidateCard:
    """Read the card of a candidate's artefact.

    Raises:
        StoreError: the card was changed or damaged.
    """
    try:
        return msgspec.json.decode(artefact.read(VARIANT_CARD), type=CandidateCard)
    except (ValueError, msgspec.ValidationError):
        raise artefact.damaged(VARIANT_CARD) from None


def _texts_stage(subject: GivenSubject, candidate: GivenCandidate | None) -> Stage:
    tokenizer, length = candidate.encoding if candidate else ("nobody is fed", 1)
    texts = subject.texts
    rows = [(row.id, row.parts, row.group, row.ids) for row in texts.rows]
    recipe: dict[str, Any] = {
        "subject": subject.handed.name,
        "rows": _digest(rows),
        "labels": list(subject.labels),
        "label_of_row": _digest(texts.labels),
        "left_out": texts.left_out,
        "tokenizer": tokenizer,
        "length": length,
        "vocabulary": _vocabulary(candidate) if candidate else None,
        "source": hash_sources("candidates", "corpus", "tokenizers"),
        "versions": versions("numpy", "tokenizers"),
    }
    return Stage(TEXTS, recipe)


def _digest(value: object) -> str:
    return Stage("", {"value": value}).key


def _candidate_stage(candidate: GivenCandidate) -> Stage:
    card = msgspec.to_builtins(_card(candidate))
    return Stage(CANDIDATE, {"flatbuffer": candidate.sha256, "name": candidate.name, "card": card})


def _card(candidate: GivenCandidate) -> CandidateCard:
    # `where` is only for messages. It may be a private path, so no artefact contains it.
    declared = replace(candidate.declared, where=None)
    return CandidateCard(
        scheme=candidate.scheme, declared=declared, length=candidate.length, rows=candidate.rows
    )


def _write_candidate(candidate: GivenCandidate, out: Path) -> None:
    shutil.copyfile(candidate.spec.file, out / FLATBUFFER)
    refuse_changed(candidate.spec.file, hash_file(out / FLATBUFFER), candidate.sha256)
    (out / VARIANT_CARD).write_bytes(
        msgspec.json.format(msgspec.json.encode(_card(candidate))) + b"\n"
    )


def _write_texts(subject: GivenSubject, candidate: GivenCandidate | None, out: Path) -> None:
    """Write the texts with their token ids; without a candidate, write only the texts."""
    texts = subject.texts
    labelled = tuple(
        LabelledText(
            row.id,
            row.group,
            row.parts[0],
            label,
            second=row.parts[1] if len(row.parts) > 1 else "",
        )
        for row, label in zip(texts.rows, texts.labels, strict=True)
    )
    left_out = tuple(LeftOut("", "", reason, count) for reason, count in texts.left_out.items())
    write_texts(out, Corpus(subject.labels, {"test": labelled}, left_out))
    nothing = dict.fromkeys((IDS, MASK, SEGMENTS), np.zeros((len(texts.rows), 1), np.int32))
    arrays = candidate.arrays(texts.rows) if candidate else nothing
    encoded = Encoded(**arrays, labels=np.array(texts.labels, np.int32))
    summary = _summary(subject, candidate, encoded)
    write_encoding(
        out, {"test": encoded}, candidate.device_tokenizer if candidate else None, summary
    )


def _summary(
    subject: GivenSubject, candidate: GivenCandidate | None, encoded: Encoded
) -> dict[str, Any]:
    texts = subject.texts
    if candidate is None or candidate.encoder is None:
        lengths = np.array([len(row.ids or ()) for row in texts.rows], np.int64)
    else:
        lengths = candidate.encoder.lengths([row.parts for row in texts.rows])
    counts = Counter(texts.labels)
    test = {
        "texts": len(texts.rows),
        "groups": len({row.group for row in texts.rows}),
        "labels": {label: counts[at] for at, label in enumerate(subject.labels)},
        "tokens": describe_lengths(lengths),
        "truncated_share": float((lengths > candidate.length).mean()) if candidate else 0.0,
        "padded_share": 1.0 - float(getattr(encoded, MASK).mean()),
    }
    return {
        "subject": subject.handed.name,
        "labels": list(subject.labels),
        "vocabulary": _vocabulary(candidate) if candidate else None,
        "splits": {"test": test},
        "left_out": texts.left_out,
    }


def _vocabulary(candidate: GivenCandidate) -> int | None:
    """Return the tokenizer's vocabulary size, or else the number of rows of the embedding."""
    return candidate.encoder.size if candidate.encoder else candidate.rows
