"""Quantize the full model as an ONNX file, with onnxruntime's dynamic int8.

The graph is that of BERT (Devlin et al. 2019), written operator by operator from the weights in
edgeproof's store, for rows of any length; onnxruntime's own tool quantizes it. This needs the
packages `onnx` and `onnxruntime`, from the dependency group `front`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.networks.architecture import Architecture
    from models.networks.parameters import Values

# The first ONNX opset with GELU as one operator.
OPSET = 20
_FLOAT, _INT64 = 1, 7
_ROOTS = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}


class OnnxClassifier:
    """A classifier that runs with onnxruntime on one thread, without padding.

    Args:
        file: an ONNX file from `write_onnx` or `quantize`.
        tokenizer: JSON of the tokenizer with which the model was trained.
    """

    def __init__(self, file: Path, tokenizer: str) -> None:
        import onnxruntime  # noqa: PLC0415 - only this benchmark needs the package

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_str(tokenizer)
        # Single texts need no padding.
        self._tokenizer.no_padding()

    def label(self, text: tuple[str, ...]) -> int:
        """Return the label of a text, or of a group and a text."""
        encoded = self._tokenizer.encode(*text)  # type: ignore[arg-type]  # a text has one or two parts
        ids, types = np.array([[encoded.ids], [encoded.type_ids]], np.int64)
        (logits,) = self._session.run(None, {"ids": ids, "types": types})
        return int(logits[0].argmax())


def quantize(source: Path, out: Path) -> None:
    """Quantize a file with onnxruntime's dynamic int8 and its default settings."""
    from onnxruntime.quantization import quantize_dynamic  # noqa: PLC0415 - only this benchmark needs the package

    quantize_dynamic(source, out)


def write_onnx(shape: Architecture, values: Values, out: Path) -> None:
    """Write a BERT classifier as ONNX: ids and types [1, tokens] to logits [1, classes].

    Args:
        shape: architecture of the family `bert`, with layer normalization and a pooler.
        values: the weights.
        out: path of the file.
    """
    import onnx  # noqa: PLC0415 - only this benchmark needs the package

    graph = _Graph(shape, values)
    logits = graph.logits()
    onnx_graph = onnx.helper.make_graph(
        graph.nodes,
        "classifier",
        [
            onnx.helper.make_tensor_value_info(name, _INT64, [1, "tokens"])
            for name in ("ids", "types")
        ],
        [onnx.helper.make_tensor_value_info(logits, _FLOAT, [1, shape.classes])],
        [onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
    )
    opset = [onnx.helper.make_opsetid("", OPSET)]
    onnx.save(onnx.helper.make_model(onnx_graph, opset_imports=opset, ir_version=9), out)


class _Graph:
    """A graph under construction; a tensor is named after the kind and index of its operator."""

    def __init__(self, shape: Architecture, values: Values) -> None:
        self._shape, self._values = shape, values
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def logits(self) -> str:
        """Add all operators; return the name of the output."""
        states = self._embedded()
        for layer in range(self._shape.layers):
            prefix = f"encoder.layer.{layer}"
            context = self._attention(f"{prefix}.attention.self", states)
            states = self._residual(f"{prefix}.attention.output", context, states)
            inner = self._dense(f"{prefix}.intermediate.dense", states)
            inner = self._add("Gelu", inner, approximate=_ROOTS[self._shape.activation])
            states = self._residual(f"{prefix}.output", inner, states)
        first = self._add("Gather", states, self._constant("first", np.int64(0)), axis=1)
        return self._dense("classifier", self._add("Tanh", self._dense("pooler.dense", first)))

    def _embedded(self) -> str:
        words = self._add("Gather", self._weight("embeddings.word_embeddings.weight"), "ids")
        size = self._add("Shape", "ids", start=1, end=2)
        start, axis = self._constant("zero", np.zeros(1, np.int64)), self._constant("axis", [0])
        position = self._weight("embeddings.position_embeddings.weight")
        places = self._add("Slice", position, start, size, axis)
        types = self._add(
            "Gather", self._weight("embeddings.token_type_embeddings.weight"), "types"
        )
        states = self._add("Add", self._add("Add", words, places), types)
        return self._norm("embeddings", states)

    def _attention(self, name: str, states: str) -> str:
        heads = self._shape.heads
        size = self._shape.inner // heads
        query, key, value = (
            self._heads(self._dense(f"{name}.{part}", states), turned)
            for part, turned in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]),
                                 ("value", [0, 2, 1, 3]))
        )  # fmt: skip
        scale = self._constant("scale", np.float32(size**-0.5))
        scores = self._add("MatMul", self._add("Mul", query, scale), key)
        context = self._add("MatMul", self._add("Softmax", scores, axis=-1), value)
        merged = self._add("Transpose", context, perm=[0, 2, 1, 3])
        return self._add("Reshape", merged, self._constant("merged", [0, 0, heads * size]))

    def _heads(self, inputs: str, turned: list[int]) -> str:
        split = [0, 0, self._shape.heads, self._shape.inner // self._shape.heads]
        parts = self._add("Reshape", inputs, self._constant("split", split))
        return self._add("Transpose", parts, perm=turned)

    def _residual(self, name: str, inputs: str, stream: str) -> str:
        return self._norm(name, self._add("Add", self._dense(f"{name}.dense", inputs), stream))

    def _norm(self, name: str, inputs: str) -> str:
        scale, bias = (self._weight(f"{name}.LayerNorm.{part}") for part in ("weight", "bias"))
        epsilon = self._shape.epsilon
        return self._add("LayerNormalization", inputs, scale, bias, axis=-1, epsilon=epsilon)

    def _dense(self, name: str, inputs: str) -> str:
        kernel = self._constant(f"{name}.kernel", self._values[f"{name}.weight"].T)
        return self._add("Add", self._add("MatMul", inputs, kernel), self._weight(f"{name}.bias"))

    def _weight(self, name: str) -> str:
        return self._constant(name, self._values[name])

    def _constant(self, name: str, value: Any) -> str:
        self.constants[name] = np.ascontiguousarray(value).reshape(np.shape(value))
        return name

    def _add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper  # noqa: PLC0415 - only this benchmark needs the package

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        return name
