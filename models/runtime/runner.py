"""The runner: loads FlatBuffers where the device is and answers over its stdin and stdout.

One file on purpose, longer than this project likes: it is all a board needs beside numpy and one
TFLite runtime, it is sent there by itself, and it runs on Python 3.8. It starts no process and
opens no socket. Importing it has no effect; the client takes the framing from here.

A message is MAGIC, the length of a JSON header (4 bytes, big-endian), the header, then the raw
little-endian bytes of the arrays that the header's "arrays" lists as [name, dtype, shape]. A
request names its operation in "op"; an answer is the operation's facts, or
{"error": {"kind", "message"}}.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import gc
import hashlib
import importlib
import importlib.util
import json
import math
import os
import platform
import random
import signal
import struct
import sys
import time
from pathlib import Path
from typing import (
    IO,
    Any,
    Callable,
    Deque,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Tuple,
)

import numpy as np

PROTOCOL = 2
MAGIC = b"EDGE"
# What one request may ask for. More threads than this only wait for each other.
MOST_THREADS, THREADS_PER_CORE = 8, 4
MOST_ROUNDS = 1_000_000
# Seconds: the longest that any client waits for.
LONGEST_REQUEST = 86_400.0
# What a request may take: a tokenizer and texts in the header, a FlatBuffer behind it. An answer is
# logits and times: what a device sends is bounded more closely.
LARGEST_HEADER = 1 << 26
LARGEST_ARRAYS = 1 << 32
LARGEST_ANSWER_HEADER = 1 << 22
LARGEST_ANSWER_ARRAYS = 1 << 28
MOST_ARRAYS = 64
# As numpy 1.26 has them: what one end sends, the other can hold.
MOST_DIMENSIONS = 32
DTYPES = frozenset(np.dtype(code).name for code in "?bhiqBHIQefd")

# The module that holds Interpreter and OpResolverType, and the distribution that has its version.
RUNTIMES = {
    "ai_edge_litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite_runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
    "tensorflow": ("tensorflow.lite.python.interpreter", "tensorflow"),
}
RESOLVERS = {
    ("default", True): "AUTO",
    ("default", False): "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    ("reference", True): "BUILTIN_REF",
    ("reference", False): "BUILTIN_REF",
}
# What a tokenizer gives, under the names by which a binding calls a file's inputs.
IDS, MASK, SEGMENTS = "ids", "mask", "segments"
SMALLEST_FLATBUFFER = 16

Header = Dict[str, Any]
Arrays = Dict[str, Any]
Reply = Tuple[Header, Arrays]


# ---------------------------------------------------------------------------------------- framing


class FramingError(Exception):
    """The bytes on the stream are not a message; what follows them cannot be read either."""


def write_message(
    stream: IO[bytes], header: Header, arrays: Optional[Mapping[str, Any]] = None
) -> None:
    """Write one message.

    Args:
        stream: a binary stream open for writing; it is flushed.
        header: what JSON can hold; the key "arrays" is taken.
        arrays: numpy arrays by name, of the dtypes in `DTYPES`.

    Raises:
        TypeError: an array's dtype cannot be sent; nothing was written.
    """
    listed: List[Tuple[str, str, Tuple[int, ...]]] = []
    blocks: List[bytes] = []
    for name, array in (arrays or {}).items():
        if array.dtype.name not in DTYPES:
            raise TypeError("array {} has dtype {}".format(name, array.dtype))
        listed.append((name, array.dtype.name, array.shape))
        blocks.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    text = json.dumps(dict(header, arrays=listed)).encode("utf-8")
    stream.write(MAGIC + struct.pack(">I", len(text)) + text)
    stream.writelines(blocks)
    stream.flush()


def read_message(
    stream: IO[bytes],
    largest_header: int = LARGEST_HEADER,
    largest_arrays: int = LARGEST_ARRAYS,
) -> Optional[Reply]:
    """Read one message: its header and its arrays by name; None where the stream ends before one.

    Args:
        stream: a binary stream open for reading.
        largest_header: bytes of a header that are read at most.
        largest_arrays: bytes of all arrays that are read at most.

    Raises:
        FramingError: something else than a message is on the stream, it ends within one, or
            announces more than is read.
    """
    start = _read_exactly(stream, len(MAGIC) + 4, at_start=True)
    if not start:
        return None
    if start[: len(MAGIC)] != MAGIC:
        raise FramingError("not a message: the stream holds {!r}".format(start))
    (length,) = struct.unpack(">I", start[len(MAGIC) :])
    if length > largest_header:
        raise FramingError("a header of {} bytes is announced".format(length))
    try:
        header = json.loads(_read_exactly(stream, length).decode("utf-8"))
        listed = _array_entries(header.pop("arrays"), largest_arrays)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = "the header is not a message's ({:.200})".format(repr(error))
        raise FramingError(message) from None
    return header, {name: _read_array(stream, dtype, shape) for name, dtype, shape in listed}


def _array_entries(entries: Any, room: int) -> List[Tuple[str, str, Tuple[int, ...]]]:
    """Check all that a header announces before the first byte of it is read."""
    if not isinstance(entries, list) or len(entries) > MOST_ARRAYS:
        raise ValueError("more than {} arrays".format(MOST_ARRAYS))
    listed = [_array_entry(entry, room) for entry in entries]
    if len({name for name, _, _ in listed}) != len(listed):
        raise ValueError("two arrays of one name")
    if sum(_array_bytes(dtype, shape) for _, dtype, shape in listed) > room:
        raise ValueError("arrays of more than {} bytes are announced".format(room))
    return listed


def _array_entry(entry: Any, room: int) -> Tuple[str, str, Tuple[int, ...]]:
    name, dtype, shape = entry
    if not isinstance(name, str) or dtype not in DTYPES or not isinstance(shape, list):
        raise ValueError("an array without a name, a dtype or a shape")
    if len(shape) > MOST_DIMENSIONS or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError("an array's shape has a size that is none, or too many")
    # One size may be 0: numpy computes with the others all the same.
    if _array_bytes(dtype, tuple(max(size, 1) for size in shape)) > room:
        raise ValueError("an array of more than {} bytes is announced".format(room))
    return name, dtype, tuple(shape)


def _array_bytes(dtype: str, shape: Tuple[int, ...]) -> int:
    return int(np.dtype(dtype).itemsize) * math.prod(shape)


def _read_array(stream: IO[bytes], dtype: str, shape: Tuple[int, ...]) -> Any:
    kind = np.dtype(dtype).newbyteorder("<")
    block = _read_exactly(stream, _array_bytes(dtype, shape))
    flat = np.frombuffer(block, dtype=kind)  # noqa: TID251 - the block is what the shape takes
    return flat.reshape(shape).astype(dtype, copy=False)


def _read_exactly(stream: IO[bytes], count: int, *, at_start: bool = False) -> bytes:
    block = bytearray()
    while len(block) < count:
        # Bounded pieces: a lying header must not take memory that no bytes will fill.
        piece = stream.read(min(count - len(block), 1 << 24))
        if not piece:
            if at_start and not block:
                return b""
            raise FramingError("the stream ends {} bytes early".format(count - len(block)))
        block += piece
    return bytes(block)


# ------------------------------------------------------------------------------- refusals and facts


class Refusal(Exception):  # noqa: N818 - what the protocol calls it
    """A request that cannot be answered: `kind` is for programs, the message for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def one_line(error: Exception) -> str:
    """Return a native error's message without its line breaks and final period."""
    return " ".join(str(error).split()).rstrip(".") or repr(error)


