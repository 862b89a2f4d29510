"""Read weights from a user's own FlatBuffer of BERT or MobileBERT.

A converter keeps neither the names of parameters nor their values: it folds norms and scales into
the dense layers after them. So each parameter is found by its place in the graph's data flow, and
the folding is undone: where a dense layer with kernel K reads s * x + t, but the network reads
norm(x) = g * x + h, the kernel becomes K * s / g, and the bias is corrected by the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.affine_folding import Dense, Form, Lookup, affine_graph
from models.flatbuffers.constants import Constants
from models.flatbuffers.opening import read_flatbuffer
from models.flatbuffers.reading import read_contents
from models.networks.tflite_walk import Absent, Walk

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from models.flatbuffers.affine_folding import Array, Node
    from models.networks.architecture import Architecture
    from models.networks.tensors import Tensors


def read(path: Path, chosen: Collection[str], shape: Architecture) -> Tensors:
    """Return the chosen parameters, with which the network gives the answers of the FlatBuffer.

    The file holds some parameters only in combination with others, which cannot be taken apart: the
    norms of bottlenecks are returned as 1 and 0, and the position embeddings include the first type
    embedding.

    Raises:
        UsageMistake: the file is not a FlatBuffer of such a network, or has blockwise weights.
    """
    try:
        data = read_flatbuffer(path)
        contents = read_contents(path, data)
        constants = Constants(data)
        with np.errstate(all="ignore"):  # NaN and infinity are reported by name later
            graph = affine_graph(contents.operators, constants)
            tensors = _Reader(graph, shape, constants).read()
    except Absent as absent:
        raise UsageMistake(
            f"the file's graph lacks {absent}, which the config's network has",
            file=path,
            remedy="Give the config.json of the network that was converted",
        ) from None
    except EdgeproofError:
        raise
    except (OSError, ValueError, IndexError) as error:
        raise UsageMistake(
            f"no weights can be read from it ({error})",
            file=path,
            remedy="Give a float, float16 or 8-bit FlatBuffer, or the checkpoint it was made from",
        ) from None
    return {name: tensors[name] for name in chosen if name in tensors}


class _Reader:
    """Walks the graph layer by layer and collects parameters by name."""

    def __init__(self, nodes: list[Node], shape: Architecture, constants: Constants) -> None:
        self._walk, self._shape, self._constants = Walk(nodes, shape), shape, constants
        self._found: dict[str, Array] = {}

    def read(self) -> dict[str, Array]:
        """Return all weights that the file's graph contains, by parameter name."""
        states: Node | None = None
        for layer, softmax in enumerate(self._walk.softmaxes()):
            states = self._layer(f"encoder.layer.{layer}", softmax, states)
        if states is not None:
            self._head(states)
        return self._found

    def _layer(self, prefix: str, softmax: Node, previous: Node | None) -> Node:
        """Collect the weights of one encoder layer; return its output before normalization.

        Args:
            prefix: the layer's name.
            softmax: the softmax of the layer's attention.
            previous: the output of the previous layer; None for the first layer, which reads the
                embeddings.
        """
        attention = f"{prefix}.attention"
        context, value = self._walk.context(softmax, attention)
        projection = self._walk.dense_on(context, f"{attention}.output.dense")
        attended, stream = self._walk.residual(projection, f"{attention}.output")
        states = stream
        if self._shape.bottleneck:
            states = self._bottleneck(f"{prefix}.bottleneck.input", stream)
        if previous is None:
            self._embeddings(states)
        elif previous is not states:
            raise Absent(f"residual connection of {prefix}")
        query, key = self._walk.scores(softmax, attention)
        for part, form in {"query": query, "key": key, "value": value}.items():
            name = f"{attention}.self.{part}"
            self._collect(name, self._walk.dense_of(form, name), after_norm=True, out=form)
        if self._shape.attention_input == "shared":
            source = self._walk.nodes[query.node].sources[0]
            self._bottleneck(f"{prefix}.bottleneck.attention", self._walk.nodes[source.node])
        self._collect_residual(f"{attention}.output", projection, after_norm=False)
        for index in range(self._shape.feedforward_networks - 1):
            attended = self._feedforward(f"{prefix}.ffn.{index}", attended)
        output = self._feedforward(prefix, attended)
        if not self._shape.bottleneck:
            return output
        name = f"{prefix}.output.bottleneck"
        return self._collect_residual(name, self._walk.dense_on(output, f"{name}.dense"))

    def _feedforward(self, prefix: str, source: Node) -> Node:
        """Collect the weights of a feed-forward network; return its output before normalization."""
        name = f"{prefix}.intermediate.dense"
        widening = self._walk.dense_on(source, name)
        self._collect(name, widening, after_norm=True)
        narrowing = self._walk.dense_after(widening)
        if narrowing is None:
            raise Absent(f"{prefix}.output.dense")
        return self._collect_residual(f"{prefix}.output", narrowing, after_norm=False)

    def _bottleneck(self, name: str, node: Node) -> Node:
        """Collect the weights of a bottleneck's dense layer and norm; return the layer's input."""
        if not isinstance(node, Dense):
            raise Absent(f"{name}.dense")
        self._collect(f"{name}.dense", node, after_norm=True)
        self._collect_norm(name, node, self._shape.inner)
        return self._walk.nodes[node.sources[0].node]

    def _collect_residual(self, name: str, node: Dense, *, after_norm: bool = True) -> Node:
        """Collect the weights of a dense layer and of the norm behind its residual connection.

        Return the sum that enters the norm.
        """
        total, _ = self._walk.residual(node, name)
        out = next(form for form in total.sources if form.node == node.number)
        self._collect(f"{name}.dense", node, after_norm=after_norm, out=out)
        self._collect_norm(name, total, len(node.bias))
        return total

    def _embeddings(self, states: Node) -> None:
        """Collect the tables of word, type and position embeddings, whose sum is `states`."""
        shape, name = self._shape, "embeddings"
        for node in self._walk.nodes:
            words = shape.vocabulary, shape.embedding
            if isinstance(node, Lookup) and node.sources and node.table.shape == words:
                self._found[f"{name}.word_embeddings.weight"] = node.table
        positions: Array | None = None
        added = np.zeros(shape.hidden, np.float32)
        for leaf in self._walk.leaves(Form(states.number)):
            node = self._walk.nodes[leaf.node]
            if isinstance(node, Lookup) and not node.sources:
                positions = self._table(leaf, node.table)
            elif isinstance(node, Dense) and node.kernel.shape == self._transformation:
                self._collect(f"{name}.embedding_transformation", node, out=leaf)
            else:
                self._type_embeddings(leaf, node)
                added = added + leaf.shift
        if positions is None:
            raise Absent(f"{name}.position_embeddings")
        if len(positions) != shape.positions:
            raise ValueError(
                f"it has {len(positions)} position embeddings: set max_position_embeddings to this "
                "number"
            )
        self._found[f"{name}.position_embeddings.weight"] = positions + added
        self._collect_norm(name, states, shape.hidden)

    @property
    def _transformation(self) -> tuple[int, int] | None:
        """Return the shape of the dense layer after the word vectors; None if there is none."""
        if not self._shape.embedding_transformed:
            return None
        return self._shape.hidden, self._shape.embedding * (
            3 if self._shape.trigram_embedding else 1
        )

    def _type_embeddings(self, leaf: Form, node: Node) -> None:
        types = self._shape.types
        if isinstance(node, Lookup):
            table = node.table
        elif isinstance(node, Dense):  # types are one-hot
            table = node.kernel.T + node.bias
        else:  # type times the difference of two rows; the first row is part of the positions
            width = np.ones(self._shape.hidden, np.float32)
            table = np.outer(np.arange(types, dtype=np.float32), width)
        if table.shape == (types, self._shape.hidden):
            scaled = self._table(Form(leaf.node, leaf.scale), table)
            self._found["embeddings.token_type_embeddings.weight"] = scaled

    def _table(self, form: Form, table: Array) -> Array:
        """Return form.scale * table + form.shift; scale and shift are scalars or one row."""
        hidden = self._shape.hidden
        if table.shape[1:] != (hidden,) or not {form.scale.size, form.shift.size} <= {1, hidden}:
            raise ValueError(f"one of its embedding tables does not have {hidden} columns")
        self._constants.allow(table.size)
        return form.scale * table + form.shift

    def _head(self, states: Node) -> None:
        """Collect the weights of pooler and classifier, if the graph has them."""
        readers = [node for node in self._walk.dense if node.sources[0].node == states.number]
        if not readers:
            return
        if not self._shape.pooled:
            self._collect("classifier", readers[0], after_norm=True)
            return
        self._collect("pooler.dense", readers[0], after_norm=True)
        classifier = self._walk.dense_after(readers[0])
        if classifier is not None:
            self._collect("classifier", classifier, after_norm=False)

    def _collect(
        self, name: str, node: Dense, *, after_norm: bool = False, out: Form | None = None
    ) -> None:
        """Collect the weight and bias of a dense layer, as they were before conversion.

        The norm before the layer, which the converter folded into it, is taken out; the scale and
        shift of its output (`out`) are put in.
        """
        source = node.sources[0]
        gain, shift = self._walk.norm(source.node) if after_norm else (np.ones(()), np.zeros(()))
        outputs, inputs_ = node.kernel.shape
        for values in (gain, shift, source.scale, source.shift):
            if values.size not in (1, inputs_):
                raise ValueError(f"{name} has {inputs_} inputs, but {values.size} scales for them")
        if out is not None and not {out.scale.size, out.shift.size} <= {1, outputs}:
            raise ValueError(f"{name} has {outputs} outputs, but another number of scales")
        self._constants.allow(node.kernel.size)
        if ((gain == 0.0) & (source.scale != 0.0)).any():
            raise ValueError(f"a norm before {name} has a weight of 0")
        ratio = np.divide(
            source.scale,
            gain,
            out=np.zeros(np.broadcast(source.scale, gain).shape),
            where=gain != 0.0,
        )
        kernel = node.kernel.astype(np.float64)
        inputs = np.ones(kernel.shape[1])
        bias = node.bias + kernel @ (source.shift * inputs) - (kernel * ratio) @ (shift * inputs)
        kernel = kernel * ratio
        if out is not None:
            kernel = kernel * np.reshape(out.scale * np.ones(len(kernel)), (-1, 1))
            bias = bias * out.scale + out.shift
        self._found[f"{name}.weight"] = kernel.astype(np.float32)
        self._found[f"{name}.bias"] = bias.astype(np.float32)

    def _collect_norm(self, name: str, node: Node, size: int) -> None:
        gain, shift = self._walk.norm(node.number)
        self._found[f"{name}.LayerNorm.weight"] = np.broadcast_to(gain, (size,)).astype(np.float32)
        self._found[f"{name}.LayerNorm.bias"] = np.broadcast_to(shift, (size,)).astype(np.float32)
