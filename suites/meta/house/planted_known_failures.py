"""A pytest plugin that replaces edgeproof's file of known failures."""

import os
from pathlib import Path

VARIABLE = "EDGEPROOF_META_KNOWN_FAILURES"


def pytest_configure() -> None:
    """Replace the path of the file of known failures, once pytest has imported its own modules."""
    from fixtures.judging import known_failures  # noqa: PLC0415 - see above

    known_failures.FILE = Path(os.environ[VARIABLE])
