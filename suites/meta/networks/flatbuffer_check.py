"""Convert random networks, read their weights back, and write the results to answer.json.

This script runs in a separate process, because pytest does not import TensorFlow. `ours` converts
edgeproof's network under every scheme. `foreign` converts another implementation in the style of
Google's BERT: with einsum, one-hot vectors of segments, a norm as batch normalization, and a mask
that is multiplied by a constant.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from models.building.convert import convert
from models.corpus.tokenize import Encoded
from models.flatbuffers.schemes import scheme_named
from models.flatbuffers.signature import LOGITS, NAMES, signature_of_length
from models.networks import tflite_file
from models.networks.blocks import Blocks
from models.networks.classifier import forward
from models.networks.parameters import parameters
from suites.meta.networks.configs import (
    GOOGLE_BERT_LARGE,
    MOBILEBERT,
    MOBILEBERT_TINY,
    network_of,
)
from suites.meta.networks.weights import random_values

if TYPE_CHECKING:
    from models.networks.architecture import Architecture

TOKENS, CLASSES, TEXTS = 10, 3, 40
# Factor for random weights that keeps the size of activations from layer to layer.
GAIN = 0.8
TWO = ("float32", "dynamic_wi8_afp32")
# A row length that suffices for a quarter of the texts, and the schemes that are tested with it.
SHORT, SEVERAL = 6, ("float32", "dynamic_wi8_afp32", "static_wi8_ai8_dense")
SCHEMES = {"mobilebert": (*TWO, "float16", "static_wi8_ai8_integer")}
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "max_position_embeddings": TOKENS,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": 60,
}
NARROW = {"embedding_size": 12, "intra_bottleneck_size": 16}
CONFIGS = {
    "bert": GOOGLE_BERT_LARGE | SMALL,
    "mobilebert": MOBILEBERT | SMALL | NARROW | {"num_feedforward_networks": 3},
    "mobilebert_tiny": MOBILEBERT_TINY | SMALL | NARROW,
    "mobilebert_layer_norm": MOBILEBERT
    | SMALL
    | NARROW
    | {
        "num_feedforward_networks": 3,
        "normalization_type": "layer_norm",
        "classifier_activation": True,
    },
}


def make_inputs() -> Encoded:
    """Return random pairs of texts of different lengths."""
    generator = np.random.default_rng(6)
    lengths = generator.integers(3, TOKENS + 1, (TEXTS, 1))
    place = np.arange(TOKENS)[None]
    mask = (place < lengths).astype(np.int32)
    ids = generator.integers(1, SMALL["vocab_size"], mask.shape).astype(np.int32) * mask
    types = (place >= lengths // 2).astype(np.int32) * mask
    return Encoded(ids, mask, types, np.zeros(TEXTS, np.int32))


INPUTS = make_inputs()


def answer(values: dict[str, Any], shape: Architecture) -> Any:
    """Return the logits of edgeproof's network."""
    blocks = Blocks({name: tf.constant(value) for name, value in values.items()}, shape)
    inputs = (INPUTS.ids, INPUTS.mask, INPUTS.segments)
    return forward(blocks, *map(tf.constant, inputs)).numpy()


def error(actual: Any, expected: Any) -> float:
    """Return the largest difference of the logits, relative to the range of the expected logits."""
    return float(np.abs(actual - expected).max() / np.ptp(expected, axis=0).max())


def reread(flatbuffer: bytes, shape: Architecture, folder: Path) -> dict[str, Any]:
    """Return the weights in a FlatBuffer, including those of the classifier."""
    path = folder / "model.tflite"
    path.write_bytes(flatbuffer)
    return tflite_file.read(path, [parameter.name for parameter in parameters(shape)], shape)


def ours(folder: Path) -> dict[str, Any]:
    """Return the error with weights that were converted and read back, by network and scheme."""
    answers: dict[str, Any] = {}
    for name, config in CONFIGS.items():
        shape = network_of(config, classes=CLASSES)
        values = random_values(shape, GAIN)
        expected = answer(values, shape)
        answers[name] = {}
        folder_of_case = folder / name
        folder_of_case.mkdir()
        (folder_of_case / "bert_config.json").write_text(json.dumps(config))
        for scheme in SCHEMES.get(name, TWO):
            flatbuffer = convert(scheme_named(scheme), shape, values, (TOKENS,), INPUTS)
            actual = answer(reread(flatbuffer, shape, folder_of_case), shape)
            answers[name][scheme] = error(actual, expected)
    return answers


