"""Train text classifiers with Keras, and convert them in common ways.

Arguments: a folder and, optionally, a CSV file of labelled texts. The program writes these files:

    texts.csv           texts not used in training: text, label, complaint
    vocabulary.txt      of TextVectorization
    word_index.json     of Keras' Tokenizer
    regex.txt           Model Maker's vocabulary: word and number
    keras.json          the accuracy of each network, measured by Keras
    NETWORK.npz         recorded answers of Keras for each network and text
    NAME.tflite         files of the real converter
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import flatbuffers
import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from models.corpus.generate import generate
from models.subjects import CorpusTable, Counts
from suites.meta.door.trained import COMPLAINT, LABELS, LENGTH, NETWORKS
from suites.meta.flatbuffer_writer import with_files
from suites.meta.flatbuffers import metadata_files as write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Ids = NDArray[np.int32]
    Rows = list[tuple[str, str]]

TRAIN, TEST = 3000, 400
VOCABULARY = 1500
WIDTH = 16
SEED = 7
# Delimiters with which the Task Library splits texts for Model Maker's average word vectors.
DELIMITERS = r"[^\w\']+"
WORD_ENDS = re.compile(DELIMITERS, re.ASCII)
# Numbers of file types in TFLite metadata.
_AXIS_LABELS, _CALIBRATION = 2, 4
PAD, START, UNKNOWN = "<PAD>", "<START>", "<UNKNOWN>"


class Trained(NamedTuple):
    """A trained network, ids for its calibration, and Model Maker's vocabulary."""

    network: Any
    calibration: Ids
    vocabulary: bytes


def main(folder: Path, corpus: Path | None) -> None:
    """Write all files that the module's docstring lists."""
    keras.utils.set_random_seed(SEED)
    rows = _airline(corpus) if corpus else _generated()
    train, test = rows[:TRAIN], rows[TRAIN:]
    _write_texts(folder, test)
    encoders = {
        "average": _text_vectorization(folder, train),
        "convolution": _text_vectorization(folder, train),
        "recurrent": _tokenizer(folder, train),
        "model_maker": _model_maker(folder, train),
    }
    reported = {}
    for name in NETWORKS:
        train_ids, test_ids = (encoders[name]([text for text, _ in part]) for part in (train, test))
        network = _trained(name, train_ids, train)
        reported[name] = _record(folder, name, network, test_ids, test)
        vocabulary = (folder / "regex.txt").read_bytes()
        _convert(folder, name, Trained(network, train_ids[:100], vocabulary))
    (folder / "keras.json").write_text(json.dumps(reported), encoding="utf-8")


# ------------------------------------------------------------------------------------------ texts


def _airline(file: Path) -> Rows:
    """Return texts of the airline corpus, in a random but repeatable order."""
    text = file.read_bytes().decode("utf-8", errors="replace")
    labelled = [
        (row["text"], row["airline_sentiment"]) for row in csv.DictReader(io.StringIO(text))
    ]
    rows = list({text: (text, label) for text, label in labelled if text.strip()}.values())
    random.Random(SEED).shuffle(rows)  # noqa: S311 - repeatable, not a secret
    return rows[: TRAIN + TEST]


def _generated() -> Rows:
    counts = Counts(train=TRAIN, validation=0, calibration=0, test=TEST)
    corpus = generate(CorpusTable(source="generated", labels=LABELS, counts=counts, seed=SEED))
    texts = (*corpus.splits["train"], *corpus.splits["test"])
    return [(text.text, LABELS[text.label]) for text in texts]


def _write_texts(folder: Path, rows: Rows) -> None:
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "text", "label", "complaint"))
        for number, (text, label) in enumerate(rows):
            writer.writerow((f"t{number}", text, label, COMPLAINT[label == LABELS[0]]))


# -------------------------------------------------------------------------------------- tokenizers


def _text_vectorization(folder: Path, rows: Rows) -> Callable[[Sequence[str]], Ids]:
    layer = keras.layers.TextVectorization(VOCABULARY, output_sequence_length=LENGTH)
    layer.adapt([text for text, _ in rows])
    text = "".join(f"{word}\n" for word in layer.get_vocabulary())
    (folder / "vocabulary.txt").write_text(text, encoding="utf-8")
    return lambda texts: np.asarray(layer(tf.constant(list(texts))), np.int32)


def _tokenizer(folder: Path, rows: Rows) -> Callable[[Sequence[str]], Ids]:
    words = tf.keras.preprocessing.text.Tokenizer(VOCABULARY, oov_token="<OOV>")  # noqa: S106 - a token for words, not a password
    words.fit_on_texts([text for text, _ in rows])
    (folder / "word_index.json").write_text(words.to_json(), encoding="utf-8")

    def encode(texts: Sequence[str]) -> Ids:
        rows = words.texts_to_sequences(texts)
        return np.asarray(keras.utils.pad_sequences(rows, LENGTH), np.int32)

    return encode


