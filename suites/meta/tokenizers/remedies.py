"""List the names of bad tokenizer files by the remedy that their message must contain."""

HELPS = {
    "Check the path": [
        "missing",
    ],
    "a kind is one of huggingface, wordpiece": [
        "a kind that is none, before a colon",
    ],
    "Give one of huggingface, wordpiece": [
        "an unknown kind",
    ],
    "or give the path of another file": [
        "empty",
        "blanks alone",
        "a lone byte order mark",
        "no words",
        "merges of nothing",
    ],
    "Save the file as UTF-8": [
        "UTF-16",
        "Latin-1",
    ],
    "Give the tokenizer's file": [
        "a folder without a tokenizer",
        "a folder for a kind of files",
    ],
    "docs/my-flatbuffer-tokenizers.md describes each": [
        "a kind that is not certain",
    ],
    "Write each word once, with its own number": [
        "a word twice",
        "an empty line twice",
        "a number twice",
    ],
    "Write one word per line, or WORD,NUMBER on every line": [
        "a word without its number",
        "a negative number",
        "scores for numbers",
        "numbers first",
        "a number without end",
    ],
    "Write the numbers that training gave": [
        "a huge number",
    ],
    "Write a JSON object of whole numbers by word": [
        "fractions",
        "truth for a number",
        "words that are none",
        "lists of lists",
        "a JSON number",
        "a JSON text",
    ],
    "Write the file again with a JSON library": [
        "NaN for a number",
        "cut JSON",
        "deep JSON",
        "half an emoji",
        "half a split",
        "half a setting",
        "a table that is damaged",
    ],
    "Keep one of the two": [
        "a key twice",
    ],
    "Give it as keras:FILE": [
        "Keras' JSON as a word list",
    ],
    'Write pad = "..." in [tokenizer]': [
        "no padding",
    ],
    'Write unknown = "..." in [tokenizer]': [
        "two tokens for the unknown",
        "no token for the unknown",
        "an oov_token that is not listed",
        "no special token",
        "a byte vocabulary of BERT",
    ],
    "Write the words that get_vocabulary() returns": [
        "no padding of TextVectorization",
    ],
    'Write start = "..." in [tokenizer]': [
        "a start that is not listed",
    ],
    "Give a tokenizer.json, or ids in a column of the corpus": [
        "a start with a meaning",
    ],
    "in the syntax of Oniguruma": [
        "a regular expression that is none",
        "another that is none",
    ],
    "Remove this key; the settings of this kind are": [
        "a setting of another kind",
    ],
    "Write the file with Tokenizer.to_json()": [
        "no word_index",
        "no config",
        "a table that is none",
        "settings of other types",
        "a negative limit",
        "an empty split",
    ],
    'Give tokenizer_config.json beside it (of the checkpoint, or {"do_lower_case": true}': [
        "no case",
    ],
    "Remove case from [tokenizer]": [
        "another case",
    ],
    'Write case = "unicode" or case = "kept"': [
        "case of ASCII alone",
    ],
    "Remove pad from [tokenizer]": [
        "another padding",
    ],
    "Give the vocabulary as it was published, or its tokenizer.json": [
        "pieces with a gap",
    ],
    "Correct the file, or download the complete checkpoint again": [
        "settings that are a list",
        "settings of another type",
        "settings that are damaged",
    ],
    "Give the checkpoint with its tokenizer.json, which says how to split": [
        "words that are cut otherwise",
    ],
    "Give its tokenizer.json, or ids in a column": [
        "another class",
        "CLIP's byte pairs",
    ],
    "Give the tokenizer.json that save_pretrained wrote": [
        "no tokenizer in the JSON",
        "a tokenizer of no type",
    ],
    "Put merges.txt beside vocab.json": [
        "no merges",
    ],
    "Download the checkpoint's complete merges.txt again": [
        "merges of three",
    ],
    "Download both files again": [
        "merges that do not fit",
    ],
    "Give the .model file that SentencePiece wrote": [
        "no model",
        "an empty model",
        "a text that is a model",
    ],
    "Name one of its control pieces": [
        "a start that is no piece",
        "a padding that is no piece",
    ],
    "name a column of ids with --edge-columns": [
        "a model of characters",
        "a model of words",
    ],
}
