"""Program that cuts a random network, and prints how far its logits are from the full one's.

It is a program because pytest imports no TensorFlow. Its arguments are the sizes of the small
network as JSON, and the number of tokens that the small network reads of each text.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np

from models.shrinking.activity import measure_activity
from models.shrinking.cut import cut
from models.shrinking.inherit import Pieces, shrink_shape, shrink_values
from models.subjects import ShrunkTable, TrainingTable
from models.training.finetune import answers_of
from suites.meta.shrinking.small_networks import LAYERS, PIECES, TOKENS, network


def main() -> None:
    """Print the mean squared difference of logits, before and after the fit."""
    full, keys = network(), json.loads(sys.argv[1])
    table = ShrunkTable(training=TrainingTable(epochs=1, batch=8, learning_rate=1e-3), **keys)
    pieces = Pieces(np.arange(PIECES), np.ones(PIECES, np.int64))
    shape = shrink_shape(full.shape, table, vocabulary=PIECES, positions=TOKENS)
    activity = measure_activity(full)
    before = shrink_values(full.values, shape, table.layers or range(LAYERS), pieces, activity)
    mask = full.train.mask * (np.arange(TOKENS) < int(sys.argv[2]))
    _, after = cut(full, table, pieces, replace(full.train, mask=mask.astype(np.int32)))
    logits = answers_of(full.shape, full.values, full.train)
    spread = np.square(logits - logits.mean(axis=0)).mean()
    errors = [
        float(np.square(answers_of(shape, values, full.train) - logits).mean() / spread)
        for values in (before, after)
    ]
    sys.stdout.write(json.dumps(errors))


if __name__ == "__main__":
    main()
