"""Read a user's files: FlatBuffers, labelled texts and a tokenizer.

All errors are found here, before any file is run: unreadable files, texts without label or ids,
labels that do not fit the outputs, ids that do not fit the embedding tables.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models import former_names
from models.candidates.candidate import bind, open_candidate
from models.candidates.declaration import CandidateTable, Declaration
from models.candidates.given_candidate import GivenCandidate, length_of, refuse_too_many
from models.candidates.labels import FEWEST, check_labels, read_labels
from models.candidates.onnx_reference import read_reference
from models.candidates.own_keys import with_their_own
from models.candidates.recorded import Recording, read_recording, without_padding
from models.candidates.reference_answers import (
    INPUTS_OPTION,
    OF_ITS_OWN,
    OPTION,
    OUTPUT_OPTION,
    RecordedReference,
    ReferenceAnswers,
    of_the_reference,
)
from models.candidates.texts import TextRow, Texts, labelled, read_rows, values_of
from models.candidates.tokenizer_of import encoder_of
from models.candidates.unknown_words import unknown_words
from models.errors import EdgeproofError, UsageMistake
from models.files.paths import find_lookalikes, require_name
from models.flatbuffers.schemes import REFERENCE, SCHEMES
from models.input_roles import IDS
from models.onnx.reading import SUFFIX as ONNX
from models.tokenizers.kinds import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.candidates.candidate import Opened
    from models.candidates.handed import Handed
    from models.candidates.spec import CandidateSpec
    from models.tokenizers.encoder import Encoder

KEY = "--edge-flatbuffer"
LABELS_OPTION = "--edge-labels"
# Maximum number of labels that a message lists.
_SHOWN_LABELS = 10
# Name of a candidate that consists of recorded answers alone.
RECORDED = "recorded"
# Name of the full model in budgets and results.
TRAINED = "full_model"
_RECORDED = {".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".npz"}
_UNNAMED = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The recorded answers of an app, with the inputs that it should have used.

    Attributes:
        name: name of the candidate.
        file: path of the recording.
        recording: the recorded answers.
        texts: the texts that were classified.
        meaning: meaning of the file's output; None if no file is given.
        expected: the right token ids of each text, without padding; None if they are unknown.
        tokenizer: the tokenizer of these ids; None if the texts contain the ids, or there is none.
    """

    name: str
    file: Path
    recording: Recording
    texts: tuple[TextRow, ...]
    meaning: str | None
    expected: tuple[tuple[int, ...], ...] | None
    tokenizer: Encoder | None


@dataclass(frozen=True, kw_only=True)
class GivenSubject:
    """The checked files, texts and declarations of a user.

    Attributes:
        handed: the user's options or TOML file.
        labels: labels in the order of the outputs.
        candidates: candidates by name; if the reference is one of them, it is the first.
        reference: name of the candidate with which the others are compared.
        reference_answers: answers of a reference that is not a FlatBuffer.
        answered: recorded answers to judge; None if a runtime answers.
        texts: the texts to classify.
        remarks: sentences that the user needs to know, for the header and the report.
    """

    handed: Handed
    labels: tuple[str, ...]
    candidates: Mapping[str, GivenCandidate]
    reference: str | None
    reference_answers: ReferenceAnswers | None
    answered: Answered | None = None
    texts: Texts
    remarks: tuple[str, ...] = field(default=())


def candidate_named(option: str) -> CandidateTable:
    """Parse `[NAME=]PATH` from the command line; the default name is that of the file.

    Raises:
        UsageMistake: the name is not valid.
    """
    name, equals, path = option.partition("=")
    if not equals or Path(option).exists():
        name, path = name_after(Path(option), "candidate"), option
    require_name(name, key=KEY)
    try:
        return CandidateTable(name=name, flatbuffer=path)
    except ValueError as error:
        raise UsageMistake(str(error), key=KEY, remedy="Write NAME=PATH") from None


def name_after(file: Path, otherwise: str) -> str:
    """Return a file's name without suffix, changed into a valid name of a folder."""
    return _UNNAMED.sub("_", file.stem).strip("._-") or otherwise


