"""Define the target of a board that labgrid lends: `labgrid://PLACE[/path/of/python]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from models.runtime.labgrid_places import acquire_place
from models.runtime.ssh import SshTransport
from models.targets.common.reached import ReachedTarget

if TYPE_CHECKING:
    from models.targets.common.target import Wish


@dataclass(frozen=True)
class LabgridTarget(ReachedTarget):
    """A board that labgrid lends, and that is reached over ssh."""

    scheme: ClassVar[str] = "labgrid"
    form: ClassVar[str] = "labgrid://PLACE[/path/of/python]"

    @classmethod
    def open(cls, wish: Wish) -> Self:
        """Acquire a place until this process ends, connect to its board and recognize it.

        Raises:
            UsageMistake: the URL is not valid, or the board is not the required device.
            EdgeproofError: labgrid does not lend the board, or the board cannot be reached.
        """
        return cls.reach(SshTransport(acquire_place(wish.address)), wish.profile)
