"""Check the type and size of a runner's replies, which may come from an untrusted board."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec
import numpy as np

from models.runtime.answers import (
    Answers,
    AuditEvent,
    Classified,
    Count,
    LoadedModel,
    Race,
    RunnerInfo,
    Said,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Header = dict[str, Any]
    Arrays = dict[str, NDArray[Any]]

T = TypeVar("T")
# Minimum number of labels: even an output of a single number distinguishes two labels.
_FEWEST_LABELS = 2


class WrongReplyError(Exception):
    """A reply that does not fit its request; the message says why."""


class Fault(msgspec.Struct, frozen=True):
    """The reason of a refusal: a kind for programs, and a message for people."""

    kind: Said
    message: str


def fault_in(header: Header) -> Fault | None:
    """Return why the runner refused the request; None if it did not refuse."""
    return _typed(header["error"], Fault) if "error" in header else None


def info_in(header: Header, arrays: Arrays) -> RunnerInfo:
    """Parse the reply that describes a runner."""
    _require_arrays(arrays)
    return _typed(header, RunnerInfo)


def model_of(loaded: Mapping[str, LoadedModel], name: str) -> LoadedModel:
    """Return the runner's description of a model, which it sent when it loaded the model."""
    if name not in loaded:
        _refuse(f"the model {name!r} was never loaded")
    return loaded[name]


def loaded_in(header: Header, arrays: Arrays, name: str) -> LoadedModel:
    """Parse the runner's description of the file that was loaded as `name`."""
    _require_arrays(arrays)
    loaded = _typed({**header, "name": name}, LoadedModel)
    for tensor in (*loaded.inputs, loaded.output):
        if not all(map(math.isfinite, tensor.scales)):
            _refuse(f"a scale of {tensor.name!r} is not finite")
    return loaded


def answers_in(header: Header, arrays: Arrays, rows: int, model: LoadedModel) -> Answers:
    """Parse the reply with a model's answers to a number of rows."""
    _require_arrays(arrays, "logits", "invoke_ns", "cpu_ns")
    logits = _array(arrays, "logits", np.float32, (rows, classes_of(model)))
    counts = {
        "nan_count": int(np.isnan(logits).sum()),
        "inf_count": int(np.isinf(logits).sum()),
    }
    counted = {name: header.get(name) for name in counts}
    if counted != counts:
        _refuse(f"it says that the logits contain {counted}, but they contain {counts}")
    return Answers(
        logits=logits,
        invoke_ns=_times(arrays, "invoke_ns", (rows,)),
        cpu_ns=_times(arrays, "cpu_ns", (rows,)),
        age_ns=_typed(header, _Age).age_ns,
        **counts,
    )


def race_in(arrays: Arrays, texts: int, rounds: int, models: Mapping[str, LoadedModel]) -> Race:
    """Parse the reply to a race, with a number of rounds and a number of texts."""
    logits = {name: f"{number}/logits" for number, name in enumerate(models)}
    _require_arrays(arrays, "ns", "cpu_ns", "predictions", "rows", *logits.values())
    shape = len(models), rounds
    wall, cpu = (_times(arrays, name, shape) for name in ("ns", "cpu_ns"))
    predictions = _array(arrays, "predictions", np.int32, shape)
    for labels, model in zip(predictions, models.values(), strict=True):
        _within(labels, "a prediction", _labels_of(model))
    rows = _array(arrays, "rows", np.int32, (rounds,))
    _within(rows, "a row", texts)

    def by_name(values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return dict(zip(models, values, strict=True))

    return Race(
        invoke_ns=by_name(wall),
        cpu_ns=by_name(cpu),
        predictions=by_name(predictions),
        logits={
            name: _array(arrays, logits[name], np.float32, (rounds, classes_of(model)))
            for name, model in models.items()
        },
        rows=rows,
    )


def classified_in(arrays: Arrays, texts: int, model: LoadedModel) -> Classified:
    """Parse the reply with a model's labels for a number of texts."""
    _require_arrays(arrays, "logits", "labels", "lengths", "text_to_label_ns")
    labels = _array(arrays, "labels", np.int32, (texts,))
    _within(labels, "a label", _labels_of(model))
    lengths = _array(arrays, "lengths", np.int32, (texts,))
    unknown = lengths[~np.isin(lengths, model.lengths)]
    if unknown.size:
        _refuse(f"a text has the length {int(unknown[0])}, which is not one of {model.lengths}")
    return Classified(
        logits=_array(arrays, "logits", np.float32, (texts, classes_of(model))),
        labels=labels,
        lengths=lengths,
        text_to_label_ns=_times(arrays, "text_to_label_ns", (texts,)),
    )


def computed_in(_header: Header, arrays: Arrays, runs: int) -> tuple[tuple[NDArray[Any], ...], ...]:
    """Parse the reply with a graph's outputs for several runs, the same number for each run."""
    outputs = len(arrays) // runs
    names = [[f"{run}/{place}" for place in range(outputs)] for run in range(runs)]
    _require_arrays(arrays, *(name for names_of_run in names for name in names_of_run))
    return tuple(tuple(arrays[name] for name in names_of_run) for names_of_run in names)


def usage_in(header: Header, arrays: Arrays) -> Usage:
    """Parse the reply with memory, CPU time and age of a runner."""
    _require_arrays(arrays)
    return _typed(header, Usage)


def audit_in(header: Header, arrays: Arrays) -> tuple[AuditEvent, ...]:
    """Parse the reply with the records of an audit."""
    _require_arrays(arrays)
    return _typed(header, _Audit).events


def rows_in(inputs: Mapping[str, NDArray[Any]]) -> int:
    """Return the number of rows of the inputs; the runner refuses inputs with different numbers."""
    return next((len(array) for array in inputs.values() if array.ndim), 0)


def classes_of(model: LoadedModel) -> int:
    """Return how many logits a loaded model gives for one text."""
    return math.prod(model.output.shape)


class _Age(msgspec.Struct, frozen=True):
    age_ns: Count | None


class _Audit(msgspec.Struct, frozen=True):
    events: tuple[AuditEvent, ...]


def _labels_of(model: LoadedModel) -> int:
    return max(classes_of(model), _FEWEST_LABELS)


def _typed(value: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise WrongReplyError(str(error)) from None


def _require_arrays(arrays: Arrays, *names: str) -> None:
    if arrays.keys() != set(names):
        _refuse(f"it contains the arrays {sorted(arrays)}, not {sorted(names)}")


def _array(arrays: Arrays, name: str, dtype: type[Any], shape: Sequence[int]) -> NDArray[Any]:
    array = arrays[name]
    if array.dtype != np.dtype(dtype) or array.shape != tuple(shape):
        actual, expected = (array.dtype, list(array.shape)), (np.dtype(dtype), list(shape))
        _refuse(f"{name} is {actual[0]} {actual[1]}, not {expected[0]} {expected[1]}")
    return array


def _times(arrays: Arrays, name: str, shape: Sequence[int]) -> NDArray[np.int64]:
    times = _array(arrays, name, np.int64, shape)
    if times.size and int(times.min()) < 0:
        _refuse(f"{name} holds {int(times.min())} ns")
    return times


def _within(values: NDArray[Any], name: str, limit: int) -> None:
    outside = values[(values < 0) | (values >= limit)]
    if outside.size:
        _refuse(f"{name} is {int(outside[0])}, not one of 0 to {limit - 1}")


def _refuse(problem: str) -> NoReturn:
    raise WrongReplyError(problem)
