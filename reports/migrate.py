"""Migrate a results.json of an earlier version: `python -m reports.migrate OLD --out NEW`.

The other commands in `reports` read earlier versions directly; this command is for your own
programs.

Exit codes: 0 written; 1 the document cannot be read or written; 4 usage.
"""

from __future__ import annotations

import sys

from models.command_line import Parser, complain, path, run_command
from models.errors import EdgeproofError
from models.escaping import one_line
from reports.documents.results import read_results, write_results


def main(arguments: list[str] | None = None) -> int:
    """Read, migrate and write a document, and print its path; return the exit code."""
    parser = Parser(prog="python -m reports.migrate", description=__doc__)
    parser.add_argument("old", type=path, help="a results.json of any version")
    parser.add_argument("--out", type=path, required=True, help="the document to write")
    try:
        options = parser.parse_args(arguments)
        write_results(options.out, read_results(options.old))
    except EdgeproofError as error:
        return complain(error)
    sys.stdout.write(f"{one_line(options.out)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
