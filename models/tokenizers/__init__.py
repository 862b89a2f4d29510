"""Turn texts into ids with other people's tokenizers."""
