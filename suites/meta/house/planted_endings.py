"""A pytest plugin that makes the third gate end or spoil the run."""

from __future__ import annotations

import itertools
import os
import signal

import pytest

VARIABLE = "EDGEPROOF_META_ENDING"
THIRD = 3
_COUNT = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """From the third gate on, meet it."""
    from models.errors import EdgeproofError, Unreachable  # noqa: PLC0415 - after pytest's own

    del item
    if next(_COUNT) < THIRD:
        return
    match os.environ[VARIABLE]:
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "interrupt":
            raise KeyboardInterrupt
        case "exit":
            pytest.exit("the power is gone\nand more is said of it", returncode=1)
        case "lost":
            raise Unreachable("the board does not answer", remedy="Check its power")
        case "broken":
            raise EdgeproofError("broken in two", file="weights.bin", remedy="Copy it again")
        case "unreadable":
            raise PermissionError(13, "Permission denied", "member.npz")
