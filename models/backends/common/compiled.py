"""Run files with LiteRT's CompiledModel, the successor of the interpreter."""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import re
import sys
from typing import IO, Any, Dict, Iterator, List, Mapping, Tuple

import numpy as np

from models.backends.common.backend import Backend, Details, Graph, Loaded, Source
from models.backends.common.interpreters import refusing
from models.backends.common.refusals import Refusal, one_line

# Maximum number of bytes that are read from the library's log. The library logs every step to
# stderr: the beginning of the log names the GPU, and the end explains a failure.
LONGEST_LOG = 1 << 20
_MOST_REASONS = 3
# Patterns of the error texts in a raised error and in the log. Each text follows its place in
# LiteRT's source code.
_RAISED = re.compile(r"^└ (?!ERROR: \[)(\S.*)$", re.MULTILINE)
_LOGGED = re.compile(r"^(?:ERROR: \[[^\]]*\]|E\d{4} [^\]]*\]) (\S.*)$", re.MULTILINE)


class CompiledBackend(Backend):
    """A backend whose API is `ai_edge_litert.compiled_model`."""

    runtime = "ai_edge_litert"
    distribution = "ai-edge-litert"
    module = "ai_edge_litert.compiled_model"

    @property
    def hardware(self) -> Tuple[str, ...]:
        """Return LiteRT's names of the hardware that computes."""
        return ("CPU",)

    @property
    def kernels(self) -> str:
        """Return LiteRT's name of the kernels on the processor."""
        return "DELEGATE"

    def imported(self) -> Any:
        """Import LiteRT's module and return it.

        The interpreter is imported as well, because it describes tensors.
        """
        api = super().imported()
        importlib.import_module("ai_edge_litert.interpreter")
        return api

    def options(self, api: Any, threads: int, signatures: int) -> Any:
        """Return the options with which a file is compiled.

        Args:
            api: the imported module.
            threads: number of threads of the kernels.
            signatures: number of signatures of the file.
        """
        raise NotImplementedError

    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> LoadedModel:
        """Compile a FlatBuffer."""
        if keep_all:
            message = "{} cannot return the values between operators"
            raise Refusal("no-inner-tensors", message.format(self.name))
        api = self.imported()
        described = _described(source)
        signatures = len(described.get_signature_list())
        with logged() as log:
            try:
                options = self.options(api, threads, signatures)
                if source.content is None:
                    compiled = api.CompiledModel.from_file(source.path, options=options)
                else:
                    compiled = api.CompiledModel.from_buffer(source.content, options=options)
            except (RuntimeError, ValueError, TypeError) as error:
                raise Refusal("load", why_refused(error, log.text())) from None
            text = log.text()
        return self.loaded(compiled, described, text)

    def loaded(self, compiled: Any, described: Any, log: str) -> LoadedModel:  # noqa: ARG002 - a subclass parses it
        """Return the compiled model as an object with the interface `Loaded`.

        Args:
            compiled: LiteRT's model.
            described: an interpreter of the file, for tensor details.
            log: output of the library during compilation.
        """
        return LoadedModel(compiled, described)


def _described(source: Source) -> Any:
    """Return an interpreter that describes the tensors of the file, which are never allocated.

    The compiled model reports neither the quantization nor the order of tensors.
    """
    from ai_edge_litert import interpreter as api  # noqa: PLC0415 - megabytes, needed only here

    resolver = api.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with refusing():
        if source.content is None:
            return api.Interpreter(model_path=source.path, experimental_op_resolver_type=resolver)
        return api.Interpreter(model_content=source.content, experimental_op_resolver_type=resolver)


