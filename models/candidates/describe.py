"""Write the properties of files as a TOML file to start from.

Certain properties are written as comments, because they need not be declared. Uncertain properties
are written as commented-out lines, because the user must check them first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.candidates.candidate import bind, graph_of, open_candidate
from models.candidates.declaration import NOTHING, InputsTable, OutputTable
from models.candidates.spec import ROLES
from models.errors import EdgeproofError, UsageMistake
from models.escaping import one_line
from models.files.paths import current_folder
from models.flatbuffers.endings import ending_of
from models.flatbuffers.inspect import report_of
from models.flatbuffers.lookups import rows_looked_up
from models.flatbuffers.metadata import RegexTokenizer
from models.flatbuffers.recognizing import recognized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from models.candidates.candidate import Opened
    from models.candidates.declaration import Declaration
    from models.candidates.spec import CandidateSpec, Meaning
    from models.flatbuffers.metadata import ModelMetadata
    from models.flatbuffers.structure import Operator, Tensor

_HEAD = (
    '# corpus = "test.csv"                  # labelled texts',
    '# labels = ["negative", "positive"]     # in the order of the output, or a file of labels',
    '# tokenizer = "tokenizer.json"          # PATH, or KIND:PATH',
    '# reference = "NAME"                    # the candidate or the file to compare with',
)
_UNSURE = "output.meaning"
# Largest number of questions about a file: its signature, inputs, output and output's meaning.
_QUESTIONS = 4


@dataclass(frozen=True)
class Described:
    """A described file, with the open questions about it.

    Attributes:
        declared: the declarations that were assumed as answers to the open questions.
        questions: for each assumption, the message that asks for a declaration.
    """

    opened: Opened
    spec: CandidateSpec
    declared: Declaration
    questions: tuple[str, ...]


def describe(file: Path) -> Described:
    """Describe a file, answering each open question with the most likely value.

    Raises:
        UsageMistake: the file cannot be read, or cannot classify texts with any declaration.
    """
    try:
        opened = open_candidate(file)
    except EdgeproofError as error:
        raise UsageMistake(**error.describe()) from None  # type: ignore[arg-type] # its own fields
    declared = NOTHING
    questions: list[str] = []
    for _ in range(_QUESTIONS):
        try:
            return Described(opened, bind(opened, declared), declared, tuple(questions))
        except UsageMistake as mistake:
            assumed = _assume(opened, declared, mistake)
            if assumed is None:
                raise
            declared = assumed
            questions.append(mistake.what)
    return Described(opened, bind(opened, declared), declared, tuple(questions))


def _assume(opened: Opened, declared: Declaration, mistake: UsageMistake) -> Declaration | None:
    """Return the declarations with a guess at what a mistake requests; None without a guess."""
    number = _graph(opened, declared)
    graph = opened.contents.subgraphs[number]
    operators = [operator for operator in opened.contents.operators if operator.subgraph == number]
    if mistake.key == "signature" and declared.signature is None:
        return replace(declared, signature=opened.contents.signatures[0].key)
    if mistake.key == "inputs" and not declared.inputs.named() and graph.inputs:
        rows = [rows_looked_up(port, operators) or 0 for port in graph.inputs]
        places = sorted(range(len(rows)), key=lambda place: place != rows.index(max(rows)))
        return replace(declared, inputs=InputsTable(**dict(zip(ROLES, places, strict=False))))
    output = declared.output
    if mistake.key == "output" and output.name is None and len(graph.outputs) > 1:
        return replace(declared, output=OutputTable(name=0, meaning=output.meaning))
    if mistake.key == _UNSURE and output.meaning is None:
        place = output.name if isinstance(output.name, int) else 0
        meaning = _likely(graph.outputs[place], operators)
        return replace(declared, output=OutputTable(name=output.name, meaning=meaning))
    return None


def _graph(opened: Opened, declared: Declaration) -> int:
    """Return the graph to describe: that of the declared signature, or the first."""
    signatures = opened.contents.signatures
    called = [signature for signature in signatures if declared.signature in {None, signature.key}]
    return graph_of(called[0] if called else None)


def _likely(output: Tensor, operators: Sequence[Operator]) -> Meaning:
    """Return the most likely meaning of an output, according to its shape and the graph."""
    if output.shape[-1:] != (1,):
        return "logits"
    return "logit" if ending_of(output, operators) == "logits" else "sigmoid"


def toml_of(described: Sequence[Described]) -> str:
    """Return the content of a TOML file about the described files, for the user to complete."""
    names = _names([entry.spec.file for entry in described])
    parts = [list(_HEAD)]
    parts += [list(_candidate(entry, name)) for entry, name in zip(described, names, strict=True)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _names(files: Sequence[Path]) -> list[str]:
    """Return a different candidate name for each file, made from the file's name."""
    names: list[str] = []
    for file in files:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", file.stem).strip("._-")[:80] or "candidate"
        name, number = plain, 2
        while name in names:
            name, number = f"{plain}_{number}", number + 1
        names.append(name)
    return names


