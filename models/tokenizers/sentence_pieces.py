"""Read SentencePiece's .model files into tokenizers of the `tokenizers` library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from models.errors import UsageMistake
from models.tokenizers.encoder import Encoder, Padding
from models.tokenizers.library_errors import LibraryError, library_errors
from models.tokenizers.remedies import PADDED, write_token
from models.tokenizers.sentence_piece_file import (
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    PieceModel,
    damaged,
    read_pieces,
    unsupported,
)
from models.tokenizers.templates import around

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SPACE = "\u2581"

# SentencePiece's NFKC leaves this character unchanged. The placeholder for it during normalization
# occurs in no text.
_WIDE_TILDE, _IN_ITS_PLACE = "\uff5e", "\U000e0001"


def from_sentence_pieces(file: Path, declared: Mapping[str, Any]) -> Encoder:
    """Read a SentencePiece model.

    Args:
        file: the .model file.
        declared: the user's settings: `start` and `end`, the tokens around a text; `pad`, the
            padding token; `side`; `truncation`.

    Raises:
        UsageMistake: the file is damaged, or needs an unsupported feature.
    """
    model = read_pieces(file)
    words = {piece.text: at for at, piece in enumerate(model.pieces)}
    unknown = next((at for at, piece in enumerate(model.pieces) if piece.type == UNKNOWN), None)
    if unknown is None or len(words) != len(model.pieces):
        raise damaged(file, "it has no piece for unknown text, or lists a piece twice")
    try:
        with library_errors():
            library = _library(model, words, unknown)
            # Some damage only shows when a text is tokenized.
            Tokenizer.from_str(library.to_str()).encode("a b")
    except LibraryError as error:
        raise damaged(file, str(error)) from None
    _require_kept_pieces(model, library, file)
    for name in ("start", "end"):
        _require_piece(name, declared.get(name), words, file)
    library.post_processor = around(words, declared.get("start"), declared.get("end"))
    return Encoder(
        kind="sentencepiece",
        library=library,
        padding=_padding(model, words, declared, file),
        truncation=declared.get("truncation") or "right",
    )


def _library(model: PieceModel, words: dict[str, int], unknown: int) -> Tokenizer:
    if model.model_type == UNIGRAM:
        library = Tokenizer(models.Unigram(_scored(model), unknown, model.byte_fallback))
    else:
        user_pieces = [piece.text for piece in model.pieces if piece.type == USER_DEFINED]
        library = Tokenizer(
            models.BPE(
                vocab=words,
                merges=_merges(model, words),
                unk_token=model.pieces[unknown].text,
                fuse_unk=True,
                byte_fallback=model.byte_fallback,
                ignore_merges=bool(user_pieces),
            )
        )
        if user_pieces:
            user_pieces.sort(key=len, reverse=True)
            pattern = "|".join(map(_literal, user_pieces))
            library.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    library.normalizer = _normalizer(model)
    return library


def _scored(model: PieceModel) -> list[tuple[str, float]]:
    """Return the pieces with the scores that SentencePiece's unigram model uses.

    A space is appended to pieces that must not occur in texts: normalized texts contain no space.
    User-defined pieces get scores that are better than all others.
    """
    best = max((piece.score for piece in model.pieces if piece.type == NORMAL), default=0.0)
    scored = []
    for piece in model.pieces:
        if piece.type == USER_DEFINED:
            scored.append((piece.text, len(piece.text.encode()) * best - 0.1))
        elif piece.type in {UNKNOWN, CONTROL, UNUSED}:
            scored.append((f"{piece.text} ", 0.0))
        else:
            scored.append((piece.text, piece.score))
    return scored


def _merges(model: PieceModel, words: dict[str, int]) -> list[tuple[str, str]]:
    """Return all pairs of pieces that SentencePiece's BPE merges into a piece, the best first.

    SentencePiece merges the two neighbors whose union has the best score.
    """
    merges = []
    for piece in model.pieces:
        if piece.type != NORMAL:
            continue
        for at in range(1, len(piece.text)):
            left, right = piece.text[:at], piece.text[at:]
            if left in words and right in words:
                merges.append((-piece.score, words[left], words[right], left, right))
    return [(left, right) for *_, left, right in sorted(merges)]


def _normalizer(model: PieceModel) -> normalizers.Normalizer:
    """Return SentencePiece's normalization of a text, which precedes its search for pieces."""
    steps = _charsmap_steps(model)
    prefix = [normalizers.Prepend(" ")] if model.adds_prefix else []
    if model.removes_blanks:
        # At the end of a text, SentencePiece also removes its own symbol for a space, but not at
        # the beginning.
        steps.append(normalizers.Replace(Regex(rf"\A +|[ {_SPACE}]+\z"), ""))
        steps += [normalizers.Replace(Regex(" {2,}"), " "), *prefix]
    else:
        steps = [*prefix, *steps]
    steps.append(normalizers.Replace(" ", _SPACE))
    return normalizers.Sequence(steps)