def process_age_ns() -> Optional[int]:
    """Return nanoseconds since the kernel started this process, to the clock tick.

    None if not told.
    """
    try:
        # The command's name, in parentheses, may hold spaces; the start is field 22.
        started = int(
            Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        )
        ticks = os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - started * 1_000_000_000 // ticks
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return age if started > 0 and age > 0 else None


def runtime_version(name: str) -> str:
    """Return the version of an imported runtime."""
    version = getattr(sys.modules[name], "__version__", None)
    if version is None:
        # Not at the top: it takes a fifth of the time this program needs to start.
        from importlib import metadata  # noqa: PLC0415

        version = metadata.version(RUNTIMES[name][1])
    return str(version)


def colon_table(path: str) -> Dict[str, str]:
    """Read the lines "key: value" of a file under /proc, keys in lower case, the first of each."""
    table: Dict[str, str] = {}
    with contextlib.suppress(OSError):
        for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            table.setdefault(key.strip().lower(), value.strip())
    return table


def memory_bytes() -> Dict[str, int]:
    """Return resident memory of this process in bytes: {"peak": VmHWM, "now": VmRSS}."""
    facts = colon_table("/proc/self/status")
    return {
        key: int(facts[line].split()[0]) * 1024
        for key, line in (("peak", "vmhwm"), ("now", "vmrss"))
    }


def processor() -> Dict[str, Any]:
    """Return what the device says its processor is: {"model": str, "features": [str]}."""
    facts = colon_table("/proc/cpuinfo")
    model = facts.get("model name") or facts.get("cpu part") or "unknown"
    return {"model": model, "features": (facts.get("flags") or facts.get("features") or "").split()}


# ------------------------------------------------------------------------------------------- audit

