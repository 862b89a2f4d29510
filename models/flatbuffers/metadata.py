"""Read the TFLite metadata of a FlatBuffer, and the files that are packed behind it.

A file with metadata has two additional parts. A buffer called TFLITE_METADATA contains a second
FlatBuffer with the schema of tflite-support's `metadata_schema.fbs` (identifier M001). After the
model, there is a zip archive of vocabularies and labels. Neither is trusted: each offset is checked
before it is followed, and each file is read up to a size limit.
"""

from __future__ import annotations

import io
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from models.errors import EdgeproofError
from models.files.archives import Archive, Limits, open_archive
from models.flatbuffers.reading import buffer_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from models.flatbuffers.structure import Contents

T = TypeVar("T")

ENTRY = "TFLITE_METADATA"
IDENTIFIER = b"M001"
LABELS = "TENSOR_AXIS_LABELS"
VOCABULARY = "VOCABULARY"
_FILE_KINDS = (
    *("UNKNOWN", "DESCRIPTIONS", LABELS, "TENSOR_VALUE_LABELS", "TENSOR_AXIS_SCORE_CALIBRATION"),
    *(VOCABULARY, "SCANN_INDEX_FILE"),
)
_CONTENTS = ("none", "feature", "image", "bounding_box", "audio")
_TRANSFORMATIONS = ("IDENTITY", "LOG", "INVERSE_LOGISTIC")
# Position of a table's first field in its vtable, and the distance between fields, in bytes.
_FIRST_FIELD, _FIELD = 4, 2
# Maximum number of tables and strings in a file; a classifier has fewer than a hundred.
_MOST_PARTS = 20_000
_LIMITS = Limits(members=1_000, member=64 << 20, total=256 << 20)
_END_OF_ZIP, _LONGEST_TAIL = b"PK\x05\x06", 22 + 65_535
_REMEDY = "Write the metadata again, or judge the file without it"


@dataclass(frozen=True)
class AssociatedFile:
    """A file that the metadata mentions.

    Attributes:
        kind: TENSOR_AXIS_LABELS, VOCABULARY, ...; `TYPE_n` for a kind unknown to this reader.
        locale: the locale of its texts; "" if unknown.
    """

    name: str
    description: str
    kind: str
    locale: str


@dataclass(frozen=True)
class Normalization:
    """The process unit that normalizes values x to (x - mean) / std."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ScoreCalibration:
    """The process unit that passes scores through a sigmoid with parameters from a file."""

    transformation: str
    default: float


@dataclass(frozen=True)
class ScoreThresholding:
    """The process unit that discards scores below a threshold."""

    threshold: float


@dataclass(frozen=True)
class BertTokenizer:
    """The process unit that splits texts into word pieces."""

    vocabulary: tuple[AssociatedFile, ...]


@dataclass(frozen=True)
class SentencePieceTokenizer:
    """The process unit that tokenizes texts with a SentencePiece model."""

    model: tuple[AssociatedFile, ...]
    vocabulary: tuple[AssociatedFile, ...]


@dataclass(frozen=True)
class RegexTokenizer:
    """The process unit that splits texts into words at matches of a regular expression."""

    delimiter: str
    vocabulary: tuple[AssociatedFile, ...]


@dataclass(frozen=True)
class UnknownUnit:
    """A process unit that this reader does not know, because it is newer."""

    number: int


Tokenizer = BertTokenizer | SentencePieceTokenizer | RegexTokenizer
ProcessUnit = Tokenizer | Normalization | ScoreCalibration | ScoreThresholding | UnknownUnit


@dataclass(frozen=True)
class TensorMetadata:
    """The description of one input or output.

    Attributes:
        content: none, feature, image, bounding_box or audio.
        minimum: the smallest values by channel; () if unknown.
        maximum: the largest values by channel; () if unknown.
    """

    name: str
    description: str
    dimension_names: tuple[str, ...]
    content: str
    process_units: tuple[ProcessUnit, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]
    files: tuple[AssociatedFile, ...]


@dataclass(frozen=True)
class SubgraphMetadata:
    """The description of one graph; inputs and outputs in the graph's own order."""

    name: str
    description: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    files: tuple[AssociatedFile, ...]
    input_units: tuple[ProcessUnit, ...]
    output_units: tuple[ProcessUnit, ...]


@dataclass(frozen=True)
class PackedFile:
    """A file in the archive behind the model."""

    name: str
    bytes: int


