"""Turn batches of any row length into TensorFlow datasets, without retracing for each length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from models.input_roles import ROLES
from models.training import batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded

_INPUTS = dict.fromkeys(ROLES, tf.TensorSpec((None, None), tf.int32))


def inputs_only(split: Encoded, rows: list[NDArray[np.int64]]) -> Any:
    """Return a dataset of the inputs of each batch."""

    def input_batches() -> Iterator[tuple[batches.Inputs]]:
        for part in rows:
            yield (batches.cut(split, part),)

    return _dataset(input_batches, (_INPUTS,), len(rows))


def with_targets(split: Encoded, parts: list[batches.Part], targets: NDArray[Any]) -> Any:
    """Return a dataset of the inputs, targets and text weights of each part of a batch."""

    def batches_with_targets() -> Iterator[
        tuple[batches.Inputs, NDArray[Any], NDArray[np.float32]]
    ]:
        for part in parts:
            weights = np.full(len(part.rows), part.weight, np.float32)
            yield batches.cut(split, part.rows), targets[part.rows], weights

    targets_spec = tf.TensorSpec((None, *targets.shape[1:]), targets.dtype)
    return _dataset(
        batches_with_targets,
        (_INPUTS, targets_spec, tf.TensorSpec((None,), tf.float32)),
        len(parts),
    )


def _dataset(generator: Any, signature: Any, length: int) -> Any:
    dataset = tf.data.Dataset.from_generator(generator, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(length)).prefetch(2)