WATCHED = (
    *("socket.", "subprocess.", "urllib.", "http.client.", "ftplib.", "smtplib.", "webbrowser."),
    # Every way of CPython's to start a process.
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.spawn"),
)
WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Audit:
    """Records what Python code does that could let a text out: network, processes, files written.

    Native code does not pass here: an empty network namespace covers that.
    """

    def __init__(self) -> None:
        self.events: Deque[Dict[str, str]] = collections.deque(maxlen=1000)
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(mode, str) and any(sign in mode for sign in "wax+")
            if isinstance(path, int) or not (writes or (flags or 0) & WRITING_FLAGS):
                return
        elif not event.startswith(WATCHED):
            return
        self.events.append({"event": event, "arguments": repr(arguments)[:300]})


# ------------------------------------------------------------------------------------------ models


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One input or output of a file, bound to its index in the interpreter.

    `below` is the first integer that is refused as too large; None allows any.
    """

    name: str
    index: int
    shape: Tuple[int, ...]
    shape_signature: Tuple[int, ...]
    dtype: Any
    scales: Tuple[float, ...]
    zero_points: Tuple[int, ...]
    axis: int
    below: Optional[int] = None

    @classmethod
    def of(cls, name: str, details: Mapping[str, Any], below: Optional[int] = None) -> Tensor:
        """Take what is needed from a runtime's tensor details."""
        quantization = details["quantization_parameters"]
        return cls(
            name=name,
            index=int(details["index"]),
            shape=tuple(int(size) for size in details["shape"]),
            shape_signature=tuple(int(size) for size in details["shape_signature"]),
            dtype=np.dtype(details["dtype"]),
            scales=tuple(float(scale) for scale in quantization["scales"]),
            zero_points=tuple(int(zero) for zero in quantization["zero_points"]),
            axis=int(quantization["quantized_dimension"]),
            below=below,
        )

    def facts(self) -> Dict[str, Any]:
        """Return itself as JSON holds it, without what means nothing outside."""
        facts = dict(dataclasses.asdict(self), dtype=self.dtype.name)
        del facts["index"], facts["below"]
        return facts

    def stored(self, array: Any) -> Any:
        """Turn `array` into this tensor's dtype: quantize floats and int32, or keep each int32.

        Ids are int64, float32 or small integers in some files, masks are bool: what the dtype does
        not hold exactly stays as it is, and is refused. float32 holds integers below 2**24.
        """
        exact = array.dtype == np.int32
        if self.scales and self.dtype.kind in "iu" and (exact or array.dtype.kind == "f"):
            limits = np.iinfo(self.dtype)
            quantized = np.rint(array / self.scales[0]) + self.zero_points[0]
            return np.clip(quantized, limits.min, limits.max).astype(self.dtype)
        if exact and self.dtype != array.dtype:
            converted = array.astype(self.dtype)
            return converted if (converted == array).all() else array
        return array

    def real(self, array: Any) -> Any:
        """Return the float32 values that `array`, read from this tensor, stands for."""
        if self.scales and self.dtype.kind in "iu":
            steps = array.astype(np.float64) - self.zero_points[0]
            return (steps * self.scales[0]).astype(np.float32)
        return array.astype(np.float32)


