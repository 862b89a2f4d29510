"""Translate publishers' names of parameters into edgeproof's names.

In edgeproof, a parameter has its Hugging Face name without the family's prefix (see `parameters`).
"""

from __future__ import annotations

_FAMILIES = ("bert.", "mobilebert.")
# Names of norms in Google's checkpoints and their first conversions to PyTorch, with today's names.
_NORMS = ((".gamma", ".weight"), (".beta", ".bias"))
# Parts of variable names in Google's checkpoints, with the parts of module names that replace them.
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
