"""Make a corpus from a grammar or from files: read, clean, split, encode, store as one artefact."""
