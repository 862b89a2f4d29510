"""Quantization schemes, named by the grammar of ai-edge-quantizer.

    float32 | float16 | dynamic_wi<bits>_afp32 | static_wi<bits>_ai<bits>

`w` is for weights, `a` for activations, `i` for integer, `fp` for floating point. `dynamic`
quantizes activations while it computes, `static` with ranges found on calibration tweets.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import UsageMistake


@dataclass(frozen=True)
class Scheme:
    """How one variant stores its weights and computes.

    Attributes:
        name: by the grammar above.
        weight_bits: bits of a stored weight.
        integer_weights: whether weights are stored as integers.
        integer_activations: whether activations are stored as integers.
        calibrated: whether conversion needs calibration tweets.
        converter: `tflite` (TensorFlow's) or `ai_edge_quantizer`.
    """

    name: str
    weight_bits: int
    integer_weights: bool
    integer_activations: bool
    calibrated: bool
    converter: str


# What every other scheme is compared with.
REFERENCE = "float32"

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("float32", 32, False, False, False, "tflite"),
        Scheme("float16", 16, False, False, False, "tflite"),
        # TensorFlow's converter also quantizes the embedding table, which the other leaves float.
        Scheme("dynamic_wi8_afp32", 8, True, False, False, "tflite"),
        # On NoNorm networks ai-edge-quantizer's ranges keep the answers where TensorFlow's do not.
        Scheme("static_wi8_ai8", 8, True, True, True, "ai_edge_quantizer"),
    )
}


def scheme_named(name: str, *, where: str = "--edge-schemes") -> Scheme:
    """Return the scheme called `name`.

    Raises:
        UsageMistake: edgeproof does not know it; lists those it knows.
    """
    if name not in SCHEMES:
        raise UsageMistake(
            f"no scheme is called {name!r}",
            key=where,
            remedy=f"Give some of {', '.join(SCHEMES)}",
        )
    return SCHEMES[name]
