"""Boards that labgrid lends: `labgrid://PLACE[/path/of/python]` becomes the address of an sshd.

labgrid keeps the places and who has them; it runs in processes of its own, never in this one.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from models.errors import EdgeproofError, UsageMistake

SCHEME = "labgrid"
CLIENT = ("-m", "labgrid.remote.client")
OWN_ENVIRONMENT = "LG_ENV"
# Asks for the place's network service; a file with labgrid's own environment wins over places.
_FIND_SERVICE = """
import json, os, sys
from labgrid import Environment, Target
from labgrid.resource.remote import RemotePlace
name, file = sys.argv[1], os.environ.get("LG_ENV")
if file:
    target = Environment(file).get_target(name)
else:
    target = Target(name)
    RemotePlace(target, name=name)
service = target.get_resource("NetworkService", wait_avail=False)
print(json.dumps([service.username, service.address, service.port]))
"""
_SECONDS = 60


def is_place(address: str) -> bool:
    """Whether an address is a place of labgrid's."""
    return urlsplit(address).scheme == SCHEME


def lend(address: str) -> str:
    """Acquire a place until this process ends; return the `ssh://` address of its board.

    A place that this user has acquired before is used, and left acquired.

    Raises:
        UsageMistake: it is no place's address, or labgrid is not installed.
        EdgeproofError: labgrid does not lend it; says what labgrid said.
    """
    parts = urlsplit(address)
    if not parts.hostname or parts.username or parts.port:
        raise UsageMistake(
            f"{address!r} is no place",
            key="--edge-target",
            remedy="Write labgrid://PLACE or labgrid://PLACE/path/of/python",
        )
    # A host name is read in lower case; a place's name is as its owner wrote it.
    place = parts.netloc
    if find_spec("labgrid") is None:
        raise UsageMistake(
            f"{address} needs labgrid, which is not installed",
            key="--edge-target",
            remedy="Install the dependency group fleet: pip install --group fleet",
        )
    if not os.environ.get(OWN_ENVIRONMENT) and not _has(place):
        _labgrid(address, *CLIENT, "-p", place, "acquire")
        atexit.register(_labgrid, address, *CLIENT, "-p", place, "release")
    username, host, port = json.loads(_labgrid(address, "-c", _FIND_SERVICE, place))
    return f"ssh://{f'{username}@' if username else ''}{host}:{port}{parts.path}"


def _has(place: str) -> bool:
    """Whether this user has acquired the place already."""
    held = _run(*CLIENT, "places", "--acquired")
    return place in held.stdout.split()


def _labgrid(address: str, *arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise EdgeproofError(
            f"labgrid does not lend the place ({said[-1].strip() if said else 'no message'})",
            file=address,
            remedy="Check LG_COORDINATOR, and the place: labgrid-client places",
        )
    return done.stdout


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
        cwd=Path.home(),
    )
