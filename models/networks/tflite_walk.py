"""Find the parts of a BERT or MobileBERT in a graph by its data flow alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from models.flatbuffers.affine_folding import Dense, Form, Other, Product, Sum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.flatbuffers.affine_folding import Array, Node
    from models.networks.architecture import Architecture


class Absent(Exception):  # noqa: N818 - the caller turns it into a UsageMistake that names the file
    """The graph lacks the part of the network that the message names."""


class Walk:
    """Finds each part of the network, starting from a part that is already found.

    Args:
        nodes: the nodes of the graph, in execution order.
        shape: the network that the config describes.
    """

    def __init__(self, nodes: list[Node], shape: Architecture) -> None:
        self.nodes = nodes
        self.dense = [node for node in nodes if isinstance(node, Dense)]
        self._shape = shape
        # Readers of each node, in execution order. If all nodes were searched each time, a crafted
        # file could take any amount of time.
        self._readers: dict[int, list[Node]] = defaultdict(list)
        self._nearest: dict[int, Dense | None] = {}
        self._after: dict[int, Dense] = {}
        for node in nodes:
            for source in dict.fromkeys(form.node for form in node.sources):
                self._readers[source].append(node)
            self._note_nearest(node)

    def _note_nearest(self, node: Node) -> None:
        """Record the nearest dense layer before a node, if only activations lie between them."""
        below = self._nearest[node.sources[0].node] if node.sources else None
        if isinstance(node, Dense):
            if below is not None:
                self._after.setdefault(below.number, node)
            below = node
        elif not isinstance(node, Other):
            below = None
        self._nearest[node.number] = below

    def softmaxes(self) -> list[Node]:
        """Return the softmax of each layer's attention.

        Raises:
            ValueError: the number of softmaxes is not the number of layers.
        """
        softmaxes = [n for n in self.nodes if isinstance(n, Other) and n.name == "SOFTMAX"]
        if len(softmaxes) != self._shape.layers:
            raise ValueError(
                f"it has {len(softmaxes)} attention layers, but its config says "
                f"{self._shape.layers}"
            )
        return list(softmaxes)

    def context(self, softmax: Node, name: str) -> tuple[Node, Form]:
        """Return the product of the attention shares with the values, and the values."""
        for node in self._readers[softmax.number]:
            if isinstance(node, Product):
                sides = [form for form in node.sources if form.node != softmax.number]
                if len(sides) == 1:
                    return node, sides[0]
        raise Absent(f"{name}.self.value")

    def scores(self, softmax: Node, name: str) -> tuple[Form, Form]:
        """Return the forms of queries and keys; the queries are not yet scaled by the network."""
        form = next(self._products(softmax.sources[0]), None)
        if form is None:
            raise Absent(f"{name}.self.query")
        if form.scale.size > 1:
            raise ValueError("the scores of its attention are scaled unevenly")
        query, key = self.nodes[form.node].sources
        head = self._shape.inner // self._shape.heads
        factor = np.sqrt(head) * form.scale.reshape(())
        return Form(query.node, factor * query.scale, factor * query.shift), key

    def _products(self, form: Form) -> Iterator[Form]:
        """Yield the products from which a form is computed, each with its scale in that form.

        Each node is visited once, because a graph can have exponentially many paths.
        """
        waiting, visited = [form], {form.node}
        while waiting:
            form = waiting.pop()
            node = self.nodes[form.node]
            if isinstance(node, Product):
                yield form
            elif isinstance(node, Sum | Other):
                for source in reversed(node.sources):
                    if source.node not in visited:
                        visited.add(source.node)
                        waiting.append(Form(source.node, source.scale * form.scale))

    def residual(self, node: Node, name: str) -> tuple[Node, Node]:
        """Return the sum that a dense layer's output enters, and the other summand."""
        for total in self._readers[node.number]:
            others = [form for form in total.sources if form.node != node.number]
            if isinstance(total, Sum) and len(others) == 1:
                return total, self.nodes[others[0].node]
        raise Absent(f"residual connection of {name}")

    def leaves(self, form: Form) -> Iterator[Form]:
        """Yield the summands of a sum; replace each that is itself a sum by its own summands.

        Raises:
            ValueError: the sum contains one term several times.
        """
        waiting, steps = [form], 0
        while waiting:
            form = waiting.pop()
            node = self.nodes[form.node]
            steps += 1
            if steps > len(self.nodes):
                raise ValueError("the sum of its embeddings contains one term several times")
            if isinstance(node, Sum) and form.plain:
                waiting += reversed(node.sources)
            else:
                yield form

    def norm(self, number: int) -> tuple[Array, Array]:
        """Return weight and bias of the norm after a node, from the form in which nodes read it.

        Residual connections are tried first: they read the norm itself, which may be folded into
        dense layers.
        """
        for kind in (Sum, Dense):
            for node in self._readers[number]:
                for form in node.sources if isinstance(node, kind) else ():
                    if form.node == number and not form.plain:
                        return form.scale, form.shift
        return Form(number).scale, Form(number).shift

    def dense_on(self, node: Node, name: str) -> Dense:
        """Return the dense layer that reads a node."""
        for dense in self._readers[node.number]:
            if isinstance(dense, Dense):
                return dense
        raise Absent(name)

    def dense_of(self, form: Form, name: str) -> Dense:
        """Return the dense layer whose output a form scales and shifts."""
        node = self.nodes[form.node]
        if not isinstance(node, Dense):
            raise Absent(name)
        return node

    def dense_after(self, dense: Dense) -> Dense | None:
        """Return the dense layer that reads another's output, directly or after an activation."""
        return self._after.get(dense.number)
