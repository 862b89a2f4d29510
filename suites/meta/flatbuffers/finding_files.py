"""For each finding, write a file with the finding and a similar file without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from suites.meta.flatbuffer_writer import Model, with_files
from suites.meta.flatbuffers import metadata_files as write
from suites.meta.lengths_files import of_lengths
from suites.meta.small_classifiers import NAMES, Shape, classifier, model_of

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(7)
WIDE = 64  # a dense layer of 64 x 64 is large enough to be quantized


def dense(  # noqa: PLR0913 - callers pass the properties of a layer by name
    *,
    weights: Any = None,
    dtype: str = "float32",
    version: int = 1,
    input_dtype: str = "float32",
    scale: float | list[float] | None = None,
    zero: int = 0,
    runtime: str = "",
    file_name: str = "w",
) -> bytes:
    """Return a file with one dense layer, which computes 64 logits from ids."""
    model = Model()
    ids = model.tensor("ids", (1, WIDE), "int32")
    source = model.tensor(
        "real", (1, WIDE), input_dtype, scale=0.1 if "int" in input_dtype else None
    )
    out = model.tensor("out", (1, WIDE), input_dtype, scale=0.1 if "int" in input_dtype else None)
    values = RNG.integers(-100, 100, (WIDE, WIDE)) if weights is None else weights
    held = model.tensor(file_name, (WIDE, WIDE), dtype, values=values, scale=scale, zero=zero)
    model.operator("CAST", [ids], [source])
    model.operator("FULLY_CONNECTED", [source, held, -1], [out], version=version)
    if runtime:
        model.metadata["min_runtime_version"] = runtime.encode()
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


def constant(value: float, dtype: str = "float32") -> bytes:
    """Return a file that multiplies by a constant, which is dequantized if it is float16."""
    model = Model()
    ids = model.tensor("ids", (1, 4), "int32")
    real, out = model.tensor("real", (1, 4)), model.tensor("out", (1, 4))
    model.operator("CAST", [ids], [real])
    with np.errstate(over="ignore"):
        by = model.tensor("mask_constant", (), dtype, values=np.array(value, dtype))
    if dtype == "float16":
        unpacked = model.tensor("unpacked", ())
        model.operator("DEQUANTIZE", [by], [unpacked], version=3)
        by = unpacked
    model.operator("MUL", [real, by], [out])
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


def chain(*operators: str, inputs: str = "int32", shape: tuple[int, ...] = (1, 8)) -> bytes:
    """Return a file with a chain of operators between an input and a dense layer."""
    model = Model()
    last = first = model.tensor("ids", shape, inputs)
    for number, name in enumerate(operators):
        new = model.tensor(f"state_{number}", (1, 8))
        model.operator(name, [last], [new])
        last = new
    weights, out = model.tensor("w", (3, 8), values=np.ones((3, 8))), model.tensor("out", (1, 3))
    model.operator("FULLY_CONNECTED", [last, weights, -1], [out])
    model.sign({"ids": first}, {"logits": out})
    model.end_graph([first], [out])
    return model.pack()


def answering(shape: tuple[int, ...], dtype: str = "float32", **settings: Any) -> bytes:
    """Return a file whose output has this shape and dtype."""
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", shape, dtype, **settings)
    weights = model.tensor("w", (3, 8), values=np.ones((3, 8)))
    model.operator("FULLY_CONNECTED", [ids, weights, -1], [out])
    model.sign({"ids": ids}, {"out": out})
    model.end_graph([ids], [out])
    return model.pack()


def taking(shape: tuple[int, ...], **settings: Any) -> bytes:
    """Return a file whose input has this shape."""
    model = Model()
    ids, out = model.tensor("ids", shape, "int32", **settings), model.tensor("out", (1, 3))
    weights = model.tensor("w", (3, 8), values=np.ones((3, 8)))
    model.operator("FULLY_CONNECTED", [ids, weights, -1], [out])
    model.sign({"ids": ids}, {"out": out})
    model.end_graph([ids], [out])
    return model.pack()


def nothing_in() -> bytes:
    """Return a file without inputs."""
    model = Model()
    weights, out = model.tensor("w", (1, 3), values=np.ones((1, 3))), model.tensor("out", (1, 3))
    model.operator("ADD", [weights, weights], [out])
    model.end_graph([], [out])
    return model.pack()


def nothing_out() -> bytes:
    """Return a file without outputs."""
    model = Model()
    ids = model.tensor("ids", (1, 8), "int32")
    model.tensor("w", (3, 8), values=np.ones((3, 8)))
    model.end_graph([ids], [])
    return model.pack()


def unread() -> bytes:
    """Return a file whose mask no operator reads."""
    model = Model()
    ids, mask = model.tensor("ids", (1, 8), "int32"), model.tensor("mask", (1, 8), "int32")
    weights, out = model.tensor("w", (3, 8), values=np.ones((3, 8))), model.tensor("out", (1, 3))
    model.operator("FULLY_CONNECTED", [ids, weights, -1], [out])
    model.sign({"ids": ids, "mask": mask}, {"logits": out})
    model.end_graph([ids, mask], [out])
    return model.pack()


def half_signed(*, names_all: bool) -> bytes:
    """Return a file with two inputs whose signature names both, or only one of them."""
    model = Model()
    ids, mask = model.tensor("ids", (1, 8), "int32"), model.tensor("mask", (1, 8), "int32")
    out, weights = model.tensor("out", (1, 8)), model.tensor("w", (1, 8), values=np.ones((1, 8)))
    model.operator("ADD", [ids, weights], [out])
    model.operator("MUL", [mask, weights], [out])
    model.sign({"ids": ids, **({"mask": mask} if names_all else {})}, {"logits": out})
    model.end_graph([ids, mask], [out])
    return model.pack()


def looped(*, graphs: int) -> bytes:
    """Return a file with this many graphs; if there are several, the first one has a loop."""
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 8))
    weights = model.tensor("w", (1, 8), values=np.ones((1, 8)))
    model.operator("WHILE" if graphs > 1 else "ADD", [ids, weights], [out])
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    for number in range(1, graphs):
        body = model.tensor("body", (1, 8))
        model.end_graph([body], [body], f"body_{number}")
    return model.pack()


def two_graphs(*, apart: bool) -> bytes:
    """Return a file of two graphs; the second signature runs the second or the first graph."""
    model = Model()
    for number, key in enumerate(("first", "second")):
        ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 8))
        model.operator("CAST", [ids], [out])
        model.sign({"ids": ids}, {"logits": out}, key, graph=number if apart else 0)
        model.end_graph([ids], [out], key)
    return model.pack()


def quantized_ids(scale: float) -> bytes:
    """Return a file with int8 inputs of a given scale."""
    model = Model()
    ids = model.tensor("ids", (1, 8), "int8", scale=scale, zero=-128)
    out = model.tensor("out", (1, 8))
    model.operator("DEQUANTIZE", [ids], [out])
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


def variables(*operators: str, variable: bool = False) -> bytes:
    """Return a file with these operators on variables."""
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 8))
    weights = model.tensor("w", (1, 8), values=np.ones((1, 8)))
    model.tensor("state", (1, 8), variable=variable)
    for name in operators:
        model.operator(name, [ids], [out])
    model.operator("ADD", [ids, weights], [out])
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


def weightless() -> bytes:
    """Return a file without a weight."""
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 8))
    model.operator("CAST", [ids], [out])
    model.end_graph([ids], [out])
    return model.pack()


def table(scale: float | list[float]) -> bytes:
    """Return a file with a lookup in an int8 table that has one scale, or one for each row."""
    model = Model()
    ids, out = model.tensor("ids", (1, 8), "int32"), model.tensor("out", (1, 8))
    words = model.tensor("words", (64, 64), "int8", values=np.ones((64, 64)), scale=scale)
    model.operator("GATHER", [words, ids], [out], version=2)
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


def partly_float(*, large: bool) -> bytes:
    """Return a file with an int8 dense layer after a large or small table of floats."""
    model = Model()
    rows = 256 if large else 8
    ids, row = model.tensor("ids", (1, 8), "int32"), model.tensor("row", (1, 64))
    words = model.tensor("words", (rows, 64), values=np.ones((rows, 64)))
    weights = model.tensor("w", (64, 64), "int8", values=np.ones((64, 64)), scale=0.1)
    out = model.tensor("out", (1, 64))
    model.operator("GATHER", [words, ids], [row])
    model.operator("FULLY_CONNECTED", [row, weights, -1], [out])
    model.sign({"ids": ids}, {"logits": out})
    model.end_graph([ids], [out])
    return model.pack()


def described(  # noqa: PLR0913 - callers pass the changed parts by name
    inputs: tuple[str, ...] = NAMES,
    *,
    units: list[Any] | None = None,
    labels: bytes = b"a\nb\nc\n",
    packed: tuple[str, ...] = ("labels.txt", "vocab.txt"),
    vocabulary: int = 64,
    parser: str = "1.2.0",
) -> bytes:
    """Return a classifier with correct metadata except for the given parts."""
    tokenizer = write.regex_tokenizer("x", write.associated("vocab.txt", 5))
    files = {"labels.txt": labels, "vocab.txt": b"word\n" * vocabulary}
    return write.described(
        model_of(Shape()),
        [write.tensor_metadata(name) for name in inputs],
        [write.tensor_metadata("logits", files=[write.associated("labels.txt", 2)])],
        units=[tokenizer, *(units or [])],
        packed={name: files[name] for name in packed},
        parser=parser,
    )


def corrupt_metadata() -> bytes:
    """Return a file with invalid metadata."""
    model = model_of(Shape())
    model.metadata["TFLITE_METADATA"] = b"nothing of the kind"
    return model.pack()


def corrupt_member() -> bytes:
    """Return a file whose packed vocabulary has a changed byte."""
    data = described()
    at = data.rindex(b"word\nword")
    return data[:at] + b"W" + data[at + 1 :]


def one(**settings: Any) -> Callable[[], bytes]:
    """Return a function that returns the bytes of a classifier with these settings."""
    return lambda: classifier(**settings)


SCALES = [0.1] * WIDE
# By id of the finding: a file with the finding, a file without it, and the scheme for --as.
FILES: dict[str, tuple[Callable[[], bytes], Callable[[], bytes], str | None]] = {
    "text-mode": (
        lambda: dense(dtype="int8", scale=0.1).replace(b"\r", b"\n"),
        lambda: dense(dtype="int8", scale=0.1),
        None,
    ),
    "flex-operator": (lambda: chain("FlexErf"), lambda: chain("ABS"), None),
    "flex-placeholder": (lambda: chain("FlexPlaceholder"), lambda: chain("FlexErf"), None),
    "custom-operator": (lambda: chain("NGramHash"), lambda: chain("Mfcc"), None),
    "unknown-operator": (lambda: chain("RFFT2D"), one(), None),
    "needs-newer-runtime": (lambda: dense(version=12), lambda: dense(version=9), None),
    "understated-version": (
        lambda: dense(dtype="int8", scale=SCALES, version=5),
        lambda: dense(dtype="int8", scale=SCALES, version=12),
        None,
    ),
    "declared-runtime-too-old": (
        lambda: dense(version=9, runtime="1.5.0"),
        lambda: dense(version=9, runtime="2.3.0"),
        None,
    ),
    "several-subgraphs": (lambda: looped(graphs=3), lambda: two_graphs(apart=True), None),
    "variables-without-values": (
        lambda: variables("READ_VARIABLE"),
        lambda: variables("READ_VARIABLE", "ASSIGN_VARIABLE"),
        None,
    ),
    "variables": (lambda: variables(variable=True), variables, None),
    "no-inputs": (nothing_in, one(), None),
    "string-input": (lambda: chain("ABS", inputs="string"), lambda: chain("ABS"), None),
    "int64-input": (one(dtype="int64"), one(), None),
    "float-input": (one(dtype="float32", names=("x",)), one(names=("x",)), None),
    "ids-rounded": (lambda: quantized_ids(5.9), lambda: quantized_ids(1.0), None),
    "open-length": (one(signature=(1, -1)), one(signature=(-1, 8)), None),
    "open-batch": (one(signature=(-1, 8)), one(signature=(1, -1)), None),
    "fixed-batch": (lambda: taking((4, 8)), lambda: taking((4, 8), signature=(-1, 8)), None),
    "unused-input": (unread, one(), None),
    "no-signature": (one(keys=()), one(), None),
    "several-signatures": (one(keys=("a", "b")), one(), None),
    "several-lengths": (of_lengths, lambda: of_lengths(8), None),
    "signature-of-another-graph": (
        lambda: two_graphs(apart=True),
        lambda: two_graphs(apart=False),
        None,
    ),
    "signature-incomplete": (
        lambda: half_signed(names_all=False),
        lambda: half_signed(names_all=True),
        None,
    ),
    "input-order": (one(order=(1, 2, 0)), one(), None),
    "several-outputs": (one(outputs=2), one(), None),
    "no-outputs": (nothing_out, one(), None),
    "output-is-no-score": (lambda: answering((1, 1), "int64"), one(), None),
    "output-shape": (lambda: answering((1, 16, 8)), lambda: answering((1, 1, 8)), None),
    "open-output": (
        lambda: answering((1, 1), signature=(1, -1)),
        lambda: answering((1, 3), signature=(-1, 3)),
        None,
    ),
    "probabilities-called-logits": (
        one(end=("SOFTMAX",)),
        one(end=("SOFTMAX",), output="probability"),
        None,
    ),
    "softmax-of-one": (one(end=("SOFTMAX",), classes=1), one(end=("SOFTMAX",), classes=2), None),
    "sigmoid": (one(end=("LOGISTIC",), classes=1), one(end=("SOFTMAX",)), None),
    "output-without-scale": (
        lambda: answering((1, 3), "int8"),
        lambda: answering((1, 3), "int8", scale=0.1),
        None,
    ),
    "output-saturates": (one(integer=(0.0005, 0)), one(integer=(0.03, 5)), None),
    "output-coarse": (one(integer=(2.0, 0)), one(integer=(0.03, 5)), None),
    "no-weights": (weightless, one(), None),
    "nan-weights": (lambda: constant(float("nan")), lambda: constant(1.0), None),
    "half-overflow": (
        lambda: constant(1e30, "float16"),
        lambda: constant(1e4, "float16"),
        None,
    ),
    "infinite-constant": (lambda: constant(-float("inf")), lambda: constant(-1e9), None),
    "overflows-half": (lambda: constant(-1e9), lambda: constant(-1e4), None),
    "weight-zero-point": (
        lambda: dense(dtype="int8", scale=0.1, zero=3),
        lambda: dense(dtype="int8", scale=0.1, zero=0),
        None,
    ),
    "bad-scale": (
        lambda: dense(dtype="int8", scale=0.0),
        lambda: dense(dtype="int8", scale=0.1),
        None,
    ),
    "one-scale-for-a-table": (lambda: table(0.1), lambda: table([0.1] * 64), None),
    "float16-that-is-not": (one(), lambda: constant(1e4, "float16"), "float16"),
    "integers-that-stayed-float": (
        one(),
        lambda: dense(dtype="int8", scale=SCALES, version=12),
        "dynamic_wi8_afp32",
    ),
    "not-the-scheme": (
        lambda: dense(dtype="int8", scale=0.1),
        lambda: dense(dtype="int8", scale=SCALES, version=12),
        "dynamic_wi8_afp32",
    ),
    "large-float-weights": (
        lambda: partly_float(large=True),
        lambda: partly_float(large=False),
        None,
    ),
    "old-uint8": (
        lambda: dense(dtype="uint8", scale=0.1, weights=np.ones((WIDE, WIDE))),
        lambda: dense(dtype="int8", scale=0.1),
        None,
    ),
    "metadata-unread": (corrupt_metadata, described, None),
    "metadata-ports": (lambda: described(("ids",)), described, None),
    "metadata-order": (lambda: described((NAMES[1], NAMES[0], NAMES[2])), described, None),
    "metadata-file-missing": (lambda: described(packed=("vocab.txt",)), described, None),
    "metadata-file-unread": (corrupt_member, described, None),
    "files-without-metadata": (
        lambda: with_files(classifier(), {"labels.txt": b"a\n"}),
        described,
        None,
    ),
    "metadata-labels": (lambda: described(labels=b"a\nb\n"), described, None),
    "metadata-vocabulary": (lambda: described(vocabulary=65), described, None),
    "metadata-normalization": (
        lambda: described(units=[write.normalization([127.5], [127.5])]),
        lambda: described(units=[write.normalization([0.0], [1.0])]),
        None,
    ),
    "metadata-calibration": (
        lambda: described(units=[write.calibration(0, 0.0)]),
        described,
        None,
    ),
    "metadata-newer": (lambda: described(parser="9.0.0"), described, None),
}
