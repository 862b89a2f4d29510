"""Extend tox: environments can share a folder, and paths can start from the caller's folder.

Without this, tox recreates an environment if its folder was made for an environment of another
name. Here `host`, `meta`, `lint` and others need the same 2.4 GB of packages, which are installed
once.

tox runs commands in the folder of tox.ini. `tox -c edgeproof/tox.ini -e judge` is called in a
user's own folder, and the paths after the double dash start from that folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tox.plugin import impl
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner

if TYPE_CHECKING:
    from tox.config.sets import ConfigSet
    from tox.session.state import State
    from tox.tox_env.register import ToxEnvRegister

INFO = ".tox-info.json"
CHECKOUT = Path(__file__).resolve().parent


class SharedRunner(VirtualEnvRunner):
    """A virtual environment that shares its folder with environments of other names."""

    @staticmethod
    def id() -> str:
        """Return the name of this runner in tox.ini."""
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
    """Register the runner, so that tox.ini can contain `runner = shared`."""
    register.add_run_env(SharedRunner)


@impl
def tox_add_core_config(core_conf: ConfigSet, state: State) -> None:  # noqa: ARG001 - tox's form
    """Define `{called_from}` and `{results}`, the folder of a run's results, for tox.ini."""
    folder = Path.cwd()
    core_conf.add_constant("called_from", "the folder in which tox was called", folder)
    core_conf.add_constant("results", "where results go", results_of(folder))


def results_of(folder: Path) -> Path:
    """Return the folder of results of a run, for the folder in which tox is called.

    This is `reports/out` if tox is called in the checkout, else `edgeproof-results` in `folder`.
    """
    inside = folder.resolve().is_relative_to(CHECKOUT)
    return CHECKOUT / "reports" / "out" if inside else folder / "edgeproof-results"
