"""List the files in a checkpoint's folder that decide which ids its tokenizer gives."""

from __future__ import annotations

SETTINGS = "tokenizer_config.json"
ADDED = "added_tokens.json"
TOKENS = "special_tokens_map.json"
MERGES = "merges.txt"
# Vocabulary files, with the kind of tokenizer that reads each. The first one that a folder contains
# is used.
VOCABULARIES = {
    "tokenizer.json": "huggingface",
    "vocab.txt": "wordpiece",
    "vocab.json": "byte_pairs",
    "spiece.model": "sentencepiece",
    "sentencepiece.bpe.model": "sentencepiece",
    "spm.model": "sentencepiece",
    "tokenizer.model": "sentencepiece",
}
FILES = (*VOCABULARIES, MERGES, SETTINGS, TOKENS, ADDED)
