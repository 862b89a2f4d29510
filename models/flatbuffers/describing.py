"""Describe a FlatBuffer as a document for programs and as text for people."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from models.errors import EdgeproofError
from models.escaping import one_line
from models.flatbuffers.findings import Finding, Inspected, findings_of
from models.flatbuffers.findings.schemes import claim_of
from models.flatbuffers.inspect import report_of
from models.flatbuffers.lengths import tokens_of
from models.flatbuffers.metadata import read_metadata, why_unread
from models.flatbuffers.opening import Damaged, read_flatbuffer
from models.flatbuffers.reading import read_contents
from models.flatbuffers.recognizing import recognized
from models.flatbuffers.runtimes import minimum_runtime, runtime_needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from models.flatbuffers.metadata import ModelMetadata, ProcessUnit
    from models.flatbuffers.structure import DtypeShare, Tensor

# Version of the document. It increases when a key changes its meaning or is removed.
VERSION = 1


def inspect_file(path: Path, claimed: str | None = None, claimed_by: str = "--as") -> Inspected:
    """Read a file, and return all data that the checks for findings need.

    Args:
        path: the path of the file.
        claimed: the scheme that the file should have; by default the one in the file's name.
        claimed_by: the source of `claimed`, for messages.

    Raises:
        EdgeproofError: the file cannot be read, is not a FlatBuffer, or is damaged.
    """
    data = read_flatbuffer(path)
    contents = read_contents(path, data)
    metadata: ModelMetadata | None = None
    unread: str | None = None
    try:
        metadata = read_metadata(path, data, contents)
    except EdgeproofError as error:
        unread = why_unread(error)
    declared = claimed is not None
    if claimed is None:
        claimed, claimed_by = claim_of(path), "Its name"
    report = report_of(path, data, contents)
    return Inspected(
        data=data,
        report=report,
        metadata=metadata,
        unread=unread,
        scheme=recognized(report),
        claimed=claimed,
        claimed_by=claimed_by,
        declared=declared,
    )


def document_of(inspected: Inspected, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the description of a file as a document for programs.

    Numbers that are not finite become None.
    """
    report = inspected.report
    document = {
        "version": VERSION,
        "file": str(report.path),
        "sha256": report.sha256,
        "bytes": report.flatbuffer_bytes,
        "bytes_zipped": report.flatbuffer_zipped,
        "description": report.description,
        "scheme": {
            "is": inspected.scheme.name,
            "said": inspected.claimed,
            "said_by": inspected.claimed_by if inspected.claimed else None,
            "weight_shares": inspected.scheme.shares,
        },
        "runtime": {"needed": minimum_runtime(report), "declared": report.declared_runtime},
        "inputs": [_tensor(port) for port in inspected.inputs],
        "outputs": [_tensor(output) for output in inspected.outputs],
        "signatures": [
            {
                "key": signature.key,
                "subgraph": signature.subgraph,
                "tokens": tokens_of(signature),
                "inputs": {name: _tensor(tensor) for name, tensor in signature.inputs.items()},
                "outputs": {name: _tensor(tensor) for name, tensor in signature.outputs.items()},
            }
            for signature in report.signatures
        ],
        "operators": _operators(inspected),
        "arithmetic": dict(report.arithmetic),
        "multiply_accumulates": {
            "integer": report.integer_macs,
            "hybrid": report.hybrid_macs,
            "float": report.float_macs,
        },
        "weights": _census(report.weight_census),
        "activations": _census(report.activation_census),
        "subgraphs": [subgraph.name for subgraph in report.subgraphs],
        "variables": [variable.name for variable in report.tensors if variable.variable],
        "metadata": None if inspected.metadata is None else _metadata(inspected.metadata),
        "findings": [_finding(finding) for finding in findings],
    }
    finite: dict[str, Any] = _finite(document)
    return finite


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def damaged_document(error: EdgeproofError) -> dict[str, Any]:
    """Return the document for programs that says why a file cannot be inspected."""
    kind = error.damage.id if isinstance(error, Damaged) else "unreadable"
    finding = Finding(kind, "error", f"It {error.what}.", (), error.remedy)
    return {"version": VERSION, "file": error.file, "findings": [_finding(finding)]}


def _finding(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "where": list(finding.where)}


def _tensor(tensor: Tensor) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "name": tensor.name,
        "shape": [
            -1 if open_ else size for size, open_ in zip(tensor.shape, tensor.dynamic, strict=False)
        ],
        "dtype": tensor.dtype,
        "scale": quantization.scales[0]
        if quantization is not None and len(quantization.scales) == 1
        else None,
        "zero_point": (*quantization.zero_points, 0)[0] if quantization is not None else None,
    }


def _operators(inspected: Inspected) -> list[dict[str, Any]]:
    runtimes = {
        (need.operator, need.declared): need for need in runtime_needs(inspected.report.operators)
    }
    counts = Counter(
        (operator.name, operator.version, operator.custom)
        for operator in inspected.report.operators
    )
    entries = []
    for (name, version, custom), count in counts.most_common():
        need = runtimes.get((name, version))
        entries.append(
            {
                "name": name,
                "version": version,
                "count": count,
                "custom": custom,
                "version_needed": need.version if need else None,
                "runtime": need.runtime if need else None,
            }
        )
    return entries


def _census(shares: Sequence[DtypeShare]) -> dict[str, dict[str, int]]:
    return {share.dtype: {"tensors": share.tensors, "bytes": share.bytes} for share in shares}