class Model:
    """A loaded FlatBuffer whose tensors are bound once.

    `decision` is (threshold, label above it) for an output of one value; None otherwise.
    """

    def __init__(
        self,
        interpreter: Any,
        inputs: List[Tensor],
        output: Tensor,
        decision: Optional[Tuple[float, int]] = None,
    ) -> None:
        self.interpreter = interpreter
        self.inputs = inputs
        self.output = output
        self.decision = decision

    def check(self, arrays: Mapping[str, Any]) -> Tuple[int, Dict[str, Any]]:
        """Check `arrays` ([n, ...] by input name) against the inputs.

        The runtimes check none of this: they read an input never set, and an id of -1, silently.

        Returns:
            n, and the arrays as the tensors store them.
        """
        names = {tensor.name for tensor in self.inputs}
        if names != set(arrays):
            message = "the signature takes {}, given were {}"
            raise Refusal("inputs", message.format(sorted(names), sorted(arrays)))
        counts = sorted({array.shape[0] if array.ndim else -1 for array in arrays.values()})
        if len(counts) != 1:
            raise Refusal("inputs", "the inputs have different numbers of rows: {}".format(counts))
        return counts[0], {
            tensor.name: self._checked(tensor, arrays[tensor.name]) for tensor in self.inputs
        }

    def _checked(self, tensor: Tensor, given: Any) -> Any:
        # Some files take a row without a batch, or with more dimensions of 1.
        fits = given.ndim > 1 and math.prod(given.shape[1:]) == math.prod(tensor.shape)
        if not fits or given.shape[1:] not in {tensor.shape[1:], (math.prod(tensor.shape),)}:
            message = "{} has shape {}, the signature wants rows of {}"
            shapes = list(given.shape), list(tensor.shape)
            raise Refusal("inputs", message.format(tensor.name, *shapes))
        if given.dtype.kind == "f" and not np.isfinite(given).all():
            raise Refusal("inputs", "{} holds NaN or infinity".format(tensor.name))
        array = tensor.stored(given)
        if array.dtype != tensor.dtype:
            message = "{} is {}, the signature wants {}"
            raise Refusal("inputs", message.format(tensor.name, array.dtype, tensor.dtype))
        if given.dtype.kind in "iu" and given.size:
            low, high = int(given.min()), int(given.max())
            if low < 0 or (tensor.below is not None and high >= tensor.below):
                message = "{} holds values from {} to {}, allowed are 0 to {}"
                top = "any" if tensor.below is None else tensor.below - 1
                raise Refusal("inputs", message.format(tensor.name, low, high, top))
        return np.ascontiguousarray(array)

    def set_row(self, arrays: Mapping[str, Any], row: int) -> None:
        """Give the interpreter one row of each input."""
        for tensor in self.inputs:
            self.interpreter.set_tensor(
                tensor.index, arrays[tensor.name][row].reshape(tensor.shape)
            )

    def invoke(self) -> Tuple[int, int]:
        """Run the model once: (wall, CPU) nanoseconds, the wall clock around `invoke()` alone."""
        invoke, wall, cpu = self.interpreter.invoke, time.perf_counter_ns, time.process_time_ns
        try:
            cpu_start = cpu()
            start = wall()
            invoke()
            end = wall()
            return end - start, cpu() - cpu_start
        except (RuntimeError, ValueError) as error:
            raise Refusal("invoke", one_line(error)) from None

    def logits(self) -> Any:
        """Return the output of the last `invoke` as float32 [C]."""
        return self.output.real(self.interpreter.get_tensor(self.output.index)).reshape(-1)

    def label(self) -> int:
        """Return the label that the output of the last `invoke` means."""
        values = self.logits()
        if self.decision is None:
            return int(values.argmax())
        threshold, above = self.decision
        return above if float(values[0]) > threshold else 1 - above


@contextlib.contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep Python's garbage collector out of what is timed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def check_file(start: bytes, size: int) -> None:
    """Refuse what is certainly no FlatBuffer before native code, which may crash on it, sees it."""
    if size < SMALLEST_FLATBUFFER or start[4:8] != b"TFL3":
        raise Refusal("not-a-flatbuffer", "{} bytes without the identifier TFL3".format(size))
    (root,) = struct.unpack("<I", start[:4])
    if root >= size:
        message = "its root is at byte {} of {}: it is truncated"
        raise Refusal("not-a-flatbuffer", message.format(root, size))


def file_facts(path: str) -> Tuple[str, int]:
    """Return sha256 and size of a FlatBuffer file, read in pieces to leave peak memory alone."""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            check_file(file.read(8), size)
            file.seek(0)
            for piece in iter(lambda: file.read(1 << 20), b""):
                digest.update(piece)
    except OSError as error:
        raise Refusal("file", "{}: {}".format(path, error.strerror or error)) from None
    return digest.hexdigest(), size


def interpret(module: Any, source: Mapping[str, Any], options: Header) -> Model:
    """Hand a FlatBuffer to the runtime, allocate its tensors and bind them.

    Args:
        module: the runtime's.
        source: model_path or model_content.
        options: the request's threads, kernels, delegates and binding.
    """
    resolver = RESOLVERS[options["kernels"], bool(options["delegates"])]
    try:
        interpreter = module.Interpreter(
            num_threads=options["threads"],
            experimental_op_resolver_type=getattr(module.OpResolverType, resolver),
            **source,
        )
        binding = options.get("binding") or {}
        if binding.get("graph"):
            interpreter, inputs, output = bind_signature(interpreter, binding)
        else:
            inputs, output = bind(interpreter, binding)
        decision = binding.get("decision")
    except (ValueError, RuntimeError, SystemError, TypeError, IndexError) as error:
        raise Refusal("load", one_line(error)) from None
    return Model(
        interpreter, inputs, output, None if decision is None else (decision[0], int(decision[1]))
    )