@dataclass(frozen=True)
class ModelMetadata:
    """The TFLite metadata of a FlatBuffer.

    Attributes:
        min_parser_version: the oldest version of a reader that supports every field.
        minimum_runtime: the runtime that the model declares as the oldest that can run it; None if
            it declares none.
        packed: the files in the archive.
    """

    name: str
    description: str
    version: str
    author: str
    license: str
    subgraphs: tuple[SubgraphMetadata, ...]
    files: tuple[AssociatedFile, ...]
    min_parser_version: str
    minimum_runtime: str | None
    packed: tuple[PackedFile, ...]

    @property
    def main(self) -> SubgraphMetadata:
        """Return the metadata of the first graph; empty if there is none."""
        return self.subgraphs[0] if self.subgraphs else _NOTHING

    @property
    def units(self) -> tuple[ProcessUnit, ...]:
        """Return every process unit of the first graph."""
        tensors = (*self.main.inputs, *self.main.outputs)
        own = (unit for tensor in tensors for unit in tensor.process_units)
        return (*self.main.input_units, *own, *self.main.output_units)

    @property
    def tokenizer(self) -> Tokenizer | None:
        """Return the first tokenizer that is described; None if there is none."""
        return next((unit for unit in self.units if isinstance(unit, Tokenizer)), None)

    @property
    def every_file(self) -> tuple[AssociatedFile, ...]:
        """Return every file that the metadata mentions, each name once."""
        tensors = (*self.main.inputs, *self.main.outputs)
        spoken = [
            *self.files,
            *self.main.files,
            *(file for tensor in tensors for file in tensor.files),
        ]
        for unit in self.units:
            spoken += [*getattr(unit, "vocabulary", ()), *getattr(unit, "model", ())]
        return tuple({file.name: file for file in reversed(spoken)}.values())[::-1]


_NOTHING = SubgraphMetadata("", "", (), (), (), (), ())


class _Malformed(Exception):  # noqa: N818 - internal: becomes an EdgeproofError that names the file
    pass


def read_metadata(path: Path, data: bytes, contents: Contents) -> ModelMetadata | None:
    """Return the metadata of a FlatBuffer; None if it has none.

    Args:
        path: the path of the file, for error messages.
        data: the bytes of the file.
        contents: the result of `read_contents` for `data`.

    Raises:
        EdgeproofError: the metadata or the archive is truncated, corrupt or too large.
    """
    packed = _packed(path, data)
    buffer = contents.metadata.get(ENTRY)
    if buffer is None:
        return _without_description(contents, packed) if packed else None
    try:
        return _Decoder(buffer_bytes(data, buffer)).model(contents.declared_runtime, packed)
    except _Malformed as error:
        raise EdgeproofError(
            f"its metadata is corrupt: {error}", file=path, key=ENTRY, remedy=_REMEDY
        ) from None


def why_unread(error: EdgeproofError) -> str:
    """Return why the metadata or one of its files cannot be read, with the file's name."""
    return error.what if error.key in {None, ENTRY} else f"{error.key} {error.what}"


def read_packed(path: Path, data: bytes, name: str) -> bytes:
    """Return the content of a file in the archive behind a model.

    Raises:
        EdgeproofError: there is no such file, or it is corrupt, encrypted or too large.
    """
    with _archive(path, data) as archive:
        return archive.read(name)


@contextmanager
def _archive(path: Path, data: bytes) -> Iterator[Archive]:
    """Open the archive behind a model, and yield it."""
    remedy = "Pack its files again, and give them beside the model until then"
    opened = open_archive(io.BytesIO(data), _LIMITS, remedy=remedy, name=path, kind=EdgeproofError)
    with opened as archive:
        yield archive


def _packed(path: Path, data: bytes) -> tuple[PackedFile, ...]:
    if data.rfind(_END_OF_ZIP, max(0, len(data) - _LONGEST_TAIL)) < 0:
        return ()
    with _archive(path, data) as archive:
        return tuple(PackedFile(name, member.file_size) for name, member in archive.members.items())


def _without_description(contents: Contents, packed: tuple[PackedFile, ...]) -> ModelMetadata:
    return ModelMetadata("", "", "", "", "", (), (), "", contents.declared_runtime, packed)


class _Table:
    """A table of a FlatBuffer, which reads its fields by their index and checks every offset."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at
        self._fields = at - _number(data, "<i", at)
        self._length = _number(data, "<H", self._fields)

    def field(self, number: int) -> int | None:
        """Return the position of a field; None if the field is absent."""
        slot = _FIRST_FIELD + _FIELD * number
        if slot + _FIELD > self._length:
            return None
        offset = _number(self.data, "<H", self._fields + slot)
        return self.at + offset if offset else None

    def byte(self, number: int) -> int:
        """Return a field of one byte; 0 if the field is absent."""
        at = self.field(number)
        return 0 if at is None else _number(self.data, "<B", at)

    def real(self, number: int) -> float:
        """Return a float32 field; 0.0 if the field is absent."""
        at = self.field(number)
        return 0.0 if at is None else float(_unpacked(self.data, "<f", at)[0])

    def follow(self, number: int) -> int | None:
        """Return the position to which a field points; None if the field is absent."""
        at = self.field(number)
        return None if at is None else at + _number(self.data, "<I", at)

    def vector(self, number: int, item: int) -> tuple[int, int]:
        """Return the position of a vector's first item, and the number of items of `item` bytes."""
        start = self.follow(number)
        if start is None:
            return 0, 0
        count = _number(self.data, "<I", start)
        if start + 4 + count * item > len(self.data):
            raise _Malformed(f"a list claims {count} entries")
        return start + 4, count


