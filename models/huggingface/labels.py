"""Match each output of a fine-tuned classifier with a label of the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import UsageMistake
from models.files.paths import common_form

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = "full.labels"


def labels_in_order(
    outputs: tuple[str, ...], mapping: Mapping[str, str], labels: tuple[str, ...], file: Path
) -> tuple[str, ...]:
    """Return the corpus's labels in the order of a classifier's outputs.

    Args:
        outputs: the names in the checkpoint's `id2label`, in order.
        mapping: the corpus's label by name of an output; empty if the names are equal, ignoring
            case.
        labels: labels of the corpus.
        file: the config.json that contains `outputs`, for messages.

    Raises:
        UsageMistake: an output has no label, or a label has no output.
    """
    unknown = [name for name in mapping if name not in outputs]
    if unknown:
        raise UsageMistake(
            f"{unknown[0]!r} is not one of the checkpoint's labels, {_listed(outputs)}",
            file=file,
            key=KEY,
            remedy=_remedy(outputs, labels),
        )
    by_look = {common_form(label): label for label in labels}
    ordered = tuple(mapping.get(name) or by_look.get(common_form(name), "") for name in outputs)
    if sorted(ordered) != sorted(labels):
        raise UsageMistake(
            f"the checkpoint's labels, {_listed(outputs)}, are not the corpus's, {_listed(labels)}",
            file=file,
            key="id2label",
            remedy=_remedy(outputs, labels),
        )
    return ordered


def _remedy(outputs: tuple[str, ...], labels: tuple[str, ...]) -> str:
    if len(outputs) != len(labels):
        return (
            f"Give a corpus with the checkpoint's {len(outputs)} labels, or a "
            f"checkpoint with the corpus's {len(labels)}"
        )
    example = ", ".join(
        f'"{name}" = "{label}"' for name, label in zip(outputs, labels, strict=True)
    )
    return (
        "Map the checkpoint's labels to the corpus's in the subject, for example "
        f"labels = {{ {example[:200]} }} below [full]"
    )


def _listed(names: tuple[str, ...]) -> str:
    first_names = ", ".join(map(repr, names[:10]))
    return first_names if len(names) <= 10 else f"{first_names} and {len(names) - 10} more"  # noqa: PLR2004 - the number of names that are shown
