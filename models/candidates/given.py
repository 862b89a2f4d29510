"""Candidates that exist: files, labelled texts and a way to make ids, as somebody hands them in.

Everything that can be wrong is found here, before anything answers: each file is read, each text
has a label and ids, labels fit the outputs, ids fit the tables.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.candidates.candidate import bind, open_candidate
from models.candidates.declaration import CandidateTable, Declaration
from models.candidates.labels import check_labels, read_labels
from models.candidates.own_keys import with_their_own
from models.candidates.recorded import Recording, read_recording, without_padding
from models.candidates.table_rows import table_rows
from models.candidates.texts import LabelledText, Texts, TextsTable, labelled, read_rows, values_of
from models.candidates.tokenizer_of import encoder_of
from models.candidates.unknown_words import unknown_words
from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.schemes import REFERENCE, SCHEMES
from models.paths import require_name
from models.roles import IDS, MASK, SEGMENTS
from models.tokenizers.kinds import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.candidates.candidate import Opened
    from models.candidates.spec import CandidateSpec
    from models.tokenizers.encoder import Encoder
    from models.tokenizers.kinds import TokenizerSettings

    Arrays = dict[str, NDArray[np.int32]]

KEY = "--edge-flatbuffer"
LABELS_OPTION = "--edge-labels"
REFERENCE_OPTION = "--edge-reference"
LENGTH_OPTION = "--edge-length"
# The name of recorded answers where no file is given.
RECORDED = "recorded"
# The name of a reference that is a file of its own.
OF_ITS_OWN = "reference"
# Rows longer than this are no texts of a phone's classifier.
LONGEST = 8192
# Ids of all texts are held at once, with mask and segments: these take 400 MB.
MOST_IDS = 1 << 25
_RECORDED = {".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".npz"}
_UNNAMED = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What somebody handed in, by options or TOML, all paths absolute.

    Attributes:
        name: the subject's.
        candidates: the files and what is declared of each.
        texts: the file of labelled texts.
        labels: names, or a file of them; None where the metadata or the texts say them.
        ordered: whether their order means something, worst first.
        tokenizer: None where the metadata holds one, or the texts hold ids.
        reference: a candidate's name, or a file; None without one.
        recorded: answers that were recorded elsewhere, which are judged in place of a runtime's.
        length: tokens of a row where there is no file that says it.
        where: the TOML file; None for options.
        description: one sentence.
        budgets: a shipped name or a file; None for the usual ones.
        known_failures: the user's own file of them; None without.
        baseline: the user's own folder of earlier measurements; None without.
        device: whose profile judges; None for the one that is recognized.
    """

    name: str
    candidates: tuple[CandidateTable, ...]
    texts: TextsTable
    labels: tuple[str, ...] | str | None = None
    ordered: bool = False
    tokenizer: TokenizerSettings | None = None
    reference: str | None = None
    recorded: Path | None = None
    length: int | None = None
    where: Path | None = None
    description: str = "Files that were handed in"
    budgets: str | None = None
    known_failures: str | None = None
    baseline: str | None = None
    device: str | None = None