class _Decoder:
    def __init__(self, data: bytes) -> None:
        if data[4:8] != IDENTIFIER:
            raise _Malformed(f"its identifier is {data[4:8]!r} instead of {IDENTIFIER!r}")
        self._data, self._left = data, _MOST_PARTS

    def model(self, runtime: str | None, packed: tuple[PackedFile, ...]) -> ModelMetadata:
        table = self._table(_number(self._data, "<I", 0))
        return ModelMetadata(
            name=self._text(table, 0),
            description=self._text(table, 1),
            version=self._text(table, 2),
            author=self._text(table, 4),
            license=self._text(table, 5),
            subgraphs=self._each(table, 3, self._subgraph),
            files=self._each(table, 6, self._file),
            min_parser_version=self._text(table, 7),
            minimum_runtime=runtime,
            packed=packed,
        )

    def _subgraph(self, table: _Table) -> SubgraphMetadata:
        return SubgraphMetadata(
            name=self._text(table, 0),
            description=self._text(table, 1),
            inputs=self._each(table, 2, self._tensor),
            outputs=self._each(table, 3, self._tensor),
            files=self._each(table, 4, self._file),
            input_units=self._each(table, 5, self._unit),
            output_units=self._each(table, 6, self._unit),
        )

    def _tensor(self, table: _Table) -> TensorMetadata:
        content, stats = self._inner(table, 3), self._inner(table, 5)
        kind = 0 if content is None else content.byte(0)
        return TensorMetadata(
            name=self._text(table, 0),
            description=self._text(table, 1),
            dimension_names=tuple(self._texts(table, 2)),
            content=_named(_CONTENTS, kind),
            process_units=self._each(table, 4, self._unit),
            minimum=() if stats is None else self._reals(stats, 1),
            maximum=() if stats is None else self._reals(stats, 0),
            files=self._each(table, 6, self._file),
        )

    def _file(self, table: _Table) -> AssociatedFile:
        return AssociatedFile(
            name=self._text(table, 0),
            description=self._text(table, 1),
            kind=_named(_FILE_KINDS, table.byte(2)),
            locale=self._text(table, 3),
        )

    def _unit(self, table: _Table) -> ProcessUnit:
        number, options = table.byte(0), self._inner(table, 1)
        read = self._units().get(number)
        return UnknownUnit(number) if read is None or options is None else read(options)

    def _units(self) -> dict[int, Callable[[_Table], ProcessUnit]]:
        return {
            1: lambda table: Normalization(self._reals(table, 0), self._reals(table, 1)),
            2: lambda table: ScoreCalibration(
                _named(_TRANSFORMATIONS, table.byte(0)), table.real(1)
            ),
            3: lambda table: ScoreThresholding(table.real(0)),
            4: lambda table: BertTokenizer(self._each(table, 0, self._file)),
            5: lambda table: SentencePieceTokenizer(
                self._each(table, 0, self._file), self._each(table, 1, self._file)
            ),
            6: lambda table: RegexTokenizer(self._text(table, 0), self._each(table, 1, self._file)),
        }

    def _table(self, at: int) -> _Table:
        # Several fields can refer to one table. So the number of times that tables are read is
        # limited: the size of the file does not limit the cost.
        self._left -= 1
        if self._left < 0:
            raise _Malformed(f"it has more than {_MOST_PARTS} parts")
        return _Table(self._data, at)

    def _inner(self, table: _Table, number: int) -> _Table | None:
        at = table.follow(number)
        return None if at is None else self._table(at)

    def _each(self, table: _Table, number: int, read: Callable[[_Table], T]) -> tuple[T, ...]:
        return tuple(read(self._table(at)) for at in self._pointers(table, number))

    def _texts(self, table: _Table, number: int) -> Iterator[str]:
        for at in self._pointers(table, number):
            yield self._string(at)

    def _pointers(self, table: _Table, number: int) -> Iterator[int]:
        start, count = table.vector(number, 4)
        for at in range(start, start + 4 * count, 4):
            yield at + _number(self._data, "<I", at)

    def _reals(self, table: _Table, number: int) -> tuple[float, ...]:
        start, count = table.vector(number, 4)
        self._left -= count
        if self._left < 0:
            raise _Malformed(f"it has more than {_MOST_PARTS} parts")
        return tuple(float(value) for value in _unpacked(self._data, f"<{count}f", start))

    def _text(self, table: _Table, number: int) -> str:
        at = table.follow(number)
        return "" if at is None else self._string(at)

    def _string(self, at: int) -> str:
        length = _number(self._data, "<I", at)
        # A long text counts as several parts, so that many references to one text stay affordable.
        self._left -= 1 + length // 256
        if self._left < 0 or at + 4 + length > len(self._data):
            raise _Malformed(f"a text claims {length} bytes")
        return self._data[at + 4 : at + 4 + length].decode("utf-8", errors="replace")


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else f"TYPE_{number}"


def _number(data: bytes, form: str, at: int) -> int:
    return int(_unpacked(data, form, at)[0])


def _unpacked(data: bytes, form: str, at: int) -> tuple[float, ...]:
    # Python would count a negative offset from the end.
    if at < 0 or at + struct.calcsize(form) > len(data):
        raise _Malformed(f"an offset leads to byte {at} of {len(data)}")
    return struct.unpack_from(form, data, at)
