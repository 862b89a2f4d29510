"""A pytest plugin that ends or disturbs the run at the third gate."""

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
    """End the run or raise an error, as the variable says, at the third gate and each later one."""
    from models.errors import EdgeproofError, Unreachable  # noqa: PLC0415 - pytest must import its own modules first

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
