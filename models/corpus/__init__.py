"""Texts from a grammar or from files: read, cleaned, split, encoded, written as one artefact."""
