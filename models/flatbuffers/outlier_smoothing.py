"""Smooth outliers: rewrite a float32 FlatBuffer so that eight bits hold its activations.

In post-norm encoders, a few channels at a few tokens are a hundred times larger than the rest. With
one scale for each tensor, the rest is rounded to almost nothing. Every change here is exact in real
numbers, and moves a scale from an activation into weights or into a float32 multiplication:

* inputs of dense layers get a scale per channel (`models.flatbuffers.scales`); if tokens differ
  more than channels, also one per token, computed at run time as in dynamic quantization;
* outputs of dense layers and columns of lookup tables are scaled to the same range;
* in attention, keys and values are centered (softmax ignores a number that is added to all keys,
  and its outputs sum to one), queries and keys get ranges of the same size, and the scores of each
  head get a range of their own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from models.flatbuffers.graph import CODES, Graph
from models.flatbuffers.observing import Observer, shortened
from models.flatbuffers.scales import Choice, choose, even, largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.flatbuffers.observing import Samples

    Array = NDArray[np.float64]

# Number of texts whose activations decide the scales; ranges come from all texts.
WATCHED = 60
# Largest difference between the outputs of the rewritten file and of the original that counts as
# rounding of float32; relative to the largest output if that exceeds 1.
SAME = 1e-3
# Largest error with which scales per token are used, as a share of the error of scales per channel:
# scales per token add three operators, so they must reduce the error by a fifth.
WORTH = 0.8
# Number added to every token's largest value, for the division and the multiplication alike, so
# that it is never 0.
LEAST = 1e-6
# Maximum number of layers that share weights and get a copy each. ALBERT shares weights in all
# layers, and copies would make its file several times as large. DeBERTa projects tokens and
# distances with the same weights.
SHARED = 2
# Minimum number of outputs of a layer to level. A smaller layer is the classifier, and leveling
# three logits gains nothing.
FEWEST_CHANNELS = 8


def level(
    flatbuffer: bytes, samples: Samples, watched: bytes | None = None
) -> tuple[bytes, frozenset[str]]:
    """Return the file with smoothed products, and the names of its attention scores.

    Args:
        flatbuffer: the file.
        samples: texts whose activations determine the scales.
        watched: the same network at the length of the samples, with the same tensor names; needed
            if the rows of `flatbuffer` are shorter.

    Raises:
        ValueError: the rewritten file answers differently.
    """
    graph = Graph(flatbuffer)
    observer = Observer(flatbuffer if watched is None else watched)
    scores = _Leveling(graph, observer, samples[:WATCHED]).run()
    graph.settle()
    leveled = graph.pack()
    texts = [shortened(sample, graph.tokens()) for sample in samples[:4]]
    expected, leveled_answers = (
        Observer(flatbuffer).answers(texts),
        Observer(leveled).answers(texts),
    )
    if not np.abs(expected - leveled_answers).max() <= SAME * max(
        1.0, float(np.abs(expected).max())
    ):
        raise ValueError("outlier smoothing changed the answers of the float32 network")
    return leveled, scores


class _Dense:
    """A dense layer: its operator, and its new weights."""

    def __init__(self, graph: Graph, operator: Any) -> None:
        self.operator = operator
        inputs = [int(tensor) for tensor in operator.inputs]
        self.source, self.target = inputs[0], int(operator.outputs[0])
        weights = graph.constant(inputs[1])
        bias = graph.constant(inputs[2]) if len(inputs) > 2 else None  # noqa: PLR2004 - the third is the bias
        self.constant = weights is not None
        self.weights: Array = (
            np.asarray(weights, np.float64) if weights is not None else np.zeros((1, 1))
        )
        outputs = len(self.weights)
        self.bias: Array = np.zeros(outputs) if bias is None else np.asarray(bias, np.float64)
        self.activation = int(getattr(operator.builtinOptions, "fusedActivationFunction", 0))
        self.leveled_input = self.leveled_output = False

    def scale_outputs(self, factors: Array) -> None:
        """Multiply the outputs of the layer, channel by channel."""
        self.weights = self.weights * factors[:, None]
        self.bias = self.bias * factors

    def write(self, graph: Graph) -> None:
        """Store the layer's scaled weights and bias in the graph as new constants."""
        name = graph.name(self.operator.inputs[1])
        weights = graph.new_constant(f"{name}/leveled", self.weights)
        bias = graph.new_constant(f"{name}/leveled_bias", self.bias)
        self.operator.inputs = [self.operator.inputs[0], weights, bias]


_NO_ACTIVATION, _RELU = 0, 1


