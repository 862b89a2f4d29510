"""What small commands share: JSON on stdout, one message on stderr, exit code 4 for mistakes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from models.errors import EdgeproofError, UsageMistake

if TYPE_CHECKING:
    from collections.abc import Callable


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes end like all others."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's own message into a mistake."""
        raise UsageMistake(message, remedy=f"See {self.prog} --help")


def answer(command: Callable[[], dict[str, Any]]) -> int:
    """Run a command and print the document it returns; return the exit code."""
    try:
        document = readable(command())
        sys.stdout.write(document + "\n")
        sys.stdout.flush()
    except EdgeproofError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except BrokenPipeError:
        # Who reads has seen enough; what is still buffered must not fail at exit again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EdgeproofError.exit_code
    return 0


def readable(value: Any, indent: str = "") -> str:
    """JSON that a person can read, too: what holds no container stands on one line."""
    deeper = indent + " "
    if isinstance(value, dict) and any(isinstance(each, dict | list) for each in value.values()):
        lines = [
            f"{deeper}{json.dumps(key)}: {readable(each, deeper)}" for key, each in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        lines = [deeper + readable(each, deeper) for each in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)
