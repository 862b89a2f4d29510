"""Convert trained weights to FlatBuffers. Imports TensorFlow: only the builder uses it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from models.flatbuffers.added_constants import store_added_constants
from models.flatbuffers.merging import merge_lengths
from models.flatbuffers.quantizing import UnsupportedSchemeError, make_variants
from models.flatbuffers.signature import LOGITS, NAMES, SIGNATURE
from models.networks.blocks import Blocks
from models.networks.classifier import forward

if TYPE_CHECKING:
    from models.corpus.tokenize import Encoded
    from models.flatbuffers.observing import Samples
    from models.flatbuffers.schemes import Scheme
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values


def convert(
    scheme: Scheme,
    shape: Architecture,
    values: Values,
    lengths: tuple[int, ...],
    calibration: Encoded,
) -> bytes:
    """Return the FlatBuffer of a network under `scheme`, with inputs of shape [1, tokens].

    The signature has the inputs `input_ids`, `attention_mask`, `token_type_ids` and the output
    `logits`. With several lengths, there is one signature for each length
    (`signature_of_length`), over the same weights.

    Args:
        scheme: how weights and activations are stored.
        shape: the architecture of the network.
        values: its weights by name.
        lengths: row lengths in tokens, ascending; the last is that of the calibration texts.
        calibration: texts on which the ranges of activations are measured. They have the longest
            length, whose ranges are used for all lengths.

    Raises:
        UnsupportedSchemeError: the converter does not support the scheme for this network.
    """
    try:
        padding = {tokens: _padding_of(calibration) for tokens in lengths[:-1]}
        converted = {
            tokens: _by_tflite(
                scheme, _Frozen(shape, values, tokens, padding.get(tokens), scheme.looks_up)
            )
            for tokens in lengths
        }
        if scheme.converter == "tflite" and scheme.integer_weights:
            converted = {tokens: store_added_constants(file) for tokens, file in converted.items()}
    except (RuntimeError, ValueError) as error:
        raise UnsupportedSchemeError.of(scheme, "tflite", error) from error
    files = converted
    if scheme.converter == "litert_quantizer":
        files = make_variants(converted, scheme, _samples(calibration))
    return merge_lengths(files)


def _padding_of(calibration: Encoded) -> int:
    """Return the padding id, from the first padded position of a text.

    Raises:
        ValueError: every text fills its row.
    """
    fillers = calibration.ids[calibration.mask == 0]
    if not fillers.size:
        raise ValueError(
            "no calibration text is shorter than the longest row, so other row lengths have no use"
        )
    return int(fillers[0])


class _EdgeBlocks(Blocks):
    """The network's blocks, with a word embedding that converters can quantize."""

    def words(self, ids: Any) -> Any:
        """Return the word embeddings [batch, tokens, embedding]."""
        table = self.weights["embeddings.word_embeddings.weight"]

        # The converter recognizes an embedding lookup by this name, with the table as first
        # argument and the ids as one flat row.
        @tf.function(experimental_implements="embedding_matmul")  # type: ignore[untyped-decorator] # tensorflow ships no types
        def look_up(table: Any, ids: Any) -> Any:
            return tf.gather(table, ids)

        rows = look_up(table, tf.reshape(ids, [-1]))
        return tf.reshape(rows, [*ids.shape, table.shape[-1]])


class _Frozen(tf.Module):  # type: ignore[misc] # tensorflow ships no types
    """The network with its weights as constants, for inputs of one fixed shape."""

    def __init__(
        self,
        shape: Architecture,
        values: Values,
        tokens: int,
        padding: int | None,
        looks_up: bool,  # noqa: FBT001 - passed once, from a field of the scheme
    ) -> None:
        super().__init__()
        self._padding = padding
        self._shape = shape
        self._values = values
        self._blocks = _EdgeBlocks if looks_up else Blocks
        spec = tf.TensorSpec((1, tokens), tf.int32)
        self.answer = tf.function(
            self._answer,
            input_signature=[tf.TensorSpec(spec.shape, spec.dtype, n) for n in NAMES.values()],
        )

    def _answer(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> dict[str, Any]:
        weights = {name: tf.constant(value) for name, value in self._values.items()}
        blocks = self._blocks(weights, self._shape, padding=self._padding)
        return {LOGITS: forward(blocks, input_ids, attention_mask, token_type_ids)}


def _by_tflite(scheme: Scheme, module: _Frozen) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        # Inputs are bound by the names in the signature, and only a SavedModel adds a signature to
        # the FlatBuffer.
        tf.saved_model.save(module, folder, signatures={SIGNATURE: module.answer})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if scheme.weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if scheme.weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        per_tensor = scheme.dense_scales == "tensor"
        converter._experimental_disable_per_channel_quantization_for_dense_layers = per_tensor  # noqa: SLF001 - the converter has no public switch for it
        return bytes(converter.convert())


def _samples(calibration: Encoded) -> Samples:
    """Return, for each calibration text, its inputs [1, tokens] by name."""
    return [
        {name: getattr(calibration, role)[row : row + 1] for role, name in NAMES.items()}
        for row in range(len(calibration.labels))
    ]
