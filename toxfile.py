"""A tox runner whose environments may share one folder.

tox makes an environment anew when another one's name is on its folder. Here `host`, `meta`, `lint`
and `benchmarks` need the same 2.4 GB of packages, which are installed once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tox.plugin import impl
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner

if TYPE_CHECKING:
    from tox.tox_env.register import ToxEnvRegister

INFO = ".tox-info.json"


class SharedRunner(VirtualEnvRunner):
    """A virtual environment that takes over its folder from an environment of another name."""

    @staticmethod
    def id() -> str:
        """Return what tox.ini calls it."""
        return "shared"

    def _setup_env(self) -> None:
        path = self.env_dir / INFO
        if path.is_file():
            info = json.loads(path.read_text(encoding="utf-8"))
            info.get("ToxEnv", {})["name"] = self.conf.name
            path.write_text(json.dumps(info, indent=2), encoding="utf-8")
        super()._setup_env()


@impl
def tox_register_tox_env(register: ToxEnvRegister) -> None:
    """Let tox.ini say `runner = shared`."""
    register.add_run_env(SharedRunner)
