"""A pytest plugin that replaces edgeproof's programs, and adds backends."""

import os
from pathlib import Path

import models.backends
from fixtures.backends import answers as backend_answers
from models.devices import watch
from models.runtime import assembling
from suites.meta.gates.planting import (
    BACKENDS_VARIABLE,
    RUNNER_VARIABLE,
    SECONDS_VARIABLE,
    WATCHER_VARIABLE,
)

if RUNNER_VARIABLE in os.environ:
    planted = Path(os.environ[RUNNER_VARIABLE])
    assembling.runner_file = lambda: planted  # type: ignore[assignment]  # replaces a cached function
if BACKENDS_VARIABLE in os.environ:
    models.backends.__path__.append(os.environ[BACKENDS_VARIABLE])
if SECONDS_VARIABLE in os.environ:
    backend_answers.SECONDS = float(os.environ[SECONDS_VARIABLE])
if WATCHER_VARIABLE in os.environ:
    watch.WATCHER_FILE = Path(os.environ[WATCHER_VARIABLE])  # type: ignore[attr-defined]  # an imported name
