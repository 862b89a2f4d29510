"""Print the scoreboard of a run: `python -m reports.scoreboard [RUN] [--as text|markdown|csv]`.

Exit codes: 0 printed; 1 the document cannot be read; 4 usage.
"""

from __future__ import annotations

import sys

from models.command_line import Parser, path, run_command
from models.errors import EdgeproofError
from reports.documents.results import read_results
from reports.documents.runs import OUT, RESULTS
from reports.texts.scoreboard import as_csv, as_markdown, as_text


def main(arguments: list[str] | None = None) -> int:
    """Print the scoreboard that the command line requests; return the exit code."""
    forms = {"text": as_text, "markdown": as_markdown, "csv": as_csv}
    parser = Parser(
        prog="python -m reports.scoreboard", description="Print the scoreboard of a run."
    )
    parser.add_argument(
        "run",
        type=path,
        nargs="?",
        default=OUT,
        help=f"a run's folder, or its {RESULTS} (default: %(default)s)",
    )
    parser.add_argument(
        "--as", dest="form", choices=forms, default="text", help="the format (default: %(default)s)"
    )
    try:
        options = parser.parse_args(arguments)
        file = options.run if options.run.suffix == ".json" else options.run / RESULTS
        sys.stdout.write(forms[options.form](read_results(file)))
    except EdgeproofError as error:
        sys.stderr.write(f"scoreboard: error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
