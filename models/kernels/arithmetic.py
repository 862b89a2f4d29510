"""Define the arithmetic of backends: the largest error of each operation.

A backend has the arithmetic of a processor or of a shader, depending on how its kernels are
written. A reference gets the arithmetic of the tested backend from `current()`.

Sources for a processor:

* float32 is rounded to nearest (IEEE 754): fl(a op b) = (a op b)(1 + d), |d| <= u = 2**-24;
* functions have the errors in "Relative Error as ULPs" of the OpenCL C specification 3.0 (7.4),
  single precision, which applies to CPUs and GPUs;
* numbers below the smallest normal one may be flushed to zero, as Arm's 32-bit NEON does (Arm ARM,
  A2.7.3).

Sources for a shader: "Floating Point Evaluation" and "Floating Point Accuracy" of the WebGPU
Shading Language (W3C), for f32 and f16. There, "correctly rounded" allows either neighbor, so that
d may be twice as large. The language does not define erf, for which OpenCL's ULPs are used.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from models.backends.common.registry import find_backend

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arithmetic:
    """The specification of float arithmetic.

    Attributes:
        unit: the largest relative error of a sum, difference or product of two numbers.
        ulp: a unit in the last place of x is at most this times |x|.
        smallest: the smallest normal number; what is below it may be flushed to zero.
        largest: the largest number.
        ulps: by function name, its largest error in units in the last place.
        growth: by function name, how much `ulps` grows for each unit of the argument's magnitude.
        absolute: by function name, an interval of arguments with an absolute error bound, as
            (from, to, error).
        shading: whether this is the arithmetic of a shader. Then results that are NaN, infinite or
            overflow are unspecified, and roots, powers, tanh and logistic are as exact as the
            formula that defines them.
        narrow: whether tensors are stored in this precision, so that numbers are rounded when read.
    """

    unit: float
    ulp: float
    smallest: float
    largest: float
    ulps: Mapping[str, float]
    growth: Mapping[str, float] = field(default_factory=dict)
    absolute: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    shading: bool = False
    narrow: bool = False

    def ulps_of(self, name: str, sizes: Floats) -> Any:
        """Return a function's error bound in units in the last place, for arguments of some sizes.

        Args:
            name: the name of the function.
            sizes: the magnitudes of the arguments.
        """
        growth = self.growth.get(name, 0.0)
        return self.ulps[name] + (growth * sizes if growth else 0.0)

    def absolute_of(self, name: str, low: Floats, high: Floats) -> Any:
        """Return a function's absolute error bound between two arguments; 0 if there is none."""
        if name not in self.absolute:
            return 0.0
        least, most, error = self.absolute[name]
        return np.where((high >= least) & (low <= most), error, 0.0)


PROCESSOR = Arithmetic(
    unit=2.0**-24,
    ulp=2.0**-23,
    smallest=2.0**-126,
    largest=float(np.finfo(np.float32).max),
    ulps={
        "div": 2.5,
        "erf": 16.0,
        "exp": 3.0,
        "log": 3.0,
        "pow": 16.0,
        "rsqrt": 2.0,
        "sqrt": 3.0,
        "tanh": 5.0,
    },
)
WGSL = Arithmetic(
    unit=2.0**-23,
    ulp=2.0**-23,
    smallest=PROCESSOR.smallest,
    largest=PROCESSOR.largest,
    ulps={"div": 2.5, "erf": 16.0, "exp": 3.0, "log": 3.0, "rsqrt": 2.0, "tanh": 0.0},
    growth={"exp": 2.0},
    absolute={"log": (0.5, 2.0, 2.0**-21), "tanh": (-np.inf, np.inf, 1e-5)},
    shading=True,
)
# Arithmetic of shaders in float16, which is also the precision in which tensors are stored.
WGSL_HALF = Arithmetic(
    unit=2.0**-10,
    ulp=2.0**-10,
    smallest=2.0**-14,
    largest=float(np.finfo(np.float16).max),
    ulps={"div": 2.5, "erf": 16.0, "exp": 1.0, "log": 3.0, "rsqrt": 2.0, "tanh": 0.0},
    growth={"exp": 2.0},
    absolute={"log": (0.5, 2.0, 2.0**-7), "tanh": (-np.inf, np.inf, 1e-5)},
    shading=True,
    narrow=True,
)
_BY_SHADERS = {"float32": WGSL, "float16": WGSL_HALF}
_CURRENT: ContextVar[Arithmetic] = ContextVar("arithmetic", default=PROCESSOR)


def arithmetic_of(backend: str) -> Arithmetic:
    """Return the arithmetic of a backend, by its name."""
    found = find_backend(backend)
    return _BY_SHADERS[found.precision] if found.uses_vulkan else PROCESSOR


def current() -> Arithmetic:
    """Return the arithmetic for which bounds are derived; by default a processor's."""
    return _CURRENT.get()


@contextmanager
def computing_in(arithmetic: Arithmetic) -> Iterator[None]:
    """Make an arithmetic the current one inside a `with` block."""
    token = _CURRENT.set(arithmetic)
    try:
        yield
    finally:
        _CURRENT.reset(token)
