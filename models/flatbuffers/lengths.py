"""Find the signatures of a file that run one classifier on rows of several lengths.

A file may contain the same network for rows of 16, 32 and 64 tokens, each with its own signature. A
text is then classified by the shortest signature that it fits. Signatures count as one classifier
only if they have the same inputs and outputs except for the row length, and share their weights.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from models.row_lengths import MOST_LENGTHS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.flatbuffers.structure import Contents, Quantization, Signature, Tensor

    # Name, dtype, shape (None for inputs, where it may differ) and quantization of one tensor.
    Kind = tuple[str, str, tuple[int, ...] | None, Quantization | None]

# Least share of weights, in bytes, that two graphs of one network have in common. Weights that
# depend on the length, mainly a table of positions, are a small part of a network.
SHARED_WEIGHTS = 0.5


def by_length(contents: Contents) -> dict[int, Signature]:
    """Return the signatures that run one network, by row length, ascending; {} if there are none.

    All signatures of the file must have the same inputs and outputs except for the row length, and
    share their weights.
    """
    alike = alike_by_length(contents.signatures)
    weights = [_weights_read(contents, signature.subgraph) for signature in alike.values()]
    certain = all(_share(weights[0], buffers) >= SHARED_WEIGHTS for buffers in weights[1:])
    return alike if certain else {}


def alike_by_length(signatures: Sequence[Signature]) -> dict[int, Signature]:
    """Return signatures by row length, ascending; {} if they differ in more than the row length."""
    lengths = [tokens_of(signature) for signature in signatures]
    graphs = {signature.subgraph for signature in signatures}
    kinds = {_kind(signature) for signature in signatures}
    distinct = {length for length in lengths if length is not None}
    if len(signatures) < 2 or len(kinds) > 1:  # noqa: PLR2004 - one signature has one length
        return {}
    if not len(distinct) == len(graphs) == len(signatures) <= MOST_LENGTHS:
        return {}
    pairs = zip(lengths, signatures, strict=True)
    return {
        length: signature for length, signature in sorted(pairs, key=_first) if length is not None
    }


def _first(pair: tuple[int | None, Signature]) -> int:
    return pair[0] or 0


def tokens_of(signature: Signature) -> int | None:
    """Return the row length of a signature in tokens.

    Return None if its inputs have different lengths, or a dynamic length.
    """
    lengths = {
        None if any(tensor.dynamic) else math.prod(tensor.shape)
        for tensor in signature.inputs.values()
    }
    return lengths.pop() if len(lengths) == 1 else None


def _kind(signature: Signature) -> tuple[frozenset[Kind], frozenset[Kind]]:
    """Return the properties that all signatures of one classifier must have in common."""
    inputs = _kinds(signature.inputs.items(), shaped=False)
    return inputs, _kinds(signature.outputs.items(), shaped=True)


def _kinds(tensors: Iterable[tuple[str, Tensor]], *, shaped: bool) -> frozenset[Kind]:
    return frozenset(
        (name, tensor.dtype, tensor.shape if shaped else None, tensor.quantization)
        for name, tensor in tensors
    )


def _weights_read(contents: Contents, subgraph: int) -> dict[int, int]:
    """Return the size in bytes of each buffer of weights that a graph reads, by buffer index."""
    return {
        tensor.buffer: tensor.constant_bytes
        for operator in contents.operators
        if operator.subgraph == subgraph
        for tensor in operator.inputs
        if tensor is not None and tensor.weight
    }


def _share(first: dict[int, int], second: dict[int, int]) -> float:
    every = sum((first | second).values())
    return sum(size for buffer, size in first.items() if buffer in second) / every if every else 0.0
