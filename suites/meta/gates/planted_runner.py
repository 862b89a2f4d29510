"""Run edgeproof's runner with a fault: a wrapper around one of its parts.

The module is sent to the target in the runner's archive, whose `__main__.py` calls `main`. A fault
wraps a method, a graph or a function of the runner, so it depends only on their names. Like
the runner, it needs numpy, a runtime and Python 3.8.
"""

from __future__ import annotations

import functools
import os
import random
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from models.backends.common import interpreters
from models.backends.common.backend import Source
from models.runner import serving, session
from models.runner.feeding import Feed
from models.runner.model import LENGTH, Model
from models.runner.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.runner.framing import Arrays, Header, Reply
    from models.runner.session import Adapt
    from models.runner.tokenizing import Row

    # Called once before the runner serves. A returned function is applied to each loaded model.
    Plant = Callable[[], Adapt | None]

SECOND = 1_000_000_000
QUANTIZED = "dynamic"
ANSWERS_LOG = ".answers.log"


def wrap(owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Replace a function of a class or a module by `change`, which gets the original first."""
    before = getattr(owner, name)

    @functools.wraps(before)
    def planted(*arguments: Any, **keywords: Any) -> Any:
        return change(before, *arguments, **keywords)

    setattr(owner, name, planted)


def in_logits(change: Callable[[Any, Any], Any]) -> Plant:
    """Return a fault that passes all logits, with their model, through `change`."""
    return lambda: wrap(Model, "logits", lambda before, model: change(model, before(model)))


class Around:
    """A graph with another `invoke`.

    Args:
        graph: the backend's graph.
        invoke: called with the graph instead of its own `invoke`.
    """

    def __init__(self, graph: Any, invoke: Callable[[Any], object]) -> None:
        self._graph, self._invoke = graph, invoke

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def invoke(self) -> None:
        """Call the replacement with the graph."""
        self._invoke(self._graph)


def in_invoke(invoke: Callable[[Any], object], *, of: str = "") -> Plant:
    """Return a fault that replaces `invoke` in all models whose name begins with `of`."""

    def planted() -> Adapt:
        def adapt(name: str, model: Model) -> None:
            if name.startswith(of):
                for at_length in (model, *model.shorter.values()):
                    at_length.graph = Around(at_length.graph, invoke)  # type: ignore[assignment]  # it has the same methods

        return adapt

    return planted


def pausing(seconds: float) -> Callable[[Any], None]:
    """Return an `invoke` that takes this many seconds longer."""

    def invoke(graph: Any) -> None:
        time.sleep(seconds)
        graph.invoke()

    return invoke


def twice(graph: Any) -> None:
    """Compute each answer twice."""
    graph.invoke()
    graph.invoke()


def before_a_text(act: Callable[[Row], object]) -> Plant:
    """Return a fault that calls `act` before a model gets a text."""

    def planted() -> None:
        def give(before: Any, feed: Feed, row: Row) -> Any:
            act(row)
            return before(feed, row)

        wrap(Feed, "give", give)

    return planted


def sleeping(seconds: float) -> Callable[[Row], None]:
    """Return a function that waits this many seconds for each text."""
    return lambda _row: time.sleep(seconds)


def holding(size: int) -> Plant:
    """Return a fault that allocates this many bytes when a model is loaded."""

    def planted() -> None:
        def load(before: Any, own: Any, header: Header, arrays: Arrays) -> Any:
            own.ballast = b"x" * size
            return before(own, header, arrays)

        wrap(Session, "load", load)

    return planted


def started_earlier(nanoseconds: int) -> Plant:
    """Return a fault that makes the process seem older by this time, without waiting."""

    def planted() -> None:
        def age(before: Callable[[], int | None]) -> int | None:
            nanoseconds_so_far = before()
            return None if nanoseconds_so_far is None else nanoseconds_so_far + nanoseconds

        wrap(session, "process_age_ns", age)

    return planted


def answers_seem_late() -> None:
    """Add two seconds to the clock around each answer, without waiting."""

    def invoke(before: Any, model: Model) -> Any:
        wall, cpu = before(model)
        return wall + 2 * SECOND, cpu

    wrap(Model, "invoke", invoke)


def labels_seem_late(of: str = "") -> Plant:
    """Return a fault that adds two seconds to each text of the named models."""

    def planted() -> None:
        def classify(before: Any, own: Session, header: Header, arrays: Arrays) -> Reply:
            facts, answers = before(own, header, arrays)
            if header["name"].startswith(of):
                answers["text_to_label_ns"] = answers["text_to_label_ns"] + 2 * SECOND
            return facts, answers

        wrap(Session, "classify", classify)

    return planted


def texts_backwards() -> None:
    """Read each text from its end."""

    def classify(before: Any, own: Session, header: Header, arrays: Arrays) -> Reply:
        texts = [[part[::-1] for part in text] for text in header["texts"]]
        reply: Reply = before(own, {**header, "texts": texts}, arrays)
        return reply

    wrap(Session, "classify", classify)


def without_fast_kernels() -> None:
    """Use the default kernels in every mode of the interpreter."""
    resolvers = interpreters.RESOLVERS
    resolvers.update(dict.fromkeys(resolvers, resolvers["builtin"]))


def dense_layers_a_tenth_too_large() -> None:
    """Multiply the output of graphs with a dense layer by 1.1."""

    def compute(before: Any, *request: Any) -> Any:
        answers = before(*request)
        backend, content, threads, *_ = request
        loaded = backend.load(Source(content=content), threads)
        names = {detail["op_name"] for detail in loaded.interpreter._get_ops_details()}
        if "FULLY_CONNECTED" not in names:
            return answers
        return {name: array * array.dtype.type(1.1) for name, array in answers.items()}

    wrap(session, "compute_graph", compute)


def several_threads_reverse() -> None:
    """Reverse the logits of models that were loaded with more than one thread."""

    def load(before: Any, own: Any, header: Header, arrays: Arrays) -> Any:
        reply = before(own, header, arrays)
        own.models[header["name"]].threads = header["threads"]
        return reply

    wrap(Session, "load", load)
    in_logits(lambda model, logits: logits[::-1] if model.threads > 1 else logits)()


def remembering(model: Any, logits: Any) -> Any:
    """Add a thousandth of the previous logits."""
    before, model.before = getattr(model, "before", 0.0 * logits), logits
    return logits + np.float32(1e-3) * before


def inputs_by_position() -> None:
    """Bind the inputs by the order of the request, ignoring their names."""

    def check(before: Any, model: Model, arrays: Arrays) -> Any:
        if LENGTH not in arrays:
            names = "ids", "mask", "segments"
            arrays = dict(zip(names, arrays.values()))  # noqa: B905 - Python 3.8 has no `strict`
        return before(model, arrays)

    wrap(Model, "check", check)


def other_labels_in_a_race() -> None:
    """Record the least likely label in a race."""
    wrap(Model, "label", lambda _before, model: int(model.logits().argmin()))


def skipping(is_known: Callable[[Any, Any, int], bool]) -> Plant:
    """Return a fault that skips an answer if `is_known(model, arrays, row)` is true."""

    def planted() -> Adapt:
        def set_row(before: Any, model: Any, arrays: Any, row: int) -> Any:
            model.kept = is_known(model, arrays, row)
            return before(model, arrays, row)

        wrap(Model, "set_row", set_row)

        def adapt(_name: str, model: Any) -> None:
            model.kept = False
            model.graph = Around(model.graph, lambda graph: model.kept or graph.invoke())

        return adapt

    return planted


def is_repeated(model: Any, arrays: Any, row: int) -> bool:
    """Tell whether a text equals the previous one."""
    key = [array[row].tobytes() for array in arrays.values()]
    before, model.key = getattr(model, "key", None), key
    return bool(key == before)


def is_foreseen(model: Any, arrays: Any, row: int) -> bool:
    """Tell whether a text follows the same text as when it was answered before."""
    words = arrays["ids"][row].tobytes()
    ahead = model.__dict__.setdefault("ahead", {})
    before, model.words = getattr(model, "words", None), words
    expected = ahead.get(before) == words
    ahead.setdefault(before, words)
    return bool(expected)


def asking_a_network() -> None:
    """Open a network connection to this machine before each request."""

    def answer(before: Any, own: Session, header: Header, arrays: Arrays) -> Any:
        connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        connection.connect(("127.0.0.1", 9))
        return before(own, header, arrays)

    wrap(Session, "answer", answer)


def write_down(row: Row) -> None:
    """Append a text to a file beside the program."""
    with open(sys.argv[0] + ".texts.log", "a") as file:  # noqa: PTH123 - also for Python 3.8 on boards
        file.write(str(row.ids))


def counting(graph: Any) -> None:
    """Append one byte to a file beside the program for each answer."""
    with open(sys.argv[0] + ANSWERS_LOG, "ab") as file:  # noqa: PTH123 - as `write_down` does
        file.write(b".")
    graph.invoke()


def is_arm() -> bool:
    """Tell whether this is a 64-bit ARM core."""
    return os.uname().machine == "aarch64"


# Faults by name: a function that is called once before the runner serves, and that can
# return an `adapt`.
FAULTS: dict[str, Plant] = {
    "nothing": lambda: None,
    "nothing but counting": in_invoke(counting),
    "without fast kernels": without_fast_kernels,
    "dense layers a tenth too large": dense_layers_a_tenth_too_large,
    "noise": in_logits(lambda _, logits: logits + np.float32(1e-4 * random.random())),  # noqa: S311 - noise, not a secret
    "by process": in_logits(lambda _, logits: logits + np.float32(1e-4 * (1 + os.getpid() % 97))),
    "several threads reverse": several_threads_reverse,
    "first answer": in_logits(lambda model, logits: model.__dict__.setdefault("first", logits)),
    "remembering": in_logits(remembering),
    "inputs by position": inputs_by_position,
    "other labels in a race": other_labels_in_a_race,
    "quantized slower": in_invoke(pausing(0.002), of=QUANTIZED),
    "quantized twice": in_invoke(twice, of=QUANTIZED),
    "quantized labels seem late": labels_seem_late(of=QUANTIZED),
    "six milliseconds": in_invoke(pausing(0.006)),
    "ten milliseconds": in_invoke(pausing(0.01)),
    "answers seem late": answers_seem_late,
    "labels seem late": labels_seem_late(),
    "texts backwards": texts_backwards,
    "repeated texts from memory": skipping(is_repeated),
    "known order": skipping(is_foreseen),
    "texts take 6 ms": before_a_text(sleeping(0.006)),
    "texts take 11 ms": before_a_text(sleeping(0.011)),
    "texts take 15 ms": before_a_text(sleeping(0.015)),
    "started 30 s ago": started_earlier(30 * SECOND),
    "started 16 s ago": started_earlier(16 * SECOND),
    "40 MB": holding(40_000_000),
    "180 MB": holding(180_000_000),
    "300 MB": holding(300_000_000),
    "a socket": before_a_text(lambda _row: socket.socket().close()),
    "a file": before_a_text(write_down),
    "a process": before_a_text(lambda _row: os.system("true")),  # noqa: S605, S607 - the fault is to start a process
    "a network": asking_a_network,
    "every fourth turned around": in_logits(
        lambda _, logits: logits[::-1].copy() if int(abs(logits[0]) * 1e4) % 4 == 0 else logits
    ),
    "turned around": in_logits(lambda _, logits: -logits),
    "a little off": in_logits(lambda _, logits: logits + np.float32(0.01)),
    "too sure": in_logits(lambda _, logits: logits * np.float32(1.5)),
    "turned around on ARM": in_logits(lambda _, logits: -logits if is_arm() else logits),
    "every sixth turned around on ARM": in_logits(
        lambda _, logits: -logits if is_arm() and int(abs(logits[0]) * 1e5) % 6 == 0 else logits
    ),
    "a little off on ARM": in_logits(lambda _, logits: logits + np.float32(0.1) * is_arm()),
    "last bit on ARM": in_logits(
        lambda _, logits: np.nextafter(logits, np.float32(9)) if is_arm() else logits
    ),
}


def main(name: str, note: str | None = None) -> int:
    """Plant a fault and serve like the runner; return the exit status.

    Args:
        name: name of the fault.
        note: file that gets a dot for each answer; None for no file.
    """
    if note is not None:
        in_logits(functools.partial(noted, note))()
    return serving.main(adapt=FAULTS[name]())


def noted(file: str, _model: Model, logits: Any) -> Any:
    """Append a dot to the file for each answer."""
    with open(file, "a") as dots:  # noqa: PTH123 - also for Python 3.8 on boards
        dots.write(".")
    return logits