def bind(interpreter: Any, binding: Header) -> Tuple[List[Tensor], Tensor]:
    """Allocate the tensors and bind inputs and output, as asked or by the only signature.

    Args:
        interpreter: the runtime's.
        binding: "inputs" as [name, tensor, below, length] and "output", where a tensor is its name
            in the signature or its position in the graph; "signature", the key; "graph", which one
            it runs. Without "inputs" the names of the only signature are taken.
    """
    inputs, outputs = named_tensors(interpreter, binding.get("signature"))
    asked = binding.get("inputs") or [[name, name, None, None] for name in inputs]
    graph_inputs, graph_outputs = interpreter.get_input_details(), interpreter.get_output_details()
    chosen = [tensor_at(each[1], inputs, graph_inputs, "input") for each in asked]
    if {int(details["index"]) for details in chosen} != {int(d["index"]) for d in graph_inputs}:
        raise Refusal("signature", "not every input of the graph is bound")
    for (_, _, _, length), details in zip(asked, chosen):
        if length is not None:
            shape = [int(length) if size < 0 else int(size) for size in open_shape(details)]
            interpreter.resize_tensor_input(int(details["index"]), shape)
    interpreter.allocate_tensors()
    now = {int(details["index"]): details for details in interpreter.get_input_details()}
    bound = [
        Tensor.of(name, now[int(details["index"])], below)
        for (name, _, below, _), details in zip(asked, chosen)
    ]
    name, output = only_output(binding.get("output"), outputs, graph_outputs)
    return bound, Tensor.of(name, output)


class OtherGraph:
    """What `Model` asks of an interpreter, for a graph that is not the file's first.

    A runtime lets nothing but a call of its signature into such a graph.
    """

    def __init__(self, call: Any) -> None:
        self.call = call
        self.inputs = {int(one["index"]): name for name, one in call.get_input_details().items()}
        self.outputs = {int(one["index"]): name for name, one in call.get_output_details().items()}
        self.given: Arrays = {}
        self.answers: Arrays = {}

    def set_tensor(self, index: int, array: Any) -> None:
        """Keep what the next call is given."""
        self.given[self.inputs[index]] = array

    def invoke(self) -> None:
        """Call the signature: the runtime allocates anew where a shape has changed."""
        self.answers = self.call(**self.given)

    def get_tensor(self, index: int) -> Any:
        """Return what the last call answered."""
        return self.answers[self.outputs[index]]


def bind_signature(interpreter: Any, binding: Header) -> Tuple[OtherGraph, List[Tensor], Tensor]:
    """Bind inputs and output of a signature's own graph by their names in it, as `bind` does."""
    graph = OtherGraph(interpreter.get_signature_runner(binding["signature"]))
    inputs, outputs = graph.call.get_input_details(), graph.call.get_output_details()
    bound = []
    for name, place, below, length in binding["inputs"]:
        details = tensor_at(place, inputs, [], "input")
        if length is not None:
            shape = [int(length) if size < 0 else int(size) for size in open_shape(details)]
            details = dict(details, shape=shape)
        bound.append(Tensor.of(name, details, below))
    if {tensor.index for tensor in bound} != set(graph.inputs):
        raise Refusal("signature", "not every input of the signature is bound")
    name, output = only_output(binding.get("output"), outputs, [])
    return graph, bound, Tensor.of(name, output)


def open_shape(details: Mapping[str, Any]) -> List[int]:
    """Return the shape of an input with -1 for its length alone, where the file leaves it open.

    The first of several open dimensions is the batch.
    """
    shape = [int(size) for size in details["shape_signature"]]
    places = [place for place, size in enumerate(shape) if size < 0]
    for place in places[:-1]:
        shape[place] = 1
    return shape


def named_tensors(interpreter: Any, key: Optional[str]) -> Tuple[Arrays, Arrays]:
    """Return the tensor details by name of a signature's inputs and outputs.

    Empty without a signature.

    The signature runner is used for its details alone and let go: while it lives, the interpreter
    refuses to run, and calling it would allocate anew before every answer.
    """
    keys = list(interpreter.get_signature_list())
    if key is None and len(keys) > 1:
        raise Refusal("signature", "one signature is needed, the file has {}".format(keys))
    if key is not None and key not in keys:
        raise Refusal("signature", "{!r} is none of the file's {}".format(key, keys))
    if not keys:
        return {}, {}
    runner = interpreter.get_signature_runner(key or keys[0])
    return runner.get_input_details(), runner.get_output_details()


def tensor_at(place: Any, named: Arrays, graph: List[Any], kind: str) -> Any:
    """Return the tensor details by name in the signature, or by position in the graph."""
    if isinstance(place, int) and 0 <= place < len(graph):
        return graph[place]
    if place in named:
        return named[place]
    message = "the file has no {} {!r}; it has {} and names {}"
    raise Refusal("signature", message.format(kind, place, len(graph), sorted(named)))


