"""BERT and MobileBERT on `keras.ops` alone, with the parameter names of published checkpoints."""
