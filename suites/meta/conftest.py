"""What the tests of edgeproof leave for the report: how planting each fault ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suites.meta.gates.seen import FaultsSeen

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the process that reports: under xdist that is not the one that tests."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FaultsSeen(config), "edgeproof-faults-seen")
