"""Read a TFLite FlatBuffer without a runtime, checking all of its offsets.

The `tflite` package parses the schema but checks nothing. Here, the length of each vector, each
index, and the size of each constant are checked before they are used, so that a corrupt file causes
one message and never a crash, a hang or a wrong report.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from models.files.arrays import MOST_DIMENSIONS
from models.flatbuffers.calls import called_by
from models.flatbuffers.dtypes import SCHEMA_DTYPES, packed_bytes
from models.flatbuffers.opening import IDENTIFIER, Damage, Damaged, damage_of, foreign
from models.flatbuffers.structure import (
    Contents,
    Operator,
    Quantization,
    Signature,
    Subgraph,
    Tensor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_REMEDY = "Build it again, or fetch it again and compare its sha256"

_CUSTOM_CODE = 32
_BATCH_MATMUL = 126
_BLOCKWISE_DETAILS = 2

# Maximum number of tables in a file; BERT-large as edgeproof converts it to int8 has 5,000.
_MOST_TABLES = 50_000
_LONGEST_SHOWN = 80

# Errors of the schema parser for an offset or a length that leads out of the file.
_PARSER_ERRORS = (
    struct.error,
    IndexError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
)


class _Malformed(Exception):  # noqa: N818 - internal: becomes an error that names the file
    pass


def read_contents(path: Path, data: bytes) -> Contents:
    """Decode the contents of a TFLite FlatBuffer, checking every offset.

    Args:
        path: path of the file, for error messages.
        data: bytes of the file.

    Raises:
        EdgeproofError: the file is empty, not a TFLite FlatBuffer, truncated or corrupt.
    """
    foreign_format = foreign(data)
    if foreign_format is not None:
        raise Damaged(foreign_format, path)
    try:
        return _Decoder(data).contents()
    except _Malformed as error:
        problem = str(error)
    except _PARSER_ERRORS:
        problem = "an offset or a length leads outside of it"
    damage = f"is a truncated or corrupt FlatBuffer of {len(data)} bytes: {problem}"
    raise Damaged(damage_of(data) or Damage("corrupt", damage, _REMEDY), path)


def buffer_bytes(data: bytes, index: int) -> bytes:
    """Return the content of a FlatBuffer's buffer.

    Args:
        data: a FlatBuffer that `read_contents` has accepted.
        index: index of the buffer.
    """
    from tflite.Model import Model  # noqa: PLC0415 - takes 0.3 s, which pytest's collection need not pay

    return content_of_buffer(data, Model.GetRootAs(data, 0).Buffers(index))


def content_of_buffer(data: bytes, buffer: Any) -> bytes:
    """Return the content of a buffer, given as the schema's object."""
    if buffer.Offset() > 1:  # files above 2 GB store buffers behind the FlatBuffer
        return data[buffer.Offset() : buffer.Offset() + buffer.Size()]
    return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b""