def only_output(place: Any, named: Arrays, graph: List[Any]) -> Tuple[str, Any]:
    """Name and details of the output asked for, of the only one, or of the one named logits."""
    if place is not None:
        return str(place), tensor_at(place, named, graph, "output")
    names = [name for name in named if name == "logits"] or list(named)
    if len(names) == 1:
        return names[0], named[names[0]]
    if not names and len(graph) == 1:
        return "output", graph[0]
    message = "one output, or one named logits, is needed; there are {}"
    raise Refusal("signature", message.format(names or len(graph)))


def delegated_nodes(interpreter: Any) -> Optional[Dict[str, int]]:
    """Return how many of the file's nodes a delegate took over; None if the runtime does not tell.

    A delegate's kernel is appended as one more node: what it replaced are the nodes from its
    outputs back to its inputs.
    """
    try:
        wrapper = interpreter._interpreter  # noqa: SLF001 - no public way
        nodes = [
            (wrapper.NodeName(i), list(wrapper.NodeInputs(i)), list(wrapper.NodeOutputs(i)))
            for i in range(wrapper.NumNodes())
        ]
    except (AttributeError, RuntimeError, ValueError):
        return None
    kernels = [node for node in nodes if node[0] == "DELEGATE"]
    maker = {out: i for i, node in enumerate(nodes) if node not in kernels for out in node[2]}
    taken = set()
    for _, inputs, outputs in kernels:
        waiting = list(outputs)
        while waiting:
            node = maker.get(waiting.pop())
            if node is not None and node not in taken:
                taken.add(node)
                waiting += [tensor for tensor in nodes[node][1] if tensor not in inputs]
    return {
        "nodes": len(nodes) - len(kernels),
        "delegated": len(taken),
        "partitions": len(kernels),
    }


# -------------------------------------------------------------------------------------- operations


