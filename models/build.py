"""The builder: `python -m models.build SUBJECT` makes every artefact of a subject.

The only process that imports TensorFlow. Progress goes to stderr; stdout gets one JSON document,
{"artefacts": {...}} or {"error": {...}}. What the libraries print goes to a log in the store.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path

from models.errors import EdgeproofError
from models.plan import make_plan, make_request
from models.progress import Progress
from models.store import Store, default_root
from models.subjects import load_subject


def main(arguments: list[str] | None = None) -> int:
    """Build what is missing; return the exit code (0, 4 for the user's mistake, else 1)."""
    options = _parser().parse_args(arguments)
    store = Store(options.cache_dir)
    progress = Progress(os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"))
    log: Path | None = None
    try:
        plan = make_plan(
            make_request(
                load_subject(options.subject),
                schemes=tuple(options.schemes),
                corpus=options.corpus,
                pretrained=options.pretrained,
                offline=options.offline,
            )
        )
        log = _divert_output(store)
        from models.stages import Builder  # noqa: PLC0415 - after the log is in place

        Builder(store, plan, progress).build()
    except EdgeproofError as error:
        return _answer({"error": error.describe()}, error.exit_code)
    except Exception:  # noqa: BLE001 - the last line of defense: no traceback reaches a user
        traceback.print_exc()
        last = traceback.format_exc().strip().splitlines()[-1]
        failure = EdgeproofError(
            f"the builder failed: {last}", file=log, remedy="The log above holds the details"
        )
        return _answer({"error": failure.describe()}, failure.exit_code)
    artefacts = {f"{s.name}/{s.key}": str(store.path(s)) for s in plan.stages()}
    return _answer({"artefacts": artefacts}, 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.build", description=__doc__)
    parser.add_argument("subject", help="a shipped subject's name, or the path of a TOML file")
    parser.add_argument("--corpus", type=Path, help="labelled tweets (CSV, TSV, JSON lines, zip)")
    parser.add_argument("--pretrained", help="a checkpoint's folder or hub id")
    parser.add_argument(
        "--schemes", type=lambda text: text.split(","), default=[], help="default: the subject's"
    )
    parser.add_argument(
        "--cache-dir", type=Path, default=default_root(), help="the store (default: %(default)s)"
    )
    parser.add_argument("--offline", action="store_true", help="never reach for the hub")
    return parser


def _divert_output(store: Store) -> Path:
    """Send what the libraries print to a log; stdout keeps its one document."""
    log = store.log()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, sys.stderr.fileno())
    answer = os.dup(sys.stdout.fileno())
    os.dup2(descriptor, sys.stdout.fileno())
    sys.stdout = os.fdopen(answer, "w", encoding="utf-8")
    return log


def _answer(document: dict[str, object], code: int) -> int:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