def first_token() -> dict[str, Any]:
    """Return, by network, the error if the last layer computes only the first token."""
    errors: dict[str, Any] = {}
    for name, config in CONFIGS.items():
        shape = replace(network_of(config, classes=CLASSES), first_token_last=False)
        values = random_values(shape, GAIN)
        expected = answer(values, shape)
        errors[name] = error(answer(values, replace(shape, first_token_last=True)), expected)
    return errors


def lengths() -> dict[str, Any]:
    """Compare two lengths of one file, by scheme.

    Returns the error of the shorter length on the texts that fit both, and the size of the file
    relative to a file of only the longer length.
    """
    shape = network_of(CONFIGS["mobilebert"], classes=CLASSES)
    values = random_values(shape, GAIN)
    fits = INPUTS.mask.sum(axis=1) <= SHORT
    compared: dict[str, Any] = {}
    for scheme in SEVERAL:
        single, several = (
            convert(scheme_named(scheme), shape, values, token_counts, INPUTS)
            for token_counts in ((TOKENS,), (SHORT, TOKENS))
        )
        short, long = (_logits_at(several, tokens)[fits] for tokens in (SHORT, TOKENS))
        compared[scheme] = {"error": error(short, long), "bytes": len(several) / len(single)}
    return compared


def _logits_at(flatbuffer: bytes, tokens: int) -> Any:
    interpreter = tf.lite.Interpreter(model_content=flatbuffer)
    answer_at = interpreter.get_signature_runner(signature_of_length(tokens))
    arrays = {name: getattr(INPUTS, role)[:, :tokens] for role, name in NAMES.items()}
    rows = range(len(INPUTS.labels))
    rows_given = ({name: array[row : row + 1] for name, array in arrays.items()} for row in rows)
    return np.concatenate([answer_at(**row_inputs)[LOGITS] for row_inputs in rows_given])