@dataclass(frozen=True, kw_only=True)
class GivenCandidate:
    """One file that is judged.

    Attributes:
        name: what results call it.
        spec: how it is fed and read.
        declared: what was declared of it.
        sha256: of the file.
        scheme: the one whose contract it has to keep; None without one.
        encoder: its tokenizer; None where the texts hold ids.
        length: of a row.
        rows: vectors that its table holds; None where no table is seen.
    """

    name: str
    spec: CandidateSpec
    declared: Declaration
    sha256: str
    scheme: str | None
    encoder: Encoder | None
    length: int
    rows: int | None

    @property
    def device_tokenizer(self) -> str | None:
        """The JSON of a tokenizer that runs on a device; None where there is none."""
        return None if self.encoder is None else self.encoder.for_device(self.length)

    @property
    def encoding(self) -> tuple[str, int]:
        """What two candidates share that take the same rows."""
        encoder = self.encoder
        if encoder is None:
            return "ids", self.length
        parts = (encoder.library.to_str(), encoder.padding, encoder.truncation, encoder.left_out)
        return hashlib.sha256(repr(parts).encode()).hexdigest(), self.length

    def arrays(self, rows: Sequence[LabelledText]) -> Arrays:
        """Return ids, mask and segments of texts, int32 [n, length] by role.

        Raises:
            UsageMistake: an id is larger than the file's table.
        """
        arrays = self._arrays(rows)
        top = int(arrays[IDS].max(initial=0))
        if self.rows is not None and top >= self.rows:
            at = int((arrays[IDS] >= self.rows).any(axis=1).argmax())
            raise UsageMistake(
                f"{rows[at].where} of the texts has the id {top}, and the file's table has "
                f"{self.rows} rows",
                file=self.spec.file,
                key="--edge-tokenizer" if self.encoder else "corpus.ids",
                remedy="Give the tokenizer or the ids that the file was trained with",
            )
        return arrays

    def _arrays(self, rows: Sequence[LabelledText]) -> Arrays:
        if self.encoder is not None:
            return self.encoder.encode([row.parts for row in rows], self.length)
        ids = np.zeros((len(rows), self.length), np.int32)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            given = row.ids or ()
            if len(given) > self.length:
                raise UsageMistake(
                    f"{row.where} of the texts has {len(given)} ids, and the file takes "
                    f"{self.length}",
                    file=self.spec.file,
                    key="corpus.ids",
                    remedy="Give the ids as the file is fed them, cut where its app cuts them",
                )
            ids[at, : len(given)], mask[at, : len(given)] = given, 1
        return {IDS: ids, MASK: mask, SEGMENTS: np.zeros_like(ids)}


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an app answered somewhere, and what it should have been given.

    Attributes:
        name: of the candidate.
        file: the recording.
        recording: the answers.
        texts: what was asked.
        meaning: of what the file answers; None where no file is given.
        expected: token ids of each text as they are made here, without what fills rows up; None
            where nothing says how.
        tokenizer: what makes them; None where the texts hold them, or nothing does.
    """

    name: str
    file: Path
    recording: Recording
    texts: tuple[LabelledText, ...]
    meaning: str | None
    expected: tuple[tuple[int, ...], ...] | None
    tokenizer: Encoder | None


@dataclass(frozen=True, kw_only=True)
class GivenSubject:
    """What was handed in, found sound.

    Attributes:
        handed: what it was made of.
        labels: in the order of the outputs.
        candidates: by name, the reference first where it is one of them.
        reference: name of the candidate that the others are compared with.
        recorded: what the reference answered, where it is no FlatBuffer.
        answered: what is judged in place of a runtime's answers; None where a runtime answers.
        texts: what is asked.
        remarks: what a user has to know: a plain sentence each, for the header and the report.
    """

    handed: Handed
    labels: tuple[str, ...]
    candidates: Mapping[str, GivenCandidate]
    reference: str | None
    recorded: Recording | None
    answered: Answered | None = None
    texts: Texts
    remarks: tuple[str, ...] = field(default=())


def candidate_named(given: str) -> CandidateTable:
    """Read `[NAME=]PATH` of the command line; without a name the file's own is taken.

    Raises:
        UsageMistake: the name cannot be a file's.
    """
    name, equals, path = given.partition("=")
    if not equals or Path(given).exists():
        name, path = _UNNAMED.sub("_", Path(given).stem).strip("._") or "candidate", given
    require_name(name, key=KEY)
    try:
        return CandidateTable(name=name, flatbuffer=path)
    except ValueError as error:
        raise UsageMistake(str(error), key=KEY, remedy="Write NAME=PATH") from None


def take(handed: Handed) -> GivenSubject:
    """Read all that was handed in, and check that it fits together.

    Raises:
        UsageMistake: something is missing, damaged, or does not fit something else.
    """
    _refuse_one_name(handed)
    if handed.recorded is not None:
        _refuse_beside_a_recording(handed)
    handed = with_their_own(handed)
    rows = read_rows(handed.texts)
    tables, reference, elsewhere = _with_reference(handed)
    declared = _declared_labels(handed)
    opened = {table.name: _open(table, handed) for table in tables}
    labels = _labels(handed, tables, opened, declared, rows)
    texts = labelled(rows, labels, handed.texts, handed.texts.file)
    found = {
        table.name: _candidate(table, opened[table.name], handed, labels, texts) for table in tables
    }
    remarks = list(_remarks(found, texts))
    for one in found.values():
        _refuse_too_many(one, texts)
        arrays = one.arrays(texts.rows)
        if one.encoder is not None:
            remarks += unknown_words(one.name, one.spec.file, one.encoder, arrays)
    recorded = None
    if elsewhere is not None:
        ids = [row.id for row in texts.rows]
        recorded = read_recording(elsewhere, ids, labels, key=REFERENCE_OPTION)
    return GivenSubject(
        handed=handed,
        labels=labels,
        candidates=found,
        reference=reference,
        recorded=recorded,
        answered=None if handed.recorded is None else _answered(handed, found, labels, texts),
        texts=texts,
        remarks=tuple(remarks),
    )


def _refuse_one_name(handed: Handed) -> None:
    names = [one.name for one in handed.candidates]
    for name in names:
        if names.count(name) > 1:
            raise UsageMistake(
                f"two candidates are called {name!r}",
                file=handed.where,
                key=KEY,
                remedy="Give each a name of its own: NAME=PATH",
            )


def _refuse_beside_a_recording(handed: Handed) -> None:
    """Refuse what a recording of one device's answers cannot be judged with."""
    if len(handed.candidates) > 1:
        names = ", ".join(one.name for one in handed.candidates)
        raise UsageMistake(
            f"the answers of one file were recorded, and {len(handed.candidates)} are given: "
            f"{names}",
            file=handed.where,
            key=KEY,
            remedy="Give the file whose answers they are, or none",
        )
    reference = handed.reference
    if reference is not None and Path(reference).suffix.lower() not in _RECORDED:
        raise UsageMistake(
            f"recorded answers are compared with recorded answers, and {reference!r} is a file "
            "that a runtime would have to answer",
            file=handed.where,
            key=REFERENCE_OPTION,
            remedy="Leave it out: what is recorded is compared with this machine's answers of "
            f"{KEY} all the same",
        )


