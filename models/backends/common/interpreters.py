"""Run files with TFLite's interpreter, as in ai-edge-litert, tflite-runtime and TensorFlow."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from models.backends.common.backend import (
    Backend,
    DelegatedOperators,
    Details,
    Graph,
    Loaded,
    Source,
)
from models.backends.common.refusals import Refusal, one_line

# Errors that the interpreter's constructor and methods raise for a file that they reject.
REFUSED = (ValueError, RuntimeError, SystemError, TypeError, IndexError)
# Name of the interpreter's op resolver for each mode; the resolver decides which kernels are used.
RESOLVERS = {
    "": "AUTO",
    "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}
MODES = {
    "": "XNNPACK, and optimized kernels for the other operators",
    "builtin": "optimized kernels alone: no delegate",
    "reference": "reference kernels alone: slow, portable, nearly the same bits everywhere",
}


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Convert an exception of a runtime during loading or allocation into a refusal."""
    try:
        yield
    except REFUSED as error:
        raise Refusal("load", one_line(error)) from None


class InterpreterBackend(Backend):
    """A backend whose API is TFLite's interpreter; a mode chooses its kernels."""

    modes: ClassVar[Dict[str, str]] = MODES

    def has_accelerator(self, bits: int) -> bool:  # noqa: ARG002 - a subclass uses it
        """Return whether XNNPACK executes operators."""
        return not self.mode

    @property
    def resolver(self) -> str:
        """Return the interpreter's resolver with the kernels for this mode."""
        return RESOLVERS[self.mode]

    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> LoadedInterpreter:
        """Load a FlatBuffer into the interpreter."""
        return LoadedInterpreter(self.interpreter(source, threads, keep_all=keep_all))

    def interpreter(
        self, source: Source, threads: int, *, keep_all: bool = False, **more: Any
    ) -> Any:
        """Return a new interpreter of the runtime that has read a file.

        Args:
            source: the file.
            threads: number of threads of the kernels.
            keep_all: whether to keep the values of all tensors.
            more: further arguments of the interpreter, such as delegates.
        """
        module = self.imported()
        more["experimental_op_resolver_type"] = getattr(module.OpResolverType, self.resolver)
        if source.content is None:
            more["model_path"] = source.path
        else:
            more["model_content"] = source.content
        if keep_all:
            more["experimental_preserve_all_tensors"] = True
        with refusing(), warnings.catch_warnings():
            # Ignore the interpreter's warnings that keeping all tensors costs memory, and that
            # another class will replace the interpreter.
            warnings.simplefilter("ignore")
            return module.Interpreter(num_threads=threads, **more)


class LoadedInterpreter(Loaded):
    """A file that an interpreter has loaded."""

    def __init__(self, interpreter: Any) -> None:
        self.interpreter = interpreter
        self._is_allocated = False

    def signatures(self) -> List[str]:
        """Return the keys of the file's signatures."""
        return list(self.interpreter.get_signature_list())

    def named(self, key: str) -> Tuple[Dict[str, Details], Dict[str, Details]]:
        """Return details of a signature's inputs and outputs, by their names in the signature.

        The signature's runner is used only for its details and then deleted. As long as the runner
        exists, the interpreter refuses to run; calling the runner instead would allocate memory
        before every answer.
        """
        runner = self.interpreter.get_signature_runner(key)
        return runner.get_input_details(), runner.get_output_details()

    def positions(self) -> Tuple[List[Details], List[Details]]:
        """Return details of the first graph's inputs and outputs in their order in the file."""
        return self.interpreter.get_input_details(), self.interpreter.get_output_details()

    def first_graph(self, shapes: Mapping[int, List[int]]) -> Graph:
        """Resize inputs, allocate memory, and return the interpreter itself as the graph.

        A wrapper would add to the measured time, because the clock runs around `invoke`.
        """
        with refusing():
            for index, shape in shapes.items():
                self.interpreter.resize_tensor_input(index, shape)
            self.interpreter.allocate_tensors()
        graph: Graph = self.interpreter
        return graph

    def signature_graph(self, key: str, shapes: Mapping[int, List[int]]) -> Graph:  # noqa: ARG002 - the runtime resizes at each call
        """Return the graph of a signature, which the runtime runs through that signature."""
        with refusing():
            if not self._is_allocated:
                # With this call, XNNPACK replaces operators in every graph. It must come first:
                # once a signature runner exists, the interpreter refuses to allocate, because the
                # runner counts as a view of its memory.
                self.interpreter.allocate_tensors()
                self._is_allocated = True
            return SignatureGraph(self.interpreter.get_signature_runner(key))

    def delegated_operators(self) -> Optional[DelegatedOperators]:
        """Return the operators that XNNPACK or a delegate executes."""
        return delegated_nodes(self.interpreter)

    def inner_tensors(self) -> List[Details]:
        """Return details of every tensor of the file."""
        details: List[Details] = self.interpreter.get_tensor_details()
        return details


class SignatureGraph(Graph):
    """A graph other than the file's first, which the runtime runs only through its signature."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.inputs = {
            int(detail["index"]): name for name, detail in call.get_input_details().items()
        }
        self.outputs = {
            int(detail["index"]): name for name, detail in call.get_output_details().items()
        }
        self.given: Dict[str, Any] = {}
        self.answers: Dict[str, Any] = {}

    def set_tensor(self, index: int, array: Any) -> None:
        """Store an input until `invoke` passes it to the signature."""
        self.given[self.inputs[index]] = array

    def invoke(self) -> None:
        """Call the signature; the runtime allocates memory again if a shape has changed."""
        self.answers = self.call(**self.given)

    def get_tensor(self, index: int) -> Any:
        """Return an output of the last call of the signature."""
        return self.answers[self.outputs[index]]


def delegated_nodes(interpreter: Any) -> Optional[DelegatedOperators]:
    """Return the operators that a delegate executes; None if the runtime does not report them.

    The runtime appends each delegate's kernel as an additional node, which replaces all nodes
    between the kernel's inputs and outputs.
    """
    try:
        wrapper = interpreter._interpreter  # noqa: SLF001 - there is no public API
        nodes = [
            (wrapper.NodeName(i), list(wrapper.NodeInputs(i)), list(wrapper.NodeOutputs(i)))
            for i in range(wrapper.NumNodes())
        ]
    except (AttributeError, RuntimeError, ValueError):
        return None
    kernels = [node for node in nodes if node[0] == "DELEGATE"]
    maker = {out: i for i, node in enumerate(nodes) if node not in kernels for out in node[2]}
    delegated: Set[int] = set()
    for _, inputs, outputs in kernels:
        waiting = list(outputs)
        while waiting:
            node = maker.get(waiting.pop())
            if node is not None and node not in delegated:
                delegated.add(node)
                waiting += [tensor for tensor in nodes[node][1] if tensor not in inputs]
    kept = {node[0] for i, node in enumerate(nodes) if i not in delegated and node not in kernels}
    return DelegatedOperators(
        len(nodes) - len(kernels), len(delegated), len(kernels), tuple(sorted(kept))
    )
