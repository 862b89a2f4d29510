"""Take a request from one JSON file, and write the answer into another."""

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
    """Answer the request that the command line names, or write why nothing was localized.

    Args:
        program: the command, for its help.
        description: what it does, for its help.
        request: the type of the request.
        localize: answers it; an `EdgeproofError` and a runtime's `Refusal` are the reason why not.

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
