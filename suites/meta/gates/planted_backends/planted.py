"""Define a backend with a fault: LiteRT's interpreter with one defect in each mode.

`planted_programs.py` adds this folder to the path of edgeproof's own backends, so that the module
is found and sent to the target like theirs.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from models.backends.ai_edge_litert import AiEdgeLitert
from models.backends.common.backend import Graph, Source
from models.backends.common.interpreters import RESOLVERS, LoadedInterpreter
from models.backends.common.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

# Number of the answer at which the backend crashes or hangs.
LAST = 3
# Seconds that a hanging backend sleeps; it is killed long before.
SECONDS = 3600.0
# Factor that takes logits of 2 and more above the largest float16 number.
OVERFLOWING = 32_768.0


class Planted(AiEdgeLitert):
    """A backend with one fault."""

    family = "planted"
    preference = 99
    modes: ClassVar[dict[str, str]] = {
        "": "nothing",
        "refusing": "it refuses every file",
        "crashing": "it crashes in the third answer",
        "hanging": "it never gives the third answer",
        "nan": "its answers are NaN",
        "overflowing": "its logits leave what float16 holds",
        "zeros": "its answers are zero vectors",
        "another-file": "it answers what another file would",
        "transposed": "it reads a square weight transposed",
        "shifted": "its logits are a tenth too large",
        "noisy": "its answers differ each time",
        "by-process": "its answers differ from process to process",
        "by-threads": "several threads compute another product",
        "plain": "its accelerator takes nothing over",
    }

    def has_accelerator(self, bits: int) -> bool:  # noqa: ARG002 - as in the base class
        """Return True, so that the gate of the accelerator applies to the backend."""
        return True

    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> LoadedInterpreter:
        """Load a file, with the fault of this backend's mode."""
        if self.mode == "refusing":
            raise Refusal("load", "planted: it takes no file")
        if self.mode == "transposed":
            source = Source(content=transposed(source))
        mode, self.mode = self.mode, "builtin" if self.mode == "plain" else ""
        assert self.mode in RESOLVERS
        loaded = PlantedFile(self.interpreter(source, threads, keep_all=keep_all))
        self.mode = loaded.fault = mode
        loaded.threads = threads
        return loaded


class PlantedFile(LoadedInterpreter):
    """A loaded file whose graph has a fault."""

    fault = ""
    threads = 1

    def first_graph(self, shapes: Mapping[int, Any]) -> Graph:
        """Return the graph in a wrapper that adds the fault."""
        return PlantedGraph(super().first_graph(shapes), self.fault, self.threads)


class PlantedGraph(Graph):
    """A graph whose answers have a fault."""

    def __init__(self, graph: Graph, fault: str, threads: int) -> None:
        self._graph, self._fault, self._threads = graph, fault, threads
        self._answers = 0

    def set_tensor(self, index: int, array: Any) -> None:
        """Set an input."""
        self._graph.set_tensor(index, array)

    def invoke(self) -> None:
        """Run the graph, or crash or hang at one of its answers."""
        self._answers += 1
        if self._fault == "crashing" and self._answers == LAST:
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._fault == "hanging" and self._answers == LAST:
            time.sleep(SECONDS)
        self._graph.invoke()

    def get_tensor(self, index: int) -> Any:
        """Return an output changed by the fault."""
        logits = self._graph.get_tensor(index)
        changes = {
            "nan": lambda: logits * np.nan,
            "overflowing": lambda: (logits * OVERFLOWING).astype(np.float16).astype(np.float32),
            "zeros": lambda: logits * 0,
            "another-file": lambda: logits[..., ::-1],
            "shifted": lambda: logits * np.float32(1.1),
            "noisy": lambda: logits + np.float32(1e-5 * np.random.default_rng().random()),
            "by-process": lambda: logits + np.float32(1e-5 * (1 + os.getpid() % 97)),
            "by-threads": lambda: logits[..., ::-1] if self._threads > 1 else logits,
        }
        return changes.get(self._fault, lambda: logits)()


def transposed(source: Source) -> bytes:
    """Return the file with the data of its largest square float32 constant transposed."""
    import flatbuffers  # noqa: PLC0415 - only the runtime's environment has it
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - slow to import

    if source.content is None:
        with open(str(source.path), "rb") as file:  # noqa: PTH123 - also for Python 3.8 on boards
            content = file.read()
    else:
        content = source.content
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    square = [
        tensor
        for tensor in model.subgraphs[0].tensors
        if tensor.shape is not None
        and len(tensor.shape) == 2
        and tensor.shape[0] == tensor.shape[1] > 1
        and model.buffers[tensor.buffer].data is not None
        and len(model.buffers[tensor.buffer].data) == 4 * int(np.prod(tensor.shape))
    ]
    tensor = max(square, key=lambda candidate: candidate.shape[0])
    buffer = model.buffers[tensor.buffer]
    values = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
    buffer.data = np.frombuffer(np.ascontiguousarray(values.T).tobytes(), np.uint8)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
