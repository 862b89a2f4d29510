"""A pytest plugin that starts another runner in place of edgeproof's own."""

import os
from pathlib import Path

from models.runtime import transports
from suites.meta.gates.planting import RUNNER_VARIABLE

transports.RUNNER_FILE = Path(os.environ[RUNNER_VARIABLE])
