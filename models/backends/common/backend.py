"""Define the interface of a backend: load a FlatBuffer, set inputs, run, read outputs."""

from __future__ import annotations

import abc
import dataclasses
import importlib
import importlib.util
import sys
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Tuple

from models.backends.common.refusals import Refusal, one_line

# A runtime's description of one tensor, with the keys of TFLite's `get_tensor_details`.
Details = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Source:
    """A FlatBuffer to load: a file of this machine, or bytes. Exactly one of the two is given."""

    path: Optional[str] = None
    content: Optional[bytes] = None


@dataclasses.dataclass(frozen=True)
class Installed:
    """The packages installed on the machine where a backend answers.

    Attributes:
        versions: of distributions, by name; None if one is not installed.
        python: version of the CPython that would import them, like (3, 11); () if unknown.
        drivers: manifests of Vulkan drivers; None if nobody has looked.
        folders: that hold its packages; () if nobody has looked.
    """

    versions: Mapping[str, Optional[str]]
    python: Tuple[int, ...] = ()
    drivers: Optional[Tuple[str, ...]] = None
    folders: Tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DelegatedOperators:
    """The operators of a file that an accelerator executes.

    Attributes:
        nodes: operators of the file.
        delegated: those that the accelerator computes.
        partitions: pieces in which it computes them.
        left: names of the operators that it left, each once, with its reason where one is told.
        by: what computes them, as the accelerator calls it; "" if it does not say.
    """

    nodes: int
    delegated: int
    partitions: int
    left: Tuple[str, ...] = ()
    by: str = ""


class Graph(abc.ABC):
    """One graph of a loaded file, its tensors allocated.

    TFLite's own interpreter is one: indices are those of its tensor details.
    """

    @abc.abstractmethod
    def set_tensor(self, index: int, array: Any) -> None:
        """Give an input, of the tensor's own shape and dtype."""

    @abc.abstractmethod
    def invoke(self) -> None:
        """Compute all outputs."""

    @abc.abstractmethod
    def get_tensor(self, index: int) -> Any:
        """Return an output as it is stored, not dequantized."""


class Loaded(abc.ABC):
    """A FlatBuffer that a backend has loaded.

    One loaded file may be asked for several graphs, one for each of its signatures.
    """

    @abc.abstractmethod
    def signatures(self) -> List[str]:
        """Return the keys of the file's signatures; [] if it has none."""

    @abc.abstractmethod
    def named(self, key: str) -> Tuple[Dict[str, Details], Dict[str, Details]]:
        """Return details of a signature's inputs and outputs by their names in it."""

    @abc.abstractmethod
    def positions(self) -> Tuple[List[Details], List[Details]]:
        """Return details of the first graph's inputs and outputs in their order in the file."""

    @abc.abstractmethod
    def first_graph(self, shapes: Mapping[int, List[int]]) -> Graph:
        """Return the first graph, ready to run.

        Args:
            shapes: of the inputs that are resized, by index. `positions` says afterwards which
                shapes all inputs and outputs have.
        """

    @abc.abstractmethod
    def signature_graph(self, key: str, shapes: Mapping[int, List[int]]) -> Graph:
        """Return the graph that a signature runs, which need not be the first, ready to run."""

    def delegated_operators(self) -> Optional[DelegatedOperators]:
        """Return the operators that the accelerator executes; None if they are not reported."""
        return None

    def inner_tensors(self) -> List[Details]:
        """Return details of every tensor whose value can be read after a run; [] if none can."""
        return []


