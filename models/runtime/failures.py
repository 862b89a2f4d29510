"""Define the errors of a runner: it ended, or it refused a request."""

from __future__ import annotations

import signal
from contextlib import suppress

from models.errors import EdgeproofError, Unreachable
from models.escaping import one_line, several_lines

_REMEDIES = {
    "load": "Judge the file on another backend, or convert it for this backend",
    "not-a-flatbuffer": "Build or copy the file again",
    "hash": "Build or copy the file again",
    "file": "Check the path on the device",
    "no-backend": "Install ai-edge-litert or tflite-runtime where the runner runs",
    "no-delegate": "Give the path, on the device, of a library that is a TFLite delegate",
    "no-inner-tensors": "Localize the error on a backend with an interpreter: ai_edge_litert",
    "no-tokenizers": "Install tokenizers where the runner runs, or send encoded texts",
    "memory": "Free memory on the device, or judge a smaller variant",
    "inputs": "Check that the file was made for this corpus: its input names, lengths and ids",
    "signature": "Export the file with a signature that names its inputs and its output",
    "invoke": "Judge the file on another backend (--edge-backend), or convert it with "
    "another scheme",
    "tokenizer": "Install, where the runner runs, the version of tokenizers that pyproject.toml "
    "names",
    "protocol": "Remove the runner's older copy on the device, and run again",
}
# Remedy for an invalid request, which only a bug in the client can cause.
_OURS = "Report this message and the command that you ran: it is a fault of edgeproof"
WAITED = "Run again when the machine is less busy; if the runner takes as long again, it hangs"


class RunnerDied(EdgeproofError):  # noqa: N818 - named after the event
    """The runner ended, or was killed, during a request.

    Args:
        ending: how the runner ended, for example "was killed by SIGSEGV".
        doing: the request, for example "loading".
        file: the FlatBuffer.
        stderr: the last lines of the runner's stderr.

    Attributes:
        signal: name of the signal that ended the runner, for example "SIGSEGV"; "" if none did.
    """

    def __init__(self, ending: str, doing: str, file: str | None, stderr: str) -> None:
        self.ending = ending
        self.signal = ""
        self.stderr = several_lines(stderr)
        last_words = f"; its last output: {' | '.join(stderr.splitlines())}" if stderr else ""
        remedy = "Check that the Python of the runner has numpy and the runtime"
        if file is not None:
            remedy = "The file may be corrupt or need another runtime: build the file again"
        super().__init__(f"the runner {ending} while {doing}{last_words}", file=file, remedy=remedy)

    @property
    def cause(self) -> str:
        """Return the cause without the request; it is equal for all runners that a file crashes."""
        return f"{self.file}: the runner {self.ending}"


class ConnectionLost(RunnerDied, Unreachable):
    """The connection to the device was lost; earlier answers stay valid.

    Args:
        machine: the user's address of the device.
        doing: the request that was sent.
        file: the FlatBuffer.
        stderr: last lines of the connection's program.
    """

    def __init__(self, machine: str, doing: str, file: str | None, stderr: str) -> None:
        super().__init__(
            f"on {machine} is unreachable: the connection was lost", doing, file, stderr
        )
        self.remedy = "Check the device's power and network, and run again"


class RunnerRefused(EdgeproofError):  # noqa: N818 - named after the event
    """The runner refused a request, and is still running.

    Args:
        kind: kind of the refusal, for programs: inputs, load, hash, file, not-a-flatbuffer,
            signature, invoke, memory, no-backend, no-delegate, no-inner-tensors, no-tokenizers,
            tokenizer, unknown-model, no-audit, bad-request, internal.
        message: reason of the refusal, for people.
        file: the FlatBuffer.
    """

    def __init__(self, kind: str, message: str, file: str | None) -> None:
        self.kind = kind
        self.message = one_line(message)
        super().__init__(f"{kind}: {message}", file=file, remedy=_REMEDIES.get(kind, _OURS))


def ending_of(status: int) -> str | None:
    """Return how a process ended, in words; None for exit status 0.

    Args:
        status: an exit status, negative for a signal.
    """
    if signal_name := signal_of(status):
        return f"was killed by {signal_name}"
    return f"ended with exit status {status}" if status else None


def signal_of(status: int) -> str:
    """Return the name of the signal that ended a process; "" if none did.

    Args:
        status: an exit status, negative for a signal.
    """
    # A shell or ssh reports a signal as 128 plus its number.
    number = -status if status < 0 else status - 128
    with suppress(ValueError):
        return signal.Signals(number).name
    return ""
