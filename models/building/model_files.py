"""Write and read the files of a trained model in the store: its weights, logits and card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save

from models.artefact_names import LEFT_OUT, LOGITS, MODEL_CARD, WEIGHTS
from models.networks.architecture import Architecture
from models.networks.parameters import count, counts

if TYPE_CHECKING:
    from pathlib import Path

    from models.artefact import Artefact
    from models.networks.parameters import Values


def write_model(  # noqa: PLR0913 - everything that is stored of a model
    out: Path,
    shape: Architecture,
    values: Values,
    logits: dict[str, Any],
    history: list[dict[str, Any]],
    *,
    head: str | None = None,
) -> None:
    """Write the weights, the logits and the card of a model.

    Args:
        out: the artefact's folder.
        shape: the network.
        values: its weights by name.
        logits: its logits [texts, classes] by split.
        history: one table for each epoch of its training.
        head: the checkpoint's own head, if it was left out.
    """
    # safetensors writes an array in its memory order, which transposes arrays in column order.
    values = {name: np.ascontiguousarray(value) for name, value in values.items()}
    # `save_file` is not used, because its error on a full disk does not name the cause.
    (out / WEIGHTS).write_bytes(save(values))
    np.savez(out / LOGITS, **logits)
    card = {
        "architecture": shape.describe(),
        "parameters": count(shape),
        "parts": counts(shape),
        "history": history,
    }
    if head is not None:
        card[LEFT_OUT] = head
    write_card(out / MODEL_CARD, card)


def read_model(artefact: Artefact) -> tuple[Architecture, Values]:
    """Return the network and the weights of a stored model."""
    shape = Architecture(**artefact.document(MODEL_CARD)["architecture"])
    return shape, load_file(artefact.path(WEIGHTS))


def write_card(path: Path, document: dict[str, Any]) -> None:
    """Write the card of an artefact as JSON."""
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