def _model_maker(folder: Path, rows: Rows) -> Callable[[Sequence[str]], Ids]:
    """Number words as Model Maker does, and split texts as the Task Library does."""

    def split(text: str) -> list[str]:
        return [word for word in WORD_ENDS.split(text) if word]

    common = Counter(word for text, _ in rows for word in split(text)).most_common(VOCABULARY - 3)
    numbers = {word: at for at, word in enumerate((PAD, START, UNKNOWN, *(w for w, _ in common)))}
    lines = "".join(f"{word} {number}\n" for word, number in numbers.items())
    (folder / "regex.txt").write_text(lines, encoding="utf-8")

    def encode(texts: Sequence[str]) -> Ids:
        ids = np.full((len(texts), LENGTH), numbers[PAD], np.int32)
        for row, text in enumerate(texts):
            words = [numbers.get(word, numbers[UNKNOWN]) for word in split(text)]
            ids_of_text = [numbers[START], *words][:LENGTH]
            ids[row, : len(ids_of_text)] = ids_of_text
        return ids

    return encode


# ---------------------------------------------------------------------------------------- training


def _trained(name: str, ids: Ids, rows: Rows) -> Any:
    network = _NETWORKS[name]()
    sigmoid = network.output_shape[-1] == 1
    targets = np.array([_target(label, sigmoid=sigmoid) for _, label in rows])
    if sigmoid:
        loss: Any = "binary_crossentropy"
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name == "convolution")
    network.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"])
    network.fit(ids, targets, batch_size=64, epochs=6, verbose=0)
    return network


def _target(label: str, *, sigmoid: bool) -> int:
    return int(label == LABELS[0]) if sigmoid else LABELS.index(label)


def _average(length: int | None = LENGTH) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((length,), dtype="int32", name="ids"),
            layers.Embedding(VOCABULARY, WIDTH),
            layers.GlobalAveragePooling1D(),
            layers.Dense(WIDTH, activation="relu"),
            layers.Dense(len(LABELS), activation="softmax", name="scores"),
        ]
    )


def _convolution() -> Any:
    layers = keras.layers
    ids = keras.Input((LENGTH,), dtype="float32", name="words")
    words = layers.Embedding(VOCABULARY, WIDTH)(ids)
    widths = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(WIDTH, width, activation="relu")(words))
        for width in (2, 3, 4)
    ]
    scores = layers.Dense(len(LABELS), name="scores")(layers.Concatenate()(widths))
    return keras.Model(ids, scores)


def _recurrent() -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32", name="word_numbers"),
            layers.Embedding(VOCABULARY, WIDTH),
            layers.LSTM(WIDTH),
            layers.Dense(1, activation="sigmoid", name="complaint"),
        ]
    )


_NETWORKS = {
    "average": _average,
    "convolution": _convolution,
    "recurrent": _recurrent,
    "model_maker": _average,
}


def _record(folder: Path, name: str, network: Any, ids: Ids, rows: Rows) -> float:
    """Write Keras' answers; return the accuracy that Keras measures."""
    answers = np.asarray(network.predict(ids, verbose=0), np.float64)
    names = np.array([f"t{number}" for number in range(len(ids))])
    sigmoid = answers.shape[1] == 1
    if sigmoid:
        answers = np.concatenate([1.0 - answers, answers], axis=1)
    kind = "logits" if name == "convolution" else "probabilities"
    labels = answers.argmax(axis=1)
    arrays: dict[str, Any] = {"id": names, "label": labels, "ids": ids, kind: answers}
    np.savez(folder / f"{name}.npz", **arrays)
    targets = np.array([_target(label, sigmoid=sigmoid) for _, label in rows])
    return float(network.evaluate(ids, targets, verbose=0)[1])


# -------------------------------------------------------------------------------------- converting


def _convert(folder: Path, name: str, trained: Trained) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for file, data in _FILES[name](trained, Path(scratch)):
            (folder / f"{file}.tflite").write_bytes(data)


def _fixed(network: Any) -> Any:
    """Return a TensorFlow function that runs a network on one text."""

    def classify(words: Any) -> dict[str, Any]:
        return {"answer": network(words)}

    return tf.function(classify, input_signature=[_one_text(network)])


def _one_text(network: Any) -> Any:
    return tf.TensorSpec([1, LENGTH], tf.as_dtype(network.inputs[0].dtype), name="words")


def _exported(network: Any, functions: dict[str, Any], folder: Path) -> Any:
    """Return a converter of a SavedModel that contains a network with its variables."""
    archive = keras.export.ExportArchive()
    archive.track(network)
    for name, function in functions.items():
        archive.add_endpoint(name, function)
    archive.write_out(str(folder), verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=list(functions))


def _from_saved(network: Any, folder: Path) -> Any:
    return _exported(network, {"serving_default": _fixed(network)}, folder)


def _without_weights(network: Any, folder: Path) -> Any:
    """Return a converter of a SavedModel that lacks the weights which its function reads."""
    module = tf.Module()
    module.network = network
    tf.saved_model.save(module, str(folder), signatures=_fixed(network).get_concrete_function())
    return tf.lite.TFLiteConverter.from_saved_model(str(folder))


