"""Read one file as a candidate, from its contents and the user's declarations about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.candidates.declaration import NOTHING
from models.candidates.labels import check_labels, parse_labels
from models.candidates.meaning import bind_output
from models.candidates.roles import Port, bind_inputs
from models.candidates.spec import CandidateSpec
from models.candidates.warnings import warnings_of
from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.lengths import alike_by_length, by_length
from models.flatbuffers.metadata import (
    LABELS,
    ModelMetadata,
    read_metadata,
    read_packed,
    why_unread,
)
from models.flatbuffers.opening import read_flatbuffer
from models.flatbuffers.reading import read_contents
from models.flatbuffers.variables import LOST, REMEDY, are_lost

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from models.candidates.declaration import Declaration
    from models.candidates.spec import Found, OutputSpec
    from models.flatbuffers.metadata import AssociatedFile, TensorMetadata
    from models.flatbuffers.structure import Contents, Signature, Subgraph, Tensor


@dataclass(frozen=True)
class Opened:
    """A parsed file with its metadata.

    Attributes:
        metadata: the metadata; None if the file has none, or if they cannot be read.
        unread: why the metadata cannot be read; None if they can.
    """

    file: Path
    data: bytes
    contents: Contents
    metadata: ModelMetadata | None
    unread: str | None


def read_candidate(
    file: Path, declared: Declaration = NOTHING, contents: Contents | None = None
) -> CandidateSpec:
    """Return inputs, output and labels of a FlatBuffer, from the file and the declarations.

    Args:
        file: the FlatBuffer.
        declared: the user's declarations about the file.
        contents: decoded contents of the file, if they were decoded before.

    Raises:
        UsageMistake: the file cannot be read or cannot classify texts, a property is uncertain, or
            a declaration does not fit the file.
    """
    try:
        return bind(open_candidate(file, contents), declared)
    except UsageMistake:
        raise
    except EdgeproofError as error:
        # This is a usage mistake, because the person who gave the file can correct it.
        raise UsageMistake(**error.describe()) from None  # type: ignore[arg-type] # its own fields


def open_candidate(file: Path, contents: Contents | None = None) -> Opened:
    """Read a file and its metadata.

    Args:
        file: the FlatBuffer.
        contents: decoded contents of the file, if they were decoded before.

    Raises:
        EdgeproofError: the file cannot be read, or is not a valid TFLite FlatBuffer.
    """
    data = read_flatbuffer(file)
    contents = contents or read_contents(file, data)
    try:
        return Opened(file, data, contents, read_metadata(file, data, contents), None)
    except EdgeproofError as error:
        return Opened(file, data, contents, None, why_unread(error))


def bind(opened: Opened, declared: Declaration = NOTHING) -> CandidateSpec:
    """Return the inputs, the output and the labels of an opened file.

    Raises:
        UsageMistake: see `read_candidate`.
    """
    _check_operators(opened.file, opened.contents)
    _check_variables(opened.file, opened.contents)
    signatures = _by_length(opened, declared)
    if signatures:
        return _bind_signatures(opened, declared, signatures)
    if declared.lengths:
        return _bind_open(opened, declared)
    return _bind_one(opened, declared)


def _by_length(opened: Opened, declared: Declaration) -> dict[int, Signature]:
    """Return the signatures that are one classifier at several lengths, by length; {} if none are.

    Raises:
        UsageMistake: the declared lengths are not those of the file.
    """
    if declared.signature is not None or declared.length is not None:
        return {}
    contents = opened.contents
    if not declared.lengths:
        return by_length(contents)
    signatures = alike_by_length(contents.signatures)
    if signatures and tuple(signatures) != declared.lengths:
        raise declared.mistake(
            f"the declared lengths are {_listed(declared.lengths)}, but the file's "
            f"signatures take {_listed(signatures)} tokens",
            file=opened.file,
            key="lengths",
            remedy=f"Remove the lengths, or give {_listed(signatures)}",
        )
    return signatures


def _listed(lengths: Iterable[int]) -> str:
    return ", ".join(map(str, lengths))


def _bind_signatures(
    opened: Opened, declared: Declaration, signatures: dict[int, Signature]
) -> CandidateSpec:
    *shorter, longest = (
        _bind_one(opened, replace(declared, signature=signature.key, lengths=()))
        for signature in signatures.values()
    )
    keys = ", ".join(signature.key for signature in signatures.values())
    warning = (
        f"Its signatures {keys} are one classifier at {_listed(signatures)} tokens: each text is "
        "classified by the shortest signature that it fits. With "
        f"--edge-signature={longest.signature} only that signature is judged."
    )
    return replace(longest, shorter=tuple(shorter), warnings=(*longest.warnings, warning))


def _bind_open(opened: Opened, declared: Declaration) -> CandidateSpec:
    """Bind a file with a dynamic row length, once for each declared length."""
    spec = _bind_one(opened, replace(declared, lengths=()))
    if spec.length is not None:
        raise declared.mistake(
            f"the declared lengths are {_listed(declared.lengths)}, but the file "
            f"accepts only {spec.length} tokens",
            file=opened.file,
            key="lengths",
            remedy="Remove the lengths, or convert the model with a signature for each "
            "length or with a dynamic length",
        )
    *shorter, longest = (_at_length(spec, length) for length in declared.lengths)
    return replace(longest, shorter=tuple(shorter))


def _at_length(spec: CandidateSpec, length: int) -> CandidateSpec:
    return replace(spec, inputs=tuple(replace(port, length=length) for port in spec.inputs))


def _bind_one(opened: Opened, declared: Declaration) -> CandidateSpec:
    """Return inputs, output and labels of one signature, or of a file without signatures."""
    file, contents = opened.file, opened.contents
    signature = _signature(file, contents.signatures, declared)
    number = graph_of(signature)
    graph = contents.subgraphs[number]
    if signature is not None and not _names_all(signature, graph):
        if number:
            raise _unnamed(file, signature.key)
        signature = None
    described = opened.metadata.main if opened.metadata and number == 0 else None
    inputs = _ports(
        graph.inputs,
        signature.inputs if signature else {},
        described.inputs if described else (),
    )
    outputs = _ports(
        graph.outputs,
        signature.outputs if signature else {},
        described.outputs if described else (),
    )
    operators = tuple(operator for operator in contents.operators if operator.subgraph == number)
    bound = bind_inputs(file, inputs, operators, declared)
    in_metadata = [_described_labels(opened, number, place) for place in range(len(outputs))]
    output = bind_output(file, outputs, operators, declared, [labels for labels, _ in in_metadata])
    labels, source, warnings = labels_of(file, output, declared, in_metadata[output.position])
    return CandidateSpec(
        file=file,
        signature=signature.key if signature else None,
        graph=number,
        inputs=bound,
        output=output,
        labels=labels,
        labels_found=source,
        warnings=(
            *warnings,
            *_about_graph(signature),
            *warnings_of(opened.metadata, signature, bound, output),
            *([f"The file's metadata was not used: {opened.unread}."] if opened.unread else []),
        ),
    )


def graph_of(signature: Signature | None) -> int:
    """Return the index of the graph that a signature runs; 0 without a signature."""
    return 0 if signature is None else signature.subgraph


def _check_operators(file: Path, contents: Contents) -> None:
    names = sorted({operator.name for operator in contents.operators if not operator.carried})
    if not names:
        return
    strings = [port for port in contents.subgraphs[0].inputs if port.dtype == "string"]
    also = f", and its input {strings[0].name!r} takes text itself" if strings else ""
    raise UsageMistake(
        f"needs operators that no plain TFLite runtime has: {', '.join(names)}{also}",
        file=file,
        key="operators",
        remedy="Convert only the part of the model after the token ids, with only TFLITE_BUILTINS",
    )


def _check_variables(file: Path, contents: Contents) -> None:
    if are_lost(contents.operators):
        raise UsageMistake(LOST, file=file, key="operators", remedy=REMEDY)


def _signature(
    file: Path, signatures: Sequence[Signature], declared: Declaration
) -> Signature | None:
    keys = [signature.key for signature in signatures]
    if declared.signature is not None:
        for signature in signatures:
            if signature.key == declared.signature:
                return signature
        raise declared.mistake(
            f"no signature is called {declared.signature!r}; the file's signatures "
            f"are {keys or 'none'}",
            file=file,
            key="signature",
            remedy="Give one of the file's signatures, or remove this key",
        )
    if len(signatures) > 1:
        raise UsageMistake(
            f"has {len(signatures)} signatures: {', '.join(map(repr, keys))}",
            file=file,
            key="signature",
            remedy=f'Write which signature to judge: signature = "{keys[0]}" under '
            f"[[candidates]], or --edge-signature={keys[0]}{_or_lengths(signatures)}",
        )
    return signatures[0] if signatures else None


def _or_lengths(signatures: Sequence[Signature]) -> str:
    """Return a hint if signatures look like one classifier without shared weights; "" if not."""
    lengths = _listed(alike_by_length(signatures))
    if not lengths:
        return ""
    return f"; if they are one classifier at several lengths, lengths = [{lengths}]"


def _names_all(signature: Signature, graph: Subgraph) -> bool:
    """Tell whether a signature names all inputs and outputs of its graph."""
    indices = {tensor.index for tensor in (*signature.inputs.values(), *signature.outputs.values())}
    return indices >= {tensor.index for tensor in (*graph.inputs, *graph.outputs)}


def _unnamed(file: Path, key: str) -> UsageMistake:
    """Return the error for a signature that does not name all inputs and outputs of its graph."""
    return UsageMistake(
        f"signature {key!r} runs a graph other than the first, but does not name "
        "all inputs and outputs of that graph",
        file=file,
        key="signature",
        remedy="Convert the model with a signature that names all inputs and outputs, or "
        "into a separate file",
    )


def _about_graph(signature: Signature | None) -> list[str]:
    if signature is None or not signature.subgraph:
        return []
    return [
        (
            f"Its signature {signature.key!r} runs graph {signature.subgraph} of the file: an app "
            "that invokes the interpreter, and does not call this signature, runs graph 0."
        )
    ]


def _ports(
    tensors: Sequence[Tensor], names: dict[str, Tensor], described: Sequence[TensorMetadata]
) -> list[Port]:
    """Return inputs or outputs in the graph's order, with their names in signature and metadata."""
    by_tensor = {tensor.index: name for name, tensor in names.items()}
    # If the metadata describes another number of tensors, it belongs to another file.
    names_given = (
        [metadata.name for metadata in described] if len(described) == len(tensors) else []
    )
    return [
        Port(
            name=by_tensor.get(tensor.index),
            tensor=tensor,
            position=position,
            described=names_given[position] if names_given else None,
        )
        for position, tensor in enumerate(tensors)
    ]