class _Leveling:
    def __init__(self, graph: Graph, observer: Observer, samples: Samples) -> None:
        self.graph = graph
        operators = graph.operators(CODES.FULLY_CONNECTED)
        uses = Counter(int(operator.inputs[1]) for operator in operators)
        layers = [
            _Dense(graph, operator)
            for operator in operators
            if uses[int(operator.inputs[1])] <= SHARED
        ]
        self.dense = {id(layer.operator): layer for layer in layers if layer.constant}
        tensors = {t for layer in self.dense.values() for t in (layer.source, layer.target)}
        names = {graph.name(tensor): tensor for tensor in tensors}
        self.texts: dict[int, list[Array]] = {tensor: [] for tensor in tensors}
        for values in observer.each(samples, names):
            for name, array in values.items():
                flat = array.reshape(-1, array.shape[-1]).astype(np.float64)
                self.texts[names[name]].append(flat)

    def run(self) -> frozenset[str]:
        """Rewrite the graph; return the names of the attention scores."""
        scores = [
            self._attention(operator) for operator in self.graph.operators(CODES.BATCH_MATMUL)
        ]
        self._inputs()
        self._outputs()
        for layer in self.dense.values():
            layer.write(self.graph)
        self._tables()
        return frozenset(name for name in scores if name)

    def _seen(self, tensor: int) -> Array:
        return np.concatenate(self.texts[tensor])

    def _dense_before(self, tensor: int) -> _Dense | None:
        """Return the dense layer that writes a tensor.

        The result is None if there is none, or if it has an activation or several readers.
        """
        layer = self.dense.get(id(self.graph.producer(tensor)))
        if layer is None or layer.activation != _NO_ACTIVATION:
            return None
        return layer if len(self.graph.consumers(layer.target)) == 1 else None

    # ------------------------------------------------------------------------------- attention

    def _attention(self, product: Any) -> str | None:
        left, right = (self._dense_before(int(tensor)) for tensor in product.inputs[:2])
        if left is not None and right is not None and left is not right:
            return self._scores(product, left, right)
        if right is not None and self._shares(product):
            self._context(product, right)
        return None

    def _shares(self, product: Any) -> bool:
        """Return whether the left operand of a product is the output of a softmax."""
        writer = self.graph.producer(int(product.inputs[0]))
        return writer is not None and self.graph.code(writer) == CODES.SOFTMAX

    def _scores(self, product: Any, query: _Dense, key: _Dense) -> str:
        """Center the keys, balance queries with keys, and scale the scores of each head."""
        center = self._seen(key.target).mean(axis=0)
        key.bias = key.bias - center
        keys = largest(self._seen(key.target) - center)
        balance = even(np.sqrt(keys / largest(self._seen(query.target))))
        heads = self.graph.shape(int(product.outputs[0]))[-3]
        reach = even(self._reach(query, key, center, heads))
        query.scale_outputs(balance / np.repeat(reach, len(balance) // heads))
        key.scale_outputs(1 / balance)
        query.leveled_output = key.leveled_output = True
        return self._rescale_output(product, reach.reshape(heads, 1, 1))

    def _reach(self, query: _Dense, key: _Dense, center: Array, heads: int) -> Array:
        """Return the largest score of each head [heads] over the observed texts."""
        reach = np.full(heads, 1e-3)
        for queries, keys in zip(self.texts[query.target], self.texts[key.target], strict=True):
            by_head = [np.split(array, heads, axis=1) for array in (queries, keys - center)]
            largest_scores = [np.abs(q @ k.T).max() for q, k in zip(*by_head, strict=True)]
            reach = np.maximum(reach, largest_scores)
        return reach

    def _context(self, product: Any, value: _Dense) -> None:
        """Center the values, and move scales from the attention output into its projection."""
        readers = self.graph.consumers(int(product.outputs[0]))
        projection = self.dense.get(id(readers[0])) if len(readers) == 1 else None
        if projection is None or projection.weights.shape[1] != len(value.bias):
            return
        center = self._seen(value.target).mean(axis=0)
        projection.bias = projection.bias + projection.weights @ center
        value.bias = value.bias - center
        values = [self._seen(projection.source) - center, self._seen(value.target)[:200] - center]
        scales = choose(np.concatenate(values), projection.weights).scales
        projection.weights = projection.weights * scales
        value.scale_outputs(1 / scales)
        value.leveled_output = projection.leveled_input = True

    # ---------------------------------------------------------------------------- dense layers

    def _inputs(self) -> None:
        groups: dict[int, list[_Dense]] = {}
        for layer in self.dense.values():
            if not layer.leveled_input and layer.weights.shape[1] >= FEWEST_CHANNELS:
                groups.setdefault(layer.source, []).append(layer)
        for source, group in groups.items():
            choice = self._choice(source, group)
            self._level_input(source, group, choice)

    def _choice(self, source: int, group: list[_Dense]) -> Choice:
        """Choose scales for the layers that read one tensor; each row of weights counts equally."""
        weights = np.concatenate([layer.weights for layer in group])
        weights = weights / np.maximum(np.abs(weights).max(axis=1, keepdims=True), 1e-9)
        choice = choose(self._seen(source), weights)
        layer = group[0]
        linear = layer.activation == _NO_ACTIVATION and not layer.leveled_output
        linear = linear and len(self.graph.shape(source)) == len(self.graph.shape(layer.target))
        if len(group) > 1 or not linear or len(layer.bias) < FEWEST_CHANNELS:
            return choice
        by_token = choose(self._seen(source), weights, by_token=True)
        return by_token if by_token.loss < WORTH * choice.loss else choice

    def _level_input(self, source: int, group: list[_Dense], choice: Choice) -> None:
        graph, first, name = self.graph, group[0].operator, self.graph.name(source)
        by = graph.new_constant(f"{name}/leveled_by", 1 / choice.scales)
        leveled = graph.before(first, CODES.MUL, [source, by], f"{name}/leveled")
        for layer in group:
            layer.weights = layer.weights * choice.scales
        if choice.by_token:
            leveled = self._level_tokens(group[0], leveled, choice)
        for layer in group:
            layer.operator.inputs = [leveled, *layer.operator.inputs[1:]]

    def _level_tokens(self, layer: _Dense, leveled: int, choice: Choice) -> int:
        """Divide each token's values by the largest of them, and multiply by it after the layer."""
        graph, operator, name = self.graph, layer.operator, self.graph.name(layer.source)
        sizes = graph.before(operator, CODES.ABS, [leveled], f"{name}/sizes")
        axis = graph.new_constant(f"{name}/axis", [len(graph.shape(leveled)) - 1])
        tokens = graph.before(operator, CODES.REDUCE_MAX, [sizes, axis], f"{name}/by_token")
        least = graph.new_constant(f"{name}/least", LEAST)  # zeros remain zeros
        tokens = graph.before(operator, CODES.ADD, [tokens, least], f"{name}/by_token_above_0")
        divided = graph.before(operator, CODES.DIV, [leveled, tokens], f"{name}/leveled_tokens")
        reach = np.abs(self._seen(layer.source) / choice.scales).max(axis=1, keepdims=True) + LEAST
        self._level_output(layer, (self._seen(layer.target) - layer.bias) / reach, tokens)
        return divided

    def _outputs(self) -> None:
        for layer in self.dense.values():
            if not layer.leveled_output and len(layer.bias) >= FEWEST_CHANNELS:
                self._level_output(layer, self._seen(layer.target))

    def _level_output(self, layer: _Dense, outputs: Array, tokens: int | None = None) -> None:
        """Scale the output channels to one range, and scale them back by float32 operators.

        With `tokens`, each token is also multiplied by its value there, before the bias is added.
        """
        if layer.activation not in {_NO_ACTIVATION, _RELU}:
            return  # scaling would move the limits at which the activation clips
        graph, name = self.graph, self.graph.name(layer.target)
        reach = even(largest(outputs))
        last = graph.new_tensor(f"{name}/integer", graph.shape(layer.target))
        layer.operator.outputs, layer.leveled_output = [last], True
        bias, layer.bias = (
            layer.bias,
            np.zeros_like(layer.bias) if tokens is not None else layer.bias,
        )
        layer.scale_outputs(1 / reach)
        by = graph.new_constant(f"{name}/by", reach)
        steps = [(CODES.MUL, by)]
        if tokens is not None:
            steps += [(CODES.MUL, tokens), (CODES.ADD, graph.new_constant(f"{name}/bias", bias))]
        self._chain(layer.operator, last, steps, layer.target)

    def _rescale_output(self, operator: Any, factors: Array) -> str:
        target = int(operator.outputs[0])
        name = f"{self.graph.name(target)}/integer"
        operator.outputs = [self.graph.new_tensor(name, self.graph.shape(target))]
        by = self.graph.new_constant(f"{name}/by", factors)
        self._chain(operator, operator.outputs[0], [(CODES.MUL, by)], target)
        return name

    def _chain(self, operator: Any, source: int, steps: list[tuple[int, int]], target: int) -> None:
        """Insert a chain of operators after `operator`; the last of them writes tensor `target`."""
        for number, (code, operand) in enumerate(steps, start=1):
            name = f"{self.graph.name(target)}/step_{number}"
            output = target if number == len(steps) else None
            source = self.graph.after(operator, code, [source, operand], name, output)

    # --------------------------------------------------------------------------------- lookups

    def _tables(self) -> None:
        """Scale the columns of lookup tables to one range, because a table has a single scale."""
        for operator in self.graph.operators(CODES.GATHER):
            table = self.graph.constant(int(operator.inputs[0]))
            if table is None or table.ndim != 2:  # noqa: PLR2004 - a table has two dimensions
                continue
            reach = even(largest(np.asarray(table, np.float64)))
            name = self.graph.name(int(operator.inputs[0]))
            leveled = self.graph.new_constant(f"{name}/leveled", table / reach)
            operator.inputs = [leveled, *operator.inputs[1:]]
            self._rescale_output(operator, reach)
