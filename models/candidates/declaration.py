"""Define the grammar of declarations about candidates, in the TOML and in options.

    name = "spam"                     # name of the results; default: the name of this TOML file
    corpus = "test.csv"               # labelled texts; paths are relative to this file
    labels = ["ham", "spam"]          # in the order of the output; or a file, one label per line
    ordered = false                   # true if the labels are listed from the worst to the best
    tokenizer = "tokenizer.json"      # PATH, KIND:PATH, or a table (see TokenizerSettings)
    reference = "float32"             # name of the candidate to compare with, or a file:
                                      # .tflite, .onnx, or recorded answers
    budgets = "budgets.toml"          # similarly known_failures, device, and baseline (a folder)

    [corpus]                          # replaces corpus = "..." if columns have other names
    file = "test.csv"
    text = "review"                   # see TextsTable

    [reference]                       # replaces reference = "..." if the inputs or the output of
    file = "model.onnx"               # the file are uncertain; it has the keys signature, length,
    inputs = { ids = "a", mask = "b" }  # inputs, output and tokenizer of a candidate

    [[candidates]]
    name = "mine"
    flatbuffer = "model.tflite"
    signature = "serving_default"     # needed if the file has several signatures
    length = 128                      # needed if the file accepts any length
    lengths = [16, 32, 64]            # instead of length: each text uses the shortest that it fits

    [candidates.inputs]               # names, or positions in the graph
    ids = "input_ids"
    mask = "attention_mask"
    segments = "token_type_ids"

    [candidates.output]
    name = "logits"                   # or its position
    meaning = "sigmoid"               # `models.candidates.spec.OutputSpec` lists all meanings
    threshold = 0.35                  # of a sigmoid or logit: above it, the label is `positive`
    positive = "spam"                 # the label for values above the threshold, or its index
    scale = 0.03                      # of an integer output, if the file does not contain it
    zero_point = 5

A candidate needs only `name` and `flatbuffer`: certain facts are read from the file. A candidate's
own `tokenizer` takes precedence over the common one. `labels` and `reference` may be declared for
the whole file or for a candidate, but must be the same for all candidates.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import msgspec

from models.candidates.spec import ROLES, Meaning, Role
from models.candidates.texts import TextsTable
from models.errors import UsageMistake
from models.files.json_documents import problem_and_place
from models.files.paths import TOML, absolute, is_name
from models.files.toml_tables import Table, read_table
from models.row_lengths import Lengths, check_lengths
from models.tokenizers.kinds import TokenizerSettings

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T", bound=Table)

# A name, or a position in the graph's order.
Reference = str | int

INPUTS_OPTION = "--edge-inputs"
OUTPUT_OPTION = "--edge-output"
# A candidate's name becomes the name of files and folders, and a part of test ids.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def is_candidate_name(name: str) -> bool:
    """Tell whether a text can be the name of a candidate."""
    return bool(_NAME.fullmatch(name)) and is_name(name)


class InputsTable(Table, frozen=True, kw_only=True):
    """The table `[candidates.inputs]`: the name or the position of the input for each role."""

    ids: Reference | None = None
    mask: Reference | None = None
    segments: Reference | None = None

    def __post_init__(self) -> None:
        if self.ids is None and self.named():
            raise ValueError("`ids` is missing: if one input has a role, all must have")

    def named(self) -> dict[Role, Reference]:
        """Return the declared inputs by role."""
        declared = ((role, getattr(self, role)) for role in ROLES)
        return {role: reference for role, reference in declared if reference is not None}


class OutputTable(Table, frozen=True, kw_only=True):
    """The table `[candidates.output]`: the judged output and its meaning."""

    name: Reference | None = None
    meaning: Meaning | None = None
    threshold: float | None = None
    positive: Reference | None = None
    scale: float | None = None
    zero_point: int | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.0 < self.threshold < 1.0:
            raise ValueError("`threshold` must be a probability between 0 and 1")
        if self.scale is not None and not 0.0 < self.scale < float("inf"):
            raise ValueError("`scale` must be a number above 0")
        if self.zero_point is not None and self.scale is None:
            raise ValueError("`zero_point` is given without `scale`: give both")


class CandidateTable(Table, frozen=True, kw_only=True):
    """One table `[[candidates]]`; `read_candidates` makes its paths absolute."""

    name: str
    flatbuffer: str
    signature: str | None = None
    length: int | None = None
    lengths: Lengths = ()
    inputs: InputsTable = msgspec.field(default_factory=InputsTable)
    output: OutputTable = msgspec.field(default_factory=OutputTable)
    labels: tuple[str, ...] | str | None = None
    tokenizer: str | None = None
    reference: str | None = None
    contract: str | None = None

    def __post_init__(self) -> None:
        if not is_candidate_name(self.name):
            raise ValueError(
                f"`name` = {self.name[:80]!r} is not valid: write up to 64 letters, digits, '.', "
                "'_' and '-', begin with a letter or a digit, do not end with '.', and use no "
                "device name of Windows (con, nul, com1, ...)"
            )
        check_lengths(self.lengths)
        for key in ("length", "signature"):
            if self.lengths and getattr(self, key) is not None:
                raise ValueError(f"`lengths` and `{key}` are both declared: give only one of them")
        if self.length is not None and self.length < 1:
            raise ValueError("`length` must be at least 1")

    def declaration(self, labels: tuple[str, ...] | None, where: str | None) -> Declaration:
        """Return what this table declares about the file, with the given labels.

        Args:
            labels: labels in the order of the output; None if unknown.
            where: file and key of the declarations, for messages; None if there are none.
        """
        return Declaration(
            inputs=self.inputs,
            output=self.output,
            signature=self.signature,
            length=self.length,
            lengths=self.lengths,
            labels=labels,
            where=where,
        )


class ReferenceTable(Table, frozen=True, kw_only=True):
    """The table `[reference]`: a file to compare all candidates with, by its absolute path."""

    file: str
    signature: str | None = None
    length: int | None = None
    inputs: InputsTable = msgspec.field(default_factory=InputsTable)
    output: OutputTable = msgspec.field(default_factory=OutputTable)
    tokenizer: str | None = None

    def __post_init__(self) -> None:
        if self.length is not None and self.length < 1:
            raise ValueError("`length` must be at least 1")

    @property
    def declares(self) -> bool:
        """Tell whether the table declares anything about the file."""
        return self != ReferenceTable(file=self.file)

    def as_candidate(self, name: str) -> CandidateTable:
        """Return the declarations about the reference in the form of a candidate's table."""
        return CandidateTable(
            name=name,
            flatbuffer=self.file,
            signature=self.signature,
            length=self.length,
            inputs=self.inputs,
            output=self.output,
            tokenizer=self.tokenizer,
        )


