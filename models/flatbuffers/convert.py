"""Conversion of trained weights to FlatBuffers. Imports TensorFlow: only the builder comes here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from models.errors import EdgeproofError
from models.flatbuffers.stamp import stamp_versions
from models.networks.blocks import Blocks
from models.networks.classifier import forward

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.flatbuffers.schemes import Scheme
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SIGNATURE = "serving_default"
NOT_QUANTIZED = {"algorithm_key": "no_quantize", "op_config": {}}


def convert(
    scheme: Scheme, shape: Architecture, values: Values, tokens: int, calibration: Encoded
) -> bytes:
    """Return the FlatBuffer of a network at [1, tokens] under `scheme`.

    Its signature takes `input_ids`, `attention_mask`, `token_type_ids` and gives `logits`.

    Raises:
        EdgeproofError: the converter refused; carries its reason.
    """
    try:
        if scheme.converter == "ai_edge_quantizer":
            plain = _by_tflite("float32", shape, values, tokens, calibration)
            return _by_ai_edge_quantizer(plain, calibration)
        return _by_tflite(scheme.name, shape, values, tokens, calibration)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()
        raise EdgeproofError(
            f"{scheme.converter} cannot make {scheme.name}: {reason[-1] if reason else error!r}",
            key="schemes",
            remedy="Leave the scheme out, or name the other converter for it",
        ) from error


class _Frozen(tf.Module):  # type: ignore[misc] # tensorflow ships no types
    """The network with its weights as constants, at one fixed shape."""

    def __init__(self, shape: Architecture, values: Values, tokens: int) -> None:
        super().__init__()
        self._shape = shape
        self._values = values
        spec = tf.TensorSpec((1, tokens), tf.int32)
        self.answer = tf.function(
            self._answer, input_signature=[tf.TensorSpec(spec.shape, spec.dtype, n) for n in INPUTS]
        )

    def _answer(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> dict[str, Any]:
        weights = {name: tf.constant(value) for name, value in self._values.items()}
        blocks = Blocks(weights, self._shape)
        return {"logits": forward(blocks, input_ids, attention_mask, token_type_ids)}


def _by_tflite(
    scheme: str, shape: Architecture, values: Values, tokens: int, calibration: Encoded
) -> bytes:
    module = _Frozen(shape, values, tokens)
    with tempfile.TemporaryDirectory() as folder:
        # Only a SavedModel gives the FlatBuffer a signature, and inputs are bound by its names.
        tf.saved_model.save(module, folder, signatures={SIGNATURE: module.answer})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if scheme != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if scheme == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if scheme.startswith("static"):
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: iter(_samples(calibration))
        return bytes(converter.convert())


def _samples(calibration: Encoded) -> list[dict[str, Any]]:
    """Return one dictionary of [1, tokens] inputs per calibration tweet."""
    return [
        {name: getattr(calibration, name)[row : row + 1] for name in INPUTS}
        for row in range(len(calibration.labels))
    ]


def _by_ai_edge_quantizer(plain: bytes, calibration: Encoded) -> bytes:
    from ai_edge_quantizer import quantizer, recipe  # noqa: PLC0415 - seconds to import

    # The logits stay float32: the caller is not to know the scheme.
    rules = [*recipe.static_wi8_ai8(), {"regex": ".*", "operation": "OUTPUT", **NOT_QUANTIZED}]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float32.tflite"
        path.write_bytes(plain)
        quantize = quantizer.Quantizer(str(path), rules)
        ranges = quantize.calibrate({SIGNATURE: _samples(calibration)})
        return stamp_versions(bytes(quantize.quantize(ranges).quantized_model))
