"""Load a classifier of `transformers`, with its weights and config. Imports PyTorch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from safetensors.numpy import save

from models.errors import EdgeproofError, UsageMistake
from models.flatbuffers.signature import NAMES
from models.huggingface.parity import unpadded
from models.networks.published import find_weights, read_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.corpus.tokenize import Encoded
    from models.huggingface.checkpoint import Checkpoint
    from models.networks.tensors import Tensors

_BATCH = 32
# Prefixes of the classifier's parameters, which are initialized again if the labels differ.
_HEADS = ("classifier.", "pre_classifier.", "score.")
_NORMS = ((".gamma", ".weight"), (".beta", ".bias"))
_ANOTHER = "Give the config.json and the weights of one checkpoint"


class Network:
    """A classifier on the CPU, in evaluation mode unless it is being trained.

    Args:
        model: a model of `transformers`.
        roles: roles of its inputs, a subset of `ROLES`.
    """

    def __init__(self, model: Any, roles: tuple[str, ...]) -> None:
        self.model = model.eval()
        self.roles = roles

    @property
    def parameters(self) -> int:
        """Return the number of trainable values of the network."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    def inputs(self, rows: Encoded, chosen: slice | NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Return the chosen rows [n, tokens] as tensors, by the name of the model's argument."""
        return {
            NAMES[role]: torch.from_numpy(np.ascontiguousarray(getattr(rows, role)[chosen]))
            for role in self.roles
        }

    def answer(self, rows: Encoded) -> NDArray[np.float32]:
        """Return the logits of every row, [n, labels].

        Raises:
            EdgeproofError: a logit is not finite.
        """
        batches = []
        with torch.inference_mode():
            for start in range(0, len(rows.ids), _BATCH):
                inputs = self.inputs(rows, slice(start, start + _BATCH))
                batches.append(self.model(**inputs).logits.float().numpy())
        logits = np.concatenate(batches)
        if not np.isfinite(logits).all():
            raise EdgeproofError(
                "the network gives NaN or infinity even in PyTorch",
                key="full.checkpoint",
                remedy="Train it anew with a lower learning rate, or give another checkpoint",
            )
        return logits

    def answer_unpadded(self, rows: Encoded) -> NDArray[np.float32]:
        """Return the logits [n, labels] of every row, classified without the padding at its end."""
        answers = (self.answer(unpadded(rows.rows([number]))) for number in range(len(rows)))
        return np.concatenate(list(answers))

    def samples(self, rows: Encoded) -> list[dict[str, NDArray[np.int32]]]:
        """Return, for each row, its inputs [1, tokens] by their names in a signature."""
        return [
            {NAMES[role]: getattr(rows, role)[number : number + 1] for role in self.roles}
            for number in range(len(rows))
        ]

    def weights(self) -> bytes:
        """Return the weights as a safetensors file."""
        values = {name: value.numpy() for name, value in self.model.state_dict().items()}
        return bytes(save({name: np.ascontiguousarray(tensor) for name, tensor in values.items()}))

    def config(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return the content of its config.json, with the labels of the outputs."""
        document = dict(self.model.config.to_dict())
        names = {str(number): label for number, label in enumerate(labels)}
        return document | {
            "architectures": [type(self.model).__name__],
            "id2label": names,
            "label2id": {label: int(number) for number, label in names.items()},
        }

    def parts(self) -> dict[str, int]:
        """Return the number of trainable values by part: embeddings, encoder layers, classifier."""
        prefix = f"{self.model.base_model_prefix}."
        counts: Counter[str] = Counter()
        for name, parameter in self.model.named_parameters():
            inside = name.startswith(prefix)
            counts[_part_of(name.removeprefix(prefix)) if inside else "classifier"] += (
                parameter.numel()
            )
        return dict(counts)


def _part_of(name: str) -> str:
    return "embeddings" if "embedding" in name.partition(".")[0] else "encoder_layers"


def load_network(checkpoint: Checkpoint, *, classes: int | None = None, seed: int = 0) -> Network:
    """Load a checkpoint as a classifier.

    Args:
        checkpoint: an encoder or a classifier.
        classes: number of labels of a new head; None to use the checkpoint's own head.
        seed: seed of a new head's weights.

    Raises:
        UsageMistake: `transformers` has no such classifier, or a weight is missing or has another
            shape than the config requires.
    """
    config = _config(checkpoint, classes)
    expected = _expected(checkpoint, config)
    _, file = find_weights(checkpoint.folder)
    stored = read_tensors(checkpoint.folder, _current_name)
    fitting = _fitting(stored, expected, file, fresh_head=classes is not None)
    torch.manual_seed(seed)
    model = transformers.AutoModelForSequenceClassification.from_config(
        config, attn_implementation="eager", dtype=torch.float32
    )
    model.load_state_dict(fitting, strict=False)
    return Network(model, checkpoint.roles)


def _config(checkpoint: Checkpoint, classes: int | None) -> Any:
    """Return the config as an object of `transformers`, without running the checkpoint's code."""
    document = {k: v for k, v in checkpoint.config.items() if k not in _NOT_ABOUT_THE_NETWORK}
    if classes is not None:
        document = {k: v for k, v in document.items() if k not in {"id2label", "label2id"}}
        document |= {"num_labels": classes, "problem_type": None}
    try:
        return transformers.AutoConfig.for_model(**document)
    # Each family validates its config differently.
    except Exception as error:  # noqa: BLE001 - there is no common class of these errors
        raise UsageMistake(
            f"transformers {transformers.__version__} cannot read this config "
            f"({first_line(error)})",
            file=checkpoint.file,
            remedy=_ANOTHER,
        ) from None


# Keys of config.json about how the checkpoint was saved, and about code to load for it.
_NOT_ABOUT_THE_NETWORK = {
    "auto_map",
    "_name_or_path",
    "transformers_version",
    "torch_dtype",
    "dtype",
    "quantization_config",
    "_attn_implementation",
    "attn_implementation",
}


@dataclass(frozen=True)
class _Expected:
    """The shape of each parameter, and the prefix of the encoder's parameters."""

    shapes: Mapping[str, tuple[int, ...]]
    prefix: str


def _expected(checkpoint: Checkpoint, config: Any) -> _Expected:
    """Return the parameters' shapes, from an instance that allocates no memory for weights."""
    try:
        with torch.device("meta"):
            model = transformers.AutoModelForSequenceClassification.from_config(
                config, attn_implementation="eager"
            )
    # Each class raises errors of its own, for example for a family without a classifier or for
    # sizes that do not divide.
    except Exception as error:  # noqa: BLE001 - there is no common class of these errors
        raise UsageMistake(
            f"transformers {transformers.__version__} cannot make a classifier of the family "
            f"{checkpoint.model_type!r} from this config ({first_line(error)})",
            file=checkpoint.file,
            key="model_type",
            remedy=_ANOTHER,
        ) from None
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    return _Expected(shapes, f"{model.base_model_prefix}.")


def _fitting(
    stored: Tensors, expected: _Expected, file: Path, *, fresh_head: bool
) -> dict[str, torch.Tensor]:
    """Return the network's weights in float32, by parameter name.

    The parameters of a classifier's encoder have a prefix in their names, which an encoder's own
    checkpoint omits. With `fresh_head`, the parameters of the head are left out.
    """
    fitting: dict[str, torch.Tensor] = {}
    for name, shape in expected.shapes.items():
        if fresh_head and name.startswith(_HEADS):
            continue
        values = stored.get(name, stored.get(name.removeprefix(expected.prefix)))
        if values is None and fresh_head and _belongs_to_head(name, expected.prefix):
            continue
        if values is None:
            raise _misfit(file, name, "is missing", shape)
        if values.shape != shape:
            raise _misfit(file, name, f"has shape {list(values.shape)}", shape)
        fitting[name] = torch.from_numpy(np.array(values, np.float32))
    return fitting


def _belongs_to_head(name: str, prefix: str) -> bool:
    """Tell whether a parameter belongs to the head, the layers between encoder and labels."""
    return "pooler." in name or not name.startswith(prefix)


def _misfit(file: Path, name: str, problem: str, shape: tuple[int, ...]) -> UsageMistake:
    return UsageMistake(
        f"the tensor {problem}; expected shape {list(shape)}", file=file, key=name, remedy=_ANOTHER
    )


def _current_name(name: str) -> str:
    """Return the current name of a parameter from an early checkpoint."""
    for old, new in _NORMS:
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def first_line(error: Exception) -> str:
    """Return the first line of a library's error, shortened."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
