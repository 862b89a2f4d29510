"""Provide TOML tables that the subjects of these tests share."""

from __future__ import annotations

# Enough texts for a few steps, but too few for learning.
CORPUS = """
[corpus]
source = "generated"
labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
counts = { train = 60, validation = 20, calibration = 10, test = 20 }
seed = 3
"""
TOKENIZER = """
[tokenizer]
source = "trained"
vocabulary = 200
"""
NETWORK = """
family = "mobilebert"
layers = 1
hidden = 16
heads = 2
intermediate = 16
activation = "relu"
normalization = "no_norm"
embedding = 8
bottleneck = 8
"""
TRAINING = "epochs = 1\nbatch = 16\nlearning_rate = 1e-3\n"
