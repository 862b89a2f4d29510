"""Compute the tensors between a file's operators, from copies of the file with other outputs.

No runtime is imported here, so that every backend can be used, also on a board.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.kernels.asking import AskedBackend
    from models.kernels.reading import Instances

    # A graph's inputs, by position.
    Given = Sequence[NDArray[Any]]

_FIRST_SLOT, _SLOT_BYTES = 4, 2
# Positions of fields in the schema: a subgraph's outputs, a model's subgraphs and signatures.
_OUTPUTS, _GRAPHS, _SIGNATURES = 2, 2, 7
_ALIGNMENT = 4


class NotComputed(Exception):  # noqa: N818 - internal: becomes a reason in the report
    """The backend does not compute the tensors; the message gives the reason."""


def with_outputs(flatbuffer: bytes, tensors: Sequence[int], graph: int = 0) -> bytes:
    """Return a copy of a file that runs a chosen graph first, with chosen tensors as outputs.

    The new list of outputs is appended to the file, and the offset of the old list is replaced. The
    list of signatures is emptied, because they refer to the old outputs. The first entry in the
    list of graphs is replaced by the chosen graph, which also keeps its own entry, for operators
    that call it.

    Args:
        flatbuffer: a file that `read_contents` has accepted.
        tensors: the indices of the tensors.
        graph: the index of the graph.
    """
    from tflite.Model import Model  # noqa: PLC0415 - only where a file is read

    model = Model.GetRootAs(flatbuffer, 0)
    table, root = model.Subgraphs(graph)._tab, model._tab  # noqa: SLF001 - the positions of fields have no accessor
    edited = bytearray(flatbuffer)
    at = table.Pos + table.Offset(_FIRST_SLOT + _SLOT_BYTES * _OUTPUTS)
    edited += bytes(-len(edited) % _ALIGNMENT)
    struct.pack_into("<I", edited, at, len(edited) - at)
    edited += struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors)
    first = root.Vector(root.Offset(_FIRST_SLOT + _SLOT_BYTES * _GRAPHS))
    struct.pack_into("<I", edited, first, table.Pos - first)
    signatures = root.Offset(_FIRST_SLOT + _SLOT_BYTES * _SIGNATURES)
    if signatures:
        struct.pack_into("<I", edited, root.Vector(signatures) - _ALIGNMENT, 0)
    return bytes(edited)


class InnerTensors:
    """Computes the tensors between the operators of a file's graphs.

    Args:
        instances: the operators of the file.
        backend: the backend that computes the tensors.
        threads: the number of threads of the kernels.
    """

    def __init__(self, instances: Instances, backend: AskedBackend, threads: int) -> None:
        self._file, self._backend, self._threads = instances, backend, threads

    def tensors(
        self, graph: int, indices_wanted: Sequence[int], inputs_of_texts: Sequence[Given]
    ) -> list[dict[int, NDArray[Any]]]:
        """Return the values of tensors of a graph, for each set of inputs.

        Args:
            graph: the index of the graph.
            indices_wanted: the indices of the tensors, without constants.
            inputs_of_texts: sets of inputs of the graph, by position.

        Returns:
            For each set of inputs, the values by index.

        Raises:
            NotComputed: the backend does not compute them.
        """
        inputs = [tensor.index for tensor in self._file.contents.subgraphs[graph].inputs]
        for count in {len(arrays) for arrays in inputs_of_texts} - {len(inputs)}:
            raise NotComputed(f"graph {graph} has {len(inputs)} inputs, but {count} were given")
        # Inputs are known already, and not every backend accepts them as outputs.
        computed = [index for index in dict.fromkeys(indices_wanted) if index not in inputs]
        file = with_outputs(self._file.data, computed, graph) if computed else b""
        values_of_texts = []
        for arrays in inputs_of_texts:
            values = dict(zip(inputs, arrays, strict=True))
            if computed:
                answer = self._backend.compute(file, [arrays], self._threads)
                if answer.kind != "computed":
                    raise NotComputed(answer.said)
                values |= dict(zip(computed, answer.runs[0], strict=True))
            values_of_texts.append({index: values[index] for index in indices_wanted})
        return values_of_texts

    def outputs(self, graph: int, arrays: Given) -> list[NDArray[Any]]:
        """Return the outputs of a graph for one set of inputs.

        Raises:
            NotComputed: the backend does not compute the graph, or an output cannot be read.
        """
        outputs = self._file.contents.subgraphs[graph].outputs
        if not all(map(self._file.readable, outputs)):
            raise NotComputed(
                f"graph {graph} returns a constant of a type that numpy does not support"
            )
        computed = [tensor.index for tensor in outputs if not tensor.constant_bytes]
        (values,) = self.tensors(graph, computed, [arrays])
        return [
            values[tensor.index] if tensor.index in values else self._file.constant(tensor)
            for tensor in outputs
        ]
