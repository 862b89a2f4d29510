"""A pytest plugin that reads another file of known failures in place of edgeproof's own."""

import os
from pathlib import Path

VARIABLE = "EDGEPROOF_META_KNOWN_FAILURES"


def pytest_configure() -> None:
    """Point edgeproof at it; earlier, its import would come before pytest's own."""
    from fixtures.judging import known_failures  # noqa: PLC0415

    known_failures.FILE = Path(os.environ[VARIABLE])
