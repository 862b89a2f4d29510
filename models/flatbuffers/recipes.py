"""Schemes as ai-edge-quantizer takes them. Imports it as it goes: only the builder comes here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.flatbuffers.stamp import stamp_versions

if TYPE_CHECKING:
    from models.flatbuffers.schemes import Rule, Scheme

_GRANULARITY = {"channel": "CHANNELWISE", "tensor": "TENSORWISE", "block32": "BLOCKWISE_32"}
# The logits stay float32: who reads them is not to know the scheme.
_FLOAT_OUTPUT = {
    "regex": ".*",
    "operation": "OUTPUT",
    "algorithm_key": "no_quantize",
    "op_config": {},
}


def quantize(plain: bytes, scheme: Scheme, samples: dict[str, Any]) -> bytes:
    """Return a float32 FlatBuffer quantized under `scheme`.

    Args:
        plain: the FlatBuffer.
        scheme: one that ai-edge-quantizer makes.
        samples: a list of inputs by signature, from which ranges are found.

    Raises:
        RuntimeError, ValueError: ai-edge-quantizer refused.
    """
    from ai_edge_quantizer import quantizer  # noqa: PLC0415 - seconds to import

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float32.tflite"
        path.write_bytes(plain)
        tool = quantizer.Quantizer(str(path), recipe_of(scheme))
        ranges = tool.calibrate(samples) if scheme.calibrated else None
        return stamp_versions(bytes(tool.quantize(ranges).quantized_model))


def recipe_of(scheme: Scheme) -> list[dict[str, Any]]:
    """Return a scheme's rules as ai-edge-quantizer's recipe."""
    rules = [
        {
            "regex": ".*",
            "operation": operator,
            "algorithm_key": "min_max_uniform_quantize",
            "op_config": _configuration(rule),
        }
        for rule in scheme.rules
        for operator in rule.operators
    ]
    return [*rules, _FLOAT_OUTPUT]


def _configuration(rule: Rule) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "weight_tensor_config": {
            "num_bits": rule.weight_bits,
            # Kernels only take weights whose zero point is 0.
            "symmetric": True,
            "granularity": _GRANULARITY[rule.scales],
            "dtype": "INT",
        },
        "compute_precision": "FLOAT" if rule.computes == "float" else "INTEGER",
        "explicit_dequantize": rule.computes == "float",
    }
    if rule.activation_bits:
        configuration["activation_tensor_config"] = {
            "num_bits": rule.activation_bits,
            # Kernels of 16 bits only take zero points of 0.
            "symmetric": rule.activation_bits == 16,  # noqa: PLR2004 - bits
            "granularity": "TENSORWISE",
            "dtype": "INT",
        }
    return configuration
