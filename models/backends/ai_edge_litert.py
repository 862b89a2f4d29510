"""Run files with LiteRT's interpreter, from ai-edge-litert."""

from __future__ import annotations

from models.backends.common.interpreters import InterpreterBackend


class AiEdgeLitert(InterpreterBackend):
    """The interpreter of LiteRT, the successor of TFLite.

    Its version numbers start again at 1.0, so they are not compared with TFLite's versions: every
    version of LiteRT is newer than TFLite.
    """

    family = "ai_edge_litert"
    runtime = "ai_edge_litert"
    distribution = "ai-edge-litert"
    module = "ai_edge_litert.interpreter"
    needs = "ai-edge-litert: 64-bit Linux, macOS or Windows"
    accelerates = "XNNPACK on the processor; none as -builtin and -reference"
    preference = 10
