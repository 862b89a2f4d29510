"""Read the quantization schemes in `schemes.toml`, which defines the grammar of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from models import former_names
from models.errors import UsageMistake
from models.files.toml_tables import Table, read_table

_TABLE = Path(__file__).with_name("schemes.toml")
# Weights with this number of bits are float16; integer weights have fewer.
FLOAT16_BITS = 16


class Rule(Table, frozen=True, kw_only=True):
    """A rule that says how litert-quantizer treats some operators.

    Attributes:
        operators: names of the operators; `*` for all that litert-quantizer can quantize.
        computes: `integer` for integers only; `hybrid` for integer weights and float activations,
            which the kernel quantizes; `float` for weights that are unpacked first.
        weight_bits: bits of a stored weight; 16 means float16.
        activation_bits: bits of a stored activation; None if activations stay float32.
        scales: the weights that share a scale: a channel, the whole tensor, or 32 in a block.
    """

    operators: tuple[str, ...]
    computes: Literal["integer", "hybrid", "float"]
    weight_bits: Literal[4, 8, 16]
    activation_bits: Literal[8, 16] | None = None
    scales: Literal["channel", "tensor", "block32"] = "channel"

    def __post_init__(self) -> None:
        if (self.computes == "integer") != (self.activation_bits is not None):
            raise ValueError(
                '`computes = "integer"` needs `activation_bits`, and nothing else takes them'
            )
        if self.weight_bits == FLOAT16_BITS and self.computes != "float":
            raise ValueError('`weight_bits = 16` is for `computes = "float"`')


class Scheme(Table, frozen=True, kw_only=True):
    """A scheme: how a variant stores its weights and computes.

    Attributes:
        name: the name, in the grammar of `schemes.toml`.
        converter: the converter for edgeproof's own networks: TensorFlow's (`tflite`), or
            TensorFlow's followed by litert-quantizer.
        why: the reason for this converter.
        weights: the type of the weights that TensorFlow's converter stores.
        dense_scales: the weights of a dense layer to which TensorFlow's converter gives one scale.
        rules: the recipe for litert-quantizer, in which later rules override earlier ones; without
            rules, a file is not changed.
        leveled: whether scales are first moved out of activations (outlier smoothing).
        integer_output: whether the logits are stored as integers too.
    """

    name: str
    converter: Literal["tflite", "litert_quantizer"]
    why: str
    weights: Literal["float32", "float16", "int8"] = "float32"
    dense_scales: Literal["channel", "tensor"] = "channel"
    rules: tuple[Rule, ...] = ()
    leveled: bool = False
    integer_output: bool = False

    def __post_init__(self) -> None:
        if not self.rules and self.converter == "litert_quantizer":
            raise ValueError('`converter = "litert_quantizer"` needs `rules`')

    @property
    def calibrated(self) -> bool:
        """Return whether conversion needs calibration texts."""
        return any(rule.activation_bits for rule in self.rules)

    @property
    def integer_softmax(self) -> bool:
        """Return whether masked scores are stored as integers."""
        return any({"*", "SOFTMAX"} & set(rule.operators) for rule in self.rules)

    @property
    def integer_weights(self) -> bool:
        """Return whether weights are stored as integers."""
        return any(rule.weight_bits < FLOAT16_BITS for rule in self.rules)

    @property
    def looks_up(self) -> bool:
        """Return whether networks look words up by EMBEDDING_LOOKUP, which has a hybrid kernel."""
        has_lookup = any("EMBEDDING_LOOKUP" in rule.operators for rule in self.rules)
        return has_lookup and self.converter == "litert_quantizer"


class _Schemes(Table, frozen=True, kw_only=True):
    schemes: tuple[Scheme, ...]


# Scheme with which every other scheme is compared.
REFERENCE = "float32"

SCHEMES = {scheme.name: scheme for scheme in read_table(_TABLE, _Schemes).schemes}


def scheme_named(name: str, *, key: str = "--edge-schemes") -> Scheme:
    """Return the scheme called `name`.

    Raises:
        UsageMistake: there is no such scheme; the message lists the known ones.
    """
    if name not in SCHEMES:
        raise UsageMistake(
            f"no scheme is called {name!r}",
            key=key,
            remedy=former_names.remedy_for(
                name, former_names.SCHEMES, f"Give some of {', '.join(SCHEMES)}"
            ),
        )
    return SCHEMES[name]
