"""A float32 FlatBuffer under a scheme, whichever converter wrote it.

litert-quantizer follows the scheme's rules; before and after it the file is rewritten: attention
masks that integers can hold, lookups as the operator that the scheme quantizes, outliers moved out
of activations, the constants of additions in integers. Imports ai-edge-litert: only the builder
comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.errors import EdgeproofError
from models.flatbuffers.addends import store_addends
from models.flatbuffers.gathers import with_gathers
from models.flatbuffers.graph import Graph
from models.flatbuffers.leveling import level
from models.flatbuffers.masks import clip_masks
from models.flatbuffers.observing import Observer, ranges_of
from models.flatbuffers.recipes import quantize

if TYPE_CHECKING:
    from models.flatbuffers.observing import Samples
    from models.flatbuffers.schemes import Scheme


class UnsupportedSchemeError(EdgeproofError):
    """A converter refused a scheme for this network; `what` carries its reason."""

    @classmethod
    def of(cls, scheme: Scheme, converter: str, error: Exception) -> UnsupportedSchemeError:
        """Return what to raise where a converter raised `error`."""
        reason = str(error).strip().splitlines()
        return cls(
            f"{converter} cannot make {scheme.name}: {reason[-1] if reason else error!r}",
            key="schemes",
            remedy="Leave the scheme out of the subject",
        )


def make_variant(plain: bytes, scheme: Scheme, samples: Samples | None) -> bytes:
    """Return a float32 FlatBuffer under `scheme`; the file itself where the scheme is float32.

    Args:
        plain: one subgraph and one signature, its inputs and its output called as
            `models.flatbuffers.signature` says, its attention masked before softmax.
        scheme: what to make.
        samples: calibration texts, one dictionary of [1, tokens] inputs each; only a scheme that
            is calibrated looks at them.

    Raises:
        UnsupportedSchemeError: litert-quantizer refused, or there is nothing to calibrate with.
    """
    if not scheme.rules:
        return plain
    try:
        made = _static(plain, scheme, samples) if scheme.calibrated else _plain(plain, scheme)
        return store_addends(made) if scheme.integer_weights else made
    except (RuntimeError, ValueError) as error:
        raise UnsupportedSchemeError.of(scheme, "litert_quantizer", error) from error


def _plain(plain: bytes, scheme: Scheme) -> bytes:
    return quantize(clip_masks(plain), scheme, None)


def _static(plain: bytes, scheme: Scheme, samples: Samples | None) -> bytes:
    if not samples:
        raise ValueError("it has to be calibrated, and there are no calibration texts")
    plain = with_gathers(clip_masks(plain))
    if scheme.leveled:
        plain, _ = level(plain, samples)
    return quantize(plain, scheme, ranges_of(Graph(plain), Observer(plain), samples))
