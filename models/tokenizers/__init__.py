"""Tokenizers: how other people's classifiers turn a text into ids."""