def _metadata(metadata: ModelMetadata) -> dict[str, Any]:
    main = metadata.main
    return {
        "name": metadata.name,
        "description": metadata.description,
        "version": metadata.version,
        "author": metadata.author,
        "license": metadata.license,
        "min_parser_version": metadata.min_parser_version,
        "inputs": [_described(tensor) for tensor in main.inputs],
        "outputs": [_described(output) for output in main.outputs],
        "input_units": [_unit(unit) for unit in main.input_units],
        "output_units": [_unit(unit) for unit in main.output_units],
        "files": [asdict(file) for file in metadata.every_file],
        "packed": {file.name: file.bytes for file in metadata.packed},
    }


def _described(port: Any) -> dict[str, Any]:
    return {
        "name": port.name,
        "description": port.description,
        "content": port.content,
        "process_units": [_unit(unit) for unit in port.process_units],
        "files": [file.name for file in port.files],
    }


def _unit(unit: ProcessUnit) -> dict[str, Any]:
    return {"kind": type(unit).__name__, **asdict(unit)}


def text_of(document: dict[str, Any]) -> str:
    """Return the text for people that describes the same as a document, ending in a line break."""
    return "\n".join(map(one_line, _lines(document))) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    scheme, runtime = document["scheme"], document["runtime"]
    claim = f" ({scheme['said_by']} says {scheme['said']})" if scheme["said"] else ""
    yield f"{document['file']}: {document['bytes']} bytes, sha256 {document['sha256'][:16]}"
    yield f"scheme      {scheme['is']}{claim}"
    declared = f" (declared: {runtime['declared']})" if runtime["declared"] else ""
    yield f"runtime     TFLite {runtime['needed']} or newer{declared}"
    yield from _ports("inputs", document["inputs"])
    yield from _ports("outputs", document["outputs"])
    for signature in document["signatures"]:
        names = f"{', '.join(signature['inputs'])} -> {', '.join(signature['outputs'])}"
        # With a single signature, the inputs listed above already show the length.
        several = len(document["signatures"]) > 1 and signature["tokens"] is not None
        tokens = f", rows of {signature['tokens']} tokens" if several else ""
        yield f"signature   {signature['key']!r}: {names}{tokens}"
    yield f"weights     {_shares(document['weights'])}"
    yield f"activations {_shares(document['activations'])}"
    yield from _operator_lines(document["operators"])
    if len(document["subgraphs"]) > 1:
        yield f"subgraphs   {len(document['subgraphs'])}"
    if document["variables"]:
        yield f"variables   {', '.join(map(repr, document['variables']))}"
    if document["metadata"] is not None:
        yield from _metadata_lines(document["metadata"])
    yield from _finding_lines(document["findings"])


def _ports(title: str, ports: list[dict[str, Any]]) -> Iterator[str]:
    for place, port in enumerate(ports):
        scale = ""
        if port["scale"] is not None:
            scale = f", scale {port['scale']:.6g}, zero point {port['zero_point']}"
        shape = ", ".join(map(str, port["shape"]))
        head = title if not place else ""
        yield f"{head:<11} {place} {port['name']!r} {port['dtype']} [{shape}]{scale}"


def _shares(census: dict[str, dict[str, int]]) -> str:
    parts = [
        f"{entry['bytes']} bytes {dtype} in {entry['tensors']}" for dtype, entry in census.items()
    ]
    return ", ".join(parts) or "none"


def _operator_lines(operators: list[dict[str, Any]]) -> Iterator[str]:
    for place, operator in enumerate(operators):
        needs = ""
        if operator["version_needed"] not in (None, operator["version"]):
            needs = f", needs v{operator['version_needed']}"
        since = f", TFLite {operator['runtime']}" if operator["runtime"] else ""
        custom = ", custom" if operator["custom"] else ""
        head = "operators" if not place else ""
        name = f"{operator['name']!s} v{operator['version']}{needs}{since}{custom}"
        yield f"{head:<11} {operator['count']} {name}"


def _metadata_lines(metadata: dict[str, Any]) -> Iterator[str]:
    yield f"metadata    {metadata['name']!r} {metadata['description']!r}".rstrip()
    for side in ("inputs", "outputs"):
        for port in metadata[side]:
            files = f", files {', '.join(map(repr, port['files']))}" if port["files"] else ""
            yield f"            {side[:-1]} {port['name']!r}{files}{_units(port['process_units'])}"
    yield from (f"            {_units([unit])[2:]}" for unit in metadata["input_units"])
    for name, size in metadata["packed"].items():
        yield f"            packed {name!r}, {size} bytes"


def _units(units: list[dict[str, Any]]) -> str:
    parts = []
    for unit in units:
        delimiter = f" {unit['delimiter']!r}" if "delimiter" in unit else ""
        words = [repr(file["name"]) for file in unit.get("vocabulary", ())]
        parts.append(f", {unit['kind']}{delimiter} {' '.join(words)}".rstrip())
    return "".join(parts)


def _finding_lines(findings: list[dict[str, Any]]) -> Iterator[str]:
    if not findings:
        yield "findings    none"
    for finding in findings:
        yield ""
        yield f"{finding['severity']}: {finding['id']}: {finding['what']}"
        yield f"    {finding['remedy']}."


__all__ = ["damaged_document", "document_of", "findings_of", "inspect_file", "text_of"]
