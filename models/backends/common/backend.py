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
    """A FlatBuffer to load: either the path of a file on this machine, or its bytes."""

    path: Optional[str] = None
    content: Optional[bytes] = None


@dataclasses.dataclass(frozen=True)
class Installed:
    """The packages and drivers on the machine that runs a backend.

    Attributes:
        versions: versions of distributions, by name; None for one that is not installed.
        python: version of the CPython that imports them, such as (3, 11); () if unknown.
        drivers: manifests of Vulkan drivers; None if unknown.
        folders: folders of the packages; () if unknown.
    """

    versions: Mapping[str, Optional[str]]
    python: Tuple[int, ...] = ()
    drivers: Optional[Tuple[str, ...]] = None
    folders: Tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DelegatedOperators:
    """The operators of a file that an accelerator executes.

    Attributes:
        nodes: number of all operators of the file.
        delegated: number of operators that the accelerator executes.
        partitions: number of connected parts that these operators form.
        left: names of the operators that the accelerator does not execute, each once, with the
            reason if the library reports one.
        by: name of the accelerator, as it reports it; "" if it reports none.
    """

    nodes: int
    delegated: int
    partitions: int
    left: Tuple[str, ...] = ()
    by: str = ""


class Graph(abc.ABC):
    """One graph of a loaded file, with allocated tensors.

    TFLite's interpreter has the same methods. Indices are those of its tensor details.
    """

    @abc.abstractmethod
    def set_tensor(self, index: int, array: Any) -> None:
        """Set an input to an array with the tensor's shape and dtype."""

    @abc.abstractmethod
    def invoke(self) -> None:
        """Run the graph: compute all outputs from the inputs."""

    @abc.abstractmethod
    def get_tensor(self, index: int) -> Any:
        """Return an output as it is stored, not dequantized."""


class Loaded(abc.ABC):
    """A FlatBuffer that a backend has loaded.

    A loaded file has one graph, or one for each of its signatures.
    """

    @abc.abstractmethod
    def signatures(self) -> List[str]:
        """Return the keys of the file's signatures; [] if it has none."""

    @abc.abstractmethod
    def named(self, key: str) -> Tuple[Dict[str, Details], Dict[str, Details]]:
        """Return details of a signature's inputs and outputs, by their names in the signature."""

    @abc.abstractmethod
    def positions(self) -> Tuple[List[Details], List[Details]]:
        """Return details of the first graph's inputs and outputs in their order in the file."""

    @abc.abstractmethod
    def first_graph(self, shapes: Mapping[int, List[int]]) -> Graph:
        """Return the first graph, ready to run.

        Args:
            shapes: new shapes of the inputs to resize, by index. Afterwards, `positions` returns
                the shapes of all inputs and outputs.
        """

    @abc.abstractmethod
    def signature_graph(self, key: str, shapes: Mapping[int, List[int]]) -> Graph:
        """Return the graph of a signature, ready to run; see `first_graph`."""

    def delegated_operators(self) -> Optional[DelegatedOperators]:
        """Return the operators that the accelerator executes; None if they are not reported."""
        return None

    def inner_tensors(self) -> List[Details]:
        """Return details of every tensor whose value can be read after a run; [] if none can."""
        return []