class LoadedModel(Loaded):
    """A file that LiteRT has compiled."""

    def __init__(self, compiled: Any, described: Any) -> None:
        self.compiled = compiled
        self.described = described

    def signatures(self) -> List[str]:
        """Return the keys of the file's signatures."""
        return list(self.described.get_signature_list())

    def named(self, key: str) -> Tuple[Dict[str, Details], Dict[str, Details]]:
        """Return details of a signature's inputs and outputs, by their names in the signature."""
        runner = self.described.get_signature_runner(key)
        inputs, outputs = runner.get_input_details(), runner.get_output_details()
        compiled = self._compiled_details(key)
        return _reshaped(inputs, compiled[0]), _reshaped(outputs, compiled[1])

    def positions(self) -> Tuple[List[Details], List[Details]]:
        """Return details of the first graph's inputs and outputs in their order in the file."""
        inputs, outputs = self._compiled_details(self._first_key())
        by_index = {
            int(detail["index"]): detail for detail in (*inputs.values(), *outputs.values())
        }

        def reshaped(details: List[Details]) -> List[Details]:
            return [_with_shape(detail, by_index[int(detail["index"])]) for detail in details]

        return (
            reshaped(self.described.get_input_details()),
            reshaped(self.described.get_output_details()),
        )

    def first_graph(self, shapes: Mapping[int, List[int]]) -> Graph:
        """Resize the inputs, and create a buffer for each input and output of the first graph."""
        return self.signature_graph(self._first_key(), shapes)

    def signature_graph(self, key: str, shapes: Mapping[int, List[int]]) -> Graph:
        """Resize the inputs, and create the buffers of the inputs and outputs of a signature."""
        with refusing():
            for name, details in self._compiled_details(key)[0].items():
                if int(details["index"]) in shapes:
                    shape = shapes[int(details["index"])]
                    self.compiled.resize_input_tensor_by_name(key, name, shape)
            return BufferGraph(self.compiled, key, self._compiled_details(key))

    def _compiled_details(self, key: str) -> Tuple[Dict[str, Details], Dict[str, Details]]:
        compiled = self.compiled
        return compiled.get_input_tensor_details(key), compiled.get_output_tensor_details(key)

    def _first_key(self) -> str:
        """Return the signature of the first graph; LiteRT creates one if the file has none."""
        wanted = {int(detail["index"]) for detail in self.described.get_input_details()}
        for key in self.compiled.get_signature_list():
            details = self.compiled.get_input_tensor_details(key)
            if {int(detail["index"]) for detail in details.values()} == wanted:
                return str(key)
        raise Refusal("signature", "no signature has the inputs of the file's first graph")


class BufferGraph(Graph):
    """A signature's graph with its input and output buffers, which are created once."""

    def __init__(
        self, compiled: Any, key: str, details: Tuple[Dict[str, Details], Dict[str, Details]]
    ) -> None:
        self._run, self._key = compiled.run_by_name, key
        self._inputs = {n: compiled.create_input_buffer_by_name(key, n) for n in details[0]}
        self._outputs = {n: compiled.create_output_buffer_by_name(key, n) for n in details[1]}
        self._given = {int(detail["index"]): self._inputs[n] for n, detail in details[0].items()}
        self._read = {
            int(detail["index"]): (
                self._outputs[n],
                [int(size) for size in detail["shape"]],
                detail["dtype"],
            )
            for n, detail in details[1].items()
        }

    def set_tensor(self, index: int, array: Any) -> None:
        """Write an array into the buffer of an input."""
        self._given[index].write(array)

    def invoke(self) -> None:
        """Run the graph of the signature."""
        self._run(self._key, self._inputs, self._outputs)

    def get_tensor(self, index: int) -> Any:
        """Read an output's buffer, as it is stored."""
        buffer, shape, dtype = self._read[index]
        return buffer.read(math.prod(shape), np.dtype(dtype)).reshape(shape)


def _reshaped(described: Dict[str, Details], compiled: Dict[str, Details]) -> Dict[str, Details]:
    return {name: _with_shape(details, compiled[name]) for name, details in described.items()}


def _with_shape(described: Details, compiled: Details) -> Details:
    """Return the interpreter's details of a tensor, with the shape that the compiled model has."""
    return dict(described, shape=[int(size) for size in compiled["shape"]])


class Log:
    """The text written to stderr during a block."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def text(self) -> str:
        """Return the text so far; only its beginning and end if it exceeds `LONGEST_LOG` bytes."""
        number = self._file.fileno()
        size = os.fstat(number).st_size
        if size <= LONGEST_LOG:
            return _decoded(os.pread(number, size, 0))
        half = LONGEST_LOG // 2
        beginning, end = os.pread(number, half, 0), os.pread(number, half, size - half)
        left_out = "\n[{:,} bytes of the log are left out]\n".format(size - 2 * half)
        return _decoded(beginning) + left_out + _decoded(end)


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", errors="replace")


@contextlib.contextmanager
def logged() -> Iterator[Log]:
    """Capture the stderr of native code, and write it to stderr when the block ends.

    If native code ends the process, its output is lost.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with os.fdopen(os.memfd_create("log"), "w+b") as file, os.fdopen(stderr, "wb") as usual:
        os.dup2(file.fileno(), 2)
        log = Log(file)
        try:
            yield log
        finally:
            os.dup2(usual.fileno(), 2)
            usual.write(log.text().encode())


def why_refused(error: Exception, log: str) -> str:
    """Return the reason why a file was refused.

    The error names a line of LiteRT's source code, but rarely a reason; the log contains more.
    """
    reasons = [*_RAISED.findall(str(error)), *_LOGGED.findall(log)]
    reason = "; ".join(list(dict.fromkeys(reasons))[:_MOST_REASONS])
    return " ".join(reason.split()) or one_line(error)
