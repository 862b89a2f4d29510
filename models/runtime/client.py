"""The client: asks a runner, and turns its death or refusal into an error that says why."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import msgspec

from models.arrays import byte_array
from models.runtime.answers import (
    Answers,
    AuditEvent,
    Classified,
    LoadedModel,
    Race,
    RunnerInfo,
    Usage,
)
from models.runtime.failures import WAITED, ConnectionLost, RunnerDied, RunnerRefused, ending_of
from models.runtime.runner import (
    LARGEST_ANSWER_ARRAYS,
    LARGEST_ANSWER_HEADER,
    PROTOCOL,
    FramingError,
    read_message,
    write_message,
)
from models.runtime.transports import watchdog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from models.runtime.binding import Binding
    from models.runtime.transports import Channel, Transport

ArraysByName = dict[str, Any]

__all__ = ["ConnectionLost", "Kernels", "Runner", "RunnerDied", "RunnerRefused"]

Kernels = Literal["default", "reference"]

_SECONDS_TO_END = 5.0


class Runner:
    """A runner, started on entering and ended on leaving a `with`.

    Args:
        transport: where and how it runs.
        runtime: ai_edge_litert, tflite_runtime or tensorflow; None takes the first installed there.
        audit: record network, processes and files written (slower: not for measuring).
        timeout: seconds a request may take before the runner is killed, times the transport's
            patience; each request can have its own.

    Attributes:
        info: who answers.
        loaded: what the runner said of each model when it loaded it, by name.

    Raises:
        RunnerDied: from any method, when the runner is gone.
        RunnerRefused: from any method, when the runner says no.
    """

    def __init__(
        self,
        transport: Transport,
        runtime: str | None = None,
        *,
        audit: bool = False,
        timeout: float = 60.0,
    ) -> None:
        self._transport = transport
        self._runtime = runtime
        self._arguments = [f"--runtime={runtime}"] if runtime else []
        self._arguments += ["--audit"] if audit else []
        self._timeout = timeout
        self._files: dict[str, str] = {}
        self.loaded: dict[str, LoadedModel] = {}
        self._channel: Channel | None = None
        self._death: RunnerDied | None = None
        self.info: RunnerInfo

    def __enter__(self) -> Self:
        self._channel = self._transport.start(self._arguments, self._runtime)
        try:
            self.info = self.hello()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._channel is not None:
            self._channel.kill()
        self.close()

    def hello(self) -> RunnerInfo:
        """Ask who answers."""
        header, _ = self._ask("starting", {"op": "hello"})
        if header["protocol"] != PROTOCOL:
            raise RunnerRefused("protocol", f"it speaks {header['protocol']}, not {PROTOCOL}", None)
        return msgspec.convert(header, RunnerInfo)

    def load(  # noqa: PLR0913 - options by keyword, each with its default
        self,
        name: str,
        flatbuffer: Path | bytes,
        *,
        threads: int = 1,
        kernels: Kernels = "default",
        delegates: bool = True,
        binding: Binding | None = None,
        sha256: str | None = None,
        timeout: float | None = None,
    ) -> LoadedModel:
        """Load a FlatBuffer under a name; what had that name before is let go.

        Args:
            name: what later requests call it.
            flatbuffer: a file, which the transport places on the device, or its bytes.
            threads: of the runtime's kernels.
            kernels: "reference" takes the slow portable ones, equal on every machine.
            delegates: False leaves out XNNPACK.
            binding: which tensor takes which input, and what is refused; None binds by the names
                of the only signature and allows any integer that is not negative.
            sha256: refused if the file on the device has another.
            timeout: seconds, in place of the runner's own.
        """
        request = {
            "op": "load",
            "name": name,
            "threads": threads,
            "kernels": kernels,
            "delegates": delegates,
            "binding": None if binding is None else binding.to_request(),
            "sha256": sha256,
        }
        if isinstance(flatbuffer, Path):
            arrays = {}
            request["path"] = self._transport.place(flatbuffer)
            self._files[name] = str(flatbuffer)
        else:
            arrays = {"content": byte_array(flatbuffer)}
            self._files[name] = f"{name} ({len(flatbuffer)} bytes from memory)"
        header, _ = self._ask("loading", request, arrays, timeout)
        self.loaded[name] = msgspec.convert({"name": name, **header}, LoadedModel)
        return self.loaded[name]

    def answer(
        self, name: str, inputs: Mapping[str, NDArray[Any]], *, timeout: float | None = None
    ) -> Answers:
        """Answer texts: arrays [n, S] by the binding's roles, or the signature's input names."""
        request = {"op": "answer", "name": name}
        header, arrays = self._ask("answering", request, inputs, timeout)
        return Answers(**header, **arrays)

    def race(
        self,
        inputs: Mapping[str, Mapping[str, NDArray[Any]]],
        *,
        rounds: int,
        warmup: int = 5,
        seed: int = 0,
        timeout: float | None = None,
    ) -> Race:
        """Time loaded models interleaved, each round one text for all of them.

        Args:
            inputs: of at least one loaded model, by its name, the same n texts as that model takes
                them: arrays [n, S] by role. Rounds go through the texts again and again.
            rounds: timed answers of each model.
            warmup: rounds before them that are not kept.
            seed: draws the order of tweets and models.
            timeout: seconds, in place of the runner's own.
        """
        names = list(inputs)
        request = {
            "op": "race",
            "name": names[0],
            "names": names,
            "rounds": rounds,
            "warmup": warmup,
            "seed": seed,
        }
        given = {
            f"{number}/{role}": array
            for number, taken in enumerate(inputs.values())
            for role, array in taken.items()
        }
        _, arrays = self._ask("racing", request, given, timeout)

        def by_name(key: str) -> dict[str, NDArray[Any]]:
            return dict(zip(names, arrays[key], strict=True))

        return Race(
            invoke_ns=by_name("ns"),
            cpu_ns=by_name("cpu_ns"),
            predictions=by_name("predictions"),
            rows=arrays["rows"],
        )

    def classify(
        self,
        name: str,
        tokenizer: str,
        texts: Sequence[Sequence[str]],
        *,
        timeout: float | None = None,
    ) -> Classified:
        """Answer texts on the device.

        Args:
            name: a loaded model.
            tokenizer: the JSON of a `tokenizers` tokenizer that cleans, truncates and pads.
            texts: of each tweet (text,) or (entity, text).
            timeout: seconds, in place of the runner's own.
        """
        request = {
            "op": "classify",
            "name": name,
            "tokenizer": tokenizer,
            "texts": [list(text) for text in texts],
        }
        _, arrays = self._ask("classifying", request, timeout=timeout)
        return Classified(**arrays)

    def usage(self) -> Usage:
        """Ask for memory, CPU time and age of the runner's process."""
        header, _ = self._ask("measuring itself", {"op": "usage"})
        return msgspec.convert(header, Usage)

    def audit(self) -> tuple[AuditEvent, ...]:
        """Ask what the audit hook saw; the runner must have been started with `audit`."""
        header, _ = self._ask("reporting its audit", {"op": "audit"})
        return msgspec.convert(header["events"], tuple[AuditEvent, ...])

    def close(self) -> None:
        """End the runner; a second time does nothing."""
        channel, self._channel = self._channel, None
        if channel is None:
            return
        # The end of its requests is the runner's sign to end.
        with suppress(OSError):
            channel.requests.close()
        channel.wait(_SECONDS_TO_END)
        channel.close()

    def _ask(
        self,
        doing: str,
        request: dict[str, Any],
        arrays: Mapping[str, NDArray[Any]] | None = None,
        timeout: float | None = None,
    ) -> tuple[dict[str, Any], ArraysByName]:
        if self._death is not None:
            raise self._death
        if self._channel is None:
            raise RuntimeError("the runner is used outside its with block")
        file = self._files.get(request.get("name", ""))
        allowed = (timeout or self._timeout) * self._transport.patience
        reply, fault = None, "ended its answers"
        with watchdog(self._channel, allowed) as expired:
            try:
                write_message(self._channel.requests, request, arrays)
                reply = read_message(
                    self._channel.answers, LARGEST_ANSWER_HEADER, LARGEST_ANSWER_ARRAYS
                )
            except OSError:
                pass  # a broken pipe: how the process ended says more
            except FramingError as error:
                fault = f"sent something else than an answer ({error})"
            except BaseException:
                # Interrupted: the answer may still come, and would be taken for the next one's.
                self._channel.kill()
                raise
        if reply is None:
            timed_out = f"took longer than {allowed:g} s and was killed" if expired() else None
            self._death = self._bury(timed_out, fault, doing, file)
            raise self._death
        header, answered = reply
        if "error" in header:
            raise RunnerRefused(header["error"]["kind"], header["error"]["message"], file)
        return header, answered

    def _bury(self, timed_out: str | None, fault: str, doing: str, file: str | None) -> RunnerDied:
        channel, self._channel = self._channel, None
        if channel is None:
            raise RuntimeError("the runner was closed by another thread")
        with suppress(OSError):
            channel.requests.close()
        status = channel.wait(_SECONDS_TO_END)
        if channel.lost_connection(status):
            where = self._transport.describe()
            death: RunnerDied = ConnectionLost(where, doing, file, channel.last_lines())
        else:
            ending = timed_out or (None if status is None else ending_of(status)) or fault
            death = RunnerDied(ending, doing, file, channel.last_lines())
            death.remedy = WAITED if timed_out else death.remedy
        channel.close()
        return death
