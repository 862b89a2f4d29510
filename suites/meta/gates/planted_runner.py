"""A runner with a fault: edgeproof's own, with something wrapped around one of its parts.

Sent to the target as a module of the runner's archive, whose `__main__.py` calls `main`. A fault
wraps a method, a graph or a function of the runner: its text may change as long as these stay. Like
the runner it needs numpy and one runtime, and Python 3.8.
"""

from __future__ import annotations

import functools
import os
import random
import socket
import sys
import time

import numpy as np

from models.backends.common import interpreters
from models.backends.common.backend import Source
from models.runner import serving, session
from models.runner.feeding import Feed
from models.runner.model import LENGTH, Model
from models.runner.session import Session

SECOND = 1_000_000_000
QUANTIZED = "dynamic"


def wrap(owner, name, change):
    """Replace a function of a class or a module by `change`, which gets the original first."""
    before = getattr(owner, name)

    @functools.wraps(before)
    def planted(*arguments, **named):
        return change(before, *arguments, **named)

    setattr(owner, name, planted)


def in_logits(change):
    """Return a fault that passes all logits through `change`, which gets the model, too."""
    return lambda: wrap(Model, "logits", lambda before, model: change(model, before(model)))


class Around:
    """A graph with another `invoke`.

    Args:
        graph: the backend's.
        invoke: is called in place of its own, with the graph.
    """

    def __init__(self, graph, invoke):
        self._graph, self._invoke = graph, invoke

    def __getattr__(self, name):
        return getattr(self._graph, name)

    def invoke(self):
        """Answer, or do whatever the fault does."""
        self._invoke(self._graph)


def in_invoke(invoke, *, of=""):
    """Return a fault in the graphs of all models whose name begins with `of`."""

    def planted():
        def adapt(name, model):
            if name.startswith(of):
                for one in (model, *model.shorter.values()):
                    one.graph = Around(one.graph, invoke)

        return adapt

    return planted


def pausing(seconds):
    """Return an `invoke` that takes so many seconds longer."""

    def invoke(graph):
        time.sleep(seconds)
        graph.invoke()

    return invoke


def twice(graph):
    """Compute each answer two times."""
    graph.invoke()
    graph.invoke()


def before_a_text(act):
    """Return a fault that does something whenever a text is given to a model."""

    def planted():
        def give(before, feed, row):
            act(row)
            return before(feed, row)

        wrap(Feed, "give", give)

    return planted


def sleeping(seconds):
    """Return what takes so many seconds for each text."""
    return lambda _row: time.sleep(seconds)


def holding(size):
    """Return a fault that holds so many bytes once a model is loaded."""

    def planted():
        def load(before, own, header, arrays):
            own.ballast = b"x" * size
            return before(own, header, arrays)

        wrap(Session, "load", load)

    return planted


def started_earlier(nanoseconds):
    """Return a fault by which the process seems to be so much older: nobody has to wait for it."""

    def planted():
        def age(before):
            known = before()
            return None if known is None else known + nanoseconds

        wrap(session, "process_age_ns", age)

    return planted


def answers_seem_late():
    """Add two seconds to the clock around each answer: nobody has to wait for them."""

    def invoke(before, model):
        wall, cpu = before(model)
        return wall + 2 * SECOND, cpu

    wrap(Model, "invoke", invoke)


def labels_seem_late(of=""):
    """Return a fault that adds two seconds to each text of the models named so."""

    def planted():
        def classify(before, own, header, arrays):
            facts, answers = before(own, header, arrays)
            if header["name"].startswith(of):
                answers["text_to_label_ns"] = answers["text_to_label_ns"] + 2 * SECOND
            return facts, answers

        wrap(Session, "classify", classify)

    return planted


def without_fast_kernels():
    """Let each mode of the interpreter take the built-in kernels."""
    known = interpreters.RESOLVERS
    known.update(dict.fromkeys(known, known["builtin"]))


def dense_layers_a_tenth_too_large():
    """Multiply what a graph with a dense layer computes by 1.1."""

    def compute(before, *request):
        answers = before(*request)
        backend, content, threads, *_ = request
        loaded = backend.load(Source(content=content), threads)
        names = {one["op_name"] for one in loaded.interpreter._get_ops_details()}
        if "FULLY_CONNECTED" not in names:
            return answers
        return {name: array * array.dtype.type(1.1) for name, array in answers.items()}

    wrap(session, "compute_graph", compute)


