"""A pytest plugin that runs edgeproof with some lines of a module replaced.

It is loaded before all modules of edgeproof, and compiles the changed text of one module in place
of its file.
"""

import importlib.machinery
import json
import os
from pathlib import Path
from types import CodeType

VARIABLE = "EDGEPROOF_META_SOURCE"
PROJECT = Path(__file__).resolve().parents[3]

_planted = json.loads(os.environ[VARIABLE])
_file = str(PROJECT / _planted["file"])
_get_code = importlib.machinery.SourceFileLoader.get_code


def _changed(loader: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
    """Compile the changed text of the planted module, and other modules unchanged."""
    if loader.path != _file:
        return _get_code(loader, name)
    text = Path(_file).read_text(encoding="utf-8")
    for old, new in _planted["replacements"].items():
        if text.count(old) != 1:
            raise ValueError(f"{_file} has {text.count(old)} times {old!r}")
        text = text.replace(old, new)
    return compile(text, _file, "exec", dont_inherit=True)


importlib.machinery.SourceFileLoader.get_code = _changed  # type: ignore[assignment,method-assign]  # replaces a method
