"""Define a fault: something planted in a copy of the store or in the runner, with its gate."""

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

# Environment variables that name the programs which `planted_programs.py` starts.
RUNNER_VARIABLE = "EDGEPROOF_META_RUNNER"
WATCHER_VARIABLE = "EDGEPROOF_META_WATCHER"
BACKENDS_VARIABLE = "EDGEPROOF_META_BACKENDS"
SECONDS_VARIABLE = "EDGEPROOF_META_SECONDS"
PLANTED_BACKENDS = Path(__file__).parent / "planted_backends"
PLANTED_RUNNER = Path(__file__).with_name("planted_runner.py")
# A watcher is a single file, so this one imports the rest from the checkout.
WATCHER = """\
import sys

sys.path[0] = {project!r}
from suites.meta.gates.planted_watcher import main

sys.exit(main({fault!r}))
"""
PLUGIN = ("-p", "suites.meta.gates.planted_programs")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, and the gate that must fail.

    Attributes:
        gate: id of the test, without parameters.
        only: what the id's parameters hold; "" where every one of them must turn red.
        says: what its message holds.
        schemes: the variants of the run.
        plant: changes a copy of the miniature's store.
        runner: a fault of `planted_runner.py`; "" for the runner as it is.
        watcher: a fault of `planted_watcher.py`, which reads sensors; "" likewise.
        arguments: of pytest.
        compared: whether the clean run's baseline is there to be compared with.
        backend: a backend of `planted_backends`, which the run is asked to look at.
        backend_seconds: after which it is taken to hang; None for as long as any other.
        needs: a runtime without which there is nothing to see.
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
        folder: for the changed programs.

    Returns:
        The arguments and the environment variables that make the run meet it.
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
    """Return the runner's archive with a fault of `planted_runner.py` around it.

    Args:
        fault: its name.
        note: a file to which the runner appends a dot for each answer; None for none.
    """
    arguments = f"{fault!r}, {None if note is None else str(note)!r}"
    start = f"import sys\n\nimport planted_runner\n\nsys.exit(planted_runner.main({arguments}))\n"
    planted = PLANTED_RUNNER.read_text(encoding="utf-8")
    return assemble(runner_parts() | {"__main__.py": start, PLANTED_RUNNER.name: planted})


def in_flatbuffer(scheme: str, edit: Callable[[bytes], bytes]) -> Callable[[Miniature], None]:
    """Plant an edit in one scheme's FlatBuffer, and correct its hash in the manifest."""

    def plant(mini: Miniature) -> None:
        file = mini.flatbuffer(scheme)
        before = file.read_bytes()
        after = edit(before)
        assert after != before, "the edit changed nothing"
        mini.rewrite(file, after)

    return plant


def file_of(source: str, *, under: str) -> Callable[[Miniature], None]:
    """Replace a scheme's FlatBuffer by another scheme's."""

    def plant(mini: Miniature) -> None:
        mini.rewrite(mini.flatbuffer(under), mini.flatbuffer(source).read_bytes())

    return plant


def in_arrays(
    artefact: str,
    file: str,
    name: str,
    change: Callable[[NDArray[np.generic]], NDArray[np.generic]],
) -> Callable[[Miniature], None]:
    """Plant a change of one array of an artefact's .npz."""

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
    """Plant another value under a key of one of an artefact's JSON files."""

    def plant(mini: Miniature) -> None:
        member = mini.artefact(artefact) / file
        document = json.loads(member.read_text(encoding="utf-8"))
        document[key] = value(mini)
        mini.rewrite(member, json.dumps(document).encode())

    return plant
