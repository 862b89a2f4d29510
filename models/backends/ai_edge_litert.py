"""Run files with LiteRT's interpreter, from ai-edge-litert."""

from __future__ import annotations

from models.backends.common.interpreters import InterpreterBackend


class AiEdgeLitert(InterpreterBackend):
    """TFLite's interpreter as LiteRT continues it.

    Its versions start again at 1.0 and do not count as TFLite's: all of them are newer.
    """

    family = "ai_edge_litert"
    runtime = "ai_edge_litert"
    distribution = "ai-edge-litert"
    module = "ai_edge_litert.interpreter"
    needs = "ai-edge-litert: 64-bit Linux, macOS or Windows"
    accelerates = "XNNPACK on the processor; none as -builtin and -reference"
    preference = 10
