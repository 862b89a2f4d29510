"""An encoder of each family is fine-tuned, converted and judged, with its own tokenizer.

Needs the dependency group `torch`.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from models.artefact_names import PARITY_CARD
from models.candidates.artefacts import read_card
from models.encoder_families import FAMILIES
from models.store import Store
from suites.meta.huggingface import small
from suites.meta.huggingface.building import build, judge
from suites.meta.tokenizers import checkpoint_folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suites.meta.gates.miniature import Miniature

pytestmark = [
    pytest.mark.skipif(
        find_spec("litert_torch") is None,
        reason="converting a checkpoint needs the dependency group 'torch'",
    ),
    pytest.mark.timeout(600),
]

# One family for each kind of tokenizer, which CI trains completely and judges. For the other
# families it only compares the converted file with PyTorch.
SHORT = {"distilbert", "roberta", "deberta-v3"}
NAMES = [
    pytest.param(name, marks=[] if name in SHORT else [pytest.mark.slow])
    for name in checkpoint_folders.FAMILIES
]


@pytest.mark.parametrize("name", NAMES)
def test_fine_tuned_model_of_each_family_is_converted_and_passes_its_gates(
    name: str, trained: Callable[[str], Miniature], tmp_path: Path
) -> None:
    mini = trained(name).copied_to(tmp_path / "store")
    store = Store(mini.store)
    cards = {name: read_card(store.artefact(stage)) for name, stage in mini.plan().variants.items()}
    assert {name: card.refused for name, card in cards.items()} == dict.fromkeys(cards)
    code, output = judge(mini.subject, mini.corpus, store, tmp_path / "reports")
    assert code == 0, output


@pytest.mark.parametrize(
    "name", [name for name in checkpoint_folders.FAMILIES if name not in SHORT]
)
def test_converted_model_of_each_family_gives_the_labels_of_pytorch(
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
        form: compared_form["same_labels"] for form, compared_form in compared["forms"].items()
    } == dict.fromkeys(("padded", "unpadded", "full length"), 1.0)
    cards = {name: read_card(store.artefact(stage)) for name, stage in plan.variants.items()}
    assert {name: card.refused for name, card in cards.items()} == dict.fromkeys(cards)


def test_every_family_marked_as_tested_has_a_test() -> None:
    tried = {family.model_type for family in checkpoint_folders.FAMILIES.values()}
    assert {family.name for family in FAMILIES.values() if family.tried} == tried


def test_fine_tuned_classifier_is_accepted_as_a_checkpoint_with_unchanged_logits(
    trained: Callable[[str], Miniature], tmp_path: Path, store: Store
) -> None:
    """A fine-tuned model can be used as a checkpoint, and then gives bit-identical logits."""
    mini = trained("distilbert")
    first = mini.stored("full")
    encoder = shutil.copytree(mini.folder / "encoder", tmp_path / "encoder")
    for member in ("config.json", "model.safetensors"):
        (encoder / member).write_bytes(first.read(member))
    again = tmp_path / "again.toml"
    small.write_subject(again, encoder, small.TRAINED, max_tokens=small.TOKENS)
    second = store.artefact(build(again, mini.corpus, store).full)
    logits = [artefact.arrays("logits.npz")["test"] for artefact in (first, second)]
    # Only the fine-tuned subject uses groups, but these texts have none, so that both make the same
    # rows.
    assert logits[0].tobytes() == logits[1].tobytes()
    assert json.loads(second.text("model.json"))["history"] == []
