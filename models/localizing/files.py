"""Read a request from one JSON file, and write the answer into another."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from models.backends.common.refusals import Refusal
from models.errors import EdgeproofError

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")


def answer_file(
    program: str, description: str | None, request: type[R], localize: Callable[[R], dict[str, Any]]
) -> int:
    """Read the request named on the command line; write the answer, or why there is none.

    Args:
        program: name of the command, for its help.
        description: description of the command, for its help.
        request: type of the request.
        localize: computes the answer; an `EdgeproofError` or a `Refusal` is written as the reason.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("request", type=Path, help="JSON: see Request")
    parser.add_argument("answer", type=Path, help="the JSON file to write")
    arguments = parser.parse_args()
    question = msgspec.json.decode(arguments.request.read_bytes(), type=request)
    try:
        answer = localize(question)
    except (Refusal, EdgeproofError) as error:
        answer = {"not_localized": str(error)}
    arguments.answer.write_text(json.dumps(answer, indent=1), encoding="utf-8")
    return 0
