"""Write the operator versions that the operands need into a FlatBuffer.

litert-quantizer changes operand types but not the versions: an old runtime then loads the file and
gives wrong answers, although it should refuse the file.
"""

from __future__ import annotations

from pathlib import Path

from models.files.arrays import byte_array
from models.flatbuffers.packing import pack, unpack
from models.flatbuffers.reading import read_contents
from models.flatbuffers.runtimes import runtime_needs, version_key

# Bytes that converters reserve for the version in a file's metadata.
_VERSION_BYTES = 16


def stamp_versions(flatbuffer: bytes) -> bytes:
    """Return the file with each operator's version raised to the one that its operands need."""
    operators = read_contents(Path("the quantized FlatBuffer"), flatbuffer).operators
    codes = {operator.name: operator.code for operator in operators}
    needed: dict[int, int] = {}
    for need in runtime_needs(operators):
        code = codes[need.operator]
        needed[code] = max(need.version, needed.get(code, 1))
    model = unpack(flatbuffer)
    for operator in model.operatorCodes:
        operator.version = max(operator.version, needed.get(operator.builtinCode, 1))
    return pack(model)


def declare_runtime(flatbuffer: bytes) -> bytes:
    """Return the file with its minimum runtime declared.

    This is needed after operators were replaced by older ones. A file without a declaration does
    not get one.
    """
    model = unpack(flatbuffer)
    operators = read_contents(Path("the rewritten FlatBuffer"), flatbuffer).operators
    versions = [need.runtime for need in runtime_needs(operators) if need.runtime]
    for entry in model.metadata or []:
        if entry.name == b"min_runtime_version" and versions:
            text = max(versions, key=version_key).encode().ljust(_VERSION_BYTES, b"\0")
            model.buffers[entry.buffer].data = byte_array(text)
    return pack(model)