class Session:
    """What one client has loaded, and the operations it may ask for."""

    def __init__(self, runtime: Optional[str], audit: Optional[Audit]) -> None:
        self.wanted = runtime
        self.audit_log = audit
        self.runtime_name = ""
        self.module: Any = None
        self.baseline = memory_bytes()
        self.models: Dict[str, Model] = {}
        self.operations: Dict[str, Callable[[Header, Arrays], Reply]] = {
            "hello": self.hello,
            "load": self.load,
            "answer": self.answer,
            "race": self.race,
            "classify": self.classify,
            "usage": self.usage,
            "audit": self.audit,
            "close": lambda _header, _arrays: ({}, {}),
        }

    def runtime(self) -> Any:
        """Return the runtime's module, imported at the first call."""
        if self.module is None:
            name = self.wanted or self._first_installed()
            if name not in RUNTIMES:
                message = "{!r} is none of {}"
                raise Refusal("no-runtime", message.format(name, ", ".join(RUNTIMES)))
            try:
                self.module = importlib.import_module(RUNTIMES[name][0])
            except (ImportError, SystemError) as error:
                raise Refusal("no-runtime", "{}: {}".format(name, error)) from None
            self.runtime_name = name
            self.baseline = memory_bytes()
            # What is imported by now stays: collections before a measurement need not look at it.
            gc.freeze()
        return self.module

    @staticmethod
    def _first_installed() -> str:
        for name in RUNTIMES:
            if importlib.util.find_spec(name):
                return name
        raise Refusal("no-runtime", "none of {} is installed".format(", ".join(RUNTIMES)))

    def hello(self, _header: Header, _arrays: Arrays) -> Reply:
        """Return who answers: versions, machine and processor."""
        self.runtime()
        facts = {
            "protocol": PROTOCOL,
            "python": platform.python_version(),
            # platform.machine() would start a process on Python 3.8.
            "machine": os.uname().machine,
            # A 64-bit kernel may run a 32-bit system: the machine does not tell.
            "bits": 8 * struct.calcsize("P"),
            "runtime": self.runtime_name,
            "runtime_version": runtime_version(self.runtime_name),
            "numpy": np.__version__,
            "cores": usable_cores(),
            "processor": processor(),
            "pid": os.getpid(),
            "age_ns": process_age_ns(),
        }
        return facts, {}

    def load(self, header: Header, arrays: Arrays) -> Reply:
        """Load a FlatBuffer from "path" on this device, or from the array "content"."""
        module = self.runtime()
        source, digest, size = self._source(header, arrays)
        if header["sha256"] not in {None, digest}:
            message = "its sha256 is {}, expected was {}"
            raise Refusal("hash", message.format(digest, header["sha256"]))
        bounded(header, "threads", 1, most_threads(usable_cores()))
        self.models.pop(header["name"], None)
        start = time.perf_counter_ns()
        model = interpret(module, source, header)
        load_ns = time.perf_counter_ns() - start
        self.models[header["name"]] = model
        facts = {
            "inputs": [tensor.facts() for tensor in model.inputs],
            "output": model.output.facts(),
            "sha256": digest,
            "size": size,
            "load_ns": load_ns,
            "delegation": delegated_nodes(model.interpreter),
            "age_ns": process_age_ns(),
        }
        return facts, {}

    @staticmethod
    def _source(header: Header, arrays: Arrays) -> Tuple[Dict[str, Any], str, int]:
        if "content" in arrays:
            content = arrays["content"].tobytes()
            check_file(content[:8], len(content))
            return {"model_content": content}, hashlib.sha256(content).hexdigest(), len(content)
        digest, size = file_facts(header["path"])
        return {"model_path": header["path"]}, digest, size

    def _model(self, name: str) -> Model:
        if name not in self.models:
            message = "nothing is loaded as {!r}; loaded are {}"
            raise Refusal("unknown-model", message.format(name, sorted(self.models)))
        return self.models[name]

    def answer(self, header: Header, arrays: Arrays) -> Reply:
        """Answer n rows: logits float32 [n, C], invoke_ns and cpu_ns int64 [n]."""
        model = self._model(header["name"])
        count, rows = model.check(arrays)
        times = np.zeros((count, 2), np.int64)
        answers = np.zeros((count, math.prod(model.output.shape)), np.float32)
        first_age = None
        with quiet_collector():
            for row in range(count):
                model.set_row(rows, row)
                times[row] = model.invoke()
                answers[row] = model.logits()
                if row == 0:
                    first_age = process_age_ns()
        facts = {
            "nan_count": int(np.isnan(answers).sum()),
            "inf_count": int(np.isinf(answers).sum()),
            "age_ns": first_age,
        }
        return facts, {"logits": answers, "invoke_ns": times[:, 0], "cpu_ns": times[:, 1]}

    def race(self, header: Header, arrays: Arrays) -> Reply:
        """Time several models interleaved: ns, cpu_ns and predictions [k, rounds], rows [rounds].

        The inputs of the k-th model are named "k/role". Each round gives the next text to every
        model; rounds come in pairs, an order drawn from
        the seed and then its reverse, so that drift and position weigh on all alike.
        """
        names = header["names"]
        models = [self._model(name) for name in names]
        checked = [model.check(arrays_of(k, arrays)) for k, model in enumerate(models)]
        counts = sorted({count for count, _ in checked})
        if len(counts) != 1:
            raise Refusal(
                "inputs", "the models are given different numbers of rows: {}".format(counts)
            )
        count, rounds = counts[0], bounded(header, "rounds", 1, MOST_ROUNDS)
        warmup = bounded(header, "warmup", 0, MOST_ROUNDS)
        if not count:
            raise Refusal("inputs", "a race needs at least one row")
        draw = random.Random(header["seed"])  # noqa: S311 - an order, not a secret
        drawn = draw.sample(range(count), count)
        order = list(range(len(models)))
        wall, cpu = np.zeros((2, len(models), rounds), np.int64)
        predictions = np.zeros((len(models), rounds), np.int32)
        with quiet_collector():
            for turn in range(-warmup, rounds):
                if turn % 2:
                    order.reverse()
                else:
                    draw.shuffle(order)
                for k in order:
                    models[k].set_row(checked[k][1], drawn[turn % count])
                    times = models[k].invoke()
                    if turn >= 0:
                        wall[k, turn], cpu[k, turn] = times
                        predictions[k, turn] = models[k].label()
        rows = np.array([drawn[turn % count] for turn in range(rounds)], np.int32)
        return {"names": names}, {
            "ns": wall,
            "cpu_ns": cpu,
            "predictions": predictions,
            "rows": rows,
        }

    def classify(self, header: Header, _arrays: Arrays) -> Reply:
        """Answer texts, tokenization included: logits [n, C], labels [n], text_to_label_ns [n]."""
        model = self._model(header["name"])
        encode = tokenizer(header["tokenizer"], [tensor.name for tensor in model.inputs])
        texts = header["texts"]
        times, labels = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int32)
        answers = np.zeros((len(texts), math.prod(model.output.shape)), np.float32)
        with quiet_collector():
            for row, text in enumerate(texts):
                start = time.perf_counter_ns()
                _, arrays = model.check(encode(text))
                model.set_row(arrays, 0)
                model.invoke()
                answers[row], labels[row] = model.logits(), model.label()
                times[row] = time.perf_counter_ns() - start
        return {}, {"logits": answers, "labels": labels, "text_to_label_ns": times}

    def usage(self, _header: Header, _arrays: Arrays) -> Reply:
        """Return memory in bytes, CPU time and age in nanoseconds of this process."""
        memory = memory_bytes()
        facts = {
            "peak_rss_bytes": memory["peak"],
            "rss_bytes": memory["now"],
            "baseline_rss_bytes": self.baseline["now"],
            "cpu_ns": time.process_time_ns(),
            "age_ns": process_age_ns(),
        }
        return facts, {}

    def audit(self, _header: Header, _arrays: Arrays) -> Reply:
        """Return what the audit hook has seen so far."""
        if self.audit_log is None:
            raise Refusal("no-audit", "the runner was started without --audit")
        return {"events": list(self.audit_log.events)}, {}


