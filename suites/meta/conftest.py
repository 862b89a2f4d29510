"""What holds for all tests of edgeproof: no clock fails one, and each planted fault is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

from suites.meta.gates.seen import FaultsSeen

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Turn hypothesis's deadlines off, and collect how faults ended in the process that reports.

    A busy machine takes longer than 200 ms over any example. Under xdist the process that reports
    is not the one that tests.
    """
    settings.register_profile("edgeproof", deadline=None)
    settings.load_profile("edgeproof")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FaultsSeen(config), "edgeproof-faults-seen")
