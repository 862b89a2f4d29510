"""Turn schemes into recipes of litert-quantizer, which only the builder imports."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.flatbuffers.schemes import FLOAT16_BITS
from models.flatbuffers.stamp import stamp_versions

if TYPE_CHECKING:
    from models.flatbuffers.schemes import Rule, Scheme

    Ranges = dict[str, dict[str, Any]]

_GRANULARITY = {"channel": "CHANNELWISE", "tensor": "TENSORWISE", "block32": "BLOCKWISE_32"}


def quantize(
    plain: bytes,
    scheme: Scheme,
    ranges: Ranges | None,
    floats: tuple[str, ...] = (),
    left: tuple[str, ...] = (),
) -> bytes:
    """Return a float32 FlatBuffer quantized under `scheme`.

    Args:
        plain: the FlatBuffer.
        scheme: a scheme with rules for litert-quantizer.
        ranges: smallest and largest value of each tensor; None if nothing is calibrated.
        floats: kinds of operators that stay float even if the scheme quantizes them.
        left: names of tensors; the operators that write them stay float.

    Raises:
        RuntimeError, ValueError: litert-quantizer refused the file or the recipe.
    """
    from litert_quantizer import quantizer  # noqa: PLC0415 - seconds to import

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float32.tflite"
        path.write_bytes(plain)
        recipe = [*recipe_of(scheme, floats), *(_rule("*", "no_quantize", {}, n) for n in left)]
        tool = quantizer.Quantizer(str(path), recipe)
        return stamp_versions(bytes(tool.quantize(ranges).quantized_model))


def recipe_of(scheme: Scheme, floats: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return a scheme's rules as a recipe of litert-quantizer; the kinds in `floats` stay float."""
    rules = [
        _rule(operator, _algorithm(rule), _configuration(rule))
        for rule in scheme.rules
        for operator in rule.operators
    ]
    # Keep the logits in float, so that readers of the output need not know the scheme.
    unquantized = floats if scheme.integer_output else (*floats, "OUTPUT")
    return [*rules, *(_rule(operator, "no_quantize", {}) for operator in unquantized)]


def _rule(
    operator: str, algorithm: str, configuration: dict[str, Any], output: str | None = None
) -> dict[str, Any]:
    return {
        # The quantizer adds a semicolon to the name of an operator's output.
        "regex": ".*" if output is None else f"^{re.escape(output)};?$",
        "operation": operator,
        "algorithm_key": algorithm,
        "op_config": configuration,
    }


def _algorithm(rule: Rule) -> str:
    return "float_casting" if rule.weight_bits == FLOAT16_BITS else "min_max_uniform_quantize"


def _configuration(rule: Rule) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "weight_tensor_config": {
            "num_bits": rule.weight_bits,
            # Kernels only support weights with a zero point of 0.
            "symmetric": True,
            "granularity": _GRANULARITY[rule.scales],
            "dtype": "FLOAT" if rule.weight_bits == FLOAT16_BITS else "INT",
        },
        "compute_precision": "FLOAT" if rule.computes == "float" else "INTEGER",
        "explicit_dequantize": rule.computes == "float",
    }
    if rule.activation_bits:
        configuration["activation_tensor_config"] = {
            "num_bits": rule.activation_bits,
            # 16-bit kernels only support zero points of 0.
            "symmetric": rule.activation_bits == 16,  # noqa: PLR2004 - a number of bits
            "granularity": "TENSORWISE",
            "dtype": "INT",
        }
    return configuration