def several_threads_reverse():
    """Reverse the logits of models that were loaded with more than one thread."""

    def load(before, own, header, arrays):
        reply = before(own, header, arrays)
        own.models[header["name"]].threads = header["threads"]
        return reply

    wrap(Session, "load", load)
    in_logits(lambda model, logits: logits[::-1] if model.threads > 1 else logits)()


def remembering(model, logits):
    """Add a trace of the answer before."""
    before, model.before = getattr(model, "before", 0.0 * logits), logits
    return logits + np.float32(1e-3) * before


def inputs_by_position():
    """Take the inputs in the order of the request, whatever their names."""

    def check(before, model, arrays):
        if LENGTH not in arrays:
            names = "ids", "mask", "segments"
            arrays = dict(zip(names, arrays.values()))  # noqa: B905 - Python 3.8 knows no `strict`
        return before(model, arrays)

    wrap(Model, "check", check)


def other_labels_in_a_race():
    """Record the least likely label in a race."""
    wrap(Model, "label", lambda _before, model: int(model.logits().argmin()))


def skipping(is_known):
    """Return a fault that leaves an answer out where `is_known(model, arrays, row)` says so."""

    def planted():
        def set_row(before, model, arrays, row):
            model.kept = is_known(model, arrays, row)
            return before(model, arrays, row)

        wrap(Model, "set_row", set_row)

        def adapt(_name, model):
            model.kept = False
            model.graph = Around(model.graph, lambda graph: model.kept or graph.invoke())

        return adapt

    return planted


def is_repeated(model, arrays, row):
    """Tell whether a text is the one before it."""
    key = [array[row].tobytes() for array in arrays.values()]
    before, model.key = getattr(model, "key", None), key
    return key == before


def is_foreseen(model, arrays, row):
    """Tell whether a text follows the one before it as it has followed it before."""
    words = arrays["ids"][row].tobytes()
    ahead = model.__dict__.setdefault("ahead", {})
    before, model.words = getattr(model, "words", None), words
    known = ahead.get(before) == words
    ahead.setdefault(before, words)
    return known


def asking_a_network():
    """Ask this machine before each request for answers."""

    def answer(before, own, header, arrays):
        asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asked.connect(("127.0.0.1", 9))
        return before(own, header, arrays)

    wrap(Session, "answer", answer)


def write_down(row):
    """Append a text to a file beside the program."""
    with open(sys.argv[0] + ".texts.log", "a") as file:  # noqa: PTH123 - as a spy would do it
        file.write(str(row.ids))


def is_arm():
    """Tell whether this is a 64-bit ARM core."""
    return os.uname().machine == "aarch64"


# Each fault by its name: called once before the runner serves, it may return an `adapt`.
FAULTS = {
    "nothing": lambda: None,
    "without fast kernels": without_fast_kernels,
    "dense layers a tenth too large": dense_layers_a_tenth_too_large,
    "noise": in_logits(lambda _, logits: logits + np.float32(1e-4 * random.random())),  # noqa: S311
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
    "a process": before_a_text(lambda _row: os.system("true")),  # noqa: S605, S607 - as a spy does
    "a network": asking_a_network,
    "every fourth turned around": in_logits(
        lambda _, logits: logits[::-1].copy() if int(abs(logits[0]) * 1e4) % 4 == 0 else logits
    ),
    "turned around": in_logits(lambda _, logits: -logits),
    "a little off": in_logits(lambda _, logits: logits + np.float32(0.01)),
    "too sure": in_logits(lambda _, logits: logits * np.float32(1.5)),
    "turned around on ARM": in_logits(lambda _, logits: -logits if is_arm() else logits),
    "a little off on ARM": in_logits(lambda _, logits: logits + np.float32(0.1) * is_arm()),
    "last bit on ARM": in_logits(
        lambda _, logits: np.nextafter(logits, np.float32(9)) if is_arm() else logits
    ),
}


def main(name, note=None):
    """Plant a fault, and serve as the runner does; return the exit status.

    Args:
        name: of the fault.
        note: a file to which a dot is appended for each answer; None for none.
    """
    if note is not None:
        in_logits(functools.partial(noted, note))()
    return serving.main(adapt=FAULTS[name]())


def noted(file, _model, logits):
    """Append a dot to a file for an answer."""
    with open(file, "a") as dots:  # noqa: PTH123 - as Python 3.8 does it
        dots.write(".")
    return logits
