"""Run files with TFLite's interpreter in TensorFlow."""

from __future__ import annotations

from typing import Tuple

from models.backends.common.interpreters import InterpreterBackend
from models.backends.common.versions import numbers_of


class TensorFlow(InterpreterBackend):
    """TFLite's interpreter in TensorFlow, which boards do not have."""

    family = "tensorflow"
    runtime = "tensorflow"
    distribution = "tensorflow"
    module = "tensorflow.lite.python.interpreter"
    needs = "TensorFlow, 2.4 GB: the builder's machine has it, a board does not"
    accelerates = "XNNPACK on the processor; none as -builtin and -reference"
    preference = 90
    on_boards = False

    def counts_as(self, version: str) -> Tuple[int, ...]:
        """Return the package's version, which is also that of TFLite."""
        return numbers_of(version)
