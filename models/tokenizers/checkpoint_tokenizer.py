"""Read the tokenizer of a checkpoint's folder, with its length, padding and segments.

The vocabulary is tokenizer.json, vocab.txt, vocab.json with merges.txt, or a SentencePiece model.
tokenizer_config.json and config.json decide how it is read. `transformers` is not needed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, models

from models.errors import UsageMistake
from models.tokenizers.charsmaps import values_in
from models.tokenizers.checkpoint_files import SETTINGS, VOCABULARIES
from models.tokenizers.checkpoint_vocabulary import KEY, find_vocabulary, read_found
from models.tokenizers.classes import gives_segments
from models.tokenizers.network_config import CONFIG, NetworkConfig, class_named, config_beside
from models.tokenizers.settings import Settings, settings_beside
from models.tokenizers.templates import around

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from models.tokenizers.encoder import Encoder

LENGTH = "tokenizer.max_tokens"
_COMPLETE_FOLDER = (
    "Give the checkpoint's complete folder, preferably with the tokenizer.json and "
    "tokenizer_config.json that save_pretrained writes"
)
_SHORTER = "Lower tokenizer.max_tokens, or give a checkpoint that takes that many tokens"


@dataclass(frozen=True)
class CheckpointTokenizer:
    """A checkpoint's tokenizer, which cleans, pairs, truncates and pads texts for its network.

    Attributes:
        encoder: the tokenizer without a length.
        library: the same tokenizer with truncation and padding.
        max_tokens: length of its rows in tokens.
        longest: largest possible length of its rows in tokens; None if no file states it.
        has_segments: whether the network has an input that tells the texts of a pair apart.
    """

    encoder: Encoder
    library: Tokenizer
    max_tokens: int
    longest: int | None
    has_segments: bool

    @property
    def json(self) -> str:
        """Return the tokenizer as JSON of the `tokenizers` library, for a device."""
        return self.library.to_str()

    @property
    def pad_id(self) -> int:
        """Return the id of the padding token."""
        return self.encoder.padding.number

    @property
    def lowercase(self) -> bool:
        """Return whether the tokenizer converts texts to lower case."""
        return lowers(self.library)

    def rows(self, texts: Sequence[tuple[str, ...]]) -> dict[str, NDArray[np.int32]]:
        """Return ids, mask and segments of n texts or pairs, int32 [n, max_tokens] by role.

        Raises:
            UsageMistake: the library cannot encode a text.
        """
        return self.encoder.encode(texts, self.max_tokens)


def tokenizer_of(folder: Path, *, max_tokens: int | None, pairs: bool) -> CheckpointTokenizer:
    """Read the tokenizer of a checkpoint's folder.

    Args:
        folder: the folder, in Hugging Face layout.
        max_tokens: requested row length in tokens; None for the longest that the checkpoint takes.
        pairs: whether pairs of texts are encoded.

    Raises:
        UsageMistake: the folder has no tokenizer, it cannot be read, its files contradict each
            other, or rows of this length do not fit the network or the special tokens.
    """
    settings, network = _read_configs(folder)
    longest = _longest(settings, network)
    length = _length(max_tokens, longest, settings, folder)
    encoder = encoder_of(folder)
    _require_fit(encoder, network, folder / CONFIG)
    _require_room(encoder, length, pairs=pairs)
    class_name = class_named(folder / CONFIG, settings)
    has_segments = network.takes_segments and _gives_segments(settings or Settings(), class_name)
    if not has_segments:
        _drop_segments(encoder.library)
    return CheckpointTokenizer(
        encoder=encoder,
        library=encoder.bounded(length),
        max_tokens=length,
        longest=longest,
        has_segments=has_segments,
    )


def longest_of(folder: Path) -> int | None:
    """Return the largest row length of a checkpoint in tokens, without reading its vocabulary.

    Raises:
        UsageMistake: tokenizer_config.json or config.json cannot be read.
    """
    return _longest(*_read_configs(folder))


def encoder_of(folder: Path) -> Encoder:
    """Read the tokenizer of a checkpoint's folder, without a length.

    Raises:
        UsageMistake: the folder has no tokenizer, it cannot be read, or its files contradict each
            other.
    """
    try:
        return read_found(*find_vocabulary(folder), {})
    except UsageMistake as error:
        # A checkpoint has no [tokenizer] table, so a message must not ask to correct its keys.
        if error.key is None or not error.key.startswith(("tokenizer.", KEY)):
            raise
        problem, file = error.what, error.file or folder
        raise UsageMistake(problem, file=file, remedy=_COMPLETE_FOLDER) from None


def vocabulary_in(folder: Path) -> Path:
    """Return the path that messages name: the vocabulary file, or the folder if it has none."""
    return next((folder / name for name in VOCABULARIES if (folder / name).is_file()), folder)


def lowers(library: Tokenizer) -> bool:
    """Tell whether a tokenizer converts texts to lower case."""
    normalizer = library.normalizer
    description = None if normalizer is None else json.loads(normalizer.__getstate__())
    steps = (step for step in values_in(description) if isinstance(step, dict))
    return any(step.get("type") == "Lowercase" or step.get("lowercase") is True for step in steps)


def _read_configs(folder: Path) -> tuple[Settings | None, NetworkConfig]:
    # These functions take any file of the folder, and read the files beside it.
    beside = folder / CONFIG
    return settings_beside(beside), config_beside(beside) or NetworkConfig()


def _gives_segments(settings: Settings, name: str | None) -> bool:
    if settings.model_input_names is not None:
        return "token_type_ids" in settings.model_input_names
    return gives_segments(name, today=settings.backend is not None)


def _drop_segments(library: Tokenizer) -> None:
    """Give segment 0 to both texts of a pair, so that neither has segment 1."""
    if library.post_processor is None:
        return
    description = json.loads(library.post_processor.__getstate__())
    if description["type"] == "BertProcessing":
        (start, number), (end, end_number) = description["cls"], description["sep"]
        processor = around({start: number, end: end_number}, start, end)
        description = json.loads(processor.__getstate__())
    for step in values_in(description):
        if isinstance(step, dict) and "type_id" in step:
            step["type_id"] = 0
    # The library can only read complete tokenizers; this one has no words, so reading is fast.
    empty = json.loads(Tokenizer(models.BPE()).to_str()) | {"post_processor": description}
    library.post_processor = Tokenizer.from_str(json.dumps(empty)).post_processor


def _longest(settings: Settings | None, network: NetworkConfig) -> int | None:
    from_settings = None if settings is None else settings.longest
    lengths = [int(length) for length in (from_settings, network.longest) if length is not None]
    return min(lengths, default=None)


def _length(
    requested: int | None, longest: int | None, settings: Settings | None, folder: Path
) -> int:
    if requested is None and longest is None:
        raise UsageMistake(
            "the checkpoint does not state how many tokens its network takes",
            file=folder,
            key=LENGTH,
            remedy=f"Write max_tokens in [tokenizer], or model_max_length in {SETTINGS}",
        )
    if requested is None or longest is None or requested <= longest:
        return requested or longest or 0
    if settings is not None and settings.longest == longest:
        raise UsageMistake(
            f"is {longest}, but {LENGTH} is {requested}",
            file=folder / SETTINGS,
            key="model_max_length" if settings.model_max_length is not None else "max_len",
            remedy=_SHORTER,
        )
    raise UsageMistake(
        f"leaves {longest} positions, but {LENGTH} is {requested}",
        file=folder / CONFIG,
        key="max_position_embeddings",
        remedy=_SHORTER,
    )


def _require_room(encoder: Encoder, length: int, *, pairs: bool) -> None:
    special = encoder.library.num_special_tokens_to_add(pairs)
    if length <= special:
        raise UsageMistake(
            f"is {length}, which leaves no room for text: a "
            f"{'pair' if pairs else 'text'} needs {special} special tokens",
            key=LENGTH,
            remedy=f"Write {special + 1} or more",
        )


def _require_fit(encoder: Encoder, network: NetworkConfig, config: Path) -> None:
    """Check that the network has an embedding for each id, and the tokenizer's padding id."""
    rows = network.vocab_size
    if rows is not None and encoder.size > rows:
        raise UsageMistake(
            f"is {rows:,}, but the checkpoint's tokenizer gives ids up to {encoder.size - 1:,}",
            file=config,
            key="vocab_size",
            remedy="Give config, weights and tokenizer from the same checkpoint",
        )
    padding, own_padding = network.pad_token_id, encoder.padding
    if network.counts_from_padding and padding is not None and padding != own_padding.number:
        raise UsageMistake(
            f"is {padding}, but the checkpoint's tokenizer pads rows with "
            f"{own_padding.token!r}, number {own_padding.number}, so every position would be wrong",
            file=config,
            key="pad_token_id",
            remedy="Give config, weights and tokenizer from the same checkpoint",
        )
