"""Run `python -m models.candidates describe FILE ...`: print a TOML about the files to start from.

The command only reads the files, and needs neither a runtime nor TensorFlow.
"""

from __future__ import annotations

import sys

from models.candidates.describe import describe, toml_of
from models.command_line import Parser, complain, path, run_command
from models.errors import EdgeproofError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code (0, or 4 for a mistake of the user)."""
    try:
        options = _parser().parse_args(arguments)
        sys.stdout.write(toml_of([describe(file) for file in options.files]))
    except EdgeproofError as error:
        return complain(error)
    return 0


def _parser() -> Parser:
    parser = Parser(prog="python -m models.candidates", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    describing = commands.add_parser(
        "describe", help="print a TOML file that describes a .tflite file, to start from"
    )
    describing.add_argument("files", type=path, nargs="+", metavar="FILE", help="a .tflite file")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
