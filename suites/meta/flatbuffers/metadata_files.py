"""Write TFLite metadata by field numbers, in the form of tflite-support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.meta.flatbuffer_writer import Scalar, Table, Vector, f32, pack, u8, with_files

if TYPE_CHECKING:
    from suites.meta.flatbuffer_writer import Model


def associated(name: str, kind: int = 0, description: str = "", locale: str = "") -> Table:
    """Return the entry of an associated file in the metadata."""
    return Table({0: name, 1: description, 2: Scalar("Int8", kind), 3: locale})


def unit(number: int, options: dict[int, Any]) -> Table:
    """Return a process unit from the number of its type in the schema's union, and its options."""
    return Table({0: u8(number), 1: Table(options)})


def normalization(mean: list[float], std: list[float]) -> Table:
    """Return the process unit that normalizes values."""
    return unit(1, {0: Vector("Float32", mean), 1: Vector("Float32", std)})


def calibration(transformation: int, default: float) -> Table:
    """Return the process unit that calibrates scores."""
    return unit(2, {0: Scalar("Int8", transformation), 1: f32(default)})


def thresholding(threshold: float) -> Table:
    """Return the process unit that discards scores below a threshold."""
    return unit(3, {0: f32(threshold)})


def bert_tokenizer(*files: Table) -> Table:
    """Return the process unit of a tokenizer of word pieces."""
    return unit(4, {0: list(files)})


def sentencepiece_tokenizer(model: Table, *vocabulary: Table) -> Table:
    """Return the process unit of a tokenizer with a SentencePiece model."""
    return unit(5, {0: [model], 1: list(vocabulary)})


def regex_tokenizer(delimiter: str, *files: Table) -> Table:
    """Return the process unit of a tokenizer that splits at matches of a regular expression."""
    return unit(6, {0: delimiter, 1: list(files)})


def tensor_metadata(
    name: str,
    *,
    units: list[Table] | None = None,
    files: list[Table] | None = None,
    content: int = 1,
    limits: tuple[list[float], list[float]] | None = None,
) -> Table:
    """Return the metadata of an input or output; `limits` are its smallest and largest value."""
    fields: dict[int, Any] = {
        0: name,
        1: f"about {name}",
        2: ["batch", "tokens"],
        3: Table({0: u8(content), 1: Table({0: u8(0)})}),
        4: units or [],
        6: files or [],
    }
    if limits is not None:
        low, high = limits
        fields[5] = Table({0: Vector("Float32", high), 1: Vector("Float32", low)})
    return Table(fields)


def model_metadata(
    inputs: list[Table],
    outputs: list[Table],
    *,
    units: list[Table] | None = None,
    parser: str = "1.2.0",
) -> bytes:
    """Return the FlatBuffer of a model's metadata."""
    graph = Table({0: "graph", 1: "", 2: inputs, 3: outputs, 4: [], 5: units or [], 6: []})
    root = {
        0: "Sentiment",
        1: "of texts",
        2: "v3",
        3: [graph],
        4: "A",
        5: "Apache",
        6: [],
        7: parser,
    }
    return pack(Table(root), b"M001")


def described(  # noqa: PLR0913 - callers pass the parts of the metadata by name
    model: Model,
    inputs: list[Table],
    outputs: list[Table],
    *,
    units: list[Table] | None = None,
    packed: dict[str, bytes] | None = None,
    parser: str = "1.2.0",
    runtime: str | None = None,
) -> bytes:
    """Return a model's file with metadata and the files that it names."""
    model.metadata["TFLITE_METADATA"] = model_metadata(inputs, outputs, units=units, parser=parser)
    if runtime is not None:
        model.metadata["min_runtime_version"] = runtime.encode().ljust(16, b"\0")
    data = model.pack()
    return with_files(data, packed) if packed else data
