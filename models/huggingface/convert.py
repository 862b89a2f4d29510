"""Convert a network to a float32 FlatBuffer with litert-torch. Imports PyTorch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from models.errors import EdgeproofError
from models.flatbuffers.signature import LOGITS, NAMES
from models.flatbuffers.simplifying import simplify

if TYPE_CHECKING:
    from models.huggingface.network import Network

SIGNATURE = "serving_default"


def convert(network: Network, tokens: int) -> bytes:
    """Return the float32 FlatBuffer of a network, with inputs of shape [1, tokens].

    The inputs of its signature are int32 and have the names in `NAMES`; its output is `logits`.

    Raises:
        EdgeproofError: the converter failed; the message says why.
    """
    import litert_torch  # noqa: PLC0415 - takes ten seconds to import

    # In alphabetical order, which is also the signature's, so binding by position works too.
    names = sorted(NAMES[role] for role in network.roles)
    sample = {name: torch.ones((1, tokens), dtype=torch.int32) for name in names}
    try:
        converted = litert_torch.signature(
            SIGNATURE, Logits(network.model).eval(), sample_kwargs=sample
        ).convert()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "float32.tflite"
            converted.export(str(path))
            return simplify(path.read_bytes())
    # PyTorch's export, the lowering and the converter raise different errors for each operator.
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        message = lines[0].strip()[:300] if lines else type(error).__name__
        raise EdgeproofError(
            f"litert-torch {litert_torch.__version__} cannot convert this "
            f"{network.model.config.model_type} network ({message})",
            key="full.checkpoint",
            remedy="Convert it with another tool, and judge the file (docs/my-flatbuffer.md)",
        ) from error


class Logits(torch.nn.Module):  # type: ignore[misc] # the group `dev` has no PyTorch
    """A module that runs a classifier, and returns only its logits, under the name `LOGITS`."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the logits [1, labels], by the name of the output."""
        return {LOGITS: self.model(**inputs).logits}
