"""Provide a software GPU: SwiftShader, a Vulkan driver that computes on the processor.

The driver is part of Debian's chromium-common, which is unpacked into the store as an ordinary
user. Mesa's lavapipe would be smaller, but lacks a feature that LiteRT's accelerator needs.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.files import unfinished_files
from models.runtime.debian import native_architecture, unpack, version_of
from models.runtime.emulator import CARD, private_apt, read_sysroots, refuse_network
from models.runtime.vulkan import VARIABLES
from models.sources import hash_imports
from models.store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from models.store import Store

MAKER = "models.runtime.software_vulkan:prepare_software_vulkan"
PACKAGE = "chromium-common"
MANIFEST = "vk_swiftshader_icd.json"
_FOLDER = "usr/lib/chromium"
# The driver, its manifest, and Vulkan's loader, which is opened by name.
_FILES = ("libvk_swiftshader.so", MANIFEST, "libvulkan.so.1")


@dataclass(frozen=True)
class SoftwareVulkan:
    """The unpacked software driver for Vulkan.

    Attributes:
        folder: folder of the driver's files.
        version: version of the package that contains them.
    """

    folder: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment variables that select Vulkan's loader and this driver alone."""
        usual = os.environ.get("LD_LIBRARY_PATH")
        libraries = [str(self.folder), *([usual] if usual else [])]
        return {
            **dict.fromkeys(VARIABLES, str(self.folder / MANIFEST)),
            "LD_LIBRARY_PATH": os.pathsep.join(libraries),
            # Without this variable, the loader warns in every process.
            "XDG_RUNTIME_DIR": str(unfinished_files.new_folder("edgeproof-vulkan-")),
        }


def prepare_software_vulkan(
    store: Store, *, offline: bool = False, say: Callable[[str], None] = lambda _: None
) -> SoftwareVulkan:
    """Return the driver; download it if the store lacks it.

    Args:
        store: the store of the driver.
        offline: whether downloads are forbidden.
        say: prints a line before a step that takes long.

    Raises:
        EdgeproofError: the driver cannot be downloaded.
    """
    recipe = {"source": hash_imports(MAKER), "architecture": native_architecture()}

    def make(folder: Path) -> None:
        refuse_network("software Vulkan driver", offline=offline)
        say(f"fetching Debian's {PACKAGE} for its software Vulkan driver")
        card = {"version": _fetch(folder)}
        (folder / CARD).write_text(json.dumps(card), encoding="utf-8")

    unpacked = store.get(Stage("vulkan", recipe), make, say)
    # Verify the files before each use, because a modified library could give wrong results or do
    # harm.
    unpacked.check()
    return SoftwareVulkan(unpacked.folder, str(unpacked.document(CARD)["version"]))


def _fetch(folder: Path) -> str:
    """Copy the driver's files into the folder; return the package's version."""
    with private_apt(native_architecture(), read_sysroots().codename) as (apt, scratch):
        package = apt.download(PACKAGE)
        unpack(package, scratch, [f"{_FOLDER}/{name}" for name in _FILES])
        for name in _FILES:
            (folder / name).write_bytes((scratch / _FOLDER / name).read_bytes())
        return version_of(package)
