"""Run `python -m models.kernels FILE`: print which operators of a file have proven kernels."""

from __future__ import annotations

import sys
from typing import Any

from models.command_line import Parser, answer, path
from models.kernels.arithmetic import arithmetic_of
from models.kernels.asking import AskedBackend
from models.kernels.coverage import Coverage, coverage
from models.kernels.reading import Instances
from models.runtime.available import available_backends, read_backend
from models.runtime.transports import LocalTransport


def main() -> dict[str, Any]:
    """Return a summary of the coverage on each requested backend, by the backend's name."""
    parser = Parser(prog="python -m models.kernels", description=__doc__)
    parser.add_argument("file", type=path, help="a TFLite or LiteRT FlatBuffer")
    parser.add_argument(
        "--backend",
        action="append",
        help="backend to test, may be repeated (default: the first one that is available)",
    )
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    names = options.backend or [available_backends()[0].name]
    coverages: dict[str, Any] = {}
    for name in names:
        read_backend(name)
        with AskedBackend(LocalTransport(), name) as backend:
            covered = coverage(
                Instances(options.file),
                backend,
                threads=options.threads,
                arithmetic=arithmetic_of(name),
            )
            coverages[name] = summary_of(covered)
    return coverages


def summary_of(covered: Coverage) -> dict[str, Any]:
    """Return the texts to print for a coverage, by name; `not_proven` is a list of texts."""
    described = covered.describe()
    return {
        "kernel_coverage": f"{covered.share:.1%} of {len(covered.operators)} operators",
        "multiply_accumulates": f"{covered.multiply_accumulates:.1%}",
        **{state: str(count) for state, count in described["states"].items()},
        "graphs": f"{covered.asked_graphs} of {covered.graphs}",
        "not_proven": described["not_proven"],
    }


if __name__ == "__main__":
    sys.exit(answer(main))