def _static(converter: Any, trained: Trained, dtype: Any) -> Any:
    def samples() -> Iterator[list[Any]]:
        for row in trained.calibration:
            yield [row[None].astype(dtype)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter


def _average_files(trained: Trained, scratch: Path) -> Iterator[tuple[str, bytes]]:
    network = trained.network
    from_keras = partial(tf.lite.TFLiteConverter.from_keras_model, network)
    yield "average", from_keras().convert()
    yield "average_saved", _from_saved(network, scratch / "saved").convert()
    frozen = _frozen(network)
    yield "average_unsigned", tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    yield "average_without_weights", _without_weights(network, scratch / "lost").convert()
    dynamic = from_keras()
    dynamic.optimizations = [tf.lite.Optimize.DEFAULT]
    yield "average_dynamic", dynamic.convert()
    half = from_keras()
    half.optimizations = [tf.lite.Optimize.DEFAULT]
    half.target_spec.supported_types = [tf.float16]
    yield "average_float16", half.convert()
    static = _static(from_keras(), trained, np.int32)
    static.inference_output_type = tf.int8
    yield "average_int8", static.convert()
    opened = _average(None)
    opened.set_weights(network.get_weights())
    yield "average_open", tf.lite.TFLiteConverter.from_keras_model(opened).convert()


def _frozen(network: Any) -> Any:
    return convert_variables_to_constants_v2(_fixed(network).get_concrete_function())


def _convolution_files(trained: Trained, scratch: Path) -> Iterator[tuple[str, bytes]]:
    network = trained.network
    from_keras = partial(tf.lite.TFLiteConverter.from_keras_model, network)
    yield "convolution", from_keras().convert()
    static = _static(from_keras(), trained, np.float32)
    yield "convolution_int8", static.convert()
    static = _static(from_keras(), trained, np.float32)
    static.inference_input_type = static.inference_output_type = tf.int8
    yield "convolution_int8_ids", static.convert()
    spec = tf.TensorSpec([1, LENGTH], tf.int32, name="words")

    @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator] # TensorFlow has no types
    def classify(words: Any) -> dict[str, Any]:
        return {"scores": network(tf.cast(words, tf.float32))}

    @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator] # TensorFlow has no types
    def count(words: Any) -> dict[str, Any]:
        counted = tf.cast(tf.not_equal(words, 0), tf.float32)
        return {"scores": tf.reduce_sum(counted, axis=1, keepdims=True) * tf.ones([1, len(LABELS)])}

    functions = {"a_count": count, "classify": classify}
    yield "two_signatures", _exported(network, functions, scratch / "two").convert()


def _recurrent_files(trained: Trained, scratch: Path) -> Iterator[tuple[str, bytes]]:
    network = trained.network
    fixed = _from_saved(network, scratch / "fixed")
    yield "recurrent", fixed.convert()
    unrolled = _unrolled(network)
    yield "recurrent_unrolled", _from_saved(unrolled, scratch / "unrolled").convert()
    flex = tf.lite.TFLiteConverter.from_keras_model(network)
    flex.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    # Tutorials use this setting.
    flex._experimental_lower_tensor_list_ops = False
    yield "recurrent_flex", flex.convert()


def _unrolled(network: Any) -> Any:
    layers = keras.layers
    copied = keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32", name="word_numbers"),
            layers.Embedding(VOCABULARY, WIDTH),
            layers.LSTM(WIDTH, unroll=True),
            layers.Dense(1, activation="sigmoid", name="complaint"),
        ]
    )
    copied.set_weights(network.get_weights())
    return copied


def _model_maker_files(trained: Trained, scratch: Path) -> Iterator[tuple[str, bytes]]:
    data = _from_saved(trained.network, scratch / "saved").convert()
    yield "model_maker", _described(data, trained.vocabulary, LABELS)
    yield "model_maker_wrong_labels", _described(data, trained.vocabulary, LABELS[::-1])


def _described(data: bytes, vocabulary: bytes, labels: Sequence[str]) -> bytes:
    """Return a file with the metadata of Model Maker's classifiers, and the files that it names."""
    tokenizer = write.regex_tokenizer(DELIMITERS, write.associated("vocab.txt", 5))
    described = write.model_metadata(
        [write.tensor_metadata("input_text", units=[tokenizer])],
        [
            write.tensor_metadata(
                "probability",
                units=[write.normalization([0.0], [1.0]), write.calibration(0, 0.0)],
                files=[
                    write.associated("labels.txt", _AXIS_LABELS),
                    write.associated("calibration.txt", _CALIBRATION),
                ],
            )
        ],
    )
    model = schema.ModelT.InitFromPackedBuf(data)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(described, np.uint8)
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata.append(entry)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    files = {
        "labels.txt": "".join(f"{label}\n" for label in labels).encode(),
        "vocab.txt": vocabulary,
        "calibration.txt": b"1.0,1.0,0.0\n" * len(labels),
    }
    return with_files(bytes(builder.Output()), files)


_FILES = {
    "average": _average_files,
    "convolution": _convolution_files,
    "recurrent": _recurrent_files,
    "model_maker": _model_maker_files,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
