"""The runner, in which one model is slower for real: it works on, within the time it is given.

Started in place of `models/runtime/runner.py`, to know whether a slowdown would be seen.
`EDGEPROOF_SLOWED` names the model, `EDGEPROOF_SLOWDOWN` says by which share of its own time.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).resolve().parents[1] / "runtime" / "runner.py"


class Slowed:
    """An interpreter that spins for a share of the time that each `invoke()` took.

    Args:
        interpreter: the runtime's.
        share: 0.1 makes it a tenth slower.
    """

    def __init__(self, interpreter: Any, share: float) -> None:
        self._interpreter = interpreter
        self._share = share

    def __getattr__(self, name: str) -> Any:
        return getattr(self._interpreter, name)

    def invoke(self) -> None:
        """Invoke, then spin."""
        start = time.perf_counter_ns()
        self._interpreter.invoke()
        taken = time.perf_counter_ns() - start
        until = start + taken + round(taken * self._share)
        while time.perf_counter_ns() < until:
            pass


def main() -> int:
    """Serve the client as the runner does; the exit status."""
    spec = importlib.util.spec_from_file_location("edgeproof_runner", RUNNER)
    if spec is None or spec.loader is None:
        raise ImportError(str(RUNNER))
    runner: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = runner
    spec.loader.exec_module(runner)
    name, share = os.environ["EDGEPROOF_SLOWED"], float(os.environ["EDGEPROOF_SLOWDOWN"])
    interpret = runner.interpret

    def slowed(module: Any, source: Any, options: Any) -> Any:
        model = interpret(module, source, options)
        if options["name"] == name:
            model.interpreter = Slowed(model.interpreter, share)
        return model

    runner.interpret = slowed
    return int(runner.main())


if __name__ == "__main__":
    sys.exit(main())
