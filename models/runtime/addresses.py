"""Parse the addresses of boards behind ssh, and of labgrid places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from models.errors import UsageMistake

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SSH_SCHEME = "ssh"
LABGRID_SCHEME = "labgrid"
PYTHON = "python3"
# Characters of users, hosts and places. A name cannot begin with a hyphen, because ssh would read
# it as an option.
_USER = re.compile(r"[A-Za-z0-9_.+\\@][A-Za-z0-9_.+\\@$-]*")
_HOST = re.compile(r"[A-Za-z0-9_.:][A-Za-z0-9_.:%-]*")
_PLACE = re.compile(r"[A-Za-z0-9_.+][A-Za-z0-9_.+-]*")
_WRITE_SSH = "Write ssh://user@host, ssh://user@host:port or ssh://host/path/of/python"
_WRITE_PLACE = "Write labgrid://PLACE or labgrid://PLACE/path/of/python"
_WRITE_ANY = f"{_WRITE_SSH}, or labgrid://PLACE"


@dataclass(frozen=True)
class SshAddress:
    """The address of a board behind ssh.

    Attributes:
        address: the address as the user wrote it.
        login: user@host, or only the host.
        port: the port; None to use ssh's configuration.
        python: path of the board's Python that has numpy and a runtime.
    """

    address: str
    login: str
    port: int | None
    python: str

    @classmethod
    def parse(cls, address: str) -> SshAddress:
        """Parse `ssh://[user@]host[:port][/path/of/python]`.

        Raises:
            UsageMistake: the text is not an address of this form.
        """
        parts = split_address(address, _WRITE_SSH)
        user, host, port = parts.username, parts.hostname or "", parts.port
        fits = (
            parts.scheme == SSH_SCHEME
            and parts.password is None
            and (user is None or _USER.fullmatch(user))
            and _HOST.fullmatch(host)
            and port != 0
        )
        if not fits:
            raise _no_address(address, _WRITE_SSH)
        login = f"{user}@{host}" if user else host
        return cls(address, login, port, PYTHON if parts.path in {"", "/"} else parts.path)


def split_address(address: str, remedy: str = _WRITE_ANY) -> SplitResult:
    """Split an address into its parts.

    Raises:
        UsageMistake: the text is not an address.
    """
    try:
        parts = urlsplit(address)
        # `urlsplit` parses these lazily, so invalid ones raise an error only here.
        _ = parts.hostname, parts.port
    except ValueError:
        raise _no_address(address, remedy) from None
    # `urlsplit` silently removes line ends and tabs.
    if not address.isprintable() or not address.isascii() or parts.query or parts.fragment:
        raise _no_address(address, remedy)
    return parts


def labgrid_place(address: str) -> str:
    """Return the name of the place in `labgrid://PLACE[/path/of/python]`.

    Raises:
        UsageMistake: the text is not an address of this form.
    """
    parts = split_address(address, _WRITE_PLACE)
    # `netloc` keeps the case of a place's name; `hostname` would be lower case.
    if parts.scheme != LABGRID_SCHEME or not _PLACE.fullmatch(parts.netloc):
        raise _no_address(address, _WRITE_PLACE)
    return parts.netloc


def _no_address(address: str, remedy: str) -> UsageMistake:
    return UsageMistake(
        f"{address!r} is not a valid address of a board", key="--edge-target", remedy=remedy
    )
