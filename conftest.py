"""Register edgeproof's pytest plugins, and refuse a run that switches one of them off."""

from pathlib import Path

import pytest

PLUGINS = (
    "fixtures.session.starting",
    "fixtures.session.terminal",
    "fixtures.session.options",
    "fixtures.session.endings",
    "fixtures.session.errors",
    "fixtures.session.safe_reports",
    "fixtures.selecting.applying",
    "fixtures.selecting.extent",
    "fixtures.selecting.measures",
    "fixtures.session.devices",
    "fixtures.selecting.selection",
    "fixtures.selecting.scheduling",
    "fixtures.building.making",
    "fixtures.building.artefacts",
    "fixtures.timing.circumstances",
    "fixtures.answering.runners",
    "fixtures.answering.recorded",
    "fixtures.answering.answers",
    "fixtures.answering.variants",
    "fixtures.answering.lengths",
    "fixtures.answering.parity",
    "fixtures.answering.pace",
    "fixtures.answering.at_once",
    "fixtures.answering.auditing",
    "fixtures.answering.perturbing",
    "fixtures.answering.emulation",
    "fixtures.judging.trivial_classifiers",
    "fixtures.timing.stopping",
    "fixtures.timing.classifying",
    "fixtures.timing.races",
    "fixtures.timing.orders",
    "fixtures.timing.sharing",
    "fixtures.timing.speed",
    "fixtures.judging.measurements",
    "fixtures.judging.baselines",
    "fixtures.judging.known_failures",
    "fixtures.judging.known_pairs",
    "fixtures.backends.asking",
    "fixtures.backends.matrix",
    "fixtures.answering.carrying",
    "fixtures.judging.judge",
    "fixtures.results.durations",
    "fixtures.results.all_skipped",
    "fixtures.judging.localizing",
    "fixtures.results.allure",
    "fixtures.results.writing",
    "fixtures.results.junit",
    "fixtures.session.outputs",
    "fixtures.results.bundle",
    "fixtures.results.golden",
    "fixtures.backends.kernel_families",
    "fixtures.backends.kernel_coverage",
)
# Plugins without which verdicts are wrong: these modules, the plugins that they register as
# edgeproof-*, and pytest's own skips and xfails.
NEEDED = {*PLUGINS, "skipping"}
ROOT = Path(__file__).parent


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the plugins before options are parsed.

    A list named `pytest_plugins` would do the same, but would also search the entry points of every
    installed distribution for each name.
    """
    for name in PLUGINS:
        pluginmanager.import_plugin(name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuse a run without a required plugin, or with a root folder that changes test ids."""
    blocked = [
        name
        for name, plugin in config.pluginmanager.list_name_plugin()
        if plugin is None and (name in NEEDED or name.startswith("edgeproof-"))
    ]
    if blocked:
        raise pytest.UsageError(
            f"-p no:{blocked[0]} switches off a plugin that edgeproof needs. Remove "
            "this option from the command line, pytest.ini's addopts and "
            "PYTEST_ADDOPTS"
        )
    if config.rootpath.resolve() != ROOT.resolve():
        raise pytest.UsageError(
            f"pytest's root folder is {config.rootpath}, but results, baselines and "
            f"known failures need test ids relative to {ROOT}. Add "
            f"--rootdir={ROOT}, or set the options in your own ini file as "
            "EDGEPROOF_* variables"
        )
