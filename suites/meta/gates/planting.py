"""Define faults: changes of the store or of programs, with the gate that must turn red."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.devices.recognition import WATCHER_FILE
from models.runtime.assembling import NAME, assemble, runner_parts
from models.store import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from suites.meta.gates.miniature import Miniature

# Environment variables with the paths of the programs that `planted_programs.py` starts.
RUNNER_VARIABLE = "EDGEPROOF_META_RUNNER"
WATCHER_VARIABLE = "EDGEPROOF_META_WATCHER"
BACKENDS_VARIABLE = "EDGEPROOF_META_BACKENDS"
SECONDS_VARIABLE = "EDGEPROOF_META_SECONDS"
PLANTED_BACKENDS = Path(__file__).parent / "planted_backends"
PLANTED_RUNNER = Path(__file__).with_name("planted_runner.py")
# A watcher must be a single file, so this program imports the code of its fault from the checkout.
WATCHER = """\
import sys

sys.path[0] = {project!r}
from suites.meta.gates.planted_watcher import main

sys.exit(main({fault!r}))
"""
PLUGIN = ("-p", "suites.meta.gates.planted_programs")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, and the gate that must turn red because of it.

    Attributes:
        gate: id of the test, without parameters.
        only: part of the ids that must fail; "" if the test must fail with all parameters.
        says: part of its message.
        schemes: schemes of the variants in the run.
        plant: function that changes a copy of the miniature's store; None for no change.
        runner: a fault of `planted_runner.py`; "" for the unchanged runner.
        watcher: a fault of `planted_watcher.py`, which reads sensors; "" for the unchanged watcher.
        arguments: arguments of pytest.
        compared: whether the run is compared with the clean run's baselines.
        backend: a backend of `planted_backends` to test; "" for none.
        backend_seconds: time after which the backend counts as hanging, in s; None for default.
        needs: a runtime without which the fault has no effect; None for no other runtime.
    """

    gate: str
    only: str = ""
    says: str = ""
    schemes: tuple[str, ...] = ("float32",)
    plant: Callable[[Miniature], None] | None = None
    runner: str = ""
    watcher: str = ""
    arguments: tuple[str, ...] = ()
    compared: bool = False
    backend: str = ""
    backend_seconds: float | None = None
    needs: str | None = None


def plant(fault: Fault, mini: Miniature, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Plant a fault for a run of pytest.

    Args:
        fault: what to plant.
        mini: a copy of the miniature, to be changed.
        folder: folder for the changed programs.

    Returns:
        The arguments and environment variables of the run.
    """
    arguments = [*fault.arguments, f"--edge-schemes={','.join(fault.schemes)}"]
    if fault.plant is not None:
        fault.plant(mini)
    variables = {}
    if fault.runner:
        variables[RUNNER_VARIABLE] = str(folder / NAME)
        (folder / NAME).write_bytes(runner_with(fault.runner))
    if fault.watcher:
        program = folder / WATCHER_FILE.name
        variables[WATCHER_VARIABLE] = str(program)
        start = WATCHER.format(project=str(PROJECT), fault=fault.watcher)
        program.write_text(start, encoding="utf-8")
    if fault.backend:
        variables[BACKENDS_VARIABLE] = str(PLANTED_BACKENDS)
        arguments.append(f"--edge-backends={fault.backend}")
    if fault.backend_seconds is not None:
        variables[SECONDS_VARIABLE] = str(fault.backend_seconds)
    return [*arguments, *(PLUGIN if variables else ())], variables


def runner_with(fault: str, note: Path | None = None) -> bytes:
    """Return the runner's archive with a fault of `planted_runner.py`.

    Args:
        fault: name of the fault.
        note: file to which the runner appends a dot for each answer; None for no file.
    """
    arguments = f"{fault!r}, {None if note is None else str(note)!r}"
    start = f"import sys\n\nimport planted_runner\n\nsys.exit(planted_runner.main({arguments}))\n"
    planted = PLANTED_RUNNER.read_text(encoding="utf-8")
    return assemble(runner_parts() | {"__main__.py": start, PLANTED_RUNNER.name: planted})


def in_flatbuffer(scheme: str, edit: Callable[[bytes], bytes]) -> Callable[[Miniature], None]:
    """Return a change that edits one scheme's FlatBuffer and corrects its hash in the manifest."""

    def plant(mini: Miniature) -> None:
        file = mini.flatbuffer(scheme)
        before = file.read_bytes()
        after = edit(before)
        assert after != before, "the edit changed nothing"
        mini.rewrite(file, after)

    return plant


def file_of(source: str, *, under: str) -> Callable[[Miniature], None]:
    """Return a change that replaces a scheme's FlatBuffer by that of another scheme."""

    def plant(mini: Miniature) -> None:
        mini.rewrite(mini.flatbuffer(under), mini.flatbuffer(source).read_bytes())

    return plant


def in_arrays(
    artefact: str,
    file: str,
    name: str,
    change: Callable[[NDArray[np.generic]], NDArray[np.generic]],
) -> Callable[[Miniature], None]:
    """Return a change of one array in an artefact's .npz file."""

    def plant(mini: Miniature) -> None:
        member = mini.artefact(artefact) / file
        with np.load(member) as stored:
            arrays = dict(stored)
        arrays[name] = change(arrays[name])
        scratch = member.with_suffix(".scratch.npz")
        np.savez(scratch, **arrays)
        content = scratch.read_bytes()
        scratch.unlink()
        mini.rewrite(member, content)

    return plant


def in_json(
    artefact: str, file: str, key: str, value: Callable[[Miniature], object]
) -> Callable[[Miniature], None]:
    """Return a change that replaces the value of a key in one of an artefact's JSON files."""

    def plant(mini: Miniature) -> None:
        member = mini.artefact(artefact) / file
        document = json.loads(member.read_text(encoding="utf-8"))
        document[key] = value(mini)
        mini.rewrite(member, json.dumps(document).encode())

    return plant
