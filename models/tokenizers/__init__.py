"""Turn texts into ids with the tokenizers of published models and of users' files."""
