"""An encoder of each family is fine-tuned, converted and judged, with its own tokenizer.

Needs the dependency group `torch`.
"""

from __future__ import annotations

import io
import json
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from models.artefact_names import PARITY_CARD
from models.building.plan import make_plan, make_request
from models.candidates.artefacts import read_card
from models.families import FAMILIES
from models.progress import Progress
from models.subjects import load_subject
from suites.meta.gates.running import run_pytest
from suites.meta.huggingface import small
from suites.meta.tokenizers import checkpoint_folders

if TYPE_CHECKING:
    from pathlib import Path

    from models.building.plan import Plan
    from models.store import Store

pytestmark = [
    pytest.mark.skipif(
        find_spec("litert_torch") is None,
        reason="converting a checkpoint needs the dependency group 'torch'",
    ),
    pytest.mark.timeout(600),
]
GATES = ("suites/accuracy", "suites/agreement", "suites/conformance", "suites/privacy")


def build(subject: Path, corpus: Path, store: Store) -> Plan:
    """Make every artefact of a subject in this process, which has imported PyTorch already."""
    from models.huggingface.builder import Builder  # noqa: PLC0415 - PyTorch

    plan = make_plan(make_request(load_subject(str(subject)), corpus=corpus))
    with warnings.catch_warnings():
        # The builder's own process lets libraries warn of each other; these tests make it an error.
        warnings.simplefilter("ignore")
        Builder(store, plan, Progress(io.StringIO())).build()
    return plan


def judge(subject: Path, corpus: Path, store: Store, reports: Path) -> tuple[int, str]:
    """Run the gates on a subject; return the exit code and the output."""
    given = [f"--edge-subject={subject}", f"--edge-corpus={corpus}"]
    done = run_pytest(reports, [*GATES, *given, f"--edge-cache-dir={store.root}"])
    return done.code, done.output


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled texts that each family learns."""
    file = tmp_path_factory.mktemp("texts") / "texts.csv"
    small.write_texts(file)
    return file


# One for each kind of tokenizer, which CI trains to the end and judges; of the others it compares
# the converted file with PyTorch.
SHORT = {"distilbert", "roberta", "deberta-v3"}
NAMES = [
    pytest.param(name, marks=[] if name in SHORT else [pytest.mark.slow])
    for name in checkpoint_folders.FAMILIES
]


@pytest.mark.parametrize("name", NAMES)
def test_family_is_trained_converted_and_judged_right(
    name: str, corpus: Path, tmp_path: Path, store: Store
) -> None:
    subject = tmp_path / "small.toml"
    small.make_encoder(name, tmp_path / "encoder")
    small.write_subject(subject, tmp_path / "encoder", small.TRAINING, max_tokens=small.TOKENS)
    plan = build(subject, corpus, store)
    cards = {name: read_card(store.artefact(stage)) for name, stage in plan.variants.items()}
    assert {name: card.refused for name, card in cards.items()} == dict.fromkeys(cards)
    code, output = judge(subject, corpus, store, tmp_path / "reports")
    assert code == 0, output


@pytest.mark.parametrize(
    "name", [name for name in checkpoint_folders.FAMILIES if name not in SHORT]
)
def test_family_is_converted_and_answers_as_pytorch(
    name: str, tmp_path: Path, store: Store
) -> None:
    corpus, subject = tmp_path / "texts.csv", tmp_path / "small.toml"
    small.write_texts(corpus, small.FEW)
    small.make_encoder(name, tmp_path / "encoder")
    settings = {"counts": small.FEW, "max_tokens": small.TOKENS}
    small.write_subject(subject, tmp_path / "encoder", small.ONE_EPOCH, **settings)
    plan = build(subject, corpus, store)
    assert plan.parity is not None
    compared = store.artefact(plan.parity).document(PARITY_CARD)
    assert compared["departs"] is None
    assert {
        form: found["same_labels"] for form, found in compared["forms"].items()
    } == dict.fromkeys(("padded", "unpadded", "full length"), 1.0)
    cards = {name: read_card(store.artefact(stage)) for name, stage in plan.variants.items()}
    assert {name: card.refused for name, card in cards.items()} == dict.fromkeys(cards)


def test_every_family_of_the_table_is_tried() -> None:
    tried = {family.model_type for family in checkpoint_folders.FAMILIES.values()}
    assert {family.name for family in FAMILIES.values() if family.tried} == tried


def test_trained_classifier_goes_in_as_it_was_saved(
    corpus: Path, tmp_path: Path, store: Store
) -> None:
    """The result of a fine-tuning is accepted as a checkpoint with the same answers."""
    subject, encoder = tmp_path / "first.toml", tmp_path / "encoder"
    small.make_encoder("distilbert", encoder)
    small.write_subject(subject, encoder, small.TRAINING, max_tokens=small.TOKENS)
    first = store.artefact(build(subject, corpus, store).full)
    for member in ("config.json", "model.safetensors"):
        (encoder / member).write_bytes(first.read(member))
    again = tmp_path / "again.toml"
    small.write_subject(again, encoder, small.TRAINED, max_tokens=small.TOKENS)
    second = store.artefact(build(again, corpus, store).full)
    logits = [one.arrays("logits.npz")["test"] for one in (first, second)]
    # A fine-tuned subject gives texts their group, and these have none: the rows are the same.
    assert logits[0].tobytes() == logits[1].tobytes()
    assert json.loads(second.text("model.json"))["history"] == []
