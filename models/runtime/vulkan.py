"""Find the Vulkan drivers of this machine by their manifests, without loading any."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Variables and folders in which Vulkan's loader looks for drivers, in its order.
VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
FOLDERS = ("/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d")
# Folders of the dynamic linker for a library that a manifest names without a folder.
_LIBRARIES = ("/usr/local/lib", "/usr/lib", "/usr/lib64", "/lib")


def driver_manifests(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the manifests of the drivers that Vulkan's loader would try.

    Args:
        environment: variables of the process that loads them.
    """
    for variable in VARIABLES:
        if environment.get(variable):
            manifests = environment[variable].split(os.pathsep)
            return tuple(name for name in manifests if Path(name).is_file())
    found = (path for folder in FOLDERS for path in sorted(Path(folder).glob("*.json")))
    return tuple(map(str, found))


def identify_drivers(environment: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """Return a description that identifies a machine's drivers and their versions.

    Args:
        environment: variables of the process that loads them.

    Returns:
        For each driver, the SHA-256 of its manifest, and name, size in bytes and modification time
        in nanoseconds of its library. Links are followed, because the version is in the name of the
        file to which they lead.
    """
    drivers = []
    for manifest in map(Path, driver_manifests(environment)):
        try:
            text = manifest.read_bytes()
        except OSError:
            # The loader cannot read this manifest either.
            continue
        library = _library_of(manifest.parent, text)
        drivers.append({"manifest": hashlib.sha256(text).hexdigest(), **_identify_library(library)})
    return drivers


def _library_of(folder: Path, manifest: bytes) -> Path | None:
    """Return the path of the driver library that a Vulkan manifest names; None if not found."""
    try:
        library = str(json.loads(manifest)["ICD"]["library_path"])
    except (ValueError, KeyError, TypeError):
        return None
    if os.sep in library:
        return folder / library
    folders = [folder for root in _LIBRARIES for folder in (Path(root), *Path(root).glob("*-*/"))]
    return next((folder / library for folder in folders if (folder / library).exists()), None)


def _identify_library(library: Path | None) -> dict[str, Any]:
    if library is None or not library.exists():
        return {}
    facts = library.stat()
    return {"library": library.resolve().name, "bytes": facts.st_size, "changed": facts.st_mtime_ns}
