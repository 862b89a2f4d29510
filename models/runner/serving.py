"""Serve a client on stdin and stdout until the client closes the streams."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
from typing import IO, Any, Iterator, Optional, Sequence, Tuple

from models.backends.common.refusals import Refusal
from models.runner.auditing import Audit
from models.runner.framing import Arrays, FramingError, Header, Reply, read_message, write_message
from models.runner.session import Adapt, Session

# Longest time limit of a request in seconds; no client waits longer.
LONGEST_REQUEST = 86_400.0


@contextlib.contextmanager
def ending_after(seconds: Any) -> Iterator[None]:
    """End this process, even in native code, if a request takes longer than the client waits.

    This is necessary because a client that has ended or lost its connection cannot end the process.
    A kernel timer sends the signal, and does not slow the process before.
    """
    is_valid = type(seconds) in {int, float} and 0 < seconds <= LONGEST_REQUEST
    signal.setitimer(signal.ITIMER_REAL, seconds if is_valid else LONGEST_REQUEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def failure(kind: str, message: str) -> Reply:
    """Return the reply that reports an error to the client."""
    return {"error": {"kind": kind, "message": message}}, {}


def respond(session: Session, header: Header, arrays: Arrays) -> Reply:
    """Run one operation; convert an exception into an error reply, so that the runner continues."""
    operation = session.operations.get(str(header.get("op")))
    if operation is None:
        return failure("unknown-operation", repr(header.get("op")))
    try:
        return operation(header, arrays)
    except Refusal as refusal:
        return failure(refusal.kind, str(refusal))
    except MemoryError as error:
        return failure("memory", str(error) or "out of memory")
    except KeyError as error:
        return failure("bad-request", "the key {} is missing or unknown".format(error))
    except Exception as error:  # noqa: BLE001 - the client gets every error as a reply
        return failure("internal", repr(error))


def protocol_streams() -> Tuple[IO[bytes], IO[bytes]]:
    """Reserve stdin and stdout for the protocol; return the two streams.

    Native libraries print to descriptor 1, so this descriptor is redirected to stderr.
    """
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def main(arguments: Optional[Sequence[str]] = None, adapt: Optional[Adapt] = None) -> int:
    """Serve the client on stdin and stdout until the client closes the streams.

    Args:
        arguments: arguments of the command line; by default the program's own.
        adapt: function that changes each loaded model, for programs that count or slow its answers.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        description="Run FlatBuffers; read requests from stdin and write replies to stdout."
    )
    parser.add_argument("--backend", help="name of the backend (default: the first installed)")
    parser.add_argument("--audit", action="store_true", help="record network, processes, writes")
    options = parser.parse_args(arguments)
    requests, answers = protocol_streams()
    session = Session(options.backend, Audit() if options.audit else None, adapt)
    while True:
        try:
            message = read_message(requests)
        except FramingError as error:
            write_message(answers, *failure("framing", str(error)))
            return 2
        if message is None:
            return 0
        with ending_after(message[0].get("seconds")):
            write_message(answers, *respond(session, *message))
        if message[0].get("op") == "close":
            return 0
