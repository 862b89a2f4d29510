"""Run `python -m models.flatbuffers inspect FILE`: describe a FlatBuffer and its problems.

Needs neither a runtime nor TensorFlow. The exit code is 1 if a finding is an error, 4 if the file
is not a FlatBuffer, and otherwise 0.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from models.command_line import Parser, complain, path, readable, run_command
from models.errors import EdgeproofError, UsageMistake
from models.escaping import in_json
from models.flatbuffers.describing import damaged_document, document_of, inspect_file, text_of
from models.flatbuffers.findings import findings_of
from models.flatbuffers.schemes import scheme_named

if TYPE_CHECKING:
    import argparse

AS = "--as"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code."""
    try:
        options = _parser().parse_args(arguments)
        if options.claimed is not None:
            scheme_named(options.claimed, key=AS)
        return _inspect(options)
    except EdgeproofError as error:
        return complain(error)


def _parser() -> Parser:
    parser = Parser(prog="python -m models.flatbuffers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    inspecting = commands.add_parser("inspect", help="describe a FlatBuffer and its problems")
    inspecting.add_argument("file", type=path, help="a .tflite file")
    inspecting.add_argument(
        AS,
        dest="claimed",
        metavar="SCHEME",
        help="the scheme that it should have, one of schemes.toml",
    )
    inspecting.add_argument("--json", action="store_true", help="a document for programs")
    return parser


def _inspect(options: argparse.Namespace) -> int:
    try:
        inspected = inspect_file(options.file, options.claimed, AS)
    except EdgeproofError as error:
        if options.json:
            sys.stdout.write(in_json(readable(damaged_document(error))) + "\n")
        # A usage mistake, because the person who gave the file can correct it.
        raise UsageMistake(**error.describe()) from None  # type: ignore[arg-type] # the table has the arguments' names
    findings = findings_of(inspected)
    document = document_of(inspected, findings)
    sys.stdout.write(in_json(readable(document)) + "\n" if options.json else text_of(document))
    return (
        EdgeproofError.exit_code if any(finding.severity == "error" for finding in findings) else 0
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