def take(handed: Handed) -> GivenSubject:
    """Read all files of a user, and check that they fit together.

    Raises:
        UsageMistake: a file is missing or damaged, or does not fit another one.
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
    candidates = {
        table.name: _candidate(table, opened[table.name], handed, labels, texts) for table in tables
    }
    remarks = list(_remarks(candidates, texts))
    for candidate in candidates.values():
        refuse_too_many(candidate, texts)
        arrays = candidate.arrays(texts.rows)
        if candidate.encoder is not None:
            remarks += unknown_words(candidate.name, candidate.spec.file, candidate.encoder, arrays)
    answers = None
    if elsewhere is not None:
        answers = _reference_answers(elsewhere, handed, candidates, labels, texts)
        remarks += answers.remarks
    return GivenSubject(
        handed=handed,
        labels=labels,
        candidates=candidates,
        reference=reference,
        reference_answers=answers,
        answered=None if handed.recorded is None else _answered(handed, candidates, labels, texts),
        texts=texts,
        remarks=tuple(remarks),
    )


def _reference_answers(
    file: Path,
    handed: Handed,
    candidates: Mapping[str, GivenCandidate],
    labels: tuple[str, ...],
    texts: Texts,
) -> ReferenceAnswers:
    if file.suffix.lower() == ONNX:
        table = handed.reference_table or CandidateTable(name=OF_ITS_OWN, flatbuffer=str(file))
        with of_the_reference():
            return read_reference(
                file,
                _declaration(table, labels, handed),
                texts,
                list(candidates.values()),
                tokenizer=table.tokenizer,
                settings=handed.tokenizer,
            )
    _refuse_declared(handed, "recorded answers have no inputs or outputs to declare")
    ids = [row.id for row in texts.rows]
    return RecordedReference(read_recording(file, ids, labels, key=OPTION))


def _refuse_declared(handed: Handed, reason: str) -> None:
    if handed.reference_table is not None:
        raise UsageMistake(
            f"inputs or outputs of the reference are declared, but {reason}",
            file=handed.where,
            key=f"[reference], {INPUTS_OPTION} or {OUTPUT_OPTION}",
            remedy=f"Give only the reference's file: {OPTION}=FILE",
        )


def _refuse_one_name(handed: Handed) -> None:
    names = [candidate.name for candidate in handed.candidates]
    # A candidate's name becomes a file's name, and some file systems ignore case.
    same = find_lookalikes(names)
    problem = None
    if same is not None:
        also = "" if same[0] == same[1] else f" and {same[1]!r}, which look the same"
        problem = f"two candidates are called {same[0]!r}{also}"
    elif TRAINED in names:
        problem = (
            f"a candidate is called {TRAINED!r}, a name that is reserved for a trained "
            "model in budgets and results"
        )
    if problem is not None:
        remedy = "Give each candidate a different name: NAME=PATH"
        raise UsageMistake(problem, file=handed.where, key=KEY, remedy=remedy)


def _refuse_beside_a_recording(handed: Handed) -> None:
    """Reject options that contradict a recording of one device's answers."""
    if len(handed.candidates) > 1:
        names = ", ".join(candidate.name for candidate in handed.candidates)
        raise UsageMistake(
            "a recording contains the answers of one file, but "
            f"{len(handed.candidates)} files are given: {names}",
            file=handed.where,
            key=KEY,
            remedy="Give only the file whose answers were recorded, or no file",
        )
    reference = handed.reference
    if reference is not None and Path(reference).suffix.lower() not in {*_RECORDED, ONNX}:
        raise UsageMistake(
            "recorded answers can be compared only with recorded answers or an "
            f"ONNX file, but {reference!r} is a FlatBuffer",
            file=handed.where,
            key=OPTION,
            remedy="Remove the reference: edgeproof compares a recording with this "
            f"machine's answers of {KEY} anyway",
        )


def _answered(
    handed: Handed,
    candidates: Mapping[str, GivenCandidate],
    labels: tuple[str, ...],
    texts: Texts,
) -> Answered:
    first = next(iter(candidates.values()), None)
    encoder = first.encoder if first else _own_encoder(handed)
    pad = encoder.padding.number if encoder else 0
    file = handed.recorded or Path()
    return Answered(
        name=first.name if first else RECORDED,
        file=file,
        recording=read_recording(file, [row.id for row in texts.rows], labels, pad=pad),
        texts=texts.rows,
        meaning=first.spec.output.meaning if first else None,
        expected=_expected_ids(first, encoder, handed.length, texts, pad),
        tokenizer=encoder,
    )


