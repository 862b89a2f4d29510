"""Disable hypothesis's deadlines, and record the result of each planted fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings

from suites.meta.gates.seen import FaultsSeen

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Disable hypothesis's deadlines, and collect the results of faults in the reporting process.

    On a busy machine, any example can take longer than 200 ms. Under xdist, the process that
    reports results does not run the tests.
    """
    settings.register_profile("edgeproof", deadline=None)
    settings.load_profile("edgeproof")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FaultsSeen(config), "edgeproof-faults-seen")
