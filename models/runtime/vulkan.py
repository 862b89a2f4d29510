"""Vulkan drivers of this machine, found by their manifests without loading any."""

from __future__ import annotations

import os
from pathlib import Path

# As Vulkan's loader looks for them.
VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
FOLDERS = ("/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d")


def driver_manifests() -> tuple[str, ...]:
    """Return the manifests of the drivers that Vulkan's loader would try."""
    for variable in VARIABLES:
        if os.environ.get(variable):
            named = os.environ[variable].split(os.pathsep)
            return tuple(name for name in named if Path(name).is_file())
    found = (path for folder in FOLDERS for path in sorted(Path(folder).glob("*.json")))
    return tuple(map(str, found))
