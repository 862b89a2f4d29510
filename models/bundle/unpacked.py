"""Read the artefacts of an unpacked bundle through the interface of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from models.artefact import MANIFEST, Artefact
from models.errors import StoreError
from models.store import Stage, Store

if TYPE_CHECKING:
    from typing import Any


class UnpackedStore(Store):
    """The artefacts in an unpacked bundle; they are checked against the hashes of the bundle.

    Args:
        artefact: the unpacked bundle.
    """

    def __init__(self, artefact: Artefact) -> None:
        super().__init__(artefact.folder)
        self._kept = artefact

    def stage(self, name: str, key: str) -> Stage:
        """Return the stage of an artefact, from its manifest."""
        return Stage(name, self._kept.document(f"{name}/{key}/{MANIFEST}")["recipe"])

    def artefact(self, stage: Stage) -> Artefact:
        """Return the artefact of a stage, as the bundle contains it.

        Raises:
            StoreError: the bundle does not contain the artefact.
        """
        below = f"{stage.name}/{stage.key}/"
        members = {
            name.removeprefix(below): digest
            for name, digest in self._kept.members.items()
            if name.startswith(below)
        }
        if members.pop(MANIFEST, None) is None:
            self._refuse(stage)
        return Artefact(self.path(stage), members, {}, self._kept.kept_as, stage.recipe)

    def get(self, stage: Stage, *_: Any, **__: Any) -> Artefact:
        """Return the artefact of a stage, as the bundle contains it; never make it."""
        return self.artefact(stage)

    def _refuse(self, stage: Stage) -> NoReturn:
        raise StoreError(
            f"the bundle lacks the artefact {stage.name} {stage.key}",
            file=self.root,
            remedy="Export the bundle again with --edge-export-bundle",
        )
