"""Name the files of a checkpoint's folder that decide the ids of its tokenizer."""

from __future__ import annotations

SETTINGS = "tokenizer_config.json"
ADDED = "added_tokens.json"
TOKENS = "special_tokens_map.json"
MERGES = "merges.txt"
# Those that hold the vocabulary, by the kind of tokenizer that reads them; the first that a folder
# has is read.
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