def _own_encoder(handed: Handed) -> Encoder | None:
    """Return the declared tokenizer, for a recording that is judged without its FlatBuffer."""
    if handed.tokenizer is not None and handed.texts.ids is not None:
        raise UsageMistake(
            "both a tokenizer and a column of ids are given",
            key="--edge-tokenizer",
            remedy="Remove one of the two",
        )
    return None if handed.tokenizer is None else load(handed.tokenizer)


def _expected_ids(
    candidate: GivenCandidate | None,
    encoder: Encoder | None,
    length: int | None,
    texts: Texts,
    pad: int,
) -> tuple[tuple[int, ...], ...] | None:
    rows = texts.rows
    if candidate is not None:
        ids = candidate.arrays(rows)[IDS]
    elif encoder is not None:
        parts = [row.parts for row in rows]
        ids = encoder.encode(parts, length or max(1, int(encoder.lengths(parts).max())))[IDS]
    elif rows[0].ids is not None:
        return tuple(without_padding((row.ids or ())[:length], pad) for row in rows)
    else:
        return None
    return tuple(without_padding(row, pad) for row in ids.tolist())


def _with_reference(handed: Handed) -> tuple[list[CandidateTable], str | None, Path | None]:
    """Return the candidates, the name of the reference, and the path of another reference.

    The name is that of a reference that is a FlatBuffer, which comes first among the candidates.
    The path is that of a reference that is an ONNX file or recorded answers. Either may be None.
    """
    tables = list(handed.candidates)
    names = [table.name for table in tables]
    reference = handed.reference
    if reference is None and handed.recorded is None:
        reference = REFERENCE if REFERENCE in names else None
    by_file = {Path(table.flatbuffer): table.name for table in tables}
    own_name = reference if reference in names else by_file.get(Path(reference or "."))
    if reference is None or own_name is not None:
        _refuse_declared(
            handed,
            "the reference is a candidate, whose inputs and outputs are declared in its own table",
        )
        return sorted(tables, key=lambda table: table.name != own_name), own_name, None
    path = Path(reference)
    if path.suffix.lower() in _RECORDED:
        return tables, None, path
    if OF_ITS_OWN in names:
        raise UsageMistake(
            f"a candidate is called {OF_ITS_OWN!r}, a name that is reserved for the reference",
            key=KEY,
            remedy="Give the candidate a different name",
        )
    if path.suffix.lower() == ONNX:
        return tables, None, path
    own = handed.reference_table or CandidateTable(name=OF_ITS_OWN, flatbuffer=str(path))
    return [own, *tables], OF_ITS_OWN, None


def _open(table: CandidateTable, handed: Handed) -> Opened:
    try:
        return open_candidate(Path(table.flatbuffer))
    except EdgeproofError as error:
        parts = error.describe()
        if table not in handed.candidates:
            parts["key"] = OPTION
            parts["remedy"] = (
                f"{error.remedy}. A reference is a candidate's name, a .tflite or {ONNX} file, or "
                f"recorded answers in {', '.join(sorted(_RECORDED))}"
            )
        elif parts.get("key") is None:
            parts["key"] = f"candidate {table.name}"
        raise UsageMistake(**parts) from None  # type: ignore[arg-type] # an error's own fields


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
    rows: Sequence[TextRow],
) -> tuple[str, ...]:
    """Return the declared labels; without them, those of the metadata or numbers in the texts."""
    if declared is not None:
        return declared
    specs = {table.name: _bind(opened[table.name], table, None, handed) for table in tables}
    by_file = {name: spec.labels for name, spec in specs.items() if spec.labels is not None}
    if len(set(by_file.values())) > 1:
        names = ", ".join(by_file)
        raise UsageMistake(
            f"the metadata of {names} gives different labels",
            key=LABELS_OPTION,
            remedy="Give the right labels, in the order of the outputs",
        )
    if by_file:
        return next(iter(by_file.values()))
    values = values_of(rows, handed.texts)
    # Labels that are numbers from 0 on are positions in the output, even if some of these numbers
    # do not occur in the texts.
    classes = (spec.output.classes for spec in specs.values())
    told_apart = {count for count in classes if count is not None}
    numbers = tuple(map(str, range(max(told_apart, default=len(values)))))
    if len(numbers) >= FEWEST and len(told_apart) <= 1 and set(values) <= set(numbers):
        return numbers
    raise _unordered(handed, values)


