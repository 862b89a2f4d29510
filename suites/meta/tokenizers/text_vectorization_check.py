"""Print the ids of Keras' TextVectorization, in a process that imports TensorFlow.

Arguments: a JSON file with `words` and `texts`, and the number of ids per row.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras


def main(file: str, length: str) -> None:
    """Print Keras' rows of ids for the texts as JSON."""
    request = json.loads(Path(file).read_text(encoding="utf-8"))
    layer = keras.layers.TextVectorization(
        vocabulary=request["words"], output_sequence_length=int(length)
    )
    sys.stdout.write(json.dumps(layer(request["texts"]).numpy().tolist()))


if __name__ == "__main__":
    main(*sys.argv[1:])
