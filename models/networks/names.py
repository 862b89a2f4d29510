"""Translate publishers' names of parameters into edgeproof's names.

Here, a parameter has its Hugging Face name without the family's prefix (see `parameters`).
"""

from __future__ import annotations

_FAMILIES = ("bert.", "mobilebert.")
# Norms as the first PyTorch conversions of Google's checkpoints, and Google, call them.
_NORMS = ((".gamma", ".weight"), (".beta", ".bias"))
# Google's variables: scopes for modules, one variable per table.
_GOOGLE = (
    ("/", "."),
    ("ffn_layer_", "ffn."),
    ("layer_", "layer."),
    ("FakeLayerNorm", "LayerNorm"),
    ("_embeddings", "_embeddings.weight"),
    (".kernel", ".weight"),
)


def from_hugging_face(name: str) -> str:
    """Return edgeproof's name of a parameter of a Hugging Face checkpoint."""
    for family in _FAMILIES:
        name = name.removeprefix(family)
    for old, new in _NORMS:
        if name.endswith(old):
            name = name.removesuffix(old) + new
    return name


def from_google(name: str) -> str:
    """Return edgeproof's name of a variable of a TensorFlow 1 checkpoint."""
    for old, new in _GOOGLE:
        name = name.replace(old, new)
    return from_hugging_face(name)
