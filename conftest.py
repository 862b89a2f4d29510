"""List the pytest plugins, in the order of the pipeline."""

from pathlib import Path

import pytest

PLUGINS = (
    "fixtures.starting",
    "fixtures.terminal",
    "fixtures.options",
    "fixtures.endings",
    "fixtures.errors",
    "fixtures.safe_reports",
    "fixtures.applying",
    "fixtures.extent",
    "fixtures.measures",
    "fixtures.devices",
    "fixtures.selection",
    "fixtures.scheduling",
    "fixtures.making",
    "fixtures.artefacts",
    "fixtures.circumstances",
    "fixtures.runners",
    "fixtures.recorded",
    "fixtures.answers",
    "fixtures.variants",
    "fixtures.lengths",
    "fixtures.parity",
    "fixtures.pace",
    "fixtures.perturbing",
    "fixtures.emulation",
    "fixtures.trivial_classifiers",
    "fixtures.stopping",
    "fixtures.classifying",
    "fixtures.timing",
    "fixtures.speed",
    "fixtures.measurements",
    "fixtures.durations",
    "fixtures.baselines",
    "fixtures.known_failures",
    "fixtures.known_pairs",
    "fixtures.backends",
    "fixtures.backend_cells",
    "fixtures.carrying",
    "fixtures.judging",
    "fixtures.all_skipped",
    "fixtures.localizing",
    "fixtures.allure",
    "fixtures.results",
    "fixtures.junit",
    "fixtures.outputs",
    "fixtures.bundle",
    "fixtures.golden",
    "fixtures.kernels",
    "fixtures.kernel_coverage",
)
# What a verdict rests on: these, what they register as edgeproof-*, pytest's own skips and xfails.
NEEDED = {*PLUGINS, "skipping"}
ROOT = Path(__file__).parent


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the plugins before options are parsed.

    A list named `pytest_plugins` would do the same, and look for each of the names among the entry
    points of every installed distribution.
    """
    for name in PLUGINS:
        pluginmanager.import_plugin(name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuse a run that lacks a required plugin, or whose test ids differ."""
    blocked = [
        name
        for name, plugin in config.pluginmanager.list_name_plugin()
        if plugin is None and (name in NEEDED or name.startswith("edgeproof-"))
    ]
    if blocked:
        raise pytest.UsageError(
            f"-p no:{blocked[0]}: edgeproof cannot judge without it. Leave it out of the command "
            "line, pytest.ini's addopts and PYTEST_ADDOPTS"
        )
    if config.rootpath.resolve() != ROOT.resolve():
        raise pytest.UsageError(
            f"pytest's root is {config.rootpath}, and results, baselines and known failures go by "
            f"test ids that begin at {ROOT}. Add --rootdir={ROOT}, or give the options of your own "
            "ini file as EDGEPROOF_* variables"
        )
