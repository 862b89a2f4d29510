"""Define the operations that a client can request, and keep the client's loaded files."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import math
import os
import platform
import random
import struct
import time
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple

import numpy as np

from models.backends.common.backend import Backend, Source
from models.backends.common.refusals import Refusal
from models.backends.common.registry import find_backend, first_installed
from models.runner.binding import interpret
from models.runner.computing import compute_graph
from models.runner.feeding import Feed
from models.runner.files import check_file, file_facts
from models.runner.framing import MOST_ARRAYS, PROTOCOL, Arrays, Header, Reply
from models.runner.machine import (
    memory_bytes,
    most_threads,
    process_age_ns,
    processor,
    usable_cores,
)
from models.runner.model import LENGTH, Model, quiet_collector
from models.runner.tokenizing import tokenizer

if TYPE_CHECKING:
    from models.runner.auditing import Audit

MOST_ROUNDS = 1_000_000
Adapt = Callable[[str, Model], None]


class Session:
    """The loaded files of one client, and the operations on them.

    Args:
        backend: name of the backend; None for the first that is installed.
        audit: records network, processes and written files; None to record nothing.
        adapt: called with the name of each loaded model and the model, which it may change.
    """

    def __init__(
        self,
        backend: Optional[str],
        audit: Optional[Audit],
        adapt: Optional[Adapt] = None,
    ) -> None:
        self.adapt = adapt
        self.wanted = backend
        self.audit_log = audit
        self.backend: Optional[Backend] = None
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
            "compute": self.compute,
            "close": lambda _header, _arrays: ({}, {}),
        }

    def main_backend(self) -> Backend:
        """Return the requested backend, importing its runtime on the first call.

        Raises:
            Refusal: there is no such backend, or its runtime cannot be imported.
        """
        if self.backend is None:
            backend = find_backend(self.wanted) if self.wanted else first_installed()
            backend.imported()
            self.backend = backend
            self.baseline = memory_bytes()
            # Exclude the imported objects from garbage collection, so that the collections before
            # each measurement are faster.
            gc.freeze()
        return self.backend

    def backend_of(self, header: Header) -> Backend:
        """Return the backend of a request, or else the session's own.

        A process imports only one runtime, because the symbols of two would be mixed.

        Raises:
            Refusal: there is no such backend, or it needs another runtime.
        """
        own, name = self.main_backend(), header.get("backend")
        if name is None or name == own.name:
            return own
        backend = find_backend(str(name))
        if backend.runtime != own.runtime:
            message = "{} needs {}, but this runner has {}"
            raise Refusal("no-backend", message.format(name, backend.runtime, own.runtime))
        backend.imported()
        return backend

    def hello(self, _header: Header, _arrays: Arrays) -> Reply:
        """Return the versions of the runner's software, its machine and its processor."""
        backend = self.main_backend()
        facts = {
            "protocol": PROTOCOL,
            "python": platform.python_version(),
            # platform.machine() would start a process in Python 3.8.
            "machine": os.uname().machine,
            # Reported separately, because a 64-bit kernel may run a 32-bit system.
            "bits": 8 * struct.calcsize("P"),
            "backend": backend.name,
            "runtime": backend.runtime,
            "runtime_version": backend.version(),
            "numpy": np.__version__,
            "cores": usable_cores(),
            "processor": processor(),
            "pid": os.getpid(),
            "age_ns": process_age_ns(),
        }
        return facts, {}

    def load(self, header: Header, arrays: Arrays) -> Reply:
        """Load a FlatBuffer from "path" on this device, or from the array "content"."""
        backend = self.backend_of(header)
        source, digest, size = self._source(header, arrays)
        if header["sha256"] not in {None, digest}:
            message = "the file's sha256 is {}, but {} was expected"
            raise Refusal("hash", message.format(digest, header["sha256"]))
        bounded(header, "threads", 1, most_threads(usable_cores()))
        self.models.pop(header["name"], None)
        start = time.perf_counter_ns()
        model = interpret(backend, source, header)
        load_ns = time.perf_counter_ns() - start
        if self.adapt is not None:
            self.adapt(header["name"], model)
        self.models[header["name"]] = model
        delegated = model.loaded.delegated_operators()
        facts = {
            "inputs": [tensor.facts() for tensor in model.inputs],
            "output": model.output.facts(),
            "lengths": model.lengths(),
            "sha256": digest,
            "size": size,
            "load_ns": load_ns,
            "delegation": None if delegated is None else dataclasses.asdict(delegated),
            "age_ns": process_age_ns(),
        }
        return facts, {}

    @staticmethod
    def _source(header: Header, arrays: Arrays) -> Tuple[Source, str, int]:
        if "content" in arrays:
            content = arrays["content"].tobytes()
            check_file(content[:8], len(content))
            return Source(content=content), hashlib.sha256(content).hexdigest(), len(content)
        digest, size = file_facts(header["path"])
        return Source(path=header["path"]), digest, size

    def _model(self, name: str) -> Model:
        if name not in self.models:
            message = "no model is loaded as {!r}; the loaded models are {}"
            raise Refusal("unknown-model", message.format(name, sorted(self.models)))
        return self.models[name]

    def answer(self, header: Header, arrays: Arrays) -> Reply:
        """Classify n rows; return logits float32 [n, C], invoke_ns and cpu_ns int64 [n]."""
        model = self._model(header["name"])
        count, rows = model.check(arrays)
        times: List[Tuple[int, int]] = []
        answers = np.zeros((count, math.prod(model.output.shape)), np.float32)
        first_age = None
        at_length, has_lengths = model, LENGTH in rows
        with quiet_collector():
            for row in range(count):
                if has_lengths:
                    at_length = model.of_row(rows, row)
                at_length.set_row(rows, row)
                times.append(at_length.invoke())
                answers[row] = at_length.logits()
                if row == 0:
                    first_age = process_age_ns()
        facts = {
            "nan_count": int(np.isnan(answers).sum()),
            "inf_count": int(np.isinf(answers).sum()),
            "age_ns": first_age,
        }
        wall, cpu = np.array(times, np.int64).reshape(count, 2).T
        return facts, {"logits": answers, "invoke_ns": wall, "cpu_ns": cpu}

    def race(self, header: Header, arrays: Arrays) -> Reply:
        """Time several models interleaved.

        Return ns, cpu_ns and predictions [models, rounds]; rows [rounds], the position of each
        round's text; and for the k-th model "k/logits" [rounds, C]. The inputs of the k-th model
        are named "k/role". In each round, every model classifies the next text. Rounds come in
        pairs, one with a random order of the models and one with the reverse order, so that drift
        and position affect all models equally.
        """
        names = header["names"]
        models = [self._model(name) for name in names]
        checked = [model.check(arrays_of(k, arrays)) for k, model in enumerate(models)]
        counts = sorted({count for count, _ in checked})
        if len(counts) != 1:
            raise Refusal("inputs", "the models have different numbers of rows: {}".format(counts))
        count, rounds = counts[0], bounded(header, "rounds", 1, MOST_ROUNDS)
        warmup = bounded(header, "warmup", 0, MOST_ROUNDS)
        if not count:
            raise Refusal("inputs", "a race needs at least one row")
        draw = random.Random(header["seed"])  # noqa: S311 - the order need not be unpredictable
        drawn = draw.sample(range(count), count)
        order = list(range(len(models)))
        wall, cpu = np.zeros((2, len(models), rounds), np.int64)
        predictions = np.zeros((len(models), rounds), np.int32)
        answers = [np.zeros((rounds, math.prod(each.output.shape)), np.float32) for each in models]
        with quiet_collector():
            for turn in range(-warmup, rounds):
                if turn % 2:
                    order.reverse()
                else:
                    draw.shuffle(order)
                for k in order:
                    rows, row = checked[k][1], drawn[turn % count]
                    at_length = models[k].of_row(rows, row)
                    at_length.set_row(rows, row)
                    times = at_length.invoke()
                    if turn >= 0:
                        wall[k, turn], cpu[k, turn] = times
                        predictions[k, turn] = at_length.label()
                        answers[k][turn] = at_length.logits()
        rows_asked = np.array([drawn[turn % count] for turn in range(rounds)], np.int32)
        return {"names": names}, {
            "ns": wall,
            "cpu_ns": cpu,
            "predictions": predictions,
            "rows": rows_asked,
            **{"{}/logits".format(k): logits for k, logits in enumerate(answers)},
        }

    def classify(self, header: Header, _arrays: Arrays) -> Reply:
        """Tokenize and classify texts; return logits [n, C], labels and text_to_label_ns [n].

        Each text is classified at the shortest of the file's lengths that its tokens fit; these
        lengths [n] are returned, too.
        """
        model = self._model(header["name"])
        words = tokenizer(header["tokenizer"])
        encode, feed = words.encode, Feed(model, words.padding)
        texts = header["texts"]
        times = np.zeros(len(texts), np.int64)
        labels, lengths = np.zeros((2, len(texts)), np.int32)
        answers = np.zeros((len(texts), math.prod(model.output.shape)), np.float32)
        with quiet_collector():
            for row, text in enumerate(texts):
                start = time.perf_counter_ns()
                at_length = feed.give(encode(text))
                at_length.run()
                logits = at_length.logits()
                answers[row], labels[row] = logits, at_length.label_of(logits)
                times[row] = time.perf_counter_ns() - start
                lengths[row] = at_length.length
        return {}, {
            "logits": answers,
            "labels": labels,
            "lengths": lengths,
            "text_to_label_ns": times,
        }

    def compute(self, header: Header, arrays: Arrays) -> Reply:
        """Run the graph in the array "content" without binding, "runs" times."""
        backend = self.backend_of(header)
        threads = bounded(header, "threads", 1, most_threads(usable_cores()))
        runs = bounded(header, "runs", 1, MOST_ARRAYS)
        content = arrays.pop("content").tobytes()
        check_file(content[:8], len(content))
        return {}, compute_graph(backend, content, threads, runs, arrays)

    def usage(self, _header: Header, _arrays: Arrays) -> Reply:
        """Return this process's memory in bytes, and its CPU time and age in nanoseconds."""
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
        """Return the records of the audit hook so far."""
        if self.audit_log is None:
            raise Refusal("no-audit", "the runner was started without --audit")
        return {"events": list(self.audit_log.events)}, {}


def bounded(header: Header, key: str, least: int, most: int) -> int:
    """Return a whole number of a request after checking its bounds.

    Raises:
        Refusal: the number is not from `least` to `most`.
    """
    number = header[key]
    if type(number) is not int or not least <= number <= most:
        message = "{} is {:.100}, but must be a whole number from {} to {}"
        raise Refusal("bad-request", message.format(key, repr(number), least, most))
    return number


def arrays_of(number: int, arrays: Arrays) -> Arrays:
    """Return one model's arrays by role; they are named "NUMBER/ROLE"."""
    start = "{}/".format(number)
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