def _answered(
    handed: Handed,
    found: Mapping[str, GivenCandidate],
    labels: tuple[str, ...],
    texts: Texts,
) -> Answered:
    one = next(iter(found.values()), None)
    encoder = one.encoder if one else _own_encoder(handed)
    pad = encoder.padding.number if encoder else 0
    file = handed.recorded or Path()
    return Answered(
        name=one.name if one else RECORDED,
        file=file,
        recording=read_recording(file, [row.id for row in texts.rows], labels, pad=pad),
        texts=texts.rows,
        meaning=one.spec.output.meaning if one else None,
        expected=_expected_ids(one, encoder, handed.length, texts, pad),
        tokenizer=encoder,
    )


def _own_encoder(handed: Handed) -> Encoder | None:
    """The tokenizer where there is no file."""
    if handed.tokenizer is not None and handed.texts.ids is not None:
        raise UsageMistake(
            "a tokenizer is given, and a column of ids",
            key="--edge-tokenizer",
            remedy="Leave one of them out",
        )
    return None if handed.tokenizer is None else load(handed.tokenizer)


def _expected_ids(
    one: GivenCandidate | None,
    encoder: Encoder | None,
    length: int | None,
    texts: Texts,
    pad: int,
) -> tuple[tuple[int, ...], ...] | None:
    rows = texts.rows
    if one is not None:
        given = one.arrays(rows)[IDS]
    elif encoder is not None:
        parts = [row.parts for row in rows]
        given = encoder.encode(parts, length or max(1, int(encoder.lengths(parts).max())))[IDS]
    elif rows[0].ids is not None:
        return tuple(without_padding((row.ids or ())[:length], pad) for row in rows)
    else:
        return None
    return tuple(without_padding(row, pad) for row in given.tolist())


