"""The builder: `python -m models.build SUBJECT` makes every artefact of a subject.

Only builders import TensorFlow or PyTorch; several processes share the work if that is faster.
Progress is printed to stderr; stdout gets one JSON document, {"artefacts": {...}} or
{"error": {...}}. The output of the libraries goes to a log in the store.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING

from models.build_tasks import make_beside_others
from models.building import helpers
from models.building.checkpoints import make_folders_absolute
from models.building.plan import make_plan, make_request
from models.command_line import Parser, path, run_command
from models.errors import EdgeproofError
from models.files.paths import name_or_file
from models.files.unfinished_files import scratch_folder
from models.processes.signals import stop_with_stdin
from models.processes.standard_streams import open_output, raise_lost
from models.progress import Progress
from models.store import Store, default_root
from models.subjects import load_subject

if TYPE_CHECKING:
    from pathlib import Path

    from models.build_tasks import PlanBuilder
    from models.building.plan import Plan

# Seconds that a helper gets to stop, before it is ended by force. Native code that trains or
# converts for minutes does not handle signals, and the unfinished epoch is lost anyway.
_SECONDS_OF_A_HELPER = 2.0
# Seconds that the builder gets to stop, because it also waits for its helpers.
SECONDS_TO_STOP = 2 * _SECONDS_OF_A_HELPER
_MOST_HELPERS = 16
# Settings that at least double the texts per second of a fine-tuning, measured on two cores.
ENVIRONMENT = {
    # TensorFlow has threads of its own; a second pool below them would compete with these.
    "OMP_NUM_THREADS": "1",
    "KMP_BLOCKTIME": "0",
    "OMP_WAIT_POLICY": "PASSIVE",
    # Keep freed memory for the next step: returning it to the system costs a page fault per page.
    "MALLOC_TOP_PAD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def main(arguments: list[str] | None = None) -> int:
    """Build missing artefacts; return the exit code: 0, 4 after a mistake of the user, else 1."""
    answers = open_output(os.dup(sys.stdout.fileno()), raise_lost)
    stderr = os.dup(sys.stderr.fileno())
    with scratch_folder("edgeproof-build-") as scratch:
        # Temporary files of the libraries are removed together with this folder.
        tempfile.tempdir = str(scratch)
        code, document = _build(sys.argv[1:] if arguments is None else arguments, stderr)
    answers.write(json.dumps(document) + "\n")
    answers.flush()
    return code


def _build(arguments: list[str], stderr: int) -> tuple[int, dict[str, object]]:
    """Build missing artefacts; return the exit code and the document for stdout.

    Args:
        arguments: arguments of the command.
        stderr: a duplicate of stderr's descriptor, for progress.
    """
    log: Path | None = None
    try:
        options = _parser().parse_args(arguments)
        if options.until_stdin_ends or options.beside_others:
            stop_with_stdin()
        # Other processes that wait for an artefact of a helper print this id, so it is that of the
        # builder that started the helper.
        run = os.getppid() if options.beside_others else os.getpid()
        store = Store(options.cache_dir, run)
        plan = make_plan(
            make_request(
                load_subject(name_or_file(options.subject)),
                schemes=options.schemes,
                corpus=options.corpus,
                pretrained=options.pretrained,
                offline=options.offline,
            )
        )
        helper_count = helpers.size(plan, store) if options.helpers is None else options.helpers
        if helper_count and not options.beside_others:
            helpers.work(
                helper_count,
                arguments,
                threads=helpers.threads(plan, store),
                stderr=stderr,
                seconds_to_stop=_SECONDS_OF_A_HELPER,
            )
        log = _divert_output(store)
        progress = Progress(open_output(stderr, lambda _: None), alone=not options.beside_others)
        builder = _builder_of(plan)(store, plan, progress)
        if options.beside_others:
            make_beside_others(builder.tasks, store, progress.say, meanwhile=_import_tensorflow)
        else:
            builder.build()
    except EdgeproofError as error:
        return error.exit_code, {"error": error.describe()}
    except Exception:  # noqa: BLE001 - users get a message, and the traceback goes to the log
        traceback.print_exc()
        last_line = traceback.format_exc().strip().splitlines()[-1]
        failure = EdgeproofError(
            f"the builder failed: {last_line}", file=log, remedy="See the log above for the reason"
        )
        return failure.exit_code, {"error": failure.describe()}
    artefacts = {f"{s.name}/{s.key}": str(store.path(s)) for s in plan.stages()}
    return 0, {"artefacts": artefacts}


def _builder_of(plan: Plan) -> type[PlanBuilder]:
    """Return the builder of a plan: TensorFlow's, or PyTorch's."""
    if plan.request.by_pytorch:
        from models.huggingface import builder  # noqa: PLC0415 - imports PyTorch, whose output must go to the log

        return builder.Builder
    from models.building import stages  # noqa: PLC0415 - its output must go to the log

    return stages.Builder


def _import_tensorflow() -> None:
    """Import TensorFlow while another helper makes the corpus, which every training needs."""
    importlib.import_module("keras")


def _parser() -> Parser:
    parser = Parser(prog="python -m models.build", description=__doc__)
    parser.add_argument("subject", help="a shipped subject's name, or the path of a TOML file")
    parser.add_argument("--corpus", type=path, help="labelled texts (CSV, TSV, JSON lines, zip)")
    parser.add_argument(
        "--pretrained", type=make_folders_absolute, help="a checkpoint's folder or hub id"
    )
    parser.add_argument("--schemes", type=_schemes, default=(), help="default: the subject's")
    parser.add_argument(
        "--cache-dir", type=path, default=default_root(), help="the store (default: %(default)s)"
    )
    parser.add_argument(
        "--offline", action="store_true", help="never fetch from the Hugging Face hub"
    )
    parser.add_argument(
        "--until-stdin-ends",
        action="store_true",
        help="stop when stdin is closed, for example because the parent process ended",
    )
    parser.add_argument(
        "--helpers",
        type=int,
        choices=range(_MOST_HELPERS + 1),
        metavar="N",
        help="how many helper processes share the work; 0 for none (default: as many as "
        "make the build faster)",
    )
    parser.add_argument(
        "--beside-others",
        action="store_true",
        help="run as a helper: make only artefacts that no other builder is making",
    )
    return parser


def _schemes(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _divert_output(store: Store) -> Path:
    """Send the output of libraries, native code included, to a log in the store."""
    log = store.log()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    return log


def _prepare_environment() -> None:
    """Restart this program with the variables in ENVIRONMENT, unless they are already set."""
    if ENVIRONMENT.items() <= os.environ.items():
        return
    command = [sys.executable, "-m", "models.build", *sys.argv[1:]]
    os.execve(sys.executable, command, os.environ | ENVIRONMENT)  # noqa: S606 - starts this program again


if __name__ == "__main__":
    _prepare_environment()
    helps = "--beside-others" in sys.argv
    sys.exit(run_command(main, seconds=_SECONDS_OF_A_HELPER if helps else SECONDS_TO_STOP))
