"""Find contradictions between a file and its claimed scheme."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from models.flatbuffers.contract import (
    CONTRACTS,
    float_breaches,
    product_breaches,
    weight_breaches,
    zero_point_breaches,
)
from models.flatbuffers.dtypes import FLOAT_DTYPES, QUANTIZED_DTYPES
from models.flatbuffers.findings.finding import Finding, Inspected, limits, several
from models.flatbuffers.recognizing import MINORITY, large_weights
from models.flatbuffers.runtimes import minimum_runtime, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.flatbuffers.contract import Contract

FLOAT16, INTEGER = "float16", "int8"
# Parts of file names, and the type of weights that they promise.
_NAMES = (
    (re.compile(r"(^|[^a-z0-9])(fp16|f16|float16)([^a-z0-9]|$)"), FLOAT16),
    (
        re.compile(r"(^|[^a-z0-9])(u?int8|w8a8|q8|dynamic_range|quant|quantized)([^a-z0-9]|$)"),
        INTEGER,
    ),
)


def claim_of(path: Path) -> str | None:
    """Return the scheme that a file's name claims: float16 or int8; None if it claims none."""
    name = path.stem.lower()
    claims = {claim for pattern, claim in _NAMES if pattern.search(name)}
    return claims.pop() if len(claims) == 1 else None


def _claimed(inspected: Inspected) -> Iterator[Finding]:
    claimed = inspected.claimed
    if claimed is None:
        return
    contract = CONTRACTS.get(claimed) if inspected.declared else None
    dtype = claimed if contract is None else contract.dense_weights
    if dtype == FLOAT16 and "float16" not in _dtypes(inspected):
        yield Finding(
            "float16-that-is-not",
            "error" if inspected.declared else "warning",
            f"{inspected.claimed_by} says float16, but nothing in the file is float16: "
            f"{_weight_shares(inspected)}.",
            (),
            "Set optimizations = [DEFAULT] and target_spec.supported_types = [float16], or "
            "convert with another tool, and inspect it again",
        )
    elif dtype not in {FLOAT16, "float32"} and not _dtypes(inspected) & QUANTIZED_DTYPES:
        yield Finding(
            "integers-that-stayed-float",
            "error" if inspected.declared else "warning",
            f"{inspected.claimed_by} says {claimed}, but nothing in the file is stored in small "
            f"integers: {_weight_shares(inspected)}.",
            (),
            "Set optimizations = [DEFAULT] and give a representative dataset, or quantize the "
            "float32 file with litert-quantizer, and inspect it again",
        )
    elif contract is not None:
        yield from _breaches(inspected, contract)


def _dtypes(inspected: Inspected) -> set[str]:
    """Return the dtypes of all tensors that represent real numbers."""
    report = inspected.report
    census = {share.dtype for share in (*report.weight_census, *report.activation_census)}
    return census | {tensor.dtype for tensor in (*inspected.inputs, *inspected.outputs)}


def _weight_shares(inspected: Inspected) -> str:
    """Return the dtypes of the large weights with their shares of the bytes, as text."""
    return several(f"{part:.0%} {dtype}" for dtype, part in inspected.scheme.shares.items())


def _breaches(inspected: Inspected, contract: Contract) -> Iterator[Finding]:
    report = inspected.report
    breaches = [
        *product_breaches(contract, report),
        *weight_breaches(contract, report),
        *(f"{name} has a zero point other than 0" for name in zero_point_breaches(report)),
        *(f"{name} computes on floats" for name in float_breaches(contract, report)),
    ]
    needed = minimum_runtime(report)
    if version_key(needed) > version_key(contract.runtime):
        breaches.append(f"it needs TFLite {needed}, but may need at most {contract.runtime}")
    # The contract concerns dense layers, whose weights may be few beside the table of word
    # embeddings.
    share = inspected.scheme.shares.get(contract.dense_weights, 0.0)
    least = 1 - MINORITY if contract.dense_weights in FLOAT_DTYPES else MINORITY
    if share < least:
        breaches.append(f"{share:.0%} of its large weights are {contract.dense_weights}")
    if breaches:
        yield Finding(
            "not-the-scheme",
            "error",
            f"{inspected.claimed_by} says {contract.scheme}, but it is {inspected.scheme.name}: "
            f"{several(breaches)}.",
            tuple(breaches),
            f"Convert it again under {contract.scheme}, or rename the file",
        )


def _floats_left(inspected: Inspected) -> Iterator[Finding]:
    """Find large float32 weights of an otherwise quantized file."""
    weights = large_weights(inspected.report.tensors)
    total = sum(tensor.constant_bytes for tensor in weights)
    if all(tensor.dtype in {"float32", "float64"} for tensor in weights):
        return
    least = max(limits().float_share * total, limits().float_bytes)
    for weight in weights:
        if weight.dtype == "float32" and weight.constant_bytes >= least:
            yield Finding(
                "large-float-weights",
                "warning",
                f"{weight.name!r} stayed float32: {math.prod(weight.shape)} numbers, "
                f"{weight.constant_bytes / total:.0%} of the bytes of the weights.",
                (weight.name,),
                "Quantize it too: a table of words as EMBEDDING_LOOKUP with litert-quantizer, or "
                "as GATHER with TensorFlow's converter",
            )


def _old_integers(inspected: Inspected) -> Iterator[Finding]:
    names = tuple(weight.name for weight in inspected.report.weights if weight.dtype == "uint8")
    if names:
        yield Finding(
            "old-uint8",
            "note",
            f"Its weights are uint8, as converters before 2020 wrote them: {several(names)}.",
            names,
            "If the model is available, convert it again with a newer converter",
        )


CHECKS = (_claimed, _floats_left, _old_integers)
