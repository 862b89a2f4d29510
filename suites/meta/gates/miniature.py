"""Make a miniature subject: unambiguous texts, and models that are built in a minute.

Every gate is green on the miniature, so a gate that is red with a planted fault detected it.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.artefact import MANIFEST, Artefact, manifest_of, open_artefact
from models.artefact_names import FLATBUFFER
from models.build import ENVIRONMENT
from models.building.plan import make_plan, make_request
from models.paper_recipe import TOKENS, paper_stage
from models.store import PROJECT, Stage, Store, hash_file
from models.subjects import load_subject
from suites.meta.gates.running import TIMEOUT, environment
from suites.meta.small_classifiers import classifier

if TYPE_CHECKING:
    from models.building.plan import Plan

FILES = Path(__file__).parent
SUITES = (
    "accuracy",
    "agreement",
    "backends",
    "conformance",
    "goal",
    "latency",
    "memory",
    "privacy",
    "size",
)
GATES = tuple(f"suites/{room}" for room in SUITES)

COUNTS = {"train": 450, "validation": 60, "calibration": 60, "test": 600}
ENTITIES = ("Acme Air", "Borealis Bank", "Cygnus College", "Delta Drums", "Ember Energy", "Fjord")
CLEAR_WORDS = {
    "NEGATIVE": ("AWFUL", "BROKEN", "CRUEL", "DIRTY", "EVIL", "FAILED", "GROSS", "HATED"),
    "NEUTRAL": ("APRIL", "BUREAU", "COUNTY", "DISTRICT", "EDITION", "FRIDAY", "GAZETTE", "HALL"),
    "POSITIVE": ("ADORED", "BEST", "CHARMING", "DELIGHT", "EXCELLENT", "FINE", "GREAT", "HAPPY"),
}
# Maximum number of word pieces of the miniature's tokenizer.
_ROOM_FOR_IDS = 300
FILLERS = ("the", "a", "with", "at", "seen", "from", "again", "today", "people", "news", "their")


@dataclass(frozen=True)
class Miniature:
    """The subject's files, and the store that holds its artefacts.

    Attributes:
        folder: folder of the subject, the texts and the budgets.
        store: the store's folder.
    """

    folder: Path
    store: Path

    @property
    def subject(self) -> Path:
        """Return the path of the subject's TOML file."""
        return self.folder / "mini.toml"

    @property
    def corpus(self) -> Path:
        """Return the path of the labelled texts."""
        return self.folder / "mini.csv"

    @property
    def budgets(self) -> Path:
        """Return the path of the budgets."""
        return self.folder / "budgets.toml"

    @property
    def guards(self) -> Path:
        """Return the path of the regression guards."""
        return self.folder / "guards.toml"

    def plan(self) -> Plan:
        """Return the artefacts with their keys."""
        return make_plan(make_request(load_subject(str(self.subject)), corpus=self.corpus))

    def artefact(self, name: str) -> Path:
        """Return the folder of `corpus`, `full`, `small` or of a scheme's variant."""
        plan = self.plan()
        stages = {"corpus": plan.corpus, "full": plan.full, "small": plan.small, **plan.variants}
        return Store(self.store).path(stages[name])

    def stored(self, name: str) -> Artefact:
        """Return the stored artefact with this name."""
        folder = self.artefact(name)
        return open_artefact(folder, Stage.key_of)

    def flatbuffer(self, scheme: str) -> Path:
        """Return the path of a scheme's FlatBuffer."""
        return self.artefact(scheme) / "model.tflite"

    def copied_to(self, store: Path) -> Miniature:
        """Return the same subject with a copy of the store; files are links until replaced."""
        shutil.copytree(self.store, store, copy_function=os.link)
        return replace(self, store=store)

    def rewrite(self, member: Path, content: bytes, *, manifest: bool = True) -> None:
        """Replace a member and its hash in the manifest, so only a gate can detect the change."""
        member.unlink()
        member.write_bytes(content)
        if manifest:
            file = member.parent / MANIFEST
            document = json.loads(file.read_text(encoding="utf-8"))
            document["members"][member.name] = hash_file(member)
            file.unlink()
            text = manifest_of(document["stage"], document["recipe"], document["members"], {})
            file.write_bytes(text)


def make_files(folder: Path) -> None:
    """Write the subject, its texts, its budgets and its guards."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mini.toml", "budgets.toml", "guards.toml"):
        shutil.copy(FILES / name, folder / name)
    with (folder / "mini.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("id", "entity", "text", "polarity", "split"))
        lines.writerows(_texts())


def _texts() -> list[tuple[object, ...]]:
    """Return rows of distinct texts: filler words around two words that determine the label."""
    draw = random.Random(11)  # noqa: S311 - repeatable, not a secret
    rows: list[tuple[object, ...]] = []
    texts_made = set()
    for split, count in COUNTS.items():
        for number in range(count):
            polarity = list(CLEAR_WORDS)[number % len(CLEAR_WORDS)]
            text = ""
            while not text or text in texts_made:
                words = draw.sample(CLEAR_WORDS[polarity], 2) + draw.sample(FILLERS, 5)
                draw.shuffle(words)
                text = " ".join(words)
            texts_made.add(text)
            rows.append((len(rows), draw.choice(ENTITIES), text, polarity, split))
    return rows


def build_command(mini: Miniature) -> list[str]:
    """Return the command line of the builder."""
    options = ["--corpus", str(mini.corpus), "--cache-dir", str(mini.store)]
    return [sys.executable, "-m", "models.build", str(mini.subject), *options]


def build(mini: Miniature) -> None:
    """Build every artefact of the miniature.

    Raises:
        RuntimeError: the builder failed; contains its output.
    """
    done = subprocess.run(
        build_command(mini),
        cwd=PROJECT,
        env=environment() | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    if done.returncode:
        raise RuntimeError(f"the builder failed: {done.stdout}\n{done.stderr}")
    Store(mini.store).get(paper_stage(), _stand_in)


def _stand_in(out: Path) -> None:
    """Write a replacement for the paper's recipe, whose conversion takes half a minute.

    It is faster than the miniature, whose goal is a fraction of this speed.
    """
    content = classifier(tokens=TOKENS, rows=_ROOM_FOR_IDS)
    (out / FLATBUFFER).write_bytes(content)