def _with_reference(handed: Handed) -> tuple[list[CandidateTable], str | None, Path | None]:
    """The candidates with the reference first; its name, or the file of its recorded answers."""
    tables = list(handed.candidates)
    names = [one.name for one in tables]
    reference = handed.reference
    if reference is None and handed.recorded is None:
        reference = REFERENCE if REFERENCE in names else None
    if reference is None or reference in names:
        return sorted(tables, key=lambda one: one.name != reference), reference, None
    path = Path(reference)
    for one in tables:
        if path == Path(one.flatbuffer):
            return sorted(tables, key=lambda each: each.name != one.name), one.name, None
    if path.suffix.lower() in _RECORDED:
        return tables, None, path
    if path.suffix.lower() == ".onnx":
        raise UsageMistake(
            "ONNX files cannot be run by this version",
            file=path,
            key=REFERENCE_OPTION,
            remedy="Record its answers (docs/my-app.md) and give that file",
        )
    if OF_ITS_OWN in names:
        raise UsageMistake(
            f"a candidate is called {OF_ITS_OWN!r}, as the reference is",
            key=KEY,
            remedy="Give the candidate another name",
        )
    return [CandidateTable(name=OF_ITS_OWN, flatbuffer=str(path)), *tables], OF_ITS_OWN, None


def _open(table: CandidateTable, handed: Handed) -> Opened:
    try:
        return open_candidate(Path(table.flatbuffer))
    except EdgeproofError as error:
        told = error.describe()
        if table not in handed.candidates:
            told["key"] = REFERENCE_OPTION
            told["remedy"] = (
                f"{error.remedy}. A reference is a candidate's name, a .tflite file, or recorded "
                f"answers in {', '.join(sorted(_RECORDED))}"
            )
        elif told.get("key") is None:
            told["key"] = f"candidate {table.name}"
        raise UsageMistake(**told) from None  # type: ignore[arg-type]


def _declared_labels(handed: Handed) -> tuple[str, ...] | None:
    if handed.labels is None:
        return None
    if isinstance(handed.labels, str):
        return read_labels(Path(handed.labels))
    return check_labels(list(handed.labels), str(handed.where or LABELS_OPTION))


def _labels(
    handed: Handed,
    tables: Sequence[CandidateTable],
    opened: Mapping[str, Opened],
    declared: tuple[str, ...] | None,
    rows: Sequence[LabelledText],
) -> tuple[str, ...]:
    """The labels as declared, else the metadata's, else the numbers that the texts hold."""
    if declared is not None:
        return declared
    by_file = {}
    for table in tables:
        spec = bind(opened[table.name], _declaration(table, None, handed))
        if spec.labels is not None:
            by_file[table.name] = spec.labels
    if len(set(by_file.values())) > 1:
        names = ", ".join(by_file)
        raise UsageMistake(
            f"the metadata of {names} names different labels",
            key=LABELS_OPTION,
            remedy="Say which are meant, in the order of the outputs",
        )
    if by_file:
        return next(iter(by_file.values()))
    found = values_of(rows, handed.texts)
    numbers = sorted(found, key=lambda value: (len(value), value))
    if numbers == [str(at) for at in range(len(numbers))] and len(numbers) > 1:
        return tuple(numbers)
    raise UsageMistake(
        f"nothing says in which order the outputs stand for the labels {', '.join(found[:10])}",
        file=handed.where,
        key=LABELS_OPTION,
        remedy=f"Write {LABELS_OPTION}={','.join(found[:10])} in the order of the output, or name "
        "a file with one label a line",
    )