def _unordered(handed: Handed, values: Sequence[str]) -> UsageMistake:
    """Return the error that requests the order of the labels, and lists the labels in the texts."""
    first = ", ".join(sorted(values)[:_SHOWN_LABELS])
    more = " ..." if len(values) > _SHOWN_LABELS else ""
    way = 'labels = ["FIRST", "SECOND"]' if handed.where else f"{LABELS_OPTION}=FIRST,SECOND"
    return UsageMistake(
        "the order of the labels in the output is unknown; the texts have "
        f"{len(values)} labels, here in alphabetical order: {first}{more}",
        file=handed.where,
        key=LABELS_OPTION,
        remedy=f"Write {way} and so on, in the order of the file's output. Training sets "
        "this order (class_names, a label map, a list in the app); it is seldom "
        "alphabetical. Or name a file with one label per line",
    )


def _declaration(
    table: CandidateTable, labels: tuple[str, ...] | None, handed: Handed
) -> Declaration:
    own = table in handed.candidates
    place = f"candidate {table.name}" if own else "[reference]"
    location = f"{handed.where}: {place}" if handed.where else None
    return table.declaration(labels, location)


def _candidate(
    table: CandidateTable,
    opened: Opened,
    handed: Handed,
    labels: tuple[str, ...],
    texts: Texts,
) -> GivenCandidate:
    declared = _declaration(table, labels, handed)
    spec = _bind(opened, table, labels, handed)
    encoder = encoder_of(table, opened, handed.tokenizer, has_ids=handed.texts.ids is not None)
    ids = next(port for port in spec.inputs if port.role == IDS)
    return GivenCandidate(
        name=table.name,
        spec=spec,
        declared=declared,
        sha256=hashlib.sha256(opened.data).hexdigest(),
        scheme=_scheme(table, handed),
        encoder=encoder,
        length=length_of(spec, texts, encoder),
        rows=ids.rows,
    )


def _bind(
    opened: Opened, table: CandidateTable, labels: tuple[str, ...] | None, handed: Handed
) -> CandidateSpec:
    with nullcontext() if table in handed.candidates else of_the_reference():
        return bind(opened, _declaration(table, labels, handed))


def _scheme(table: CandidateTable, handed: Handed) -> str | None:
    """Return the scheme that defines a candidate's contract, from its `contract` or its name.

    Raises:
        UsageMistake: no scheme has the name in `contract`.
    """
    if table.contract is not None and table.contract not in SCHEMES:
        raise UsageMistake(
            f"{table.contract!r} is not a scheme",
            file=handed.where,
            key=f"candidate {table.name}: contract",
            remedy=former_names.remedy_for(
                table.contract, former_names.SCHEMES, f"Give one of {', '.join(SCHEMES)}"
            ),
        )
    return table.contract or (table.name if table.name in SCHEMES else None)


def _remarks(candidates: Mapping[str, GivenCandidate], texts: Texts) -> list[str]:
    remarks = []
    first: dict[str, str] = {}
    for candidate in candidates.values():
        if candidate.scheme is None and candidate.name in former_names.SCHEMES:
            today = former_names.SCHEMES[candidate.name]
            remarks.append(
                f"{candidate.name}: no contract is checked, because the scheme with this name is "
                f'called {today} now. Declare contract = "{today}" to check it.'
            )
        if (same := first.setdefault(candidate.sha256, candidate.name)) != candidate.name:
            remarks.append(
                f"{candidate.name}: its file is identical to that of {same}, so every "
                "comparison of the two passes."
            )
        remarks += [f"{candidate.name}: {sentence}" for sentence in candidate.spec.warnings]
        if candidate.spec.length is None:
            remarks.append(
                f"{candidate.name}: rows have {candidate.length} tokens, like the longest text."
            )
        if candidate.encoder is not None and candidate.rows not in (None, candidate.encoder.size):
            remarks.append(
                f"{candidate.name}: its embedding has {candidate.rows} rows, but its tokenizer has "
                f"{candidate.encoder.size} ids."
            )
    if texts.copies:
        remarks.append(f"{texts.copies} of {len(texts.rows)} texts are copies of others.")
    return remarks
