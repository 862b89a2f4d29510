"""A pytest plugin that lists the modules that a run has imported."""

import os
import sys
from pathlib import Path

VARIABLE = "EDGEPROOF_META_IMPORTED"


def pytest_unconfigure() -> None:
    """Write the names of the imported modules into a file, one per line."""
    Path(os.environ[VARIABLE]).write_text("\n".join(sorted(sys.modules)), encoding="utf-8")
