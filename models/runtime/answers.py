"""Define a runner's replies as frozen values with units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from msgspec import Meta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Limits for the values in a runner's replies, because the board may not be trustworthy.
Said = Annotated[str, Meta(max_length=1000)]
Count = Annotated[int, Meta(ge=0, lt=2**62)]
Size = Annotated[int, Meta(ge=-1, lt=2**31)]
Process = Annotated[int, Meta(ge=1, lt=2**31)]
Cores = Annotated[int, Meta(ge=1, le=65536)]
Bits = Annotated[int, Meta(ge=32, le=64, multiple_of=32)]


@dataclass(frozen=True, slots=True)
class Processor:
    """The model and the features of a processor, as reported by the device."""

    model: Said
    features: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerInfo:
    """The description of a runner.

    `bits` is the size of a pointer, and `cores` the number of cores that the process may use.
    `age_ns` is the time from the start of the process until its runtime was imported (to the
    precision of the kernel's clock tick, mostly 10 ms), None if unknown.
    """

    protocol: int
    python: Said
    machine: Said
    bits: Bits
    backend: Said
    runtime: Said
    runtime_version: Said
    numpy: Said
    cores: Cores
    processor: Processor
    pid: Process
    age_ns: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureTensor:
    """An input or output of the loaded file; `scales` is empty if the tensor is not quantized."""

    name: Said
    dtype: Said
    shape: tuple[Count, ...]
    shape_signature: tuple[Size, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """How many of a file's operators an accelerator runs, and in how many partitions.

    `left` names the kinds of operators that it does not run, with the reason if the backend reports
    one; `by` is the name of the accelerator, as it reports it.
    """

    nodes: Count
    delegated: Count
    partitions: Count
    left: tuple[Said, ...] = ()
    by: Said = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A FlatBuffer that the runner has loaded.

    `size` is in bytes, `load_ns` excludes reading the file, and `lengths` are the accepted row
    lengths in tokens, ascending.
    """

    name: str
    inputs: tuple[SignatureTensor, ...]
    output: SignatureTensor
    lengths: tuple[Count, ...]
    sha256: str
    size: Count
    load_ns: Count
    delegation: Delegation | None
    age_ns: Count | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """A model's answers to n texts.

    `logits` is [n, C]; `invoke_ns` [n] is the wall-clock time of `invoke()` on the device, and
    `cpu_ns` [n] the CPU time of the same call in all threads; `age_ns` is the age of the runner's
    process when the first answer to this request was ready.
    """

    logits: NDArray[np.float32]
    invoke_ns: NDArray[np.int64]
    cpu_ns: NDArray[np.int64]
    nan_count: int
    inf_count: int
    age_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Race:
    """The result of a race: interleaved rounds of several models.

    `invoke_ns` and `cpu_ns` are [rounds] by model; `predictions` are the predicted labels [rounds]
    by model, and `logits` the logits [rounds, C] by model; `rows` [rounds] is the position of each
    round's text.
    """

    invoke_ns: dict[str, NDArray[np.int64]]
    cpu_ns: dict[str, NDArray[np.int64]]
    predictions: dict[str, NDArray[np.int32]]
    logits: dict[str, NDArray[np.float32]]
    rows: NDArray[np.int32]

    @classmethod
    def joined(cls, parts: Sequence[Race]) -> Race:
        """Join races of the same models into one with all their rounds."""
        arrays: dict[str, dict[str, NDArray[Any]]] = {
            field: {
                name: np.concatenate([getattr(part, field)[name] for part in parts])
                for name in parts[0].invoke_ns
            }
            for field in ("invoke_ns", "cpu_ns", "predictions", "logits")
        }
        return cls(**arrays, rows=np.concatenate([part.rows for part in parts]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classified:
    """Labels of n texts; `text_to_label_ns` [n] includes cleaning, tokenization and checks.

    `lengths` [n] is the length of each text's row in tokens, including padding.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int32]
    lengths: NDArray[np.int32]
    text_to_label_ns: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Classified]) -> Classified:
        """Join the labels of one or more requests, in their order."""
        fields = ("logits", "labels", "lengths", "text_to_label_ns")
        arrays = {
            field: np.concatenate([getattr(part, field) for part in parts]) for field in fields
        }
        return cls(**arrays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Memory (bytes), CPU time and age (nanoseconds) of the runner's process.

    `baseline_rss_bytes` is its memory after the import of the runtime, before any file was loaded.
    """

    peak_rss_bytes: Count
    rss_bytes: Count
    baseline_rss_bytes: Count
    cpu_ns: Count
    age_ns: Count | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """A record of the audit hook: Python's event name and its arguments, shortened."""

    event: Said
    arguments: Said
