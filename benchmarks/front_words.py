"""Define classifiers that ignore the order of words.

One is TF-IDF with a logistic regression. The other is an average of word vectors, like that of
TensorFlow Lite Model Maker.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Texts = Sequence[tuple[str, ...]]

# Values of the inverse regularization strength; the best one on the validation split is used.
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
_FLOAT32 = 4
# Defaults of Model Maker's average word vectors: 10,000 words, vectors and one hidden layer of 16
# values, dropout 0.2. Its rows of 256 words are shortened to 64, which is enough for short texts.
WORDS, WIDTH, DROPOUT, TOKENS = 10_000, 16, 0.2, 64
EPOCHS, BATCH, RATE, SEED = 30, 64, 3e-3, 0
PAD, START, UNKNOWN = "<PAD>", "<START>", "<UNKNOWN>"
# Model Maker reads words as runs of letters, digits and apostrophes, in lower case.
_WORD = r"[\w']+"


class WordFrequencies:
    """TF-IDF over words and pairs of words, and a logistic regression (scikit-learn).

    Args:
        train: training texts.
        labels: labels of the training texts [n].
        validation: texts for choosing the regularization.
        expected: labels of these texts [n].

    Attributes:
        bytes: size of the weights in float32: for each word or pair, one weight in the vectorizer
            and one for each label.
        words: size of the words and pairs in UTF-8, each with a terminating byte.
    """

    def __init__(
        self,
        train: Texts,
        labels: NDArray[np.int32],
        validation: Texts,
        expected: NDArray[np.int32],
    ) -> None:
        from sklearn.feature_extraction.text import (  # noqa: PLC0415 - only this benchmark needs the package
            TfidfVectorizer,
        )
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - likewise

        self._vectorizer = TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, min_df=2, dtype=np.float32
        )
        known = self._vectorizer.fit_transform([" ".join(text) for text in train])
        seen = self._vectorizer.transform([" ".join(text) for text in validation])
        fitted = [
            LogisticRegression(C=strength, max_iter=1000).fit(known, labels)
            for strength in STRENGTHS
        ]
        self._regression = max(fitted, key=lambda regression: regression.score(seen, expected))
        words = self._vectorizer.vocabulary_
        self.words = sum(len(word.encode()) + 1 for word in words)
        values = len(words) + self._regression.coef_.size + self._regression.intercept_.size
        self.bytes = _FLOAT32 * values

    def label(self, text: tuple[str, ...]) -> int:
        """Return the label of a text, or of a group and a text."""
        return int(self._regression.predict(self._vectorizer.transform([" ".join(text)]))[0])


def word_tokenizer(train: Texts) -> str:
    """Return the JSON of a tokenizer with the most frequent words in some texts."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers  # noqa: PLC0415 - likewise
    from tokenizers.processors import TemplateProcessing  # noqa: PLC0415 - only this benchmark needs the package

    counted = Counter(
        word for text in train for part in text for word in re.findall(_WORD, part.lower())
    )
    special = (PAD, START, UNKNOWN)
    frequent = [word for word, _ in counted.most_common(WORDS - len(special))]
    vocabulary = {word: number for number, word in enumerate((*special, *frequent))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), "removed", invert=True)
    start = (START, vocabulary[START])
    tokenizer.post_processor = TemplateProcessing(
        single=f"{START} $A", pair=f"{START} $A $B", special_tokens=[start]
    )
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding(pad_id=vocabulary[PAD], pad_token=PAD, length=TOKENS)
    return str(tokenizer.to_str())


def encode(tokenizer: str, texts: Texts) -> NDArray[np.int32]:
    """Return the ids of some texts, [n, TOKENS]."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - only this benchmark needs the package

    rows = Tokenizer.from_str(tokenizer).encode_batch(
        [text[0] if len(text) == 1 else text for text in texts]
    )
    return np.array([row.ids for row in rows], np.int32)


def words_in(tokenizer: str) -> int:
    """Return the size of a tokenizer's words in UTF-8, each with a terminating byte."""
    document: dict[str, Any] = json.loads(tokenizer)
    return sum(len(word.encode()) + 1 for word in document["model"]["vocab"])


def train_average(
    ids: NDArray[np.int32],
    labels: NDArray[np.int32],
    validation: tuple[NDArray[np.int32], NDArray[np.int32]],
    out: Path,
) -> None:
    """Train an average of word vectors and write it as a FlatBuffer; imports TensorFlow.

    Args:
        ids: token ids of the training texts, [n, TOKENS].
        labels: labels of the training texts [n].
        validation: ids and labels of the validation texts; the epoch with the best accuracy on
            these texts is kept.
        out: path of the file.
    """
    import keras  # noqa: PLC0415 - imported only in a separate process
    import tensorflow as tf  # noqa: PLC0415 - likewise

    keras.utils.set_random_seed(SEED)
    classes = int(labels.max()) + 1
    model = keras.Sequential(
        [
            keras.Input((TOKENS,), dtype="int32"),
            keras.layers.Embedding(WORDS, WIDTH),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(WIDTH, activation="relu"),
            keras.layers.Dropout(DROPOUT),
            keras.layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"])
    best = keras.callbacks.EarlyStopping("val_accuracy", patience=EPOCHS, restore_best_weights=True)
    model.fit(
        ids, labels, batch_size=BATCH, epochs=EPOCHS, validation_data=validation,
        callbacks=[best], verbose=0,
    )  # fmt: skip

    table, (inner, inner_bias), (outer, outer_bias) = (
        model.layers[0].get_weights()[0],
        model.layers[2].get_weights(),
        model.layers[4].get_weights(),
    )

    class Frozen(tf.Module):  # type: ignore[misc] # tensorflow ships no types
        """The model with constant weights, because the converter loses variables of Keras 3."""

        @tf.function(input_signature=[tf.TensorSpec((1, TOKENS), tf.int32, "input_ids")])  # type: ignore[untyped-decorator] # tensorflow ships no types
        def answer(self, input_ids: Any) -> dict[str, Any]:
            pooled = tf.reduce_mean(tf.gather(tf.constant(table), input_ids), axis=1)
            hidden = tf.nn.relu(tf.matmul(pooled, tf.constant(inner)) + inner_bias)
            return {"logits": tf.matmul(hidden, tf.constant(outer)) + outer_bias}

    frozen = Frozen()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(frozen, folder, signatures=frozen.answer)
        out.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