class Backend(abc.ABC):
    """The interface of a backend, which executes FlatBuffers.

    Attributes:
        family: name of the backend; a mode is appended after a hyphen.
        modes: descriptions of the modes by name; "" is the mode without a suffix.
        runtime: import name of the required package.
        distribution: distribution name of that package.
        module: module that is imported from that package.
        needs: requirements, as text for people.
        accelerates: accelerators, as text for people.
        preference: rank if no backend is requested: the installed backend with the lowest rank is
            used.
        on_boards: whether a board may have the backend; if not, the backend is used only if it is
            requested by name.
        newest_python: newest CPython for which the package has a wheel; None for any.
        numpy_below: first major version of numpy with which the backend fails; None if none does.
        uses_vulkan: whether a Vulkan driver computes, so that its version can change answers.
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
        """Return the backend with a name; None if the name belongs to another family.

        Raises:
            Refusal: the name belongs to this family, but is not valid.
        """
        for own, mode in zip(cls.names(), cls.modes):
            if name == own:
                return cls(name, mode)
        return None

    def why_absent(self, installed: Installed) -> Optional[str]:
        """Return why the backend cannot run; None if it can.

        Args:
            installed: the packages on the machine.
        """
        version, numpy = installed.versions.get(self.distribution), installed.versions.get("numpy")
        if version is None:
            return self.why_no_wheel(installed.python) or "{} is not installed".format(
                self.distribution
            )
        return self.why_numpy_breaks(numpy)

    def why_no_wheel(self, python: Tuple[int, ...]) -> Optional[str]:
        """Return why the package cannot be installed for a CPython version; None if it can."""
        newest = self.newest_python
        if newest is None or not python or tuple(python[:2]) <= newest:
            return None
        wanted, last = (".".join(map(str, version[:2])) for version in (python, newest))
        return "{} has no wheel for CPython {}; the last version with wheels is {}".format(
            self.distribution, wanted, last
        )

    def why_numpy_breaks(self, numpy: Optional[str]) -> Optional[str]:
        """Return why the backend cannot run with a version of numpy; None if it can."""
        if numpy is None:
            return "{} needs numpy, which is not installed".format(self.distribution)
        if self.numpy_below is None or int(numpy.split(".")[0]) < self.numpy_below:
            return None
        return "{} needs numpy below {}, but {} is installed".format(
            self.distribution, self.numpy_below, numpy
        )

    def counts_as(self, version: str) -> Tuple[int, ...]:  # noqa: ARG002 - subclasses use it
        """Return the TFLite version that corresponds to a version of the package; () if none does.

        The backend must refuse files that need a newer TFLite.
        """
        return ()

    @property
    def libraries(self) -> Tuple[str, ...]:
        """Return the paths of libraries outside of the package that execute operators."""
        return ()

    def has_accelerator(self, bits: int) -> bool:  # noqa: ARG002 - subclasses use it
        """Return whether the backend has an accelerator.

        Args:
            bits: size of a pointer, in bits, on the machine that runs the backend.
        """
        return False

    @property
    def precision(self) -> str:
        """Return the precision of float arithmetic: float32 or float16."""
        return "float32"

    @property
    def accelerator(self) -> str:
        """Return the name of the accelerator, if the backend has one: XNNPACK, a GPU, a library."""
        return "XNNPACK"

    def imported(self) -> Any:
        """Import the runtime's module and return it.

        Raises:
            Refusal: the module cannot be imported.
        """
        try:
            return importlib.import_module(self.module)
        except (ImportError, SystemError) as error:
            raise Refusal("no-backend", "{}: {}".format(self.name, one_line(error))) from None

    def is_installed(self) -> bool:
        """Return whether the package is installed, without importing it."""
        return importlib.util.find_spec(self.runtime) is not None

    def version(self) -> str:
        """Return the version of the package, which must be imported already."""
        version = getattr(sys.modules[self.runtime], "__version__", None)
        if version is None:
            # Imported here because the import takes a fifth of a runner's start-up time.
            from importlib import metadata  # noqa: PLC0415 - see above

            version = metadata.version(self.distribution)
        return str(version)

    @abc.abstractmethod
    def load(self, source: Source, threads: int, *, keep_all: bool = False) -> Loaded:
        """Load a FlatBuffer.

        Args:
            source: the file.
            threads: number of threads of the kernels.
            keep_all: whether to keep the values of all tensors, for `Loaded.inner_tensors`.

        Raises:
            Refusal: the backend refuses the file, with the runtime's message; or it cannot keep the
                values of all tensors.
        """
