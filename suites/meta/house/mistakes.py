"""List mistakes of users with parts of the expected messages."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suites.meta.gates.miniature import make_files
from suites.meta.gates.running import without_repeated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUBJECT, CORPUS, BUDGETS = "mini.toml", "mini.csv", "budgets.toml"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A mistake in the files of the miniature subject or on the command line.

    Attributes:
        says: texts that the message must contain, such as file, key and remedy.
        change: name of a file, text to replace, replacement; None for no change.
        prepare: function that changes the folder in another way; None for no change.
        arguments: additional arguments; `{folder}` stands for the folder of the miniature's files.
    """

    says: tuple[str, ...]
    change: tuple[str, str, str] | None = None
    prepare: Callable[[Path], None] | None = None
    arguments: tuple[str, ...] = ()

    def make(self, folder: Path) -> list[str]:
        """Write the files with the mistake; return the arguments of a run that uses them."""
        make_files(folder)
        if self.change is not None:
            file, old, new = self.change
            text = (folder / file).read_text(encoding="utf-8")
            assert old in text
            (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        if self.prepare is not None:
            self.prepare(folder)
        options = {
            "subject": folder / SUBJECT,
            "corpus": folder / CORPUS,
            "budgets": folder / BUDGETS,
            "cache-dir": folder / "store",
        }
        own = [argument.format(folder=folder) for argument in self.arguments]
        usual = [f"--edge-{name}={value}" for name, value in options.items()]
        return [*without_repeated(usual, own), *own]


def _only_header(folder: Path) -> None:
    file = folder / CORPUS
    file.write_text(file.read_text("utf-8").splitlines()[0] + "\n", encoding="utf-8")


def _one_class(folder: Path) -> None:
    file = folder / CORPUS
    text = file.read_text("utf-8")
    for polarity in ("NEGATIVE", "NEUTRAL"):
        text = text.replace(f",{polarity},", ",POSITIVE,")
    file.write_text(text, encoding="utf-8")


def _checkpoint(
    *, without: str | None = None, misshaped: str | None = None
) -> Callable[[Path], None]:
    """Write a tiny published encoder, and a subject that fine-tunes it."""

    def prepare(folder: Path) -> None:
        from suites.meta.house.checkpoint import write_checkpoint  # noqa: PLC0415 - slow to import

        write_checkpoint(folder / "checkpoint", without=without, misshaped=misshaped)
        text = (folder / SUBJECT).read_text(encoding="utf-8")
        start, _, _ = text.partition("[full.network]")
        start = start.replace('"trained"\nvocabulary = 300', '"pretrained"')
        training = "[full]\npretrained = true\n\n[full.training]\nepochs = 1\nbatch = 30\n"
        (folder / SUBJECT).write_text(f"{start}{training}learning_rate = 1e-4\n", encoding="utf-8")

    return prepare


def _no_checkpoint(folder: Path) -> None:
    _checkpoint()(folder)
    shutil.rmtree(folder / "checkpoint")


def _no_corpus(folder: Path) -> None:
    shutil.move(folder / CORPUS, folder / "elsewhere.csv")


PRETRAINED = ("--edge-pretrained={folder}/checkpoint",)
WEIGHT = "encoder.layer.0.attention.self.query.weight"


def _in_the_way(folder: Path) -> None:
    """Create a file, a folder and a FIFO, which are then given as paths of outputs."""
    (folder / "file").touch()
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")


# Mistakes that are reported before any test runs.
WHEN_ASKED = {
    "a bundle to be written over a folder": Mistake(
        says=("folder: --edge-export-bundle", "is a folder", "Give the path of a file"),
        prepare=_in_the_way,
        arguments=("--edge-export-bundle={folder}/folder",),
    ),
    "a bundle of the answers of an emulated GPU": Mistake(
        says=(
            "--edge-export-bundle: a bundle can be exported only from a run",
            "Remove --edge-emulate",
        ),
        arguments=("--edge-emulate=gpu", "--edge-export-bundle={folder}/board.edge"),
    ),
    "a report below a file": Mistake(
        says=("--edge-report-dir", "file is a file, not a folder", "Give the path of a folder"),
        prepare=_in_the_way,
        arguments=("--edge-report-dir={folder}/file/report",),
    ),
    "a store to where nobody can write": Mistake(
        says=("--edge-cache-dir", "cannot be written"),
        arguments=("--edge-cache-dir=/proc/store",),
    ),
    "a corpus that is a FIFO": Mistake(
        says=("fifo: --edge-corpus", "is a FIFO, not a file"),
        prepare=_in_the_way,
        arguments=("--edge-corpus={folder}/fifo",),
    ),
    "an unknown subject": Mistake(
        says=("--edge-subject", "'nobody'", "Give one of", "embedded"),
        arguments=("--edge-subject=nobody",),
    ),
    "a subject file that is not there": Mistake(
        says=("nowhere.toml", "no such file", "Check the path"),
        arguments=("--edge-subject={folder}/nowhere.toml",),
    ),
    "a subject that is not TOML": Mistake(
        says=(SUBJECT, "is not valid TOML", "line"), change=(SUBJECT, "seed = 5", "seed = = 5")
    ),
    "a subject with an unknown key": Mistake(
        says=(SUBJECT, "learning_rat`", "learning_rate,"),
        change=(SUBJECT, "learning_rate", "learning_rat"),
    ),
    "a subject with a value of the wrong type": Mistake(
        says=(SUBJECT, "full.network.layers", "int"), change=(SUBJECT, "layers = 1", 'layers = "1"')
    ),
    "an unknown scheme in a subject": Mistake(
        says=("subject 'mini': schemes", "'float8'", "float16"),
        change=(SUBJECT, '"float16"', '"float8"'),
    ),
    "an unknown scheme": Mistake(
        says=("--edge-schemes", "'float8'", "float16"), arguments=("--edge-schemes=float8",)
    ),
    "an unknown backend": Mistake(
        says=(
            "--edge-backend",
            "of_tomorrow",
            "the backends are ai_edge_litert",
            "docs/backends.md",
        ),
        arguments=("--edge-backend=of_tomorrow",),
    ),
    "no threads": Mistake(says=("--edge-threads", "'0'"), arguments=("--edge-threads=0",)),
    "a million threads": Mistake(
        says=("--edge-threads", "1,000,000 threads are too many", "Give a number from 1 to"),
        arguments=("--edge-threads=1000000",),
    ),
    "unknown budgets": Mistake(
        says=("--edge-budgets", "'generous'", "embedded"), arguments=("--edge-budgets=generous",)
    ),
    "a budget without unit": Mistake(
        says=(BUDGETS, "accuracy_drop.max", "points"), change=(BUDGETS, '"4 points"', '"4"')
    ),
    "a budget that is a bare number": Mistake(
        says=(BUDGETS, "accuracy_drop.max"), change=(BUDGETS, '"4 points"', "4")
    ),
    "a budget below chance": Mistake(
        says=(BUDGETS, "agreement.min", "chance"), change=(BUDGETS, '"95 %"', '"0.95 %"')
    ),
    "a budget of an unknown metric": Mistake(
        says=(BUDGETS, "'beauty'", "Known metrics"), change=(BUDGETS, "[agreement]", "[beauty]")
    ),
    "a budget of an unknown scheme": Mistake(
        says=(BUDGETS, "accuracy.float8", "Known schemes"),
        change=(BUDGETS, "[accuracy.full_model]", "[accuracy.float8]"),
    ),
    "no such corpus": Mistake(says=(CORPUS, "--edge-corpus", "Check the path"), prepare=_no_corpus),
    "a corpus for a subject that makes its own": Mistake(
        says=("--edge-corpus", "'embedded'", "Remove the option"),
        arguments=("--edge-subject=embedded",),
    ),
    "a checkpoint for a subject that trains from scratch": Mistake(
        says=("--edge-pretrained", "'mini'", "Remove the option"),
        arguments=("--edge-pretrained=owner/name",),
    ),
}


def _nothing(folder: Path) -> None:
    (folder / CORPUS).write_text("")


# Mistakes that are reported when the builder reads its inputs.
WHEN_BUILDING = {
    "an empty corpus": Mistake(says=(CORPUS, "empty"), prepare=_nothing),
    "a corpus without texts": Mistake(says=(CORPUS, "no texts"), prepare=_only_header),
    "a column that is not there": Mistake(
        says=(CORPUS, "corpus.columns.text", "'review'", "columns: 'id'"),
        change=(SUBJECT, 'text = "text"', 'text = "review"'),
    ),
    "a label outside the declared ones": Mistake(
        says=(CORPUS, "line 2", "'DREADFUL'", "declared one (NEGATIVE"),
        change=(CORPUS, ",NEGATIVE,", ",DREADFUL,"),
    ),
    "one class only": Mistake(says=(CORPUS, "POSITIVE"), prepare=_one_class),
    "no such checkpoint": Mistake(
        says=("--edge-pretrained", "checkpoint", "hub id"),
        prepare=_no_checkpoint,
        arguments=PRETRAINED,
    ),
    "a checkpoint without one of its tensors": Mistake(
        says=("model.safetensors", WEIGHT, "missing", "[32, 32]"),
        prepare=_checkpoint(without=WEIGHT),
        arguments=PRETRAINED,
    ),
    "a checkpoint with a tensor of another shape": Mistake(
        says=("model.safetensors", WEIGHT, "[16, 32]", "[32, 32]"),
        prepare=_checkpoint(misshaped=WEIGHT),
        arguments=PRETRAINED,
    ),
}
