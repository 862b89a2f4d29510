"""Fine-tuning a classifier on the train split, and its logits on the other splits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from models.errors import EdgeproofError
from models.networks.classifier import Classifier
from models.training import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.networks.architecture import Architecture
    from models.networks.parameters import Values
    from models.subjects import TrainingTable

PREDICTION_BATCH = 64
# A trained classifier's logits stay within tens; thousands are a blow-up, not confidence.
SANE_LOGIT = 1e3


@dataclass(frozen=True)
class Step:
    """Progress of a fine-tuning: 1-based epoch and batch, mean loss of the epoch so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    tweets: int
    loss: float


@dataclass(frozen=True)
class Epoch:
    """One line of a training history."""

    epoch: int
    loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Trained:
    """What a fine-tuning leaves: weights by name, and the history by epoch."""

    values: Values
    history: tuple[Epoch, ...]
    classifier: Classifier

    def describe_history(self) -> list[dict[str, Any]]:
        """Return the history as plain values."""
        return [asdict(epoch) for epoch in self.history]


def make_deterministic(seed: int) -> None:
    """Fix every seed and ask TensorFlow for operators that repeat themselves bit for bit."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fine_tune(
    shape: Architecture,
    values: Values,
    table: TrainingTable,
    splits: dict[str, Encoded],
    report: Callable[[Step], None],
) -> Trained:
    """Fine-tune from `values` on `splits["train"]`.

    AdamW (Loshchilov and Hutter 2019) with linear warm-up and decay and a clipped global norm.

    Raises:
        EdgeproofError: the loss or the logits blow up.
    """
    make_deterministic(table.seed)
    classifier = Classifier(shape, values, seed=table.seed)
    train = splits["train"]
    per_epoch = math.ceil(len(train.labels) / table.batch)
    classifier.compile(
        optimizer=_optimizer(table, steps=per_epoch * table.epochs, undecayed=classifier.undecayed),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    history = []
    for number in range(1, table.epochs + 1):
        loss = _run_epoch(classifier, train, table, number, report)
        logits = predict(classifier, splits["validation"])
        right = float(np.mean(logits.argmax(axis=1) == splits["validation"].labels))
        history.append(Epoch(number, loss, right))
    return Trained(classifier.values_by_name(), tuple(history), classifier)


def _run_epoch(
    classifier: Classifier,
    train: Encoded,
    table: TrainingTable,
    number: int,
    report: Callable[[Step], None],
) -> float:
    rows = batches.epoch(train, table.batch, seed=table.seed * 1000 + number)
    progress = _Progress(report, number, table.epochs, [len(part) for part in rows])
    outcome = classifier.fit(
        _dataset(train, rows), epochs=1, verbose=0, shuffle=False, callbacks=[progress]
    )
    loss = float(outcome.history["loss"][-1])
    if not math.isfinite(loss):
        raise EdgeproofError(
            f"the loss became {loss} in epoch {number}",
            key="training.learning_rate",
            remedy="Lower the learning rate, or lengthen the warm-up",
        )
    return loss


def _optimizer(table: TrainingTable, *, steps: int, undecayed: Any) -> Any:
    warmup = max(1, round(table.warmup * steps))
    schedule = keras.optimizers.schedules.PolynomialDecay(
        table.learning_rate, decay_steps=max(1, steps - warmup), end_learning_rate=0.0
    )
    optimizer = keras.optimizers.AdamW(
        _Warmup(schedule, table.learning_rate, warmup),
        weight_decay=table.weight_decay,
        global_clipnorm=table.clip_norm,
        epsilon=1e-6,
    )
    optimizer.exclude_from_weight_decay(var_list=[undecayed])
    return optimizer


class _Warmup(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # keras ships no types
    """Rise linearly to `peak` over `steps`, then follow `after`."""

    def __init__(self, after: Any, peak: float, steps: int) -> None:
        super().__init__()
        self.after, self.peak, self.steps = after, peak, steps

    def __call__(self, step: Any) -> Any:
        step = tf.cast(step, tf.float32)
        rising = self.peak * (step + 1.0) / self.steps
        return tf.where(step < self.steps, rising, self.after(step - self.steps))


class _Progress(keras.callbacks.Callback):  # type: ignore[misc] # keras ships no types
    """Hand each batch's progress on."""

    def __init__(
        self, report: Callable[[Step], None], number: int, epochs: int, sizes: list[int]
    ) -> None:
        super().__init__()
        self._report, self._number, self._epochs = report, number, epochs
        self._seen = np.cumsum(sizes)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report after every batch; the receiver decides how often it prints."""
        self._report(
            Step(
                self._number,
                self._epochs,
                batch + 1,
                len(self._seen),
                int(self._seen[batch]),
                (logs or {}).get("loss", math.nan),
            )
        )


def _dataset(split: Encoded, rows: list[NDArray[np.int64]]) -> Any:
    """Feed batches of different lengths without a new trace for each."""

    def pairs() -> Iterator[tuple[batches.Inputs, NDArray[np.int32]]]:
        for part in rows:
            yield batches.cut(split, part), split.labels[part]

    tokens = tf.TensorSpec((None, None), tf.int32)
    names = ("input_ids", "attention_mask", "token_type_ids")
    signature = (dict.fromkeys(names, tokens), tf.TensorSpec((None,), tf.int32))
    dataset = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(rows))).prefetch(2)


def predict(classifier: Classifier, split: Encoded) -> NDArray[np.float32]:
    """Return the logits [tweets, classes] of `split`, in its order.

    Raises:
        EdgeproofError: a logit is not finite or beyond any sane size.
    """
    rows = list(batches.in_order(split, PREDICTION_BATCH))
    answers = classifier.predict(_dataset(split, rows), verbose=0)
    logits = np.empty((len(split.labels), classifier.shape.classes), np.float32)
    logits[np.concatenate(rows)] = answers
    largest = float(np.abs(logits).max(initial=0.0))
    if not largest < SANE_LOGIT:
        raise EdgeproofError(
            f"a logit of {largest:g} came out of training: it blew up",
            key="training",
            remedy="Lower the learning rate, clip harder, or lengthen the warm-up",
        )
    return logits
