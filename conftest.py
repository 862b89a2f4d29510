"""The pytest layer, in pipeline order."""

pytest_plugins = (
    "fixtures.options",
    "fixtures.stopping",
    "fixtures.devices",
    "fixtures.selection",
    "fixtures.artefacts",
    "fixtures.circumstances",
    "fixtures.runners",
    "fixtures.variants",
    "fixtures.emulation",
    "fixtures.floors",
    "fixtures.streams",
    "fixtures.measured",
    "fixtures.baselines",
    "fixtures.judging",
    "fixtures.judged",
    "fixtures.localizing",
    "fixtures.known_failures",
    "fixtures.allure",
    "fixtures.results",
    "fixtures.bundle",
)
