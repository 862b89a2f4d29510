"""Quantize a float32 FlatBuffer under a scheme, with either converter.

litert-quantizer follows the scheme's rules. Before that, the file is rewritten: attention masks are
clipped to values that integers can represent, lookups are replaced by the operator that the scheme
quantizes, and outliers are moved out of activations. Afterwards, large constants of additions are
stored as integers. Only the builder uses this module: it imports ai-edge-litert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import EdgeproofError
from models.flatbuffers.added_constants import LARGE, store_added_constants
from models.flatbuffers.gathers import with_gathers
from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.masks import clip_masks, needed_mask_range
from models.flatbuffers.observing import Observer, ranges_of, shortened
from models.flatbuffers.outlier_smoothing import level
from models.flatbuffers.recipes import quantize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.flatbuffers.observing import Samples
    from models.flatbuffers.schemes import Scheme

# Number of weights that share a scale with `scales = "block32"`.
BLOCK = 32


class UnsupportedSchemeError(EdgeproofError):
    """A converter refused a scheme for this network; `what` contains the converter's reason."""

    @classmethod
    def of(cls, scheme: Scheme, converter: str, error: Exception) -> UnsupportedSchemeError:
        """Return the exception for an `error` of a converter."""
        reason = str(error).strip().splitlines()
        return cls(
            f"{converter} cannot make {scheme.name}: {reason[-1] if reason else error!r}",
            key="schemes",
            remedy="Leave the scheme out of the subject",
        )


def make_variant(plain: bytes, scheme: Scheme, samples: Samples | None) -> bytes:
    """Convert a float32 FlatBuffer to `scheme`; for float32, return it unchanged.

    Args:
        plain: a file with one subgraph, and one signature with the names of
            `models.flatbuffers.signature`; attention is masked before softmax.
        scheme: the scheme.
        samples: calibration texts, one dictionary of inputs [1, tokens] each; used only if the
            scheme is calibrated.

    Raises:
        UnsupportedSchemeError: litert-quantizer refused, or calibration texts are missing.
    """
    return make_variants({0: plain}, scheme, samples)[0]


def make_variants(
    plain: Mapping[int, bytes], scheme: Scheme, samples: Samples | None
) -> dict[int, bytes]:
    """Convert one network at several lengths to `scheme`, and return one file for each length.

    The weights are equal at every length, so that `models.flatbuffers.merging` stores them once:
    ranges, and scales that are moved into weights, are computed at the longest length.

    Args:
        plain: by length in tokens, a file as for `make_variant`; tensors with the same values have
            the same names in all files.
        scheme: the scheme.
        samples: calibration texts at the longest length.

    Raises:
        UnsupportedSchemeError: see `make_variant`; or a tensor has another name at another length.
    """
    if not scheme.rules:
        return dict(plain)
    try:
        files = _static(plain, scheme, samples) if scheme.calibrated else _plain(plain, scheme)
        return {
            tokens: store_added_constants(file) if scheme.integer_weights else file
            for tokens, file in files.items()
        }
    except (RuntimeError, ValueError) as error:
        raise UnsupportedSchemeError.of(scheme, "litert_quantizer", error) from error


def _require_same_names(files: Mapping[int, bytes]) -> None:
    """Reject files in which one name means different tensors: their ranges would be mixed up.

    Converters append numbers to equal names, and may number them differently at another length.
    """
    longest = max(files)
    kinds = {name: kind for kind, name in Graph(files[longest]).outputs()}
    for tokens, file in files.items():
        for kind, name in Graph(file).outputs():
            if kinds.get(name, kind) != kind:
                raise ValueError(
                    f"{name!r} is the output of {kind} at {tokens} tokens and of {kinds[name]} at "
                    f"{longest}: its "
                    "ranges at one length do not fit the other"
                )


def _plain(plain: Mapping[int, bytes], scheme: Scheme) -> dict[int, bytes]:
    clipped = {tokens: clip_masks(file) for tokens, file in plain.items()}
    return {
        tokens: quantize(file, scheme, None, left=tuple(_narrow_lookups(Graph(file), scheme)))
        for tokens, file in clipped.items()
    }


def _narrow_lookups(graph: Graph, scheme: Scheme) -> Iterator[str]:
    """Yield the outputs of lookups in small tables whose rows are not whole blocks.

    For example, MPNet looks up a number for each head and distance. Such a table stays float,
    because a scheme need not fail for so few bytes.
    """
    if not any(rule.scales == "block32" for rule in scheme.rules):
        return
    for operator in graph.operators(CODES.EMBEDDING_LOOKUP):
        table = graph.constant(int(operator.inputs[1]))
        if table is not None and table.size < LARGE and table.shape[-1] % BLOCK:
            yield graph.name(int(operator.outputs[0]))


def _static(
    plain: Mapping[int, bytes], scheme: Scheme, samples: Samples | None
) -> dict[int, bytes]:
    if not samples:
        raise ValueError("this scheme needs calibration texts, and the split has none")
    ready = {tokens: with_gathers(clip_masks(file)) for tokens, file in plain.items()}
    _require_same_names(ready)
    if scheme.leveled:
        watched = ready[max(ready)]
        ready = {tokens: level(file, samples, watched)[0] for tokens, file in ready.items()}
    ends: dict[str, float] = {}
    if scheme.integer_softmax:
        limit, ends = needed_mask_range(ready[max(ready)], samples)
        ready = {tokens: clip_masks(file, limit) for tokens, file in ready.items()}
    longest = Observer(ready[max(ready)])
    quantized = {}
    for tokens, file in ready.items():
        ranges = ranges_of(Graph(file), longest, samples)
        if tokens < max(ready):
            # Ranges of tensors that only the shorter graph computes, for example its padding.
            own = Observer(file), [shortened(sample, tokens) for sample in samples]
            ranges = ranges_of(Graph(file), *own) | ranges
        for name, end in ends.items():
            ranges[name]["min"] = np.array([end], np.float32)
        quantized[tokens] = quantize(file, scheme, ranges)
    return quantized
