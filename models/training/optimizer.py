"""Make the optimizer: AdamW (Loshchilov and Hutter 2019), linear schedule, clipped global norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

if TYPE_CHECKING:
    from models.subjects import TrainingTable


def make_optimizer(table: TrainingTable, *, updates: int, undecayed: Any) -> Any:
    """Return the optimizer of one fine-tuning.

    Args:
        table: the hyper-parameters; gradients are averaged over `accumulation` parts of a batch.
        updates: total number of weight updates.
        undecayed: the variable without weight decay.
    """
    warmup = max(1, round(table.warmup * updates))
    schedule = keras.optimizers.schedules.PolynomialDecay(
        table.learning_rate, decay_steps=max(1, updates - warmup), end_learning_rate=0.0
    )
    optimizer = keras.optimizers.AdamW(
        _Warmup(schedule, table.learning_rate, warmup, table.accumulation),
        weight_decay=table.weight_decay,
        global_clipnorm=table.clip_norm,
        epsilon=1e-6,
        gradient_accumulation_steps=table.accumulation if table.accumulation > 1 else None,
        # `fit()` replaces the weights by their average when an epoch ends.
        use_ema=table.averaging > 0,
        ema_momentum=table.averaging,
    )
    optimizer.exclude_from_weight_decay(var_list=[undecayed])
    return optimizer


class _Warmup(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # keras ships no types
    """A learning rate that rises linearly to `peak` in `updates` updates, then follows `after`.

    Keras counts one step for each part of a batch; the schedule counts one update for all of them.
    """

    def __init__(self, after: Any, peak: float, updates: int, parts: int) -> None:
        super().__init__()
        self.after, self.peak, self.updates, self.parts = after, peak, updates, parts

    def __call__(self, step: Any) -> Any:
        update = tf.cast(step // self.parts, tf.float32)
        rising = self.peak * (update + 1.0) / self.updates
        return tf.where(update < self.updates, rising, self.after(update - self.updates))
