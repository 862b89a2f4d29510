"""Find backends by name, in all modules of the parent folder."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from typing import Iterator, List, Optional, Tuple, Type

import models.backends as folder
from models.backends.common.backend import Backend
from models.backends.common.refusals import Refusal


def families() -> List[Type[Backend]]:
    """Return the classes of all backends, the preferred ones first."""
    return list(_families_in(tuple(folder.__path__)))


@functools.lru_cache(maxsize=None)
def _families_in(folders: Tuple[str, ...]) -> Tuple[Type[Backend], ...]:
    """Return the classes of the backends in some folders, cached."""
    families = [
        kind
        for module in pkgutil.iter_modules(folders)
        if not module.ispkg
        for kind in _defined_in("{}.{}".format(folder.__name__, module.name))
    ]
    return tuple(sorted(families, key=lambda kind: (kind.preference, kind.family)))


def _defined_in(module: str) -> Iterator[Type[Backend]]:
    for kind in vars(importlib.import_module(module)).values():
        own = inspect.isclass(kind) and issubclass(kind, Backend) and kind.__module__ == module
        if own and not inspect.isabstract(kind):
            yield kind


def backend_names(*, boards: bool = False) -> List[str]:
    """Return the names of all backends, the preferred ones first.

    Args:
        boards: whether to return only backends that a board may have.
    """
    return [name for kind in families() if kind.on_boards or not boards for name in kind.names()]


def find_backend(name: str) -> Backend:
    """Return the backend with a name.

    Raises:
        Refusal: no backend has this name.
    """
    for kind in families():
        backend = kind.called(name)
        if backend is not None:
            return backend
    message = "{!r} is not a backend; the backends are {}"
    raise Refusal("no-backend", message.format(name, ", ".join(backend_names())))


def first_installed() -> Backend:
    """Return the preferred one of the installed backends, without importing its package.

    Raises:
        Refusal: no backend is installed.
    """
    for kind in families():
        backend: Optional[Backend] = kind.called(kind.family)
        if backend is not None and backend.is_installed():
            return backend
    distributions = ", ".join(dict.fromkeys(kind.distribution for kind in families()))
    raise Refusal("no-backend", "none of {} is installed".format(distributions))
