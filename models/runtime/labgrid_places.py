"""Acquire boards from labgrid: turn `labgrid://PLACE[/path/of/python]` into an ssh:// address.

labgrid decides who uses which place. It runs in separate processes, never in this one.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import msgspec

from models.errors import EdgeproofError, UsageMistake
from models.processes.programs import Ended, run
from models.runtime.addresses import labgrid_place, split_address

CLIENT = ("-m", "labgrid.remote.client")
OWN_ENVIRONMENT = "LG_ENV"
# Program that prints the network service of a place. If labgrid has an environment file, the place
# is found there.
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
_CHECK = "Check LG_COORDINATOR and the place's name (`labgrid-client places` lists all places)"
_SECONDS = 60.0


Service = tuple[str | None, str, Annotated[int, msgspec.Meta(ge=1, le=65535)]]


def acquire_place(address: str) -> str:
    """Acquire a place until this process ends; return the `ssh://` address of its board.

    If this user has already acquired the place, it is used, and is not released afterwards.

    Raises:
        UsageMistake: the address is not that of a place, or labgrid is not installed.
        EdgeproofError: labgrid does not lend the place; the message quotes labgrid.
    """
    place = labgrid_place(address)
    if find_spec("labgrid") is None:
        raise UsageMistake(
            f"{address} needs labgrid, which is not installed",
            key="--edge-target",
            remedy="Install the dependency group fleet: pip install --group fleet",
        )
    if not os.environ.get(OWN_ENVIRONMENT) and not _is_acquired(place):
        _labgrid(address, *CLIENT, "-p", place, "acquire")
        atexit.register(_labgrid, address, *CLIENT, "-p", place, "release")
    answer = _labgrid(address, "-c", _FIND_SERVICE, place)
    try:
        username, host, port = msgspec.json.decode(answer, type=Service)
    except msgspec.DecodeError as error:
        raise EdgeproofError(
            f"the place's NetworkService in labgrid has no address ({error}): {answer[:200]!r}",
            file=address,
            remedy="Give the place's NetworkService an address, a username and a port",
        ) from None
    login = f"{username}@" if username else ""
    return f"ssh://{login}{host}:{port}{split_address(address).path}"


def _is_acquired(place: str) -> bool:
    """Return whether this user has already acquired the place."""
    acquired = _run(*CLIENT, "places", "--acquired")
    return place in acquired.stdout.split()


def _labgrid(address: str, *arguments: str) -> str:
    done = _run(*arguments)
    if done.code:
        raise EdgeproofError(
            f"labgrid refuses to acquire the place ({done.last_line})", file=address, remedy=_CHECK
        )
    return done.stdout


def _run(*arguments: str) -> Ended:
    command = [sys.executable, *arguments]
    return run(command, seconds=_SECONDS, folder=Path.home(), remedy=_CHECK)
