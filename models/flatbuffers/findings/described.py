"""Find contradictions between a file's metadata and its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import EdgeproofError
from models.flatbuffers.findings.finding import Finding, Inspected, limits, several
from models.flatbuffers.metadata import LABELS, Normalization, ScoreCalibration, read_packed
from models.flatbuffers.runtimes import version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.flatbuffers.metadata import AssociatedFile, TensorMetadata
    from models.flatbuffers.structure import Tensor

_WRITE_AGAIN = "Write the metadata again, from the converted file"
_LOOKUPS = {"GATHER": (0, 1), "EMBEDDING_LOOKUP": (1, 0)}


def _unread(inspected: Inspected) -> Iterator[Finding]:
    if inspected.unread is not None:
        yield Finding(
            "metadata-unread",
            "warning",
            f"Its metadata cannot be read: {inspected.unread}.",
            (),
            _WRITE_AGAIN,
        )


def _ports(inspected: Inspected) -> Iterator[Finding]:
    if inspected.metadata is None:
        return
    main = inspected.metadata.main
    sides: tuple[tuple[str, Sequence[TensorMetadata], Sequence[Tensor]], ...] = (
        ("inputs", main.inputs, inspected.inputs),
        ("outputs", main.outputs, inspected.outputs),
    )
    for side, described, tensors in sides:
        if described and len(described) != len(tensors):
            yield Finding(
                "metadata-ports",
                "warning",
                f"The metadata describes {len(described)} {side}, "
                f"but the graph has {len(tensors)}.",
                (),
                _WRITE_AGAIN,
            )
        elif described:
            yield from _names(side, described, tensors)


def _names(
    side: str, described: Sequence[TensorMetadata], tensors: Sequence[Tensor]
) -> Iterator[Finding]:
    """Yield a finding if metadata and graph name the same tensors in different orders."""
    described_names, tensor_names = (
        [_bare(port.name) for port in described],
        [_bare(port.name) for port in tensors],
    )
    if (
        described_names != tensor_names
        and len(set(described_names)) > 1
        and sorted(described_names) == sorted(tensor_names)
    ):
        yield Finding(
            "metadata-order",
            "warning",
            f"The metadata describes its {side} in the order {several(described_names)}, "
            f"but the graph has them in the order {several(tensor_names)}.",
            tuple(described_names),
            _WRITE_AGAIN,
        )


def _bare(name: str) -> str:
    return name.rsplit("/", 1)[-1].removeprefix("serving_default_").partition(":")[0].lower()


def _files(inspected: Inspected) -> Iterator[Finding]:
    if inspected.metadata is None:
        return
    packed = {file.name for file in inspected.metadata.packed}
    missing = [file.name for file in inspected.metadata.every_file if file.name not in packed]
    if missing:
        yield Finding(
            "metadata-file-missing",
            "warning",
            f"The metadata names files that are not packed behind the model: {several(missing)}.",
            tuple(missing),
            "Pack them (MetadataPopulator.load_associated_files), and keep the archive at the end",
        )
    if not inspected.metadata.subgraphs and packed:
        yield Finding(
            "files-without-metadata",
            "note",
            f"Files are packed behind the model, but no metadata describes them: "
            f"{several(sorted(packed))}.",
            tuple(sorted(packed)),
            _WRITE_AGAIN,
        )


def _labels(inspected: Inspected) -> Iterator[Finding]:
    if inspected.metadata is None:
        return
    described = inspected.metadata.main.outputs
    if len(described) != len(inspected.outputs):
        return
    for description, tensor in zip(described, inspected.outputs, strict=True):
        classes = tensor.shape[-1] if tensor.shape and not tensor.dynamic[-1] else None
        expected = 2 if classes == 1 else classes
        for file in description.files:
            lines = _lines(inspected, file) if file.kind == LABELS else None
            if lines is not None and expected is not None and lines != expected:
                yield Finding(
                    "metadata-labels",
                    "warning",
                    f"{file.name!r} contains {lines} labels, but output {tensor.name!r} "
                    f"distinguishes {expected}.",
                    (file.name, tensor.name),
                    "Pack the labels that the model was trained with, in the order of its output",
                )


def _lines(inspected: Inspected, file: AssociatedFile) -> int | None:
    """Return the number of non-empty lines of a file in the archive; None if it cannot be read."""
    if file.name not in {
        packed.name for packed in (inspected.metadata.packed if inspected.metadata else ())
    }:
        return None
    try:
        content = read_packed(inspected.report.path, inspected.data, file.name)
    except EdgeproofError:
        return None  # `_packed` reports this file
    return sum(1 for line in content.splitlines() if line.strip())


def _packed(inspected: Inspected) -> Iterator[Finding]:
    """Find files that the metadata mentions and the archive contains, but that cannot be read."""
    if inspected.metadata is None:
        return
    packed = {file.name for file in inspected.metadata.packed}
    for file in inspected.metadata.every_file:
        if file.name in packed:
            try:
                read_packed(inspected.report.path, inspected.data, file.name)
            except EdgeproofError as error:
                yield Finding(
                    "metadata-file-unread",
                    "warning",
                    f"The packed file {file.name!r} {error.what}.",
                    (file.name,),
                    error.remedy,
                )


def _vocabulary(inspected: Inspected) -> Iterator[Finding]:
    tokenizer = inspected.metadata.tokenizer if inspected.metadata else None
    rows = _rows(inspected)
    for file in tokenizer.vocabulary if tokenizer is not None and rows else ():
        words = _lines(inspected, file)
        if words is not None and words > rows:
            yield Finding(
                "metadata-vocabulary",
                "warning",
                f"{file.name!r} has {words} words, but the embedding table has {rows} rows: a "
                "larger id fails, or reads other data.",
                (file.name,),
                "Pack the vocabulary that the model was trained with",
            )


def _rows(inspected: Inspected) -> int:
    """Return the number of rows of the largest lookup table; 0 if there is none."""
    rows = [0]
    for operator in inspected.main:
        if operator.name in _LOOKUPS:
            at, _ = _LOOKUPS[operator.name]
            table = operator.inputs[at] if at < len(operator.inputs) else None
            if table is not None and len(table.shape) > 1 and not table.dynamic[0]:
                rows.append(table.shape[0])
    return max(rows)


def _units(inspected: Inspected) -> Iterator[Finding]:
    for unit in inspected.metadata.units if inspected.metadata else ():
        if isinstance(unit, Normalization) and (
            any(unit.mean) or any(deviation != 1.0 for deviation in unit.std)
        ):
            yield Finding(
                "metadata-normalization",
                "warning",
                f"The metadata normalizes values by mean {list(unit.mean)} and std "
                f"{list(unit.std)}, but ids must not be normalized.",
                (),
                "Remove the normalization: an app that applies it feeds wrong ids",
            )
        elif isinstance(unit, ScoreCalibration):
            yield Finding(
                "metadata-calibration",
                "note",
                "The metadata calibrates scores outside of the graph: an app that applies it shows "
                "other scores than the graph's.",
                (),
                "Decide whether scores are judged before or after calibration",
            )


def _parser(inspected: Inspected) -> Iterator[Finding]:
    version = inspected.metadata.min_parser_version if inspected.metadata else ""
    if version_key(version) > version_key(limits().metadata_parser):
        yield Finding(
            "metadata-newer",
            "note",
            f"Its metadata needs a reader of version {version}, but this one supports "
            f"{limits().metadata_parser}.",
            (),
            "Read the metadata with a newer reader, because some fields are not shown here",
        )


CHECKS = (*(_unread, _ports, _files, _packed, _labels, _vocabulary, _units, _parser),)
