"""List the supported tokenizer classes of `transformers` by name.

Which class a family's checkpoints have is in `models/encoder_families.toml`.
"""

from __future__ import annotations

# Classes that do not determine how texts are tokenized; a tokenizer.json does.
GENERIC_CLASSES = frozenset({"PreTrainedTokenizer", "TokenizersBackend"})
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
LIKE_BERT = GENERIC_CLASSES | BERTS
# MPNet has BERT's word pieces and RoBERTa's special tokens.
OF_WORD_PIECES = LIKE_BERT | {MPNET}
LIKE_ROBERTA = GENERIC_CLASSES | {ROBERTA, "BartTokenizer", "LongformerTokenizer"}

# Classes that never give the segments of a pair to a network.
_WITHOUT_SEGMENTS = frozenset(
    {"DistilBertTokenizer", MPNET, XLM_ROBERTA} | (LIKE_ROBERTA - GENERIC_CLASSES)
)
# Classes that gave the segments up to version 4 of `transformers`, but not since.
_WITHOUT_SEGMENTS_TODAY = frozenset({ALBERT, "TokenizersBackend"})


def plain_name(name: str | None) -> str | None:
    """Return a class's name without the "Fast" that `transformers` appended before version 5.

    For None, return None.
    """
    return None if name is None else name.removesuffix("Fast")


def gives_segments(name: str | None, *, today: bool) -> bool:
    """Tell whether a tokenizer class of `transformers` gives the network the segments of a pair.

    Args:
        name: name of the class; None if it is unknown.
        today: whether version 5 or later wrote the settings.
    """
    class_name = plain_name(name)
    return class_name not in _WITHOUT_SEGMENTS and not (
        today and class_name in _WITHOUT_SEGMENTS_TODAY
    )