def bounded(header: Header, key: str, least: int, most: int) -> int:
    """Return a whole number of a request, within what may be asked for."""
    number = header[key]
    if type(number) is not int or not least <= number <= most:
        message = "{} is {:.100}, allowed are whole numbers from {} to {}"
        raise Refusal("bad-request", message.format(key, repr(number), least, most))
    return number


def most_threads(cores: int) -> int:
    """Return how many threads so many cores are given at most."""
    return max(MOST_THREADS, THREADS_PER_CORE * cores)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def ending_after(seconds: Any) -> Iterator[None]:
    """End this process where a request takes longer than the client waits for it, native code too.

    A client that is gone, or whose connection is, cannot end it. The kernel's timer costs nothing
    while it runs; its signal ends the process.
    """
    known = type(seconds) in {int, float} and 0 < seconds <= LONGEST_REQUEST
    signal.setitimer(signal.ITIMER_REAL, seconds if known else LONGEST_REQUEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def arrays_of(number: int, arrays: Arrays) -> Arrays:
    """Return the arrays of one of several models, named "number/role", by role."""
    start = "{}/".format(number)
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}


def tokenizer(text: str, roles: List[str]) -> Callable[[List[str]], Arrays]:
    """Return a function from [text] or [first text, second text] to the arrays of some roles.

    The tokenizer's JSON says how to clean, pair, truncate and pad; that the rows then have the
    length of the signature is checked with every other property of the inputs.
    """
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - few boards need it
    except ImportError as error:
        raise Refusal("no-tokenizers", str(error)) from None
    try:
        words = Tokenizer.from_str(text)
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception
        raise Refusal("tokenizer", str(error)) from None

    def encode(pair: List[str]) -> Arrays:
        encoded = words.encode(pair[0], pair[1] if len(pair) > 1 else None)
        rows = {IDS: encoded.ids, MASK: encoded.attention_mask, SEGMENTS: encoded.type_ids}
        return {role: np.array([rows[role]], np.int32) for role in roles if role in rows}

    return encode


# -------------------------------------------------------------------------------------------- main


def failure(kind: str, message: str) -> Reply:
    """Return an error answer."""
    return {"error": {"kind": kind, "message": message}}, {}


def respond(session: Session, header: Header, arrays: Arrays) -> Reply:
    """Run one operation; what it raises becomes an error answer, so that the runner lives on."""
    operation = session.operations.get(str(header.get("op")))
    if operation is None:
        return failure("unknown-operation", repr(header.get("op")))
    try:
        return operation(header, arrays)
    except Refusal as refusal:
        return failure(refusal.kind, str(refusal))
    except MemoryError as error:
        return failure("memory", str(error) or "out of memory")
    except KeyError as error:
        return failure("bad-request", "the key {} is missing or unknown".format(error))
    except Exception as error:  # noqa: BLE001 - the client decides; a dead runner tells nobody
        return failure("internal", repr(error))


def protocol_streams() -> Tuple[IO[bytes], IO[bytes]]:
    """Take stdin and stdout for the protocol, and leave nothing there for others.

    Native libraries print to descriptor 1: from here on that is stderr.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def main() -> int:
    """Serve the client on stdin and stdout until it closes; the exit status."""
    parser = argparse.ArgumentParser(description="Answer FlatBuffers over stdin and stdout.")
    parser.add_argument("--runtime", help="one of RUNTIMES; default: the first installed")
    parser.add_argument("--audit", action="store_true", help="record network, processes, writes")
    options = parser.parse_args()
    # This file's neighbors must never be imported in place of an installed module.
    here = Path(__file__).resolve().parent
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != here]
    requests, answers = protocol_streams()
    session = Session(options.runtime, Audit() if options.audit else None)
    while True:
        try:
            message = read_message(requests)
        except FramingError as error:
            write_message(answers, *failure("framing", str(error)))
            return 2
        if message is None:
            return 0
        with ending_after(message[0].get("seconds")):
            write_message(answers, *respond(session, *message))
        if message[0].get("op") == "close":
            return 0


if __name__ == "__main__":
    sys.exit(main())
