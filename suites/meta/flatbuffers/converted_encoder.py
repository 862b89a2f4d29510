"""Write a small encoder as litert-torch would convert it, without PyTorch.

The encoder has one layer of attention with relative distances. A head has as many channels as a
text has tokens, so that axes cannot be recognized by their sizes. The constant of the mask is also
read by another operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.signature import LOGITS, NAMES
from models.input_roles import IDS, MASK
from suites.meta.flatbuffer_writer import Model, Scalar, f32

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENS, HEADS, VOCABULARY, CLASSES = 16, 4, 80, 3
HIDDEN = HEADS * TOKENS
FILL = float(np.finfo(np.float32).min)
# Names of the tensors that the tests look up.
KEYS, SCORES, MASKED, WORDS = "keys", "scores", "masked", "words"
_DENSE: tuple[str, dict[int, Scalar]] = ("FullyConnectedOptions", {})
_KEEP = ("FullyConnectedOptions", {2: Scalar("Bool", True)})


class _Encoder:
    """The graph of an encoder under construction."""

    def __init__(self) -> None:
        self.model = Model(metadata={"min_runtime_version": b"2.16.0".ljust(16, b"\0")})
        self.random = np.random.default_rng(11)
        self.made = 0

    def add(
        self, kind: str, inputs: list[int], shape: tuple[int, ...], name: str = "", **settings: Any
    ) -> int:
        """Add an operator; return its output."""
        self.made += 1
        dtype = settings.pop("dtype", "float32")
        output = self.model.tensor(name or f"{kind}_{self.made}", shape, dtype)
        self.model.operator(kind, inputs, [output], **settings)
        return output

    def constant(self, values: Any, dtype: str) -> int:
        """Add a constant."""
        array = np.asarray(values, dtype)
        self.made += 1
        return self.model.tensor(f"constant_{self.made}", array.shape, dtype, values=array)

    def weights(self, *shape: int, spread: float = 1.0) -> int:
        """Add random weights."""
        return self.constant(self.random.normal(0, spread, shape), "float32")

    def shaped(self, source: int, *shape: int, dtype: str = "float32", name: str = "") -> int:
        """Add a reshape of a tensor; return its output."""
        to = self.constant(shape, "int32")
        return self.add("RESHAPE", [source, to], shape, name, dtype=dtype)

    def turned(self, source: int, order: tuple[int, ...], shape: tuple[int, ...]) -> int:
        """Add a transposition of a tensor; return its output."""
        return self.add("TRANSPOSE", [source, self.constant(order, "int32")], shape)

    def dense(self, source: int, outputs: int = HIDDEN) -> int:
        """Add a dense layer with a bias of zeros, as converters write a layer without a bias."""
        weights = self.weights(outputs, HIDDEN, spread=HIDDEN**-0.5)
        return self.add(
            "FULLY_CONNECTED", [source, weights, -1], (1, TOKENS, outputs), options=_KEEP
        )

    def rows(self, ids: int, table: int, rows: int, columns: int, name: str = "") -> int:
        """Add a lookup of the rows `ids` in a table; return its output [rows, columns]."""
        return self.add("EMBEDDING_LOOKUP", [ids, table], (rows, columns), name)

    def heads(self, source: int) -> int:
        """Split channels into heads [1, heads, tokens, channels]."""
        split = self.shaped(source, 1, TOKENS, HEADS, TOKENS)
        return self.turned(split, (0, 2, 1, 3), (1, HEADS, TOKENS, TOKENS))

    def distances(self) -> int:
        """Return the attention bias [heads, tokens, tokens], which follows from the distances."""
        square = (TOKENS, TOKENS)
        places = np.arange(TOKENS)
        between = self.constant(places[:, None] - places, "int32")
        apart = self.add("ABS", [between], square, dtype="int32", options=("AbsOptions", {}))
        ids = self.shaped(apart, TOKENS * TOKENS, dtype="int32")
        table = self.weights(TOKENS, HEADS)
        biases = self.rows(ids, table, TOKENS * TOKENS, HEADS)
        return self.turned(
            self.shaped(biases, TOKENS, TOKENS, HEADS), (2, 0, 1), (HEADS, TOKENS, TOKENS)
        )

    def mask(self, mask_input: int, fill: int) -> int:
        """Return a tensor [1, 1, tokens, tokens] with 0 for a token and `fill` for padding."""
        truth = self.add(
            "CAST", [mask_input], (1, TOKENS), dtype="bool", options=("CastOptions", {})
        )
        places = np.stack([np.zeros(TOKENS), np.arange(TOKENS)], axis=-1)[None, None, None]
        keys = (1, 1, 1, TOKENS)
        truth = self.add(
            "GATHER_ND", [truth, self.constant(places, "int32")], keys, dtype="bool", version=5
        )
        every = self.constant(np.ones((1, 1, TOKENS, 1)), "bool")
        square = (1, 1, TOKENS, TOKENS)
        truth = self.add("LOGICAL_AND", [every, truth], square, dtype="bool")
        return self.add("SELECT_V2", [truth, self.constant(0.0, "float32"), fill], square)

    def attend(self, hidden: int, mask: int) -> int:
        """Return the output of attention [1, tokens, hidden]."""
        query, key, value = (self.heads(self.dense(hidden)) for _ in range(3))
        flat = (HEADS, TOKENS, TOKENS)
        key = self.turned(key, (0, 1, 3, 2), (1, HEADS, TOKENS, TOKENS))
        operands = [self.shaped(query, *flat), self.shaped(key, *flat, name=KEYS)]
        scores = self.add("BATCH_MATMUL", operands, flat, SCORES)
        scores = self.add("MUL", [scores, self.constant(TOKENS**-0.5, "float32")], flat)
        square = (1, HEADS, TOKENS, TOKENS)
        scores = self.add("ADD", [self.shaped(scores, *square), self.distances()], square)
        scores = self.add("ADD", [scores, mask], square, MASKED)
        shares = self.add("SOFTMAX", [scores], square, options=("SoftmaxOptions", {0: f32(1.0)}))
        operands = [self.shaped(shares, *flat), self.shaped(value, *flat)]
        attended = self.add("BATCH_MATMUL", operands, flat)
        by_token = self.turned(
            self.shaped(attended, *square), (0, 2, 1, 3), (1, TOKENS, HEADS, TOKENS)
        )
        return self.shaped(by_token, 1, TOKENS, HIDDEN)


def converted_encoder() -> bytes:
    """Return the FlatBuffer of the encoder."""
    encoder = _Encoder()
    ids = encoder.model.tensor("ids", (1, TOKENS), "int32")
    mask = encoder.model.tensor("mask", (1, TOKENS), "int32")
    fill = encoder.constant(FILL, "float32")
    words = encoder.weights(VOCABULARY, HIDDEN)
    embedded = encoder.rows(
        encoder.shaped(ids, TOKENS, dtype="int32"), words, TOKENS, HIDDEN, WORDS
    )
    shape = (1, TOKENS, HIDDEN)
    hidden = encoder.add(
        "ADD", [encoder.shaped(embedded, *shape), encoder.weights(*shape, spread=0.3)], shape
    )
    attended = encoder.dense(encoder.attend(hidden, encoder.mask(mask, fill)))
    hidden = encoder.add("ADD", [hidden, attended], shape)
    # No value is smaller than `fill`, so this operator changes nothing. It reads the constant
    # of the mask.
    hidden = encoder.add("MAXIMUM", [hidden, fill], shape)
    start, size = encoder.constant((0, 0, 0), "int32"), encoder.constant((1, 1, HIDDEN), "int32")
    first = encoder.add("SLICE", [hidden, start, size], (1, 1, HIDDEN))
    head = encoder.weights(CLASSES, HIDDEN, spread=HIDDEN**-0.5)
    bias = encoder.constant(np.zeros(CLASSES), "float32")
    logits = encoder.add(
        "FULLY_CONNECTED", [first, head, bias], (1, CLASSES), "logits", options=_DENSE
    )
    encoder.model.sign(
        {NAMES[IDS]: ids, NAMES[MASK]: mask}, {LOGITS: logits}, key="serving_default"
    )
    encoder.model.end_graph([ids, mask], [logits])
    return encoder.model.pack()


def texts(count: int, seed: int = 5) -> list[dict[str, NDArray[np.int32]]]:
    """Return random texts of random lengths, by the names in the signature."""
    random = np.random.default_rng(seed)
    samples = []
    for _ in range(count):
        mask = (np.arange(TOKENS) < random.integers(3, TOKENS + 1)).astype(np.int32)[None]
        ids = random.integers(5, VOCABULARY, (1, TOKENS)).astype(np.int32) * mask
        samples.append({NAMES[IDS]: ids, NAMES[MASK]: mask})
    return samples