def _declaration(
    table: CandidateTable, labels: tuple[str, ...] | None, handed: Handed
) -> Declaration:
    where = f"{handed.where}: candidate {table.name}" if handed.where else None
    return Declaration(
        inputs=table.inputs,
        output=table.output,
        signature=table.signature,
        length=table.length,
        labels=labels,
        where=where,
    )


def _candidate(
    table: CandidateTable,
    opened: Opened,
    handed: Handed,
    labels: tuple[str, ...],
    texts: Texts,
) -> GivenCandidate:
    declared = _declaration(table, labels, handed)
    spec = bind(opened, declared)
    encoder = encoder_of(table, opened, handed.tokenizer, has_ids=handed.texts.ids is not None)
    ids = next(one for one in spec.inputs if one.role == IDS)
    graph = opened.contents.subgraphs[0]
    operators = [one for one in opened.contents.operators if one.subgraph == 0]
    return GivenCandidate(
        name=table.name,
        spec=spec,
        declared=declared,
        sha256=hashlib.sha256(opened.data).hexdigest(),
        scheme=_scheme(table, handed),
        encoder=encoder,
        length=_length_of(spec, texts, encoder),
        rows=table_rows(operators, graph.inputs[ids.position]),
    )


def _scheme(table: CandidateTable, handed: Handed) -> str | None:
    if table.contract is not None and table.contract not in SCHEMES:
        raise UsageMistake(
            f"no scheme is called {table.contract!r}",
            file=handed.where,
            key=f"candidate {table.name}: contract",
            remedy=f"Give one of {', '.join(SCHEMES)}",
        )
    return table.contract or (table.name if table.name in SCHEMES else None)


def _refuse_too_many(one: GivenCandidate, texts: Texts) -> None:
    if one.length * len(texts.rows) > MOST_IDS:
        raise UsageMistake(
            f"{len(texts.rows):,} texts of {one.length:,} tokens are more than fit, at most "
            f"{MOST_IDS // one.length:,} such texts do",
            file=one.spec.file,
            key="--edge-corpus",
            remedy="Give a part of the texts, drawn at random",
        )


def _length_of(spec: CandidateSpec, texts: Texts, encoder: Encoder | None) -> int:
    """The length of a row as it is fixed, else that of the longest text."""
    if spec.length is not None:
        if spec.length > LONGEST:
            raise UsageMistake(
                f"takes {spec.length:,} tokens a text, and at most {LONGEST:,} can be judged",
                file=spec.file,
                key=LENGTH_OPTION,
                remedy="Give the length that the model was trained with, or another file",
            )
        return spec.length
    if encoder is None:
        longest = max(len(row.ids or ()) for row in texts.rows)
    else:
        longest = int(encoder.lengths([row.parts for row in texts.rows]).max())
    if not 1 <= longest <= LONGEST:
        raise UsageMistake(
            f"leaves the number of tokens open, and the longest text has {longest:,}",
            file=spec.file,
            key=LENGTH_OPTION,
            remedy=f"Give the length of a row, at most {LONGEST:,}",
        )
    return longest


def _remarks(found: Mapping[str, GivenCandidate], texts: Texts) -> list[str]:
    said = []
    for one in found.values():
        said += [f"{one.name}: {sentence}" for sentence in one.spec.warnings]
        if one.spec.length is None:
            said.append(f"{one.name}: rows have {one.length} tokens, as the longest text has.")
        if one.encoder is not None and one.rows not in (None, one.encoder.size):
            said.append(
                f"{one.name}: its table has {one.rows} rows, and its tokenizer {one.encoder.size} "
                "ids."
            )
    if texts.copies:
        said.append(f"{texts.copies} of {len(texts.rows)} texts are copies of others.")
    return said
