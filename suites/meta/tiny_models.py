"""Make tiny FlatBuffers of every scheme, for the tests of edgeproof itself.

The network is a transformer with one block and fixed weights: `input_ids`, `attention_mask` and
`token_type_ids` (int32 [1, 16]) to `logits` (float32 [1, 3]). TensorFlow is imported only by
the subprocess that `make_tiny_models` starts; its files are cached between runs.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from models.runtime.binding import Binding

TOKENS = 16
VOCABULARY = 64
HIDDEN = 32
CLASSES = 3
INPUTS = ("input_ids", "attention_mask", "token_type_ids")

CONVERTER_SCHEMES = ("float32", "float16", "dynamic_wi8_afp32", "static_wi8_ai8")
# Schemes that litert-quantizer applies to the float32 file.
QUANTIZER_SCHEMES = ("dynamic_wi8_afp32", "dynamic_wi4_afp32", "static_wi8_ai8", "static_wi8_ai16")
# Not a classifier: a file with one operator that only TensorFlow's kernels implement.
FLEX_NAME = "flex"
NAMES = (
    *CONVERTER_SCHEMES,
    *(f"quantizer_{scheme}" for scheme in QUANTIZER_SCHEMES),
    FLEX_NAME,
)


def make_tiny_models() -> dict[str, Path]:
    """Return the tiny FlatBuffers by name (`NAMES`), made in a subprocess if they are missing.

    Raises:
        RuntimeError: the subprocess failed; contains the end of its output.
    """
    folder = _cache_folder()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent))
        done = subprocess.run(
            [sys.executable, __file__, str(scratch)],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode:
            raise RuntimeError(f"tiny_models.py failed:\n{done.stderr[-3000:]}")
        try:
            scratch.rename(folder)
        except OSError:  # another process made the same files first
            shutil.rmtree(scratch)
    return {name: folder / f"{name}.tflite" for name in NAMES}


def sample_inputs(count: int, seed: int = 0) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """Yield `count` encoded texts of random lengths: int32 arrays of shape [1, 16] by name."""
    import numpy as np  # noqa: PLC0415 - slow to import

    random = np.random.default_rng(seed)
    for _ in range(count):
        length = int(random.integers(3, TOKENS + 1))
        mask = (np.arange(TOKENS) < length).astype(np.int32)
        ids = random.integers(1, VOCABULARY, TOKENS).astype(np.int32) * mask
        types = (np.arange(TOKENS) >= 2).astype(np.int32) * mask
        yield dict(zip(INPUTS, (ids[None], mask[None], types[None]), strict=True))


def inputs_by_role(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return inputs by role instead of by their names in the signature."""
    from models.flatbuffers.signature import NAMES  # noqa: PLC0415 - slow to import

    return {role: inputs[name] for role, name in NAMES.items()}


def binding_of_encoder(vocabulary: int) -> Binding:
    """Return the binding of a tiny model's inputs by role, for ids below `vocabulary`."""
    from models.flatbuffers.signature import LOGITS, NAMES  # noqa: PLC0415 - likewise
    from models.runtime.binding import Binding, BoundInput  # noqa: PLC0415 - likewise

    inputs = (
        BoundInput(role, name, vocabulary if role == "ids" else 2) for role, name in NAMES.items()
    )
    return Binding(tuple(inputs), output=LOGITS)


def _cache_folder() -> Path:
    key = hashlib.sha256(Path(__file__).read_bytes())
    for package in ("tensorflow", "litert-quantizer"):
        key.update(f"{package}={metadata.version(package)}".encode())
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "edgeproof" / "meta" / f"tiny_models-{key.hexdigest()[:16]}"


def _network() -> Any:
    """Build the classifier as a TensorFlow function over constants."""
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    random = np.random.default_rng(7)

    def weights(*shape: int) -> Any:
        return tf.constant(random.normal(0, shape[0] ** -0.5, shape).astype(np.float32))

    words, kinds = weights(VOCABULARY, HIDDEN), weights(2, HIDDEN)
    query, key, value = (weights(HIDDEN, HIDDEN) for _ in range(3))
    widen, narrow, head = (
        weights(HIDDEN, 2 * HIDDEN),
        weights(2 * HIDDEN, HIDDEN),
        weights(HIDDEN, CLASSES),
    )

    def classify(input_ids: Any, attention_mask: Any, token_type_ids: Any) -> dict[str, Any]:
        hidden = tf.gather(words, input_ids) + tf.gather(kinds, token_type_ids)
        scores = tf.matmul(hidden @ query, hidden @ key, transpose_b=True) * HIDDEN**-0.5
        closed = (1.0 - tf.cast(attention_mask, tf.float32)) * -30.0
        attended = tf.nn.softmax(scores + tf.expand_dims(closed, 1)) @ (hidden @ value)
        hidden = hidden + attended
        hidden = hidden + tf.nn.relu(hidden @ widen) @ narrow
        return {"logits": hidden[:, 0] @ head}

    specs = [tf.TensorSpec([1, TOKENS], tf.int32, name=name) for name in INPUTS]
    return tf.function(classify, input_signature=specs)


def _save(function: Any, folder: Path) -> str:
    import tensorflow as tf  # noqa: PLC0415

    module = tf.Module()
    module.serve = function
    tf.saved_model.save(module, str(folder), signatures=function.get_concrete_function())
    return str(folder)


def _convert(saved: str, scheme: str) -> bytes:
    import tensorflow as tf  # noqa: PLC0415

    converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if scheme == "static_wi8_ai8":
        converter.representative_dataset = functools.partial(sample_inputs, 32)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())


def _convert_flex(scratch: Path) -> bytes:
    """Convert an operator without a built-in kernel, so that the file has a Flex operator."""
    import tensorflow as tf  # noqa: PLC0415

    spec = tf.TensorSpec([4, 4], tf.float32, name="values")
    function = tf.function(lambda values: {"out": tf.linalg.inv(values)}, input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_saved_model(_save(function, scratch / FLEX_NAME))
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    return bytes(converter.convert())


def _quantize(float_file: Path, scheme: str, target: Path) -> None:
    from litert_quantizer import quantizer, recipe  # noqa: PLC0415

    tool = quantizer.Quantizer(str(float_file), getattr(recipe, scheme)())
    calibration = None
    if tool.need_calibration:
        calibration = tool.calibrate({"serving_default": list(sample_inputs(32))})
    tool.quantize(calibration).export_model(str(target))


def main(folder: Path) -> None:
    """Write `NAME.tflite` for every one of `NAMES` into `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        saved = _save(_network(), Path(scratch) / "saved")
        for scheme in CONVERTER_SCHEMES:
            (folder / f"{scheme}.tflite").write_bytes(_convert(saved, scheme))
        (folder / f"{FLEX_NAME}.tflite").write_bytes(_convert_flex(Path(scratch)))
    for scheme in QUANTIZER_SCHEMES:
        target = folder / f"quantizer_{scheme}.tflite"
        _quantize(folder / "float32.tflite", scheme, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
