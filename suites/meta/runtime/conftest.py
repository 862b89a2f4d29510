"""Share tiny FlatBuffers, encoded texts and started runners among the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.runtime.available import available_backends
from models.runtime.client import Runner
from models.runtime.transports import LocalTransport
from suites.meta.tiny_models import INPUTS, inputs_by_role, make_tiny_models, sample_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# Each runtime with its default kernels; suites/meta/backends tests all backends.
RUNTIMES = [backend.name for backend in available_backends(("ai_edge_litert", "tflite_runtime"))]


@pytest.fixture(scope="session")
def tiny() -> dict[str, Path]:
    """Return the tiny FlatBuffers by name."""
    return make_tiny_models()


@pytest.fixture(scope="session")
def by_name() -> dict[str, NDArray[np.int32]]:
    """Return thirty encoded texts: int32 arrays [30, 16] by input name."""
    rows = list(sample_inputs(30))
    return {name: np.concatenate([row[name] for row in rows]) for name in INPUTS}


@pytest.fixture(scope="session")
def texts(by_name: dict[str, NDArray[np.int32]]) -> dict[str, NDArray[np.int32]]:
    """Return the same texts by role, as inputs of a bound model."""
    return inputs_by_role(by_name)


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """Return the name of each installed runtime in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def runner(runtime: str) -> Iterator[Runner]:
    """Start a runner on each installed runtime in turn, shared by a file's tests."""
    with Runner(LocalTransport(), runtime) as started:
        yield started


@pytest.fixture
def with_planted_tokenizers(tmp_path: Path) -> Callable[..., Runner]:
    """Return a function that makes a runner whose package `tokenizers` has the given source."""

    def plant(source: str, **options: Any) -> Runner:
        (tmp_path / "tokenizers.py").write_text(source, encoding="utf-8")
        transport = LocalTransport(environment={"PYTHONPATH": str(tmp_path)})
        return Runner(transport, RUNTIMES[0], **options)

    return plant
