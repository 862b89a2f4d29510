"""Read a checkpoint in Hugging Face's layout, and check its config.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models.errors import UsageMistake
from models.files.json_documents import parse_json
from models.files.regular_files import LARGEST_TABLE, read_text
from models.input_roles import IDS, MASK, SEGMENTS
from models.networks.published import SAFETENSORS, SHARDED, TORCH, find_weights
from models.tokenizers.network_config import config_beside

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "config.json"
# Files with weights that PyTorch can load. A TensorFlow checkpoint or a FlatBuffer lacks
# information that it needs.
WEIGHTS = (SAFETENSORS, TORCH, *SHARDED)
_CLASSIFIER = "ForSequenceClassification"
# Limits far above any published encoder, so that a typing error gives a message and not hours of
# work.
_MOST = {"num_hidden_layers": 256, "n_layers": 256, "num_hidden_groups": 256}
_LARGEST_NUMBER = 1 << 22
_MOST_LABELS = 1000
_PUBLISHED = "Give the config.json that was published with these weights"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's folder and its config.

    Attributes:
        folder: folder of the checkpoint.
        model_type: family of the network.
        architectures: the classes of `transformers` from which it was saved.
        labels: labels in the order of the outputs; empty if the config names none.
        problem: value of `problem_type`; None if it is missing.
        config: the whole content of config.json.
    """

    folder: Path
    model_type: str
    architectures: tuple[str, ...]
    labels: tuple[str, ...]
    problem: str | None
    config: dict[str, Any] = field(repr=False)

    @property
    def file(self) -> Path:
        """Return the path of the checkpoint's config.json."""
        return self.folder / CONFIG

    @property
    def has_segments(self) -> bool:
        """Return whether the network has token type ids, which tell the texts of a pair apart."""
        beside = config_beside(self.file)
        return beside is not None and beside.takes_segments

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles of the network's inputs."""
        return (IDS, MASK, SEGMENTS) if self.has_segments else (IDS, MASK)

    def require_classifier(self) -> None:
        """Check that the checkpoint is a classifier with one label for each text.

        Raises:
            UsageMistake: the checkpoint is only an encoder, is for another task, is a regression,
                or gives several labels to a text.
        """
        if not any(name.endswith(_CLASSIFIER) for name in self.architectures):
            listed = ", ".join(self.architectures) or "nothing"
            raise self._mistake(
                f"is {listed[:200]}, which is not a text classifier",
                "architectures",
                f"Give a fine-tuned checkpoint (...{_CLASSIFIER}), or fine-tune this one with "
                "[full.training] in place of `trained = true`",
            )
        if self.problem == "regression" or len(self.labels) == 1:
            raise self._mistake(
                "gives a number and no label (a regression)",
                "problem_type" if self.problem else "id2label",
                "Give a checkpoint with two labels or more",
            )
        if self.problem == "multi_label_classification":
            raise self._mistake(
                "may give several labels to one text, but edgeproof judges one label per text",
                "problem_type",
                "Give a checkpoint of single_label_classification",
            )
        if not self.labels:
            raise self._mistake(
                "is missing, so the labels of the outputs are unknown",
                "id2label",
                'Write the labels in the order of training: {"0": "negative", "1": "positive"}',
            )

    def _mistake(self, problem: str, key: str, remedy: str) -> UsageMistake:
        return UsageMistake(problem, file=self.file, key=key, remedy=remedy)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read the config of a checkpoint that PyTorch can load.

    Raises:
        UsageMistake: see `read_config`; or the folder contains no weights that PyTorch can read.
    """
    checkpoint = read_config(folder)
    pattern, weights = find_weights(folder)
    if pattern not in WEIGHTS:
        raise UsageMistake(
            f"PyTorch cannot read {weights.name}",
            file=folder,
            key="checkpoint",
            remedy=f"Give a folder with one of {', '.join(WEIGHTS)}",
        )
    return checkpoint


def read_config(folder: Path) -> Checkpoint:
    """Read the config of a checkpoint, ignoring the other files of its folder.

    Raises:
        UsageMistake: config.json is missing, is not JSON, names no family, or contains an
            impossible value.
    """
    file = folder / CONFIG
    document = _read(file)
    family = document.get("model_type")
    if not isinstance(family, str) or not family:
        raise UsageMistake(
            "is missing, so the kind of network is unknown",
            file=file,
            key="model_type",
            remedy="Write the family, for example 'bert' or 'roberta'",
        )
    _check_numbers(document, file)
    return Checkpoint(
        folder=folder,
        model_type=family,
        architectures=_texts(document.get("architectures"), file, "architectures"),
        labels=_labels(document, file),
        problem=_problem(document, file),
        config=document,
    )


def family_in(folder: Path) -> str | None:
    """Return the family that a folder's config.json names; None if it names none.

    Raises:
        UsageMistake: config.json exists, but cannot be read.
    """
    file = folder / CONFIG
    family = _read(file).get("model_type") if file.is_file() else None
    return family if isinstance(family, str) else None


def _read(file: Path) -> dict[str, Any]:
    try:
        document = parse_json(read_text(file, LARGEST_TABLE))
    except FileNotFoundError:
        raise UsageMistake("no such file", file=file, remedy=_PUBLISHED) from None
    except (OSError, ValueError) as error:
        raise UsageMistake(
            f"cannot be read as JSON ({error})", file=file, remedy=_PUBLISHED
        ) from None
    if not isinstance(document, dict):
        raise UsageMistake(
            "contains JSON, but not an object at the top level", file=file, remedy=_PUBLISHED
        )
    return document


def _check_numbers(document: dict[str, Any], file: Path) -> None:
    """Reject implausible sizes before anything is built from them."""
    for key, value in document.items():
        most = _MOST.get(key, _LARGEST_NUMBER)
        if type(value) is int and not -most <= value <= most:
            raise UsageMistake(
                f"is {value}, but at most {most:,} is allowed",
                file=file,
                key=key,
                remedy=_PUBLISHED,
            )


def _labels(document: dict[str, Any], file: Path) -> tuple[str, ...]:
    """Return the labels in `id2label`, in the order of their ids."""
    names = document.get("id2label")
    if names is None:
        return ()
    mistake = UsageMistake(
        "must give every output, numbered from 0, a name of its own",
        file=file,
        key="id2label",
        remedy='Write for example {"0": "negative", "1": "positive"}',
    )
    if not isinstance(names, dict) or len(names) > _MOST_LABELS:
        raise mistake
    labels = [names.get(str(number)) for number in range(len(names))]
    texts = tuple(name for name in labels if isinstance(name, str) and name.strip())
    if len(texts) != len(names) or len(set(texts)) != len(texts):
        raise mistake
    return texts


def _problem(document: dict[str, Any], file: Path) -> str | None:
    problem = document.get("problem_type")
    if problem is None or isinstance(problem, str):
        return problem
    raise UsageMistake("is not a text", file=file, key="problem_type", remedy=_PUBLISHED)


def _texts(value: object, file: Path, key: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or any(not isinstance(text, str) for text in value):
        raise UsageMistake("is not a list of texts", file=file, key=key, remedy=_PUBLISHED)
    return tuple(value)