def _charsmap_steps(model: PieceModel) -> list[normalizers.Normalizer]:
    """Return the normalization steps of the model's table of characters.

    The library looks up a letter together with its marks; if the table holds only the letter, the
    marks are lost. So Unicode's normal form, which the table contains, is applied first, and the
    table then changes little. A ligature with a mark (U+FB01 U+0308) still yields other pieces than
    SentencePiece.
    """
    if not model.charsmap:
        return []
    steps: list[normalizers.Normalizer] = []
    if "nfkc" in model.rule:
        aside = normalizers.Replace(_WIDE_TILDE, _IN_ITS_PLACE)
        back = normalizers.Replace(_IN_ITS_PLACE, _WIDE_TILDE)
        steps += [aside, normalizers.NFKC(), back]
    if "nmt" in model.rule:
        # Line ends, and the symbol for a space, become spaces; "\r\n" becomes two spaces.
        steps += [normalizers.Replace("\r", "\n"), normalizers.Replace(_SPACE, " ")]
    return [*steps, normalizers.Precompiled(model.charsmap)]


def _require_kept_pieces(model: PieceModel, library: Tokenizer, file: Path) -> None:
    """Check that the normalizer leaves user-defined pieces unchanged.

    Raises:
        UsageMistake: a user-defined piece is changed.
    """
    for piece in model.pieces:
        if piece.type != USER_DEFINED:
            continue
        normal = library.normalizer.normalize_str(f"a{piece.text}a")
        if not normal.endswith(f"a{piece.text}a"):
            raise unsupported(file, f"its piece {piece.text!r} is exempt from normalization")


def _literal(text: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in text)


def _require_piece(name: str, token: str | None, words: Mapping[str, int], file: Path) -> None:
    if token and token not in words:
        raise UsageMistake(
            f"does not hold {token!r}",
            file=file,
            key=f"tokenizer.{name}",
            remedy="Name one of its control pieces, such as <s>, </s>, [CLS] or [SEP]",
        )


def _padding(
    model: PieceModel, words: Mapping[str, int], declared: Mapping[str, Any], file: Path
) -> Padding:
    token, pieces = declared.get("pad"), len(model.pieces)
    if token is None and model.pad >= pieces:
        raise damaged(file, f"it has {pieces:,} pieces, but pads rows with number {model.pad}")
    if token is None and 0 <= model.pad < len(model.pieces):
        token = model.pieces[model.pad].text
    if token is None:
        token = next((piece for piece in ("<pad>", "[PAD]") if piece in words), None)
    else:
        _require_piece("pad", token, words, file)
    if token is None:
        raise UsageMistake(
            "does not define which piece pads rows",
            file=file,
            key="tokenizer.pad",
            remedy=write_token("pad", PADDED),
        )
    return Padding(token, words[token], declared.get("side") or "right")
