"""An external delegate: a shared library that takes operators over, as Coral's or Arm NN's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Optional, Tuple

from models.backends.common.interpreters import InterpreterBackend, LoadedInterpreter
from models.backends.common.refusals import Refusal, one_line

if TYPE_CHECKING:
    from models.backends.common.backend import Backend, Source

_STARTS = "delegate="
# Which package's interpreter loads it is no option of the library's own.
_RUNTIME = "runtime"
# Distribution, module, and the first numpy that breaks it.
_MODULES: Dict[str, Tuple[str, str, Optional[int]]] = {
    "ai_edge_litert": ("ai-edge-litert", "ai_edge_litert.interpreter", None),
    "tflite_runtime": ("tflite-runtime", "tflite_runtime.interpreter", 2),
}


class Delegate(InterpreterBackend):
    """TFLite's interpreter with an external delegate.

    It is called `delegate=LIBRARY.so,KEY=VALUE,...`; the key `runtime` says which package's
    interpreter loads the library (ai_edge_litert unless told), the others are the library's own.
    """

    family = "delegate"
    modes: ClassVar[Dict[str, str]] = {"": "the library, and optimized kernels for the rest"}
    runtime = "ai_edge_litert"
    distribution = "ai-edge-litert"
    module = "ai_edge_litert.interpreter"
    needs = "a shared library that exports tflite_plugin_create_delegate"
    accelerates = "whatever the library drives"
    preference = 80

    def __init__(
        self, name: str, library: str = "", options: Optional[Dict[str, str]] = None
    ) -> None:
        super().__init__(name)
        self.library = library
        self.options = dict(options or {})
        chosen = self.options.pop(_RUNTIME, "ai_edge_litert")
        if chosen not in _MODULES:
            message = "{}: {}={!r} is none of {}"
            said = message.format(name, _RUNTIME, chosen, ", ".join(_MODULES))
            raise Refusal("no-backend", said)
        self.runtime = chosen
        self.distribution, self.module, self.numpy_below = _MODULES[chosen]

    @classmethod
    def names(cls) -> Tuple[str, ...]:
        """Return nothing: each is called as its library is."""
        return ()

    @classmethod
    def called(cls, name: str) -> Optional[Backend]:
        """Read `delegate=LIBRARY.so,KEY=VALUE`."""
        if not name.startswith(_STARTS):
            return None
        library, *pairs = name[len(_STARTS) :].split(",")
        options = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if not library or len(options) != len(pairs):
            message = "{!r} cannot be read: write delegate=LIBRARY.so,KEY=VALUE,..."
            raise Refusal("no-backend", message.format(name))
        return cls(name, library, options)

    def takes_over(self, bits: int) -> bool:  # noqa: ARG002 - the library's
        """Tell that the library takes operators over."""
        return True

    @property
    def accelerator(self) -> str:
        """The library."""
        return self.library

    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> LoadedInterpreter:
        """Load the library, then the file."""
        if not Path(self.library).is_file():
            raise Refusal("no-delegate", "{}: there is no such file".format(self.library))
        try:
            delegate: Any = self.imported().load_delegate(self.library, self.options)
        except (ValueError, OSError, AttributeError) as error:
            message = "{} is not a delegate: {}"
            raise Refusal("no-delegate", message.format(self.library, one_line(error))) from None
        more = {"experimental_delegates": [delegate]}
        return LoadedInterpreter(self.interpreter(source, threads, keep_all=keep_all, **more))
