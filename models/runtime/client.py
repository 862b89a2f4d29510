"""Send requests to a runner, and convert its crash or refusal into an error with the reason."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from models.files.arrays import byte_array
from models.runner.framing import (
    LARGEST_ANSWER_ARRAYS,
    LARGEST_ANSWER_HEADER,
    PROTOCOL,
    FramingError,
    read_message,
    write_message,
)
from models.runtime import replies
from models.runtime.available import runtime_of
from models.runtime.failures import (
    WAITED,
    ConnectionLost,
    RunnerDied,
    RunnerRefused,
    ending_of,
    signal_of,
)
from models.runtime.transports import watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.runtime.answers import (
        Answers,
        AuditEvent,
        Classified,
        LoadedModel,
        Race,
        RunnerInfo,
        Usage,
    )
    from models.runtime.binding import Binding
    from models.runtime.transports import Channel, Transport

Header = dict[str, Any]
ArraysByName = dict[str, Any]
T = TypeVar("T")

__all__ = ["ConnectionLost", "Runner", "RunnerDied", "RunnerRefused"]

_SECONDS_TO_END = 5.0


class Runner:
    """A runner that starts when a `with` block begins, and ends when the block ends.

    Args:
        transport: starts the runner on its machine.
        backend: name of the backend; None for the first that is installed there.
        audit: whether to record network, processes and written files (slow, not for measuring).
        timeout: seconds that a request may take, multiplied by the transport's patience; after this
            time the runner is killed. A request can have its own timeout.

    Attributes:
        info: description of the runner.
        loaded: the runner's description of each loaded model, by name.

    Raises:
        RunnerDied: from any method, if the runner has ended.
        RunnerRefused: from any method, if the runner refuses the request.
    """

    def __init__(
        self,
        transport: Transport,
        backend: str | None = None,
        *,
        audit: bool = False,
        timeout: float = 60.0,
    ) -> None:
        self._transport = transport
        self._runtime = runtime_of(backend) if backend else None
        self._arguments = [f"--backend={backend}"] if backend else []
        self._arguments += ["--audit"] if audit else []
        self._timeout = timeout
        self._files: dict[str, str] = {}
        self.loaded: dict[str, LoadedModel] = {}
        self._channel: Channel | None = None
        self._death: RunnerDied | None = None
        self.info: RunnerInfo

    def begin(self) -> None:
        """Start the runner without waiting until it is ready; entering waits."""
        if self._channel is None:
            self._channel = self._transport.start(self._arguments, self._runtime)

    def __enter__(self) -> Self:
        self.begin()
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
        """Return the facts that the runner reports about itself, such as backend and machine."""
        info = self._ask("starting", {"op": "hello"}, replies.info_in)
        if info.protocol != PROTOCOL:
            raise RunnerRefused(
                "protocol", f"its protocol has version {info.protocol}, not {PROTOCOL}", None
            )
        return info

    def load(  # noqa: PLR0913 - options by keyword, each with its default
        self,
        name: str,
        flatbuffer: Path | bytes,
        *,
        threads: int = 1,
        backend: str | None = None,
        binding: Binding | None = None,
        sha256: str | None = None,
        shown: Path | None = None,
        timeout: float | None = None,
    ) -> LoadedModel:
        """Load a FlatBuffer under a name, replacing the previous one.

        Args:
            name: name of the model in later requests.
            flatbuffer: a file, which the transport copies to the device, or its bytes.
            threads: threads of the kernels.
            backend: name of another backend of the same runtime; by default the runner's own.
            binding: roles and limits of the inputs; None to use the names in the only signature and
                to allow any integer that is not negative.
            sha256: required hash of the file on the device; None to skip the check.
            shown: the user's file, for messages, if `flatbuffer` is a copy.
            timeout: seconds for this request; by default the runner's timeout.
        """
        request = {
            "op": "load",
            "name": name,
            "threads": threads,
            "backend": backend,
            "binding": None if binding is None else binding.to_request(),
            "sha256": sha256,
        }
        if isinstance(flatbuffer, Path):
            arrays = {}
            request["path"] = self._transport.place(flatbuffer)
            self._files[name] = str(shown or flatbuffer)
        else:
            arrays = {"content": byte_array(flatbuffer)}
            self._files[name] = f"{name} ({len(flatbuffer)} bytes from memory)"
        read = partial(replies.loaded_in, name=name)
        self.loaded[name] = self._ask("loading", request, read, arrays, timeout)
        return self.loaded[name]

    def answer(
        self, name: str, inputs: Mapping[str, NDArray[Any]], *, timeout: float | None = None
    ) -> Answers:
        """Classify n texts.

        The texts are given as arrays [n, tokens] by role, or by the input's name in the signature
        if there is no binding.
        """
        request = {"op": "answer", "name": name}

        def read(header: Header, arrays: ArraysByName) -> Answers:
            return replies.answers_in(header, arrays, replies.rows_in(inputs), self._model(name))

        return self._ask("answering", request, read, inputs, timeout)

    def race(
        self,
        inputs: Mapping[str, Mapping[str, NDArray[Any]]],
        *,
        rounds: int,
        warmup: int = 5,
        seed: int = 0,
        timeout: float | None = None,
    ) -> Race:
        """Time loaded models interleaved; in each round all models classify the same text.

        Args:
            inputs: for each model's name, arrays [n, tokens] by role, of the same n texts for every
                model. If there are more rounds than texts, the texts are used repeatedly.
            rounds: number of timed answers of each model.
            warmup: number of earlier rounds of which the times are discarded.
            seed: seed of the random order of texts and models.
            timeout: seconds for this request; by default the runner's timeout.
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
        arrays = {
            f"{number}/{role}": array
            for number, arrays_of_model in enumerate(inputs.values())
            for role, array in arrays_of_model.items()
        }
        texts = replies.rows_in(next(iter(inputs.values())))

        def read(_: Header, arrays: ArraysByName) -> Race:
            models = {name: self._model(name) for name in names}
            return replies.race_in(arrays, texts, rounds, models)

        return self._ask("racing", request, read, arrays, timeout)

    def classify(
        self,
        name: str,
        tokenizer: str,
        texts: Sequence[Sequence[str]],
        *,
        timeout: float | None = None,
    ) -> Classified:
        """Tokenize and classify texts on the device.

        Args:
            name: name of a loaded model.
            tokenizer: JSON of a tokenizer of the `tokenizers` library that cleans, truncates and
                pads.
            texts: for each text, either (text,) or (group, text).
            timeout: seconds for this request; by default the runner's timeout.
        """
        request = {
            "op": "classify",
            "name": name,
            "tokenizer": tokenizer,
            "texts": [list(text) for text in texts],
        }

        def read(_: Header, arrays: ArraysByName) -> Classified:
            return replies.classified_in(arrays, len(texts), self._model(name))

        return self._ask("classifying", request, read, timeout=timeout)

    def compute(
        self,
        flatbuffer: bytes,
        runs: Sequence[Sequence[NDArray[Any]]],
        *,
        threads: int = 1,
        timeout: float | None = None,
    ) -> tuple[tuple[NDArray[Any], ...], ...]:
        """Run a graph on arrays by position, without roles and without checks.

        Args:
            flatbuffer: the bytes of the file; its first subgraph is run.
            runs: input arrays by position, for each run; at least one run.
            threads: threads of the kernels.
            timeout: seconds for this request; by default the runner's timeout.

        Returns:
            Output arrays by position, for each run.
        """
        request = {"op": "compute", "threads": threads, "runs": len(runs)}
        arrays = {"content": byte_array(flatbuffer)} | {
            f"{number}/{place}": array
            for number, inputs in enumerate(runs)
            for place, array in enumerate(inputs)
        }
        read = partial(replies.computed_in, runs=len(runs))
        return self._ask("computing a graph", request, read, arrays, timeout)

    def usage(self) -> Usage:
        """Return memory, CPU time and age of the runner's process."""
        return self._ask("measuring itself", {"op": "usage"}, replies.usage_in)

    def audit(self) -> tuple[AuditEvent, ...]:
        """Return the records of the audit; the runner must have been started with `audit`."""
        return self._ask("reporting its audit", {"op": "audit"}, replies.audit_in)

    def close(self) -> None:
        """End the runner; a second call does nothing."""
        channel, self._channel = self._channel, None
        if channel is None:
            return
        # A runner ends when the stream of requests ends.
        with suppress(OSError):
            channel.requests.close()
        channel.wait(_SECONDS_TO_END)
        channel.close()

    def _model(self, name: str) -> LoadedModel:
        return replies.model_of(self.loaded, name)

    def _ask(
        self,
        doing: str,
        request: dict[str, Any],
        read: Callable[[Header, ArraysByName], T],
        arrays: Mapping[str, NDArray[Any]] | None = None,
        timeout: float | None = None,
    ) -> T:
        """Send a request and parse the reply; after an invalid reply, end the runner.

        Raises:
            RunnerDied: the runner ended, or had to be ended.
            RunnerRefused: the runner refused the request.
        """
        if self._death is not None:
            raise self._death
        if self._channel is None:
            raise RuntimeError("the runner is used outside its with block")
        file = self._files.get(request.get("name", ""))
        allowed = (timeout or self._timeout) * self._transport.patience
        # The runner ends itself after this time, even if the client can no longer reach it.
        request = {**request, "seconds": allowed + _SECONDS_TO_END}
        wrong, fault = "", None
        with watchdog(self._channel, allowed) as expired:
            try:
                write_message(self._channel.requests, request, arrays)
                reply = read_message(
                    self._channel.answers, LARGEST_ANSWER_HEADER, LARGEST_ANSWER_ARRAYS
                )
                if reply is not None:
                    fault = replies.fault_in(reply[0])
                    if fault is None:
                        return read(*reply)
            except OSError:
                pass  # a broken pipe: the process's exit status explains more
            except (FramingError, replies.WrongReplyError) as error:
                wrong = f"sent an invalid reply ({error})"
            except BaseException:
                # After an interruption the reply may still arrive, and would be read as the reply
                # to the next request.
                self._channel.kill()
                raise
        if fault is not None:
            raise RunnerRefused(fault.kind, fault.message, file)
        late = f"took longer than {allowed:g} s and was killed" if expired() else ""
        self._death = self._record_death(late, wrong, doing, file)
        raise self._death

    def _record_death(self, late: str, wrong: str, doing: str, file: str | None) -> RunnerDied:
        channel, self._channel = self._channel, None
        if channel is None:
            raise RuntimeError("the runner was closed by another thread")
        if wrong:
            channel.kill()
        with suppress(OSError):
            channel.requests.close()
        status = channel.wait(_SECONDS_TO_END)
        last_words = channel.last_lines()
        if channel.lost_connection(status):
            death: RunnerDied = ConnectionLost(self._transport.describe(), doing, file, last_words)
        else:
            ended = None if status is None else ending_of(status)
            death = RunnerDied(
                late or wrong or ended or "closed its output", doing, file, last_words
            )
            if status is not None and not (late or wrong):
                death.signal = signal_of(status)
            death.remedy = WAITED if late else death.remedy
        channel.close()
        return death