def _candidate(described: Described, name: str) -> Iterator[str]:
    yield from (f"# TO DECIDE: {one_line(question)}" for question in described.questions)
    yield "[[candidates]]"
    yield f"name = {quoted(name)}"
    yield f"flatbuffer = {quoted(_from_here(described.spec.file))}"
    yield from _found(described)
    if described.declared.signature is not None:
        yield f"# signature = {quoted(described.declared.signature)}"
    if described.spec.length is None:
        yield "# length = 128                        # the file accepts any length"
    yield from _inputs(described)
    yield from _output(described)


def _from_here(file: Path) -> str:
    """Return a path for a TOML that is stored in the current folder."""
    folder = current_folder()
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _inputs(described: Described) -> Iterator[str]:
    if not described.declared.inputs.named():
        return
    yield from ("", "# [candidates.inputs]                 # correct the order")
    for role in ROLES:
        port = described.spec.input(role)
        if port is not None:
            name = port.name or port.tensor
            yield f"# {role} = {quoted(name) if name else port.position}"


def _output(described: Described) -> Iterator[str]:
    output, declared = described.spec.output, described.declared.output
    if output.found_threshold == "default" and declared == OutputTable():
        yield from ("", "[candidates.output]")
        yield f"threshold = {output.threshold}"
        yield f"positive = {output.positive}                          # or the label's name"
    elif declared != OutputTable():
        yield from ("", "# [candidates.output]")
        if declared.name is not None:
            yield f"# name = {quoted(output.name or output.tensor)}"
        if declared.meaning is not None:
            yield f"# meaning = {quoted(declared.meaning)}             # or another"


def _found(described: Described) -> Iterator[str]:
    """Yield what is certain about a file, as comments of a TOML file."""
    spec, opened = described.spec, described.opened
    report = report_of(opened.file, opened.data, opened.contents)
    yield f"# scheme: {recognized(report).name}"
    if not described.questions:
        yield f"# binding: {one_line(spec.binding)}"
    if spec.labels is not None:
        yield f"# labels ({spec.labels_found}): {one_line(', '.join(spec.labels))}"
    if opened.metadata is not None:
        yield from _described_tokenizer(opened.metadata)
    yield from (f"# warning: {one_line(warning)}" for warning in spec.warnings)


def _described_tokenizer(metadata: ModelMetadata) -> Iterator[str]:
    unit = metadata.tokenizer
    if unit is not None:
        delimiter = f" {unit.delimiter!r}" if isinstance(unit, RegexTokenizer) else ""
        files = ", ".join(file.name for file in unit.vocabulary)
        yield f"# tokenizer (metadata): {one_line(f'{type(unit).__name__}{delimiter} {files}')}"
    if metadata.packed:
        yield f"# packed: {one_line(', '.join(file.name for file in metadata.packed))}"


def quoted(text: str) -> str:
    """Quote a string as TOML does."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_escaped(escaped)}"'


def _escaped(text: str) -> str:
    """Escape non-printable characters as TOML does."""
    return "".join(
        character
        if character.isprintable()
        else f"\\u{ord(character):04x}"
        if ord(character) < 1 << 16
        else "?"
        for character in text
    )