class _Foreign:
    """An implementation of BERT and MobileBERT like Google's, with edgeproof's names of weights."""

    def __init__(self, values: dict[str, Any], shape: Architecture) -> None:
        self.values, self.shape = values, shape

    def weight(self, name: str) -> Any:
        return tf.constant(self.values[name])

    def dense(self, name: str, inputs: Any) -> Any:
        kernel = tf.transpose(self.weight(f"{name}.weight"))
        return tf.einsum("abc,cd->abd", inputs, kernel) + self.weight(f"{name}.bias")

    def heads(self, name: str, inputs: Any) -> Any:
        """Apply a dense layer with a kernel of three dimensions."""
        count = self.shape.heads
        kernel = tf.transpose(self.weight(f"{name}.weight"))
        kernel = tf.reshape(kernel, [kernel.shape[0], count, -1])
        bias = tf.reshape(self.weight(f"{name}.bias"), [count, -1])
        return tf.einsum("abc,cde->abde", inputs, kernel) + bias

    def norm(self, name: str, inputs: Any) -> Any:
        gain = self.weight(f"{name}.LayerNorm.weight")
        shift = self.weight(f"{name}.LayerNorm.bias")
        if self.shape.normalization == "no_norm":
            return inputs * gain + shift
        mean, variance = tf.nn.moments(inputs, [-1], keepdims=True)
        return tf.nn.batch_normalization(inputs, mean, variance, shift, gain, 1e-12)

    def activate(self, inputs: Any) -> Any:
        if self.shape.activation == "relu":
            return tf.nn.relu(inputs)
        inner = np.sqrt(2 / np.pi) * (inputs + 0.044715 * tf.pow(inputs, 3))
        return inputs * 0.5 * (1.0 + tf.tanh(inner))

    def attention(self, prefix: str, query: Any, value: Any, stream: Any, mask: Any) -> Any:
        name = f"{prefix}.attention.self"
        q, k = self.heads(f"{name}.query", query), self.heads(f"{name}.key", query)
        v = self.heads(f"{name}.value", value)
        scores = tf.einsum("BFNH,BTNH->BNFT", q, k) / np.sqrt(float(q.shape[-1]))
        scores += (1.0 - mask[:, None, None, :]) * -10000.0
        context = tf.einsum("BNFT,BTNH->BFNH", tf.nn.softmax(scores), v)
        context = tf.reshape(context, [-1, TOKENS, v.shape[-1] * v.shape[-2]])
        projected = self.dense(f"{prefix}.attention.output.dense", context)
        return self.norm(f"{prefix}.attention.output", projected + stream)

    def feedforward(self, prefix: str, inputs: Any) -> Any:
        inner = self.activate(self.dense(f"{prefix}.intermediate.dense", inputs))
        narrowed = self.dense(f"{prefix}.output.dense", inner)
        return self.norm(f"{prefix}.output", narrowed + inputs)

    def layer(self, prefix: str, states: Any, mask: Any) -> Any:
        stream, query, value = states, states, states
        if self.shape.bottleneck:
            name = f"{prefix}.bottleneck.input"
            stream = query = self.norm(name, self.dense(f"{name}.dense", states))
            value = stream
        if self.shape.attention_input == "shared":
            name = f"{prefix}.bottleneck.attention"
            query = self.norm(name, self.dense(f"{name}.dense", states))
            value = states
        inner = self.attention(prefix, query, value, stream, mask)
        for number in range(self.shape.feedforward_networks - 1):
            inner = self.feedforward(f"{prefix}.ffn.{number}", inner)
        inner = self.feedforward(prefix, inner)
        if not self.shape.bottleneck:
            return inner
        name = f"{prefix}.output.bottleneck"
        return self.norm(name, self.dense(f"{name}.dense", inner) + states)

    def embeddings(self, ids: Any, types: Any) -> Any:
        words = tf.nn.embedding_lookup(self.weight("embeddings.word_embeddings.weight"), ids)
        if self.shape.trigram_embedding:
            following = tf.pad(words[:, 1:], ((0, 0), (0, 1), (0, 0)))
            previous = tf.pad(words[:, :-1], ((0, 0), (1, 0), (0, 0)))
            words = tf.concat([following, words, previous], axis=2)
        if self.shape.embedding_transformed:
            words = self.dense("embeddings.embedding_transformation", words)
        flat = tf.one_hot(tf.reshape(types, [-1]), depth=self.shape.types)
        table = self.weight("embeddings.token_type_embeddings.weight")
        words += tf.reshape(flat @ table, [-1, TOKENS, self.shape.hidden])
        words += tf.reshape(self.weight("embeddings.position_embeddings.weight"), [1, TOKENS, -1])
        return self.norm("embeddings", words)

    def logits(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
        mask = tf.cast(attention_mask, tf.float32)
        states = self.embeddings(input_ids, token_type_ids)
        for number in range(self.shape.layers):
            states = self.layer(f"encoder.layer.{number}", states, mask)
        first = tf.squeeze(states[:, 0:1, :], axis=1)
        if self.shape.pooled:
            kernel = tf.transpose(self.weight("pooler.dense.weight"))
            first = tf.tanh(tf.matmul(first, kernel) + self.weight("pooler.dense.bias"))
        kernel = tf.transpose(self.weight("classifier.weight"))
        return {"logits": tf.matmul(first, kernel) + self.weight("classifier.bias")}


def converted(network: _Foreign, folder: Path, *, quantized: bool) -> bytes:
    """Return the FlatBuffer of a foreign network."""
    names = ("input_ids", "attention_mask", "token_type_ids")
    specs = [tf.TensorSpec([1, TOKENS], tf.int32, name) for name in names]
    module = tf.Module()
    module.serve = tf.function(network.logits, input_signature=specs)
    tf.saved_model.save(module, str(folder), signatures=module.serve.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    converter.optimizations = [tf.lite.Optimize.DEFAULT] if quantized else []
    return bytes(converter.convert())


def foreign(folder: Path) -> dict[str, Any]:
    """Return the error with the weights of a foreign FlatBuffer, by network and scheme."""
    answers: dict[str, Any] = {}
    for name, config in CONFIGS.items():
        shape = network_of(config, classes=CLASSES)
        network = _Foreign(random_values(shape, GAIN), shape)
        inputs = (INPUTS.ids, INPUTS.mask, INPUTS.segments)
        expected = network.logits(*map(tf.constant, inputs))["logits"].numpy()
        answers[name] = {}
        for scheme, quantized in (("float32", False), ("dynamic_wi8_afp32", True)):
            flatbuffer = converted(network, folder / f"{name}_{scheme}", quantized=quantized)
            actual = answer(reread(flatbuffer, shape, folder), shape)
            answers[name][scheme] = error(actual, expected)
    return answers


if __name__ == "__main__":
    root = Path(sys.argv[1])
    answer_file = root / "answer.json"  # not stdout, to which the quantizer prints
    every = {"ours": ours(root), "foreign": foreign(root), "lengths": lengths()}
    every["first_token"] = first_token()
    answer_file.write_text(json.dumps(every))