def labels_of(
    file: Path,
    output: OutputSpec,
    declared: Declaration,
    in_metadata: tuple[tuple[str, ...] | None, list[str]],
) -> tuple[tuple[str, ...] | None, Found | None, list[str]]:
    """Return the labels, their source, and warnings about the metadata's labels.

    Args:
        file: the FlatBuffer, for messages.
        output: the judged output.
        declared: the user's declarations.
        in_metadata: the labels in the metadata, and warnings about them.

    Raises:
        UsageMistake: the number of labels does not fit the output.
    """
    described, warnings = in_metadata
    if declared.labels is None:
        if described is not None and output.classes not in (None, len(described)):
            warnings.append(
                f"The metadata names {len(described)} labels, but the output has "
                f"{output.classes} scores, so these labels were not used."
            )
            described = None
        return described, "metadata" if described else None, warnings
    labels = check_labels(list(declared.labels), declared.where or "labels")
    if output.classes not in (None, len(labels)):
        raise declared.mistake(
            f"{len(labels)} labels are given, but the output distinguishes {output.classes} labels",
            file=file,
            key="labels",
            remedy="Give one label for each score of the output, in the same order; for a "
            "sigmoid give two",
        )
    if described is not None and described != labels:
        warnings.append(
            f"The metadata calls the labels {', '.join(described[:5])}; the declared labels "
            f"{', '.join(labels[:5])} were used instead."
        )
    return labels, "declared", warnings


def _described_labels(
    opened: Opened, graph: int, position: int
) -> tuple[tuple[str, ...] | None, list[str]]:
    """Return an output's labels in the metadata, and warnings if they cannot be used."""
    if opened.metadata is None or graph or position >= len(opened.metadata.main.outputs):
        return None, []
    files = [file for file in opened.metadata.main.outputs[position].files if file.kind == LABELS]
    if not files:
        return None, []
    chosen = _first_without_locale(files)
    try:
        packed = read_packed(opened.file, opened.data, chosen.name)
        return parse_labels(packed, chosen.name), []
    except EdgeproofError as error:
        problem = f"{chosen.name} {error.what}"
        return None, [f"The labels in the metadata cannot be used: {problem}."]


def _first_without_locale(files: Sequence[AssociatedFile]) -> AssociatedFile:
    return next((file for file in files if not file.locale), files[0])
