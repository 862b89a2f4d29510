"""Define the target of a board behind ssh: `ssh://[user@]host[:port][/path/of/python]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from models.runtime.ssh import SshTransport
from models.targets.common.reached import ReachedTarget

if TYPE_CHECKING:
    from models.targets.common.target import Wish


@dataclass(frozen=True)
class SshTarget(ReachedTarget):
    """A board that is reached over ssh."""

    scheme: ClassVar[str] = "ssh"
    form: ClassVar[str] = "ssh://[user@]host[:port][/path/of/python]"

    @classmethod
    def open(cls, wish: Wish) -> Self:
        """Connect to a board and recognize it.

        Raises:
            UsageMistake: the URL is not valid, or the board is not the required device.
            EdgeproofError: the board cannot be reached.
        """
        return cls.reach(SshTransport(wish.address), wish.profile)
