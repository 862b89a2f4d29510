"""Run files with tflite-runtime, TFLite's interpreter for boards since 2019."""

from __future__ import annotations

from typing import Tuple

from models.backends.common.interpreters import InterpreterBackend
from models.backends.common.versions import numbers_of


class TfliteRuntime(InterpreterBackend):
    """TFLite's interpreter without TensorFlow; 2.14.0 is its last version."""

    family = "tflite_runtime"
    runtime = "tflite_runtime"
    distribution = "tflite-runtime"
    module = "tflite_runtime.interpreter"
    needs = "tflite-runtime: CPython 3.8 to 3.11 on Linux, numpy below 2; 32-bit ARM, too"
    accelerates = "XNNPACK on a 64-bit processor; none as -builtin and -reference"
    preference = 20
    newest_python = (3, 11)
    # With a later numpy the import succeeds, but every Interpreter() raises SystemError.
    numpy_below = 2

    def counts_as(self, version: str) -> Tuple[int, ...]:
        """Return the package's version, which is also that of TFLite."""
        return numbers_of(version)

    def has_accelerator(self, bits: int) -> bool:
        """Return whether XNNPACK executes operators; the 32-bit wheel has none of its kernels."""
        return super().has_accelerator(bits) and bits > 32  # noqa: PLR2004 - the size of a pointer
