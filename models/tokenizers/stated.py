"""Apply the settings of tokenizer_config.json about case and spaces to a tokenizer.json.

For classes like BERT's and RoBERTa's, `transformers` builds the tokenizer from these settings and
ignores their values in tokenizer.json, so that networks are trained with the settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenizers import normalizers, pre_tokenizers

from models.errors import UsageMistake
from models.tokenizers.checkpoint_files import SETTINGS
from models.tokenizers.classes import BERTS, GENERIC_CLASSES, LIKE_ROBERTA, MPNET, plain_name

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from models.tokenizers.settings import Settings

_LOWERS = BERTS | {MPNET}
# Settings that determine a BertNormalizer. For each: the name of the normalizer's argument, and the
# default in `transformers`.
_KEYS: dict[str, tuple[str, bool | None]] = {
    "do_lower_case": ("lowercase", True),
    "strip_accents": ("strip_accents", None),
    "tokenize_chinese_chars": ("handle_chinese_chars", True),
}


def apply_settings(library: Tokenizer, settings: Settings, name: str | None, file: Path) -> None:
    """Change the tokenizer of a tokenizer.json according to the settings beside it.

    Args:
        library: the tokenizer, which is changed.
        settings: the content of tokenizer_config.json.
        name: the class that reads it in `transformers`; None if it is unknown.
        file: the tokenizer.json, for messages.

    Raises:
        UsageMistake: a setting is missing, and its default in `transformers` contradicts
            tokenizer.json.
    """
    if name in GENERIC_CLASSES:
        return
    if name is None or name in _LOWERS:
        _apply_to_normalizer(library, settings, file)
    if name in LIKE_ROBERTA:
        _apply_to_prefix(library, settings)


def _apply_to_normalizer(library: Tokenizer, settings: Settings, file: Path) -> None:
    in_file = json.loads(library.normalizer.__getstate__()) if library.normalizer else {}
    if in_file.pop("type", None) != "BertNormalizer":
        return
    if plain_name(settings.tokenizer_class) in _LOWERS:
        _require_stated(in_file, settings, file)
    in_settings = {to: getattr(settings, key) for key, (to, _) in _KEYS.items()}
    changed = in_file | {key: value for key, value in in_settings.items() if value is not None}
    if changed != in_file:
        library.normalizer = normalizers.BertNormalizer(**changed)


def _require_stated(in_file: dict[str, Any], settings: Settings, file: Path) -> None:
    """Check that a missing setting's default in its tokenizer class agrees with tokenizer.json."""
    for key, (to, assumed) in _KEYS.items():
        if getattr(settings, key) is None and in_file[to] != assumed:
            raise UsageMistake(
                f"is missing: {settings.tokenizer_class} assumes {json.dumps(assumed)}, but "
                f"{file.name} has {json.dumps(in_file[to])}",
                file=file.with_name(SETTINGS),
                key=key,
                remedy=f'Write "{key}": {json.dumps(in_file[to])} there if the network was trained '
                f"with it, otherwise {json.dumps(assumed)}",
            )


def _apply_to_prefix(library: Tokenizer, settings: Settings) -> None:
    splitter = library.pre_tokenizer
    if settings.add_prefix_space is not None and isinstance(splitter, pre_tokenizers.ByteLevel):
        splitter.add_prefix_space = settings.add_prefix_space