class CandidatesTable(Table, frozen=True, kw_only=True):
    """The content of a TOML file of candidates."""

    candidates: tuple[CandidateTable, ...]
    name: str | None = None
    description: str | None = None
    corpus: TextsTable | str | None = None
    labels: tuple[str, ...] | str | None = None
    ordered: bool = False
    tokenizer: TokenizerSettings | str | None = None
    reference: ReferenceTable | str | None = None
    budgets: str | None = None
    known_failures: str | None = None
    baseline: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if not self.candidates:
            raise ValueError(
                "the file has no [[candidates]] table: write one for each file to judge"
            )
        twice = [
            name
            for name, n in Counter(candidate.name for candidate in self.candidates).items()
            if n > 1
        ]
        if twice:
            raise ValueError(f"two candidates are called {twice[0]!r}")


@dataclass(frozen=True)
class Declaration:
    """The user's declarations about one file, and where they were made, for messages.

    Attributes:
        where: the TOML file or the option, and the key; None if nothing is declared.
    """

    inputs: InputsTable = field(default_factory=InputsTable)
    output: OutputTable = field(default_factory=OutputTable)
    signature: str | None = None
    length: int | None = None
    lengths: tuple[int, ...] = ()
    labels: tuple[str, ...] | None = None
    where: str | None = None

    def mistake(self, problem: str, *, file: Path, key: str, remedy: str) -> UsageMistake:
        """Return an error that names the file, and the place of the declaration."""
        place = f"{self.where}: {key}" if self.where else key
        return UsageMistake(problem, file=file, key=place, remedy=remedy)


NOTHING = Declaration()


def read_candidates(path: Path) -> CandidatesTable:
    """Read a TOML file of candidates, and make its paths absolute.

    Raises:
        UsageMistake: the file cannot be read, or does not follow the grammar.
    """
    table = read_table(path, CandidatesTable)
    anchored = _Anchored(path, frozenset(candidate.name for candidate in table.candidates))
    candidates = tuple(
        anchored.candidate(candidate, f"candidates[{at}]")
        for at, candidate in enumerate(table.candidates)
    )
    return msgspec.structs.replace(table, candidates=candidates, **anchored.whole(table))


