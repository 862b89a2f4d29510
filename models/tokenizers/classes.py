"""List the supported tokenizer classes of `transformers` by name.

Which class a family's checkpoints have is in `models/encoder_families.toml`.
"""

from __future__ import annotations

# Classes that do not determine how texts are tokenized; a tokenizer.json does.
SAY_NOTHING = frozenset({"PreTrainedTokenizer", "TokenizersBackend"})
BERT, MPNET, ROBERTA = "BertTokenizer", "MPNetTokenizer", "RobertaTokenizer"
XLM_ROBERTA, ALBERT, DEBERTA_V2 = "XLMRobertaTokenizer", "AlbertTokenizer", "DebertaV2Tokenizer"

# Classes that tokenize texts as BERT does.
BERTS = frozenset(
    {
        BERT,
        *("DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer"),
        *("ConvBertTokenizer", "LayoutLMTokenizer", "LxmertTokenizer", "RetriBertTokenizer"),
        "SqueezeBertTokenizer",
    }
)
LIKE_BERT = SAY_NOTHING | BERTS
# MPNet has BERT's word pieces and RoBERTa's special tokens.
OF_WORD_PIECES = LIKE_BERT | {MPNET}
LIKE_ROBERTA = SAY_NOTHING | {ROBERTA, "BartTokenizer", "LongformerTokenizer"}

# Classes that never give the segments of a pair to a network.
_WITHOUT_SEGMENTS = frozenset(
    {"DistilBertTokenizer", MPNET, XLM_ROBERTA} | (LIKE_ROBERTA - SAY_NOTHING)
)
# Classes that gave the segments up to version 4 of `transformers`, but not since.
_WITHOUT_SEGMENTS_TODAY = frozenset({ALBERT, "TokenizersBackend"})


def plain_name(name: str | None) -> str | None:
    """Return a class's name without the "Fast" of the versions before 5; None for None."""
    return None if name is None else name.removesuffix("Fast")


def gives_segments(name: str | None, *, today: bool) -> bool:
    """Tell whether this tokenizer gives the segments of a pair in `transformers`.

    Args:
        name: of the class; None if nothing says it.
        today: whether version 5 or later wrote the settings.
    """
    plain = plain_name(name)
    return plain not in _WITHOUT_SEGMENTS and not (today and plain in _WITHOUT_SEGMENTS_TODAY)
