"""Write the FlatBuffers of the tests: small classifiers, and unusual files."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions

from models.flatbuffers.writing import Scalar, Table, Vector, f32, i32, pack, u8, u32

__all__ = ["Model", "Scalar", "Table", "Vector", "f32", "i32", "pack", "u8", "u32", "with_files"]

TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "string": 5,
    "bool": 6,
    "int16": 7,
    "int8": 9,
}
_CUSTOM = 32
_OLD_CODES = 127


@dataclass
class Model:
    """A TFLite FlatBuffer under construction; tensors are identified by index."""

    tensors: list[Table] = field(default_factory=list)
    buffers: list[bytes] = field(default_factory=lambda: [b""])
    operators: list[Table] = field(default_factory=list)
    codes: list[tuple[int, int, str]] = field(default_factory=list)
    signatures: list[Table] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)
    subgraphs: list[Table] = field(default_factory=list)

    def tensor(  # noqa: PLR0913 - callers pass most properties of a tensor by name
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str = "float32",
        *,
        values: Any = None,
        scale: float | list[float] | None = None,
        zero: int = 0,
        axis: int = 0,
        signature: tuple[int, ...] | None = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor; return its index."""
        buffer = 0
        if values is not None:
            self.buffers.append(np.asarray(values, dtype).tobytes())
            buffer = len(self.buffers) - 1
        fields = {
            0: Vector("Int32", list(shape)),
            1: Scalar("Int8", TYPES[dtype]),
            2: u32(buffer),
            3: name,
            5: Scalar("Bool", variable),
        }
        if scale is not None:
            scales = scale if isinstance(scale, list) else [scale]
            fields[4] = Table(
                {
                    2: Vector("Float32", scales),
                    3: Vector("Int64", [zero] * len(scales)),
                    6: i32(axis),
                }
            )
        if signature is not None:
            fields[7] = Vector("Int32", list(signature))
        self.tensors.append(Table(fields))
        return len(self.tensors) - 1

    def operator(
        self,
        name: str,
        inputs: list[int],
        outputs: list[int],
        *,
        version: int = 1,
        options: tuple[str, dict[int, Scalar]] | None = None,
    ) -> None:
        """Add an operator by the name of a built-in or custom operator."""
        number = getattr(BuiltinOperator, name, _CUSTOM)
        code = (number, version, name if number == _CUSTOM else "")
        if code not in self.codes:
            self.codes.append(code)
        fields: dict[int, Any] = {
            0: u32(self.codes.index(code)),
            1: Vector("Int32", inputs),
            2: Vector("Int32", outputs),
        }
        if options is not None:
            kind, fields_of_options = options
            fields[3] = u8(getattr(BuiltinOptions, kind))
            fields[4] = Table(fields_of_options)
        self.operators.append(Table(fields))

    def sign(
        self,
        inputs: dict[str, int],
        outputs: dict[str, int],
        key: str = "serving",
        graph: int = 0,
    ) -> None:
        """Add a signature, with its named inputs and outputs, for the graph with this number."""

        def ports(indices: dict[str, int]) -> list[Table]:
            return [Table({0: name, 1: u32(tensor)}) for name, tensor in indices.items()]

        self.signatures.append(
            Table({0: ports(inputs), 1: ports(outputs), 2: key, 4: u32(graph)}),
        )

    def end_graph(self, inputs: list[int], outputs: list[int], name: str = "main") -> None:
        """Finish a subgraph with everything added since the previous subgraph."""
        self.subgraphs.append(
            Table(
                {
                    0: self.tensors,
                    1: Vector("Int32", inputs),
                    2: Vector("Int32", outputs),
                    3: self.operators,
                    4: name,
                }
            )
        )
        self.tensors, self.operators = [], []

    def pack(self, description: str = "") -> bytes:
        """Return the bytes of the file."""
        entries = []
        for name, content in self.metadata.items():
            self.buffers.append(content)
            entries.append(Table({0: name, 1: u32(len(self.buffers) - 1)}))
        codes = [
            Table(
                {
                    0: Scalar("Int8", min(number, _OLD_CODES)),
                    **({1: custom} if custom else {}),
                    2: i32(version),
                    3: i32(number),
                }
            )
            for number, version, custom in self.codes
        ]
        buffers = [Table({0: content} if content else {}) for content in self.buffers]
        root = {
            0: u32(3),
            1: codes,
            2: self.subgraphs,
            3: description,
            4: buffers,
            6: entries,
            7: self.signatures,
        }
        return pack(Table(root), b"TFL3")


def with_files(flatbuffer: bytes, files: dict[str, bytes]) -> bytes:
    """Return a FlatBuffer with an appended zip archive of files, as tflite-support packs them."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return flatbuffer + archive.getvalue()
