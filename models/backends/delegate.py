"""Run files with an external delegate: a shared library such as Coral's or Arm NN's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Mapping, Optional, Tuple

from models.backends.common.interpreters import (
    RESOLVERS,
    InterpreterBackend,
    LoadedInterpreter,
)
from models.backends.common.refusals import Refusal, one_line

if TYPE_CHECKING:
    from models.backends.common.backend import Backend, Source

_STARTS = "delegate="
# edgeproof's own keys, which are not options of the library: the package with the interpreter that
# loads the library, and the kernels for operators that the library does not support.
_RUNTIME, _REST = "runtime", "rest"
# Values of the `rest` key, with the interpreter's mode for each.
_RESTS = {"builtin": "builtin", "XNNPACK": ""}
# Distribution, module, and the first numpy version that breaks the module, for each runtime.
_MODULES: Dict[str, Tuple[str, str, Optional[int]]] = {
    "ai_edge_litert": ("ai-edge-litert", "ai_edge_litert.interpreter", None),
    "tflite_runtime": ("tflite-runtime", "tflite_runtime.interpreter", 2),
}


class Delegate(InterpreterBackend):
    """TFLite's interpreter with an external delegate.

    Its name is `delegate=LIBRARY.so,KEY=VALUE,...`. The key `runtime` is the package with the
    interpreter that loads the library (default: ai_edge_litert). The key `rest` selects the kernels
    for the other operators: `builtin`, or `XNNPACK`, as in an app that does not disable XNNPACK.
    With `XNNPACK` it is unknown whether the library or XNNPACK executes an operator. The other keys
    are options of the library.
    """

    family = "delegate"
    modes: ClassVar[Dict[str, str]] = {
        "": "the library, and optimized kernels for the other operators"
    }
    runtime = "ai_edge_litert"
    distribution = "ai-edge-litert"
    module = "ai_edge_litert.interpreter"
    needs = "a shared library that exports tflite_plugin_create_delegate"
    accelerates = "the device that the library drives"
    preference = 80

    def __init__(
        self, name: str, library: str = "", options: Optional[Dict[str, str]] = None
    ) -> None:
        super().__init__(name)
        self.library = library
        self.options = dict(options or {})
        self.rest = self._chosen(_REST, _RESTS)
        self.runtime = self._chosen(_RUNTIME, _MODULES)
        self.distribution, self.module, self.numpy_below = _MODULES[self.runtime]

    def _chosen(self, key: str, values: Mapping[str, Any]) -> str:
        """Remove one of edgeproof's own keys from the options and return its value.

        The default is the first of `values`.

        Raises:
            Refusal: the value is not one of `values`.
        """
        value = self.options.pop(key, next(iter(values)))
        if value not in values:
            message = "{}: {}={!r} is not one of {}"
            raise Refusal("no-backend", message.format(self.name, key, value, ", ".join(values)))
        return value

    @classmethod
    def names(cls) -> Tuple[str, ...]:
        """Return (), because each delegate is named after its library."""
        return ()

    @classmethod
    def called(cls, name: str) -> Optional[Backend]:
        """Return the backend named `delegate=LIBRARY.so,KEY=VALUE,...`; None for another name."""
        if not name.startswith(_STARTS):
            return None
        library, *pairs = name[len(_STARTS) :].split(",")
        options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if not library or len(options) != len(pairs):
            message = "{!r} does not name a delegate: write delegate=LIBRARY.so,KEY=VALUE,..."
            raise Refusal("no-backend", message.format(name))
        return cls(name, library, options)

    def has_accelerator(self, bits: int) -> bool:  # noqa: ARG002 - independent of the pointer's size
        """Return True, because the library executes operators."""
        return True

    @property
    def accelerator(self) -> str:
        """Return the path or name of the library."""
        return self.library

    @property
    def libraries(self) -> Tuple[str, ...]:
        """Return the library's file; () for a bare name, which the system's linker resolves."""
        return (self.library,) if os.sep in self.library else ()

    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> LoadedInterpreter:
        """Load the library, then the file."""
        for file in self.libraries:
            if not Path(file).is_file():
                raise Refusal("no-delegate", "{}: there is no such file".format(file))
        try:
            delegate: Any = self.imported().load_delegate(self.library, self.options)
        except (ValueError, OSError, AttributeError) as error:
            message = "{} is not a delegate: {}"
            raise Refusal("no-delegate", message.format(self.library, one_line(error))) from None
        more = {"experimental_delegates": [delegate]}
        interpreter = self.interpreter(source, threads, keep_all=keep_all, **more)
        return (LoadedInterpreter if self.rest == "builtin" else LoadedBesideXnnpack)(interpreter)

    @property
    def resolver(self) -> str:
        """Return the interpreter's resolver with the kernels for the other operators."""
        return RESOLVERS[_RESTS[self.rest]]


class LoadedBesideXnnpack(LoadedInterpreter):
    """A loaded file; both the library and XNNPACK execute some of its operators."""

    def delegated_operators(self) -> None:
        """Return None, because it is unknown which of the two executes an operator."""
        return
