"""Define the conventions of all commands: JSON on stdout, errors on stderr, 4 for mistakes."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from models.errors import EdgeproofError, UsageMistake
from models.escaping import in_json
from models.files.paths import absolute
from models.processes.signals import SECONDS_TO_STOP, Stopped, stop_on_signals, stop_raising
from models.processes.standard_streams import (
    STDERR,
    STDOUT,
    OutputLost,
    open_closed_streams,
    open_output,
    raise_lost,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Once(argparse.Action):
    """Stores the value of an option; rejects an empty value, and a second value that differs."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse passes it
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Store the value of the option.

        Raises:
            UsageMistake: the value is empty, or another value was given before.
        """
        arguments = values if isinstance(values, list) else [values]
        if any(isinstance(value, str) and not value.strip() for value in arguments):
            name = option_string or str(self.metavar or self.dest)
            raise UsageMistake("is empty", key=name, remedy="Give a value, or remove the option")
        earlier = getattr(namespace, self.dest, self.default)
        if option_string and earlier is not self.default and earlier != values:
            raise UsageMistake(
                f"is given twice, as {str(earlier)!r} and as {str(values)!r}",
                key=option_string,
                remedy="Give this option only once",
            )
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are raised as `UsageMistake`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register("action", None, Once)
        self.register("action", "store", Once)

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message as `UsageMistake`."""
        raise UsageMistake(message, remedy=f"See {self.prog} --help")


def path(text: str) -> Path:
    """Parse a path of a command line, for `type=path` of an argument.

    Raises:
        ArgumentTypeError: the text cannot be a path; argparse adds the name of the argument.
    """
    try:
        return absolute(text)
    except UsageMistake as mistake:
        raise argparse.ArgumentTypeError(str(mistake)) from None


def run_command(command: Callable[[], int], *, seconds: float = SECONDS_TO_STOP) -> int:
    """Run a command of edgeproof and handle its errors; return the exit code.

    A mistake, a signal and a stdout that cannot be written lead to one message on stderr.

    Args:
        command: the command; returns its exit code.
        seconds: time that the command may take to close everything after a signal, in seconds.
    """
    closed = open_closed_streams()
    stop_on_signals(seconds)
    sys.stdout = open_output(STDOUT, raise_lost, closed=STDOUT in closed)
    # Errors of stderr are ignored: the exit code still reports the result.
    sys.stderr = open_output(STDERR, lambda _: None)
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()
            # The process ends soon, and an exception from now on would only print a traceback.
            stop_raising()
    except EdgeproofError as error:
        return complain(error)
    except Stopped as stopped:
        sys.stderr.write(f"{stopped}\n")
        return stopped.exit_code


def complain(error: EdgeproofError) -> int:
    """Print an error's message on stderr; return the exit code."""
    if not (isinstance(error, OutputLost) and error.silent):
        sys.stderr.write(f"{error}\n")
    return error.exit_code


def answer(command: Callable[[], dict[str, Any]]) -> int:
    """Run a command and print the document it returns; return the exit code."""
    try:
        document = in_json(readable(command()))
        sys.stdout.write(document + "\n")
        sys.stdout.flush()
    except EdgeproofError as error:
        return complain(error)
    return 0


def readable(value: Any, indent: str = "") -> str:
    """Return a value as JSON, with a line for each list or object that contains no other."""
    deeper = indent + " "
    if isinstance(value, dict) and any(isinstance(entry, dict | list) for entry in value.values()):
        lines = [
            f"{deeper}{json.dumps(key)}: {readable(entry, deeper)}" for key, entry in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        lines = [deeper + readable(entry, deeper) for entry in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)