class _Decoder:
    def __init__(self, data: bytes) -> None:
        from tflite.Model import Model  # noqa: PLC0415 - takes 0.3 s, which pytest's collection need not pay

        self._size = len(data)
        # In ordinary files, tables rarely share vectors and names, so copies of all of them are
        # hardly larger than the file. This limit and the number of tables bound the cost of a
        # hostile file.
        self._allowance = 4 * len(data)
        self._tables = _MOST_TABLES
        self._model = Model.GetRootAs(data, 0)

    def contents(self) -> Contents:
        model = self._model
        self._buffers = self._constant_sizes()
        self._codes = [
            self._operator_code(model.OperatorCodes(i))
            for i in self._each(model.OperatorCodesLength(), "operator codes")
        ]
        subgraphs = [model.Subgraphs(i) for i in self._each(model.SubgraphsLength(), "subgraphs")]
        if not subgraphs:
            raise _Malformed("it holds no subgraph")
        self._graphs = range(len(subgraphs))
        tensors = [self._tensors(graph) for graph in subgraphs]
        metadata = self._metadata()
        return Contents(
            identifier=IDENTIFIER,
            schema_version=model.Version(),
            description=self._text(model.Description()),
            declared_runtime=self._declared_runtime(metadata),
            signatures=self._signatures(tensors),
            operators=tuple(
                operator
                for number, graph in enumerate(subgraphs)
                for operator in self._operators(number, graph, tensors[number])
            ),
            tensors=tuple(tensor for graph in tensors for tensor in graph),
            subgraphs=tuple(
                self._subgraph(graph, tensors[number]) for number, graph in enumerate(subgraphs)
            ),
            metadata=metadata,
        )

    def _subgraph(self, graph: Any, tensors: list[Tensor]) -> Subgraph:
        name = self._text(graph.Name())
        inputs = self._numbers(graph.InputsLength(), graph.InputsAsNumpy, "graph inputs")
        outputs = self._numbers(graph.OutputsLength(), graph.OutputsAsNumpy, "graph outputs")
        return Subgraph(
            name=name,
            inputs=tuple(self._at(tensors, at, "an input of the graph is tensor") for at in inputs),
            outputs=tuple(
                self._at(tensors, at, "an output of the graph is tensor") for at in outputs
            ),
        )

    def _each(self, count: int, name: str) -> range:
        """Return the indices 0 to `count` - 1 of a vector of tables, after checking its length."""
        self._claim(count, name, 4)
        self._tables -= count
        if self._tables < 0:
            raise _Malformed(f"it has more than {_MOST_TABLES:,} tensors, operators and buffers")
        return range(count)

    def _claim(self, count: int, name: str, item_bytes: int) -> None:
        """Count bytes that are about to be copied; raise `_Malformed` if they are too many."""
        self._allowance -= count * item_bytes
        if count * item_bytes > self._size or self._allowance < 0:
            raise _Malformed(f"its {name} claim {count} entries")

    def _numbers(self, length: int, read: Callable[[], Any], name: str, item_bytes: int = 4) -> Any:
        self._claim(length, name, item_bytes)
        return tuple(read().tolist()) if length else ()

    def _shape(self, length: int, read: Callable[[], Any], name: str) -> tuple[int, ...]:
        if length > MOST_DIMENSIONS:
            raise _Malformed(f"{name} has {length} dimensions, at most {MOST_DIMENSIONS} are read")
        return tuple(self._numbers(length, read, name))

    def _text(self, raw: bytes | None) -> str:
        """Decode a name; count its bytes each time, because tables can share a name."""
        self._claim(len(raw or b""), "names", 1)
        return "" if raw is None else raw.decode("utf-8", errors="replace")

    def _constant_sizes(self) -> list[int]:
        sizes = []
        for i in self._each(self._model.BuffersLength(), "buffers"):
            buffer = self._model.Buffers(i)
            size, start = buffer.DataLength(), 0
            if buffer.Offset() > 1:  # files above 2 GB store buffers behind the FlatBuffer
                size, start = buffer.Size(), buffer.Offset()
            if start + size > self._size:
                raise _Malformed(f"buffer {i} claims {size} bytes")
            sizes.append(size)
        return sizes

    def _operator_code(self, code: Any) -> tuple[int, int, str | None]:
        """Return an operator code as (code of a built-in operator, version, custom code).

        The first is the maximum of two fields, as in TFLite's own reader: some writers leave the
        deprecated field at 0, for which the accessor of the `tflite` package returns ADD.
        """
        current = _int32_field(code._tab, 10)  # noqa: SLF001 - the raw field has no accessor
        number = max(code.DeprecatedBuiltinCode(), current or 0)
        custom = self._text(code.CustomCode()) if number == _CUSTOM_CODE else None
        return number, code.Version(), custom

    def _tensors(self, graph: Any) -> list[Tensor]:
        return [
            self._tensor(i, graph.Tensors(i)) for i in self._each(graph.TensorsLength(), "tensors")
        ]

    def _tensor(self, index: int, tensor: Any) -> Tensor:
        name = self._text(tensor.Name())
        owner = f"tensor {_clipped(name)}"
        shape = self._shape(tensor.ShapeLength(), tensor.ShapeAsNumpy, owner)
        signature = self._shape(tensor.ShapeSignatureLength(), tensor.ShapeSignatureAsNumpy, owner)
        dtype, bits = SCHEMA_DTYPES.get(tensor.Type(), (f"type_{tensor.Type()}", None))
        constant = self._at(self._buffers, tensor.Buffer(), f"{owner} names buffer")
        expected = packed_bytes(shape, bits) if bits else constant
        if constant not in (0, expected) and tensor.Sparsity() is None:
            raise _Malformed(f"{owner} of shape {list(shape)} {dtype} holds {constant} bytes")
        return Tensor(
            index=index,
            name=name,
            shape=tuple(max(size, 1) for size in shape),
            dynamic=tuple(size < 0 for size in signature or shape),
            dtype=dtype,
            buffer=tensor.Buffer(),
            constant_bytes=constant,
            quantization=self._quantization(tensor.Quantization(), owner, len(shape)),
            variable=bool(tensor.IsVariable()),
        )

    def _quantization(self, stored: Any, owner: str, rank: int) -> Quantization | None:
        if stored is None:
            return None
        scales = self._numbers(stored.ScaleLength(), stored.ScaleAsNumpy, owner)
        zeros = self._numbers(
            stored.ZeroPointLength(), stored.ZeroPointAsNumpy, owner, item_bytes=8
        )
        if stored.DetailsType() == _BLOCKWISE_DETAILS:
            return Quantization(scales, zeros, axis=None, block=_block_size(stored))
        if not scales:
            return None
        axis = stored.QuantizedDimension() if len(scales) > 1 else None
        if axis is not None and not 0 <= axis < rank:
            raise _Malformed(f"{owner} is quantized along dimension {axis} of {rank}")
        return Quantization(scales, zeros, axis=axis)

    def _operators(self, number: int, graph: Any, tensors: list[Tensor]) -> list[Operator]:
        operators = []
        for i in self._each(graph.OperatorsLength(), "operators"):
            stored = graph.Operators(i)
            owner = f"operator {i}"
            code, version, custom = self._at(
                self._codes, stored.OpcodeIndex(), f"{owner} names operator code"
            )
            inputs = self._numbers(stored.InputsLength(), stored.InputsAsNumpy, owner)
            outputs = self._numbers(stored.OutputsLength(), stored.OutputsAsNumpy, owner)
            operator = Operator(
                index=i,
                subgraph=number,
                name=custom if custom is not None else _builtin_name(code),
                code=code,
                version=version,
                custom=custom is not None,
                inputs=tuple(
                    None if at == -1 else self._at(tensors, at, f"{owner} reads tensor")
                    for at in inputs
                ),
                outputs=tuple(self._at(tensors, at, f"{owner} writes tensor") for at in outputs),
                transposed=_transposed(stored) if code == _BATCH_MATMUL else (False, False),
                calls=tuple(
                    self._at(self._graphs, at, f"{owner} calls graph")
                    for at in called_by(stored, code)
                ),
            )
            operators.append(operator)
        return operators

    def _signatures(self, tensors: list[list[Tensor]]) -> tuple[Signature, ...]:
        signatures = []
        for i in self._each(self._model.SignatureDefsLength(), "signatures"):
            stored = self._model.SignatureDefs(i)
            key = self._text(stored.SignatureKey())
            names = f"signature {_clipped(key)} names subgraph"
            graph = self._at(tensors, stored.SubgraphIndex(), names)
            signature = Signature(
                key=key,
                subgraph=stored.SubgraphIndex(),
                inputs=self._ports(stored.InputsLength(), stored.Inputs, graph, key),
                outputs=self._ports(stored.OutputsLength(), stored.Outputs, graph, key),
            )
            signatures.append(signature)
        return tuple(signatures)

    def _ports(
        self, length: int, port: Callable[[int], Any], tensors: list[Tensor], key: str
    ) -> dict[str, Tensor]:
        owner = f"signature {_clipped(key)}"
        ports = [port(i) for i in self._each(length, owner)]
        return {
            self._text(port.Name()): self._at(tensors, port.TensorIndex(), f"{owner} names tensor")
            for port in ports
        }

    def _metadata(self) -> dict[str, int]:
        """Return the index of each metadata entry's buffer, by name.

        Of several entries with the same name, the first counts.
        """
        entries: dict[str, int] = {}
        for i in self._each(self._model.MetadataLength(), "metadata"):
            entry = self._model.Metadata(i)
            self._at(self._buffers, entry.Buffer(), "metadata names buffer")
            entries.setdefault(self._text(entry.Name()), entry.Buffer())
        return entries

    def _declared_runtime(self, metadata: dict[str, int]) -> str | None:
        buffer = metadata.get("min_runtime_version")
        if buffer is None:
            return None
        data = self._model.Buffers(buffer)
        raw = self._numbers(data.DataLength(), data.DataAsNumpy, "metadata", item_bytes=1)
        return bytes(raw).rstrip(b"\0").decode("ascii", errors="replace") or None

    @staticmethod
    def _at(items: Sequence[Any], index: int, name: str) -> Any:
        if not 0 <= index < len(items):
            raise _Malformed(f"{name} {index} of {len(items)}")
        return items[index]


def _clipped(name: str) -> str:
    """Return a name in quotes for a message, shortened if it is long."""
    return repr(name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "...")


def _builtin_name(code: int) -> str:
    from tflite.utils import BUILTIN_OPCODE2NAME  # noqa: PLC0415 - as in `buffer_bytes`

    return str(BUILTIN_OPCODE2NAME.get(code, f"BUILTIN_{code}"))


def _transposed(operator: Any) -> tuple[bool, bool]:
    from tflite.BatchMatMulOptions import BatchMatMulOptions  # noqa: PLC0415 - as in `buffer_bytes`

    table = operator.BuiltinOptions()
    if table is None:
        return False, False
    options = BatchMatMulOptions()
    options.Init(table.Bytes, table.Pos)
    return bool(options.AdjX()), bool(options.AdjY())


def _block_size(quantization: Any) -> int | None:
    """Return the block size: the third field of BlockwiseQuantization.

    The `tflite` package does not have this table, which is newer.
    """
    table = quantization.Details()
    return None if table is None else _int32_field(table, 8)


def _int32_field(table: Any, slot: int) -> int | None:
    offset = table.Offset(slot)
    if not offset:
        return None
    return int(struct.unpack_from("<i", table.Bytes, table.Pos + offset)[0])