class Backend(abc.ABC):
    """Something that executes FlatBuffers.

    Attributes:
        family: its name; a mode is appended after a hyphen.
        modes: what it executes with, by mode; "" is the mode without a suffix.
        runtime: import name of the package that it needs.
        distribution: name of that package in the registry.
        module: what it imports of that package.
        needs: what must be there, for people.
        accelerates: what it computes with, for people.
        preference: the lower, the earlier it is taken if none is asked for by name.
        on_boards: whether a board may have it: if it is not, it is asked for by name alone.
        newest_python: the newest CPython that its package has a wheel for; None for any.
        numpy_below: the first major version of numpy that breaks it; None for none.
        uses_vulkan: whether a Vulkan driver computes, so that its version decides answers, too.
    """

    family: ClassVar[str]
    modes: ClassVar[Dict[str, str]]
    runtime: str
    distribution: str
    module: str
    needs: ClassVar[str]
    accelerates: ClassVar[str]
    preference: ClassVar[int]
    on_boards: ClassVar[bool] = True
    newest_python: Optional[Tuple[int, ...]] = None
    numpy_below: Optional[int] = None
    uses_vulkan: ClassVar[bool] = False

    def __init__(self, name: str, mode: str = "") -> None:
        self.name = name
        self.mode = mode

    @classmethod
    def names(cls) -> Tuple[str, ...]:
        """Return the names of this backend, one for each mode."""
        return tuple("{}-{}".format(cls.family, mode) if mode else cls.family for mode in cls.modes)

    @classmethod
    def called(cls, name: str) -> Optional[Backend]:
        """Return the backend of a name; None if the name belongs to another family.

        Raises:
            Refusal: it is of this family, and cannot be read.
        """
        for own, mode in zip(cls.names(), cls.modes):
            if name == own:
                return cls(name, mode)
        return None

    def why_absent(self, installed: Installed) -> Optional[str]:
        """Return why the backend cannot answer; None if it can.

        Args:
            installed: what is there.
        """
        version, numpy = installed.versions.get(self.distribution), installed.versions.get("numpy")
        if version is None:
            return self.why_no_wheel(installed.python) or "{} is not installed".format(
                self.distribution
            )
        return self.why_numpy_breaks(numpy)

    def why_no_wheel(self, python: Tuple[int, ...]) -> Optional[str]:
        """Return why its package cannot be installed for a CPython version; None if it can."""
        newest = self.newest_python
        if newest is None or not python or tuple(python[:2]) <= newest:
            return None
        wanted, last = (".".join(map(str, version[:2])) for version in (python, newest))
        return "{} has no wheel for CPython {}; the last version with wheels is {}".format(
            self.distribution, wanted, last
        )

    def why_numpy_breaks(self, numpy: Optional[str]) -> Optional[str]:
        """Return why it cannot answer with a version of numpy; None if it can."""
        if numpy is None:
            return "{} needs numpy, which is not installed".format(self.distribution)
        if self.numpy_below is None or int(numpy.split(".")[0]) < self.numpy_below:
            return None
        return "{} needs numpy below {}, but {} is installed".format(
            self.distribution, self.numpy_below, numpy
        )

    def counts_as(self, version: str) -> Tuple[int, ...]:  # noqa: ARG002 - some do
        """Return the TFLite version that corresponds to a version of its package; () if none does.

        A file that needs a newer TFLite than that is refused, and has to be.
        """
        return ()

    @property
    def libraries(self) -> Tuple[str, ...]:
        """Files beside its package that compute: their bytes decide answers, too."""
        return ()

    def has_accelerator(self, bits: int) -> bool:  # noqa: ARG002 - some do not
        """Tell whether it has an accelerator.

        Args:
            bits: of a pointer, where it runs.
        """
        return False

    @property
    def precision(self) -> str:
        """The precision in which it computes floats: float32 or float16."""
        return "float32"

    @property
    def accelerator(self) -> str:
        """Name of the accelerator, if there is one: XNNPACK, a GPU, a library."""
        return "XNNPACK"

    def imported(self) -> Any:
        """Return its package's module, imported.

        Raises:
            Refusal: it cannot be imported.
        """
        try:
            return importlib.import_module(self.module)
        except (ImportError, SystemError) as error:
            raise Refusal("no-backend", "{}: {}".format(self.name, one_line(error))) from None

    def is_installed(self) -> bool:
        """Tell whether its package is installed, without importing it."""
        return importlib.util.find_spec(self.runtime) is not None

    def version(self) -> str:
        """Import its package and return its version."""
        version = getattr(sys.modules[self.runtime], "__version__", None)
        if version is None:
            # Imported here because the import takes a fifth of a runner's start-up time.
            from importlib import metadata  # noqa: PLC0415

            version = metadata.version(self.distribution)
        return str(version)

    @abc.abstractmethod
    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> Loaded:
        """Load a FlatBuffer.

        Args:
            source: the file.
            threads: of the kernels.
            keep_all: keep the value of every tensor, where the backend can: see `inner_tensors`.

        Raises:
            Refusal: the backend refuses it; the message is the runtime's.
        """