@dataclass(frozen=True)
class _Anchored:
    """A TOML file whose relative paths are made absolute, starting from the file's folder.

    Attributes:
        toml: path of the file.
        names: names of its candidates, one of which may be the reference.
    """

    toml: Path
    names: frozenset[str]

    def candidate(self, table: CandidateTable, key: str) -> CandidateTable:
        """Return a candidate's table with all paths made absolute."""
        flatbuffer = self._path(table.flatbuffer, f"{key}.flatbuffer")
        own = self._shared(table, f"{key}.")
        return msgspec.structs.replace(table, flatbuffer=flatbuffer, **own)

    def whole(self, table: CandidatesTable) -> dict[str, Any]:
        """Return the absolute paths that apply to all candidates, by key."""
        settings = self._shared(table)
        for key in ("corpus", "tokenizer", "reference"):
            value = getattr(table, key)
            if isinstance(value, TextsTable | TokenizerSettings | ReferenceTable):
                file = self._path(value.file, f"{key}.file")
                settings[key] = msgspec.structs.replace(value, file=file)
        if isinstance(table.corpus, str):
            settings["corpus"] = self._path(table.corpus, "corpus")
        if isinstance(table.reference, ReferenceTable) and table.reference.tokenizer is not None:
            own = self._tokenizer(table.reference.tokenizer, "reference.tokenizer")
            settings["reference"] = msgspec.structs.replace(settings["reference"], tokenizer=own)
        for key in ("budgets", "device", "known_failures", "baseline"):
            value = getattr(table, key)
            if value is not None:
                by_name = (
                    key in {"budgets", "device"} and value.strip() and not value.endswith(TOML)
                )
                settings[key] = value if by_name else self._path(value, key)
        return settings

    def _shared(self, table: CandidateTable | CandidatesTable, place: str = "") -> dict[str, Any]:
        """Return the labels, tokenizer and reference of a table by key, with absolute paths.

        Keys whose value is not a path are left out.
        """
        settings: dict[str, Any] = {}
        if isinstance(table.labels, str):
            settings["labels"] = self._path(table.labels, f"{place}labels")
        if isinstance(table.tokenizer, str):
            settings["tokenizer"] = self._tokenizer(table.tokenizer, f"{place}tokenizer")
        if isinstance(table.reference, str) and table.reference not in self.names:
            settings["reference"] = self._path(table.reference, f"{place}reference")
        return settings

    def _tokenizer(self, tokenizer: str, key: str) -> str:
        kind, colon, path = tokenizer.rpartition(":")
        # `characters:` has no path.
        return tokenizer if colon and not path else f"{kind}{colon}{self._path(path, key)}"

    def _path(self, written: str, key: str) -> str:
        try:
            return str(absolute(written, folder=self.toml.resolve().parent, key=key))
        except UsageMistake as mistake:
            raise UsageMistake(
                mistake.what, file=self.toml, key=key, remedy=mistake.remedy
            ) from None


def parse_inputs(text: str, option: str = INPUTS_OPTION) -> InputsTable:
    """Parse the value of an option, such as `ids=input_ids,mask=1`.

    Raises:
        UsageMistake: the value does not have this form.
    """
    return _table(text, InputsTable, option, "ids=NAME,mask=NAME,segments=NAME")


def parse_output(text: str, option: str = OUTPUT_OPTION) -> OutputTable:
    """Parse an option's value, such as `name=score,meaning=sigmoid,threshold=0.35,positive=spam`.

    Raises:
        UsageMistake: the value does not have this form.
    """
    meanings = f"MEANING is one of {', '.join(get_args(Meaning))}"
    form = "name=NAME,meaning=MEANING,threshold=0.5,positive=LABEL"
    return _table(text, OutputTable, option, f"{form}, leaving out unneeded keys; {meanings}")


def inputs_lines(references: dict[Role, Reference]) -> str:
    """Return the lines that declare inputs, in TOML and as an option, ready to paste."""
    toml = ", ".join(f"{role} = {_quoted(reference)}" for role, reference in references.items())
    option = ",".join(f"{role}={reference}" for role, reference in references.items())
    return f"inputs = {{ {toml} }} under [[candidates]], or {INPUTS_OPTION}='{option}'"


def output_lines(**settings: Reference | float) -> str:
    """Return the lines that declare an output, in TOML and as an option, ready to paste."""
    toml = ", ".join(f"{key} = {_quoted(value)}" for key, value in settings.items())
    option = ",".join(f"{key}={value}" for key, value in settings.items())
    return f"output = {{ {toml} }} under [[candidates]], or {OUTPUT_OPTION}='{option}'"


def _quoted(value: Reference | float) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, str) else str(value)


def _table(text: str, kind: type[T], option: str, form: str) -> T:
    parts = [part.partition("=") for part in text.split(",")]
    keys = [key.strip() for key, _, _ in parts]
    if not all(key and value.strip() for key, (_, _, value) in zip(keys, parts, strict=True)):
        raise UsageMistake(
            f"{text!r} is not of the form KEY=VALUE,KEY=VALUE",
            key=option,
            remedy=f"Write it as {form}",
        )
    if len(set(keys)) < len(keys):
        raise UsageMistake(
            f"{text!r} gives a key twice", key=option, remedy="Give each key only once"
        )
    values = {key: _number(value.strip()) for key, (_, _, value) in zip(keys, parts, strict=True)}
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        problem, _ = problem_and_place(error)
        raise UsageMistake(
            f"{text!r}: {problem}", key=option, remedy=f"Write it as {form}"
        ) from None


def _number(value: str) -> Reference | float:
    """Return the number that a text represents, or else the text itself."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
